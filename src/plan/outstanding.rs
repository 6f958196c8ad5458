//! Edits of the recipe that made items stale, and how many items each of them holds up: what somebody may accept.

use super::board::Board;
use super::memory::Memory;
use super::texts::MadeFrom;
use super::verdict::{Held, Reason, Verdict};
use crate::diag::Result;
use crate::digest::{Digest, Short};
use crate::key::{COHORT, Part, difference};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// A part of the recipe that changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// Its name.
    pub part: String,
    /// Its digest before; `None`: it was not there.
    pub old: Option<Digest>,
    /// Its digest now; `None`: it is gone.
    pub new: Option<Digest>,
    /// For a part that came or went: the part before it, where there is one.
    pub after: Option<String>,
}

/// What changed in a phase's recipe since its items were made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outstanding {
    /// Each change: how many items have it, and how many of them no other one.
    pub changes: BTreeMap<Change, (usize, usize)>,
    /// Items that would be kept if all of it were accepted.
    pub all: usize,
    /// Items of which the store does not know what they were made from.
    pub unknown: usize,
}

/// What changed in a phase's recipe, by what its stale and held items were made from.
pub fn outstanding(board: &Board<'_>, phase: usize, memory: &Memory<'_>) -> Result<Outstanding> {
    let moved: Vec<(usize, usize, Short)> = board
        .cells(phase)
        .filter_map(|(root, at, cell)| {
            let old = match &cell.decision.verdict {
                Verdict::Stale(reasons) | Verdict::Held(Held::Moved(reasons)) => {
                    reasons.iter().find_map(|reason| match reason {
                        Reason::KeyMoved(old) => Some(*old),
                        _ => None,
                    })
                }
                // Its own parts are not known yet, but the recipe is.
                Verdict::Pending(_) => cell.decision.linked.as_ref().map(|linked| linked.key),
                _ => None,
            };
            Some((root, at, old?))
        })
        .collect();
    let told: Vec<Option<Vec<Change>>> = moved
        .par_iter()
        .map(|(root, at, old)| changes(board, phase, (*root, *at), *old, memory))
        .collect::<Result<_>>()?;
    let mut found = Outstanding::default();
    for changes in told {
        let Some(changes) = changes else {
            found.unknown += 1;
            continue;
        };
        let acceptable: Vec<&Change> =
            changes.iter().filter(|change| may_be_accepted(&change.part)).collect();
        let only = acceptable.len() == changes.len();
        found.all += usize::from(only && !changes.is_empty());
        for change in &acceptable {
            let (items, alone) = found.changes.entry((*change).clone()).or_default();
            *items += 1;
            *alone += usize::from(only && acceptable.len() == 1);
        }
    }
    Ok(found)
}

/// What an answer's shape means is nobody's to declare; and what an item is made from is its own.
fn may_be_accepted(part: &str) -> bool {
    part != "answer" && !is_own(part)
}

/// Whether a part is the item's own.
fn is_own(part: &str) -> bool {
    part == COHORT || part == "input" || part.starts_with("input/") || part.starts_with("context/")
}

/// Whether a reason is an edit that somebody may accept.
pub(super) fn could_be_accepted(reason: &Reason) -> bool {
    matches!(reason, Reason::Part { name, .. } if may_be_accepted(name))
}

fn changes(
    board: &Board<'_>,
    phase: usize,
    (root, at): (usize, usize),
    old: Short,
    memory: &Memory<'_>,
) -> Result<Option<Vec<Change>>> {
    let Some(MadeFrom { parts: mut old, .. }) = memory.made_under(old)? else { return Ok(None) };
    let detail = board.detail_of(phase, root, at)?;
    if detail.is_none() {
        old.retain(|part| !is_own(&part.name));
    }
    let own = detail.map(|detail| detail.own).unwrap_or_default();
    let new: Vec<Part> = board.phases[phase].recipe(root).parts().iter().chain(&own).cloned().collect();
    let changed = difference(&old, &new).into_iter();
    let changed = changed.filter(|(part, old, new)| !board.is_accepted(phase, part, *old, *new));
    let change = |(part, before, now): (&str, Option<Digest>, Option<Digest>)| {
        let whole = if now.is_some() { &new } else { &old };
        let position = whole.iter().position(|other| &*other.name == part).unwrap_or_default();
        let comes_or_goes = before.is_none() || now.is_none();
        let after = position.checked_sub(1).filter(|_| comes_or_goes).map(|at| whole[at].name.to_string());
        Change { part: part.to_owned(), old: before, new: now, after }
    };
    Ok(Some(changed.map(change).collect()))
}
