//! The conductor's loop: one task that owns all state, hands out calls and takes back what they bring.

mod account;

use self::account::Leave;
use super::caches::Caches;
use super::call::{Came, ask};
use super::options::Options;
use super::refusal::{call_trouble, refuse, unusable};
use super::request::{Draft, Seat, draft};
use super::signals::Signals;
use super::spending::Spending;
use super::tally::Tally;
use crate::check::Finding;
use crate::diag::{Problem, Result};
use crate::event::Event;
use crate::generate::{Generator, Outcome, Stop, Stopper};
use crate::graph::batch_of;
use crate::link::Text;
use crate::plan::{Board, Cell, Current, Decision, Memory, State, Verdict, enlist, place, trouble, wants};
use crate::prompt::Prompts;
use crate::schedule::{PhaseNo, Ready, Schedule};
use crate::store::{Ended, Entry, Intent, Provenance, Store};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Everything that a run moves.
pub(super) struct Conductor<'a, 'w> {
    pub(super) boards: &'a mut [Board<'w>],
    pub(super) memories: &'a [Memory<'w>],
    pub(super) store: Arc<Store>,
    pub(super) prompts: Vec<Vec<Prompts>>,
    pub(super) generators: Vec<Vec<Arc<dyn Generator>>>,
    pub(super) options: &'a Options,
    pub(super) emit: &'a mut dyn FnMut(&Event),
    pub(super) tally: Tally,
    pub(super) spending: Spending,
}

/// How the loop ended.
#[derive(Debug, Default)]
pub(super) struct End {
    /// The user interrupted it.
    pub(super) interrupted: bool,
    /// A bound on calls or money stopped it.
    pub(super) bounded: bool,
    /// Something that has to be mended stopped it.
    pub(super) problem: Option<Problem>,
}

struct Flight {
    course: usize,
    phase: usize,
    number: PhaseNo,
    batch: usize,
    members: Vec<(usize, usize)>,
    intent: Arc<Intent>,
    started: Instant,
    leave: Leave,
}

struct Loop<'c, 'a, 'w> {
    run: &'c mut Conductor<'a, 'w>,
    schedule: Schedule,
    numbers: Vec<Vec<PhaseNo>>,
    places: HashMap<PhaseNo, (usize, usize)>,
    waiting: Vec<Vec<BTreeSet<usize>>>,
    /// By course and phase: the position of the first item of each root, as far as it is known.
    positions: Vec<Vec<Vec<usize>>>,
    labels: HashSet<String>,
    flights: HashMap<tokio::task::Id, Flight>,
    calls: JoinSet<Result<Came>>,
    caches: Caches,
    begun: (mpsc::UnboundedSender<u64>, mpsc::UnboundedReceiver<u64>),
    serial: u64,
    /// A bound on calls or money has been reached: nothing leaves any more.
    at_bound: bool,
    end: End,
}

impl Conductor<'_, '_> {
    /// Makes the calls that the boards want, until nothing is left to be bought or the run has to stop.
    pub(super) fn conduct(&mut self) -> Result<End> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| Problem::environment("could not start the machinery for calls").because(e))?;
        let mut schedule = Schedule::new(self.options.jobs);
        let numbers: Vec<Vec<PhaseNo>> =
            self.boards.iter().map(|board| enlist(&mut schedule, board)).collect::<Result<_>>()?;
        let places = numbers
            .iter()
            .enumerate()
            .flat_map(|(course, all)| {
                all.iter().enumerate().map(move |(phase, number)| (*number, (course, phase)))
            })
            .collect();
        let closed = |slot: &crate::plan::Slot| matches!(slot.state, State::Pending);
        let waiting = self
            .boards
            .iter()
            .map(|board| {
                board
                    .phases
                    .iter()
                    .map(|phase| (0..phase.slots.len()).filter(|root| closed(&phase.slots[*root])).collect())
                    .collect()
            })
            .collect();
        let caches = Caches::new(&self.prompts, &self.generators, &numbers, &mut schedule);
        let positions = self.boards.iter().map(|board| vec![Vec::new(); board.phases.len()]).collect();
        let state = Loop {
            run: self,
            schedule,
            numbers,
            places,
            waiting,
            positions,
            labels: HashSet::new(),
            flights: HashMap::new(),
            calls: JoinSet::new(),
            caches,
            begun: mpsc::unbounded_channel(),
            serial: 0,
            at_bound: false,
            end: End::default(),
        };
        runtime.block_on(state.run())
    }
}

