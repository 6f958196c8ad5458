//! The conductor's loop: one task that owns all state, hands out calls and takes back what they bring.

mod account;
mod canary;
mod desks;
mod leaving;

use self::account::Leave;
use super::caches::Caches;
use super::call::Came;
use super::canary::Canary;
use super::judging::{Judging, badly};
use super::label::{Label, Labels};
use super::looks::Looked;
use super::options::Options;
use super::outlet::Outlet;
use super::refresh;
use super::refusal::{call_trouble, out_of_reach, unusable};
use super::signals::Signals;
use super::spending::Spending;
use super::tally::Tally;
use super::trial::stands_as_before;
use crate::check::Finding;
use crate::course::Severity;
use crate::diag::{Problem, Result};
use crate::digest::Digest;
use crate::event::Event;
use crate::generate::batch::{Desk, Seat};
use crate::generate::{Generator, Heard, Notices, Outcome, Stop, Stopper};
use crate::link::Text;
use crate::plan::{Board, Current, Decision, Memory, State, enlist, extras, place, trouble};
use crate::prompt::Prompts;
use crate::schedule::{PhaseNo, Schedule};
use crate::store::{self, Ended, Intent, Provenance, Store};
use std::collections::{BTreeSet, HashMap};
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
    /// What calls tell while they wait, and where.
    pub(super) notices: Notices,
    pub(super) heard: Heard,
    pub(super) options: &'a Options,
    pub(super) emit: &'a mut dyn FnMut(&Event),
    pub(super) tally: Tally,
    pub(super) spending: Spending,
    /// The shared store, if there is one that can be asked.
    pub(super) outlet: Option<Outlet>,
    /// The programs that judge batches.
    pub(super) judging: Judging<'a>,
    /// The calls that are looked at before the others leave, until then.
    pub(super) canary: Option<Canary>,
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
    /// It ended with its canary: what was bought does not go into the main files yet.
    pub(super) put_off: bool,
    /// Nobody wanted more than the canary.
    pub(super) declined: bool,
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
    leave: Leave,
    /// Its place at the desk of a batch endpoint, which it keeps until it has been taken back.
    seat: Option<Seat>,
}

impl Flight {
    /// Seconds since it left.
    fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }
}

pub(super) struct Loop<'c, 'a, 'w> {
    pub(super) run: &'c mut Conductor<'a, 'w>,
    pub(super) schedule: Schedule,
    pub(super) numbers: Vec<Vec<PhaseNo>>,
    places: HashMap<PhaseNo, (usize, usize)>,
    /// By course and phase: the position of the first item of each root, as far as it is known.
    pub(super) positions: Vec<Vec<Vec<usize>>>,
    labels: Labels,
    /// The blobs with the texts behind the recipes that calls of this run were sent: by course, phase and scope.
    texts: HashMap<(usize, usize, u32), Digest>,
    flights: HashMap<tokio::task::Id, Flight>,
    calls: JoinSet<Result<Came>>,
    caches: Caches,
    /// The desks of the batch endpoints, each once.
    desks: Vec<Arc<Desk>>,
    /// Calls tell here by their numbers that their answers have begun.
    begun: (mpsc::UnboundedSender<u64>, mpsc::UnboundedReceiver<u64>),
    serial: u64,
    /// Questions to the shared store under way.
    pub(super) looks: JoinSet<Looked>,
    /// A bound on calls or money has been reached: nothing leaves any more.
    at_bound: bool,
    /// Phases of the present course that have become known better since that was told.
    pub(super) opened: BTreeSet<usize>,
    pub(super) end: End,
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
        let caches = Caches::new(&self.prompts, &self.generators, &numbers, &mut schedule);
        let desks = desks::of(&self.generators, &numbers, &mut schedule);
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
            caches,
            desks,
            begun: mpsc::unbounded_channel(),
            serial: 0,
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
        let mut at_once = false;
        for course in 0..self.run.boards.len() {
            self.run.boards[course].begin();
            self.progress(course, 0)?;
        }
        loop {
            self.start_calls(&stop)?;
            self.start_programs()?;
            self.close_desks();
            let attended = self.desks_are_attended() && !at_once;
            let calm = self.looks.is_empty() && self.run.judging.is_idle() && !attended;
            if self.flights.is_empty() && calm {
                if self.goes_on(&mut signals).await? {
                    continue;
                }
                self.end.bounded = self.at_bound && self.something_is_left();
                while let Some(notice) = self.run.heard.now() {
                    self.tell_notice(notice);
                }
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
                        self.schedule.finished(flight.number);
                        self.came_back(flight, came);
                    }
                }
                Some(serial) = self.begun.1.recv() => self.has_begun(serial),
                Some(judged) = self.run.judging.running.join_next() => {
                    self.judged(judged.map_err(badly)?)?;
                }
                notice = self.run.heard.next() => self.tell_notice(notice),
                () = signals.next() => {
                    if self.end.interrupted {
                        stopper.stop();
                        at_once = true;
                    }
                    self.end.interrupted = true;
                    self.schedule.stop();
                    self.run.judging.end();
                    self.leave_desks();
                    let in_flight = self.flights.values().filter(|flight| flight.seat.is_none()).count();
                    (self.run.emit)(&Event::Interrupted { in_flight });
                }
            }
        }
    }

    fn start_calls(&mut self, stop: &Stop) -> Result<()> {
        if !self.canary_is_chosen()? {
            return Ok(());
        }
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

    /// Takes back a call. A problem stops the run, and what is in flight is still waited for and kept.
    fn came_back(&mut self, flight: Flight, came: Result<Came>) {
        self.account(&flight, came.as_ref().ok());
        let done = match came {
            Ok(Came::Entry(entry)) => self.take(flight, &entry),
            Ok(Came::Nothing(Outcome::Interrupted | Outcome::Pending(None))) => Ok(()),
            Ok(Came::Nothing(Outcome::Pending(Some(stuck)))) => Err(out_of_reach(stuck)),
            Ok(Came::Nothing(Outcome::Unreached(why))) => {
                self.ask_again(&flight, &why);
                Ok(())
            }
            Ok(Came::Nothing(outcome)) => Err(unusable(&flight.intent.label, outcome)),
            Err(problem) => Err(problem),
        };
        if let Err(problem) = done {
            self.stop_for(problem);
        }
    }

    fn take(&mut self, flight: Flight, entry: &store::Entry) -> Result<()> {
        let Flight { course, phase, number, batch, members, intent, started, .. } = flight;
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
        self.note_canary((course, phase), &members, entry);
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
