//! A call that leaves: its name, its prompt, its leave, its task.

use super::{Flight, Loop};
use crate::diag::{Problem, Result};
use crate::event::Event;
use crate::generate::Stop;
use crate::plan::{Board, fits, recipe_texts};
use crate::run::call::ask;
use crate::run::request::{Draft, Seat, draft};
use crate::schedule::Ready;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::Instant;

impl Loop<'_, '_, '_> {
    /// Lets a call leave, if its cost allows it.
    pub(super) fn start(&mut self, ready: &Ready, stop: &Stop) -> Result<()> {
        let Some(&(course, phase)) = self.places.get(&ready.phase) else {
            return Err(Problem::internal("a call of an unknown phase"));
        };
        let members: Vec<(usize, usize)> =
            ready.items.iter().map(|(root, at)| (*root as usize, *at as usize)).collect();
        let first = members.first().copied().unwrap_or_default();
        fits(&self.run.boards[course], phase, &members)?;
        let batch = self.batch(course, phase, first);
        let board = &self.run.boards[course];
        let label = self.labels.take(&self.run.store, (course, board), (phase, batch), &members)?;
        let seat = Seat { phase, members: &members, batch, label: label.1.clone() };
        let Draft { mut intent, request } =
            draft(board, &self.run.prompts[course][phase], &self.run.store, &seat)?;
        let Some(leave) = self.leave(course, phase, ready.leads, &request, members.len()) else {
            self.labels.give_back(&label);
            return Ok(());
        };
        self.run.boards[course].ask(phase, &members);
        let board = &self.run.boards[course];
        let scope = board.phases[phase].scope_of[first.0];
        intent.texts = Some(match self.texts.entry((course, phase, scope)) {
            Entry::Occupied(kept) => *kept.get(),
            Entry::Vacant(new) => {
                *new.insert(self.run.store.put_texts(&recipe_texts(board, phase, first.0))?)
            }
        });
        self.run.tally.call_started(course, phase, batch);
        (self.run.emit)(&Event::CallStarted {
            call: intent.call.clone(),
            course: intent.course.clone(),
            phase: intent.phase.clone(),
            label: intent.label.clone(),
            scope: intent.scope.clone(),
            items: members.len(),
            attempt: intent.attempt,
        });
        let intent = Arc::new(intent);
        let means = self.means(course, phase, &leave, stop);
        // Announced before its task runs: until it is at the desk, or has failed, nothing goes out from there.
        let desk = means.generator.desk(intent.attempt);
        let seat = desk.map(|desk| desk.announce(&intent.call));
        let task = self.calls.spawn(ask(self.run.store.clone(), intent.clone(), request, means));
        let (number, started) = (ready.phase, Instant::now());
        let flight = Flight { course, phase, number, batch, label, members, intent, started, leave, seat };
        self.flights.insert(task.id(), flight);
        Ok(())
    }

    /// The number of the batch that an item is in.
    pub(in crate::run) fn batch(&mut self, course: usize, phase: usize, place: (usize, usize)) -> usize {
        let board = &self.run.boards[course];
        let position = position(board, phase, &mut self.positions[course][phase], place);
        board.phases[phase].batches.batch_of(place.0, position)
    }
}

/// The position of an item in its phase. What stands before a call is settled, so positions are found once.
fn position(board: &Board<'_>, phase: usize, known: &mut Vec<usize>, (root, at): (usize, usize)) -> usize {
    if known.is_empty() {
        known.push(0);
    }
    while known.len() <= root {
        let last = known.len() - 1;
        known.push(known[last] + board.phases[phase].slots[last].cells.len());
    }
    known[root] + at
}
