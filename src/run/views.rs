//! Answers to questions about a workspace, as data: what `--format json` prints and the texts are made of.

use crate::check::Finding;
use crate::digest::Digest;
use crate::event::Share;
use crate::generate::Meters;
use crate::json::Change;
use crate::plan::Counts;
use crate::store::{Ended, Hint, Provenance};
use serde::Serialize;

/// How everything stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Status {
    /// The courses, in the order of the manifest.
    pub courses: Vec<CourseStatus>,
}

/// How a course stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CourseStatus {
    /// The course's code.
    pub course: String,
    /// Its phases, in order.
    pub phases: Vec<PhaseStatus>,
}

/// How a phase stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PhaseStatus {
    /// The phase's name.
    pub phase: String,
    /// For people.
    pub title: String,
    /// Its main file's path, relative to the workspace where it is inside.
    pub main_file: String,
    /// Items known so far.
    pub items: usize,
    /// The partition of the items.
    #[serde(flatten)]
    pub counts: Counts,
    /// Items that pass only because findings are waived.
    pub waived: usize,
    /// Items whose result is pinned.
    pub pinned: usize,
    /// Who made the results, where those of other models stay: by model (else kind of generator), most first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<ModelCount>,
    /// What its results were made from: those of the present recipe first.
    pub made: Vec<MadeOf>,
    /// Its batches, in order.
    pub batches: Vec<BatchStatus>,
}

/// How many results of a phase were made from one version of its recipe: documents, templates, schema, model and the rest that
/// its items share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MadeOf {
    /// Results that stand in the main file.
    pub items: usize,
    /// The recipe is the present one, or counts as it.
    pub present: bool,
    /// What changed since, in words; `None`: not known here.
    pub changed: Option<Vec<String>>,
    /// When the oldest of them was asked for, in milliseconds since 1970; `None` for the present recipe, and where it is not known.
    pub since_ms: Option<u64>,
}

/// How many results of a phase a model made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelCount {
    /// The declared model, else the generator's kind; `None`: not known here.
    pub model: Option<String>,
    /// Results.
    pub items: usize,
}

/// How a batch stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BatchStatus {
    /// Its number, from 1.
    pub batch: usize,
    /// Its first item's id.
    pub first: String,
    /// Its last item's id.
    pub last: String,
    /// Its items.
    pub items: usize,
    /// The partition of the items.
    #[serde(flatten)]
    pub counts: Counts,
}

/// Why an item stands as it does.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Why {
    /// The item as a target: `spa_for_eng/phase3/S0041`.
    pub target: String,
    /// Its verdict: `fresh`, `missing`, `stale`, `rejected`, `held`, `failed` or `pending`.
    pub verdict: String,
    /// Every reason.
    pub reasons: Vec<WhyReason>,
    /// What its output is refused or held for, and warnings.
    pub findings: Vec<Finding>,
    /// The items of the phase before from which this comes: those that it waits for, or whose result changed its input.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub upstream: Vec<Why>,
}

/// One reason, in words and as the part of the key that it is about.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct WhyReason {
    /// In words: `section "Tiling" of docs/x.md changed`.
    pub text: String,
    /// The part's name.
    pub part: Option<String>,
    /// Its digest before; `None`: it was not there, or the reason is about no part.
    pub old: Option<String>,
    /// Its digest now; `None`: it is gone, or the reason is about no part.
    pub new: Option<String>,
    /// Its text before, where the store knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// Its text now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub now: Option<String>,
}

/// Everything at a glance: what the page of `report` is made of.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Account {
    /// How everything stands.
    #[serde(flatten)]
    pub status: Status,
    /// What each phase took and cost.
    pub phases: Vec<PhaseAccount>,
    /// Items that failed, were rejected or are held (at most 500).
    pub troubled: Vec<Troubled>,
}

