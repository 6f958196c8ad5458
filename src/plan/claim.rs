//! Results that follow their content to another id.
//!
//! An item without a result of its own takes the unclaimed one of the same content with the smallest (id, digest), in source
//! order, each used once. Whether a result is unclaimed depends on all items of the phase, so an item that could take one over
//! waits until everything before it, and the root that the result belongs to, is known: then the outcome does not depend on
//! the order in which answers arrive.

use super::board::{Board, Slot, State};
use super::facts::Candidate;
use super::memory::{Memory, Other};
use crate::diag::Result;
use crate::digest::Digest;

/// The items of a slot that would take over a result.
pub(super) fn wanting(root: usize, slot: &Slot) -> impl Iterator<Item = (usize, usize)> + '_ {
    slot.cells.iter().enumerate().filter(|(_, cell)| cell.may_claim()).map(move |(at, _)| (root, at))
}

/// Lets the items of a phase take over what they may.
pub(super) fn take_over(board: &mut Board<'_>, phase: usize, memory: &Memory<'_>) -> Result<()> {
    if board.phases[phase].claiming.is_empty() {
        return Ok(());
    }
    let first_pending =
        board.phases[phase].slots.iter().position(|slot| slot.state == State::Pending).unwrap_or(usize::MAX);
    for (root, at) in board.phases[phase].claiming.clone() {
        let cell = &board.phases[phase].slots[root].cells[at];
        let (content, id, chosen) = (cell.content, cell.id.clone(), cell.chosen);
        let contents: Vec<Digest> = cell.contents().collect();
        let mut others: Vec<Other> = Vec::new();
        for content in contents {
            others.extend(memory.others(board, phase, content, &id)?);
        }
        others.retain(|other| !is_owned(board, phase, content, other));
        if first_pending < root || others.iter().any(|other| is_pending(board, phase, other)) {
            continue;
        }
        if let Some(detail) = board.detail_of(phase, root, at)?.filter(|_| !others.is_empty()) {
            let candidates: Vec<Candidate> = others.iter().map(|other| other.candidate.clone()).collect();
            let decision = board.decide(phase, &detail, content, chosen, candidates, memory)?;
            let taken = decision.current.as_ref().filter(|_| decision.claimed).map(|current| current.digest);
            if let Some(other) = others.iter().find(|other| Some(other.candidate.digest) == taken) {
                board.phases[phase].taken.insert((content, other.id.clone()));
            }
            board.phases[phase].slots[root].cells[at].decision = decision;
        }
        let state = &mut board.phases[phase];
        state.claiming.remove(&(root, at));
        if state.claiming.range((root, 0)..=(root, usize::MAX)).next().is_none() {
            state.slots[root].find_state();
        }
    }
    Ok(())
}

/// True when an item of this very id and content has the result, or another one took it over.
fn is_owned(board: &Board<'_>, phase: usize, content: Digest, other: &Other) -> bool {
    let state = &board.phases[phase];
    let owner = state
        .numbers
        .get(&other.root)
        .and_then(|root| state.slots[*root].cells.iter().find(|cell| cell.id == other.id));
    owner.is_some_and(|cell| cell.content == content) || state.taken.contains(&(content, other.id.clone()))
}

fn is_pending(board: &Board<'_>, phase: usize, other: &Other) -> bool {
    let state = &board.phases[phase];
    state.numbers.get(&other.root).is_some_and(|root| state.slots[*root].state == State::Pending)
}
