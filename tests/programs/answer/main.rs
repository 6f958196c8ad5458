//! A generator for tests and benches: answers every call at once, from the call's input alone, and keeps books of its own.
//!
//! `answer LOG FAULTS [objects | digest [--hint NAME]…]`, run by coursebuild. LOG gets one JSON line when a call is asked and one when
//! it is answered, so a test can tell how often each item was bought without believing the tool. FAULTS names a file of
//! mistakes to make; none are made while it is missing. `answer watch …` answers what is laid into a folder; `answer batch …`
//! and `answer merge …` do the same work for make and ninja in the benches. It knows nothing of coursebuild's code: only of the protocol.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program of its own: reads the protocol's environment and writes files"
)]

mod batching;
mod batches;
mod digest;
mod faults;
mod objects;
mod watch;

use batching::tongue::Tongue;
use faults::Faults;
use serde_json::{Value, json};
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let argv: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = argv.iter().map(String::as_str).collect();
    let done = match args.as_slice() {
        ["batch", rest @ ..] => batches::batch(rest).map(|()| ExitCode::SUCCESS),
        ["merge", rest @ ..] => batches::merge(rest).map(|()| ExitCode::SUCCESS),
        ["watch", rest @ ..] => watch::watch(rest).map(|()| ExitCode::SUCCESS),
        [log, faults, mode @ ..] if std::env::var_os("COURSEBUILD_CALL").is_some() => {
            Call::read().and_then(|call| answer(&call, Path::new(log), Path::new(faults), mode))
        }
        _ => {
            println!("answer: a program for the tests; coursebuild runs it");
            Ok(ExitCode::SUCCESS)
        }
    };
    done.unwrap_or_else(|problem| {
        eprintln!("answer: {problem}");
        ExitCode::from(99)
    })
}

/// What the environment says of a call, with its input read.
struct Call {
    id: String,
    label: String,
    course: String,
    phase: String,
    scope: String,
    attempt: u64,
    input: Value,
}

impl Call {
    fn read() -> Result<Self, String> {
        let input = read_json(Path::new(&env("INPUT")?))?;
        let attempt = env("ATTEMPT")?;
        Ok(Self {
            id: env("CALL")?,
            label: env("LABEL")?,
            course: env("COURSE")?,
            phase: env("PHASE")?,
            scope: env("SCOPE")?,
            attempt: attempt.parse().map_err(|_| format!("COURSEBUILD_ATTEMPT is `{attempt}`"))?,
            input,
        })
    }

    /// The items asked for: id and input.
    fn items(&self) -> impl Iterator<Item = (&str, &Value)> {
        let items = self.input["items"].as_array().map_or(&[][..], Vec::as_slice);
        items.iter().map(|item| (item["id"].as_str().unwrap_or_default(), &item["input"]))
    }

    /// Adds a line to the books. One `write` each, so that lines of calls at the same time never mix.
    fn log(&self, log: &Path, state: &str, faults: &Faults) -> Result<(), String> {
        let ids: Vec<&str> = self.items().map(|(id, _)| id).collect();
        let line = json!({
            "state": state, "phase": self.phase, "label": self.label, "call": self.id,
            "attempt": self.attempt, "scope": self.scope, "items": ids,
            "made": faults.made(),
        });
        let mut file = OpenOptions::new().create(true).append(true).open(log).map_err(|e| at(log, &e))?;
        file.write_all(format!("{line}\n").as_bytes()).map_err(|e| at(log, &e))
    }
}

fn answer(call: &Call, log: &Path, faults: &Path, mode: &[&str]) -> Result<ExitCode, String> {
    let mut faults = Faults::read(faults, call)?;
    call.log(log, "asked", &faults)?;
    faults.keep_prompt(&call.id, Path::new(&env("PROMPT")?))?;
    faults.before()?;
    let whole = match mode {
        [] => batching::answer(Tongue::of(&call.course), &call.phase, call.items())?,
        ["objects"] => objects::answer(&call.phase, call.items())?,
        ["digest", hints @ ..] => {
            let prompt = env("PROMPT").and_then(|path| read_text(Path::new(&path)))?;
            digest::answer(&prompt, call.input.get("context"), &hint_names(hints)?, call.items())
        }
        _ => return Err(format!("no such mode: {}", mode.join(" "))),
    };
    let bytes = faults.spoil(whole);
    if faults.to_file() {
        std::fs::write(env("OUTPUT")?, &bytes).map_err(|e| e.to_string())?;
    } else {
        let mut out = std::io::stdout().lock();
        out.write_all(&bytes).and_then(|()| out.flush()).map_err(|e| e.to_string())?;
    }
    call.log(log, "answered", &faults)?;
    Ok(faults.exit())
}

fn hint_names<'a>(args: &[&'a str]) -> Result<Vec<&'a str>, String> {
    args.chunks(2)
        .map(|pair| match pair {
            ["--hint", name] => Ok(*name),
            _ => Err(format!("after `digest` come `--hint NAME` pairs, not `{}`", pair.join(" "))),
        })
        .collect()
}

fn env(name: &str) -> Result<String, String> {
    std::env::var(format!("COURSEBUILD_{name}")).map_err(|_| format!("COURSEBUILD_{name} is not set"))
}

fn read_text(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|e| at(path, &e))
}

fn read_json(path: &Path) -> Result<Value, String> {
    serde_json::from_str(&read_text(path)?).map_err(|e| at(path, &e))
}

fn at(path: &Path, error: &dyn std::fmt::Display) -> String {
    format!("{}: {error}", path.display())
}
