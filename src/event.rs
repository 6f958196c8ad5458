//! What happens in a run, as plain data: the one thing that terminal, JSON, run log and tests are made of.

mod canary;

pub use canary::{Canary, CanaryCall, CanaryItem, CanaryRest, FindingCount};

use crate::check::Finding;
use crate::generate::Meters;
use crate::generate::batch::Progress;
use serde::{Deserialize, Serialize};

/// One event. `--format json` prints one a line; the names are a promise.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The plan is made; what follows brings it about.
    Started {
        /// Calls that may be in flight at once.
        jobs: usize,
        /// Calls at least.
        calls_min: usize,
        /// Calls at most, if no answer is refused.
        calls_max: usize,
        /// Items to be bought, at least.
        items_min: usize,
        /// Items to be bought, at most.
        items_max: usize,
        /// Phases, in order, with their numbers of batches and items known so far.
        phases: Vec<PhaseStart>,
    },
    /// More of a phase that waited for others is known.
    Phase {
        /// The course's code.
        course: String,
        /// The phase.
        phase: String,
        /// Items to be bought in this run as far as they are known, those bought already included.
        to_buy: usize,
        /// Source items that the phase still waits for.
        pending: usize,
    },
    /// A call that an earlier build had made was found, still running or ended.
    Recovered {
        /// The call's id.
        call: String,
        /// The batch's label.
        label: String,
        /// How many results it brought.
        items: usize,
    },
    /// A call leaves.
    CallStarted {
        /// The call's id.
        call: String,
        /// The course's code.
        course: String,
        /// The phase.
        phase: String,
        /// The batch's label.
        label: String,
        /// The items' range.
        scope: String,
        /// The number of items asked for.
        items: usize,
        /// 1 for the first attempt.
        attempt: u32,
    },
    /// A call waits for something that people may want to know of: an answer file, a limit that lifts.
    Waiting {
        /// The call's id.
        call: String,
        /// For what, in words.
        what: String,
    },
    /// A submission to a batch endpoint stands otherwise than before.
    Submission(Progress),
    /// A call has come back.
    CallEnded {
        /// The call's id.
        call: String,
        /// The course's code.
        course: String,
        /// The phase.
        phase: String,
        /// The batch's label.
        label: String,
        /// The number of items asked for.
        items: usize,
        /// Items whose result passed.
        passed: usize,
        /// Items that brought nothing or whose result was refused.
        failed: usize,
        /// Which attempt it was.
        attempt: u32,
        /// Seconds that it took.
        seconds: f64,
        /// What it cost in tokens.
        usage: Meters,
        /// What it cost in US dollars.
        money_usd: Option<f64>,
        /// Why it brought nothing, if it did not.
        #[serde(skip_serializing_if = "Option::is_none")]
        trouble: Option<String>,
        /// The errors found in it (at most 100).
        #[serde(skip_serializing_if = "Vec::is_empty")]
        findings: Vec<Finding>,
    },
    /// Programs of `command` checks begin to judge batches that nobody remembers a judgement of.
    Judging {
        /// The course's code.
        course: String,
        /// The phase.
        phase: String,
        /// How many batches are to be judged, as often as there are programs that do.
        batches: usize,
    },
    /// Results that pass by themselves do not go together with those before them, or with an earlier phase.
    Compared {
        /// The course's code.
        course: String,
        /// The phase.
        phase: String,
        /// How many are refused for that.
        refused: usize,
        /// What they are refused for (at most 100, one an item).
        findings: Vec<Finding>,
    },
    /// An item's attempts are exhausted.
    ItemFailed {
        /// The course's code.
        course: String,
        /// The phase.
        phase: String,
        /// The item.
        item: String,
        /// How often it was asked for.
        attempts: u32,
        /// What its last answer was refused for.
        findings: Vec<Finding>,
    },
    /// Something that people should know and that stops nothing.
    Warning {
        /// In words.
        message: String,
    },
    /// The first calls of a build that was asked to begin with a few are back; what follows is bought only if somebody wants it.
    Canary(Box<Canary>),
    /// An interrupt came: no new calls, those in flight are waited for.
    Interrupted {
        /// Calls still in flight.
        in_flight: usize,
    },
    /// How a batch stands at the end of a run that touched it.
    Batch {
        /// The course's code.
        course: String,
        /// The phase.
        phase: String,
        /// Its number, from 1.
        batch: usize,
        /// Its items.
        items: usize,
        /// Items bought in this run that passed.
        passed: usize,
        /// Items that failed in this run.
        failed: usize,
        /// Calls that asked for items of it.
        attempts: usize,
    },
    /// The last one.
    Summary(Summary),
}

