//! The conductor's loop: one task that owns all state, hands out calls and takes back what they bring.

use super::call::{Came, ask};
use super::label::{Label, Labels};
use super::looks::Looked;
use super::options::Options;
use super::outlet::Outlet;
use super::refresh;
use super::refusal::{call_trouble, unusable};
use super::request::{Draft, Seat, draft};
use super::signals::Signals;
use super::tally::Tally;
use super::trial::stands_as_before;
use crate::check::Finding;
use crate::course::Severity;
use crate::diag::{Problem, Result};
use crate::digest::Digest;
use crate::event::Event;
use crate::generate::{Generator, Heard, Notice, Outcome, Stop, Stopper};
use crate::link::Text;
use crate::plan::{Board, Current, Decision, Memory, State, enlist, extras, place, recipe_texts, trouble};
use crate::prompt::Prompts;
use crate::schedule::{PhaseNo, Ready, Schedule};
use crate::store::{self, Ended, Intent, Provenance, Store};
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Instant;
use tokio::task::JoinSet;

/// Everything that a run moves.
pub(super) struct Conductor<'a, 'w> {
    pub(super) boards: &'a mut [Board<'w>],
    pub(super) memories: &'a [Memory<'w>],
    pub(super) store: Arc<Store>,
    pub(super) prompts: Vec<Vec<Prompts>>,
    pub(super) generators: Vec<Vec<Arc<dyn Generator>>>,
    /// What calls tell while they wait.
    pub(super) heard: Heard,
    pub(super) options: &'a Options,
    pub(super) emit: &'a mut dyn FnMut(&Event),
    pub(super) tally: Tally,
    /// The shared store, if there is one that can be asked.
    pub(super) outlet: Option<Outlet>,
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
    label: Label,
    members: Vec<(usize, usize)>,
    intent: Arc<Intent>,
    started: Instant,
}

pub(super) struct Loop<'c, 'a, 'w> {
    pub(super) run: &'c mut Conductor<'a, 'w>,
    pub(super) schedule: Schedule,
    pub(super) numbers: Vec<Vec<PhaseNo>>,
    places: HashMap<PhaseNo, (usize, usize)>,
    /// By course and phase: the position of the first item of each root, as far as it is known.
    positions: Vec<Vec<Vec<usize>>>,
    labels: Labels,
    /// The blobs with the texts behind the recipes that calls of this run were sent: by course, phase and scope.
    texts: HashMap<(usize, usize, u32), Digest>,
    flights: HashMap<tokio::task::Id, Flight>,
    calls: JoinSet<Result<Came>>,
    /// Questions to the shared store under way.
    pub(super) looks: JoinSet<Looked>,
    /// A bound on calls or money has been reached: nothing leaves any more.
    at_bound: bool,
    /// Phases of the present course that have become known better since that was told.
    pub(super) opened: BTreeSet<usize>,
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
            self.boards.iter().map(|board| enlist(&mut schedule, board)).collect();
        let places = numbers
            .iter()
            .enumerate()
            .flat_map(|(course, all)| {
                all.iter().enumerate().map(move |(phase, number)| (*number, (course, phase)))
            })
            .collect();
        let positions = self.boards.iter().map(|board| vec![Vec::new(); board.phases.len()]).collect();
        let state = Loop {
            run: self,
            schedule,
            numbers,
            places,
            positions,
            labels: Labels::default(),
            texts: HashMap::new(),
            flights: HashMap::new(),
            calls: JoinSet::new(),
            looks: JoinSet::new(),
            at_bound: false,
            opened: BTreeSet::new(),
            end: End::default(),
        };
        runtime.block_on(state.run())
    }
}

