//! The order in which items are judged for good, while a build goes on.
//!
//! Each phase has a frontier: the number of leading roots that are settled for good. It passes a root when all that the root is
//! made from and compared with is settled for good, and nothing of the root is to be bought. What was decided for the plan
//! beyond a frontier is told to the schedule only when the frontier of what feeds it gets there; where it came out otherwise,
//! what had been made from it is closed again.

use super::board::{Board, State};
use super::claim;
use super::compare::Against;
use super::facts::Decision;
use super::memory::Memory;
use super::outside::Case;
use crate::check::{Checks, Finding, Ledger, Lexicon};
use crate::course::Feed;
use crate::diag::Result;
use crate::digest::Digest;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// An item: the number of its root and its own.
pub(super) type At = (usize, usize);

/// What a phase's judgement in order remembers.
#[derive(Debug, Default)]
pub(super) struct Order {
    against: Against,
    /// How many leading roots count in the ledger.
    pub(super) admitted: usize,
    /// How many leading roots of the vocabulary's phase are in the lexicon.
    pub(super) taught: usize,
    /// By the root of an item that a call asked for: the last root that is judged together with it.
    pub(super) calls: BTreeMap<usize, usize>,
    /// Items that failed by themselves and wait until their call is judged.
    pub(super) due: BTreeSet<At>,
    /// By item whose answer passed by itself: what was decided before.
    pub(super) before: HashMap<At, Decision>,
    /// A group that waits until it is known how far it goes.
    pub(super) stuck: Option<(usize, usize)>,
    /// By item, the results that programs blame.
    pub(super) blames: HashMap<At, Vec<(Digest, Vec<Finding>)>>,
    /// Items that programs have blamed and that were not asked for again since.
    pub(super) blamed: HashSet<At>,
    /// So many leading roots stand in batches that programs have judged, as the plan found them.
    pub(super) judged: usize,
    /// The batches that no program has judged yet, as the plan found them.
    pub(super) unjudged: Vec<Case>,
    /// Roots whose slots are not open.
    closed: BTreeSet<usize>,
    /// Roots of which nobody was told yet what is to be bought.
    untold: BTreeSet<usize>,
}

impl Order {
    pub(super) fn new(checks: &Checks) -> Self {
        let against = Against { ledger: checks.ledger(), lexicon: Lexicon::default() };
        Self { against, ..Self::default() }
    }

    /// What the leading [`Order::admitted`] roots have left in the checks' memory.
    pub(super) fn ledger(&self) -> &Ledger {
        &self.against.ledger
    }
}

/// What one step of a phase brought.
#[derive(Debug, Default)]
pub struct Step {
    /// Roots whose items have become known.
    pub opened: Vec<usize>,
    /// Roots of which it is certain now what is to be bought.
    pub told: Vec<usize>,
    /// Items that are to be asked for again, in source order.
    pub again: Vec<At>,
    /// Items whose attempts are exhausted.
    pub gave_up: Vec<At>,
    /// Answers of this run that had passed by themselves and are refused.
    pub refused: Vec<At>,
    /// What they and other results are refused for.
    pub findings: Vec<Finding>,
    /// Batches that programs have to judge before it goes on.
    pub unjudged: Vec<Case>,
}

