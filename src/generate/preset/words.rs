//! What the message of a program means that reports no status: read from its words.

use super::limit::limit_in;
use super::{Read, how_to_log_in};
use crate::course::Preset;
use crate::generate::{Outcome, Reply};

/// Statuses and words, and what they mean. The first that fits counts.
const MEANINGS: [(&[&str], Meaning); 4] = [
    (
        &[
            "401",
            "403",
            "unauthorized",
            "not logged in",
            "no key found",
            "incorrect api key",
            "invalid api key",
            "authentication",
            "log in",
            "codex login",
        ],
        Meaning::NoAccess,
    ),
    (&["max_output_tokens", "context window", "context length", "context_length", "413"], Meaning::TooLong),
    (
        &[
            "408",
            "409",
            "429",
            "too many requests",
            "rate limit",
            "overloaded",
            "high demand",
            "500 ",
            "502",
            "503",
            "504",
            "529",
            "internal server error",
            "stream disconnected",
            "connection",
            "timed out",
            "timeout",
            "reconnecting",
            "network",
        ],
        Meaning::OnTheWay,
    ),
    (
        &[
            "invalid_request",
            "400",
            "402",
            "404",
            "unknown model",
            "model_not_found",
            "does not exist",
            "billing",
            "insufficient_quota",
            "quota",
        ],
        Meaning::Wrong,
    ),
];

#[derive(Clone, Copy)]
enum Meaning {
    NoAccess,
    TooLong,
    OnTheWay,
    Wrong,
}

/// What a failure means, by its message. `partly`: what had been answered by then; `reply`: all else that is known.
pub(super) fn failure(preset: Preset, message: &str, partly: Vec<u8>, reply: Reply) -> Read {
    if let Some(limit) = limit_in(message) {
        let outcome = Outcome::Transport(limit.what.clone());
        return Read { reply: Reply { outcome, ..reply }, limit: Some(limit) };
    }
    let text = message.to_lowercase();
    let named = |words: &&(&[&str], Meaning)| words.0.iter().any(|word| text.contains(word));
    let unusable = |hint| Outcome::Unusable { what: message.to_owned(), hint };
    let outcome = match MEANINGS.iter().find(named).map(|(_, meaning)| meaning) {
        Some(Meaning::NoAccess) => unusable(how_to_log_in(preset)),
        Some(Meaning::TooLong) => Outcome::Truncated { answer: partly, why: message.to_owned() },
        Some(Meaning::OnTheWay) => Outcome::Transport(message.to_owned()),
        Some(Meaning::Wrong) => {
            unusable("mend the model's name, the account or `args` in `[generate]`".to_owned())
        }
        None => Outcome::Failed(message.to_owned()),
    };
    Read::of(Reply { outcome, ..reply })
}