/// A phase as a run finds it.
#[derive(Debug, Clone, Serialize)]
pub struct PhaseStart {
    /// The course's code.
    pub course: String,
    /// The phase.
    pub phase: String,
    /// Batches known so far.
    pub batches: usize,
    /// Items known so far.
    pub items: usize,
    /// Calls at least.
    pub calls_min: usize,
    /// Calls at most.
    pub calls_max: usize,
    /// Items that one call asks for at most.
    pub batch_size: usize,
    /// Items to be bought, as far as they are known.
    pub to_buy: usize,
    /// Source items that the phase waits for: what of them is to be bought is not known yet.
    pub pending: usize,
    /// Seconds that a call of it took in earlier runs (the median); `None`: nobody knows.
    pub seconds_per_call: Option<f64>,
}

/// The end of a run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Summary {
    /// Calls made.
    pub calls: usize,
    /// Items whose bought result passed.
    pub items_generated: usize,
    /// Items that were fresh without a call.
    pub items_reused: usize,
    /// Answers that were refused (an item can count several times).
    pub items_rejected: usize,
    /// Items whose attempts are exhausted.
    pub items_failed: usize,
    /// Items held.
    pub items_held: usize,
    /// Items among the reused ones whose results were fetched from the shared store in this run.
    #[serde(default)]
    pub items_fetched: usize,
    /// Items among the held ones that the shared store may have, and cannot be asked.
    #[serde(default)]
    pub items_out_of_reach: usize,
    /// Answered calls whose results the shared store may not have yet.
    #[serde(default)]
    pub unpushed: usize,
    /// Items still to be bought: not selected, or not reached.
    pub items_left: usize,
    /// The main files.
    pub main_files: Vec<MainFile>,
    /// What all calls cost in tokens; a meter is unknown when one call did not report it.
    pub usage: Meters,
    /// What they cost in US dollars, where known.
    pub money_usd: Option<f64>,
    /// Calls that told what the provider's cache served.
    #[serde(default)]
    pub cache_calls: usize,
    /// Those of them that it served anything.
    #[serde(default)]
    pub cache_hits: usize,
    /// What the reused items had cost in US dollars, as far as it is known; only where somebody wants to know it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_spent_usd: Option<f64>,
    /// Seconds that the run took.
    pub seconds: f64,
    /// Seconds that were expected when it started, where anything was known.
    pub expected_seconds: Option<f64>,
    /// It was expected to take at least so long: how many calls there would be was not known.
    #[serde(default)]
    pub expected_at_least: bool,
    /// How good first answers were, early and late in each phase: phases that were asked something.
    #[serde(default)]
    pub drift: Vec<Drift>,
    /// Batches with items that failed, as targets.
    pub failed_batches: Vec<String>,
    /// Held items, as targets, with the reason (at most 100).
    pub held: Vec<String>,
    /// Items whose main-file entry is older than their key (at most 100).
    pub left: Vec<String>,
    /// What was bought on trial, as it was named: nothing that stands has changed. Empty for any other build.
    #[serde(default)]
    pub tried: Vec<String>,
    /// The command that goes on where a build ended with its canary: nothing that stands has changed. Empty for any other build.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub goes_on_with: String,
    /// Nothing had to be looked at: the stamp said so.
    pub by_stamp: bool,
    /// The exit code.
    pub exit: u8,
}

/// How many of a phase's first answers passed, by where their source items stand in the course: the early, the middle and the late
/// third. Quality that falls from early to late is the drift that batches are there to prevent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// The course's code.
    pub course: String,
    /// The phase.
    pub phase: String,
    /// Of the first third of the source items.
    pub early: Share,
    /// Of the second third.
    pub middle: Share,
    /// Of the last third.
    pub late: Share,
}

/// So many of so many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Items asked for, for the first time under their key.
    pub asked: usize,
    /// Items whose first answer passed.
    pub passed: usize,
}

/// A main file at the end of a run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MainFile {
    /// Its path, relative to the workspace where it is inside.
    pub path: String,
    /// Items in it.
    pub items: usize,
    /// Whether its bytes changed.
    pub written: bool,
}