impl Board<'_> {
    /// The number of leading roots of a phase whose items' makings are settled for good: what feeds them, and what their
    /// vocabulary comes from.
    pub fn bound(&self, phase: usize) -> usize {
        let all = self.phases[phase].roots.len();
        let behind = |other: usize| {
            let settled = self.settled(other);
            match self.graph.node(other).source == self.graph.node(phase).source {
                _ if settled == self.phases[other].slots.len() => all,
                true => settled,
                false => 0,
            }
        };
        let checks = &self.phases[phase].checks;
        let reads = checks.reads().filter(|_| checks.blames_by_lexicon()).map(|spec| spec.phase);
        let feed = self.graph.node(phase).feed;
        // Programs see the main files of all earlier phases.
        let seen = if self.hears_programs(phase) { (0..phase).map(behind).min() } else { None };
        let bound = feed.map_or(all, behind).min(reads.map_or(all, behind)).min(seen.unwrap_or(all)).min(all);
        self.phases[phase].batches.cohorts().map_or(bound, |cohorts| cohorts.whole(bound))
    }

    /// Moves the frontier over what has nothing to be bought and is not in doubt.
    pub(super) fn advance(&mut self, phase: usize) {
        let looks_back = self.rule(phase).output.looks_back();
        let judged = if self.hears_programs(phase) { self.phases[phase].order.judged } else { usize::MAX };
        let bound = self.bound(phase).min(judged);
        while self.phases[phase].settled < bound {
            let root = self.phases[phase].settled;
            let slot = &self.phases[phase].slots[root];
            if slot.state != State::Settled || slot.cells.iter().any(|cell| cell.doubt.is_some()) {
                break;
            }
            if looks_back {
                self.note_firsts(phase, root);
            }
            self.phases[phase].settled = root + 1;
        }
    }

    /// Begins a run: what was decided for the plan is told as it becomes certain.
    pub fn begin(&mut self) {
        for board in &mut self.phases {
            let pending = |root: &usize| board.slots[*root].state == State::Pending;
            board.order.closed = (0..board.slots.len()).filter(pending).collect();
            board.order.untold = (0..board.slots.len()).collect();
        }
    }

    /// Brings a phase forward after something was settled before it, or answered in it. Phases are to be stepped in order.
    pub fn step(&mut self, phase: usize, memory: &Memory<'_>) -> Result<Step> {
        let mut step = Step { opened: self.open_ready(phase, memory)?, ..Step::default() };
        let bound = self.bound(phase);
        let told: Vec<usize> = self.phases[phase].order.untold.range(..bound).copied().collect();
        step.told = told.into_iter().filter(|root| self.phases[phase].slots[*root].is_decided()).collect();
        for root in &step.told {
            self.phases[phase].order.untold.remove(root);
        }
        if self.phases[phase].checks.blames_in_order() {
            self.judge_groups(phase, bound, &mut step, memory)?;
        } else {
            let new = step.told.iter().filter(|root| !self.phases[phase].slots[**root].compared);
            let new: Vec<usize> = new.copied().collect();
            if self.phases[phase].checks.blames_by_lexicon() && !new.is_empty() {
                let against = self.taught(phase, 0)?;
                let changed = self.gate_roots(phase, &new, &against, false, memory)?;
                self.give_back(phase, against);
                for root in changed {
                    self.close_after(phase, root, memory)?;
                }
            }
            self.advance(phase);
        }
        Ok(step)
    }

    /// How many roots of a phase are not known well enough yet to say what is to be bought of them.
    pub fn waiting(&self, phase: usize) -> usize {
        self.phases[phase].order.closed.len()
    }

    /// Opens the slots whose makings are settled for good.
    fn open_ready(&mut self, phase: usize, memory: &Memory<'_>) -> Result<Vec<usize>> {
        let bound = self.bound(phase);
        let closed = self.phases[phase].order.closed.range(..bound).copied();
        let ready: Vec<usize> = closed.take_while(|root| self.can_open(phase, *root)).collect();
        if ready.is_empty() {
            return Ok(ready);
        }
        for &root in &ready {
            let slot = self.slot(phase, root, memory)?;
            let board = &mut self.phases[phase];
            board.order.closed.remove(&root);
            if slot.state == State::Claiming {
                board.claiming.extend(claim::wanting(root, &slot));
            }
            board.slots[root] = slot;
        }
        self.choose_batches(phase, memory)?;
        claim::take_over(self, phase, memory)?;
        Ok(ready)
    }

    /// Closes the slots that were opened on the ground of a result which is another one now.
    pub(super) fn close_after(&mut self, phase: usize, root: usize, memory: &Memory<'_>) -> Result<()> {
        for reader in self.graph.node(phase).readers.clone() {
            let fed = matches!(self.rule(reader).feed, Feed::Phase { phase: feed, .. } if feed == phase);
            let cohort = if fed { self.roots_with(reader, root) } else { Vec::new() };
            for root in cohort {
                if self.phases[reader].slots[root].state == State::Pending {
                    continue;
                }
                let slot = self.provisional(reader, root, memory)?;
                let board = &mut self.phases[reader];
                board.slots[root] = slot;
                board.claiming.retain(|(claimer, _)| *claimer != root);
                board.order.closed.insert(root);
                self.close_after(reader, root, memory)?;
            }
        }
        Ok(())
    }

    /// Notes that a call asks for items. What a call asks for is judged together.
    pub fn ask(&mut self, phase: usize, members: &[At]) {
        let order = &mut self.phases[phase].order;
        let last = members.iter().map(|(root, _)| *root).max().unwrap_or_default();
        for (root, at) in members {
            order.blamed.remove(&(*root, *at));
            let end = order.calls.entry(*root).or_insert(last);
            *end = last.max(*end);
        }
    }

    /// Lets an answer that passed by itself stand for its item, until it is compared with those before it.
    pub fn let_stand(&mut self, phase: usize, place: At, decision: Decision) {
        let board = &mut self.phases[phase];
        let cell = &mut board.slots[place.0].cells[place.1];
        let before = std::mem::replace(&mut cell.decision, decision);
        if board.checks.blames_in_order() {
            board.order.before.insert(place, before);
        }
        board.slots[place.0].find_state();
    }

    /// Where the items of a phase are compared with each other, an item that failed by itself waits for its call to be judged:
    /// true if it does.
    pub fn wait(&mut self, phase: usize, place: At) -> bool {
        let board = &mut self.phases[phase];
        board.checks.blames_in_order() && {
            board.order.due.insert(place);
            true
        }
    }

    /// What items of leading roots are compared with, as far as it is settled for good. To be put back.
    pub(super) fn taught(&mut self, phase: usize, ledger_to: usize) -> Result<Against> {
        let mut against = std::mem::take(&mut self.phases[phase].order.against);
        let checks = &self.phases[phase].checks;
        let (ordered, reads) = (checks.blames_in_order(), checks.reads().map(|spec| spec.phase));
        if let Some(reads) = reads.filter(|_| self.phases[phase].checks.blames_by_lexicon()) {
            let (from, to) = (self.phases[phase].order.taught, self.settled(reads));
            if from < to {
                self.teach(phase, from..to, &mut against.lexicon)?;
                self.phases[phase].order.taught = to;
            }
        }
        let from = self.phases[phase].order.admitted;
        if ordered && from < ledger_to {
            self.admit_roots(phase, from..ledger_to, &mut against.ledger)?;
            self.phases[phase].order.admitted = ledger_to;
        }
        Ok(against)
    }

    pub(super) fn give_back(&mut self, phase: usize, against: Against) {
        self.phases[phase].order.against = against;
    }
}
