//! Answers into entries: what a call brought, split by item, lifted and digested.
//!
//! Works from the intent alone, so that an answer found after a crash becomes the same entry as one that came in time.

use crate::check::coverage;
use crate::diag::{Problem, Result};
use crate::generate::{Outcome, Reply, answer, closed};
use crate::json::{Ids, Pointer, Value, lift, strip};
use crate::plan::output_digest;
use crate::store::{Ended, Entry, Intent, Provenance, Stored};

/// The entry of a call that has come back. `None` when nothing came that is worth keeping: it was interrupted, or the way to
/// the generator failed.
pub(super) fn entry_of(intent: &Intent, reply: &Reply, ended_ms: u64) -> Result<Option<Entry>> {
    let (ended, raw, results) = match &reply.outcome {
        Outcome::Answered(bytes) => {
            let raw = Some(String::from_utf8_lossy(bytes).into_owned());
            match read(intent, bytes)? {
                Ok(results) => (Ended::Answered, raw, results),
                Err(why) => (Ended::Unreadable(why), raw, Vec::new()),
            }
        }
        Outcome::Truncated { answer: cut, why } => {
            let raw = Some(String::from_utf8_lossy(cut).into_owned());
            (Ended::Truncated(why.clone()), raw, whole_items(intent, cut)?)
        }
        Outcome::TimedOut(seconds) => (Ended::TimedOut(*seconds), None, Vec::new()),
        Outcome::Failed(why) => (Ended::Failed(why.clone()), None, Vec::new()),
        Outcome::Transport(_) | Outcome::Unusable { .. } | Outcome::Interrupted => return Ok(None),
    };
    Ok(Some(Entry {
        intent: intent.clone(),
        provenance: Provenance::Generated,
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

/// The results that stand whole in an answer whose end is missing.
fn whole_items(intent: &Intent, cut: &[u8]) -> Result<Vec<Stored>> {
    if let Ok(results) = read(intent, cut)? {
        return Ok(results);
    }
    let shape = intent.shape.shape().ok_or_else(|| Problem::internal("an intent holds a bad pointer"))?;
    match closed(cut, &shape) {
        Some(whole) => Ok(read(intent, whole.as_bytes())?.unwrap_or_default()),
        None => Ok(Vec::new()),
    }
}

/// The results in an answer, or why it cannot be read.
pub(super) fn read(intent: &Intent, bytes: &[u8]) -> Result<Result<Vec<Stored>, String>> {
    let shape = &intent.shape;
    let pointer = |text: &str| {
        text.parse::<Pointer>().map_err(|e| Problem::internal("an intent holds a bad pointer").because(e))
    };
    let whole = shape.shape().ok_or_else(|| Problem::internal("an intent holds a bad pointer"))?;
    let pointers =
        |texts: &[String]| texts.iter().map(|text| pointer(text)).collect::<Result<Vec<Pointer>>>();
    let (fields, derived) = (pointers(&shape.ids)?, pointers(&shape.derived)?);
    let answered = match answer::read(bytes, &whole) {
        Ok(answer) => answer.items,
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
    Ok(Ok(stored.collect()))
}
