//! The generator `command`: any program, a fresh process for each call.
//!
//! Says what the program is given and what its end means. How it is started, timed and found again is `process`'s business,
//! whether its answer can be read is [`answer`](super::answer)'s.

use super::{Generator, Outcome, Pending, Reply, Request, Stop};
use crate::diag::{Kind, Problem, Result};
use crate::json::canonical;
use crate::process::{self, Ended, Found, How, Order, Running};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A program that is asked. Not `Debug`: its environment holds secrets.
pub struct Command {
    argv: Vec<String>,
    timeout: Duration,
    env: Vec<(OsString, OsString)>,
    root: PathBuf,
    supervisor: PathBuf,
}

/// Stands in an argument for the path of the file that holds the prompt.
const PROMPT_FILE: &str = "{prompt_file}";

impl Command {
    /// A program as the manifest declares it. `argv`: as written; `timeout_s`: seconds that one call may take; `env`: what the
    /// program sees beside `COURSEBUILD_*`; `root`: the workspace (absolute), where paths in `argv` start; `supervisor`: this binary.
    pub fn new(
        argv: &[String],
        timeout_s: u64,
        env: Vec<(OsString, OsString)>,
        root: PathBuf,
        supervisor: PathBuf,
    ) -> Self {
        let argv = argv.iter().enumerate().map(|(at, argument)| absolute(&root, argument, at == 0)).collect();
        Self { argv, timeout: Duration::from_secs(timeout_s), env, root, supervisor }
    }

    fn order(&self, request: &Request) -> Order {
        let prompt_file = request.dir.join(process::PROMPT).to_string_lossy().into_owned();
        let mut env = self.env.clone();
        env.extend(variables(request));
        Order {
            dir: request.dir.clone(),
            argv: self.argv.iter().map(|argument| argument.replace(PROMPT_FILE, &prompt_file)).collect(),
            env,
            timeout: self.timeout,
            prompt: request.prompt(),
            prompt_on_stdin: !self.argv.iter().any(|argument| argument.contains(PROMPT_FILE)),
            input: canonical(&request.input),
        }
    }

    /// What to do when the program cannot be started, where the workspace tells.
    fn hint(&self, hint: String) -> String {
        match self.argv.first() {
            Some(program) if !program.contains('/') && self.root.join(program).is_file() => {
                format!("to run the file of that name in the workspace, write `./{program}` in `argv`")
            }
            _ => hint,
        }
    }
}

/// An argument as it is to be seen from the call's folder: a program with a `/`, and any argument that names a file of the
/// workspace, become absolute; what people write is relative to the manifest.
pub fn absolute(root: &Path, argument: &str, program: bool) -> String {
    let path = root.join(argument);
    let names_a_file = if program { argument.contains('/') } else { path.is_file() };
    // A path that is no text cannot be an argument here; as written, it fails with its name.
    path.to_str().filter(|_| names_a_file && !argument.is_empty()).unwrap_or(argument).to_owned()
}

/// What the program is told in its environment.
fn variables(request: &Request) -> [(OsString, OsString); 11] {
    let file = |name: &str| request.dir.join(name).into_os_string();
    [
        ("COURSE", OsString::from(&request.course)),
        ("COURSE_DIR", request.course_dir.clone().into_os_string()),
        ("PHASE", OsString::from(&request.phase)),
        ("BATCH", request.batch.to_string().into()),
        ("LABEL", OsString::from(&request.label)),
        ("SCOPE", OsString::from(&request.scope)),
        ("CALL", OsString::from(&request.call)),
        ("ATTEMPT", request.attempt.to_string().into()),
        ("PROMPT", file(process::PROMPT)),
        ("INPUT", file(process::INPUT)),
        ("OUTPUT", file(process::ANSWER)),
    ]
    .map(|(name, value)| (OsString::from(format!("COURSEBUILD_{name}")), value))
}

impl Generator for Command {
    fn ask(&self, request: Request, mut stop: Stop) -> Pending<'_> {
        Box::pin(async move {
            match process::run(&self.order(&request), &self.supervisor, stop.stopped()).await {
                Ok(ended) => {
                    let mut reply = reply(ended);
                    if let Outcome::Unusable { hint, .. } = &mut reply.outcome {
                        *hint = self.hint(std::mem::take(hint));
                    }
                    reply
                }
                Err(problem) => Reply::of(not_asked(&problem)),
            }
        })
    }
}

