//! The validated form of a workspace: what every later room works on.

use super::accepted::Accepted;
use super::generate::Generate;
use super::output::Output;
use crate::digest::Digest;
use crate::json::{Pointer, Value};
use crate::money::Prices;
use std::path::PathBuf;
use std::sync::Arc;

/// A manifest with everything that it names, validated.
#[derive(Debug)]
pub struct Workspace {
    /// The manifest's folder, absolute. Relative paths of the manifest and of rules start here.
    pub root: PathBuf,
    /// Where the store is, when the manifest says so (absolute).
    pub store: Option<PathBuf>,
    /// The store that a team shares.
    pub shared: Option<super::SharedStore>,
    /// Above what a build asks before it buys.
    pub confirm_above: ConfirmAbove,
    /// What models cost.
    pub prices: Prices,
    /// The courses, in the order of the manifest.
    pub courses: Vec<Course>,
    /// What people decided about them.
    pub accepted: Arc<Accepted>,
    /// Where that is written (absolute).
    pub accepted_path: PathBuf,
    /// Every file read and every folder listed on the way: what a stamp watches.
    pub read: Vec<PathBuf>,
    /// True when a source is a program, which has to be run every time.
    pub has_program_source: bool,
}

/// Bounds above which a build asks first.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ConfirmAbove {
    /// Calls.
    pub calls: Option<u64>,
    /// US dollars.
    pub usd: Option<f64>,
}

/// One course.
#[derive(Debug)]
pub struct Course {
    /// `spa_for_eng`: unique in the manifest.
    pub code: String,
    /// The code of the language taught.
    pub target: String,
    /// The code of the language it is taught in.
    pub known: String,
    /// The name of the language taught, in the known language: fills `{target}` in seeds.
    pub target_name: String,
    /// Where the main files go (absolute).
    pub dir: PathBuf,
    /// The same as written.
    pub dir_text: String,
    /// The phases, each after all phases that it reads.
    pub phases: Vec<Phase>,
    /// What people decided: accepted edits, waived findings, pins; of all courses of the manifest.
    pub accepted: Arc<Accepted>,
}

/// A phase of a course: its rule, with the manifest's overrides applied.
#[derive(Debug)]
pub struct Phase {
    /// The rule.
    pub rule: Arc<Rule>,
    /// Its source items; empty for a phase that another one feeds.
    pub source: Vec<SourceItem>,
    /// The labels of the checks that were left out, because they need data of a language that has no pack.
    pub left_out: Vec<String>,
    /// `on_model_change = "keep"`: results of other models and parameters stay.
    pub keeps_models: bool,
}

/// One item of a source, normalised.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceItem {
    /// Its id.
    pub id: Arc<str>,
    /// The item, strings in NFC.
    pub value: Value,
}

/// How one phase turns items into results.
#[derive(Debug, Clone)]
pub struct Rule {
    /// `phase3`: unique in the pack; letters, digits, `_` and `-`.
    pub name: String,
    /// For people.
    pub title: String,
    /// Where the items come from.
    pub feed: Feed,
    /// What a generator is shown of an item.
    pub input: Projection,
    /// The id fields of the input (after projection).
    pub input_ids: Vec<Pointer>,
    /// How many items a batch has.
    pub batch: Batch,
    /// How often an item is asked for, the first time included; at least 1.
    pub attempts: u32,
    /// What is sent.
    pub prompt: Prompt,
    /// What comes back and where it goes.
    pub output: Output,
    /// What is read beside the item.
    pub contexts: Vec<Context>,
    /// What an output must satisfy beside its schema; `check` gives them their meaning.
    pub checks: Vec<CheckSpec>,
    /// Who is asked.
    pub generate: Generate,
}

/// Where a phase's items come from.
#[derive(Debug, Clone)]
pub enum Feed {
    /// The phase's own source.
    Source,
    /// The results of an earlier phase.
    Phase {
        /// Its index in [`Course::phases`].
        phase: usize,
        /// How one result becomes several items; `None`: one result, one item of the same id.
        explode: Option<Explode>,
    },
    /// The groups that the results of an earlier phase fall into: one item a group, known when all of that phase is settled.
    Groups {
        /// Its index in [`Course::phases`].
        phase: usize,
        /// Where a result names its group, which becomes the item's id.
        by: Pointer,
    },
}

/// One item per element of a list inside a result.
#[derive(Debug, Clone)]
pub struct Explode {
    /// Where the list is.
    pub at: Pointer,
    /// Where an element has its id.
    pub id: Pointer,
    /// The least number of elements that a plan may count on.
    pub min: usize,
    /// The largest number of elements that a plan has to reckon with. Not a check.
    pub max: usize,
    /// Which elements become items; `None`: all.
    pub only: Option<Only>,
}

