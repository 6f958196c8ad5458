//! What is asked of a shared store and offered to it, with patience, in bounds, and with its answers checked.

use super::backend::{Backend, Got, Put, Trouble};
use super::breaker::Gate;
use super::{CONNECTIONS, Settings};
use crate::digest::{Digest, Hasher};
use crate::store::{Entry, decode_chunk, decode_portion, encode_portion};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OnceCell, Semaphore};
use tokio::task::JoinSet;

/// How often a result is offered, with a look in between at what is there.
const OFFERS: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// A store that wants to be left alone for longer is out of reach.
const LONGEST_PEACE: Duration = Duration::from_secs(5);

/// A store that is left alone for longer is not waited for.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// What a slot holds.
#[derive(Debug)]
pub enum Look {
    /// This result.
    Hit(Box<Entry>),
    /// Nothing: the store said so.
    Miss,
    /// Nobody knows: why.
    Unknown(String),
}

/// What became of an offer.
#[derive(Debug)]
pub enum Offered {
    /// The slot holds it.
    Stored,
    /// The slot holds another one, which came first.
    Lost(Box<Entry>),
    /// It could not be stored now: why.
    Kept(String),
}

/// A shared store as async tasks use it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Port {
    inner: Arc<Inner>,
    runtime: tokio::runtime::Handle,
}

#[derive(Debug)]
struct Inner {
    backend: Backend,
    name: String,
    writes: AtomicBool,
    /// Whether the store heeds the condition on writes; found out once.
    strict: OnceCell<bool>,
    /// Reads and writes fail by themselves: a store that takes nothing in can still be asked.
    reads: Gate,
    stores: Gate,
    connections: Semaphore,
    warnings: Mutex<BTreeSet<String>>,
    /// Why it could not be reached last.
    cause: Mutex<Option<String>>,
}

impl Port {
    pub(super) fn new(backend: Backend, settings: &Settings, runtime: tokio::runtime::Handle) -> Self {
        let inner = Inner {
            backend,
            name: settings.address.shown(),
            writes: AtomicBool::new(settings.writes),
            strict: OnceCell::new(),
            reads: Gate::default(),
            stores: Gate::default(),
            connections: Semaphore::new(CONNECTIONS),
            warnings: Mutex::default(),
            cause: Mutex::default(),
        };
        Self { inner: Arc::new(inner), runtime }
    }

    /// Whether it is written to: until the store refuses a write, if it was asked to be.
    pub fn writes(&self) -> bool {
        self.inner.writes.load(Ordering::Relaxed)
    }

    /// Its address, as it may be shown.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// What people should know and was not told yet; each once.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = self.inner.warnings.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *warnings).into_iter().collect()
    }

    /// Asks for many slots at once.
    pub async fn look_up(&self, slots: Vec<Digest>) -> Vec<(Digest, Look)> {
        let mut looks = self.look_at(slots).await;
        let Some(pause) = self.inner.pause().filter(|pause| *pause <= LONGEST_WAIT) else { return looks };
        // One more chance: whoever has to do without what nobody could ask pays for it.
        tokio::time::sleep(pause).await;
        let unknown = |look: &Look| matches!(look, Look::Unknown(_));
        let again: Vec<Digest> =
            looks.iter().filter(|(_, look)| unknown(look)).map(|(slot, _)| *slot).collect();
        let Some(first) = again.first() else { return looks };
        let mut second = self.look_at(vec![*first]).await;
        if second.iter().all(|(_, look)| !unknown(look)) {
            second.extend(self.look_at(again[1..].to_vec()).await);
            looks.retain(|(_, look)| !unknown(look));
            looks.extend(second);
        }
        looks
    }

    async fn look_at(&self, slots: Vec<Digest>) -> Vec<(Digest, Look)> {
        let mut tasks = JoinSet::new();
        for slot in slots {
            let inner = self.inner.clone();
            tasks.spawn_on(async move { (slot, inner.look(&slot).await) }, &self.runtime);
        }
        tasks.join_all().await
    }

    /// Offers many results, each with its slot; answers in their order.
    pub async fn offer_all(&self, portions: Vec<(Digest, Entry)>) -> Vec<Offered> {
        let mut tasks = JoinSet::new();
        let count = portions.len();
        for (at, (slot, portion)) in portions.into_iter().enumerate() {
            let inner = self.inner.clone();
            tasks.spawn_on(async move { (at, inner.offer(&slot, &portion).await) }, &self.runtime);
        }
        let mut offered = tasks.join_all().await;
        offered.sort_by_key(|(at, _)| *at);
        let mut offered: Vec<Offered> = offered.into_iter().map(|(_, offered)| offered).collect();
        offered.resize_with(count, || Offered::Kept("the task that offered it ended".to_owned()));
        offered
    }

    /// Asks for many chunks at once: what they hold, with its slots, and the names of those that are there. One that cannot be had
    /// is nothing worse than slow: its slots are asked for one by one.
    pub(super) async fn chunks(&self, names: Vec<Digest>) -> Vec<(Digest, Vec<(Digest, Entry)>)> {
        let mut tasks = JoinSet::new();
        for name in names {
            let inner = self.inner.clone();
            tasks.spawn_on(
                async move {
                    let Ok(Got::Bytes(bytes)) = inner.get(&name).await else { return None };
                    Some((name, decode_chunk(&name, &bytes).ok()?))
                },
                &self.runtime,
            );
        }
        tasks.join_all().await.into_iter().flatten().collect()
    }

    /// Stores a chunk; true if it is there now, whole.
    pub(super) async fn put_chunk(&self, name: &Digest, bytes: &[u8]) -> bool {
        self.writes() && self.inner.put_chunk(name, bytes).await.is_ok_and(|whole| whole)
    }

    pub(super) async fn examine(&self) -> Result<&'static str, String> {
        self.inner.get(&probe_slot()).await.map_err(|trouble| trouble.words())?;
        if !self.writes() {
            return Ok("can be read; it is not written to from here");
        }
        match self.inner.is_strict().await {
            Ok(true) => Ok("can be read and written, and heeds the condition on writes"),
            Ok(false) => {
                Ok("can be read and written, but overwrites what is there although it is told not to")
            }
            Err(Trouble::Denied(why)) => {
                self.inner.read_only(&why);
                Ok("can be read; writing is not allowed")
            }
            Err(trouble) => Err(trouble.words()),
        }
    }
}

