//! What a service says of a batch and of its requests, in one form for both.

use crate::json::Value;
use serde::Serialize;

/// A batch as the service shows it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Seen {
    pub(super) id: String,
    /// When it was made, as the service writes it.
    pub(super) created: String,
    pub(super) standing: Standing,
    pub(super) counts: Counts,
    /// Where its results are: paths behind the service's address.
    pub(super) results: Vec<String>,
}

/// How a batch stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    /// The service is at work on it.
    Working,
    /// Nothing more will come.
    Ended,
    /// It was refused as a whole, and nothing of it was asked: why.
    Failed(String),
    /// It has ended, and its results are not kept any more.
    Gone,
}

/// How many of a batch's requests stand how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Not answered yet.
    pub processing: usize,
    /// Answered.
    pub succeeded: usize,
    /// Refused, or the service failed.
    pub errored: usize,
    /// Taken back before they were asked.
    pub canceled: usize,
    /// Not reached in time.
    pub expired: usize,
}

impl Counts {
    pub(super) fn all(&self) -> usize {
        self.processing + self.succeeded + self.errored + self.canceled + self.expired
    }
}

/// What became of one request.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Part {
    /// An answer: the message or completion in one piece.
    Answer(Value),
    /// An error, with the status that it has or would have.
    Error(u16, Value),
    /// Not reached in time.
    Expired,
    /// Taken back.
    Canceled,
}

/// An id that may stand in a path; `None` for anything else, whoever sent it.
pub(super) fn id_of(value: &Value) -> Option<String> {
    let text = value.as_str()?;
    let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    (!text.is_empty() && text.len() <= 200 && text.chars().all(safe) && !text.starts_with('.'))
        .then(|| text.to_owned())
}

pub(super) fn count(value: &Value) -> usize {
    value.as_u64().and_then(|count| usize::try_from(count).ok()).unwrap_or_default()
}
