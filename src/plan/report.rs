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
    /// What is held because the shared store cannot be asked.
    #[serde(skip_serializing_if = "OutOfReach::is_nothing")]
    pub out_of_reach: OutOfReach,
    /// What an earlier build submitted to batch endpoints: it is waited for first, and what it brings is not bought.
    #[serde(skip_serializing_if = "Submitted::is_nothing")]
    pub submitted: Submitted,
}

/// What is at batch endpoints.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Submitted {
    /// Submissions.
    pub submissions: usize,
    /// Their calls that have no answer yet.
    pub requests: usize,
    /// The items that these ask for.
    pub items: usize,
}

impl Submitted {
    fn is_nothing(&self) -> bool {
        self.submissions == 0
    }
}

/// What carrying out a plan is expected to come to, if every call is made once. What nobody knows is `None`, never 0; a plan without
/// calls comes to nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Expected {
    /// Input tokens of all calls that may be needed, whoever serves them. Calls of generators that cost nothing are not counted.
    pub input: u64,
    /// Output tokens of the same calls.
    pub output: u64,
    /// US dollars.
    pub usd: Option<Dollars>,
    /// Seconds, with as many calls at once as there may be.
    pub seconds: Option<f64>,
    /// How many calls there will be is not known yet: it takes at least so long.
    pub at_least: bool,
    /// All tokens are learned from earlier calls; else they are guessed from the length of prompts, at least in part.
    pub learned: bool,
}

/// Least and most, in US dollars.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Dollars {
    /// At least so much.
    pub min: f64,
    /// At most so much, if no answer is refused.
    pub max: f64,
}

/// Items that are held because nobody can say whether the shared store has them.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct OutOfReach {
    /// How many.
    pub items: usize,
    /// What they would cost in US dollars, as far as that can be guessed from what was bought before.
    pub money_usd: Option<f64>,
    /// Why it cannot be asked, and what follows, in words; `None` where that was told otherwise.
    pub trouble: Option<String>,
}

impl OutOfReach {
    fn is_nothing(&self) -> bool {
        self.items == 0 && self.trouble.is_none()
    }
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
    /// Those of them that a program judges first, before anything is bought on the ground of them.
    pub unjudged: usize,
    /// Calls.
    pub calls: Bounds,
    /// Items to be bought.
    pub buys: Bounds,
    /// Items that are stale but not selected: they stay as they are.
    pub unselected: usize,
    /// Items that are to be bought for no other reason than edits that could be accepted.
    pub acceptable: usize,
    /// What the phase would buy if all those edits were accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub if_accepted: Option<IfAccepted>,
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
    /// Calls in which such items are.
    pub calls: Bounds,
    /// Of an edit that could be accepted: what the phase would buy then. What would stand has to pass its checks, and later phases
    /// are not looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub if_accepted: Option<IfAccepted>,
}

/// What a phase would buy if an edit were accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IfAccepted {
    /// What was edited, as `coursebuild accept` takes it; `None`: all that could be accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// Calls.
    pub calls: Bounds,
    /// Items.
    pub items: Bounds,
}