/// A slot of nobody's: to try a store out with.
fn probe_slot() -> Digest {
    Hasher::new("coursebuild probe of a shared store").finish()
}

impl Inner {
    fn pause(&self) -> Option<Duration> {
        self.reads.pause()
    }

    fn warn(&self, warning: String) {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).insert(warning);
    }

    fn read_only(&self, why: &str) {
        if self.writes.swap(false, Ordering::Relaxed) {
            self.warn(format!(
                "the shared store `{}` does not let us write ({why}): it is only read now",
                self.name
            ));
        }
    }

    /// Makes a request, again and again while there is hope.
    async fn patiently<T, F: Future<Output = Result<T, Trouble>>>(
        &self,
        gate: &Gate,
        ask: impl Fn() -> F,
    ) -> Result<T, Trouble> {
        let mut pause = FIRST_PAUSE;
        let mut tries = 1;
        loop {
            if !gate.admits() {
                let cause = self.cause.lock().unwrap_or_else(PoisonError::into_inner).clone();
                return Err(cause.map_or_else(Trouble::left_alone, Trouble::Unreachable));
            }
            let done = {
                let _one = self.connections.acquire().await;
                ask().await
            };
            if let Err(Trouble::Unreachable(why)) = &done {
                *self.cause.lock().unwrap_or_else(PoisonError::into_inner) = Some(why.clone());
            }
            let wait = match gate.noted(&done) {
                None => return done,
                Some(wait) => wait.unwrap_or(pause),
            };
            if tries >= self.backend.tries() || wait > LONGEST_PEACE {
                return done;
            }
            tries += 1;
            pause *= 3;
            tokio::time::sleep(wait).await;
        }
    }

    async fn get(&self, slot: &Digest) -> Result<Got, Trouble> {
        self.patiently(&self.reads, || self.backend.get(slot)).await
    }

    async fn put(&self, slot: &Digest, bytes: &[u8], replace: bool) -> Result<Put, Trouble> {
        self.backend.put(slot, bytes.to_vec(), replace).await
    }

    /// Stores a chunk where none is, or one that is not whole. True if it is there.
    async fn put_chunk(&self, name: &Digest, bytes: &[u8]) -> Result<bool, Trouble> {
        let put = |replace| self.patiently(&self.stores, move || self.put(name, bytes, replace));
        if put(false).await? == Put::Created {
            return Ok(true);
        }
        match self.get(name).await? {
            Got::Bytes(there) if decode_chunk(name, &there).is_ok() => Ok(true),
            Got::Absent => Ok(false),
            Got::Bytes(_) | Got::Bad(_) => Ok(put(true).await? == Put::Created),
        }
    }

    /// What a slot holds, checked. `Err(why)`: something that is not whole.
    async fn read(&self, slot: &Digest) -> Result<Result<Option<Entry>, String>, Trouble> {
        Ok(match self.get(slot).await? {
            Got::Absent => Ok(None),
            Got::Bad(why) => Err(why),
            Got::Bytes(bytes) => decode_portion(slot, &bytes).map(Some),
        })
    }

    async fn look(&self, slot: &Digest) -> Look {
        match self.read(slot).await {
            Ok(Ok(Some(entry))) => Look::Hit(Box::new(entry)),
            Ok(Ok(None)) => Look::Miss,
            Ok(Err(why)) => {
                self.warn(format!(
                    "the shared store `{}` holds something damaged in the slot `{slot}`: {why}",
                    self.name
                ));
                Look::Unknown(format!("what it holds is damaged: {why}"))
            }
            Err(trouble) => Look::Unknown(trouble.words()),
        }
    }

    /// Whether the store heeds the condition on writes: the second of two writes into one slot has to be refused.
    async fn is_strict(&self) -> Result<bool, Trouble> {
        let slot = probe_slot();
        let probe = || self.put(&slot, b"coursebuild probe\n", false);
        let strict = self.strict.get_or_try_init(|| async {
            if self.patiently(&self.stores, probe).await? == Put::Taken {
                return Ok(true);
            }
            Ok(self.patiently(&self.stores, probe).await? == Put::Taken)
        });
        let strict = *strict.await?;
        if !strict {
            self.warn(format!(
                "the shared store `{}` overwrites what is there although it is told not to: \
                 every write is read back, and two at the same moment may still both win",
                self.name
            ));
        }
        Ok(strict)
    }

    async fn offer(&self, slot: &Digest, portion: &Entry) -> Offered {
        if !self.writes.load(Ordering::Relaxed) {
            return Offered::Kept("it is only read".to_owned());
        }
        match self.try_offer(slot, portion).await {
            Ok(offered) => offered,
            Err(trouble) => {
                if let Trouble::Denied(why) = &trouble {
                    self.read_only(why);
                }
                Offered::Kept(trouble.words())
            }
        }
    }

    async fn try_offer(&self, slot: &Digest, portion: &Entry) -> Result<Offered, Trouble> {
        let bytes = encode_portion(slot, portion).map_err(|problem| Trouble::Refused(problem.to_string()))?;
        let strict = self.is_strict().await?;
        if !strict && let Some(there) = self.settled(slot, portion, &bytes).await? {
            return Ok(there);
        }
        let mut last = Trouble::Unreachable(String::new());
        for _ in 0..OFFERS {
            if !self.stores.admits() {
                return Err(Trouble::left_alone());
            }
            match self.put(slot, &bytes, false).await {
                Ok(Put::Created) if strict => {
                    self.stores.answered();
                    return Ok(Offered::Stored);
                }
                // Whatever was said, what is there is what counts.
                Ok(Put::Created | Put::Taken) => {
                    self.stores.answered();
                    last = Trouble::Unreachable("what was written cannot be found again".to_owned());
                }
                Err(trouble @ (Trouble::Denied(_) | Trouble::Refused(_))) => {
                    self.stores.answered();
                    return Err(trouble);
                }
                Err(Trouble::Busy(wait)) if wait <= LONGEST_PEACE => {
                    self.stores.answered();
                    last = Trouble::Busy(wait);
                    tokio::time::sleep(wait).await;
                }
                Err(trouble) => {
                    // A write that brought no answer may have happened.
                    self.stores.failed();
                    last = trouble;
                }
            }
            if let Some(there) = self.settled(slot, portion, &bytes).await? {
                return Ok(there);
            }
        }
        Err(last)
    }

    /// What a slot that is not empty means for who wanted to fill it. Something damaged is written over.
    async fn settled(
        &self,
        slot: &Digest,
        portion: &Entry,
        bytes: &[u8],
    ) -> Result<Option<Offered>, Trouble> {
        let same = |there: &Entry| there.results[0].digest == portion.results[0].digest;
        match self.read(slot).await? {
            Ok(None) => Ok(None),
            Ok(Some(there)) if same(&there) => Ok(Some(Offered::Stored)),
            Ok(Some(there)) => Ok(Some(Offered::Lost(Box::new(there)))),
            Err(why) => {
                self.warn(format!(
                    "the shared store `{}` held something damaged in the slot `{slot}`, which is written over: {why}",
                    self.name
                ));
                self.patiently(&self.stores, || self.put(slot, bytes, true)).await?;
                match self.read(slot).await? {
                    Ok(Some(there)) if same(&there) => Ok(Some(Offered::Stored)),
                    Ok(Some(there)) => Ok(Some(Offered::Lost(Box::new(there)))),
                    _ => Err(Trouble::Unreachable("what was written comes back damaged".to_owned())),
                }
            }
        }
    }
}
