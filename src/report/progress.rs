//! How far a run is, and how long it will still take: learned from how long calls take.
//!
//! Knows no clock: every moment is given, in seconds since the run began.

use super::words::{number, whole_seconds};
use crate::event::Event;
use crate::plan::Bounds;
use std::collections::HashMap;

/// How far a run is.
#[derive(Default)]
pub(super) struct Progress {
    expected: Bounds,
    /// First attempts that are back, and retries, which nobody expected.
    done: usize,
    retries: usize,
    in_flight: HashMap<String, Call>,
    /// The most calls that were in flight at once.
    width: usize,
    /// By phase: calls expected (at most), calls left so far, calls back and their seconds in all.
    phases: HashMap<(String, String), Phase>,
}

#[derive(Default)]
struct Phase {
    expected: usize,
    left: usize,
    back: usize,
    seconds: f64,
}

struct Call {
    phase: (String, String),
    since: f64,
    retry: bool,
}

impl Progress {
    /// Takes an event in.
    pub(super) fn event(&mut self, event: &Event, now: f64) {
        match event {
            Event::Started { calls_min, calls_max, phases, .. } => {
                self.expected = Bounds { min: *calls_min, max: *calls_max };
                for phase in phases {
                    let known = self.phases.entry((phase.course.clone(), phase.phase.clone())).or_default();
                    known.expected = phase.calls_max;
                }
            }
            Event::CallStarted { call, course, phase, attempt, .. } => {
                let phase = (course.clone(), phase.clone());
                let retry = *attempt > 1;
                if !retry {
                    self.phases.entry(phase.clone()).or_default().left += 1;
                }
                self.in_flight.insert(call.clone(), Call { phase, since: now, retry });
                self.width = self.width.max(self.in_flight.len());
            }
            Event::CallEnded { call, seconds, .. } => {
                if let Some(call) = self.in_flight.remove(call) {
                    if call.retry {
                        self.retries += 1;
                    } else {
                        self.done += 1;
                    }
                    let phase = self.phases.entry(call.phase).or_default();
                    phase.back += 1;
                    phase.seconds += seconds;
                }
            }
            _ => {}
        }
    }

    /// True while calls are in flight.
    pub(super) fn busy(&self) -> bool {
        !self.in_flight.is_empty()
    }

    /// `12/34 calls, 35%, 4 in flight, 3m 12s elapsed, about 8m 00s left`.
    pub(super) fn line(&self, now: f64) -> String {
        let all =
            self.expected.max.max(self.done + self.in_flight.values().filter(|call| !call.retry).count());
        let mut line = format!("{}/{} calls", number(self.done as u64), number(all as u64));
        if self.expected.min < self.expected.max {
            line = format!("{}/{} calls at most", number(self.done as u64), number(all as u64));
        }
        if self.retries > 0 {
            line += &format!(" and {} more for retries", number(self.retries as u64));
        }
        if let Some(percent) = (self.done * 100).checked_div(all) {
            line += &format!(", {percent}%");
        }
        line += &format!(", {} in flight, {} elapsed", self.in_flight.len(), whole_seconds(now.floor()));
        if let Some(rest) = self.rest(now) {
            line += &format!(", about {} left", whole_seconds(rest));
        }
        line
    }

    /// Seconds still to go, when at least one call is back: what the calls to come and the rest of those in flight will take,
    /// shared among as many as have been in flight at once. A phase that no call has come back for is judged by the others.
    #[expect(clippy::cast_precision_loss, reason = "numbers of calls are far below 2^52")]
    fn rest(&self, now: f64) -> Option<f64> {
        let back: usize = self.phases.values().map(|phase| phase.back).sum();
        if back == 0 {
            return None;
        }
        let mean = self.phases.values().map(|phase| phase.seconds).sum::<f64>() / back as f64;
        let typical = |phase: &Phase| if phase.back > 0 { phase.seconds / phase.back as f64 } else { mean };
        let to_come: f64 = self
            .phases
            .values()
            .map(|phase| phase.expected.saturating_sub(phase.left) as f64 * typical(phase))
            .sum();
        let open = self
            .in_flight
            .values()
            .map(|call| (self.phases.get(&call.phase).map_or(mean, typical) - (now - call.since)).max(0.0));
        // However many hands there are, what is in flight is not back before its slowest call.
        let slowest = open.clone().fold(0.0, f64::max);
        let shared = (to_come + open.sum::<f64>()) / self.width.max(1) as f64;
        Some(shared.max(slowest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::PhaseStart;
    use crate::generate::Meters;

    fn start(call: &str, attempt: u32) -> Event {
        Event::CallStarted {
            call: call.into(),
            course: "c".into(),
            phase: "p".into(),
            label: String::new(),
            scope: String::new(),
            items: 1,
            attempt,
        }
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

    #[test]
    fn the_rest_is_learned_from_what_calls_take() {
        let mut progress = Progress::default();
        let phase = PhaseStart {
            course: "c".into(),
            phase: "p".into(),
            batches: 10,
            items: 200,
            calls_min: 10,
            calls_max: 10,
        };
        let started =
            Event::Started { calls_min: 10, calls_max: 10, items_min: 0, items_max: 0, phases: vec![phase] };
        progress.event(&started, 0.0);
        progress.event(&start("a", 1), 0.0);
        progress.event(&start("b", 1), 0.0);
        assert!(progress.busy());
        assert_eq!(progress.line(30.0), "0/10 calls, 0%, 2 in flight, 30s elapsed");
        progress.event(&end("a", 60.0), 60.0);
        // Eight to come of 60 s each, none left of the other one, and two hands.
        assert_eq!(progress.line(60.0), "1/10 calls, 10%, 1 in flight, 1m 00s elapsed, about 4m 00s left");
        progress.event(&start("a2", 2), 60.0);
        progress.event(&end("a2", 60.0), 120.0);
        progress.event(&end("b", 60.0), 120.0);
        assert_eq!(
            progress.line(120.0),
            "2/10 calls and 1 more for retries, 20%, 0 in flight, 2m 00s elapsed, about 4m 00s left"
        );
        assert!(!progress.busy());
    }

    #[test]
    fn more_calls_than_expected_do_not_pass_a_hundred_percent() {
        let mut progress = Progress::default();
        progress.event(&start("a", 1), 0.0);
        progress.event(&end("a", 1.0), 1.0);
        assert_eq!(progress.line(1.0), "1/1 calls, 100%, 0 in flight, 1s elapsed, about 0s left");
    }
}
