//! Cohorts: items that influence each other, so that each has all its siblings in its key, and a change of one makes all of them stale.
//!
//! The items of a cohort are known when all of its roots are fed; so its slots open together. A cohort that lacks a sibling would
//! be bought twice; so none of it is bought while a result that it is made from is not to be had.

use super::board::{Board, Slot};
use super::facts::Current;
use super::memory::Memory;
use super::select::Chosen;
use super::small;
use crate::course::{Feed, Role};
use crate::diag::{Problem, Result};
use crate::digest::{Digest, Hasher};
use crate::key::{Part, cohort_part, own_digest};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

/// The most upstream items that a pending one names.
const NAMED: usize = 3;

/// The items of a cohort in order: id, and the digest of its own key parts.
type Items = Arc<Vec<(Arc<str>, Digest)>>;

/// The items of the cohorts of a phase, with what they were made from. Derived: saves making all of a cohort anew for each of its
/// items.
#[derive(Debug, Default)]
pub(super) struct Siblings(Mutex<HashMap<u32, (Digest, Items)>>);

impl Board<'_> {
    /// The roots of a phase that share a root's cohort; where there are no cohorts, the root alone.
    pub(super) fn roots_with(&self, phase: usize, root: usize) -> Vec<usize> {
        match self.phases[phase].batches.cohorts() {
            Some(cohorts) => cohorts.with(root).to_vec(),
            None => vec![root],
        }
    }

    /// The key part that an item of a cohort has beside its own; `None` where there are no cohorts.
    pub(super) fn cohort_part(&self, phase: usize, root: usize, id: &str) -> Result<Option<Part>> {
        let Some(cohorts) = self.phases[phase].batches.cohorts() else { return Ok(None) };
        let items = self.cohort_items(phase, root, cohorts.of(root))?;
        let siblings = items.iter().map(|(other, own)| (**other != *id).then_some(*own));
        Ok(Some(cohort_part(siblings)))
    }

    fn cohort_items(&self, phase: usize, root: usize, cohort: u32) -> Result<Items> {
        let known = &self.phases[phase].siblings.0;
        let made_from = self.cohort_made_from(phase, root);
        // Where more than what feeds them decides what the items are, nothing is remembered.
        let keyed = self.rule(phase).contexts.iter().any(|context| context.role == Role::Key);
        let remembers = self.recalls(phase) || (matches!(self.rule(phase).feed, Feed::Source) && !keyed);
        if remembers
            && let Some((of, items)) = known.lock().unwrap_or_else(PoisonError::into_inner).get(&cohort)
            && *of == made_from
        {
            return Ok(items.clone());
        }
        let mut items = Vec::new();
        for root in self.roots_with(phase, root) {
            self.add_siblings(phase, root, &mut items)?;
        }
        let items = Arc::new(items);
        if remembers {
            let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
            known.insert(cohort, (made_from, items.clone()));
        }
        Ok(items)
    }

    fn add_siblings(&self, phase: usize, root: usize, items: &mut Vec<(Arc<str>, Digest)>) -> Result<()> {
        let mut drafts = Vec::new();
        match self.rule(phase).feed {
            Feed::Source => drafts = self.source_drafts(phase, &self.course.phases[phase].source[root])?,
            Feed::Phase { phase: feed, .. } => {
                for from in 0..self.phases[feed].slots[root].cells.len() {
                    if let Some(current) = self.fed_by(feed, root, from) {
                        drafts.extend(self.drafts(phase, root, from, &current.text)?);
                    }
                }
            }
            Feed::Groups { .. } => return Err(Problem::internal("groups have no cohorts")),
        }
        for draft in drafts {
            items.push((draft.id.clone(), own_digest(&self.alone(phase, root, &draft)?.own)));
        }
        Ok(())
    }

    /// The result of an item that later phases are made from in this run.
    fn fed_by(&self, feed: usize, root: usize, at: usize) -> Option<&Current> {
        let decision = &self.phases[feed].slots[root].cells[at].decision;
        let stands_in = decision.linked.as_ref().filter(|_| self.wishes.with_stale_inputs);
        decision.current.as_ref().or(stands_in)
    }

    /// A digest of all that the items of a root's cohort are made from.
    pub(super) fn cohort_made_from(&self, phase: usize, root: usize) -> Digest {
        let Feed::Phase { phase: feed, .. } = self.rule(phase).feed else { return Digest::default() };
        let mut hasher = Hasher::new("cohort made from");
        for root in self.roots_with(phase, root) {
            hasher.field("root", self.phases[phase].roots[root].as_bytes());
            for (at, cell) in self.phases[feed].slots[root].cells.iter().enumerate() {
                let digest = self.fed_by(feed, root, at).map(|current| current.digest).unwrap_or_default();
                hasher.field("item", cell.id.as_bytes()).field("result", digest.as_bytes());
            }
        }
        hasher.finish()
    }

    /// The items of a root, waiting, where a result that its cohort is made from is not to be had in this run.
    pub(super) fn waiting_cohort(
        &self,
        phase: usize,
        root: usize,
        memory: &Memory<'_>,
    ) -> Result<Option<Slot>> {
        let Feed::Phase { phase: feed, .. } = self.rule(phase).feed else { return Ok(None) };
        if self.phases[phase].batches.cohorts().is_none() {
            return Ok(None);
        }
        let mut lacking = Vec::new();
        for root in self.roots_with(phase, root) {
            let cells = self.phases[feed].slots[root].cells.iter().enumerate();
            let lacks = cells.filter(|(at, _)| self.fed_by(feed, root, *at).is_none());
            lacking.extend(lacks.map(|(_, cell)| cell.id.to_string()));
        }
        if lacking.is_empty() {
            return Ok(None);
        }
        lacking.truncate(NAMED);
        let mut slot = self.provisional(phase, root, memory)?;
        for cell in &mut slot.cells {
            cell.decision.verdict = super::Verdict::Pending(lacking.clone());
        }
        slot.find_state();
        Ok(Some(slot))
    }

    /// Who names an item of a cohort names all of it, and what that is made from: less than a cohort is never asked for first.
    /// Where more is asked for than bringing up to date, it is asked for the cohort, not for what that is made from.
    pub fn widened(&self, mut chosen: Vec<Chosen>, more: bool) -> Vec<Chosen> {
        for phase in (0..self.phases.len()).rev() {
            let Some(cohorts) = self.phases[phase].batches.cohorts() else { continue };
            if chosen[phase].all {
                continue;
            }
            let roots = &self.phases[phase].roots;
            let begins = |id: &str| {
                let before = roots.iter().enumerate().filter(|(_, root)| id.starts_with(&***root));
                before.max_by_key(|(_, root)| root.len()).map(|(root, _)| root)
            };
            let named = chosen[phase].roots.iter().cloned().flatten();
            let mut touched: BTreeSet<u32> = named.map(|root| cohorts.of(root)).collect();
            touched.extend(chosen[phase].ids.iter().filter_map(|id| begins(id)).map(|root| cohorts.of(root)));
            let last = cohorts.of_roots().iter().max().map_or(0, |last| last + 1);
            let batches = chosen[phase].batches.iter().filter_map(|batch| batch.checked_sub(1));
            touched.extend(batches.map(small).filter(|cohort| *cohort < last));
            let all: Vec<_> =
                touched.iter().flat_map(|cohort| cohorts.roots(*cohort)).map(|root| *root..=*root).collect();
            chosen[phase].roots.extend(all.iter().cloned());
            let mut up = self.graph.node(phase).feed.filter(|_| !more);
            while let Some(feed) = up {
                if !chosen[feed].is_empty() {
                    chosen[feed].roots.extend(all.iter().cloned());
                }
                up = self.graph.node(feed).feed;
            }
        }
        chosen
    }
}
