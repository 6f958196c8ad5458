//! What a call did not bring, and what follows from it.

use crate::diag::{Kind, Problem};
use crate::generate::Outcome;
use crate::generate::batch::Stuck;
use crate::store::Ended;

/// Why a call as a whole brought nothing, if it did not.
pub(super) fn call_trouble(ended: &Ended) -> Option<String> {
    match ended {
        Ended::Answered | Ended::Filed => None,
        Ended::Truncated(why) | Ended::Unreadable(why) => Some(why.clone()),
        Ended::TimedOut(seconds) => Some(format!("there was no answer within {seconds} s")),
        Ended::Failed(why) => Some(why.clone()),
    }
}

/// What may have been bought already cannot be asked about.
pub(super) fn out_of_reach(stuck: Stuck) -> Problem {
    Problem::new(Kind::OutOfReach, stuck.what).hint(stuck.hint)
}

pub(super) fn unusable(label: &str, outcome: Outcome) -> Problem {
    match outcome {
        Outcome::Unusable { what, hint } => {
            Problem::new(Kind::Author, format!("`{label}` could not be asked: {what}")).hint(hint)
        }
        Outcome::Transport(what) => Problem::environment(format!("`{label}` could not be asked"))
            .because(what)
            .hint("what was answered is kept: build again to go on"),
        other => Problem::internal(format!("`{label}` ended as {other:?}")),
    }
}
