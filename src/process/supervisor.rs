//! The supervisor: starts one program, enforces its time, and leaves a status whatever becomes of the engine.
//!
//! One thread, woken by signals: a child's end, a request to stop, the time-out. On Linux it adopts what its program leaves
//! behind, so that nothing escapes an interrupt by forking or by a session of its own; elsewhere the process group is ended. What
//! a program that ended by itself leaves in its process group is ended too; a service in a session of its own may stay.
#![expect(clippy::disallowed_methods, reason = "the supervised program is started and its run is timed here")]

use super::{ANSWER, How, ORDER, STATUS, STDERR, STDOUT, SUPERVISOR, Status, Task, cannot_start};
use crate::diag::{Problem, Result};
use crate::fs;
use rustix::process::{
    Pid, Signal, WaitOptions, WaitStatus, kill_process, kill_process_group, test_kill_process_group,
};
use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, sleep, timeout_at};

/// How long a program that is told to end may take to do so.
const GRACE: Duration = Duration::from_secs(2);
/// How long the supervisor insists on ending processes that the kernel does not let go.
const INSIST: Duration = Duration::from_secs(5);
/// How often is looked whether a process group has members left.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Runs the program that the order in a call's folder names, and returns the exit code of this process. What
/// `coursebuild supervise DIR` does; standard input is the call's locked file.
pub fn supervise(dir: &Path) -> u8 {
    // Fails only for the leader of a process group, which no terminal's interrupt reaches either.
    let _ = rustix::process::setsid();
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime {
        Ok(runtime) if runtime.block_on(watch(dir)).is_ok() => 0,
        // Nobody reads a message: the engine sees that there is no status.
        _ => 70,
    }
}

async fn watch(dir: &Path) -> Result<()> {
    let mut signals =
        Signals::listen().map_err(|e| Problem::environment("could not listen to signals").because(e))?;
    let order = dir.join(ORDER);
    let text = fs::read(&order)?.unwrap_or_default();
    let task: Task = serde_json::from_slice(&text)
        .map_err(|e| Problem::internal(format!("`{}` cannot be read", order.display())).because(e))?;
    fs::write_whole(&dir.join(SUPERVISOR), std::process::id().to_string().as_bytes(), false)?;
    let stderr = fs::output_file(&dir.join(STDERR))?;
    let stdout = fs::output_file(&dir.join(STDOUT))?;
    let started_ms = now_ms();
    let how = match start(dir, &task, &stdout, &stderr) {
        Ok(pid) => follow(pid, Duration::from_millis(task.timeout_ms), &mut signals).await,
        Err(e) => {
            let program = task.argv.first().map_or("", String::as_str);
            let (what, hint) = cannot_start(program, &e);
            How::Unusable { what, hint }
        }
    };
    let ended_ms = now_ms();
    sync(&stdout, &dir.join(STDOUT))?;
    sync(&stderr, &dir.join(STDERR))?;
    let answer = dir.join(ANSWER);
    if answer.is_file() {
        let file = File::open(&answer).map_err(|e| Problem::io("open", &answer, &e))?;
        sync(&file, &answer)?;
    }
    let status = serde_json::to_vec(&Status { how, started_ms, ended_ms })
        .map_err(|e| Problem::internal("a call's status cannot be written").because(e))?;
    fs::write_whole(&dir.join(STATUS), &status, true)
}

fn sync(file: &File, path: &Path) -> Result<()> {
    file.sync_all().map_err(|e| Problem::io("sync", path, &e))
}

/// Milliseconds since 1970, UTC; 0 where the clock stands before that.
fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Starts the program as the leader of a process group of its own. It inherits the environment and nothing else.
fn start(dir: &Path, task: &Task, stdout: &File, stderr: &File) -> std::io::Result<Pid> {
    let Some((program, arguments)) = task.argv.split_first() else {
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, "`argv` names no program"));
    };
    let stdin = match &task.stdin {
        Some(name) => File::open(dir.join(name))?.into(),
        None => Stdio::null(),
    };
    let mut command = Command::new(program);
    command.args(arguments).current_dir(dir).stdin(stdin);
    command.stdout(stdout.try_clone()?).stderr(stderr.try_clone()?);
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command.spawn().map(|child| Pid::from_child(&child))
}

struct Signals {
    child: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            child: signal(SignalKind::child())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }
}

