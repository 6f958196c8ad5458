//! The shared store in a run: what it has is fetched before anything is bought, what was bought is offered to it, and what it
//! cannot be asked about is held.

use super::chunks;
use super::options::Options;
use super::outlet::{Known, Outlet};
use super::session::Session;
use crate::course::{OnRemoteDown, SharedMode, SharedPlace, SharedStore};
use crate::diag::{Problem, Result};
use crate::digest::Digest;
use crate::event::Event;
use crate::plan::{Board, Held, OutOfReach, Verdict};
use crate::share::{Address, Look, Offered, Settings, Shared};
use crate::store::{Entry, EntryId, Provenance, Store, portions, slot, together};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// Entries that are offered at once: what is sent is held in memory.
const AT_ONCE: usize = 50;

/// The shared store of a session.
pub(super) struct Sharing {
    /// `None`: it is not to be asked in this run.
    pub(super) shared: Option<Shared>,
    name: String,
    writes: bool,
    down: OnRemoteDown,
    pub(super) known: Arc<Known>,
    /// Results that were fetched.
    pub(super) fetched: usize,
    /// The slots of which nobody can say what they hold, and why.
    pub(super) out_of_reach: Arc<HashSet<Digest>>,
    why: Option<String>,
}

impl Sharing {
    /// The shared store that the manifest names, unless it is switched off.
    pub(super) fn open(
        declared: Option<&SharedStore>,
        options: &Options,
        store: &Store,
    ) -> Result<Option<Self>> {
        let Some(declared) = declared else {
            return match options.shared {
                Some(SharedMode::R | SharedMode::Rw) => Err(Problem::author("no shared store is declared")
                    .hint("write `[shared]` with its `url` into the manifest")),
                _ => Ok(None),
            };
        };
        let mode = options.shared.unwrap_or(declared.mode);
        if mode == SharedMode::Off {
            return Ok(None);
        }
        let address = match &declared.place {
            SharedPlace::Folder(path) => Address::Folder(path.clone()),
            SharedPlace::Http(url) => Address::Http(url.clone()),
            SharedPlace::Bucket(url) => Address::Bucket(url.clone()),
        };
        let known = Arc::new(Known::read(store, &address)?);
        let (name, writes) = (address.shown(), mode == SharedMode::Rw);
        let away = options.offline && address.needs_network();
        let shared = if away {
            None
        } else {
            Some(Shared::open(&Settings {
                address,
                writes,
                used_before: known.was_used(),
                timeout: declared.timeout,
                environment: options.environment.clone(),
            })?)
        };
        Ok(Some(Self {
            shared,
            name,
            writes,
            down: options.on_remote_down.unwrap_or(declared.down),
            known,
            fetched: 0,
            out_of_reach: Arc::default(),
            why: away.then(|| "`--offline` forbids asking it".to_owned()),
        }))
    }

    /// What calls are shared through.
    pub(super) fn outlet(&self, store: &Arc<Store>) -> Option<Outlet> {
        let shared = self.shared.as_ref()?;
        let hold = self.down == OnRemoteDown::Hold;
        Some(Outlet::new(shared.port(), self.known.clone(), store.clone(), hold))
    }

    /// Asks for slots. What nobody can tell is noted, if it is to be held.
    fn ask(&mut self, slots: &[Digest]) -> (Vec<Entry>, bool) {
        let looks = match &self.shared {
            Some(shared) => shared.look_up(slots),
            None => slots.iter().map(|slot| (*slot, Look::Unknown(String::new()))).collect(),
        };
        let mut hits = Vec::new();
        let mut unknown = HashSet::new();
        for (slot, look) in looks {
            match look {
                Look::Hit(entry) => hits.push(*entry),
                Look::Miss => {}
                Look::Unknown(why) => {
                    unknown.insert(slot);
                    self.why.get_or_insert(why);
                }
            }
        }
        let told = !unknown.is_empty();
        if told && self.down == OnRemoteDown::Hold {
            Arc::make_mut(&mut self.out_of_reach).extend(unknown);
        }
        (hits, told)
    }

    /// What people should know and was not told yet.
    pub(super) fn warnings(&self) -> Vec<Event> {
        let warnings = self.shared.as_ref().map(|shared| shared.port().warnings()).unwrap_or_default();
        warnings.into_iter().map(|message| Event::Warning { message }).collect()
    }

