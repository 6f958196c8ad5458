//! Slots opened: what upstream results give is turned into items, and each is decided over.

use super::board::{Board, Cell, Detail, PhaseBoard, Slot, State};
use super::decide::decide;
use super::facts::{Current, Decision};
use super::memory::Memory;
use super::verdict::Verdict;
use super::{claim, small};
use crate::course::{Feed, ItemDraft, Role, Window};
use crate::diag::Result;
use crate::digest::Digest;
use rayon::prelude::*;
use std::sync::Arc;

impl Board<'_> {
    /// Decides over all slots that can be opened, phase by phase, and lists for the others what the last linked results give.
    pub fn open_all(&mut self, memory: &Memory<'_>) -> Result<()> {
        self.accept(memory)?;
        for phase in 0..self.phases.len() {
            let this = &*self;
            let slots: Vec<Slot> = (0..this.phases[phase].slots.len())
                .into_par_iter()
                .map(|root| {
                    if this.can_open(phase, root) {
                        this.slot(phase, root, memory)
                    } else {
                        this.provisional(phase, root, memory)
                    }
                })
                .collect::<Result<_>>()?;
            let claims = slots.iter().enumerate().filter(|(_, slot)| slot.state == State::Claiming);
            let claiming = claims.flat_map(|(root, slot)| claim::wanting(root, slot)).collect();
            self.phases[phase].slots = slots;
            self.phases[phase].claiming = claiming;
            self.choose_batches(phase, memory)?;
            claim::take_over(self, phase, memory)?;
            self.compare_all(phase, memory)?;
            self.advance(phase);
            if self.settled(phase) < self.phases[phase].slots.len() {
                // What stands first among the rest is certain only later; until then it is what the main file shows.
                self.phases[phase].firsts_before = self.linked_firsts(phase);
            }
        }
        Ok(())
    }

    /// Whether all that a root's items are made from is there; of a cohort, all that the items of all its roots are made from.
    pub(super) fn can_open(&self, phase: usize, root: usize) -> bool {
        self.roots_with(phase, root).into_iter().all(|root| self.can_open_alone(phase, root))
    }

    fn can_open_alone(&self, phase: usize, root: usize) -> bool {
        let feed = self.graph.node(phase).feed;
        self.is_fed(phase, root)
            && self.rule(phase).contexts.iter().filter(|context| context.role != Role::Hint).all(|context| {
                let (settled, all) = (self.settled(context.phase), self.phases[context.phase].roots.len());
                match context.window {
                    _ if settled == all => true,
                    Window::WholePhase => false,
                    _ if self.graph.node(context.phase).source != self.graph.node(phase).source => false,
                    Window::AllEarlier | Window::Before(_) => {
                        settled > root || (Some(context.phase) != feed && settled == root)
                    }
                }
            })
    }

    /// The items of a slot, decided. Items of upstream results that are not to be had in this run stay pending.
    pub(super) fn slot(&self, phase: usize, root: usize, memory: &Memory<'_>) -> Result<Slot> {
        if let Some(waiting) = self.waiting_cohort(phase, root, memory)? {
            return Ok(waiting);
        }
        let mut slot = Slot::default();
        let cells = &mut slot.cells;
        match self.rule(phase).feed {
            Feed::Groups { .. } => slot = self.group_slot(phase, memory)?,
            Feed::Source => {
                let item = &self.course.phases[phase].source[root];
                for draft in self.source_drafts(phase, item)? {
                    cells.push(self.decided(phase, root, 0, &draft, memory)?);
                }
            }
            Feed::Phase { phase: feed, .. } => {
                for (from, upstream) in self.phases[feed].slots[root].cells.iter().enumerate() {
                    let stale_input =
                        upstream.decision.linked.as_ref().filter(|_| self.wishes.with_stale_inputs);
                    match upstream.decision.current.as_ref().or(stale_input) {
                        Some(current) => {
                            self.add_items(phase, root, from, upstream, current, memory, cells)?;
                        }
                        None => self.add_provisional(phase, root, from, upstream, memory, cells)?,
                    }
                }
            }
        }
        slot.find_state();
        let may_claim = |cell: &Cell| cell.may_claim() && memory.has_others(self, phase, cell);
        if slot.cells.iter().any(may_claim) {
            slot.state = State::Claiming;
        }
        Ok(slot)
    }

    /// The items that an upstream result gives, each decided. What the last run made of the same result is not made again, unless
    /// more than the common case has to be looked at.
    #[expect(clippy::too_many_arguments, reason = "where an item comes from, and what is remembered of it")]
    fn add_items(
        &self,
        phase: usize,
        root: usize,
        from: usize,
        upstream: &Cell,
        current: &Current,
        memory: &Memory<'_>,
        cells: &mut Vec<Cell>,
    ) -> Result<()> {
        let board = &self.phases[phase];
        let made_from = self.made_from(phase, root, &upstream.id, current.digest);
        let mut drafts: Option<Vec<ItemDraft>> = None;
        let recalled = board.recall.items(&board.roots[root], made_from);
        for (index, (id, content)) in recalled.iter().enumerate() {
            let chosen = self.wishes.chosen.get(phase).is_none_or(|chosen| chosen.has(root, id, 0));
            if let Some(current) =
                memory.plainly_fresh(self, phase, id, &board.roots[root], *content, chosen)?
            {
                cells.push(Cell {
                    id: (*id).clone(),
                    from: small(from),
                    index: small(index),
                    last: index + 1 == recalled.len(),
                    content: *content,
                    decision: Decision::fresh(current),
                    chosen,
                    doubt: None,
                });
                continue;
            }
            if drafts.is_none() {
                drafts = Some(self.drafts(phase, root, from, &current.text)?);
            }
            if let Some(draft) = drafts.as_ref().and_then(|drafts| drafts.get(index)) {
                cells.push(self.decided(phase, root, from, draft, memory)?);
            }
        }
        if recalled.is_empty() {
            for draft in self.drafts(phase, root, from, &current.text)? {
                cells.push(self.decided(phase, root, from, &draft, memory)?);
            }
        }
        Ok(())
    }

    pub(super) fn provisional(&self, phase: usize, root: usize, memory: &Memory<'_>) -> Result<Slot> {
        let mut cells = Vec::new();
        match self.rule(phase).feed {
            Feed::Groups { .. } => return self.provisional_groups(phase, memory),
            Feed::Phase { phase: feed, .. } => {
                for (from, upstream) in self.phases[feed].slots[root].cells.iter().enumerate() {
                    self.add_provisional(phase, root, from, upstream, memory, &mut cells)?;
                }
            }
            // A source item waits only for what it is shown or checked with.
            Feed::Source => {
                let id = &self.phases[phase].roots[root];
                cells.push(self.pending(phase, root, (id, 0, 0, true), self.awaited(phase), memory)?);
            }
        }
        Ok(Slot { cells, possible: self.possible(phase, root, memory)?, ..Slot::default() })
    }

    /// The items that the last linked result of an upstream item gives; without one, the upstream item stands for its own.
    fn add_provisional(
        &self,
        phase: usize,
        root: usize,
        from: usize,
        upstream: &Cell,
        memory: &Memory<'_>,
        cells: &mut Vec<Cell>,
    ) -> Result<()> {
        let pending = |id: &Arc<str>, index, last| {
            let waits = vec![upstream.id.to_string()];
            self.pending(phase, root, (id, small(from), index, last), waits, memory)
        };
        match (&upstream.decision.linked, &self.rule(phase).feed) {
            (Some(linked), _) => {
                for draft in self.drafts(phase, root, from, &linked.text)? {
                    cells.push(pending(&draft.id, small(draft.index), draft.index + 1 == draft.of)?);
                }
            }
            (None, Feed::Phase { explode: Some(_), .. }) => {}
            (None, _) => cells.push(pending(&upstream.id, 0, true)?),
        }
        Ok(())
    }

    /// An item that waits: its id, which upstream item it comes from, its number there, and whether it is the last.
    pub(super) fn pending(
        &self,
        phase: usize,
        root: usize,
        (id, from, index, last): (&Arc<str>, u32, u32, bool),
        waits: Vec<String>,
        memory: &Memory<'_>,
    ) -> Result<Cell> {
        let linked = memory.last_linked(self, phase, id, &self.phases[phase].roots[root])?;
        Ok(Cell {
            id: id.clone(),
            from,
            index,
            last,
            content: Digest::default(),
            decision: Decision::pending(Verdict::Pending(waits), linked),
            chosen: false,
            doubt: None,
        })
    }

    /// The first items of each phase that is read as a context which are not settled.
    fn awaited(&self, phase: usize) -> Vec<String> {
        let contexts = self.rule(phase).contexts.iter().filter(|context| context.role != Role::Hint);
        let open = |phase: usize| {
            let slots = self.phases[phase].slots.iter().zip(self.phases[phase].roots.iter());
            slots.filter(|(slot, _)| slot.state != State::Settled).map(|(_, root)| root.to_string()).next()
        };
        contexts.filter_map(|context| open(context.phase)).collect()
    }

    pub(super) fn decided(
        &self,
        phase: usize,
        root: usize,
        from: usize,
        draft: &ItemDraft,
        memory: &Memory<'_>,
    ) -> Result<Cell> {
        let detail = self.detail(phase, root, draft)?;
        let content = self.phases[phase].recipe(root).content(&detail.own);
        let chosen = self.wishes.chosen.get(phase).is_none_or(|chosen| chosen.has(root, &draft.id, 0));
        let decision = self.decide(phase, &detail, content, chosen, Vec::new(), memory)?;
        Ok(Cell {
            id: draft.id.clone(),
            from: small(from),
            index: small(draft.index),
            last: draft.index + 1 == draft.of,
            content,
            decision,
            chosen,
            doubt: None,
        })
    }

    /// Decides over one item, with the results that it may take over from other ids.
    pub(super) fn decide(
        &self,
        phase: usize,
        detail: &Detail,
        content: Digest,
        chosen: bool,
        claimable: Vec<super::Candidate>,
        memory: &Memory<'_>,
    ) -> Result<Decision> {
        let mut facts = match memory.facts(self, phase, detail, content, chosen)? {
            super::memory::Told::Fresh(current) => return Ok(Decision::fresh(current)),
            super::memory::Told::Facts(facts) => *facts,
        };
        facts.claimable = claimable;
        let mut decision = decide(&facts, &|lifted| memory.judged(self, phase, detail, &content, lifted));
        if decision.claimed || decision.verdict.is_to_buy() {
            decision.same = facts.same;
        }
        decision.hold_out_of_reach(content, &detail.id, &self.wishes.out_of_reach);
        Ok(decision)
    }

    /// Selects the items of the batches that were named, now that positions are known. What they ask for beyond bringing up to
    /// date (`-B` and its kin) makes them be decided again.
    pub(super) fn choose_batches(&mut self, phase: usize, memory: &Memory<'_>) -> Result<()> {
        let Some(chosen) = self.wishes.chosen.get(phase).filter(|chosen| !chosen.batches.is_empty()).cloned()
        else {
            return Ok(());
        };
        let mut newly = Vec::new();
        let mut position = 0;
        let PhaseBoard { slots, batches, .. } = &mut self.phases[phase];
        for (root, slot) in slots.iter_mut().enumerate() {
            for (at, cell) in slot.cells.iter_mut().enumerate() {
                let batch = batches.batch_of(root, position);
                let was = std::mem::replace(&mut cell.chosen, chosen.has(root, &cell.id, batch));
                let bought = matches!(slot.state, State::Pending) || cell.decision.supersedes.is_some();
                if cell.chosen && !was && !bought && self.wishes.asks_for_more() {
                    newly.push((root, at));
                }
                position += 1;
            }
        }
        for (root, at) in newly {
            if let Some(detail) = self.detail_of(phase, root, at)? {
                let content = self.phases[phase].slots[root].cells[at].content;
                let decision = self.decide(phase, &detail, content, true, Vec::new(), memory)?;
                self.phases[phase].slots[root].cells[at].decision = decision;
            }
        }
        for slot in &mut self.phases[phase].slots {
            if matches!(slot.state, State::Open | State::Settled) {
                slot.find_state();
            }
        }
        Ok(())
    }

    /// Batches that were named and are not there, where all items are known.
    pub fn missing_batch(&self) -> Option<(usize, usize)> {
        (0..self.phases.len()).find_map(|phase| {
            let chosen = self.wishes.chosen.get(phase)?;
            let known = self.phases[phase].slots.iter().all(|slot| slot.state != State::Pending);
            let batches = self.phases[phase].batches.count(self.cells(phase).count());
            let beyond = chosen.batches.iter().find(|batch| known && **batch > batches)?;
            Some((phase, *beyond))
        })
    }
}