impl Loop<'_, '_, '_> {
    async fn run(mut self) -> Result<End> {
        let (stopper, stop) = Stopper::new();
        let mut signals = Signals::new()?;
        loop {
            self.start_calls(&stop)?;
            if self.flights.is_empty() {
                self.end.bounded = self.at_bound && self.something_is_left();
                return Ok(self.end);
            }
            tokio::select! {
                Some(joined) = self.calls.join_next_with_id() => {
                    let (id, came) = joined.map_err(|e| Problem::internal("a call's task ended badly").because(e))?;
                    if let Some(flight) = self.flights.remove(&id) {
                        self.labels.remove(&flight.intent.label);
                        self.schedule.finished();
                        self.came_back(flight, came);
                    }
                }
                Some(serial) = self.begun.1.recv() => self.has_begun(serial),
                () = signals.next() => {
                    if self.end.interrupted {
                        stopper.stop();
                    }
                    self.end.interrupted = true;
                    self.schedule.stop();
                    (self.run.emit)(&Event::Interrupted { in_flight: self.flights.len() });
                }
            }
        }
    }

    fn start_calls(&mut self, stop: &Stop) -> Result<()> {
        loop {
            if self.run.options.max_calls.is_some_and(|most| self.run.tally.calls >= most) {
                self.bound();
            }
            self.caches.cool(&mut self.schedule);
            let Some(ready) = self.schedule.next_call() else { return Ok(()) };
            self.start(&ready, stop)?;
        }
    }

    fn something_is_left(&self) -> bool {
        let phases = self.run.boards.iter().flat_map(|board| &board.phases);
        phases.flat_map(|phase| &phase.slots).any(|slot| slot.state != State::Settled)
    }

    fn start(&mut self, ready: &Ready, stop: &Stop) -> Result<()> {
        let Some(&(course, phase)) = self.places.get(&ready.phase) else {
            return Err(Problem::internal("a call of an unknown phase"));
        };
        let members: Vec<(usize, usize)> =
            ready.items.iter().map(|(root, at)| (*root as usize, *at as usize)).collect();
        let board = &self.run.boards[course];
        let first = members.first().copied().unwrap_or_default();
        let batch = batch_of(
            position(board, phase, &mut self.positions[course][phase], first),
            board.rule(phase).batch.size,
        );
        let label = self.free_label(&board.rule(phase).name, batch);
        let seat = Seat { phase, members: &members, batch, label };
        let Draft { intent, request } =
            draft(board, &self.run.prompts[course][phase], &self.run.store, &seat)?;
        let leave = self.leave(course, phase, ready.leads, &request, members.len());
        let Some(leave) = leave else { return Ok(()) };
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
        self.labels.insert(intent.label.clone());
        let intent = Arc::new(intent);
        let means = self.means(course, phase, leave.serial, stop);
        let task = self.calls.spawn(ask(self.run.store.clone(), intent.clone(), request, means));
        let (number, started) = (ready.phase, Instant::now());
        let flight = Flight { course, phase, number, batch, members, intent, started, leave };
        self.flights.insert(task.id(), flight);
        Ok(())
    }

    fn free_label(&self, phase: &str, batch: usize) -> String {
        let plain = format!("{phase}_batch_{batch}");
        if !self.labels.contains(&plain) {
            return plain;
        }
        (2..)
            .map(|number| format!("{plain}_{number}"))
            .find(|label| !self.labels.contains(label))
            .unwrap_or(plain)
    }

    /// Takes back a call. A problem stops the run, and what is in flight is still waited for and kept.
    fn came_back(&mut self, flight: Flight, came: Result<Came>) {
        self.account(&flight, came.as_ref().ok());
        let done = match came {
            Ok(Came::Entry(entry)) => self.take(flight, &entry),
            Ok(Came::Nothing(Outcome::Interrupted)) => Ok(()),
            Ok(Came::Nothing(outcome)) => Err(unusable(&flight.intent.label, outcome)),
            Err(problem) => Err(problem),
        };
        if let Err(problem) = done {
            self.schedule.stop();
            self.end.problem.get_or_insert(problem);
        }
    }

    fn take(&mut self, flight: Flight, entry: &Entry) -> Result<()> {
        let Flight { course, phase, number, batch, members, intent, started, .. } = flight;
        let mut brought: HashMap<usize, &crate::store::Stored> =
            entry.results.iter().map(|stored| (stored.item, stored)).collect();
        let (mut passed, mut findings, mut again) = (0, Vec::new(), Vec::new());
        let mut gave_up = Vec::new();
        for (number, (root, at)) in members.iter().enumerate() {
            let refused = match brought.remove(&number) {
                Some(stored) => self.judge(course, phase, (*root, *at), stored, entry)?,
                None => Some((trouble(entry, &intent.items[number].id), None)),
            };
            let Some((why, answer)) = refused else {
                passed += 1;
                continue;
            };
            findings.extend(why.iter().take(100 - findings.len().min(100)).cloned());
            let cell = &mut self.run.boards[course].phases[phase].slots[*root].cells[*at];
            if refuse(cell, why, answer, self.run.boards[course].course.phases[phase].rule.attempts) {
                again.push(place(*root, *at));
            } else {
                gave_up.push((*root, *at));
            }
        }
        self.run.tally.call_ended(course, phase, batch, entry, passed);
        (self.run.emit)(&Event::CallEnded {
            call: intent.call.clone(),
            course: intent.course.clone(),
            phase: intent.phase.clone(),
            label: intent.label.clone(),
            items: members.len(),
            passed,
            failed: members.len() - passed,
            attempt: intent.attempt,
            seconds: started.elapsed().as_secs_f64(),
            usage: entry.meters,
            money_usd: entry.money_usd,
            trouble: call_trouble(&entry.ended),
            findings,
        });
        for (root, at) in &gave_up {
            let cell = &self.run.boards[course].phases[phase].slots[*root].cells[*at];
            (self.run.emit)(&Event::ItemFailed {
                course: intent.course.clone(),
                phase: intent.phase.clone(),
                item: cell.id.to_string(),
                attempts: cell.decision.attempts,
                findings: cell.decision.findings.clone(),
            });
        }
        if !gave_up.is_empty() && !self.run.options.keep_going {
            self.schedule.stop();
        }
        // What did not fit into one answer is asked for in two.
        let parts = if matches!(entry.ended, Ended::Truncated(_)) { 2 } else { 1 };
        for part in again.chunks(again.len().div_ceil(parts).max(1)) {
            self.schedule.retry(number, part.to_vec());
        }
        let roots: BTreeSet<usize> = members.iter().map(|(root, _)| *root).collect();
        for root in roots {
            if !self.run.boards[course].phases[phase].slots[root].cells.iter().any(Cell::is_wanted) {
                self.settle(course, phase, root)?;
            }
        }
        Ok(())
    }

    /// Judges an output. `None`: it passed, and stands for its item now. Otherwise what it is refused for, and its digest.
    fn judge(
        &mut self,
        course: usize,
        phase: usize,
        (root, at): (usize, usize),
        stored: &crate::store::Stored,
        entry: &Entry,
    ) -> Result<Option<(Vec<Finding>, Option<crate::digest::Digest>)>> {
        let board = &mut self.run.boards[course];
        let detail = board
            .detail_of(phase, root, at)?
            .ok_or_else(|| Problem::internal("an item that waits was bought"))?;
        let errors: Vec<Finding> =
            board.judge(phase, &detail, &stored.output).into_iter().filter(Finding::is_error).collect();
        if !errors.is_empty() {
            return Ok(Some((errors, Some(stored.digest))));
        }
        let cell = &mut board.phases[phase].slots[root].cells[at];
        cell.decision = Decision::fresh(Current {
            digest: stored.digest,
            text: Text::Lifted(stored.output.as_str().into()),
            provenance: Provenance::Generated,
            key: entry.intent.items[stored.item].content.short(),
            unchecked: false,
        });
        Ok(None)
    }

    fn settle(&mut self, course: usize, phase: usize, root: usize) -> Result<()> {
        let memory = &self.run.memories[course];
        let board = &mut self.run.boards[course];
        board.settle(phase, root);
        for (reader, root) in board.open_after(phase, root, &mut self.waiting[course], memory)? {
            let wanted = wants(board, reader, root)?;
            self.schedule.settle(
                self.numbers[course][reader],
                u32::try_from(root).unwrap_or(u32::MAX),
                &wanted,
            );
            self.run.tally.reused += board.phases[reader].slots[root]
                .cells
                .iter()
                .filter(|cell| cell.decision.verdict == Verdict::Fresh)
                .count();
        }
        for (phase, number) in self.numbers[course].iter().enumerate() {
            self.schedule.gate(*number, board.gate(phase));
        }
        Ok(())
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
