//! The conductor: brings about what a plan says, and answers questions about it.
//!
//! Prints nothing and reads no environment: what it needs comes in [`Options`], what it says leaves as events and views.

mod options;
mod views;

pub use options::{Confirm, Options, Selection};
pub use views::{
    BatchStatus, CourseStatus, LogItem, LogLine, LogOutcome, LogSection, PhaseStatus, Status, Why, WhyReason,
};

use crate::diag::{Problem, Result};
use crate::event::{Event, Summary};
use crate::json::Value;
use crate::plan::Plan;

/// Brings the selected targets up to date, telling `emit` of everything that happens. The last event is the summary, which is
/// also returned; its `exit` is the exit code. An error means that the run could not begin or had to be given up.
pub fn build(options: &mut Options, emit: &mut dyn FnMut(&Event)) -> Result<Summary> {
    let _ = (options, emit);
    Err(Problem::internal("`build` is not there yet"))
}

/// What [`build`] would do with the same options. Changes nothing.
pub fn plan(options: &Options) -> Result<Plan> {
    let _ = options;
    Err(Problem::internal("`plan` is not there yet"))
}

/// How every phase and batch stands. Changes nothing.
pub fn status(options: &Options) -> Result<Status> {
    let _ = options;
    Err(Problem::internal("`status` is not there yet"))
}

/// Why each item of the selected targets stands as it does. Changes nothing.
pub fn why(options: &Options) -> Result<Vec<Why>> {
    let _ = options;
    Err(Problem::internal("`why` is not there yet"))
}

/// The current results of at most one target, in the phase's shape.
pub fn show(options: &Options) -> Result<Value> {
    let _ = options;
    Err(Problem::internal("`show` is not there yet"))
}

/// The exact prompt that a call for the selected target would be sent.
pub fn prompt(options: &Options) -> Result<String> {
    let _ = options;
    Err(Problem::internal("`prompt` is not there yet"))
}

/// The calls that asked for items of the selected targets, oldest first.
pub fn log(options: &Options) -> Result<Vec<LogLine>> {
    let _ = options;
    Err(Problem::internal("`log` is not there yet"))
}
