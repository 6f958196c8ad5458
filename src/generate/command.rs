//! The generator `command`: any program, a fresh process for each call.
//!
//! Says what the program is given and what its end means. How it is started, timed and found again is `process`'s business,
//! whether its answer can be read is [`answer`](super::answer)'s.

use super::preset::{self, Agent, Limit, Read, Reading};
use super::{Generator, Notices, Outcome, Pending, Reply, Request, Stop};
use crate::diag::{Kind, Problem, Result};
use crate::json::canonical;
use crate::process::{self, Ended, Found, How, Order, Running};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::OnceCell;

/// A program that is asked. Not `Debug`: its environment holds secrets.
pub struct Command {
    argv: Vec<String>,
    timeout: Duration,
    env: Vec<(OsString, OsString)>,
    root: PathBuf,
    supervisor: PathBuf,
    agent: Option<Known>,
}

/// A program that is known: how it is asked, and whether it is new enough.
struct Known {
    agent: Agent,
    notices: Notices,
    /// Looked at once: what is wrong with the program, and what to do.
    fitness: OnceCell<Result<(), (String, String)>>,
}

/// A limit of which nobody says when it lifts is tried again after so long.
const TRY_AGAIN: Duration = Duration::from_secs(600);
/// So long is waited for limits in all.
const LONGEST_LIMIT: Duration = Duration::from_secs(24 * 3600);
/// So long a program may take to say its version.
const VERSION_TIMEOUT: Duration = Duration::from_secs(60);

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
        Self { argv, timeout: Duration::from_secs(timeout_s), env, root, supervisor, agent: None }
    }

    /// The same program, asked as an agent command line that is known. `notices`: told of limits that are waited for.
    pub fn as_agent(self, agent: Agent, notices: Notices) -> Self {
        Self { agent: Some(Known { agent, notices, fitness: OnceCell::new() }), ..self }
    }

    fn order(&self, request: &Request) -> Order {
        let prompt_file = request.dir.join(process::PROMPT).to_string_lossy().into_owned();
        let mut env = self.env.clone();
        env.extend(variables(request));
        let order = Order {
            dir: request.dir.clone(),
            argv: self.argv.iter().map(|argument| argument.replace(PROMPT_FILE, &prompt_file)).collect(),
            env,
            timeout: self.timeout,
            prompt: request.prompt(),
            prompt_on_stdin: !self.argv.iter().any(|argument| argument.contains(PROMPT_FILE)),
            input: canonical(&request.input),
            files: Vec::new(),
            stdin: None,
        };
        match &self.agent {
            Some(known) => known.agent.order(request, order),
            None => order,
        }
    }

    /// One run of the program, and what its end means.
    async fn run(&self, order: &Order, stop: &mut Stop) -> Read {
        if let Err(problem) = process::reset(&order.dir) {
            return Read::of(Reply::of(not_asked(&problem)));
        }
        match process::run(order, &self.supervisor, stop.stopped()).await {
            Ok(ended) => match preset::reading(&order.dir) {
                Ok(reading) => read(ended, reading),
                Err(problem) => Read::of(Reply::of(not_asked(&problem))),
            },
            Err(problem) => Read::of(Reply::of(not_asked(&problem))),
        }
    }

    /// Asks, and waits for limits that lift by themselves.
    async fn patiently(&self, request: &Request, stop: &mut Stop) -> Reply {
        if let Some(known) = &self.agent
            && let Err(reply) = self.fitness(known, request, stop).await
        {
            return reply;
        }
        let order = self.order(request);
        let mut waited = Duration::ZERO;
        loop {
            let Read { reply, limit } = self.run(&order, stop).await;
            let (Some(limit), Some(known)) = (limit, &self.agent) else { return reply };
            let pause = limit.lifts_in.map_or(TRY_AGAIN, |time| time + Duration::from_secs(1));
            waited += pause;
            if waited > LONGEST_LIMIT {
                return Reply { outcome: beyond_waiting(&limit), ..reply };
            }
            known.notices.tell(&request.call, waiting_for(&limit, pause));
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stop.stopped() => return Reply::of(Outcome::Interrupted),
            }
        }
    }

    /// Whether the program is new enough; asked once.
    async fn fitness(
        &self,
        known: &Known,
        request: &Request,
        stop: &mut Stop,
    ) -> std::result::Result<(), Reply> {
        let unusable = |(what, hint): (String, String)| Reply::of(Outcome::Unusable { what, hint });
        let agent = &known.agent;
        let looked = known.fitness.get_or_try_init(|| async {
            let plain = self.order(request);
            let order = Order {
                argv: self.argv.clone(),
                dir: request.dir.join("version"),
                timeout: VERSION_TIMEOUT,
                ..plain
            };
            let order = agent.version_order(order);
            let said = self.run(&order, stop).await.reply;
            let name = agent.preset.name();
            let update = format!("install a newer one: {}", preset::how_to_get(agent.preset));
            Ok(match said.outcome {
                Outcome::Answered(text) => match preset::version_in(&String::from_utf8_lossy(&text)) {
                    Some(found) if found < preset::least(agent.preset) => Err((
                        format!(
                            "`{name}` is version {found}, and {} is the oldest that is known",
                            preset::least(agent.preset)
                        ),
                        update,
                    )),
                    _ => Ok(()),
                },
                Outcome::Unusable { what, hint } => {
                    Err((what, format!("install it: {}; or {hint}", preset::how_to_get(agent.preset))))
                }
                Outcome::Failed(why) => Err((format!("`{name} --version`: {why}"), update)),
                Outcome::TimedOut(seconds) => {
                    Err((format!("`{name} --version` said nothing within {seconds} s"), update))
                }
                outcome => return Err(Reply::of(outcome)),
            })
        });
        looked.await?.clone().map_err(unusable)
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
            let mut reply = self.patiently(&request, &mut stop).await;
            if let Outcome::Unusable { hint, .. } = &mut reply.outcome {
                *hint = self.hint(std::mem::take(hint));
            }
            reply
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
pub struct Waiting(Running, Option<Reading>);

/// Looks at the folder of a call that an earlier engine made. Does not block.
pub fn left(dir: &Path) -> Result<Left> {
    Ok(found(process::recover(dir)?, preset::reading(dir)?))
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
        let reading = self.1;
        Ok(found(self.0.wait()?, reading))
    }

    /// Tells the program to end now.
    pub fn stop(&self) -> Result<()> {
        self.0.stop()
    }
}

