//! Answers into entries: what a call brought, split by item, lifted and digested.
//!
//! Works from the intent alone, so that an answer found after a crash becomes the same entry as one that came in time.

use crate::check::coverage;
use crate::diag::{Problem, Result};
use crate::generate::{Outcome, Reply, answer};
use crate::json::{Ids, Pointer, Value, lift, strip};
use crate::plan::output_digest;
use crate::store::{Ended, Entry, Intent, Provenance, Stored};

/// The entry of a call that has come back. `None` when nothing came that is worth keeping: it was interrupted, or the way to
/// the generator failed.
pub(super) fn entry_of(intent: &Intent, reply: &Reply, ended_ms: u64) -> Result<Option<Entry>> {
    let (ended, raw, results) = match &reply.outcome {
        Outcome::Answered(bytes) | Outcome::Truncated { answer: bytes, .. } => {
            let raw = Some(String::from_utf8_lossy(bytes).into_owned());
            let told = match &reply.outcome {
                Outcome::Truncated { why, .. } if why.is_empty() => {
                    Some("the generator says that the call is too long for it")
                }
                Outcome::Truncated { why, .. } => Some(why.as_str()),
                _ => None,
            };
            let (ended, results) = how_it_ended(intent, told, read(intent, bytes)?);
            (ended, raw, results)
        }
        Outcome::TimedOut(seconds) => (Ended::TimedOut(*seconds), None, Vec::new()),
        Outcome::Failed(why) => (Ended::Failed(why.clone()), None, Vec::new()),
        Outcome::Transport(_)
        | Outcome::Unusable { .. }
        | Outcome::Interrupted
        | Outcome::Unreached(_)
        | Outcome::Pending(_) => return Ok(None),
    };
    Ok(Some(Entry {
        intent: intent.clone(),
        provenance: if intent.trial { Provenance::Trial } else { Provenance::Generated },
        ended,
        ended_ms,
        meters: reply.meters,
        money_usd: reply.money_usd,
        model: reply.model.clone(),
        stderr: reply.stderr.clone(),
        raw,
        results,
    }))
}

/// True for an answer that can be read, does not end in the middle, and has something that was asked for.
pub(super) fn is_whole(intent: &Intent, bytes: &[u8]) -> Result<bool> {
    Ok(read(intent, bytes)?.is_ok_and(|answer| answer.cut.is_none() && !answer.results.is_empty()))
}

/// A reply of a generator that was ended from outside, by its time-out or because the run was interrupted: if it had given its answer
/// by then, that counts.
pub(super) fn with_whole_answer(intent: &Intent, mut reply: Reply) -> Result<Reply> {
    let was_ended = matches!(reply.outcome, Outcome::TimedOut(_) | Outcome::Interrupted);
    let said = std::mem::take(&mut reply.unfinished);
    if was_ended && !said.is_empty() && is_whole(intent, &said)? {
        reply.outcome = Outcome::Answered(said);
    }
    Ok(reply)
}

/// How a call with an answer ended. Where its text alone says that it was cut off, and nothing in it is whole, it may be prose with
/// a bracket in it: that is an attempt like any other that cannot be read. `told`: its author says that it is cut off, and why.
fn how_it_ended(intent: &Intent, told: Option<&str>, read: Result<Whole, String>) -> (Ended, Vec<Stored>) {
    let (results, cut) = match (read, told) {
        (Ok(Whole { results, cut }), _) => (results, told.map(str::to_owned).or(cut)),
        (Err(_), Some(why)) => (Vec::new(), Some(why.to_owned())),
        (Err(why), None) => return (Ended::Unreadable(why), Vec::new()),
    };
    let can_be_split = told.is_some() && intent.items.len() > 1;
    match cut {
        None => (Ended::Answered, results),
        Some(why) if can_be_split || !results.is_empty() => (Ended::Truncated(why), results),
        Some(why) => (Ended::Unreadable(why), results),
    }
}

/// What is whole of an answer.
pub(super) struct Whole {
    results: Vec<Stored>,
    /// It ends in the middle: in words.
    pub(super) cut: Option<String>,
}

/// The results in an answer, or why it cannot be read.
pub(super) fn read(intent: &Intent, bytes: &[u8]) -> Result<Result<Whole, String>> {
    let shape = &intent.shape;
    let pointer = |text: &str| {
        text.parse::<Pointer>().map_err(|e| Problem::internal("an intent holds a bad pointer").because(e))
    };
    let whole = shape.shape().ok_or_else(|| Problem::internal("an intent holds a bad pointer"))?;
    let pointers =
        |texts: &[String]| texts.iter().map(|text| pointer(text)).collect::<Result<Vec<Pointer>>>();
    let (fields, derived) = (pointers(&shape.ids)?, pointers(&shape.derived)?);
    let (answered, cut) = match answer::read(bytes, &whole) {
        Ok(answer) => (answer.items, answer.cut),
        Err(why) => return Ok(Err(why)),
    };
    let asked: Vec<&str> = intent.items.iter().map(|item| &*item.id).collect();
    let taken = coverage(&asked, &answered).taken;
    let stored = taken.into_iter().enumerate().filter_map(|(item, answer)| {
        let mut value: Value = answered[answer?].1.clone();
        let asked = &intent.items[item];
        strip(&mut value, &derived);
        lift(&mut value, &fields, Ids { id: &asked.id, root: &asked.root });
        Some(Stored { item, digest: output_digest(&value), output: value.to_string() })
    });
    Ok(Ok(Whole { results: stored.collect(), cut }))
}
