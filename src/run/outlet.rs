//! What a call's task needs of the shared store: what it brought is offered there before anything is made of it, and where
//! somebody else came first, his result takes the place of ours.

use crate::diag::Result;
use crate::digest::Digest;
use crate::fs::{self, Appender};
use crate::share::{Address, Look, Offered, Port};
use crate::store::{Entry, EntryId, Store, Stored, portions, together};
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// The entries of which the shared store is known to have everything: a file of names. Only what stands there was pushed, so
/// a crash can make something be offered twice, and nothing be forgotten.
#[derive(Debug)]
pub(super) struct Known {
    path: PathBuf,
    used: bool,
    entries: Mutex<HashSet<EntryId>>,
}

impl Known {
    pub(super) fn read(store: &Store, address: &Address) -> Result<Self> {
        let path = store.dir().join("shared").join(address.id());
        let bytes = fs::read(&path)?;
        let used = bytes.is_some();
        let text = String::from_utf8_lossy(bytes.as_deref().unwrap_or_default()).into_owned();
        let entries = text.lines().filter_map(|line| line.parse().ok()).map(EntryId::from_digest).collect();
        Ok(Self { path, used, entries: Mutex::new(entries) })
    }

    pub(super) fn was_used(&self) -> bool {
        self.used
    }

    pub(super) fn has(&self, entry: &EntryId) -> bool {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).contains(entry)
    }

    /// Notes entries. That it cannot be written does no harm: they are offered once more.
    pub(super) fn add(&self, entries: &[EntryId]) {
        let mut known = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let new: Vec<&EntryId> = entries.iter().filter(|entry| known.insert(**entry)).collect();
        // A line that a crash tore apart is no name; what follows it begins a new one.
        let lines: String = new.iter().map(|entry| format!("\n{entry}")).collect();
        if !new.is_empty()
            && let Ok(mut file) = Appender::open(&self.path)
        {
            let _ = file.append((lines + "\n").as_bytes());
        }
    }
}

/// A shared store as calls use it. Cheap to clone.
#[derive(Clone)]
pub(super) struct Outlet {
    port: Port,
    known: Arc<Known>,
    store: Arc<Store>,
    /// What cannot be asked about is held; else it is bought.
    pub(super) hold: bool,
}

impl Outlet {
    pub(super) fn new(port: Port, known: Arc<Known>, store: Arc<Store>, hold: bool) -> Self {
        Self { port, known, store, hold }
    }

    /// Offers what a call brought. Results that lost their slot give way to those that have it, in the entry that is given back;
    /// what the call really brought stays in the store.
    pub(super) async fn offer(&self, id: EntryId, mut entry: Entry) -> Result<Entry> {
        let portions = portions(&entry);
        let places: Vec<usize> = portions.iter().map(|(at, ..)| *at).collect();
        let offers = portions.into_iter().map(|(_, slot, portion)| (slot, portion)).collect();
        let (mut winners, mut whole) = (Vec::new(), true);
        for (at, offered) in places.into_iter().zip(self.port.offer_all(offers).await) {
            match offered {
                Offered::Stored => {}
                Offered::Lost(winner) => {
                    let won = &winner.results[0];
                    let item = entry.results[at].item;
                    entry.results[at] = Stored { item, digest: won.digest, output: won.output.clone() };
                    winners.push(*winner);
                }
                Offered::Kept(_) => whole = false,
            }
        }
        self.keep(winners).await?;
        if whole {
            self.known.add(&[id]);
        }
        Ok(entry)
    }

    /// Asks for slots.
    pub(super) async fn look_up(&self, slots: Vec<Digest>) -> Vec<(Digest, Look)> {
        self.port.look_up(slots).await
    }

    /// Puts results of others into the store.
    pub(super) async fn keep(&self, portions: Vec<Entry>) -> Result<()> {
        let (store, known) = (self.store.clone(), self.known.clone());
        let kept = tokio::task::spawn_blocking(move || {
            let ids = together(portions).iter().map(|entry| store.keep(entry)).collect::<Result<Vec<_>>>()?;
            known.add(&ids);
            Ok(())
        });
        kept.await.unwrap_or(Ok(()))
    }
}
