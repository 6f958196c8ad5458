//! Agent command lines that `command` knows: how each is asked for one answer, and what its end means.
//!
//! What stands here was seen of the real programs at the versions named in `least`; the tests hold what they printed. Nothing
//! of it is in a key once a model is declared.

mod claude;
mod codex;
mod limit;
mod llm;
mod version;
mod words;

pub(super) use limit::Limit;
pub(super) use version::{Version, version_in};

use super::{Outcome, Reply, Request};
use crate::course::Preset;
use crate::diag::Result;
use crate::fs;
use crate::process::{Ended, How, Order};
use std::ffi::OsString;
use std::path::Path;

/// The file in a call's folder that says how its streams are to be read.
const NOTE: &str = "preset";

/// A preset as one manifest uses it.
#[derive(Debug, Clone)]
pub struct Agent {
    /// Which one.
    pub preset: Preset,
    /// The model's name, for the program's own flag.
    pub model: Option<String>,
    /// What the user adds to the arguments.
    pub args: Vec<String>,
}

/// What an end means.
#[derive(Debug, PartialEq)]
pub(super) struct Read {
    pub(super) reply: Reply,
    /// A limit of the account, which lifts by itself: to be waited for.
    pub(super) limit: Option<Limit>,
}

impl Read {
    pub(super) fn of(reply: Reply) -> Self {
        Self { reply, limit: None }
    }
}

/// The oldest version of a program whose ends are known.
pub(super) fn least(preset: Preset) -> Version {
    match preset {
        Preset::Claude => Version([2, 1, 330]),
        Preset::Codex => Version([0, 169, 0]),
        Preset::Llm => Version([0, 36, 0]),
    }
}

/// How a program is got.
pub(super) fn how_to_get(preset: Preset) -> &'static str {
    match preset {
        Preset::Claude => "`npm install -g @anthropic-ai/claude-code`",
        Preset::Codex => "`npm install -g @openai/codex`",
        Preset::Llm => "`pip install -U llm`",
    }
}

/// What to do when a program has no access.
fn how_to_log_in(preset: Preset) -> String {
    match preset {
        Preset::Claude => "run `claude` once and say `/login`, or set `ANTHROPIC_API_KEY`",
        Preset::Codex => "run `codex login`, or set `OPENAI_API_KEY` (and name `CODEX_HOME` in `env` if yours is elsewhere)",
        Preset::Llm => "run `llm keys set PROVIDER`, or name the key's variable in `env`",
    }
    .to_owned()
}

impl Agent {
    /// The order of a call, made from the order of a plain program.
    pub(super) fn order(&self, request: &Request, mut order: Order) -> Order {
        let schema = self.args.iter().any(|argument| argument.starts_with("--json-schema"));
        let note =
            if schema { format!("{} schema", self.preset.name()) } else { self.preset.name().to_owned() };
        order.files.push((NOTE, note));
        match self.preset {
            Preset::Claude => claude::order(self, request, &mut order),
            Preset::Codex => codex::order(self, &mut order),
            Preset::Llm => llm::order(self, &mut order),
        }
        order
    }

    /// The order that asks a program for its version, run in a folder of its own.
    pub(super) fn version_order(&self, order: Order) -> Order {
        let mut argv = order.argv;
        argv.push("--version".to_owned());
        Order { argv, files: Vec::new(), stdin: None, prompt_on_stdin: false, ..order }
    }
}

/// Sets a variable unless the user's manifest lets his own through.
fn set(order: &mut Order, name: &str, value: &str) {
    if !order.env.iter().any(|(known, _)| known == name) {
        order.env.push((name.into(), OsString::from(value)));
    }
}

/// How the streams of a call's program are to be read.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    preset: Preset,
    /// The answer is to come as an object that the program checked itself.
    schema: bool,
}

/// How a call was asked, by its own folder; `None`: as any program.
pub(super) fn reading(dir: &Path) -> Result<Option<Reading>> {
    let Some(text) = fs::read_text(&dir.join(NOTE))? else { return Ok(None) };
    let mut words = text.split_whitespace();
    let preset = words.next().and_then(Preset::of);
    Ok(preset.map(|preset| Reading { preset, schema: words.next() == Some("schema") }))
}

impl Reading {
    /// What the end of a call means. `plain`: what it would mean of any program.
    pub(super) fn read(self, ended: Ended, plain: &dyn Fn(Ended) -> Reply) -> Read {
        match &ended.how {
            How::Exited(_) => {}
            How::Signalled(signal) => {
                return self.transport(&ended, format!("the program was ended by signal {signal}"));
            }
            How::TimedOut(_) | How::Interrupted => return self.cut_short(ended, plain),
            How::Unusable { .. } => return Read::of(plain(ended)),
            // Nobody saw the end: what it wrote tells by itself.
            How::Unknown { started: false } => return Read::of(plain(ended)),
            How::Unknown { started: true } => {}
        }
        if matches!(ended.how, How::Exited(130 | 143)) && ended.stdout.is_empty() {
            return self.transport(&ended, "the program was told to end".to_owned());
        }
        match self.preset {
            Preset::Claude => claude::read(ended, self.schema),
            Preset::Codex => codex::read(ended),
            Preset::Llm => llm::read(ended),
        }
    }

    /// It was ended from outside. What it wrote tells by itself whether it had answered by then.
    fn cut_short(self, ended: Ended, plain: &dyn Fn(Ended) -> Reply) -> Read {
        let unseen = Ended { how: How::Unknown { started: true }, ..ended.clone() };
        let told = self.read(unseen, plain).reply;
        let reply = Reply { unfinished: Vec::new(), ..plain(ended) };
        Read::of(match told.outcome {
            Outcome::Answered(answer) => Reply { outcome: reply.outcome, unfinished: answer, ..told },
            _ => reply,
        })
    }

    fn transport(self, ended: &Ended, why: String) -> Read {
        Read::of(Reply { stderr: ended.stderr.clone(), ..Reply::of(Outcome::Transport(why)) })
    }
}

/// A program that began no call: its arguments are wrong, its folder is missing.
fn not_begun(preset: Preset, ended: Ended) -> Reply {
    let lines = ended.stderr.lines().rev().map(str::trim);
    let said = lines.clone().find(|line| line.to_lowercase().starts_with("error"));
    let said = said.or_else(|| lines.clone().find(|line| !line.is_empty() && !line.starts_with('[')));
    let what = format!("`{}` asked nobody: {}", preset.name(), said.unwrap_or("it said nothing"));
    let hint =
        "check `args`, `model` and `env` in `[generate]`; the program's own `--help` tells what it knows"
            .to_owned();
    Reply { stderr: ended.stderr, ..Reply::of(Outcome::Unusable { what, hint }) }
}

#[cfg(test)]
mod tests;
