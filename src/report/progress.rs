//! How far a run is, and how long it will still take: learned from how long calls take, in this run and in earlier ones.
//!
//! Knows no clock: every moment is given, in seconds since the run began.

use super::outlook::{Outlook, Sureness};
use super::submissions;
use super::words::{count, flat, number, whole_seconds};
use crate::event::Event;
use crate::generate::batch::Progress as Submission;
use std::collections::HashMap;

/// How wide a bar is, in columns.
const BAR: usize = 24;

/// How far a run is.
#[derive(Default)]
pub(super) struct Progress {
    /// Calls that may be in flight at once, as far as anybody said.
    jobs: usize,
    /// In the order in which they were told.
    phases: Vec<Phase>,
    in_flight: HashMap<String, Call>,
    /// Calls that have left, to tell older ones from younger ones of the same moment.
    left: usize,
    /// The most calls that were in flight at once.
    width: usize,
    gave_up: usize,
    /// What is at batch endpoints.
    submissions: Vec<Submission>,
}

/// A phase and its calls.
struct Phase {
    course: String,
    name: String,
    outlook: Outlook,
}

struct Call {
    phase: usize,
    number: usize,
    since: f64,
    retry: bool,
    words: String,
}

/// What is expected of a run from now on.
struct Rest {
    /// First attempts, those that are back included.
    calls: usize,
    /// Seconds still to go; `None` while nothing is known of what a call takes.
    seconds: Option<f64>,
    sure: Sureness,
}

impl Progress {
    /// Takes an event in.
    pub(super) fn event(&mut self, event: &Event, now: f64) {
        match event {
            Event::Started { jobs, phases, .. } => {
                self.jobs = *jobs;
                for start in phases {
                    let at = self.phase(&start.course, &start.phase);
                    self.phases[at].outlook = Outlook::new(start);
                }
            }
            Event::Phase { course, phase, to_buy, pending } => {
                let at = self.phase(course, phase);
                self.phases[at].outlook.learn(*to_buy, *pending);
            }
            Event::CallStarted { call, course, phase, scope, items, attempt, .. } => {
                let at = self.phase(course, phase);
                let retry = *attempt > 1;
                self.phases[at].outlook.left(retry);
                self.left += 1;
                let again = if retry { format!(", attempt {attempt}") } else { String::new() };
                let words = format!("{scope}: {}{again}", count(*items, "item"));
                let flight = Call { phase: at, number: self.left, since: now, retry, words };
                self.in_flight.insert(call.clone(), flight);
                self.width = self.width.max(self.in_flight.len());
            }
            Event::CallEnded { call, seconds, .. } => {
                if let Some(call) = self.in_flight.remove(call) {
                    self.phases[call.phase].outlook.back(call.retry, *seconds);
                }
            }
            Event::ItemFailed { .. } => self.gave_up += 1,
            Event::Submission(progress) => {
                self.submissions.retain(|known| known.name != progress.name);
                if !matches!(progress.state, "ended" | "taken_in" | "left") {
                    self.submissions.push(progress.clone());
                }
            }
            _ => {}
        }
    }

    fn phase(&mut self, course: &str, name: &str) -> usize {
        let known = self.phases.iter().position(|phase| phase.course == course && phase.name == name);
        known.unwrap_or_else(|| {
            let (course, name) = (course.to_owned(), name.to_owned());
            self.phases.push(Phase { course, name, outlook: Outlook::default() });
            self.phases.len() - 1
        })
    }

    /// True while calls are in flight.
    pub(super) fn busy(&self) -> bool {
        !self.in_flight.is_empty() || !self.submissions.is_empty()
    }

    /// A bar for each phase that has calls, the calls in flight, oldest first and as many as there is room for, and
    /// [`Self::line`]. Never more than `height` lines.
    pub(super) fn screen(&self, now: f64, height: usize) -> Vec<String> {
        let mut lines = self.bars();
        lines.extend(self.submissions.iter().map(|one| submissions::line(one).trim_end().to_owned()));
        lines.truncate(height.saturating_sub(2));
        lines.extend(self.flights(now, height.saturating_sub(lines.len() + 1)));
        lines.push(self.line(now));
        lines
    }

    fn bars(&self) -> Vec<String> {
        let several = self.phases.iter().any(|phase| phase.course != self.phases[0].course);
        let name = |phase: &Phase| {
            flat(&if several { format!("{}/{}", phase.course, phase.name) } else { phase.name.clone() })
        };
        let shown = self.phases.iter().filter(|phase| phase.outlook.calls().0 > 0);
        let named: Vec<(String, &Phase)> = shown.map(|phase| (name(phase), phase)).collect();
        let width = named.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
        let bar = |(name, phase): &(String, &Phase)| {
            let (all, sure) = phase.outlook.calls();
            let done = phase.outlook.done();
            let full = (done * BAR).checked_div(all).unwrap_or_default().min(BAR);
            let bar = "#".repeat(full) + &"-".repeat(BAR - full);
            format!("{name:<width$} [{bar}] {}", done_of(done, all, sure))
        };
        named.iter().map(bar).collect()
    }

