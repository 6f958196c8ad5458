//! The generations of an item: every result that it ever had, oldest first, with where each came from.

use super::look::{Named, named, phases_of, targets};
use super::options::Options;
use super::session::Session;
use crate::diag::{Problem, Result};
use crate::digest::{Digest, Short};
use crate::json::Value;
use crate::link::Text;
use crate::plan::{Board, Cell, Memory, Selection, What};
use crate::store::{Provenance, RESOLVED};
use serde::Serialize;
use std::collections::HashSet;
use std::sync::Arc;

/// The generations of one item.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ItemHistory {
    /// The item, as a target.
    pub target: String,
    /// Its results by the order in which they first came.
    pub generations: Vec<ItemGeneration>,
}

/// One result that an item has or had.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ItemGeneration {
    /// Its number, from 1.
    pub number: usize,
    /// The digest of the output.
    pub digest: Digest,
    /// Where it comes from.
    pub provenance: Provenance,
    /// When it first came: milliseconds since 1970, UTC; null for one that only the main file knows.
    pub at_ms: Option<u64>,
    /// The call that brought it; null where there was none.
    pub call: Option<String>,
    /// It was brought under the present key: what it is made from is what it would be made from now.
    pub present_key: bool,
    /// It was made to stand by a person's decision.
    pub resolved: bool,
    /// It is what stands now.
    pub stands: bool,
    /// Its output in lifted form.
    #[serde(skip)]
    pub text: Arc<str>,
    /// The content key that it was last brought under, whole.
    #[serde(skip)]
    pub content: Digest,
}

/// The generations of an item on the board.
pub(super) fn of_item(
    board: &Board<'_>,
    memory: &Memory<'_>,
    phase: usize,
    (root, cell): (usize, &Cell),
) -> Result<Vec<ItemGeneration>> {
    let store = memory.store();
    let index = store.index()?;
    let stands = cell.decision.current.as_ref().or(cell.decision.linked.as_ref());
    let mut all: Vec<ItemGeneration> = Vec::new();
    for asked in index.history(&board.course.code, &board.rule(phase).name, &cell.id) {
        let Some(known) = asked.result else { continue };
        // A torn entry is a result that is not there.
        let Ok(text) = store.output(&known) else { continue };
        let source = index.source_of(known.entry);
        let resolved = source.is_some_and(|source| &*source.generator == RESOLVED);
        if let Some(same) = all.iter_mut().find(|generation| generation.digest == known.digest) {
            same.present_key |= known.content == cell.content;
            same.resolved |= resolved;
            same.content = known.content;
            continue;
        }
        let call = source.filter(|source| !source.call.is_empty()).map(|source| source.call.to_string());
        all.push(ItemGeneration {
            number: all.len() + 1,
            digest: known.digest,
            provenance: known.provenance,
            at_ms: Some(known.ended_ms),
            call,
            present_key: known.content == cell.content,
            resolved,
            stands: false,
            text: text.into(),
            content: known.content,
        });
    }
    if let Some(current) = stands {
        match all.iter_mut().find(|generation| generation.digest == current.digest) {
            Some(generation) => generation.stands = true,
            // A clone knows what stands, and nothing of what stood before.
            None => all.push(ItemGeneration {
                number: all.len() + 1,
                digest: current.digest,
                provenance: current.provenance,
                at_ms: None,
                call: None,
                present_key: current.key == cell.content.short() && current.key != Short::default(),
                resolved: false,
                stands: true,
                text: board.lifted(phase, &cell.id, &board.phases[phase].roots[root], &current.text)?,
                content: cell.content,
            }),
        }
    }
    Ok(all)
}

/// The generations of the items that are named one by one; none for a target that names several at once.
pub fn generations(options: &Options) -> Result<Vec<ItemHistory>> {
    let session = Session::open(options, None)?;
    let memories = session.memories();
    let boards = session.boards(options, &Selection::default(), &memories)?;
    let mut told = Vec::new();
    for target in targets(options, &boards)? {
        let (board, memory) = (&boards[target.course], &memories[target.course]);
        for phase in phases_of(board, &target) {
            for (root, _, cell) in single(board, phase, &target.what)? {
                told.push(ItemHistory {
                    target: format!("{}/{}/{}", board.course.code, board.rule(phase).name, cell.id),
                    generations: of_item(board, memory, phase, (root, cell))?,
                });
            }
        }
    }
    Ok(told)
}

/// The item of exactly this id.
fn single<'b>(board: &'b Board<'_>, phase: usize, what: &What) -> Result<Named<'b>> {
    let What::Items(id) = what else { return Ok(Vec::new()) };
    if !board.cells(phase).any(|(.., cell)| *cell.id == **id) {
        return Ok(Vec::new());
    }
    let mut found = named(board, phase, what)?;
    found.retain(|(.., cell)| *cell.id == **id);
    Ok(found)
}

/// The generation with a number.
pub(super) fn numbered(all: Vec<ItemGeneration>, number: usize, id: &str) -> Result<ItemGeneration> {
    let count = all.len();
    all.into_iter().find(|generation| generation.number == number).ok_or_else(|| {
        Problem::author(format!("`{id}` has no generation {number}"))
            .hint(format!("it has {count}: `coursebuild log {id}` lists them"))
    })
}

/// An item's output of an earlier generation, in the item's shape, with ids; derived fields are not part of it.
pub(super) fn output(
    board: &Board<'_>,
    memory: &Memory<'_>,
    phase: usize,
    (root, cell): (usize, &Cell),
    number: usize,
) -> Result<Value> {
    let generation = numbered(of_item(board, memory, phase, (root, cell))?, number, &cell.id)?;
    board.output(phase, &cell.id, &board.phases[phase].roots[root], &Text::Lifted(generation.text))
}

/// The items of a phase about which a person decided.
pub(super) fn decided(memory: &Memory<'_>, course: &str, phase: &str) -> Result<HashSet<Arc<str>>> {
    let index = memory.store().index()?;
    let of_phase = index.sources().iter().filter(|source| {
        &*source.generator == RESOLVED && *source.course == *course && *source.phase == *phase
    });
    let entries = of_phase.filter_map(|source| memory.store().entry(source.entry).ok());
    Ok(entries.flat_map(|entry| entry.intent.items).map(|item| item.id).collect())
}
