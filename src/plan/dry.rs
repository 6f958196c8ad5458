//! The calls that the schedule would make of what is to be bought in a phase, without making any.

use super::board::{Board, State};
use super::outline::{add_phase, check_size, place, wants_of};
use super::small;
use crate::diag::Result;
use crate::digest::Digest;
use crate::schedule::{Place, Schedule, Want};
use std::collections::HashMap;

/// A phase, ready to be scheduled dry any number of times.
pub(super) struct Dry<'b, 'w> {
    board: &'b Board<'w>,
    phase: usize,
    /// What is to be bought, and what is in doubt, of the decided roots that have any.
    known: HashMap<usize, (Vec<Want>, Vec<Want>)>,
}

impl<'b, 'w> Dry<'b, 'w> {
    pub(super) fn new(board: &'b Board<'w>, phase: usize) -> Result<Self> {
        let (mut known, mut bytes) = (HashMap::new(), HashMap::new());
        for (root, slot) in board.phases[phase].slots.iter().enumerate() {
            if slot.is_decided() && slot.cells.iter().any(super::Cell::is_wanted) {
                let surely = wants_of(board, phase, root, &|cell| cell.doubt.is_none())?;
                let in_doubt = wants_of(board, phase, root, &|cell| cell.doubt.is_some())?;
                check_size(board, phase, root, &surely, &mut bytes)?;
                known.insert(root, (surely, in_doubt));
            }
        }
        Ok(Self { board, phase, known })
    }

    /// The items of each call: what is known less what is left out, with so many items from each root that is pending. What is in
    /// doubt is bought, if at all, when all before it is settled: together with no more than lies between two purchases.
    pub(super) fn calls(
        &self,
        in_doubt: bool,
        pending: &dyn Fn(usize) -> usize,
        left_out: &dyn Fn(Place) -> bool,
    ) -> Vec<Vec<Place>> {
        let mut schedule = Schedule::new(usize::MAX);
        let phase = &self.board.phases[self.phase];
        let number = add_phase(&mut schedule, self.board, self.phase, phase.slots.len());
        let mut purchases = 0_u64;
        for (root, slot) in phase.slots.iter().enumerate() {
            let wants: Vec<Want> = match slot.state {
                State::Open | State::Settled => self.known.get(&root).map_or_else(Vec::new, |known| {
                    let kept = |wants: &[Want]| -> Vec<Want> {
                        wants.iter().filter(|want| !left_out(want.place)).copied().collect()
                    };
                    let mut wants = kept(&known.0);
                    purchases += u64::from(!wants.is_empty());
                    if in_doubt {
                        let mut later = kept(&known.1);
                        later.iter_mut().for_each(|want| want.lane.2 = Digest::of(&purchases.to_le_bytes()));
                        wants.extend(later);
                    }
                    wants
                }),
                State::Pending | State::Claiming => {
                    let lane = phase.lane(root, false, None);
                    (0..pending(root)).map(|at| Want { place: place(root, at), lane, bytes: 0 }).collect()
                }
            };
            schedule.settle(number, small(root), &wants);
        }
        std::iter::from_fn(|| schedule.next_call()).map(|ready| ready.items).collect()
    }
}
