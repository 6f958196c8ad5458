//! Slots opened: what upstream results give is turned into items, and each is decided over.

use super::board::{Board, Cell, Detail, Slot, State};
use super::decide::decide;
use super::facts::{Current, Decision};
use super::memory::Memory;
use super::verdict::Verdict;
use super::{claim, small};
use crate::course::{Feed, ItemDraft, Role, SourceItem, Upstream, Window, draft_items};
use crate::diag::{Problem, Result};
use crate::digest::Digest;
use crate::link::Text;
use rayon::prelude::*;
use std::collections::BTreeSet;
use std::sync::Arc;

impl Board<'_> {
    /// Decides over all slots that can be opened, phase by phase, and lists for the others what the last linked results give.
    pub fn open_all(&mut self, memory: &Memory<'_>) -> Result<()> {
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
            self.advance(phase);
        }
        Ok(())
    }

    /// Opens the slots that have become ready since `root` of `phase` was settled. Gives each, with its phase, in an order that
    /// does not matter. `waiting` holds, by phase, the roots that were not open before.
    pub fn open_after(
        &mut self,
        phase: usize,
        root: usize,
        waiting: &mut [BTreeSet<usize>],
        memory: &Memory<'_>,
    ) -> Result<Vec<(usize, usize)>> {
        let mut opened = Vec::new();
        let mut settled = vec![(phase, root)];
        while let Some((phase, root)) = settled.pop() {
            self.advance(phase);
            for reader in self.graph.node(phase).readers.clone() {
                let mut ready = Vec::new();
                for root in self.candidates(reader, phase, root, &waiting[reader]) {
                    if self.can_open(reader, root) {
                        waiting[reader].remove(&root);
                        let slot = self.slot(reader, root, memory)?;
                        let board = &mut self.phases[reader];
                        match slot.state {
                            State::Claiming => board.claiming.extend(claim::wanting(root, &slot)),
                            _ => ready.push(root),
                        }
                        board.slots[root] = slot;
                    }
                }
                if !ready.is_empty() {
                    self.choose_batches(reader, memory)?;
                }
                ready.extend(claim::take_over(self, reader, memory)?);
                for root in ready {
                    opened.push((reader, root));
                    if self.phases[reader].slots[root].state == State::Settled {
                        settled.push((reader, root));
                    }
                }
            }
        }
        Ok(opened)
    }

    /// The waiting roots of `reader` that may have become ready when `root` of `phase` was settled.
    fn candidates(&self, reader: usize, phase: usize, root: usize, waiting: &BTreeSet<usize>) -> Vec<usize> {
        let windowed = self.rule(reader).contexts.iter().any(|context| context.role != Role::Hint);
        if windowed {
            waiting.iter().copied().take_while(|root| *root <= self.settled(phase)).collect()
        } else if self.graph.node(reader).feed == Some(phase) {
            waiting.get(&root).copied().into_iter().collect()
        } else {
            Vec::new()
        }
    }

    fn can_open(&self, phase: usize, root: usize) -> bool {
        let feed = self.graph.node(phase).feed;
        let fed = feed.is_none_or(|feed| self.phases[feed].slots[root].state == State::Settled);
        fed && self.rule(phase).contexts.iter().filter(|context| context.role != Role::Hint).all(|context| {
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
    fn slot(&self, phase: usize, root: usize, memory: &Memory<'_>) -> Result<Slot> {
        let mut cells = Vec::new();
        match self.graph.node(phase).feed {
            None => {
                let item = &self.course.phases[phase].source[root];
                for draft in self.source_drafts(phase, item)? {
                    cells.push(self.decided(phase, root, 0, &draft, memory)?);
                }
            }
            Some(feed) => {
                for (from, upstream) in self.phases[feed].slots[root].cells.iter().enumerate() {
                    let stale_input =
                        upstream.decision.linked.as_ref().filter(|_| self.wishes.with_stale_inputs);
                    match upstream.decision.current.as_ref().or(stale_input) {
                        Some(current) => {
                            self.add_items(phase, root, from, upstream, current, memory, &mut cells)?;
                        }
                        None => self.add_provisional(phase, root, from, upstream, memory, &mut cells)?,
                    }
                }
            }
        }
        let mut slot = Slot { state: State::Settled, cells };
        slot.find_state();
        let may_claim =
            |cell: &Cell| cell.may_claim() && memory.has_others(self, phase, cell.content, &cell.id);
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
                let (id, index, from) = ((*id).clone(), small(index), small(from));
                let decision = Decision::fresh(current);
                cells.push(Cell { id, from, index, content: *content, decision, chosen });
                continue;
            }
            if drafts.is_none() {
                drafts = Some(self.drafts(phase, root, &upstream.id, &current.text)?);
            }
            if let Some(draft) = drafts.as_ref().and_then(|drafts| drafts.get(index)) {
                cells.push(self.decided(phase, root, from, draft, memory)?);
            }
        }
        if recalled.is_empty() {
            for draft in self.drafts(phase, root, &upstream.id, &current.text)? {
                cells.push(self.decided(phase, root, from, &draft, memory)?);
            }
        }
        Ok(())
    }

    fn provisional(&self, phase: usize, root: usize, memory: &Memory<'_>) -> Result<Slot> {
        let mut cells = Vec::new();
        if let Some(feed) = self.graph.node(phase).feed {
            for (from, upstream) in self.phases[feed].slots[root].cells.iter().enumerate() {
                self.add_provisional(phase, root, from, upstream, memory, &mut cells)?;
            }
        }
        Ok(Slot { state: State::Pending, cells })
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
        let pending = |id: &Arc<str>, index| -> Result<Cell> {
            let linked = memory.last_linked(self, phase, id, &self.phases[phase].roots[root])?;
            let decision = Decision::pending(Verdict::Pending(vec![upstream.id.to_string()]), linked);
            Ok(Cell {
                id: id.clone(),
                from: small(from),
                index,
                content: Digest::default(),
                decision,
                chosen: false,
            })
        };
        match (&upstream.decision.linked, &self.rule(phase).feed) {
            (Some(linked), _) => {
                for draft in self.drafts(phase, root, &upstream.id, &linked.text)? {
                    cells.push(pending(&draft.id, small(draft.index))?);
                }
            }
            (None, Feed::Phase { explode: Some(_), .. }) => {}
            (None, _) => cells.push(pending(&upstream.id, 0)?),
        }
        Ok(())
    }

    pub(super) fn drafts(
        &self,
        phase: usize,
        root: usize,
        id: &Arc<str>,
        text: &Text,
    ) -> Result<Vec<ItemDraft>> {
        let Some(feed) = self.graph.node(phase).feed else { return Ok(Vec::new()) };
        let output = self.output(feed, id, &self.phases[phase].roots[root], text)?;
        let upstream = Upstream { id, root: &self.phases[phase].roots[root], value: &output };
        draft_items(self.rule(phase), self.course.into(), &upstream).map_err(|why| {
            Problem::author(format!("`{}` of `{}` cannot be split into items of `{}`", id, self.rule(feed).name, self.rule(phase).name))
                .because(why)
                .hint("mend that item in its main file, or add a check to the phase that makes it, so that it is asked for again")
        })
    }

    pub(super) fn source_drafts(&self, phase: usize, item: &SourceItem) -> Result<Vec<ItemDraft>> {
        let upstream = Upstream { id: &item.id, root: &item.id, value: &item.value };
        draft_items(self.rule(phase), self.course.into(), &upstream).map_err(|why| {
            Problem::author(format!("the source item `{}` cannot be used", item.id)).because(why)
        })
    }

    fn decided(
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
            content,
            decision,
            chosen,
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
        let mut facts = match memory.facts(self, phase, &detail.id, &detail.root, content, chosen)? {
            super::memory::Told::Fresh(current) => return Ok(Decision::fresh(current)),
            super::memory::Told::Facts(facts) => *facts,
        };
        facts.claimable = claimable;
        Ok(decide(&facts, &|lifted| self.judge(phase, detail, lifted)))
    }

    /// Selects the items of the batches that were named, now that positions are known. What they ask for beyond bringing up to
    /// date (`-B` and its kin) makes them be decided again.
    fn choose_batches(&mut self, phase: usize, memory: &Memory<'_>) -> Result<()> {
        let size = self.rule(phase).batch.size;
        let Some(chosen) = self.wishes.chosen.get(phase).filter(|chosen| !chosen.batches.is_empty()).cloned()
        else {
            return Ok(());
        };
        let mut newly = Vec::new();
        let mut position = 0;
        for (root, slot) in self.phases[phase].slots.iter_mut().enumerate() {
            for (at, cell) in slot.cells.iter_mut().enumerate() {
                let was = std::mem::replace(
                    &mut cell.chosen,
                    chosen.has(root, &cell.id, crate::graph::batch_of(position, size)),
                );
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
            let batches = crate::graph::batches(self.cells(phase).count(), self.rule(phase).batch.size);
            let beyond = chosen.batches.iter().find(|batch| known && **batch > batches)?;
            Some((phase, *beyond))
        })
    }
}