    /// That nobody can say what the store has, and what follows.
    pub(super) fn trouble(&self, held: &OutOfReach) -> Option<String> {
        let why = self.why.as_ref()?;
        let what = if held.items > 0 {
            let price = held.money_usd.map(|usd| format!(", about ${usd:.2} as far as prices are known"));
            let price = price.unwrap_or_else(|| ", at a price that nobody knows".to_owned());
            format!(
                "{} items are held, for it may have them; buying them all the same: \
                 `--on-remote-down generate`{price}",
                held.items
            )
        } else if self.down == OnRemoteDown::Generate {
            "what it may have is bought all the same".to_owned()
        } else {
            "nothing had to be bought".to_owned()
        };
        Some(format!("the shared store `{}` is out of reach ({why}): {what}", self.name))
    }

    /// Whether it can be asked, and how well it behaves.
    pub(super) fn examine(&self) -> Result<&'static str, String> {
        match &self.shared {
            Some(shared) => shared.examine(),
            None => Err(self.why.clone().unwrap_or_default()),
        }
    }

    /// Whether anything may be left there.
    pub(super) fn can_write(&self) -> bool {
        self.shared.as_ref().is_some_and(|shared| shared.port().writes())
    }

    /// Its address, as it may be shown.
    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

/// Fetches what the shared store has of what would be bought, until nothing more comes of it. `keep`: into the store; else only
/// into this process's memory.
pub(super) fn gather(session: &mut Session, options: &Options, keep: bool) -> Result<()> {
    let mut asked = HashSet::new();
    while session.sharing.is_some() {
        let (mut wanted, names) = wanted(session, options, &asked)?;
        asked.extend(&wanted);
        let Some(sharing) = session.sharing.as_mut().filter(|_| !wanted.is_empty()) else { return Ok(()) };
        let mut hits = chunks::fetch(sharing, names, &mut wanted);
        let (single, unknown) = sharing.ask(&wanted);
        hits.extend(single);
        if hits.is_empty() && !unknown {
            return Ok(());
        }
        sharing.fetched += hits.len();
        let known = sharing.known.clone();
        file(session, together(hits), keep, &known)?;
    }
    Ok(())
}

fn file(session: &mut Session, entries: Vec<Entry>, keep: bool, known: &Known) -> Result<()> {
    let store = Arc::get_mut(&mut session.store)
        .ok_or_else(|| Problem::internal("the store is in use while results are fetched"))?;
    if keep {
        known.add(&store.put_many(&entries)?);
        return Ok(());
    }
    entries.into_iter().try_for_each(|entry| store.imagine(entry))
}

/// The slots of what would be bought, but for those that were asked for already and for what is to replace a result.
/// And the names of the chunks that hold many of them.
fn wanted(
    session: &Session,
    options: &Options,
    asked: &HashSet<Digest>,
) -> Result<(Vec<Digest>, Vec<Digest>)> {
    let memories = session.memories();
    let boards = session.boards(options, &options.selection, &memories)?;
    let mut wanted = Vec::new();
    for board in &boards {
        for phase in 0..board.phases.len() {
            let cells = board.cells(phase).map(|(.., cell)| cell);
            let cells = cells.filter(|cell| cell.is_wanted() && cell.decision.supersedes.is_none());
            let slots = cells.map(|cell| slot(cell.content, &cell.id, &cell.decision.refused, None));
            wanted.extend(slots.filter(|slot| !asked.contains(slot)));
        }
    }
    let new: HashSet<Digest> = wanted.iter().copied().collect();
    let names = boards.iter().flat_map(|board| chunks::worth_asking(board, &new)).collect();
    Ok((wanted, names))
}

/// What came of offering everything that was not offered yet.
#[derive(Debug, Default)]
pub struct Pushed {
    /// Results that the shared store has now.
    pub stored: usize,
    /// Results for which it had another one already; that one was fetched.
    pub lost: usize,
    /// Results that could not be offered.
    pub left: usize,
    /// Why not, of the first one.
    pub why: Option<String>,
}

