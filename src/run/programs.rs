//! Programs that judge batches (checks with `use = "command"`), run: each in a folder of its own, under a supervisor, and its
//! judgement remembered before anybody hears of it.
//!
//! What a program is given is none of this file's affair.

use crate::check::{Judgement, Validator, read_judgement};
use crate::diag::{Kind, Problem, Result, escape};
use crate::digest::Digest;
use crate::fs::{self, Lock};
use crate::generate::command::absolute;
use crate::generate::{Stop, Stopper};
use crate::plan::Material;
use crate::process::{self, Ended, How, Order};
use crate::store::Judgements;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;

/// Programs that run at once.
pub(super) const AT_ONCE: usize = 4;
/// What a program may see of the environment, beside `COURSEBUILD_*` and what its check lists.
const ENVIRONMENT: [&str; 4] = ["PATH", "LANG", "LC_ALL", "TZ"];
/// A program's last words are quoted up to this length: characters.
const QUOTED: usize = 2000;

/// What all programs of a workspace share.
pub(super) struct Programs {
    /// The environment that programs see a part of.
    environment: Vec<(String, String)>,
    /// This program, to run the supervisor.
    supervisor: PathBuf,
    /// The workspace's folder.
    root: PathBuf,
    judgements: Judgements,
    scratch: Scratch,
}

/// One batch to be judged by one program.
pub(super) struct Task {
    pub(super) validator: Validator,
    pub(super) course: String,
    pub(super) phase: String,
    /// The batch's number.
    pub(super) number: usize,
    pub(super) material: Material,
    /// What the judgement is to be remembered under.
    pub(super) key: Digest,
}

impl Programs {
    /// Those of a workspace: its own folder, the environment, this program, and the workspace's folder.
    pub(super) fn new(
        state: &Path,
        environment: &[(String, String)],
        supervisor: &Path,
        root: &Path,
    ) -> Result<Arc<Self>> {
        Ok(Arc::new(Self {
            environment: environment.to_vec(),
            supervisor: supervisor.to_owned(),
            root: root.to_owned(),
            judgements: Judgements::of(state),
            scratch: Scratch::new(state)?,
        }))
    }

    /// Runs programs, some at once, until all have judged, one gave no judgement, or the user interrupts. What was judged is
    /// remembered in any case.
    pub(super) fn run_all(self: &Arc<Self>, tasks: &mut dyn Iterator<Item = Result<Task>>) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| Problem::environment("could not start the machinery for programs").because(e))?;
        runtime.block_on(async {
            let (stopper, stop) = Stopper::new();
            let mut signals = super::signals::Signals::new()?;
            let (mut running, mut problem) = (JoinSet::new(), None);
            loop {
                while problem.is_none() && running.len() < AT_ONCE {
                    match tasks.next() {
                        Some(Ok(task)) => {
                            running.spawn(self.clone().judge(task, stop.clone()));
                        }
                        Some(Err(wrong)) => problem = Some(wrong),
                        None => break,
                    }
                }
                tokio::select! {
                    ended = running.join_next() => match ended {
                        None => return problem.map_or(Ok(()), Err),
                        Some(ended) => {
                            let judged = ended.map_err(|e| Problem::internal("a program's task ended badly").because(e))?;
                            if let Err(wrong) = judged {
                                problem.get_or_insert(wrong);
                            }
                        }
                    },
                    () = signals.next() => {
                        problem = Some(Problem::new(Kind::Interrupted, "interrupted: no judgement was lost"));
                        stopper.stop();
                    }
                }
            }
        })
    }

    /// Runs a program on a batch. Its judgement is remembered.
    pub(super) async fn judge(self: Arc<Self>, task: Task, mut stop: Stop) -> Result<Judgement> {
        let dir = self.scratch.next();
        let order = self.order(&task, &dir)?;
        let course = dir.join("course");
        for (name, bytes) in &task.material.files {
            fs::write_whole(&course.join(name), bytes, false)?;
        }
        let ended = process::run(&order, &self.supervisor, stop.stopped()).await?;
        fs::remove_dir(&dir)?;
        let judgement = read(&task, &ended)?;
        self.judgements.put(task.key, &judgement)?;
        Ok(judgement)
    }

    fn order(&self, task: &Task, dir: &Path) -> Result<Order> {
        let text = |path: PathBuf| {
            path.into_os_string().into_string().map_err(|_| {
                Problem::environment("the workspace's path is not UTF-8, so no program can be told of it")
            })
        };
        let course = dir.join("course");
        let (course_dir, batch_file) = (text(course.clone())?, text(course.join(&task.material.batch_file))?);
        let number = task.number.to_string();
        let filled = |argument: String| {
            argument
                .replace("{course_dir}", &course_dir)
                .replace("{batch_file}", &batch_file)
                .replace("{batch}", &number)
                .replace("{phase}", &task.phase)
        };
        let argv = task.validator.argv.iter().enumerate();
        let argv = argv.map(|(at, argument)| filled(absolute(&self.root, argument, at == 0))).collect();
        let allowed =
            |name: &str| ENVIRONMENT.contains(&name) || task.validator.env.iter().any(|own| own == name);
        let seen = self.environment.iter().filter(|(name, _)| allowed(name));
        let mut env: Vec<(OsString, OsString)> =
            seen.map(|(name, value)| (name.into(), value.into())).collect();
        for (name, value) in [
            ("COURSE", task.course.as_str()),
            ("COURSE_DIR", &course_dir),
            ("PHASE", &task.phase),
            ("BATCH", &number),
            ("BATCH_FILE", &batch_file),
        ] {
            env.push((format!("COURSEBUILD_{name}").into(), value.into()));
        }
        Ok(Order {
            dir: dir.to_owned(),
            argv,
            env,
            timeout: Duration::from_secs(task.validator.timeout_s),
            prompt: String::new(),
            prompt_on_stdin: false,
            input: b"{}".to_vec(),
            files: Vec::new(),
            stdin: None,
        })
    }
}

