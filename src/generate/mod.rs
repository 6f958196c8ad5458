//! The seam to whatever writes content: one trait, one file a kind.
//!
//! A generator is handed every byte that it may see and gives back the raw answer. It knows no graph, key or store, and it
//! never retries, checks or repairs: that is `run`'s and `check`'s work.

pub mod answer;
pub mod command;
mod cut;
pub mod drop;
mod encoding;
mod located;
mod notice;
mod phrasebook;
pub mod preset;
mod replay;

pub use notice::{Heard, Notice, Notices};
pub use phrasebook::Phrasebook;
pub use replay::Replay;

use crate::diag::Result;
use crate::json::Value;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::SystemTime;

/// One call: what is sent, and where the call's own folder is.
#[derive(Debug, Clone)]
pub struct Request {
    /// The call's id, unique for all time: `COURSEBUILD_CALL`.
    pub call: String,
    /// The call's own folder (absolute). It exists and is empty when the generator is asked.
    pub dir: PathBuf,
    /// The course's code: `spa_for_eng`.
    pub course: String,
    /// Where the course's main files are (absolute).
    pub course_dir: PathBuf,
    /// The phase's name: `phase3`.
    pub phase: String,
    /// The number of the first item's batch, from 1.
    pub batch: usize,
    /// `phase3_batch_7`, or `phase3_batch_7_2` for a second call open in the same batch.
    pub label: String,
    /// The items' range: `S0121-S0140`, or one id.
    pub scope: String,
    /// 1 for the first attempt.
    pub attempt: u32,
    /// The part that is the same for every call of the phase, first in the prompt.
    pub prefix: Arc<str>,
    /// What follows the prefix: scoped sections, the batch part, the findings of a retry.
    pub body: String,
    /// The call as data, for programs: `{"phase","course","attempt","items":[{"id","input"}],"context":{…},"findings":[…]}`.
    pub input: Arc<Value>,
    /// The items asked for, in order.
    pub items: Vec<Asked>,
}

/// One item of a [`Request`].
#[derive(Debug, Clone)]
pub struct Asked {
    /// Its id.
    pub id: String,
    /// Its input, as the phase's projection shows it.
    pub input: Value,
}

impl Request {
    /// The whole prompt: prefix, blank line, body.
    pub fn prompt(&self) -> String {
        if self.prefix.is_empty() {
            self.body.clone()
        } else {
            format!("{}\n\n{}", self.prefix.trim_end_matches('\n'), self.body)
        }
    }
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// An answer, as raw bytes; whether it can be read is not the generator's business.
    Answered(Vec<u8>),
    /// An answer that its author says is cut off: at a limit on its length. What is whole of it counts, the rest is asked for again in
    /// smaller calls; no attempt for what it did not reach.
    Truncated(Vec<u8>),
    /// No answer within the time allowed (seconds). Counts as an attempt.
    TimedOut(u64),
    /// The generator ended without an answer: the program's exit status, a refusal. Counts as an attempt.
    Failed(String),
    /// The way to the generator failed; not an attempt: tried again later.
    Transport(String),
    /// Nothing can come of this phase until somebody mends something: the program is missing, a key is wrong.
    Unusable {
        /// What is wrong.
        what: String,
        /// What to do.
        hint: String,
    },
    /// The run was interrupted before an answer came.
    Interrupted,
}

/// What a call cost, in tokens. Unknown is unknown, never 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Meters {
    /// Input tokens that no cache served.
    pub input: Option<u64>,
    /// Input tokens written to the provider's cache.
    pub cache_write: Option<u64>,
    /// Input tokens read from the provider's cache.
    pub cache_read: Option<u64>,
    /// Output tokens.
    pub output: Option<u64>,
}

/// A call's outcome with all that is kept of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// What came of it.
    pub outcome: Outcome,
    /// What the generator said beside its answer (standard error), cut to its last 64 KiB.
    pub stderr: String,
    /// What it cost.
    pub meters: Meters,
    /// What it cost in US dollars, where that is known.
    pub money_usd: Option<f64>,
    /// The model that answered, where it says so.
    pub model: Option<String>,
}

impl Reply {
    /// A reply of which only the outcome is known.
    pub fn of(outcome: Outcome) -> Self {
        Self { outcome, stderr: String::new(), meters: Meters::default(), money_usd: None, model: None }
    }
}

/// Looks at what a call that an earlier engine made has left in its own folder. Does not block; `now`: the time of day.
pub fn left(dir: &Path, longest: usize, now: SystemTime) -> Result<command::Left> {
    match drop::Spot::of_call(dir)? {
        Some(spot) => Ok(match drop::arrived(&spot, longest, now)? {
            Some(bytes) => command::Left::Ended(Reply::of(Outcome::Answered(bytes))),
            None => command::Left::Nothing,
        }),
        None => command::left(dir),
    }
}

/// A pending [`Reply`].
pub type Pending<'a> = Pin<Box<dyn Future<Output = Reply> + Send + 'a>>;

/// Anything that answers calls.
pub trait Generator: Send + Sync {
    /// Asks for one call's items. Never panics on a bad answer; ends soon after `stop` says so.
    fn ask(&self, request: Request, stop: Stop) -> Pending<'_>;
}

/// Tells calls in flight to end now. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Stop(tokio::sync::watch::Receiver<bool>);

/// The other end of [`Stop`].
#[derive(Debug)]
pub struct Stopper(tokio::sync::watch::Sender<bool>);

impl Stopper {
    /// A stopper and the signal that it gives.
    pub fn new() -> (Self, Stop) {
        let (sender, receiver) = tokio::sync::watch::channel(false);
        (Self(sender), Stop(receiver))
    }

    /// Tells every call to end now.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Stop {
    /// Waits until calls are to end. Never ends if nobody can say so any more.
    pub async fn stopped(&mut self) {
        if self.0.wait_for(|stop| *stop).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
