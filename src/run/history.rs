//! The log of a run: its events, one JSON object a line, in the store beside what it bought. For people who ask later what happened;
//! nothing is decided by it.

use super::clock::{in_words, now_ms};
use crate::event::Event;
use crate::fs::Appender;
use crate::store::Store;
use std::path::PathBuf;

/// A log that begins with the first call: a run that buys nothing leaves none.
pub(super) struct History {
    path: PathBuf,
    waiting: Vec<String>,
    file: Option<Appender>,
}

impl History {
    /// The log of a run that begins now.
    pub(super) fn new(store: &Store) -> Self {
        let name = format!("{} {}.jsonl", in_words(now_ms()).replace(':', "-"), std::process::id());
        Self { path: store.run_log(&name), waiting: Vec::new(), file: None }
    }

    /// Notes an event. What cannot be written is left out: the run does not depend on it.
    pub(super) fn note(&mut self, event: &Event) {
        let Ok(mut line) = serde_json::to_string(event) else { return };
        line.push('\n');
        self.waiting.push(line);
        if self.file.is_none() && matches!(event, Event::CallStarted { .. } | Event::Recovered { .. }) {
            self.file = Appender::open(&self.path).ok();
        }
        if let Some(file) = &mut self.file {
            let lines = std::mem::take(&mut self.waiting).concat();
            let _ = file.append(lines.as_bytes());
        }
    }
}
