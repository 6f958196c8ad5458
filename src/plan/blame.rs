//! What follows for items from what programs blame: it is kept by item and output, and the decisions over items are made again
//! by the same table, with a judge that knows of it.

use super::board::{Board, Slot};
use super::compare::{Against, is_bought_anew};
use super::memory::Memory;
use super::order::At;
use super::outside::{Blame, Case};
use crate::check::{Finding, Lexicon};
use crate::diag::Result;
use crate::digest::Digest;

impl Board<'_> {
    /// True where programs decide over items in this run.
    pub(super) fn hears_programs(&self, phase: usize) -> bool {
        self.phases[phase].checks.runs_programs() && !self.wishes.trial
    }

    /// The batches that no judgement of the plan is known of.
    pub fn unjudged(&self, phase: usize) -> &[Case] {
        &self.phases[phase].order.unjudged
    }

    /// The findings that a result is blamed for by a program.
    pub(super) fn blame_on(&self, phase: usize, place: At, output: Option<Digest>) -> &[Finding] {
        let blames = self.phases[phase].order.blames.get(&place).map_or(&[][..], Vec::as_slice);
        let found = blames.iter().find(|(blamed, _)| Some(*blamed) == output);
        found.map_or(&[], |(_, findings)| findings)
    }

    /// Remembers blames for the decisions that follow.
    pub(super) fn take_blames(&mut self, phase: usize, blames: Vec<Blame>) {
        let order = &mut self.phases[phase].order;
        for Blame { place, output, findings } in blames {
            let of_item = order.blames.entry(place).or_default();
            match of_item.iter_mut().find(|(blamed, _)| *blamed == output) {
                Some((_, all)) => all.extend(findings),
                None => of_item.push((output, findings)),
            }
            order.blamed.insert(place);
        }
    }

    /// Hears all that is remembered of a phase as it stands when it has been opened, after its items from a root on were compared;
    /// what is blamed is compared again, for something else may stand for it.
    pub(super) fn hear_all(&mut self, phase: usize, compared: usize, memory: &Memory<'_>) -> Result<()> {
        let mut from = compared;
        while self.hears_programs(phase) {
            let heard = self.hear(phase, 0..self.phases[phase].slots.len())?;
            let Some(first) = heard.blames.iter().map(|blame| blame.place.0).min() else {
                self.phases[phase].order.judged = heard.judged;
                self.phases[phase].order.unjudged = heard.unknown;
                break;
            };
            self.take_blames(phase, heard.blames);
            from = from.min(first);
            self.compare_from(phase, from, memory)?;
        }
        Ok(())
    }

    /// Decides again over what programs blame, where nothing else compares items: nothing has to be read for that.
    pub(super) fn decide_what_is_blamed(&mut self, phase: usize, memory: &Memory<'_>) -> Result<()> {
        let board = &self.phases[phase];
        let uncertain = |slot: &Slot| !slot.is_decided() || slot.cells.iter().any(is_bought_anew);
        let certain = board.slots.iter().position(uncertain).unwrap_or(board.slots.len());
        let bound = self.bound(phase).min(certain);
        let against = Against { ledger: board.checks.ledger(), lexicon: Lexicon::default() };
        let mut changes = Vec::new();
        for &place in board.order.blames.keys() {
            let (decision, _) = self.decide_beside(phase, place, None, &against, memory)?;
            changes.extend(decision.map(|decision| (place, decision, place.0 >= bound)));
        }
        self.put(phase, changes);
        Ok(())
    }

    pub(super) fn is_wanted(&self, phase: usize, (root, at): At) -> bool {
        self.phases[phase].slots[root].cells[at].is_wanted()
    }

    /// A program has blamed the item's result, and nothing stands in its place.
    pub(super) fn lacks_blamed(&self, phase: usize, (root, at): At) -> bool {
        let board = &self.phases[phase];
        board.order.blamed.contains(&(root, at)) && board.slots[root].cells[at].decision.current.is_none()
    }
}