/// Offers to the shared store what was bought and is not known to be there.
pub(super) fn push(session: &mut Session) -> Result<Pushed> {
    let mut pushed = Pushed::default();
    let mut unpushed: Vec<EntryId> = session.unpushed()?.into_iter().collect();
    unpushed.sort_unstable();
    let Some((shared, known)) =
        session.sharing.as_ref().and_then(|sharing| Some((sharing.shared.as_ref()?, sharing.known.clone())))
    else {
        pushed.left = unpushed.len();
        return Ok(pushed);
    };
    let (mut winners, mut done) = (Vec::new(), Vec::new());
    for some in unpushed.chunks(AT_ONCE) {
        let mut offers = Vec::new();
        let mut owners = Vec::new();
        for id in some {
            let Ok(entry) = session.store.entry(*id) else { continue };
            for (_, slot, portion) in portions(&entry) {
                owners.push(*id);
                offers.push((slot, portion));
            }
        }
        let mut kept: HashSet<EntryId> = HashSet::new();
        for (owner, offered) in owners.into_iter().zip(shared.offer(offers)) {
            match offered {
                Offered::Stored => pushed.stored += 1,
                Offered::Lost(winner) => {
                    pushed.lost += 1;
                    winners.push(*winner);
                }
                Offered::Kept(why) => {
                    pushed.left += 1;
                    pushed.why.get_or_insert(why);
                    kept.insert(owner);
                }
            }
        }
        done.extend(some.iter().filter(|id| !kept.contains(id)));
        if !shared.port().writes() || kept.len() == some.len() {
            break;
        }
    }
    // What came first elsewhere is here before it is noted that nothing is left to be offered.
    file(session, together(winners), true, &known)?;
    known.add(&done);
    Ok(pushed)
}

impl Session {
    /// What was paid for and is not known to be on the shared store, if there is one that is written to.
    pub(super) fn unpushed(&self) -> Result<HashSet<EntryId>> {
        let Some(sharing) = self.sharing.as_ref().filter(|sharing| sharing.writes) else {
            return Ok(HashSet::new());
        };
        let sources = self.store.index()?.sources().iter();
        let bought =
            sources.filter(|source| source.provenance == Provenance::Generated && source.results > 0);
        Ok(bought.map(|source| source.entry).filter(|entry| !sharing.known.has(entry)).collect())
    }

    /// How many answered calls the shared store may lack at the end of a run. Where writing is not allowed after all, only those
    /// of this run: others are not this one's to push.
    pub(super) fn left_unpushed(&self) -> Result<usize> {
        let unpushed = self.unpushed()?;
        let allowed = self.sharing.as_ref().and_then(|sharing| sharing.shared.as_ref());
        let index = self.store.index()?;
        let of_this_run = |entry: &&EntryId| {
            let source = index.sources().iter().find(|source| source.entry == **entry);
            source.is_some_and(|source| source.asked_ms >= self.began_ms)
        };
        Ok(match allowed {
            Some(shared) if !shared.port().writes() => unpushed.iter().filter(of_this_run).count(),
            _ => unpushed.len(),
        })
    }
}

/// The items that are held because nobody can say whether the shared store has them, with what they would cost: by the mean
/// price of their phase's items so far.
pub(super) fn out_of_reach(boards: &[Board<'_>], session: &Session) -> Result<OutOfReach> {
    let mut held = OutOfReach::default();
    let mut by_phase: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for board in boards {
        for phase in 0..board.phases.len() {
            let of = board.cells(phase);
            let count = of.filter(|(.., cell)| is_out_of_reach(&cell.decision.verdict)).count();
            held.items += count;
            if count > 0 {
                by_phase.insert((&board.course.code, &board.rule(phase).name), count);
            }
        }
    }
    if held.items == 0 {
        return Ok(held);
    }
    let index = session.store.index()?;
    for ((course, phase), count) in by_phase {
        let paid =
            index.sources().iter().filter(|source| (&*source.course, &*source.phase) == (course, phase));
        let (usd, items) = paid.fold((0.0, 0_u32), |(usd, items), source| match source.money_usd {
            Some(more) => (usd + more, items + source.items),
            None => (usd, items),
        });
        if items > 0 {
            #[expect(clippy::cast_precision_loss, reason = "an estimate")]
            let price = usd / f64::from(items) * count as f64;
            *held.money_usd.get_or_insert(0.0) += price;
        }
    }
    Ok(held)
}

/// True when an item is held because the shared store cannot be asked.
pub(super) fn is_out_of_reach(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Held(Held::OutOfReach))
}
