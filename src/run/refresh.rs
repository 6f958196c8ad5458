//! An answer for an item that a person edited: merged with the edit, or held beside it.

use crate::diag::Result;
use crate::link::Text;
use crate::plan::{Board, Candidate, Decision, Detail, Memory, refreshed};
use crate::store::{Provenance, Stored};

/// What becomes of an item whose moved edit was asked to be refreshed, now that an answer passed. `None`: it has no such edit.
pub(super) fn merged(
    board: &Board<'_>,
    memory: &Memory<'_>,
    phase: usize,
    (root, at): (usize, usize),
    detail: &Detail,
    stored: &Stored,
) -> Result<Option<Decision>> {
    let cell = &board.phases[phase].slots[root].cells[at];
    let key = cell.content.short();
    let edit = cell.decision.linked.as_ref().filter(|linked| {
        board.wishes.refresh && linked.provenance == Provenance::Edited && linked.key != key
    });
    let Some(edit) = edit.filter(|_| cell.decision.supersedes.is_none()) else { return Ok(None) };
    let mine = board.lifted(phase, &detail.id, &detail.root, &edit.text)?;
    let base = memory.base_of(board, phase, &detail.id, edit.key, cell.content)?;
    let theirs = Candidate {
        digest: stored.digest,
        provenance: Provenance::Generated,
        content: key,
        text: stored.output.as_str().into(),
    };
    let edit = crate::plan::Current { text: Text::Lifted(mine.clone()), ..edit.clone() };
    let judge = |lifted: &str| board.judge(phase, detail, lifted);
    Ok(Some(refreshed(&edit, &mine, base.as_deref(), &theirs, key, &judge)))
}