/// What a program printed, as its judgement. An exit status other than 0 is normal for one that found errors.
fn read(task: &Task, ended: &Ended) -> Result<Judgement> {
    let label = &task.validator.label;
    let at = format!("{}/{}/{}", task.course, task.phase, task.number);
    let failed = |how: String| {
        let said = ended.stderr.trim();
        let start = said.char_indices().rev().nth(QUOTED).map_or(0, |(at, _)| at);
        let said = &said[start..];
        let problem = Problem::environment(format!("the check `{label}` gave no judgement on `{at}`: {how}"));
        if said.is_empty() { problem } else { problem.because(escape(said)) }
    };
    let hint = "a check's program prints `{\"valid\", \"errors\", \"warnings\"}`: docs/checks.md; `severity = \"off\"` does without it";
    match &ended.how {
        How::Exited(status) => {
            let items: Vec<(&str, &str)> =
                task.material.items.iter().map(|(id, root)| (&**id, &**root)).collect();
            read_judgement(&ended.stdout, &items, task.validator.severity).map_err(|why| {
                let status = if *status == 0 { String::new() } else { format!(" (exit status {status})") };
                failed(format!("{}{status}", escape(&why))).hint(hint)
            })
        }
        How::TimedOut(_) => Err(failed(format!("it took more than {} s", task.validator.timeout_s))
            .hint("give it more with `timeout_s`, or mend it")),
        How::Signalled(signal) => Err(failed(format!("signal {signal} ended it")).hint(hint)),
        How::Interrupted => Err(Problem::new(Kind::Interrupted, "interrupted: no judgement was lost")),
        How::Unusable { what, hint } => Err(failed(escape(what)).hint(hint.clone())),
        How::Unknown { .. } => Err(failed("nobody saw its end".to_owned()).hint("run the command again")),
    }
}

/// A folder for programs, which goes when it is dropped.
struct Scratch {
    dir: PathBuf,
    held: PathBuf,
    runs: AtomicUsize,
    _lock: Lock,
}

impl Scratch {
    /// A new one. What a killed run left is taken away.
    fn new(state: &Path) -> Result<Self> {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let all = state.join("scratch");
        fs::create_dir(&all)?;
        for entry in std::fs::read_dir(&all).into_iter().flatten().flatten() {
            let held = entry.path();
            if held.extension().is_some_and(|extension| extension == "held")
                && let Ok(Some(_free)) = Lock::try_take(&held)
            {
                // Somebody else may be taking it away at the same time.
                let _ = fs::remove_dir(&held.with_extension(""));
                let _ = fs::remove_file(&held);
            }
        }
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let dir = all.join(format!("{}-{number}", std::process::id()));
        let held = dir.with_extension("held");
        let lock = Lock::take(&held)?;
        fs::create_dir(&dir)?;
        Ok(Self { dir, held, runs: AtomicUsize::new(0), _lock: lock })
    }

    /// A folder for one run.
    fn next(&self) -> PathBuf {
        self.dir.join(self.runs.fetch_add(1, Ordering::Relaxed).to_string())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays is taken away by the next one.
        let _ = fs::remove_dir(&self.dir);
        let _ = fs::remove_file(&self.held);
    }
}