/// Waits for the program's end, or brings it about.
async fn follow(program: Pid, timeout: Duration, signals: &mut Signals) -> How {
    let time_out = sleep(timeout);
    tokio::pin!(time_out);
    let cut_short = loop {
        match reap(program) {
            Reaped { how: Some(how), .. } => {
                end_group(program, signals).await;
                return how;
            }
            // Cannot be, unless somebody else takes our children.
            Reaped { any_left: false, .. } => return How::Unknown { started: true },
            Reaped { any_left: true, .. } => {}
        }
        tokio::select! {
            biased;
            _ = signals.child.recv() => {}
            _ = signals.terminate.recv() => break How::Interrupted,
            _ = signals.interrupt.recv() => break How::Interrupted,
            () = &mut time_out => break How::TimedOut(u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX)),
        }
    };
    // An answer that came in the same instant counts.
    if let Some(how) = reap(program).how {
        end_group(program, signals).await;
        return how;
    }
    end(program, signals).await;
    cut_short
}

/// What [`reap`] saw.
struct Reaped {
    /// How the program ended, if it has just been seen to.
    how: Option<How>,
    /// Whether this process still has children.
    any_left: bool,
}

/// Takes leave of every child that has ended: the program, and on Linux what it left behind.
fn reap(program: Pid) -> Reaped {
    let mut how = None;
    loop {
        match rustix::process::wait(WaitOptions::NOHANG) {
            Ok(Some((pid, status))) if pid == program => how = Some(how_of(status)),
            Ok(Some(_)) | Err(rustix::io::Errno::INTR) => {}
            Ok(None) => return Reaped { how, any_left: true },
            Err(_) => return Reaped { how, any_left: false },
        }
    }
}

fn how_of(status: WaitStatus) -> How {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => How::Exited(code),
        (None, Some(signal)) => How::Signalled(signal),
        (None, None) => How::Unknown { started: true },
    }
}

/// Ends the program with all that it started: asks, waits a little, insists.
async fn end(program: Pid, signals: &mut Signals) {
    // Each of these fails only where nothing is left to be ended.
    let _ = kill_process_group(program, Signal::TERM);
    let gone = no_children_by(Instant::now() + GRACE, program, signals).await;
    if gone && cfg!(target_os = "linux") {
        return;
    }
    let until = Instant::now() + INSIST;
    loop {
        let _ = kill_process_group(program, Signal::KILL);
        for orphan in children() {
            let _ = kill_process(orphan, Signal::KILL);
        }
        let next = Instant::now() + 2 * LOOK_AGAIN;
        if no_children_by(next.min(until), program, signals).await || next >= until {
            return;
        }
    }
}

/// Ends what a program that has ended left in its process group: it may write to the answer for ever, and nobody waits for it.
async fn end_group(program: Pid, signals: &mut Signals) {
    for (signal, patience) in [(Signal::TERM, GRACE), (Signal::KILL, INSIST)] {
        // Fails where nobody is left: the usual case.
        if kill_process_group(program, signal).is_err() {
            return;
        }
        let until = Instant::now() + patience;
        while Instant::now() < until {
            let next = (Instant::now() + LOOK_AGAIN).min(until);
            // Only on Linux their ends are told to this process.
            let _ = timeout_at(next, signals.child.recv()).await;
            reap(program);
            if test_kill_process_group(program).is_err() {
                return;
            }
        }
    }
}

/// Waits until this process has no children, or the time has come; true if it has none.
async fn no_children_by(time: Instant, program: Pid, signals: &mut Signals) -> bool {
    while reap(program).any_left {
        if timeout_at(time, signals.child.recv()).await.is_err() {
            return !reap(program).any_left;
        }
    }
    true
}

/// The children of this process: the program and the orphans that came to it. None of their numbers can be taken by another
/// process before [`reap`] has seen its end.
#[cfg(target_os = "linux")]
fn children() -> Vec<Pid> {
    let own = std::process::id().to_string();
    let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
    let is_child = |path: &Path| {
        // The name stands in brackets and may hold anything; after it come the state and the parent.
        let stat = std::fs::read(path.join("stat")).unwrap_or_default();
        let stat = String::from_utf8_lossy(&stat);
        let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
        after.split_whitespace().nth(1) == Some(&own)
    };
    processes
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path())))
        .filter(|(_, path)| is_child(path))
        .filter_map(|(number, _)| Pid::from_raw(number))
        .collect()
}

/// Only Linux gives orphans to a process other than the first.
#[cfg(not(target_os = "linux"))]
fn children() -> Vec<Pid> {
    Vec::new()
}
