//! Who is told of a run's events.

use super::json::event_line;
use super::live::Live;
use super::look::Look;
use super::out::Out;
use super::plain::Plain;
use super::problem::problem_text;
use crate::diag::{Problem, Result};
use crate::event::Event;
use std::io::Write;

/// One of the ways to tell of a run's events.
pub enum Reporter {
    /// To programs, on standard output: one JSON object a line.
    Json(Out),
    /// To whatever reads standard error.
    Lines(Box<Plain>),
    /// To somebody at a terminal.
    Live(Live),
}

impl Reporter {
    /// Tells of one event. An event that cannot be told stops nothing.
    pub fn event(&mut self, event: &Event) {
        match self {
            Self::Json(out) => {
                if let Ok(line) = event_line(event) {
                    out.text(&line);
                    out.flush();
                }
            }
            Self::Lines(lines) => print_error(&lines.render(event)),
            Self::Live(live) => live.event(event),
        }
    }

    /// Ends it. Errors when standard output did not take everything.
    pub fn finish(self) -> Result<()> {
        match self {
            Self::Json(out) => out.finish(),
            Self::Lines(_) | Self::Live(_) => Ok(()),
        }
    }
}

/// Writes to standard error in one piece; nobody can be told when that fails.
pub(super) fn print_error(text: &str) {
    if !text.is_empty() {
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
    }
}

/// Prints a problem to standard error.
pub fn print_problem(problem: &Problem, look: Look) {
    print_error(&problem_text(problem, look));
}
