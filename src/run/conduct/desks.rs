//! Calls that go out together: when the desks of batch endpoints may send, and what follows when a submission brought nothing for
//! a call.

use super::{Flight, Loop};
use crate::course::GeneratorKind;
use crate::event::Event;
use crate::generate::batch::Desk;
use crate::generate::{Generator, Notice};
use crate::plan::place;
use crate::schedule::{PhaseNo, Schedule};
use std::sync::Arc;

/// The desks of all phases, each once; the schedule is told that their calls are not counted.
pub(super) fn of(
    generators: &[Vec<Arc<dyn Generator>>],
    numbers: &[Vec<PhaseNo>],
    schedule: &mut Schedule,
) -> Vec<Arc<Desk>> {
    let mut desks: Vec<Arc<Desk>> = Vec::new();
    for (generator, number) in generators.iter().flatten().zip(numbers.iter().flatten()) {
        let Some(desk) = generator.desk(1) else { continue };
        schedule.unbounded(*number);
        if !desks.iter().any(|known| Arc::ptr_eq(known, &desk)) {
            desks.push(desk);
        }
    }
    desks
}

impl Loop<'_, '_, '_> {
    /// Lets go out what has gathered, if nothing that is under way can make anything ready that could go with it: no direct call, no
    /// program, no question, no submission whose results are being taken in. People who answer prompts are not waited for.
    pub(super) fn close_desks(&self) {
        let direct = |flight: &Flight| {
            let rule = self.run.boards[flight.course].rule(flight.phase);
            flight.seat.is_none() && rule.generate.kind != GeneratorKind::Drop
        };
        let busy = !self.looks.is_empty()
            || !self.run.judging.is_idle()
            || self.desks.iter().any(|desk| desk.is_busy())
            || !self.desks.is_empty() && self.flights.values().any(direct);
        if !busy {
            self.desks.iter().for_each(Desk::close);
        }
    }

    /// Somebody is at work on a submission whose calls may all be back.
    pub(super) fn desks_are_attended(&self) -> bool {
        self.desks.iter().any(|desk| desk.is_attended())
    }

    /// Nothing is waited for at the desks any more. What is at a service stays there.
    pub(in crate::run) fn leave_desks(&self) {
        self.desks.iter().for_each(|desk| desk.leave());
    }

    /// A call's request was not come to: its items are asked for once more, with the next submission.
    pub(super) fn ask_again(&mut self, flight: &Flight, why: &str) {
        let intent = &flight.intent;
        (self.run.emit)(&Event::CallEnded {
            call: intent.call.clone(),
            course: intent.course.clone(),
            phase: intent.phase.clone(),
            label: intent.label.clone(),
            items: flight.members.len(),
            passed: 0,
            failed: flight.members.len(),
            attempt: intent.attempt,
            seconds: flight.seconds(),
            usage: crate::money::Meters::default(),
            money_usd: None,
            trouble: Some(format!("{why}: asked for again, and no attempt")),
            findings: Vec::new(),
        });
        let again = flight.members.iter().map(|(root, at)| place(*root, *at)).collect();
        self.schedule.retry(flight.number, again);
    }

    pub(super) fn tell_notice(&mut self, notice: Notice) {
        (self.run.emit)(&match notice {
            Notice::Waits { call, what } => Event::Waiting { call, what },
            Notice::Submission(progress) => Event::Submission(progress),
        });
    }
}
