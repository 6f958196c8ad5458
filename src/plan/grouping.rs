//! Phases of groups: one item for all results of an earlier phase that name the same group.
//!
//! Which groups there are, and who is in them, is known when the whole earlier phase is settled, so they open together. A
//! group that lacks a member would be bought twice; so none is bought while one item of the earlier phase has no result.

use super::board::{Board, Slot};
use super::memory::Memory;
use super::small;
use crate::course::{Feed, ItemDraft, Upstream, draft_group, group_of};
use crate::diag::{Problem, Result};
use crate::json::{Pointer, Value};
use std::collections::HashMap;
use std::sync::Arc;

/// The most upstream items that a pending one names.
const NAMED: usize = 3;

/// A group's name, and its members: root and number, in source order.
type Group = (Arc<str>, Vec<(u32, u32)>);

impl Board<'_> {
    /// The groups of a phase, decided, once all that feeds it is settled.
    pub(super) fn group_slot(&self, phase: usize, memory: &Memory<'_>) -> Result<Slot> {
        let Feed::Groups { phase: feed, by } = &self.rule(phase).feed else { return Ok(Slot::default()) };
        let lacking = self.cells(*feed).any(|(.., cell)| cell.decision.current.is_none());
        if lacking && !self.wishes.with_stale_inputs {
            return self.provisional_groups(phase, memory);
        }
        let mut slot = Slot::default();
        for (number, (id, members)) in self.groups(*feed, by, true)?.into_iter().enumerate() {
            let draft = self.group(phase, number, &id, &members)?;
            slot.cells.push(self.decided(phase, 0, 0, &draft, memory)?);
            slot.members.push(members);
        }
        Ok(slot)
    }

    /// The groups that the last linked results fall into; all of them wait.
    pub(super) fn provisional_groups(&self, phase: usize, memory: &Memory<'_>) -> Result<Slot> {
        let Feed::Groups { phase: feed, by } = &self.rule(phase).feed else { return Ok(Slot::default()) };
        let lacking = self.cells(*feed).filter(|(.., cell)| cell.decision.current.is_none());
        let waits: Vec<String> = lacking.map(|(.., cell)| cell.id.to_string()).take(NAMED).collect();
        let mut slot = Slot::default();
        for (number, (id, members)) in self.groups(*feed, by, false)?.into_iter().enumerate() {
            let place = (&id, 0, small(number), false);
            slot.cells.push(self.pending(phase, 0, place, waits.clone(), memory)?);
            slot.members.push(members);
        }
        Ok(slot)
    }

    /// The groups by their first members. A result that names none is an error where groups are to be built of it.
    fn groups(&self, feed: usize, by: &Pointer, strict: bool) -> Result<Vec<Group>> {
        let mut groups: Vec<Group> = Vec::new();
        let mut numbers: HashMap<Arc<str>, usize> = HashMap::new();
        for (root, at, cell) in self.cells(feed) {
            let Some(value) = self.member(feed, root, at)? else { continue };
            let upstream = Upstream { id: &cell.id, root: &self.phases[feed].roots[root], value: &value };
            let name: Arc<str> = match group_of(by, &upstream) {
                Ok(name) => name.into(),
                Err(_) if !strict => continue,
                Err(why) => {
                    return Err(Problem::author(format!(
                        "the result of `{}` in `{}` belongs to no group",
                        cell.id,
                        self.rule(feed).name
                    ))
                    .because(why)
                    .hint("let the schema of that phase require it, so that it is asked for again"));
                }
            };
            let number = *numbers.entry(name.clone()).or_insert_with(|| {
                groups.push((name, Vec::new()));
                groups.len() - 1
            });
            groups[number].1.push((small(root), small(at)));
        }
        Ok(groups)
    }

    fn member(&self, feed: usize, root: usize, at: usize) -> Result<Option<Value>> {
        let decision = &self.phases[feed].slots[root].cells[at].decision;
        let text = decision.current.as_ref().or(decision.linked.as_ref()).map(|current| &current.text);
        text.map(|text| self.full_output(feed, root, at, text)).transpose()
    }

    /// The item of a group.
    pub(super) fn group(
        &self,
        phase: usize,
        number: usize,
        id: &Arc<str>,
        members: &[(u32, u32)],
    ) -> Result<ItemDraft> {
        let Some(feed) = self.graph.node(phase).feed else {
            return Err(Problem::internal("a group without a phase that feeds it"));
        };
        let mut values = Vec::with_capacity(members.len());
        for (root, at) in members.iter().map(|(root, at)| (*root as usize, *at as usize)) {
            if let Some(value) = self.member(feed, root, at)? {
                values.push((
                    &self.phases[feed].slots[root].cells[at].id,
                    &self.phases[feed].roots[root],
                    value,
                ));
            }
        }
        let members: Vec<Upstream<'_>> =
            values.iter().map(|(id, root, value)| Upstream { id, root, value }).collect();
        let root = self.phases[phase].roots[0].clone();
        let plain = ItemDraft { id: id.clone(), root, index: number, of: usize::MAX, input: Value::Null };
        Ok(draft_group(self.rule(phase), self.course.into(), &plain, &members))
    }

    /// Whether all that a root's items are made from is settled, as far as can be told now.
    pub(super) fn is_fed(&self, phase: usize, root: usize) -> bool {
        match &self.rule(phase).feed {
            Feed::Source => true,
            Feed::Phase { phase: feed, .. } => self.is_certain(*feed, root),
            Feed::Groups { phase: feed, .. } => self.settled(*feed) == self.phases[*feed].slots.len(),
        }
    }
}
