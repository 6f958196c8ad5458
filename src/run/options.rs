//! What a run is to do: everything that the command line and the surroundings decide, as plain data.

use crate::course::{OnRemoteDown, SharedMode};
use crate::event::Canary;
use crate::plan::{Plan, Selection};
use std::path::PathBuf;

/// The options of a run. A run depends on nothing else but files.
pub struct Options {
    /// The manifest (absolute).
    pub manifest: PathBuf,
    /// What may be bought.
    pub selection: Selection,
    /// Calls in flight at most; at least 1.
    pub jobs: usize,
    /// Go on with what does not depend on a failure.
    pub keep_going: bool,
    /// `-B`: buy the selection as if it were stale.
    pub force: bool,
    /// `--trial`: buy the selection to be looked at; nothing becomes current.
    pub trial: bool,
    /// Fail if any call is needed.
    pub locked: bool,
    /// Use only generators that need no network; fail if another one is needed.
    pub offline: bool,
    /// Calls at most.
    pub max_calls: Option<usize>,
    /// US dollars at most.
    pub budget_usd: Option<f64>,
    /// Buy held items that have findings.
    pub fix: bool,
    /// Buy items whose attempts are exhausted.
    pub retry_failed: bool,
    /// Buy held items whose key moved.
    pub refresh_edited: bool,
    /// Take what stands in main files as results of the present inputs: all that is named, else what nothing explains.
    pub adopt: bool,
    /// Compute derived fields that stand as they were found.
    pub recompute_derived: bool,
    /// Build what depends on unselected stale items all the same.
    pub with_stale_inputs: bool,
    /// Wait for another build of the workspace to end, instead of failing.
    pub wait: bool,
    /// Where the store is, if the command line or the environment says so (absolute).
    pub store: Option<PathBuf>,
    /// This program, to run the supervisor (absolute).
    pub program: PathBuf,
    /// All environment variables that are UTF-8; a generator is given those that the manifest names.
    pub environment: Vec<(String, String)>,
    /// What is done with the shared store, if the command line says so.
    pub shared: Option<SharedMode>,
    /// What is done when the shared store cannot be asked, if the command line says so.
    pub on_remote_down: Option<OnRemoteDown>,
    /// Nobody will come back to this machine: what is not on the shared store at the end is an error, exit 7.
    pub must_push: bool,
    /// Work out what the reused results had cost.
    pub price_reused: bool,
    /// Whether a costly plan may be carried out.
    pub confirm: Confirm,
    /// `--canary`: a few calls first, to be looked at before the rest is bought.
    pub canary: Option<First>,
    /// The command line as typed, for the note in the workspace's lock.
    pub command: String,
}

/// The calls that are made before somebody is asked for the rest.
pub struct First {
    /// How many at most; at least 1.
    pub calls: usize,
    /// Who is asked.
    pub go_on: GoOn,
}

/// Who decides, with what the first calls brought before him, whether the rest is bought.
pub enum GoOn {
    /// It is.
    Yes,
    /// Whoever is asked.
    Ask(Question),
    /// Nobody: it is not.
    Refuse,
}

/// Asks whether the rest is bought. Called on a thread of its own, for it may wait long.
pub type Question = Box<dyn FnOnce(&Canary) -> bool + Send>;

/// Who decides whether a costly plan may be carried out.
pub enum Confirm {
    /// It may.
    Yes,
    /// Whoever is asked.
    Ask(Box<dyn FnMut(&Plan) -> bool>),
    /// Nobody: it may not.
    Refuse,
}
