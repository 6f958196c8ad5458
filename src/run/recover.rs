//! What a run that ended in the middle left: calls that were asked, answered or still running, taken in before anything is
//! planned, so that no answer is bought twice.

use super::call::bounded;
use super::clock::{now, now_ms};
use super::{harvest, standing, submissions};
use crate::diag::Result;
use crate::generate::command::Left;
use crate::generate::drop::Spot;
use crate::generate::{Outcome, Reply, left};
use crate::store::{Answer, Ended, Entry, MAX_ANSWER, OpenCall, Store};

/// A call that was found.
pub(super) enum Found {
    /// It is still running; it is waited for.
    Running {
        /// Its label.
        label: String,
    },
    /// It had been answered.
    Answered {
        /// Its id.
        call: String,
        /// Its label.
        label: String,
        /// Its results.
        items: usize,
    },
    /// Something that people should know.
    Warning(String),
}

/// Takes in what is left for a build: entries are written, running calls are waited for.
pub(super) fn recover(store: &mut Store, tell: &mut dyn FnMut(Found)) -> Result<()> {
    let unfinished = store.unfinished()?;
    unfinished.damaged.iter().for_each(|damaged| tell(Found::Warning(damaged.to_string())));
    let mut drops = Vec::new();
    let submitted = submissions::calls(store)?;
    for open in unfinished.calls {
        let intent = &open.intent;
        if open.answer.is_none() && submitted.contains(&intent.call) {
            // It is at a batch endpoint, or may be: it stays open until that is asked.
            continue;
        }
        let dir = store.call_dir(&intent.call);
        let (entry, too_long) = match &open.answer {
            Some(answer) => (harvest::entry_of(intent, &reply_of(answer), answer.ended_ms)?, false),
            None => harvested(store, &open, tell)?,
        };
        match entry {
            Some(entry) => {
                store.put(&entry)?;
                tell(Found::Answered {
                    call: intent.call.clone(),
                    label: intent.label.clone(),
                    items: entry.results.len(),
                });
                if let Some(raw) = &entry.raw {
                    drops.push((intent.call.clone(), raw.clone()));
                    continue;
                }
                standing::leave(store, intent, &dir)?;
            }
            None => {
                if let Some(spot) = Spot::of_call(&dir)? {
                    tell(Found::Warning(format!(
                        "`{}` was asked by an earlier build: its prompt lies on in `{}`",
                        intent.label,
                        spot.prompt().display()
                    )));
                    standing::leave(store, intent, &dir)?;
                }
                store.abandon(&intent.call);
            }
        }
        if !too_long {
            store.forget_call(&intent.call)?;
        }
    }
    store.flush()?;
    for (call, raw) in drops {
        standing::end(store, &store.call_dir(&call), Some(raw.as_bytes()))?;
        store.forget_call(&call)?;
    }
    standing::take_late(store, tell)
}

/// The entry of a call that ended, or comes to its end, with nobody there. Its answer is in the journal before it is used; true
/// if it was too long for that and stays where it is.
fn harvested(store: &Store, open: &OpenCall, tell: &mut dyn FnMut(Found)) -> Result<(Option<Entry>, bool)> {
    let left = match left(&store.call_dir(&open.intent.call), MAX_ANSWER, now())? {
        Left::Running(waiting) => {
            tell(Found::Running { label: open.intent.label.clone() });
            waiting.wait()?
        }
        ended => ended,
    };
    let Some(reply) = worth_keeping(open, left)? else { return Ok((None, false)) };
    let (reply, too_long) = bounded(reply);
    let ended_ms = now_ms();
    if let Some(answer) = Answer::of(reply.clone(), ended_ms) {
        store.answered(&open.intent.call, &answer).wait()?;
    }
    Ok((harvest::entry_of(&open.intent, &reply, ended_ms)?, too_long))
}

/// Takes in what is left for a question: in memory, without waiting.
pub(super) fn imagine(store: &mut Store) -> Result<()> {
    for open in store.open_calls()? {
        let (reply, ended_ms) = match &open.answer {
            Some(answer) => (Some(reply_of(answer)), answer.ended_ms),
            None => {
                let reply =
                    worth_keeping(&open, left(&store.call_dir(&open.intent.call), MAX_ANSWER, now())?)?;
                (reply.map(|reply| bounded(reply).0), now_ms())
            }
        };
        if let Some(entry) =
            reply.map(|reply| harvest::entry_of(&open.intent, &reply, ended_ms)).transpose()?.flatten()
        {
            store.imagine(entry)?;
        }
    }
    standing::imagine_late(store)
}

/// What a call left, if it counts as an attempt. Where nobody saw the program's end, only an answer that is whole does, which is
/// to say one that can be read.
fn worth_keeping(open: &OpenCall, left: Left) -> Result<Option<Reply>> {
    Ok(match left {
        Left::Ended(reply) => Some(harvest::with_whole_answer(&open.intent, reply)?),
        Left::Unseen(reply) => match &reply.outcome {
            Outcome::Answered(bytes) if harvest::is_whole(&open.intent, bytes)? => Some(reply),
            _ => None,
        },
        Left::Nothing | Left::Running(_) => None,
    })
}

fn reply_of(answer: &Answer) -> Reply {
    let outcome = match (&answer.ended, &answer.raw) {
        (Ended::TimedOut(seconds), _) => Outcome::TimedOut(*seconds),
        (Ended::Failed(why), _) => Outcome::Failed(why.clone()),
        (Ended::Truncated(why), raw) => {
            Outcome::Truncated { answer: raw.clone().unwrap_or_default(), why: why.clone() }
        }
        (_, Some(raw)) => Outcome::Answered(raw.clone()),
        (_, None) => Outcome::Answered(Vec::new()),
    };
    Reply {
        outcome,
        stderr: answer.stderr.clone(),
        meters: answer.meters,
        money_usd: answer.money_usd,
        model: answer.model.clone(),
        wait: None,
        unfinished: Vec::new(),
    }
}
