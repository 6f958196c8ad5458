//! A hand edit and the result that was generated since: put together field by field, from what the edit was made from.

use super::board::Board;
use super::decide::{errors, fresh, held};
use super::facts::{Candidate, Current, Decision, Facts};
use super::memory::Memory;
use super::verdict::{Conflict, Held};
use crate::check::Finding;
use crate::diag::Result;
use crate::digest::{Digest, Short};
use crate::json::{Value, merge};
use crate::link::{Line, Text};
use crate::store::Provenance;
use std::sync::Arc;

/// The generated result that a moved edit could be merged with: one known under the present key that passes.
pub(super) fn theirs<'f>(facts: &'f Facts, judge: &dyn Fn(&str) -> Vec<Finding>) -> Option<&'f Candidate> {
    facts.results.iter().rev().find(|candidate| {
        candidate.provenance == Provenance::Generated
            && !facts.superseded.contains(&candidate.digest)
            && errors(judge(&candidate.text)).is_empty()
    })
}

/// Merges a hand edit with a newer generated result. Where both changed a field, or the two together fail a check, the edit goes on
/// standing, held. `mine` and `base` are outputs in lifted form; `key` is the present one.
pub fn refreshed(
    edit: &Current,
    mine: &str,
    base: Option<&str>,
    theirs: &Candidate,
    key: Short,
    judge: &dyn Fn(&str) -> Vec<Finding>,
) -> Decision {
    let value = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    let merged = merge(base.map(value).as_ref(), &value(mine), &value(&theirs.text));
    if !merged.clashes.is_empty() {
        let conflict = Conflict { fields: merged.clashes, findings: Vec::new() };
        return held(edit.clone(), Held::Conflict(conflict));
    }
    let digest = super::output_digest(&merged.value);
    if digest == theirs.digest {
        let text = Text::Lifted(theirs.text.clone());
        return fresh(Current { digest, text, provenance: theirs.provenance, key, unchecked: false });
    }
    let text = merged.value.to_string();
    let findings = errors(judge(&text));
    if !findings.is_empty() {
        return held(edit.clone(), Held::Conflict(Conflict { fields: Vec::new(), findings }));
    }
    let text = Text::Lifted(text.into());
    let current = Current { digest, text, provenance: Provenance::Edited, key, unchecked: false };
    Decision { file: Some(current.clone()), ..fresh(current) }
}

/// What becomes of an edit whose key moved when a newer generated result is known: with `refresh` they are merged, and without it
/// only a conflict is told. `None`: no such result is known, or nothing is asked.
pub(super) fn met(
    facts: &Facts,
    decision: &Decision,
    judge: &dyn Fn(&str) -> Vec<Finding>,
) -> Option<Decision> {
    let edit = decision.current.as_ref().filter(|_| !facts.results.is_empty())?;
    let Text::Lifted(mine) = &edit.text else { return None };
    let theirs = theirs(facts, judge)?;
    let met = refreshed(edit, mine, facts.base.as_deref(), theirs, facts.content.short(), judge);
    let conflict = matches!(met.verdict, super::Verdict::Held(_));
    (facts.refresh || conflict)
        .then(|| if conflict { Decision { file: decision.file.clone(), ..met } } else { met })
}

impl Memory<'_> {
    /// What the hand edit that stands for an item was made from, if its key is neither the present one (the first) nor one that counts as it.
    #[expect(clippy::too_many_arguments, reason = "an item, and the three places that can tell of its edit")]
    pub(super) fn base_of_standing(
        &self,
        board: &Board<'_>,
        phase: usize,
        id: &str,
        contents: &[Digest],
        standing: Option<Digest>,
        line: Option<Line>,
        edit: Option<&Candidate>,
    ) -> Result<Option<Arc<str>>> {
        let edited = match (standing, line) {
            (Some(digest), Some(line)) if line.digest != digest.short() => Some(line.key),
            (_, Some(line)) => (line.provenance == Provenance::Edited).then_some(line.key),
            (_, None) => edit.map(|edit| edit.content),
        };
        let Some(content) = contents.first() else { return Ok(None) };
        match edited.filter(|key| contents.iter().all(|content| content.short() != *key)) {
            Some(key) => self.base_of(board, phase, id, key, *content),
            None => Ok(None),
        }
    }

    /// What a hand edit was made from: the last result of the item under the edit's key that no person wrote, else the last one
    /// under any key but the present.
    pub fn base_of(
        &self,
        board: &Board<'_>,
        phase: usize,
        id: &str,
        key: Short,
        content: Digest,
    ) -> Result<Option<Arc<str>>> {
        let history = self.store().index()?.history(&board.course.code, &board.rule(phase).name, id);
        let made = || {
            history
                .iter()
                .rev()
                .filter_map(|asked| asked.result.as_ref())
                .filter(|known| known.provenance != Provenance::Edited && known.content != content)
        };
        let base = made().find(|known| known.content.short() == key).or_else(|| made().next());
        self.text_of(base)
    }
}