fn found(found: Found, reading: Option<Reading>) -> Left {
    match found {
        Found::NeverStarted => Left::Nothing,
        Found::Ended(ended) => Left::Ended(read(ended, reading).reply),
        Found::Lost(ended) => Left::Unseen(read(ended, reading).reply),
        Found::Running(running) => Left::Running(Waiting(running, reading)),
    }
}

fn read(ended: Ended, reading: Option<Reading>) -> Read {
    match reading {
        Some(reading) => reading.read(ended, &reply),
        None => Read::of(reply(ended)),
    }
}

/// What is told while a limit is waited for.
fn waiting_for(limit: &Limit, pause: Duration) -> String {
    let minutes = pause.as_secs().div_ceil(60);
    format!("{}; asking again in {minutes} min (interrupt twice to stop)", limit.what)
}

/// A limit that does not lift today.
fn beyond_waiting(limit: &Limit) -> Outcome {
    Outcome::Unusable {
        what: limit.what.clone(),
        hint: "build again when the limit has lifted: what was answered is kept".to_owned(),
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
    let mut unfinished = Vec::new();
    let outcome = match ended.how.clone() {
        How::Exited(0) => Outcome::Answered(ended.into_answer()),
        How::Exited(code) => failed(format!("the program exited with {code}")),
        How::Signalled(signal) => failed(format!("the program was ended by signal {signal}")),
        How::TimedOut(ms) => {
            unfinished = ended.into_answer();
            Outcome::TimedOut(ms.div_ceil(1000))
        }
        How::Interrupted => {
            unfinished = ended.into_answer();
            Outcome::Interrupted
        }
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
    Reply { stderr, unfinished, ..Reply::of(outcome) }
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
