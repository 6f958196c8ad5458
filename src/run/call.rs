//! One call, from its intent to its entry: durable before it is asked, durable before anything is made of it.

use super::clock::now_ms;
use super::harvest::entry_of;
use super::outlet::Outlet;
use super::standing;
use crate::diag::{Problem, Result};
use crate::generate::{Generator, Outcome, Reply, Request, Stop};
use crate::store::{Answer, Entry, EntryId, Intent, MAX_ANSWER, Store};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What came of a call.
pub(super) enum Came {
    /// An entry, which is in the store.
    Entry(Box<Entry>),
    /// Nothing: it was interrupted, or the way to the generator failed for good, or the generator cannot be used.
    Nothing(Outcome),
}

/// Faults on the way are tried again so often, or so long.
const TRIES: u32 = 8;
const PATIENCE: Duration = Duration::from_secs(600);

/// Makes one call.
pub(super) async fn ask(
    store: Arc<Store>,
    generator: Arc<dyn Generator>,
    intent: Arc<Intent>,
    request: Request,
    stop: Stop,
    outlet: Option<Outlet>,
) -> Result<Came> {
    crate::fs::create_dir(&request.dir)?;
    store.intend(&intent).await?;
    let (reply, too_long) = bounded(with_patience(generator.as_ref(), request, stop).await);
    let ended_ms = now_ms();
    let Some(answer) = Answer::of(reply.clone(), ended_ms) else {
        standing::leave(&store, &intent, &store.call_dir(&intent.call))?;
        store.abandon(&intent.call);
        store.forget_call(&intent.call)?;
        return Ok(Came::Nothing(reply.outcome));
    };
    store.answered(&intent.call, &answer).await?;
    let kept = tokio::task::spawn_blocking(move || keep(&store, &intent, &reply, ended_ms, too_long))
        .await
        .map_err(|e| Problem::internal("the thread that keeps an answer ended").because(e))??;
    Ok(match (kept, outlet) {
        ((Came::Entry(entry), Some(id)), Some(outlet)) => {
            Came::Entry(Box::new(outlet.offer(id, *entry).await?))
        }
        ((came, _), _) => came,
    })
}

/// An answer longer than the journal takes is a failed attempt; true for such a one. It stays in the call's folder.
pub(super) fn bounded(reply: Reply) -> (Reply, bool) {
    match &reply.outcome {
        Outcome::Answered(bytes) | Outcome::Truncated(bytes) if bytes.len() > MAX_ANSWER => {
            let what = format!(
                "the answer has {} bytes, and {MAX_ANSWER} are the most that is read; it is kept in the call's folder",
                bytes.len()
            );
            (Reply { outcome: Outcome::Failed(what), ..reply }, true)
        }
        _ => (reply, false),
    }
}

/// Writes the entry of an answer that is in the journal.
fn keep(
    store: &Store,
    intent: &Intent,
    reply: &Reply,
    ended_ms: u64,
    too_long: bool,
) -> Result<(Came, Option<EntryId>)> {
    match entry_of(intent, reply, ended_ms)? {
        Some(entry) => {
            let id = store.keep(&entry)?;
            let dir = store.call_dir(&intent.call);
            match &reply.outcome {
                Outcome::Answered(bytes) | Outcome::Truncated(bytes) => {
                    standing::end(store, &dir, Some(bytes))?;
                }
                Outcome::TimedOut(_) => standing::leave(store, intent, &dir)?,
                _ => standing::end(store, &dir, None)?,
            }
            // The journal has the answer until the entry's name is durable; the folder has nothing that they lack.
            if !too_long {
                store.forget_call(&intent.call)?;
            }
            Ok((Came::Entry(Box::new(entry)), Some(id)))
        }
        None => Ok((Came::Nothing(reply.outcome.clone()), None)),
    }
}

async fn with_patience(generator: &dyn Generator, request: Request, mut stop: Stop) -> Reply {
    let started = Instant::now();
    let mut pause = Duration::from_millis(500);
    for _ in 1..TRIES {
        let reply = generator.ask(request.clone(), stop.clone()).await;
        if !matches!(reply.outcome, Outcome::Transport(_)) || started.elapsed() + pause > PATIENCE {
            return reply;
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.stopped() => return Reply::of(Outcome::Interrupted),
        }
        pause *= 2;
    }
    generator.ask(request, stop).await
}
