//! What a request brought, as a reply: the same whether its answer came as a stream or in a batch.

use super::exchange::Trouble;
use super::wire::unwrapped;
use super::{End, Heard};
use crate::generate::{Outcome, Reply};
use crate::json::Shape;

/// The reply. `shape`: the phase's, if the answer was asked for by schema; `timeout_s`: what the request was allowed to take.
pub(super) fn reply(trouble: Option<Trouble>, heard: Heard, shape: Option<&Shape>, timeout_s: u64) -> Reply {
    let Heard { text, refusal, end, meters, money_usd, model, .. } = heard;
    let mut wait = None;
    let own = |text: String, is_cut| match shape {
        Some(shape) => unwrapped(shape, text, is_cut),
        None => text,
    };
    let cut = |why: String, text: String| Outcome::Truncated { answer: own(text, true).into_bytes(), why };
    let outcome = match trouble {
        Some(Trouble::Interrupted) => Outcome::Interrupted,
        Some(Trouble::TimedOut) => Outcome::TimedOut(timeout_s),
        Some(Trouble::Transport(what, pause)) => {
            wait = pause;
            Outcome::Transport(what)
        }
        Some(Trouble::Refused(what)) => Outcome::Unusable {
            what,
            hint: "the service does not take this request: mend `model`, `effort`, `max_tokens` or `params` under `[generate]`".to_owned(),
        },
        Some(Trouble::TooLong(what)) => cut(format!("the request is too long ({what})"), String::new()),
        Some(Trouble::Unusable(what, hint)) => Outcome::Unusable { what, hint: hint.to_owned() },
        None => match (refusal, end) {
            (Some(why), _) | (None, Some(End::Refused(why))) => {
                Outcome::Failed(format!("the model gave no answer: {why}"))
            }
            (None, Some(End::Cut(why))) => cut(format!("the answer was cut off: {why}"), text),
            (None, _) => Outcome::Answered(own(text, false).into_bytes()),
        },
    };
    Reply { meters, money_usd, model, wait, ..Reply::of(outcome) }
}