impl Loop<'_, '_, '_> {
    async fn run(mut self) -> Result<End> {
        let (stopper, stop) = Stopper::new();
        let mut signals = Signals::new()?;
        for course in 0..self.run.boards.len() {
            self.run.boards[course].begin();
            self.progress(course, 0)?;
        }
        loop {
            self.start_calls(&stop)?;
            if self.flights.is_empty() && self.looks.is_empty() {
                self.end.bounded = self.at_bound && self.something_is_left();
                return Ok(self.end);
            }
            tokio::select! {
                Some(looked) = self.looks.join_next() => {
                    let looked = looked.map_err(|e| Problem::internal("a question's task ended badly").because(e))?;
                    self.looked(looked).await?;
                }
                Some(joined) = self.calls.join_next_with_id() => {
                    let (id, came) = joined.map_err(|e| Problem::internal("a call's task ended badly").because(e))?;
                    if let Some(flight) = self.flights.remove(&id) {
                        self.labels.give_back(&flight.label);
                        self.schedule.finished();
                        self.came_back(flight, came);
                    }
                }
                Notice { call, what } = self.run.heard.next() => {
                    (self.run.emit)(&Event::Waiting { call, what });
                }
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
            let bound = self.run.options.max_calls.is_some_and(|most| self.run.tally.calls >= most)
                || self
                    .run
                    .options
                    .budget_usd
                    .is_some_and(|most| self.run.tally.money_usd.unwrap_or_default() >= most);
            if bound {
                self.at_bound = true;
                self.schedule.stop();
            }
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
        let first = members.first().copied().unwrap_or_default();
        let batch = self.batch(course, phase, first);
        self.run.boards[course].ask(phase, &members);
        let board = &self.run.boards[course];
        let label = self.labels.take(&self.run.store, (course, board), (phase, batch), &members)?;
        let seat = Seat { phase, members: &members, batch, label: label.1.clone() };
        let Draft { mut intent, request } =
            draft(board, &self.run.prompts[course][phase], &self.run.store, &seat)?;
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
        let generator = self.run.generators[course][phase].clone();
        let (store, outlet) = (self.run.store.clone(), self.run.outlet.clone());
        let task = self.calls.spawn(ask(store, generator, intent.clone(), request, stop.clone(), outlet));
        self.flights.insert(
            task.id(),
            Flight {
                course,
                phase,
                number: ready.phase,
                batch,
                label,
                members,
                intent,
                started: Instant::now(),
            },
        );
        Ok(())
    }

    /// The number of the batch that an item is in.
    pub(super) fn batch(&mut self, course: usize, phase: usize, place: (usize, usize)) -> usize {
        let board = &self.run.boards[course];
        let position = position(board, phase, &mut self.positions[course][phase], place);
        board.phases[phase].batches.batch_of(place.0, position)
    }

    /// Takes back a call. A problem stops the run, and what is in flight is still waited for and kept.
    fn came_back(&mut self, flight: Flight, came: Result<Came>) {
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

    fn take(&mut self, flight: Flight, entry: &store::Entry) -> Result<()> {
        let Flight { course, phase, number, batch, members, intent, started, label: _ } = flight;
        let mut brought: HashMap<usize, &store::Stored> =
            entry.results.iter().map(|stored| (stored.item, stored)).collect();
        let (mut passed, mut findings, mut again) = (0, Vec::new(), Vec::new());
        let limit = self.run.boards[course].rule(phase).attempts;
        let (mut gave_up, mut unreached) = (Vec::new(), Vec::new());
        for (number, (root, at)) in members.iter().enumerate() {
            let refused = match brought.remove(&number) {
                Some(stored) => self.judge(course, phase, (*root, *at), stored, entry)?,
                None if matches!(entry.ended, Ended::Truncated(_)) => {
                    unreached.push(place(*root, *at));
                    continue;
                }
                None => Some((trouble(entry, &intent.items[number].id), None)),
            };
            if intent.attempt == 1 {
                self.run.tally.first_answer(course, phase, *root, refused.is_none());
            }
            let trial = self.run.options.trial;
            let Some((why, answer)) = refused else {
                passed += 1;
                if trial {
                    stands_as_before(&mut self.run.boards[course].phases[phase].slots[*root].cells[*at]);
                }
                continue;
            };
            findings.extend(why.iter().take(100 - findings.len().min(100)).cloned());
            let cell = &mut self.run.boards[course].phases[phase].slots[*root].cells[*at];
            if cell.refuse(why, answer, limit) {
                if !self.run.boards[course].wait(phase, (*root, *at)) {
                    again.push(place(*root, *at));
                }
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
        for extra in extras(entry) {
            let message = format!("`{}`: {}", intent.label, extra.message);
            (self.run.emit)(&Event::Warning { message });
        }
        self.give_up(course, phase, &gave_up);
        if !again.is_empty() {
            self.retry(course, phase, number, again);
        }
        // An answer as long as that one would be cut off again.
        for part in unreached.chunks((members.len() / 2).max(1)) {
            self.schedule.retry(number, part.to_vec());
        }
        self.progress(course, phase)
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

    /// Judges an output. `None`: it passed, and stands for its item now. Otherwise what it is refused for, and its digest.
    pub(super) fn judge(
        &mut self,
        course: usize,
        phase: usize,
        (root, at): (usize, usize),
        stored: &store::Stored,
        entry: &store::Entry,
    ) -> Result<Option<(Vec<Finding>, Option<Digest>)>> {
        let board = &mut self.run.boards[course];
        let detail = board
            .detail_of(phase, root, at)?
            .ok_or_else(|| Problem::internal("an item that waits was bought"))?;
        let findings = board.judge_answer(phase, (root, at), &detail, &stored.output)?;
        let waived = findings.iter().any(|finding| finding.severity == Severity::Waived);
        let errors: Vec<Finding> = findings.into_iter().filter(Finding::is_error).collect();
        if !errors.is_empty() {
            return Ok(Some((errors, Some(stored.digest))));
        }
        if self.run.options.trial {
            return Ok(None);
        }
        if let Some(decision) =
            refresh::merged(board, &self.run.memories[course], phase, (root, at), &detail, stored)?
        {
            board.let_stand(phase, (root, at), decision);
            return Ok(None);
        }
        let current = Current {
            digest: stored.digest,
            text: Text::Lifted(stored.output.as_str().into()),
            provenance: Provenance::Generated,
            key: entry.intent.items[stored.item].content.short(),
            unchecked: waived,
        };
        board.let_stand(phase, (root, at), Decision::fresh(current));
        Ok(None)
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
