//! What a call did not bring, and what follows from it.

use crate::check::Finding;
use crate::diag::{Kind, Problem};
use crate::digest::Digest;
use crate::generate::Outcome;
use crate::plan::{Cell, Verdict};
use crate::store::Ended;

/// Notes a refusal with a cell; true if it is to be asked for again. An answer identical to the last one ends the attempts.
pub(super) fn refuse(cell: &mut Cell, findings: Vec<Finding>, answer: Option<Digest>, limit: u32) -> bool {
    let decision = &mut cell.decision;
    decision.attempts += 1;
    let repeated = answer.is_some_and(|digest| decision.refused.contains(&digest));
    if let Some(digest) = answer.filter(|_| !repeated) {
        decision.refused.push(digest);
        decision.refused.sort_unstable();
    }
    decision.findings = findings.clone();
    let again = decision.attempts < limit && !repeated;
    decision.verdict = if again { Verdict::Rejected(findings) } else { Verdict::Failed(findings) };
    again
}

/// Why a call as a whole brought nothing, if it did not.
pub(super) fn call_trouble(ended: &Ended) -> Option<String> {
    match ended {
        Ended::Answered | Ended::Filed => None,
        Ended::Unreadable(why) => Some(why.clone()),
        Ended::Truncated(why) => Some(format!("the answer was cut off: {why}")),
        Ended::TimedOut(seconds) => Some(format!("there was no answer within {seconds} s")),
        Ended::Failed(why) => Some(why.clone()),
    }
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