    fn flights(&self, now: f64, room: usize) -> Vec<String> {
        let mut calls: Vec<&Call> = self.in_flight.values().collect();
        calls.sort_unstable_by_key(|call| call.number);
        let shown = if calls.len() > room { room.saturating_sub(1) } else { calls.len() };
        let line = |call: &&Call| {
            let age = whole_seconds((now - call.since).max(0.0).floor());
            format!("  {} {}, {age}", flat(&self.phases[call.phase].name), flat(&call.words))
        };
        let mut lines: Vec<String> = calls.iter().take(shown).map(line).collect();
        if shown < calls.len() && room > 0 {
            lines.push(format!("  and {} more in flight", count(calls.len() - shown, "call")));
        }
        lines
    }

    /// `12/34 calls, 35%, 4 in flight, 3m 12s elapsed, about 8m 00s left of 11m 12s`.
    pub(super) fn line(&self, now: f64) -> String {
        let rest = self.rest(now);
        let done: usize = self.phases.iter().map(|phase| phase.outlook.done()).sum();
        let mut line = match rest.sure {
            Sureness::Exact => format!("{}/{} calls", number(done as u64), number(rest.calls as u64)),
            Sureness::Judged => format!("{}/~{} calls", number(done as u64), number(rest.calls as u64)),
            Sureness::AtLeast => {
                format!("{}/{} calls or more", number(done as u64), number(rest.calls as u64))
            }
        };
        let retries: usize = self.phases.iter().map(|phase| phase.outlook.retries()).sum();
        if retries > 0 {
            line += &format!(" and {} more for retries", number(retries as u64));
        }
        if let Some(percent) = (done * 100).checked_div(rest.calls) {
            let most = if rest.sure == Sureness::AtLeast { "at most " } else { "" };
            line += &format!(", {most}{percent}%");
        }
        if self.gave_up > 0 {
            line += &format!(", {} given up", count(self.gave_up, "item"));
        }
        let elapsed = now.floor();
        line += &format!(", {} in flight, {} elapsed", self.in_flight.len(), whole_seconds(elapsed));
        if let Some(seconds) = rest.seconds {
            let word = if rest.sure == Sureness::AtLeast { "at least" } else { "about" };
            let [left, all] = [seconds, elapsed + seconds].map(whole_seconds);
            line += &format!(", {word} {left} left of {all}");
        }
        line
    }

    /// Calls in all, and the seconds still to go: what the calls to come, the retries that they will want at the rate of so far, and the
    /// rest of those in flight will take, shared among as many hands as there are. A phase that nothing is known of is judged
    /// by the others.
    #[expect(clippy::cast_precision_loss, reason = "numbers of calls are far below 2^52")]
    fn rest(&self, now: f64) -> Rest {
        let outlooks = || self.phases.iter().map(|phase| &phase.outlook);
        let sure = outlooks().map(|outlook| outlook.calls().1).max().unwrap_or(Sureness::Exact);
        let calls = outlooks().map(|outlook| outlook.calls().0).sum();
        let known: Vec<f64> = outlooks().filter_map(Outlook::typical).collect();
        if known.is_empty() {
            return Rest { calls, seconds: None, sure };
        }
        let mean = known.iter().sum::<f64>() / known.len() as f64;
        let typical = |outlook: &Outlook| outlook.typical().unwrap_or(mean);
        let (retries, firsts) =
            outlooks().fold((0, 0), |(retries, firsts), one| (retries + one.retries(), firsts + one.done()));
        let again = 1.0 + retries as f64 / firsts.max(1) as f64;
        let to_come: f64 = outlooks().map(|one| one.to_come() as f64 * typical(one) * again).sum();
        let open = self
            .in_flight
            .values()
            .map(|call| (typical(&self.phases[call.phase].outlook) - (now - call.since)).max(0.0));
        // However many hands there are, what is in flight is not back before its slowest call, and what has not begun goes
        // through every phase that has calls to come.
        let slowest = open.clone().fold(0.0, f64::max);
        let chain: f64 = outlooks().filter(|one| one.to_come() > 0).map(typical).sum();
        let hands = if self.jobs > 0 { self.jobs } else { self.width.max(1) };
        let shared = (to_come + open.sum::<f64>()) / hands as f64;
        Rest { calls, seconds: Some(shared.max(slowest).max(chain)), sure }
    }
}

