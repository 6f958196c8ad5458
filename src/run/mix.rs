//! What `status` tells of decisions: waived and pinned items, and who made the results of a phase.

use super::views::ModelCount;
use crate::diag::Result;
use crate::plan::{Board, Cell, Verdict};
use crate::store::{EntryId, Provenance, Store};
use std::collections::HashMap;

/// Passes only because a finding is waived.
pub(super) fn is_waived(board: &Board<'_>, phase: usize, cell: &Cell) -> bool {
    let course = board.course;
    let waivers = course.accepted.waivers_of(&course.code, &board.rule(phase).name, &cell.id);
    let current = cell.decision.current.as_ref().filter(|_| cell.decision.verdict == Verdict::Fresh);
    current.is_some_and(|current| waivers.iter().any(|own| own.output == current.digest.short()))
}

/// Has a pinned result.
pub(super) fn is_pinned(board: &Board<'_>, phase: usize, cell: &Cell) -> bool {
    let course = board.course;
    course.accepted.pin_of(&course.code, &board.rule(phase).name, &cell.id).is_some()
}

/// Who made the results that stand, where those of other models stay; nothing for other phases.
pub(super) fn models(board: &Board<'_>, phase: usize, store: &Store) -> Result<Vec<ModelCount>> {
    if !board.course.phases[phase].keeps_models {
        return Ok(Vec::new());
    }
    let index = store.index()?;
    let mut authors: HashMap<EntryId, Option<String>> = HashMap::new();
    let mut counts: HashMap<Option<String>, usize> = HashMap::new();
    for (.., cell) in board.cells(phase) {
        let Some(current) = &cell.decision.current else { continue };
        let history = index.history(&board.course.code, &board.rule(phase).name, &cell.id);
        let made = history.iter().filter_map(|asked| asked.result.as_ref()).find(|known| {
            known.digest == current.digest
                && known.content.short() == current.key
                && known.provenance == Provenance::Generated
        });
        let author = made.and_then(|known| {
            authors.entry(known.entry).or_insert_with(|| store.author(known.entry).ok()).clone()
        });
        *counts.entry(author.filter(|author| !author.is_empty())).or_default() += 1;
    }
    let mut counts: Vec<ModelCount> =
        counts.into_iter().map(|(model, items)| ModelCount { model, items }).collect();
    counts.sort_by(|a, b| b.items.cmp(&a.items).then_with(|| a.model.cmp(&b.model)));
    Ok(counts)
}
