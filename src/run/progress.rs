//! What follows when something was answered: what is certain now is told to the schedule, and what fails beside others is asked
//! for again.

use super::conduct::Loop;
use super::trial::stands_as_before;
use crate::diag::{Problem, Result};
use crate::event::Event;
use crate::plan::{Step, pack, wants};

impl Loop<'_, '_, '_> {
    /// Brings the phases of a course forward, from one on.
    pub(super) fn progress(&mut self, course: usize, from: usize) -> Result<()> {
        for phase in from..self.run.boards[course].phases.len() {
            let mut step = self.run.boards[course].step(phase, &self.run.memories[course])?;
            self.wants_judged(course, phase, std::mem::take(&mut step.unjudged));
            let number = self.numbers[course][phase];
            for root in &step.opened {
                let cells = &self.run.boards[course].phases[phase].slots[*root].cells;
                self.run.tally.opened(course, phase, cells.iter().filter(|cell| cell.is_wanted()).count());
                self.opened.insert(phase);
            }
            for root in &step.told {
                if !self.looks_first(course, phase, *root) {
                    self.tell_wants(course, phase, *root)?;
                }
            }
            for items in pack(&self.run.boards[course], phase, &step.again)? {
                self.retry(course, phase, number, items);
            }
            self.tell(course, phase, &step);
        }
        let board = &self.run.boards[course];
        for (phase, number) in self.numbers[course].iter().enumerate() {
            self.schedule.gate(*number, board.gate(phase));
        }
        self.tell_what_opened(course);
        Ok(())
    }

    /// Tells the schedule what is to be bought of a root.
    pub(super) fn tell_wants(&mut self, course: usize, phase: usize, root: usize) -> Result<()> {
        let wanted = wants(&self.run.boards[course], phase, root)?;
        let number = self.numbers[course][phase];
        self.schedule.settle(number, u32::try_from(root).unwrap_or(u32::MAX), &wanted);
        Ok(())
    }

    fn tell(&mut self, course: usize, phase: usize, step: &Step) {
        for place in &step.refused {
            let batch = self.batch(course, phase, *place);
            self.run.tally.took_back(course, phase, batch);
        }
        if !step.findings.is_empty() {
            let board = &self.run.boards[course];
            let findings = step.findings.iter().take(100).cloned().collect();
            (self.run.emit)(&Event::Compared {
                course: board.course.code.clone(),
                phase: board.rule(phase).name.clone(),
                refused: step.findings.len(),
                findings,
            });
        }
        self.give_up(course, phase, &step.gave_up);
    }

    /// Tells of items whose attempts are exhausted. Unless told to keep going, no call leaves any more.
    pub(super) fn give_up(&mut self, course: usize, phase: usize, items: &[(usize, usize)]) {
        for (root, at) in items {
            let board = &self.run.boards[course];
            let cell = &board.phases[phase].slots[*root].cells[*at];
            (self.run.emit)(&Event::ItemFailed {
                course: board.course.code.clone(),
                phase: board.rule(phase).name.clone(),
                item: cell.id.to_string(),
                attempts: cell.decision.attempts,
                findings: cell.decision.findings.clone(),
            });
        }
        self.run.tally.gave_up += items.len();
        if self.run.options.trial {
            for (root, at) in items {
                stands_as_before(&mut self.run.boards[course].phases[phase].slots[*root].cells[*at]);
            }
        }
        if !items.is_empty() && !self.run.options.keep_going {
            self.schedule.stop();
        }
    }

    /// Tells how much is known now of the phases that have become known better.
    pub(super) fn tell_what_opened(&mut self, course: usize) {
        for reader in std::mem::take(&mut self.opened) {
            (self.run.emit)(&Event::Phase {
                course: self.run.boards[course].course.code.clone(),
                phase: self.run.boards[course].rule(reader).name.clone(),
                to_buy: self.run.tally.to_buy(course, reader),
                pending: self.run.boards[course].waiting(reader),
            });
        }
    }

    /// No call leaves any more, and the problem is told at the end.
    pub(super) fn stop_for(&mut self, problem: Problem) {
        self.schedule.stop();
        self.leave_desks();
        self.end.problem.get_or_insert(problem);
    }
}
