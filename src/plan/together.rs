//! Roots that are judged together, where a phase compares its own items.
//!
//! The frontier moves by groups: the roots that calls have bound together, or a run of roots that nothing is bought for. A group
//! is judged when all of it is answered and all before it is settled; what fails is asked again, and then the group is
//! judged again from there. Groups follow from what was bought, so nothing depends on the order in which answers arrive.

use super::board::{Board, Cell};
use super::memory::Memory;
use super::order::{At, Step};
use super::verdict::Verdict;
use crate::check::{Finding, Ledger};
use crate::diag::Result;

/// Roots that are judged together.
struct Group {
    end: usize,
    /// Nothing that becomes known later could still belong to it.
    whole: bool,
}

impl Board<'_> {
    pub(super) fn judge_groups(
        &mut self,
        phase: usize,
        bound: usize,
        step: &mut Step,
        memory: &Memory<'_>,
    ) -> Result<()> {
        while self.settled(phase) < bound {
            let from = self.settled(phase);
            let Some(group) = self.judged_together(phase, bound) else { break };
            let known = (!group.whole).then_some((from, group.end));
            if known.is_some() && self.phases[phase].order.stuck == known {
                break;
            }
            self.judge_group(phase, &group, step, memory)?;
            self.phases[phase].order.stuck = None;
            if self.phases[phase].settled < group.end {
                self.phases[phase].order.stuck = known.map(|(_, end)| (self.phases[phase].settled, end));
                break;
            }
        }
        Ok(())
    }

    /// True while nothing is known of what a root was bought for: it is to be bought, and was not answered.
    fn is_unanswered(&self, phase: usize, root: usize) -> bool {
        let board = &self.phases[phase];
        let open = |(at, cell): (usize, &Cell)| {
            cell.is_wanted() && cell.doubt.is_none() && !board.order.due.contains(&(root, at))
        };
        board.slots[root].cells.iter().enumerate().any(open)
    }

    /// The group at the frontier, if all of it is answered.
    fn judged_together(&self, phase: usize, bound: usize) -> Option<Group> {
        let board = &self.phases[phase];
        let from = self.settled(phase);
        let answered = |root: usize| board.slots[root].is_decided() && !self.is_unanswered(phase, root);
        if !board.order.calls.contains_key(&from) {
            let free = |root: usize| !board.order.calls.contains_key(&root) && answered(root);
            let end = (from..bound).find(|root| !free(*root)).unwrap_or(bound);
            let whole = board.slots.get(end).is_none_or(|slot| end < bound && slot.is_decided());
            return (end > from).then_some(Group { end, whole });
        }
        let (mut at, mut end) = (from, from + 1);
        while at < end {
            if at >= bound || !answered(at) {
                return None;
            }
            end = end.max(board.order.calls.get(&at).map_or(0, |last| last + 1));
            at += 1;
        }
        Some(Group { end, whole: true })
    }

    /// Judges a group in order, and settles what stands before the first of it that is to be bought.
    fn judge_group(
        &mut self,
        phase: usize,
        group: &Group,
        step: &mut Step,
        memory: &Memory<'_>,
    ) -> Result<()> {
        let from = self.settled(phase);
        let mut against = self.taught(phase, from)?;
        let mut kept: Option<Ledger> = None;
        let mut failing: Vec<At> = Vec::new();
        for root in from..group.end {
            let mut changed = false;
            for (at, read) in self.read_root(phase, root)?.into_iter().enumerate() {
                let place = (root, at);
                let answered = self.phases[phase].order.before.contains_key(&place);
                let mut counts = None;
                if self.phases[phase].order.due.contains(&place) {
                } else if answered {
                    let findings = read
                        .as_ref()
                        .map_or_else(Vec::new, |read| self.compare(phase, place, read, &against));
                    if findings.is_empty() {
                        counts = read;
                    } else {
                        self.refuse_answer(phase, place, findings, step);
                    }
                } else {
                    let (decision, read) = self.decide_beside(phase, place, read, &against, memory)?;
                    counts = read;
                    if let Some(decision) = decision {
                        changed = true;
                        if group.whole
                            && let Verdict::Rejected(findings) = &decision.verdict
                        {
                            step.findings.extend(findings.first().cloned());
                        }
                        self.put(phase, vec![(place, decision, true)]);
                    }
                }
                let cell = &self.phases[phase].slots[root].cells[at];
                if cell.is_wanted() {
                    failing.push(place);
                    kept.get_or_insert_with(|| against.ledger.clone());
                } else if let Some(read) = counts {
                    self.admit(phase, place, &read, &mut against.ledger);
                }
            }
            self.phases[phase].slots[root].find_state();
            if changed {
                self.close_after(phase, root, memory)?;
            }
        }
        against.ledger = kept.unwrap_or(against.ledger);
        let settled = failing.first().map_or(group.end, |(root, _)| *root);
        self.give_back(phase, against);
        self.phases[phase].order.admitted = settled;
        self.finish_group(phase, settled, group, failing, step);
        Ok(())
    }

    fn finish_group(
        &mut self,
        phase: usize,
        settled: usize,
        group: &Group,
        failing: Vec<At>,
        step: &mut Step,
    ) {
        for root in self.settled(phase)..settled {
            if self.rule(phase).output.looks_back() {
                self.note_firsts(phase, root);
            }
        }
        let board = &mut self.phases[phase];
        let passed = board.settled..settled;
        board.slots[passed].iter_mut().flat_map(|slot| &mut slot.cells).for_each(|cell| cell.doubt = None);
        board.settled = settled;
        let order = &mut board.order;
        order.before.retain(|(root, _), _| *root >= settled);
        // They are asked for when it is known who is asked with them; until then they are in doubt.
        if !group.whole {
            return;
        }
        for place in &failing {
            board.slots[place.0].cells[place.1].doubt = None;
            order.due.remove(place);
            let end = order.calls.entry(place.0).or_insert(group.end - 1);
            *end = (group.end - 1).max(*end);
        }
        step.again.extend(failing);
    }

    /// An answer of this run that passed by itself is refused beside those before it.
    fn refuse_answer(&mut self, phase: usize, place: At, findings: Vec<Finding>, step: &mut Step) {
        let limit = self.rule(phase).attempts;
        let board = &mut self.phases[phase];
        let Some(before) = board.order.before.remove(&place) else { return };
        let cell = &mut board.slots[place.0].cells[place.1];
        let answer = cell.decision.current.as_ref().map(|current| current.digest);
        cell.decision = before;
        step.refused.push(place);
        step.findings.extend(findings.first().cloned());
        if !cell.refuse(findings, answer, limit) {
            step.gave_up.push(place);
        }
    }
}
