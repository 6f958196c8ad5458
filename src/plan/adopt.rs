//! Adoption: what stands in a main file becomes the result of the present inputs and documents.
//!
//! Asked for, never guessed: without being named, only what nothing explains is taken. What fails a check is held as it is.

use super::decide::{errors, fresh, held};
use super::facts::{Current, Decision, Facts};
use super::verdict::{Held, Verdict};
use crate::check::Finding;
use crate::link::Text;
use crate::store::Provenance;

/// What of the main files is to be taken as results of the present inputs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Adopt {
    /// Nothing.
    #[default]
    No,
    /// What nothing tells the origin of: no lock line, and the store does not know it.
    Unexplained,
    /// That, and what is out of date.
    Named,
}

/// The decision over an item that is adopted; `None` where there is nothing to adopt.
pub(super) fn adopted(
    facts: &Facts,
    decision: &Decision,
    judge: &dyn Fn(&str) -> Vec<Finding>,
) -> Option<Decision> {
    let standing = facts.standing.as_ref().filter(|_| facts.adopt != Adopt::No)?;
    let new_here = facts.line.is_none() && standing.known.is_none();
    let named = facts.adopt == Adopt::Named;
    let provenance = match &decision.verdict {
        Verdict::Held(Held::Unexplained) => Provenance::Adopted,
        Verdict::Fresh | Verdict::Held(_) if new_here => Provenance::Adopted,
        // What a person wrote stays theirs: it is held, not bought, when its key moves again.
        Verdict::Held(Held::Moved(_)) if named => Provenance::Edited,
        Verdict::Stale(_) if named => Provenance::Adopted,
        _ => return None,
    };
    let current = Current {
        digest: standing.digest,
        text: Text::Lifted(standing.text.clone()),
        provenance,
        key: facts.content.short(),
        unchecked: false,
    };
    let findings = errors(judge(&standing.text));
    let decision = match findings.is_empty() {
        true => fresh(current.clone()),
        false => held(current.clone(), Held::Findings(findings)),
    };
    Some(Decision { file: Some(current), ..decision })
}
