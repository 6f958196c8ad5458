//! One call, from its intent to its entry: durable before it is asked, durable before anything is made of it.

use super::clock::{day_of, now_ms};
use super::harvest::{entry_of, with_whole_answer};
use super::outlet::Outlet;
use super::standing;
use crate::diag::{Problem, Result};
use crate::digest::Hasher;
use crate::generate::{Begun, Generator, Notices, Outcome, Reply, Request, Stop};
use crate::money::{Meters, Prices, Terms};
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

/// What a call is asked with, beside what is asked.
pub(super) struct Means {
    pub(super) generator: Arc<dyn Generator>,
    pub(super) stop: Stop,
    pub(super) begun: Begun,
    pub(super) prices: Arc<Prices>,
    /// On what terms it is made.
    pub(super) terms: Terms<'static>,
    /// Where long pauses are told.
    pub(super) notices: Notices,
    /// The shared store, if there is one that can be asked.
    pub(super) outlet: Option<Outlet>,
}

/// A longer pause is told.
const LONG: Duration = Duration::from_secs(5);

/// Faults on the way are tried again so often, or so long.
const TRIES: u32 = 8;
const PATIENCE: Duration = Duration::from_secs(600);
const LONGEST_BACKOFF: Duration = Duration::from_secs(60);

/// Makes one call.
pub(super) async fn ask(
    store: Arc<Store>,
    intent: Arc<Intent>,
    request: Request,
    means: Means,
) -> Result<Came> {
    crate::fs::create_dir(&request.dir)?;
    store.intend(&intent).await?;
    let (prices, terms, outlet) = (means.prices.clone(), means.terms, means.outlet.clone());
    let reply = with_whole_answer(&intent, with_patience(request, means).await)?;
    let (mut reply, too_long) = bounded(reply);
    let ended_ms = now_ms();
    if reply.money_usd.is_none() {
        reply.money_usd = cost(&prices, [&reply.model, &intent.model], &reply.meters, ended_ms, terms);
    }
    let Some(answer) = Answer::of(reply.clone(), ended_ms) else {
        if matches!(reply.outcome, Outcome::Pending(_)) {
            return Ok(Came::Nothing(reply.outcome));
        }
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
        Outcome::Answered(bytes) | Outcome::Truncated { answer: bytes, .. } if bytes.len() > MAX_ANSWER => {
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
                Outcome::Answered(bytes) | Outcome::Truncated { answer: bytes, .. } => {
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

/// What tokens cost, by the price of the first of these models that has one.
pub(super) fn cost(
    prices: &Prices,
    models: [&Option<String>; 2],
    meters: &Meters,
    at_ms: u64,
    terms: Terms<'_>,
) -> Option<f64> {
    let day = day_of(at_ms);
    models.into_iter().flatten().find_map(|model| prices.cost(model, meters, &day, terms))
}

/// Asks until there is an outcome that is no fault of the way, or patience ends. What faulty tries cost is counted with it.
async fn with_patience(request: Request, means: Means) -> Reply {
    let Means { generator, mut stop, begun, notices, .. } = means;
    if generator.desk(request.attempt).is_some() {
        // The desk has patience of its own.
        return generator.ask(request, stop).await;
    }
    let mut since: Option<Instant> = None;
    let mut tried = Meters::default();
    let mut backoff = Duration::from_millis(500);
    for number in 1.. {
        let mut reply = generator.ask_telling(request.clone(), stop.clone(), begun.clone()).await;
        tried.and_tried(&reply.meters);
        reply.meters = tried;
        let waited = since.get_or_insert_with(Instant::now).elapsed();
        let pause = reply.wait.unwrap_or_else(|| spread(backoff, &request.call, number));
        if !matches!(reply.outcome, Outcome::Transport(_)) || number >= TRIES || waited + pause > PATIENCE {
            return reply;
        }
        if let (Outcome::Transport(why), true) = (&reply.outcome, pause >= LONG) {
            notices.tell(&request.call, format!("{why}; asked again in {} s", pause.as_secs()));
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.stopped() => return Reply::of(Outcome::Interrupted),
        }
        if reply.wait.is_none() {
            backoff = (backoff * 2).min(LONGEST_BACKOFF);
        }
    }
    Reply::of(Outcome::Interrupted)
}

/// A pause cut by up to a quarter, differently for each call and try, so that calls that failed together do not come back together.
fn spread(pause: Duration, call: &str, number: u32) -> Duration {
    let mut hasher = Hasher::new("jitter");
    hasher.field("call", call.as_bytes()).field("try", &number.to_le_bytes());
    pause.mul_f64(1.0 - f64::from(hasher.finish().as_bytes()[0]) / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_spread() {
        let second = Duration::from_secs(1);
        let pauses: Vec<Duration> = (1..50).map(|number| spread(second, "c", number)).collect();
        assert!(pauses.iter().all(|pause| *pause <= second && *pause >= Duration::from_millis(750)));
        assert!(pauses.iter().any(|pause| *pause != pauses[0]));
        assert_ne!(spread(second, "a", 1), spread(second, "b", 1));
    }
}
