//! What an index answers with: a result, a time that an item was asked for, an entry without its items.

use super::index::number;
use super::{Entry, EntryId, Provenance};
use crate::digest::Digest;
use crate::generate::Meters;
use std::sync::Arc;

/// A result that the store holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The item that it was bought for.
    pub id: Arc<str>,
    /// The item's root.
    pub root: Arc<str>,
    /// The content key that it was bought under.
    pub content: Digest,
    /// The digest of the output.
    pub digest: Digest,
    /// Where it comes from.
    pub provenance: Provenance,
    /// When it came: milliseconds since 1970, UTC.
    pub ended_ms: u64,
    /// The entry that holds it.
    pub entry: EntryId,
    /// Its position in [`Entry::results`].
    pub at: u32,
    /// The slot that it is filed in.
    pub slot: Digest,
    /// The digest of the checks that its attempt is counted under.
    pub checks: Digest,
    /// The result that it replaces although that one was not refused.
    pub supersedes: Option<Digest>,
}

/// One time that an item was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The entry.
    pub entry: EntryId,
    /// The item's position in its intent.
    pub item: usize,
    /// What came; `None` if nothing did.
    pub result: Option<Known>,
}

/// What an entry says of itself, without its items: for histories and estimates.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// The entry.
    pub entry: EntryId,
    /// The call that brought it; empty where there was none.
    pub call: Arc<str>,
    /// The course's code.
    pub course: Arc<str>,
    /// The phase.
    pub phase: Arc<str>,
    /// The batch's label.
    pub label: Arc<str>,
    /// The generator's kind.
    pub generator: Arc<str>,
    /// Where its results come from.
    pub provenance: Provenance,
    /// Which attempt it was.
    pub attempt: u32,
    /// When it was asked: milliseconds since 1970, UTC.
    pub asked_ms: u64,
    /// When it ended: milliseconds since 1970, UTC.
    pub ended_ms: u64,
    /// The digest of the checks that its attempts are counted under.
    pub checks: Digest,
    /// What it cost in tokens.
    pub meters: Meters,
    /// What it cost in US dollars.
    pub money_usd: Option<f64>,
    /// How many items it asked for.
    pub items: u32,
    /// How many results it brought.
    pub results: u32,
}

impl Source {
    /// That of an entry.
    pub(super) fn of(entry: EntryId, value: &Entry) -> Self {
        let Entry { intent, provenance, ended_ms, meters, money_usd, results, .. } = value;
        Self {
            entry,
            call: intent.call.as_str().into(),
            course: intent.course.as_str().into(),
            phase: intent.phase.as_str().into(),
            label: intent.label.as_str().into(),
            generator: intent.generator.as_str().into(),
            provenance: *provenance,
            attempt: intent.attempt,
            asked_ms: intent.asked_ms,
            ended_ms: *ended_ms,
            checks: intent.checks,
            meters: *meters,
            money_usd: *money_usd,
            items: number(intent.items.len()),
            results: number(results.len()),
        }
    }
}
