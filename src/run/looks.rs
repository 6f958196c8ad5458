//! Questions to the shared store while calls are under way: what came into being in this run, by an answer or by somebody's
//! that took its place, may have been bought elsewhere already. No call leaves with an item before that is known.

use super::conduct::Loop;
use crate::diag::{Problem, Result};
use crate::digest::Digest;
use crate::plan::{Cell, Held, Verdict, place};
use crate::schedule::{PhaseNo, Place};
use crate::share::Look;
use crate::store::slot;
use std::collections::{BTreeSet, HashMap};

/// What was asked, and what was learnt.
pub(super) struct Looked {
    course: usize,
    phase: usize,
    /// The items: root and number in it, with their slots.
    asked: Vec<((usize, usize), Digest)>,
    /// They were refused in this run and wait to be asked for again.
    retry: bool,
    looks: Vec<(Digest, Look)>,
}

impl Loop<'_, '_, '_> {
    /// Asks the shared store about a root that has just been opened; false if there is nothing to ask.
    pub(super) fn looks_first(&mut self, course: usize, phase: usize, root: usize) -> bool {
        let cells = &self.run.boards[course].phases[phase].slots[root].cells;
        // What is to replace a result is bought, as it was asked for.
        let asked = |at: &usize| cells[*at].is_wanted() && cells[*at].decision.supersedes.is_none();
        let wanted = (0..cells.len()).filter(asked).map(|at| (root, at)).collect();
        self.look_up(course, phase, wanted, false)
    }

    /// Asks again for items that were refused, after a look whether somebody else did.
    pub(super) fn retry(&mut self, course: usize, phase: usize, number: PhaseNo, again: Vec<Place>) {
        let items = again.iter().map(|(root, at)| (*root as usize, *at as usize)).collect();
        if !self.look_up(course, phase, items, true) {
            self.schedule.retry(number, again);
        }
    }

    fn look_up(&mut self, course: usize, phase: usize, items: Vec<(usize, usize)>, retry: bool) -> bool {
        let Some(outlet) = self.run.outlet.clone() else { return false };
        let asked: Vec<((usize, usize), Digest)> = items
            .into_iter()
            .map(|(root, at)| {
                let cell = &self.run.boards[course].phases[phase].slots[root].cells[at];
                let decision = &cell.decision;
                ((root, at), slot(cell.content, &cell.id, &decision.refused, decision.supersedes))
            })
            .collect();
        if asked.is_empty() {
            return false;
        }
        self.looks.spawn(async move {
            let slots = asked.iter().map(|(_, slot)| *slot).collect();
            let looks = outlet.look_up(slots).await;
            Looked { course, phase, asked, retry, looks }
        });
        true
    }

    /// Takes what was learnt: results are judged as answers are, what nobody can tell is held, the rest is bought.
    pub(super) async fn looked(&mut self, looked: Looked) -> Result<()> {
        let Looked { course, phase, asked, retry, looks } = looked;
        let mut looks: HashMap<Digest, Look> = looks.into_iter().collect();
        let (mut once_more, mut fetched) = (Vec::new(), Vec::new());
        let hold = self.run.outlet.as_ref().is_some_and(|outlet| outlet.hold);
        for (at, slot) in &asked {
            match looks.remove(slot) {
                Some(Look::Hit(entry)) => {
                    if self.fill(course, phase, *at, &entry)? {
                        once_more.push(*at);
                    }
                    fetched.push(*entry);
                }
                Some(Look::Unknown(_)) if hold => {
                    self.cell(course, phase, *at).decision.verdict = Verdict::Held(Held::OutOfReach);
                }
                Some(Look::Miss | Look::Unknown(_)) | None => {}
            }
        }
        self.run.tally.fetched += fetched.len();
        if let Some(outlet) = &self.run.outlet {
            outlet.keep(fetched).await?;
        }
        if retry {
            self.after_retry(course, phase, asked, once_more)
        } else if once_more.is_empty() {
            let roots: BTreeSet<usize> = asked.into_iter().map(|((root, _), _)| root).collect();
            roots.into_iter().try_for_each(|root| self.tell_wants(course, phase, root))?;
            self.progress(course, phase)
        } else {
            // The root stays pending: its refused items have another slot to be asked for.
            self.look_up(course, phase, once_more, false);
            Ok(())
        }
    }

    fn cell(&mut self, course: usize, phase: usize, (root, at): (usize, usize)) -> &mut Cell {
        &mut self.run.boards[course].phases[phase].slots[root].cells[at]
    }

    fn cell_of(&self, course: usize, phase: usize, (root, at): (usize, usize)) -> &Cell {
        &self.run.boards[course].phases[phase].slots[root].cells[at]
    }

    /// Judges what a slot held; true if it was refused and the next slot is to be asked for.
    fn fill(
        &mut self,
        course: usize,
        phase: usize,
        at: (usize, usize),
        entry: &crate::store::Entry,
    ) -> Result<bool> {
        let stored = entry.results.first().ok_or_else(|| Problem::internal("a slot without a result"))?;
        let Some((why, answer)) = self.judge(course, phase, at, stored, entry)? else { return Ok(false) };
        let limit = self.run.boards[course].course.phases[phase].rule.attempts;
        Ok(self.cell(course, phase, at).refuse(why, answer, limit))
    }

    fn after_retry(
        &mut self,
        course: usize,
        phase: usize,
        asked: Vec<((usize, usize), Digest)>,
        once_more: Vec<(usize, usize)>,
    ) -> Result<()> {
        let items: Vec<(usize, usize)> = asked.into_iter().map(|(at, _)| at).collect();
        let left: Vec<(usize, usize)> = items
            .iter()
            .copied()
            .filter(|at| !once_more.contains(at) && self.cell_of(course, phase, *at).is_wanted())
            .collect();
        if !left.is_empty() {
            let again = left.iter().map(|(root, at)| place(*root, *at)).collect();
            self.schedule.retry(self.numbers[course][phase], again);
        }
        self.look_up(course, phase, once_more, true);
        self.progress(course, phase)
    }
}
