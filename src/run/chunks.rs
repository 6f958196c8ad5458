//! Many slots at once: runs of a phase's items in source order, each with all their results under one name in the shared
//! store, so that a fresh clone makes dozens of requests instead of thousands.
//!
//! A chunk's name is a digest of the first slots of its items, so whoever knows what he wants knows the name, and nothing has
//! to be looked up. Where a run ends is decided by the slots themselves: an edit changes the chunk that it is in and no other.
//! Chunks are a short cut, nothing else: what one lacks is asked for slot by slot, and what it holds is checked like a slot.

use super::session::Session;
use super::sharing::Sharing;
use crate::diag::Result;
use crate::digest::{Digest, Hasher};
use crate::plan::{Board, Cell, State, Verdict};
use crate::store::{Entry, EntryId, MAX_OBJECT, Store, encode_chunk, portions, slot};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// A run ends at a slot whose first byte is a multiple of this: after so many items in the mean.
const MEAN: u8 = 64;
/// Fewer items than this are asked for one by one.
const FEWEST: usize = 8;
/// A run never has more items.
const MOST: usize = 256;

struct Chunk<'b> {
    name: Digest,
    cells: Vec<&'b Cell>,
}

/// The slot that an item's first purchase goes to.
fn first_slot(cell: &Cell) -> Digest {
    slot(cell.content, &cell.id, &[], None)
}

/// The runs of a phase, as far as its items are known.
fn of_phase<'b>(board: &'b Board<'_>, phase: usize) -> Vec<Chunk<'b>> {
    let known = |root: &usize| board.phases[phase].slots[*root].state != State::Pending;
    let cells = board.cells(phase).filter(|(root, ..)| known(root)).map(|(.., cell)| cell);
    let cells = cells.filter(|cell| cell.content != Digest::default());
    let mut chunks = Vec::new();
    let mut run: Vec<&Cell> = Vec::new();
    for cell in cells {
        run.push(cell);
        if first_slot(cell).as_bytes()[0].is_multiple_of(MEAN) && run.len() >= FEWEST || run.len() == MOST {
            chunks.push(std::mem::take(&mut run));
        }
    }
    chunks.push(run);
    chunks.retain(|run| run.len() >= FEWEST);
    chunks.into_iter().map(|cells| Chunk { name: name(&cells), cells }).collect()
}

fn name(cells: &[&Cell]) -> Digest {
    let mut hasher = Hasher::new("coursebuild chunk 1");
    for cell in cells {
        hasher.field("slot", first_slot(cell).as_bytes());
    }
    hasher.finish()
}

/// The names of the chunks that hold many of the slots that are wanted.
pub(super) fn worth_asking(board: &Board<'_>, wanted: &HashSet<Digest>) -> Vec<Digest> {
    let many = |chunk: &Chunk<'_>| {
        chunk.cells.iter().filter(|cell| wanted.contains(&first_slot(cell))).count() >= FEWEST
    };
    let chunks = (0..board.phases.len()).flat_map(|phase| of_phase(board, phase));
    chunks.filter(many).map(|chunk| chunk.name).collect()
}

/// Fetches chunks. What they hold of what is wanted is taken off the list; what else they hold is refused answers before it, and
/// welcome.
pub(super) fn fetch(sharing: &Sharing, names: Vec<Digest>, wanted: &mut Vec<Digest>) -> Vec<Entry> {
    let Some(shared) = sharing.shared.as_ref().filter(|_| !names.is_empty()) else { return Vec::new() };
    let mut found: HashMap<Digest, Entry> = HashMap::new();
    for (name, portions) in shared.chunks(names) {
        sharing.known.add(&[EntryId::from_digest(name)]);
        found.extend(portions);
    }
    wanted.retain(|slot| !found.contains_key(slot));
    found.into_values().collect()
}

/// A chunk that the shared store may lack: its name, and the ids and content keys of its items.
pub(super) type Lacking = (Digest, Vec<(Arc<str>, Digest)>);

/// The chunks of what stands now that are not known to be in the shared store.
pub(super) fn lacking(boards: &[Board<'_>], session: &Session) -> Vec<Lacking> {
    let Some(sharing) = session.sharing.as_ref().filter(|sharing| sharing.can_write()) else {
        return Vec::new();
    };
    let phases = boards.iter().flat_map(|board| (0..board.phases.len()).map(move |phase| (board, phase)));
    let chunks = phases.flat_map(|(board, phase)| of_phase(board, phase));
    let whole = |chunk: &Chunk<'_>| {
        let known = sharing.known.has(&EntryId::from_digest(chunk.name));
        !known && chunk.cells.iter().all(|cell| cell.decision.verdict == Verdict::Fresh)
    };
    let items = |chunk: Chunk<'_>| chunk.cells.iter().map(|cell| (cell.id.clone(), cell.content)).collect();
    chunks.filter(whole).map(|chunk| (chunk.name, items(chunk))).collect()
}

/// Leaves chunks in the shared store, of which the store has all results. That one cannot be left is no harm.
pub(super) fn leave(lacking: Vec<Lacking>, session: &Session) -> Result<()> {
    let Some(sharing) = &session.sharing else { return Ok(()) };
    for (name, items) in lacking {
        let Some(shared) = sharing.shared.as_ref().filter(|_| sharing.can_write()) else { return Ok(()) };
        let Some(portions) = results_of(&items, &session.store)? else { continue };
        let bytes = encode_chunk(&name, &portions)?;
        if bytes.len() <= MAX_OBJECT {
            if !shared.put_chunk(&name, &bytes) {
                return Ok(());
            }
            sharing.known.add(&[EntryId::from_digest(name)]);
        }
    }
    Ok(())
}

/// All bought results of these items under their content keys; `None` if one has none in the store.
fn results_of(items: &[(Arc<str>, Digest)], store: &Store) -> Result<Option<Vec<Entry>>> {
    let index = store.index()?;
    let mut read: HashMap<EntryId, Vec<Entry>> = HashMap::new();
    let mut all: BTreeMap<Digest, Entry> = BTreeMap::new();
    for (id, content) in items {
        let mut any = false;
        for known in index.results(content).filter(|known| known.id == *id) {
            let portions = read.entry(known.entry).or_insert_with(|| {
                let portions = store.entry(known.entry).map(|entry| portions(&entry)).unwrap_or_default();
                portions.into_iter().map(|(.., portion)| portion).collect()
            });
            let own = |portion: &&Entry| {
                let item = &portion.intent.items[0];
                item.id == *id && item.content == *content
            };
            if let Some(portion) = portions.iter().find(own) {
                // Of two in one slot, the one that the shared store has comes first.
                all.entry(known.slot).or_insert_with(|| portion.clone());
                any = true;
            }
        }
        if !any {
            return Ok(None);
        }
    }
    Ok(Some(all.into_values().collect()))
}
