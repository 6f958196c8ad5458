//! Money and caches of the calls that leave and come back: whether one may leave at all, who leads, what each cost and taught.

use super::{Flight, Loop};
use crate::event::Event;
use crate::generate::{Begun, Request, Stop};
use crate::money::{Terms, Work};
use crate::run::call::{Came, Means};
use crate::run::spending::{Next, terms};

/// A call's leave to go.
pub(super) struct Leave {
    /// Its number in the run, by which its answer's beginning is told.
    pub(super) serial: u64,
    /// It is the first of its cache group.
    leads: bool,
    expected_usd: Option<f64>,
    /// Bytes of its prompt.
    bytes: usize,
    terms: Terms<'static>,
}

impl Loop<'_, '_, '_> {
    /// Leave for a call to go; `None` if it would pass the budget, and then no other goes either.
    pub(super) fn leave(
        &mut self,
        course: usize,
        phase: usize,
        leads: bool,
        request: &Request,
        items: usize,
    ) -> Option<Leave> {
        let group = self.caches.of(course, phase);
        let (prefix, body) = (request.prefix.len(), request.body.len());
        let rule = self.run.boards[course].rule(phase);
        let shared = group.map_or(0, |_| prefix);
        let gathered = self.run.generators[course][phase].desk(request.attempt).is_some();
        let terms = terms(&rule.generate, gathered);
        let next = Next { rule, course: &request.course, shared, leads, prefix, body, items, terms };
        let expected_usd = self.run.spending.expects(&next);
        if self.run.spending.passes(expected_usd) {
            let message = self.run.spending.told(&request.label, expected_usd);
            (self.run.emit)(&Event::Warning { message });
            self.schedule.finished(self.numbers[course][phase]);
            self.bound();
            return None;
        }
        self.run.spending.left(expected_usd);
        group.into_iter().for_each(|group| self.caches.started(group, leads));
        self.serial += 1;
        Some(Leave { serial: self.serial, leads, expected_usd, bytes: prefix + body, terms })
    }

    /// What a call of a phase is asked with.
    pub(super) fn means(&self, course: usize, phase: usize, leave: &Leave, stop: &Stop) -> Means {
        Means {
            generator: self.run.generators[course][phase].clone(),
            stop: stop.clone(),
            begun: Begun::new(self.begun.0.clone(), leave.serial),
            prices: self.run.spending.prices.clone(),
            notices: self.run.notices.clone(),
            outlet: self.run.outlet.clone(),
            terms: leave.terms,
        }
    }

    /// The first token of a call is there: if it leads, the others of its cache group may follow.
    pub(super) fn has_begun(&mut self, serial: u64) {
        let flight = self.flights.values().find(|flight| flight.leave.serial == serial && flight.leave.leads);
        if let Some(group) = flight.and_then(|flight| self.caches.of(flight.course, flight.phase)) {
            self.schedule.warmed(group);
        }
    }

    /// No call leaves any more: a limit is reached.
    pub(super) fn bound(&mut self) {
        self.at_bound = true;
        self.schedule.stop();
    }

    /// What a call cost and taught, and what its cache group has of it.
    pub(super) fn account(&mut self, flight: &Flight, came: Option<&Came>) {
        let entry = match came {
            Some(Came::Entry(entry)) => Some(entry),
            _ => None,
        };
        self.run.spending.came(flight.leave.expected_usd, entry.and_then(|entry| entry.money_usd));
        let group = self.caches.of(flight.course, flight.phase);
        let Some(entry) = entry else {
            if let Some(group) = group.filter(|_| flight.leave.leads) {
                self.schedule.cooled(group);
            }
            return;
        };
        if let Some(group) = group.filter(|_| flight.leave.leads) {
            self.schedule.warmed(group);
        }
        let rule = &self.run.boards[flight.course].course.phases[flight.phase].rule;
        let seconds = flight.seconds();
        let work =
            Work { bytes: flight.leave.bytes, items: flight.members.len(), seconds, meters: entry.meters };
        self.run.spending.learn(&flight.intent.course, rule, &work);
        let place = (flight.course, flight.phase);
        let told = self.caches.miss(place, flight.leave.leads, &flight.intent.label, &entry.meters);
        if let Some(message) = told {
            (self.run.emit)(&Event::Warning { message });
        }
    }
}
