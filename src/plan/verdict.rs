//! Verdicts and reasons: a partition of the items.

use crate::check::Finding;
use crate::digest::{Digest, Short};
use crate::json::Clash;
use serde::Serialize;

/// What is to be done with an item.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// A valid result under the present key stands.
    Fresh,
    /// Never had a result.
    Missing,
    /// Had one under another key; every reason.
    Stale(Vec<Reason>),
    /// Its generated result fails a check: to be bought again with the findings.
    Rejected(Vec<Finding>),
    /// An edited, pinned or unexplained result that has findings or whose key moved: never bought without being asked.
    Held(Held),
    /// Attempts are exhausted.
    Failed(Vec<Finding>),
    /// Waits for these upstream items (at most a few are named).
    Pending(Vec<String>),
}

/// Why an item is held.
#[derive(Debug, Clone, PartialEq)]
pub enum Held {
    /// It fails checks.
    Findings(Vec<Finding>),
    /// Its key moved under a hand edit.
    Moved(Vec<Reason>),
    /// Its key moved under a hand edit, and what was generated since cannot be merged with it.
    Conflict(Conflict),
    /// It stands in the main file and nothing tells where it comes from.
    Unexplained,
    /// The shared store may have it, and cannot be asked.
    OutOfReach,
}

/// Why a hand edit and what was generated since cannot be merged.
#[derive(Debug, Clone, PartialEq)]
pub struct Conflict {
    /// The fields that both changed; empty where the two together fail a check.
    pub fields: Vec<Clash>,
    /// What the two together fail.
    pub findings: Vec<Finding>,
}

impl Verdict {
    /// Its name, as plans and people use it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Missing => "missing",
            Self::Stale(_) => "stale",
            Self::Rejected(_) => "rejected",
            Self::Held(_) => "held",
            Self::Failed(_) => "failed",
            Self::Pending(_) => "pending",
        }
    }

    /// True when the item is to be bought without being asked.
    pub fn is_to_buy(&self) -> bool {
        matches!(self, Self::Missing | Self::Stale(_) | Self::Rejected(_))
    }
}

/// Why an item is stale. Sorted and grouped by its words in a plan.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// The key changed from this one. What differs is told by the parts that the store keeps of it.
    KeyMoved(Short),
    /// A part of the key changed, came or went.
    Part {
        /// The part's name.
        name: String,
        /// Its digest before; `None`: it was not there.
        old: Option<Digest>,
        /// Its digest now; `None`: it is gone.
        new: Option<Digest>,
    },
    /// The key changed, and nothing here knows the parts of the old one.
    KeyChanged,
    /// The key is the same, and the result's bytes are nowhere to be found.
    OutputLost,
    /// Asked for: `-B`.
    Forced,
    /// The result is pinned: it is kept although something changed.
    Pinned,
}

/// The seven kinds of verdict, counted: they sum to the number of items.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// See [`Verdict::Fresh`].
    pub fresh: usize,
    /// See [`Verdict::Missing`].
    pub missing: usize,
    /// See [`Verdict::Stale`].
    pub stale: usize,
    /// See [`Verdict::Rejected`].
    pub rejected: usize,
    /// See [`Verdict::Held`].
    pub held: usize,
    /// See [`Verdict::Failed`].
    pub failed: usize,
    /// See [`Verdict::Pending`].
    pub pending: usize,
}

impl Counts {
    /// Counts one verdict.
    pub fn add(&mut self, verdict: &Verdict) {
        *match verdict {
            Verdict::Fresh => &mut self.fresh,
            Verdict::Missing => &mut self.missing,
            Verdict::Stale(_) => &mut self.stale,
            Verdict::Rejected(_) => &mut self.rejected,
            Verdict::Held(_) => &mut self.held,
            Verdict::Failed(_) => &mut self.failed,
            Verdict::Pending(_) => &mut self.pending,
        } += 1;
    }

    /// The number of items counted.
    pub fn items(&self) -> usize {
        let Self { fresh, missing, stale, rejected, held, failed, pending } = *self;
        fresh + missing + stale + rejected + held + failed + pending
    }
}