/// A condition on an element.
#[derive(Debug, Clone, PartialEq)]
pub struct Only {
    /// Where in the element; derived fields are there too.
    pub at: Pointer,
    /// What has to stand there.
    pub is: Value,
}

/// What is shown of a value: a tree whose leaves point into it.
#[derive(Debug, Clone, PartialEq)]
pub enum Projection {
    /// Fields by name, in the order of the rule.
    Fields(Vec<(String, Projection)>),
    /// What the pointer finds; `null` if nothing.
    At {
        /// Starts at the result that the item was split from, not at the item.
        parent: bool,
        /// Replaces `{target}` and `{known}` in a string by the languages' names.
        fill: bool,
        /// Where.
        pointer: Pointer,
    },
    /// True for the last element of its result.
    Last,
    /// The id of the result (or source item) that the item is made from.
    Id,
}

/// The size of a batch, and so of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batch {
    /// Items in a batch, or roots in a cohort; at least 1.
    pub size: usize,
    /// Items influence each other: a batch is all items of a cohort of roots, asked for together and made anew together.
    pub cohort: bool,
    /// A call is closed before its prompt would pass this many bytes (prefix and items; hints are cut to what is left).
    pub max_prompt_bytes: Option<usize>,
}

/// What is sent.
#[derive(Debug, Clone)]
pub struct Prompt {
    /// The documents' sections that are sent to every item, in order.
    pub sections: Vec<Section>,
    /// The sections that are sent to some items only, in order.
    pub scoped: Vec<Section>,
    /// The prefix's template.
    pub system: Template,
    /// The batch part's template.
    pub batch: Template,
    /// The template of what a retry adds at the end.
    pub retry: Template,
}

/// A template's text, normalised; validated when it was loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// For messages: `builtin:batching@1/prompts/system.md.j2` or a path.
    pub name: String,
    /// Its text.
    pub text: Arc<str>,
}

/// One section of a document: a heading and what follows up to the next heading of any level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// The document, relative to the workspace, with `/`.
    pub document: String,
    /// The path of headings: `Tiling / Exceptions`; empty for what stands before the first heading. A doubled name gets ` (2)`.
    pub name: String,
    /// Its text as sent: normalised, without HTML comments.
    pub text: Arc<str>,
    /// The ids of the first and last source item that it is for; `None`: all.
    pub scope: Option<(String, String)>,
}

/// What a prompt or a check reads beside the item.
#[derive(Debug, Clone)]
pub struct Context {
    /// Its name in templates and in the call's input.
    pub name: String,
    /// The index of the phase whose results it shows; its rule's own where it shows a registry.
    pub phase: usize,
    /// What it shows instead of results.
    pub registry: Option<Registry>,
    /// What a change of it means.
    pub role: Role,
    /// Which results.
    pub window: Window,
    /// Splits a result into entries, one per element.
    pub each: Option<Pointer>,
    /// What is shown of an entry (relative to the element when `each` is given; `parent` is then the result).
    pub show: Projection,
    /// The newest entries are kept up to this many bytes of JSON.
    pub max_bytes: Option<usize>,
}

/// The words that a check of the same rule remembers, as a context shows them.
#[derive(Debug, Clone)]
pub struct Registry {
    /// The check's label.
    pub check: String,
    /// Where in an item's input the text is in which concepts are looked for.
    pub text: Pointer,
    /// Where it is asked for, for messages.
    pub place: crate::diag::Place,
}

/// What a change of a context means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The item is stale.
    Key,
    /// The item is checked again.
    Check,
    /// Nothing; it is sent when something is generated anyway.
    Hint,
}

/// Which results a context shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// All before the item, in source order.
    AllEarlier,
    /// The last so many before it.
    Before(usize),
    /// All of the phase.
    WholePhase,
}

/// A check as the rule declares it; `check` turns it into one that runs.
#[derive(Debug, Clone)]
pub struct CheckSpec {
    /// Its name in the closed set: `tiling`.
    pub name: String,
    /// What the manifest calls it: the rule's `name` for it, else the name in the set.
    pub label: String,
    /// How bad a finding is.
    pub severity: Severity,
    /// Its other fields; in a course's rule `language:…` is replaced by the language's data.
    pub fields: Value,
    /// The index of the phase that it reads, if it reads one.
    pub from: Option<usize>,
    /// Where it stands, for messages.
    pub place: crate::diag::Place,
}

/// How bad a finding is.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Default,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The output does not pass.
    #[default]
    Error,
    /// The output passes, and people are told.
    Warning,
    /// The check is switched off.
    Off,
    /// An error that somebody waived for this output: the output passes. Nobody can declare it.
    #[serde(skip_deserializing)]
    Waived,
}

impl Section {
    /// The digest of its text.
    pub fn digest(&self) -> Digest {
        Digest::of(self.text.as_bytes())
    }
}
