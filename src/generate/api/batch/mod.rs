//! Batch endpoints: calls are gathered at a desk, and go out together as one submission.
//!
//! A call waits at the desk for its reply as it would for a direct answer. Which calls there are, and when no other can come, its
//! caller says; whether they may leave at all was decided before they came here. What must outlive the process is in `record.rs`.

mod anthropic;
mod desk;
mod find;
mod openai;
mod record;
mod resume;
mod seen;
mod service;

pub(super) use desk::Order;
pub use desk::{Desk, Seat};
pub use record::{Listed, Map, Record, State, peek};
pub use resume::{Resumed, resume};
pub use seen::Counts;
pub use service::Service;

use super::exchange::{Endpoint, Trouble, of_error};
use super::sse::Event;
use super::{Heard, told};
use crate::course::GeneratorKind;
use crate::digest::Hasher;
use crate::generate::{Notices, Outcome, Reply};
use crate::json::Shape;
use seen::{Part, Seen, Standing};
use serde::Serialize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How a submission stands: told as it changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// The submission's name.
    pub name: String,
    /// Whose protocol it was submitted by.
    pub service: GeneratorKind,
    /// The service's name for it, once that is known.
    pub batch: Option<String>,
    /// `submitted`, `resumed`, `looked_for`, `in_progress`, `ended`, `taken_in` (its calls have their replies) or `left` (it stays there).
    pub state: &'static str,
    /// Its requests.
    pub requests: usize,
    /// How many of them stand how.
    #[serde(flatten)]
    pub counts: Counts,
}

/// Why a submission cannot be waited for in this run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stuck {
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub hint: String,
}

/// Where and how a service's batches are asked for.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whose protocol: `anthropic` or `openai`.
    pub kind: GeneratorKind,
    /// `anthropic`: the version of the API.
    pub version: String,
    /// The model that is asked.
    pub model: String,
    /// Between two looks at a submission; `None`: from 5 seconds to a minute.
    pub poll: Option<Duration>,
    /// Where records of submissions are kept.
    pub folder: PathBuf,
}

impl Service {
    /// A service's batch endpoint.
    pub fn new(endpoint: Arc<Endpoint>, settings: Settings, notices: Notices) -> Self {
        let Settings { kind, version, model, poll, folder } = settings;
        Self { endpoint, kind, version, model, poll, folder, notices }
    }

    /// What became of a request, as the reply to its call. `shape`: the phase's, if the answer was asked for by schema. True beside
    /// it: the service refused the request, and without the schema it may take it.
    fn reply(&self, part: Part, shape: Option<&Shape>) -> (Reply, bool) {
        let mut heard = Heard::default();
        let trouble = match part {
            Part::Expired => return (unreached("the service did not come to it in time"), false),
            Part::Canceled => return (unreached("it was canceled at the service"), false),
            Part::Error(status, error) => {
                Some(of_error(status, &error, &self.endpoint.said(&error, ""), None, None))
            }
            Part::Answer(answer) => {
                let event = Event { name: String::new(), data: answer.to_string() };
                let done = match self.kind {
                    GeneratorKind::Openai => super::openai::hear(&mut heard, &event, &self.endpoint),
                    _ => super::anthropic::hear(&mut heard, &event, &self.endpoint),
                };
                match done {
                    Ok(true) => None,
                    Ok(false) => return (unreached("its answer is none"), false),
                    Err(trouble) => Some(trouble),
                }
            }
        };
        match trouble {
            Some(Trouble::Transport(what, _)) => (unreached(&what), false),
            Some(Trouble::Refused(what)) if shape.is_some() => {
                (unreached(&format!("the service refused the request with the schema ({what})")), true)
            }
            trouble => (told::reply(trouble, heard, shape, 0), false),
        }
    }
}

/// `1 request`, `500 requests`.
pub fn requests(count: usize) -> String {
    if count == 1 { "1 request".to_owned() } else { format!("{count} requests") }
}

fn unreached(why: &str) -> Reply {
    Reply::of(Outcome::Unreached(why.to_owned()))
}

/// A name for a submission of this call and others.
fn name_of(first_call: &str) -> String {
    let mut hasher = Hasher::new("submission");
    hasher.field("first call", first_call.as_bytes());
    format!("coursebuild-{}", &hasher.finish().to_string()[..16])
}

/// The outcome for every call of a submission that was refused as a whole.
fn refused_as_a_whole(why: &str) -> Outcome {
    Outcome::Unusable {
        what: format!("the service refused the whole submission, and asked nothing of it: {why}"),
        hint: "mend what it says and build again; nothing was charged".to_owned(),
    }
}