/// What a call's folder holds after a restart.
#[derive(Debug)]
pub enum Left {
    /// Nothing was asked: ask now.
    Nothing,
    /// The program has ended.
    Ended(Reply),
    /// Nobody saw its end: an [`Outcome::Answered`] counts only if the answer can be read whole; anything else was no attempt.
    Unseen(Reply),
    /// The program runs under its supervisor.
    Running(Waiting),
}

/// A call that an earlier engine started and that is still running.
#[derive(Debug)]
pub struct Waiting(Running);

/// Looks at the folder of a call that an earlier engine made. Does not block.
pub fn left(dir: &Path) -> Result<Left> {
    process::recover(dir).map(Left::from)
}

/// What a call's folder brings after a restart: blocks until its program has ended. Never [`Left::Running`].
pub fn harvest(dir: &Path) -> Result<Left> {
    match left(dir)? {
        Left::Running(waiting) => waiting.wait(),
        ended => Ok(ended),
    }
}

impl Waiting {
    /// Blocks until the program has ended. Never gives [`Left::Running`].
    pub fn wait(self) -> Result<Left> {
        self.0.wait().map(Left::from)
    }

    /// Tells the program to end now.
    pub fn stop(&self) -> Result<()> {
        self.0.stop()
    }
}

impl From<Found> for Left {
    fn from(found: Found) -> Self {
        match found {
            Found::NeverStarted => Self::Nothing,
            Found::Ended(ended) => Self::Ended(reply(ended)),
            Found::Lost(ended) => Self::Unseen(reply(ended)),
            Found::Running(running) => Self::Running(Waiting(running)),
        }
    }
}

/// What it means that nothing was run: a disk or a process table may have room later, a bug stays one.
fn not_asked(problem: &Problem) -> Outcome {
    match problem.kind {
        Kind::Environment => Outcome::Transport(problem.to_string()),
        _ => Outcome::Unusable { what: problem.what.clone(), hint: problem.hint.clone().unwrap_or_default() },
    }
}

/// What a program's end means.
fn reply(mut ended: Ended) -> Reply {
    let stderr = std::mem::take(&mut ended.stderr);
    let failed = |how: String| Outcome::Failed(with_last_line(how, &stderr));
    let outcome = match ended.how.clone() {
        How::Exited(0) => Outcome::Answered(ended.into_answer()),
        How::Exited(code) => failed(format!("the program exited with {code}")),
        How::Signalled(signal) => failed(format!("the program was ended by signal {signal}")),
        How::TimedOut(ms) => Outcome::TimedOut(ms.div_ceil(1000)),
        How::Interrupted => Outcome::Interrupted,
        How::Unusable { what, hint } => Outcome::Unusable { what, hint },
        How::Unknown { started: false } => {
            Outcome::Transport("the supervisor ended before it started the program".to_owned())
        }
        How::Unknown { started: true } => match ended.into_answer() {
            answer if answer.is_empty() => failed("the program's supervisor was ended".to_owned()),
            // Paid for: if it is whole it can be read, if it is not it cannot.
            answer => Outcome::Answered(answer),
        },
    };
    Reply { stderr, ..Reply::of(outcome) }
}

