//! The engine's side of a call: start it, wait for it, or find one that an earlier engine started.
#![expect(clippy::disallowed_methods, reason = "the supervisor is started here")]

use super::{
    ANSWER, Ended, How, INPUT, LOCK, ORDER, Order, PROMPT, STATUS, STDERR, STDERR_KEPT, STDOUT, SUPERVISOR,
    Status, Task, stderr_text,
};
use crate::diag::{Problem, Result};
use crate::fs::{self, Lock};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::File;
use std::future::Future;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// Runs a program for one call and waits for its end, or ends it when `stop` is ready. `supervisor` is the path of this
/// binary. If the future is dropped, or this process dies, the program runs on: [`recover`] finds it.
///
/// Needs a tokio runtime with I/O and time. An error means that nothing was run, or that its results cannot be read.
pub async fn run(order: &Order, supervisor: &Path, stop: impl Future<Output = ()>) -> Result<Ended> {
    let mut child = start(order, supervisor)?;
    let mut stopped = false;
    let waited = tokio::select! {
        waited = child.wait() => waited,
        () = stop => {
            stopped = true;
            if let Some(pid) = child.id().and_then(|id| Pid::from_raw(id.cast_signed())) {
                // It can only be gone already, which `wait` will tell.
                let _ = kill_process(pid, Signal::TERM);
            }
            child.wait().await
        }
    };
    waited.map_err(|e| Problem::io("wait for", supervisor, &e))?;
    let dir = order.dir.clone();
    let mut ended = tokio::task::spawn_blocking(move || collect(&dir))
        .await
        .map_err(|e| Problem::internal("reading a call's results failed").because(e))??;
    if stopped && matches!(ended.how, How::Unknown { .. }) {
        ended.how = How::Interrupted;
    }
    Ok(ended)
}

/// Prepares the folder and starts the supervisor, which is born holding the call's lock.
fn start(order: &Order, supervisor: &Path) -> Result<tokio::process::Child> {
    let task = Task {
        argv: order.argv.clone(),
        timeout_ms: u64::try_from(order.timeout.as_millis()).unwrap_or(u64::MAX),
        stdin: order.stdin.or(order.prompt_on_stdin.then_some(PROMPT)).map(str::to_owned),
    };
    let task = serde_json::to_vec_pretty(&task)
        .map_err(|e| Problem::internal("a call's order cannot be written").because(e))?;
    let taken = || {
        Problem::internal(format!("the folder `{}` belongs to a call that was started", order.dir.display()))
    };
    let lock = Lock::try_take(&order.dir.join(LOCK))?.ok_or_else(taken)?;
    if order.dir.join(STDOUT).exists() {
        return Err(taken());
    }
    fs::write_whole(&order.dir.join(PROMPT), order.prompt.as_bytes(), false)?;
    fs::write_whole(&order.dir.join(INPUT), &order.input, false)?;
    for (name, text) in &order.files {
        fs::write_whole(&order.dir.join(name), text.as_bytes(), false)?;
    }
    fs::write_whole(&order.dir.join(ORDER), &task, false)?;
    tokio::process::Command::new(supervisor)
        .arg("supervise")
        .arg(&order.dir)
        .env_clear()
        .envs(order.env.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::from(lock.into_file()))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| Problem::io("start the supervisor", supervisor, &e))
}

/// Takes away what an ended run left in a call's folder, so that the same call can be made again. Does nothing while it runs.
pub fn reset(dir: &Path) -> Result<()> {
    if !dir.join(STDOUT).exists() {
        return Ok(());
    }
    let Some(_free) = Lock::try_take(&dir.join(LOCK))? else { return Ok(()) };
    // The standard output last: without it nothing was started.
    for name in [STATUS, ANSWER, STDERR, SUPERVISOR, ORDER, STDOUT] {
        fs::remove_file(&dir.join(name))?;
    }
    Ok(())
}

/// What is found in a call's folder after the engine that made it is gone.
#[derive(Debug)]
pub enum Found {
    /// Its supervisor lives.
    Running(Running),
    /// It has ended and left its status.
    Ended(Ended),
    /// Its supervisor is gone without a status: what the program wrote so far, whole or not. The program itself may still run.
    Lost(Ended),
    /// No program was started.
    NeverStarted,
}

/// A call whose supervisor lives.
#[derive(Debug)]
pub struct Running {
    dir: PathBuf,
}

/// Looks at a call's folder, which need not be there.
pub fn recover(dir: &Path) -> Result<Found> {
    let lock = dir.join(LOCK);
    if dir.join(STATUS).exists() || !lock.exists() {
        return found(dir);
    }
    match Lock::try_take(&lock)? {
        Some(_free) => found(dir),
        None => Ok(Found::Running(Running { dir: dir.to_owned() })),
    }
}

impl Running {
    /// Blocks until the supervisor is gone, and tells what it left: never [`Found::Running`].
    pub fn wait(self) -> Result<Found> {
        let _free = Lock::take(&self.dir.join(LOCK))?;
        found(&self.dir)
    }

    /// Tells the supervisor to end its program now: [`Running::wait`] then ends within seconds. In the first moments of its
    /// life a supervisor cannot be told yet.
    pub fn stop(&self) -> Result<()> {
        let note = fs::read_text(&self.dir.join(SUPERVISOR))?;
        // Only while the lock is held is the number surely that of the supervisor.
        let lives = Lock::try_take(&self.dir.join(LOCK))?.is_none();
        let pid = note.and_then(|text| text.trim().parse().ok()).and_then(Pid::from_raw);
        if let Some(pid) = pid.filter(|_| lives) {
            let _ = kill_process(pid, Signal::TERM);
        }
        Ok(())
    }
}

/// What a dead supervisor left.
fn found(dir: &Path) -> Result<Found> {
    let ended = collect(dir)?;
    Ok(match ended.how {
        How::Unknown { started: false } => Found::NeverStarted,
        How::Unknown { started: true } => Found::Lost(ended),
        _ => Found::Ended(ended),
    })
}

/// Reads what is in a call's folder.
fn collect(dir: &Path) -> Result<Ended> {
    let path = dir.join(STATUS);
    let status: Option<Status> = fs::read(&path)?
        .map(|text| serde_json::from_slice(&text))
        .transpose()
        .map_err(|e| Problem::environment(format!("`{}` cannot be read", path.display())).because(e))?;
    let stdout = fs::read(&dir.join(STDOUT))?;
    // The supervisor makes this file last before it starts the program.
    let started = stdout.is_some();
    let (how, ran_ms) = match status {
        Some(status) => (status.how, Some((status.started_ms, status.ended_ms))),
        None => (How::Unknown { started }, None),
    };
    let answer = dir.join(ANSWER);
    Ok(Ended {
        how,
        stdout: stdout.unwrap_or_default(),
        stderr: tail(&dir.join(STDERR))?,
        // A program may leave anything under that name: a folder, or a pipe that nobody writes to.
        answer: if answer.is_file() { fs::read(&answer)? } else { None },
        ran_ms,
    })
}

/// The end of a file that may be large; empty if it is not there.
fn tail(path: &Path) -> Result<String> {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(STDERR_KEPT as u64)))?;
        let mut end = Vec::new();
        file.take(STDERR_KEPT as u64).read_to_end(&mut end)?;
        Ok(end)
    };
    match read() {
        Ok(end) => Ok(stderr_text(&end)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(e) => Err(Problem::io("read", path, &e)),
    }
}
