//! A plan as data: what `plan --format json` prints, and what the text is made of.

use super::verdict::Counts;
use serde::Serialize;

/// Least and most.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Bounds {
    /// At least so many.
    pub min: usize,
    /// At most so many, if no answer is refused.
    pub max: usize,
}

/// The plan of a run. Its field names are a promise.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// 1.
    pub version: u32,
    /// What is planned for each course.
    pub courses: Vec<CoursePlan>,
    /// Calls in all.
    pub calls: Bounds,
    /// Items to be bought in all.
    pub items: Bounds,
    /// What they are expected to come to.
    pub expected: Expected,
}

/// What a plan is expected to come to, if every call that may be needed is made once. Calls of generators that cost nothing are
/// not counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Expected {
    /// Input tokens, whoever serves them.
    pub input: u64,
    /// Output tokens.
    pub output: u64,
    /// US dollars; unknown where a price is.
    pub usd: Option<f64>,
    /// Seconds, with as many calls at once as there may be; unknown where no call was ever made.
    pub seconds: Option<f64>,
    /// All of it learned from earlier calls; else guessed from the length of prompts, at least in part.
    pub learned: bool,
}

/// One course's part of a [`Plan`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CoursePlan {
    /// The course's code.
    pub course: String,
    /// Its phases, in order.
    pub phases: Vec<PhasePlan>,
}

/// One phase's part of a [`Plan`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PhasePlan {
    /// The phase's name.
    pub phase: String,
    /// For people.
    pub title: String,
    /// The number of batches of the items known so far.
    pub batches: usize,
    /// The number of items known so far; the partition sums to it.
    pub items: usize,
    /// The partition.
    #[serde(flatten)]
    pub counts: Counts,
    /// Items whose stored output has to be checked again, without a call.
    pub recheck: usize,
    /// Calls.
    pub calls: Bounds,
    /// Items to be bought.
    pub buys: Bounds,
    /// Items that are stale but not selected: they stay as they are.
    pub unselected: usize,
    /// Why items are to be bought, most frequent first.
    pub reasons: Vec<ReasonCount>,
}

/// One reason and how many items have it (an item can have several).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReasonCount {
    /// In words: `section "Tiling" of docs/x.md changed`.
    pub reason: String,
    /// Items that have it.
    pub items: usize,
}
