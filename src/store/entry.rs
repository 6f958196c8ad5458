//! What one call brought, as it is kept for ever.

use crate::digest::{Digest, Hasher};
use crate::generate::Meters;
use crate::json::{Kind, Shape, Value};
use crate::key::Part;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Where a result comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provenance {
    /// A generator answered.
    Generated,
    /// Taken from existing main files.
    Adopted,
    /// Changed by hand in a main file.
    Edited,
    /// Stands for an edit that was declared to be without effect.
    Accepted,
    /// A generator answered, to be looked at: no decision sees it until it is kept.
    Trial,
}

/// The generator of an entry by which a person decided what stands for an item.
pub const RESOLVED: &str = "resolve";

/// What a call asks, durable before the generator sees it: enough to make the [`Entry`] of an answer that is found after a
/// crash, without the rules that asked for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// The call's id.
    pub call: String,
    /// The course's code.
    pub course: String,
    /// The phase.
    pub phase: String,
    /// The batch's label: `phase3_batch_7`.
    pub label: String,
    /// The items' range.
    pub scope: String,
    /// 1 for the first attempt.
    pub attempt: u32,
    /// The generator's kind: `command`.
    pub generator: String,
    /// The declared model.
    pub model: Option<String>,
    /// When it was asked: milliseconds since 1970, UTC.
    pub asked_ms: u64,
    /// How the answer holds its items.
    pub shape: AnswerShape,
    /// The key parts that all items of the call share.
    pub recipe: Vec<Part>,
    /// What was sent outside the key: each hint context with its digest and range.
    pub hints: Vec<Hint>,
    /// The digest of the checks' definitions and data that attempts are counted under.
    pub checks: Digest,
    /// The blob with the texts behind `recipe`, by the names of its parts; `None` where nobody was asked. For explanations only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub texts: Option<Digest>,
    /// It is asked on trial: what comes stands for nothing until it is kept.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub trial: bool,
    /// The items asked for, in order.
    pub items: Vec<AskedItem>,
}

/// The shape of an answer, as the entry's reader needs it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerShape {
    /// Object by id (true) or array (false).
    pub object: bool,
    /// Where the collection stands (a JSON pointer).
    pub at: String,
    /// Where an item of an array has its id (a JSON pointer).
    pub id: String,
    /// The id fields of an item (JSON pointers).
    pub ids: Vec<String>,
    /// The fields that the tool computes, which are no part of an answer (JSON pointers).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub derived: Vec<String>,
}

impl AnswerShape {
    /// The shape that answers are read with; `None` if its pointers are none, which no intent of ours says.
    pub fn shape(&self) -> Option<Shape> {
        let kind = if self.object { Kind::Object } else { Kind::Array };
        Some(Shape { kind, at: self.at.parse().ok()?, id: self.id.parse().ok()? })
    }
}

/// A hint context that a call was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hint {
    /// The context's name.
    pub name: String,
    /// The digest of what was sent.
    pub digest: Digest,
    /// The first and last entry sent, by their source items' ids; `None` when it was empty.
    pub range: Option<(String, String)>,
}

/// One item of an [`Intent`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedItem {
    /// Its id.
    pub id: Arc<str>,
    /// The id of its root.
    pub root: Arc<str>,
    /// Its content key: the generate key without the id.
    pub content: Digest,
    /// The key parts of its own.
    pub parts: Vec<Part>,
    /// The digests of the results refused under its key before, sorted: with the key they make the slot.
    pub refused: Vec<Digest>,
    /// The result that this purchase is to replace although it was not refused.
    pub supersedes: Option<Digest>,
    /// Its input, ids lifted; null where nobody was asked. For explanations only.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub input: Value,
}

impl Intent {
    /// True for what was fetched from a shared store, where it is filed by item: the call's id stands behind a sign that no id
    /// has, so that it is never taken for a call of this machine.
    pub fn is_shared(&self) -> bool {
        is_shared_call(&self.call)
    }
}

pub(super) fn is_shared_call(call: &str) -> bool {
    call.starts_with(SHARED)
}

/// Stands before the id of a call whose answer was fetched from a shared store.
pub(super) const SHARED: char = '@';

impl AskedItem {
    /// The slot that its answer is filed in.
    pub fn slot(&self) -> Digest {
        slot(self.content, &self.id, &self.refused, self.supersedes)
    }
}

/// The slot of a purchase: the generate key and the sorted digests of what it is not to be.
pub fn slot(content: Digest, id: &str, refused: &[Digest], supersedes: Option<Digest>) -> Digest {
    let mut all: Vec<Digest> = refused.iter().copied().chain(supersedes).collect();
    all.sort_unstable();
    all.dedup();
    let mut hasher = Hasher::new("coursebuild slot 1");
    hasher.field("content", content.as_bytes()).field("id", id.as_bytes());
    for digest in all {
        hasher.field("refused", digest.as_bytes());
    }
    hasher.finish()
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// With an answer that could be read, at least in part.
    Answered,
    /// With an answer that ends in the middle, or with none because the request was too long: in words. Its whole items count; for the
    /// others it was no attempt.
    Truncated(String),
    /// With an answer that could not be read: why.
    Unreadable(String),
    /// Without an answer within so many seconds.
    TimedOut(u64),
    /// Without an answer: why.
    Failed(String),
    /// There was no call: a result was filed by the tool itself (a hand edit, an adoption, a result that moved to another id).
    Filed,
}

/// One result inside an [`Entry`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// Which of the intent's items it is for.
    pub item: usize,
    /// The digest of its output: canonical bytes of the lifted form.
    pub digest: Digest,
    /// The output: JSON text of the lifted form, its fields in the order in which they came.
    pub output: String,
}

/// What one call brought. Never changed once written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// What was asked.
    pub intent: Intent,
    /// Where the results come from.
    pub provenance: Provenance,
    /// How the call ended.
    pub ended: Ended,
    /// When: milliseconds since 1970, UTC.
    pub ended_ms: u64,
    /// What it cost in tokens.
    pub meters: Meters,
    /// What it cost in US dollars.
    pub money_usd: Option<f64>,
    /// The model that answered.
    pub model: Option<String>,
    /// What the generator said beside its answer.
    pub stderr: String,
    /// The answer as it came; `None` where there was none (an edit, an adoption, a time-out). Bytes that are not UTF-8 are
    /// replaced; the journal keeps them as they were until the entry is written.
    pub raw: Option<String>,
    /// The results, one for each item that the answer held.
    pub results: Vec<Stored>,
}