/// `20/34 58%`, `4/~41 9%`, `4/12 or more`.
fn done_of(done: usize, all: usize, sure: Sureness) -> String {
    let percent = (done * 100).checked_div(all).unwrap_or_default();
    let [done, all] = [done, all].map(|n| number(n as u64));
    match sure {
        Sureness::Exact => format!("{done}/{all} {percent}%"),
        Sureness::Judged => format!("{done}/~{all} {percent}%"),
        Sureness::AtLeast => format!("{done}/{all} or more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::PhaseStart;
    use crate::generate::Meters;

    fn start_of(phase: &str, call: &str, attempt: u32) -> Event {
        Event::CallStarted {
            call: call.into(),
            course: "c".into(),
            phase: phase.into(),
            label: String::new(),
            scope: "S0001-S0020".into(),
            items: 20,
            attempt,
        }
    }

    fn start(call: &str, attempt: u32) -> Event {
        start_of("p", call, attempt)
    }

    fn end(call: &str, seconds: f64) -> Event {
        Event::CallEnded {
            call: call.into(),
            course: "c".into(),
            phase: "p".into(),
            label: String::new(),
            items: 1,
            passed: 1,
            failed: 0,
            attempt: 1,
            seconds,
            usage: Meters::default(),
            money_usd: None,
            trouble: None,
            findings: Vec::new(),
        }
    }

    fn phase(name: &str, calls: (usize, usize), pending: usize, seconds: Option<f64>) -> PhaseStart {
        PhaseStart {
            course: "c".into(),
            phase: name.into(),
            batches: 10,
            items: 200,
            calls_min: calls.0,
            calls_max: calls.1,
            batch_size: 20,
            to_buy: if pending == 0 { 20 * calls.0 } else { 0 },
            pending,
            seconds_per_call: seconds,
        }
    }

    fn started(jobs: usize, phases: Vec<PhaseStart>) -> Event {
        Event::Started { jobs, calls_min: 10, calls_max: 10, items_min: 0, items_max: 0, phases }
    }

    #[test]
    fn the_rest_is_learned_from_what_calls_take() {
        let mut progress = Progress::default();
        progress.event(&started(2, vec![phase("p", (10, 10), 0, None)]), 0.0);
        progress.event(&start("a", 1), 0.0);
        progress.event(&start("b", 1), 0.0);
        assert!(progress.busy());
        assert_eq!(progress.line(30.0), "0/10 calls, 0%, 2 in flight, 30s elapsed");
        progress.event(&end("a", 60.0), 60.0);
        // Eight to come of 60 s each, none left of the other one, and two hands.
        assert_eq!(
            progress.line(60.0),
            "1/10 calls, 10%, 1 in flight, 1m 00s elapsed, about 4m 00s left of 5m 00s"
        );
        progress.event(&start("a2", 2), 60.0);
        progress.event(&end("a2", 60.0), 120.0);
        progress.event(&end("b", 60.0), 120.0);
        // One of two had to be asked again: the eight to come will be twelve.
        assert_eq!(
            progress.line(120.0),
            "2/10 calls and 1 more for retries, 20%, 0 in flight, 2m 00s elapsed, about 6m 00s left of 8m 00s"
        );
        assert!(!progress.busy());
    }

    #[test]
    fn earlier_runs_tell_before_the_first_call_is_back() {
        let mut progress = Progress::default();
        progress.event(&started(4, vec![phase("p", (8, 8), 0, Some(120.0))]), 0.0);
        progress.event(&start("a", 1), 0.0);
        assert_eq!(progress.line(0.0), "0/8 calls, 0%, 1 in flight, 0s elapsed, about 4m 00s left of 4m 00s");
    }

    #[test]
    fn a_phase_that_waits_is_at_least_until_some_of_it_is_known() {
        let mut progress = Progress::default();
        let phases = vec![phase("p", (2, 2), 0, Some(60.0)), phase("q", (2, 40), 40, Some(60.0))];
        progress.event(&started(1, phases), 0.0);
        progress.event(&start("a", 1), 0.0);
        assert_eq!(
            progress.line(0.0),
            "0/4 calls or more, at most 0%, 1 in flight, 0s elapsed, at least 4m 00s left of 4m 00s"
        );
        progress.event(&end("a", 60.0), 60.0);
        progress.event(&start("b", 1), 60.0);
        progress
            .event(&Event::Phase { course: "c".into(), phase: "q".into(), to_buy: 70, pending: 20 }, 60.0);
        progress.event(&start_of("q", "c", 1), 60.0);
        // Half of the 40 source items gave 70 items, so all give 140: 7 calls of 20.
        assert_eq!(
            progress.screen(65.0, 20),
            [
                "p [############------------] 1/2 50%",
                "q [------------------------] 0/~7 0%",
                "  p S0001-S0020: 20 items, 5s",
                "  q S0001-S0020: 20 items, 5s",
                "1/~9 calls, 11%, 2 in flight, 1m 05s elapsed, about 7m 50s left of 8m 55s",
            ]
        );
        let small = progress.screen(65.0, 4);
        assert_eq!(small[2], "  and 2 calls more in flight");
        assert_eq!(small.len(), 4);
        assert_eq!(progress.screen(65.0, 1).len(), 1);
    }

    #[test]
    fn more_calls_than_expected_do_not_pass_a_hundred_percent() {
        let mut progress = Progress::default();
        progress.event(&start("a", 1), 0.0);
        progress.event(&end("a", 1.0), 1.0);
        assert_eq!(progress.line(1.0), "1/1 calls, 100%, 0 in flight, 1s elapsed, about 0s left of 1s");
    }
}
