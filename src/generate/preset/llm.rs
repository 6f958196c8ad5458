//! `llm`, asked once; its answer is plain text, and what it used stands on standard error.

use super::{Agent, Read, not_begun, words};
use crate::course::Preset;
use crate::generate::{Meters, Outcome, Reply};
use crate::process::{Ended, How, Order};

/// Adds to an order what the program wants.
pub(super) fn order(agent: &Agent, order: &mut Order) {
    let mut add = |words: &[&str]| order.argv.extend(words.iter().map(|&word| word.to_owned()));
    if let Some(model) = &agent.model {
        add(&["-m", model]);
    }
    add(&["--no-stream", "-n", "-u"]);
    order.argv.extend(agent.args.iter().cloned());
}

/// What its end means.
pub(super) fn read(ended: Ended) -> Read {
    let reply = Reply {
        stderr: ended.stderr.clone(),
        meters: meters(&ended.stderr),
        ..Reply::of(Outcome::Interrupted)
    };
    if matches!(ended.how, How::Exited(0) | How::Unknown { .. }) {
        return Read::of(Reply { outcome: Outcome::Answered(ended.stdout), ..reply });
    }
    // Exit status 2 is that of a mistaken command line.
    if ended.how == How::Exited(2) {
        return Read::of(not_begun(Preset::Llm, ended));
    }
    let said = ended.stderr.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let said = said.strip_prefix("Error: ").unwrap_or(said);
    words::failure(Preset::Llm, said, ended.stdout, reply)
}

/// `Token usage: 1,234 input, 56 output`.
fn meters(stderr: &str) -> Meters {
    let Some(line) = stderr.lines().rev().find_map(|line| line.trim().strip_prefix("Token usage: ")) else {
        return Meters::default();
    };
    let words: Vec<&str> = line.split_whitespace().collect();
    let count = |name: &str| {
        let at = words.iter().position(|word| word.trim_end_matches(',') == name)?;
        words.get(at.checked_sub(1)?)?.replace(',', "").parse().ok()
    };
    Meters { input: count("input"), output: count("output"), ..Meters::default() }
}
