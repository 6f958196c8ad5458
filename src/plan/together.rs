//! Roots that are judged together, where a phase compares its own items.
//!
//! The frontier moves by groups: the roots that calls have bound together, or a run of roots that nothing is bought for. A group
//! is judged when all of it is answered and all before it is settled; what fails is asked again, and then the group is
//! judged again from there. Groups follow from what was bought, so nothing depends on the order in which answers arrive.

use super::board::{Board, Cell};
use super::compare::{AT_A_TIME, Against, Read};
use super::memory::Memory;
use super::order::{At, Step};
use super::outside::Heard;
use super::verdict::Verdict;
use crate::check::{Finding, Ledger};
use crate::diag::Result;
use rayon::prelude::*;
use std::collections::VecDeque;
use std::ops::Range;

/// What the items of a root count with.
type Reads = Vec<Option<Read>>;

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
            if !self.judge_group(phase, &group, step, memory)? {
                break;
            }
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
        // What a program judges ends where a batch ends.
        let starts = self.hears_programs(phase).then(|| self.starts(phase));
        let ends = |root: usize| starts.as_ref().is_none_or(|starts| self.is_aligned(phase, starts, root));
        if !board.order.calls.contains_key(&from) {
            let free = |root: usize| !board.order.calls.contains_key(&root) && answered(root);
            let end = (from..bound).find(|root| !free(*root)).unwrap_or(bound);
            let whole = board.slots.get(end).is_none_or(|slot| end < bound && slot.is_decided());
            let aligned = (from + 1..=end).rev().find(|root| ends(*root));
            if let Some(end) = aligned {
                return Some(Group { end, whole });
            }
        }
        let (mut at, mut end) = (from, from + 1);
        while at < end {
            if at >= bound || !answered(at) {
                return None;
            }
            end = end.max(board.order.calls.get(&at).map_or(0, |last| last + 1));
            at += 1;
            end += usize::from(at == end && !ends(end));
        }
        Some(Group { end, whole: true })
    }

    /// Judges a group in order, and settles what stands before the first of it that is to be bought. False while a program has
    /// to be heard first.
    fn judge_group(
        &mut self,
        phase: usize,
        group: &Group,
        step: &mut Step,
        memory: &Memory<'_>,
    ) -> Result<bool> {
        let from = self.settled(phase);
        let mut against = self.taught(phase, from)?;
        if !self.hears_programs(phase) {
            let failing = self.judge_in_order(phase, group, &mut against, step, memory)?;
            let settled = failing.first().map_or(group.end, |(root, _)| *root);
            self.give_back(phase, against);
            self.finish_group(phase, settled, group, failing, step);
            return Ok(true);
        }
        let before = against.ledger.clone();
        let failing = loop {
            let failing = self.judge_in_order(phase, group, &mut against, step, memory)?;
            // A batch that lacks something for another reason is not judged yet.
            let lacks = failing.iter().any(|place| !self.phases[phase].order.blamed.contains(place));
            let heard = if lacks { Heard::default() } else { self.hear(phase, from..group.end)? };
            if heard.blames.is_empty() && heard.unknown.is_empty() {
                break failing;
            }
            against.ledger = before.clone();
            if heard.blames.is_empty() {
                step.unjudged = heard.unknown;
                self.give_back(phase, against);
                return Ok(false);
            }
            self.take_blames(phase, heard.blames);
        };
        // Batches are judged as a whole, so nothing of the group is settled before all of it is.
        let settled = if failing.is_empty() { group.end } else { from };
        if !failing.is_empty() {
            against.ledger = before;
        }
        self.give_back(phase, against);
        self.finish_group(phase, settled, group, failing, step);
        Ok(true)
    }

    /// Compares the items of a group with those before them. Gives what is to be bought; then the ledger is as it was before the
    /// first of that.
    fn judge_in_order(
        &mut self,
        phase: usize,
        group: &Group,
        against: &mut Against,
        step: &mut Step,
        memory: &Memory<'_>,
    ) -> Result<Vec<At>> {
        let mut kept: Option<Ledger> = None;
        let mut failing: Vec<At> = Vec::new();
        let checks = &self.phases[phase].checks;
        let compares = checks.reads_course() || checks.blames_by_lexicon();
        let mut ahead = VecDeque::new();
        for root in self.settled(phase)..group.end {
            if ahead.is_empty() {
                // What a root counts with by itself is not changed by judging others.
                ahead = self.read_ahead(phase, root..group.end, compares)?;
            }
            let mut changed = false;
            for (at, read) in ahead.pop_front().unwrap_or_default().into_iter().enumerate() {
                let place = (root, at);
                let answered = self.phases[phase].order.before.contains_key(&place);
                let mut counts = None;
                if self.phases[phase].order.due.contains(&place) {
                } else if answered {
                    let findings = self.beside(phase, place, read.as_ref(), against);
                    if findings.is_empty() {
                        counts = read;
                    } else {
                        self.refuse_answer(phase, place, findings, step);
                    }
                } else {
                    let (decision, read) = self.decide_beside(phase, place, read, against, memory)?;
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
        if let Some(kept) = kept {
            against.ledger = kept;
        }
        Ok(failing)
    }

    /// Reads some roots at once, in parallel: what the items of each count with, or nothing where nothing is compared.
    fn read_ahead(&self, phase: usize, roots: Range<usize>, compares: bool) -> Result<VecDeque<Reads>> {
        let some = roots.start..roots.end.min(roots.start + AT_A_TIME);
        let unread = |root: usize| {
            let items = self.phases[phase].slots[root].cells.len();
            std::iter::repeat_with(|| None).take(items).collect()
        };
        if !compares {
            return Ok(some.map(unread).collect());
        }
        let reads: Vec<Reads> =
            some.into_par_iter().map(|root| self.read_root(phase, root)).collect::<Result<_>>()?;
        Ok(reads.into())
    }

    /// What an answer fails beside others: what programs blame it for, and what comparing tells.
    fn beside(&self, phase: usize, place: At, read: Option<&Read>, against: &Against) -> Vec<Finding> {
        let current = &self.phases[phase].slots[place.0].cells[place.1].decision.current;
        let output = current.as_ref().map(|current| current.digest);
        let mut findings = self.blame_on(phase, place, output).to_vec();
        findings.extend(read.into_iter().flat_map(|read| self.compare(phase, place, read, against)));
        findings
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
        board.order.admitted = settled;
        let order = &mut board.order;
        order.before.retain(|(root, _), _| *root >= settled);
        // They are asked for when it is known who is asked with them; until then they are in doubt.
        if !group.whole {
            return;
        }
        for place in &failing {
            board.slots[place.0].cells[place.1].doubt = None;
            order.due.remove(place);
            order.blamed.remove(place);
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
        } else if board.order.blamed.contains(&place) {
            // It is asked for again when all that programs say of its group is known.
            board.order.due.insert(place);
        }
    }
}