/// What a phase's calls took and cost, from the beginning.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PhaseAccount {
    /// The course's code.
    pub course: String,
    /// The phase.
    pub phase: String,
    /// Calls, trials included.
    pub calls: usize,
    /// Calls that brought no answer that could be read.
    pub without_answer: usize,
    /// Seconds of all calls, one after another.
    pub seconds: f64,
    /// US dollars, of the calls that said what they cost; `None`: none did.
    pub money_usd: Option<f64>,
    /// How first answers did, by batch.
    pub first_answers: Vec<BatchShare>,
}

/// How first answers for a batch did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct BatchShare {
    /// The batch, by where its items stand now.
    pub batch: usize,
    /// How many were asked for, and how many passed.
    #[serde(flatten)]
    pub share: Share,
}

/// An item in trouble.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Troubled {
    /// The item as a target.
    pub target: String,
    /// `failed`, `rejected` or `held`.
    pub verdict: String,
    /// Why, in words.
    pub why: String,
}

/// What changed in an item.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Diff {
    /// The item as a target.
    pub target: String,
    /// The output that it is compared with; `None`: there is none yet.
    pub from: Option<DiffSide>,
    /// The other one.
    pub to: DiffSide,
    /// Every place that differs.
    pub changes: Vec<Change>,
}

/// One of the outputs that an item had.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DiffSide {
    /// Its number, from 1, the oldest first; `None`: it is on trial.
    pub number: Option<usize>,
    /// It stands for the item now.
    pub present: bool,
    /// Where it comes from.
    pub provenance: Provenance,
    /// When it came: milliseconds since 1970, UTC; 0 where the store does not know it yet.
    pub at_ms: u64,
    /// The digest of the output.
    pub digest: Digest,
}

/// What became of trials that were to be kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// The items whose trial is current now, as targets.
    pub kept: Vec<String>,
    /// Those whose trial is not.
    pub refused: Vec<Refused>,
}

/// A trial that cannot be kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// The item as a target.
    pub target: String,
    /// Why, in words.
    pub why: String,
}

/// One call, as the store remembers it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LogLine {
    /// The call's id.
    pub call: String,
    /// The batch's label: `phase3_batch_7`.
    pub target_label: String,
    /// The phase.
    pub phase: String,
    /// The course's code.
    pub course: String,
    /// The items' range.
    pub scope: String,
    /// 1 for the first attempt.
    pub attempt: u32,
    /// Where the results come from.
    pub provenance: Provenance,
    /// The generator's kind.
    pub generator: String,
    /// The model that answered, else the declared one.
    pub model: Option<String>,
    /// When it was asked: milliseconds since 1970, UTC.
    pub asked_ms: u64,
    /// Seconds until it ended.
    pub seconds: f64,
    /// How it ended.
    pub ended: Ended,
    /// The items asked for, in order.
    pub items: Vec<LogItem>,
    /// What it cost in tokens.
    pub usage: Meters,
    /// What it cost in US dollars, where known.
    pub money_usd: Option<f64>,
    /// The parts of the recipe that it was sent.
    pub sections: Vec<LogSection>,
    /// What it was sent outside the key.
    pub hints: Vec<Hint>,
    /// The answer as it came; `None` where there was none.
    pub answer: Option<String>,
    /// The end of what the generator said beside its answer.
    pub stderr: String,
}

/// What a call brought for one item.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LogItem {
    /// The item.
    pub id: String,
    /// Whether it brought something that was not refused.
    pub outcome: LogOutcome,
    /// The digest of the output.
    pub digest: Option<Digest>,
}

/// Whether a call brought something for an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum LogOutcome {
    /// A result, which is in the store.
    #[serde(rename = "passed-or-stored")]
    Stored,
    /// A result that a check refused.
    #[serde(rename = "refused")]
    Refused,
    /// No result.
    #[serde(rename = "nothing")]
    Nothing,
}

/// A part of the recipe, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogSection {
    /// The part's name: `document/docs/x.md/Tiling`.
    pub name: String,
    /// The digest of what was sent.
    pub digest: Digest,
}