/// The end of a program, with the last thing that it said.
fn with_last_line(how: String, stderr: &str) -> String {
    match stderr.lines().rev().map(str::trim).find(|line| !line.is_empty()) {
        Some(line) => format!("{how}: {}", line.chars().take(500).collect::<String>()),
        None => how,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Value;
    use std::sync::Arc;

    fn request(dir: &Path) -> Request {
        Request {
            call: "c1".to_owned(),
            dir: dir.join("calls/c1"),
            course: "spa_for_eng".to_owned(),
            course_dir: dir.join("vfs/courses/spa_for_eng"),
            phase: "phase3".to_owned(),
            batch: 7,
            label: "phase3_batch_7_2".to_owned(),
            scope: "S0121-S0140".to_owned(),
            attempt: 2,
            prefix: Arc::from("# LEGOs\n"),
            body: "S0121 …\n".to_owned(),
            input: serde_json::json!({"phase": "phase3"}).into(),
            items: Vec::new(),
        }
    }

    fn command(root: &Path, argv: &[&str]) -> Command {
        let argv: Vec<String> = argv.iter().map(|&word| word.to_owned()).collect();
        Command::new(&argv, 600, vec![("PATH".into(), "/bin".into())], root.to_owned(), "/coursebuild".into())
    }

    #[test]
    fn paths_in_argv_start_at_the_workspace() {
        let root = tempfile::tempdir().unwrap();
        crate::fs::write_whole(&root.path().join("bin/gen.py"), b"", false).unwrap();
        let at = |name: &str| root.path().join(name).to_str().unwrap().to_owned();
        let argv = |words: &[&str]| command(root.path(), words).argv;
        assert_eq!(
            argv(&["python3", "bin/gen.py", "--json", "bin", "", "/dev/null"]),
            ["python3", &at("bin/gen.py"), "--json", "bin", "", "/dev/null"]
        );
        assert_eq!(argv(&["./bin/gen.py"]), [at("./bin/gen.py")]);
        assert_eq!(argv(&["bin/missing"]), [at("bin/missing")]);
        assert_eq!(argv(&["/bin/sh"]), ["/bin/sh"]);
    }

    #[test]
    fn the_prompt_goes_to_standard_input_or_to_a_named_file() {
        let root = Path::new("/work space");
        let order = command(root, &["claude-batch", "--json"]).order(&request(root));
        assert!(order.prompt_on_stdin);
        assert_eq!(order.prompt, "# LEGOs\n\nS0121 …\n");
        let order = command(root, &["gen", "--prompt={prompt_file}"]).order(&request(root));
        assert!(!order.prompt_on_stdin);
        assert_eq!(order.argv, ["gen", "--prompt=/work space/calls/c1/prompt"]);
    }

    #[test]
    fn the_environment_is_what_the_protocol_says() {
        let root = Path::new("/w");
        let order = command(root, &["gen"]).order(&request(root));
        let seen: Vec<String> = order
            .env
            .iter()
            .map(|(name, value)| format!("{}={}", name.to_str().unwrap(), value.to_str().unwrap()))
            .collect();
        assert_eq!(
            seen,
            [
                "PATH=/bin",
                "COURSEBUILD_COURSE=spa_for_eng",
                "COURSEBUILD_COURSE_DIR=/w/vfs/courses/spa_for_eng",
                "COURSEBUILD_PHASE=phase3",
                "COURSEBUILD_BATCH=7",
                "COURSEBUILD_LABEL=phase3_batch_7_2",
                "COURSEBUILD_SCOPE=S0121-S0140",
                "COURSEBUILD_CALL=c1",
                "COURSEBUILD_ATTEMPT=2",
                "COURSEBUILD_PROMPT=/w/calls/c1/prompt",
                "COURSEBUILD_INPUT=/w/calls/c1/input.json",
                "COURSEBUILD_OUTPUT=/w/calls/c1/answer",
            ]
        );
        assert_eq!(
            serde_json::from_slice::<Value>(&order.input).unwrap(),
            serde_json::json!({"phase": "phase3"})
        );
    }

    #[test]
    fn an_end_is_told_with_the_last_thing_said() {
        let ended = |how: How, stdout: &str, answer: Option<&str>| Ended {
            how,
            stdout: stdout.into(),
            stderr: "Traceback\nValueError: no S0121\n\n".to_owned(),
            answer: answer.map(Into::into),
            ran_ms: None,
        };
        let outcome = |how, stdout, answer| reply(ended(how, stdout, answer)).outcome;
        assert_eq!(
            outcome(How::Exited(3), "{}", None),
            Outcome::Failed("the program exited with 3: ValueError: no S0121".to_owned())
        );
        assert_eq!(outcome(How::TimedOut(600_000), "", None), Outcome::TimedOut(600));
        assert_eq!(outcome(How::Exited(0), "log", Some("{}")), Outcome::Answered(b"{}".to_vec()));
        assert_eq!(outcome(How::Exited(0), "{}", Some("")), Outcome::Answered(b"{}".to_vec()));
        assert_eq!(outcome(How::Unknown { started: true }, "{}", None), Outcome::Answered(b"{}".to_vec()));
        assert!(matches!(outcome(How::Unknown { started: true }, "", None), Outcome::Failed(_)));
        assert!(matches!(outcome(How::Unknown { started: false }, "", None), Outcome::Transport(_)));
    }
}
