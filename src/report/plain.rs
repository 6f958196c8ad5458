//! Lines for whatever reads standard error without being a terminal: each event, and now and then how far the run is.

use super::lines::Lines;
use super::look::{Detail, Look};
use super::progress::Progress;
use crate::event::Event;
use std::time::Instant;

/// Seconds between two lines that say how far the run is.
const EVERY: f64 = 60.0;

/// Turns events into lines as they come.
pub struct Plain {
    lines: Lines,
    quiet: bool,
    progress: Progress,
    begun: Instant,
    /// When it was last said how far the run is, in seconds since it began.
    said: f64,
}

impl Plain {
    /// Lines that look so.
    pub fn new(look: Look) -> Self {
        let quiet = look.detail == Detail::Quiet;
        let (lines, progress) = (Lines::new(look), Progress::default());
        Self { lines, quiet, progress, begun: Instant::now(), said: 0.0 }
    }

    /// The lines for one event.
    pub fn render(&mut self, event: &Event) -> String {
        let now = self.begun.elapsed().as_secs_f64();
        self.at(event, now)
    }

    fn at(&mut self, event: &Event, now: f64) -> String {
        self.progress.event(event, now);
        let mut text = self.lines.render(event);
        if !self.quiet && now - self.said >= EVERY && matches!(event, Event::CallEnded { .. }) {
            self.said = now;
            text += &format!("{}\n", self.progress.line(now));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::super::lines::samples::{call, ended, started};
    use super::*;

    #[test]
    fn how_far_a_long_run_is_is_said_once_a_minute() {
        let mut plain = Plain::new(Look::default());
        plain.at(&started(), 0.0);
        plain.at(&call("a", "phase3", "l1", "S0001-S0020", 20, 1), 0.0);
        plain.at(&call("b", "phase3", "l2", "S0021-S0040", 20, 1), 0.0);
        plain.at(&call("c", "phase3", "l3", "S0041-S0060", 20, 1), 0.0);
        let early = plain.at(&ended("a", 20, 0, None), 59.0);
        assert_eq!(early.lines().count(), 1, "{early}");
        let text = plain.at(&ended("b", 20, 0, None), 62.0);
        let last = text.lines().last().unwrap();
        assert!(
            last.starts_with("2/34 calls or more, at most 5%, 1 in flight, 1m 02s elapsed, at least "),
            "{text}"
        );
        assert_eq!(plain.at(&ended("c", 20, 0, None), 100.0).lines().count(), 1);
    }
}
