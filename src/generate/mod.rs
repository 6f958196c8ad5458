//! The seam to whatever writes content: one trait, one file a kind.
//!
//! A generator is handed every byte that it may see and gives back the raw answer. It knows no graph, key or store, and it
//! never retries, checks or repairs: that is `run`'s and `check`'s work.

pub mod answer;
mod api;
pub mod command;
mod cut;
pub mod drop;
mod encoding;
mod located;
mod notice;
mod phrasebook;
pub mod preset;
mod replay;

pub use crate::money::Meters;
pub use api::{Endpoint, Remote, batch};
pub use notice::{Heard, Notice, Notices};
pub use phrasebook::Phrasebook;
pub use replay::Replay;

use crate::diag::Result;
use crate::digest::Digest;
use crate::json::Value;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

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
    /// An answer that its author says is cut off: at a limit on its length, or none because the request was too long. What is whole of
    /// it counts, the rest is asked for again in smaller calls; no attempt for what it did not reach.
    Truncated {
        /// What came, as raw bytes; empty if nothing did.
        answer: Vec<u8>,
        /// Which limit, in words; empty where that is not told.
        why: String,
    },
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
    /// The request went out with others and was not come to; not an attempt: it goes with the next ones.
    Unreached(String),
    /// The request is at the other side, or may be: the call stays open. Where it cannot be waited for in this run: why.
    Pending(Option<batch::Stuck>),
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
    /// How long the other side asks to be left alone before it is asked again.
    pub wait: Option<Duration>,
    /// What it had said when it was ended from outside. If that is a whole answer, it is the answer: it was paid for.
    pub unfinished: Vec<u8>,
}

impl Reply {
    /// A reply of which only the outcome is known.
    pub fn of(outcome: Outcome) -> Self {
        Self {
            outcome,
            stderr: String::new(),
            meters: Meters::default(),
            money_usd: None,
            model: None,
            wait: None,
            unfinished: Vec::new(),
        }
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

    /// The same, and says when the first token of the answer is there: from then on the provider's cache can serve the prefix.
    fn ask_telling(&self, request: Request, stop: Stop, begun: Begun) -> Pending<'_> {
        drop(begun);
        self.ask(request, stop)
    }

    /// The desk at which calls of this attempt gather, to go out together; `None` where each is asked by itself.
    fn desk(&self, attempt: u32) -> Option<Arc<batch::Desk>> {
        let _ = attempt;
        None
    }

    /// How calls with this prefix share the provider's cache; `None` where there is nothing to share.
    fn cache(&self, prefix: &str) -> Option<Cache> {
        let _ = prefix;
        None
    }
}

/// What calls share that the provider's cache can serve each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cache {
    /// The same for calls of the same model, prefix, schema and effort at the same place.
    pub group: Digest,
    /// How long an entry lives after it was last written or read.
    pub lives: Duration,
}

/// Says, once, that the first token of an answer is there. A clone is for another try at the same call.
#[derive(Debug, Clone)]
pub struct Begun(Option<tokio::sync::mpsc::UnboundedSender<u64>>, u64);

impl Begun {
    /// One that tells `to` the number of its call.
    pub fn new(to: tokio::sync::mpsc::UnboundedSender<u64>, call: u64) -> Self {
        Self(Some(to), call)
    }

    /// One that tells nobody.
    pub fn unheard() -> Self {
        Self(None, 0)
    }

    /// The first token is there. Only the first time counts.
    pub fn tell(&mut self) {
        if let Some(to) = self.0.take() {
            // Nobody listens any more when a run is given up.
            let _ = to.send(self.1);
        }
    }
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
