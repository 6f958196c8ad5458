//! Codex, asked once without tools to change anything; it tells by events, one a line.

use super::{Agent, Read, not_begun, words};
use crate::course::Preset;
use crate::generate::{Meters, Outcome, Reply};
use crate::json::Value;
use crate::process::{Ended, How, Order};

/// Adds to an order what the program wants.
pub(super) fn order(agent: &Agent, order: &mut Order) {
    let mut add = |words: &[&str]| order.argv.extend(words.iter().map(|&word| word.to_owned()));
    add(&[
        "exec",
        "--json",
        "-s",
        "read-only",
        "--skip-git-repo-check",
        "--ephemeral",
        "--ignore-user-config",
    ]);
    if let Some(model) = &agent.model {
        add(&["-m", model]);
    }
    order.argv.extend(agent.args.iter().cloned());
    order.argv.push("-".to_owned());
}

/// What its end means.
pub(super) fn read(ended: Ended) -> Read {
    let stdout = String::from_utf8_lossy(&ended.stdout).into_owned();
    let events: Vec<Value> = stdout.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    if events.is_empty() {
        return Read::of(not_begun(Preset::Codex, ended));
    }
    let last = |kind: &str| events.iter().rev().find(|event| event["type"] == kind);
    let message = events
        .iter()
        .rev()
        .filter(|event| event["item"]["type"] == "agent_message")
        .find_map(|event| event["item"]["text"].as_str())
        .unwrap_or_default();
    let reply = Reply { stderr: ended.stderr, meters: meters(&events), ..Reply::of(Outcome::Interrupted) };
    let error = last("turn.failed").or_else(|| last("error"));
    let said = error.and_then(|event| event["error"]["message"].as_str().or(event["message"].as_str()));
    let done = last("turn.completed").is_some();
    match said {
        Some(said) if !done => words::failure(Preset::Codex, said, message.into(), reply),
        _ if done && matches!(ended.how, How::Exited(0) | How::Unknown { .. }) => {
            Read::of(Reply { outcome: Outcome::Answered(message.into()), ..reply })
        }
        _ => {
            let why = "the program ended without having finished its turn".to_owned();
            Read::of(Reply { outcome: Outcome::Failed(why), ..reply })
        }
    }
}

/// The sums over all turns. Its input count includes what a cache served or took.
fn meters(events: &[Value]) -> Meters {
    let mut sum = Meters::default();
    for usage in events.iter().filter(|event| event["type"] == "turn.completed").map(|event| &event["usage"])
    {
        let count = |field: &str| usage[field].as_u64();
        let (read, write) = (count("cached_input_tokens"), count("cache_write_input_tokens"));
        let cached = read.unwrap_or_default() + write.unwrap_or_default();
        let add = |sum: &mut Option<u64>, more: Option<u64>| {
            if let Some(more) = more {
                *sum = Some(sum.unwrap_or_default() + more);
            }
        };
        add(&mut sum.input, count("input_tokens").map(|all| all.saturating_sub(cached)));
        add(&mut sum.cache_read, read);
        add(&mut sum.cache_write, write);
        add(&mut sum.output, count("output_tokens"));
    }
    sum
}
