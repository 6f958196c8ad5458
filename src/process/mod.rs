//! The only door to children.
//!
//! A call costs minutes and money, so its program must outlive the engine that asked for it: it runs under a *supervisor*, this
//! binary in a session of its own, which holds a lock in the call's folder for as long as it lives and leaves a status there
//! when the program has ended. Whoever comes later finds the answer. Knows no prompt, generator or store.

mod call;
mod capture;
mod supervisor;

pub use call::{Found, Running, recover, reset, run};
pub use capture::capture;
pub use supervisor::supervise;

use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// The file in a call's folder that holds the whole prompt.
pub const PROMPT: &str = "prompt";
/// The file in a call's folder that holds the call as data.
pub const INPUT: &str = "input.json";
/// The file in a call's folder where the program may write its answer instead of to standard output.
pub const ANSWER: &str = "answer";

const ORDER: &str = "order.json";
const LOCK: &str = "lock";
const SUPERVISOR: &str = "supervisor";
const STDOUT: &str = "stdout";
const STDERR: &str = "stderr";
const STATUS: &str = "status";

/// How much of a program's standard error is kept: its end.
const STDERR_KEPT: usize = 64 << 10;

/// A program to be run for one call. Not `Debug`: the environment holds secrets.
#[derive(Clone)]
pub struct Order {
    /// The call's own folder (absolute, there): the program's working directory, and where everything about it is kept.
    pub dir: PathBuf,
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// Exactly what the program sees as its environment. Handed over in memory, never written to a file.
    pub env: Vec<(OsString, OsString)>,
    /// How long it may run.
    pub timeout: Duration,
    /// The whole prompt: goes to [`PROMPT`].
    pub prompt: String,
    /// Whether the prompt is standard input too; if not, that is empty.
    pub prompt_on_stdin: bool,
    /// The call as data, a JSON text: goes to [`INPUT`].
    pub input: Vec<u8>,
    /// More files to lay into the folder: names and texts.
    pub files: Vec<(&'static str, String)>,
    /// The one of them that is standard input, instead of the prompt.
    pub stdin: Option<&'static str>,
}

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// By itself, with this exit status.
    Exited(i32),
    /// By this signal, which the supervisor did not send.
    Signalled(i32),
    /// It was ended after so many milliseconds: its time was up.
    TimedOut(u64),
    /// It was ended because the run was interrupted.
    Interrupted,
    /// It could not be started.
    Unusable {
        /// What is wrong.
        what: String,
        /// What to do.
        hint: String,
    },
    /// Its supervisor is gone and left no status.
    Unknown {
        /// Whether the program was (or was about to be) started. It may then still be running.
        started: bool,
    },
}

/// A program that has ended, with what it left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// How it ended.
    pub how: How,
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// The last 64 KiB of its standard error; bytes that are not UTF-8 are replaced.
    pub stderr: String,
    /// What it wrote to [`ANSWER`], if it did.
    pub answer: Option<Vec<u8>>,
    /// When it was started and when it had ended: milliseconds since 1970, UTC; `None` without a status.
    pub ran_ms: Option<(u64, u64)>,
}

impl Ended {
    /// The answer: the file if there is one and it is not empty, else the standard output.
    pub fn into_answer(self) -> Vec<u8> {
        self.answer.filter(|answer| !answer.is_empty()).unwrap_or(self.stdout)
    }
}

/// What the supervisor needs to know and may be read by anybody: [`ORDER`].
#[derive(Debug, Serialize, Deserialize)]
struct Task {
    argv: Vec<String>,
    timeout_ms: u64,
    /// The file that is standard input; none: that is empty.
    stdin: Option<String>,
}

/// What the supervisor leaves: [`STATUS`].
#[derive(Debug, Serialize, Deserialize)]
struct Status {
    how: How,
    started_ms: u64,
    ended_ms: u64,
}

/// What is wrong and what to do when the operating system does not start `program`.
fn cannot_start(program: &str, error: &std::io::Error) -> (String, String) {
    use std::io::ErrorKind;
    let what = format!("could not start `{program}`: {error}");
    let hint = match error.kind() {
        ErrorKind::NotFound if program.contains('/') => {
            "check its path in `argv`; if the file is there, the interpreter that its first line names is not".to_owned()
        }
        ErrorKind::NotFound => {
            "install it, or write its path in `argv` (`./name` for a file beside the manifest); it is looked for in the \
             `PATH` that `env` lets through"
                .to_owned()
        }
        ErrorKind::PermissionDenied => format!("make it executable: `chmod +x {program}`"),
        _ => "check that it is a program for this machine; a script starts with a line such as `#!/bin/sh`".to_owned(),
    };
    (what, hint)
}

/// The end of a program's standard error, as text.
fn stderr_text(tail: &[u8]) -> String {
    String::from_utf8_lossy(tail).trim_start_matches('\u{fffd}').to_owned()
}
