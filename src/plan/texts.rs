//! The texts behind the parts of an item's key that changed, before and now: what a person wants to see of an edit.
//!
//! Only explains. A text that nobody kept is left out; no decision looks here.

use super::board::Board;
use super::memory::Memory;
use super::verdict::{Held, Reason, Verdict};
use crate::course::Section;
use crate::diag::Result;
use crate::digest::{Digest, Short};
use crate::json::{Ids, Value, put_back};
use crate::key::{Part, Recipe, difference};
use std::collections::BTreeMap;

/// A part's text before and now; `None` where there was or is none, or nobody knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PartTexts {
    /// As it was sent when the present result was made.
    pub before: Option<String>,
    /// As it would be sent now.
    pub now: Option<String>,
}

/// What an item was made from, as far as the store remembers.
pub(super) struct MadeFrom {
    /// The parts of its key.
    pub(super) parts: Vec<Part>,
    /// The blob with the texts behind the shared ones.
    pub(super) texts: Option<Digest>,
    /// Its input, ids lifted; null if that is not known.
    pub(super) input: Value,
}

impl Memory<'_> {
    /// What is behind an earlier content key, where the store knows it: of whatever item, for the same key has the same parts.
    pub(super) fn made_under(&self, old: Short) -> Result<Option<MadeFrom>> {
        for (entry, item) in self.store().index()?.named_under(old) {
            let Ok(entry) = self.store().entry(entry) else { continue };
            let intent = entry.intent;
            // What the tool filed itself, a hand edit or a result that moved, does not tell what was sent.
            if intent.recipe.is_empty() {
                continue;
            }
            if let Some(item) = intent.items.into_iter().nth(item) {
                let parts = intent.recipe.into_iter().chain(item.parts).collect();
                return Ok(Some(MadeFrom { parts, texts: intent.texts, input: item.input }));
            }
        }
        Ok(None)
    }
}

/// The texts of the parts for which an item is stale or held, by the names of the parts.
pub fn part_texts(
    board: &Board<'_>,
    phase: usize,
    root: usize,
    at: usize,
    memory: &Memory<'_>,
) -> Result<BTreeMap<String, PartTexts>> {
    let cell = &board.phases[phase].slots[root].cells[at];
    let (Verdict::Stale(reasons) | Verdict::Held(Held::Moved(reasons))) = &cell.decision.verdict else {
        return Ok(BTreeMap::new());
    };
    let mut told = BTreeMap::new();
    for reason in reasons {
        let Reason::KeyMoved(old) = reason else { continue };
        let Some(made) = memory.made_under(*old)? else { continue };
        let Some(detail) = board.detail_of(phase, root, at)? else { continue };
        let ids = Ids { id: &detail.id, root: &detail.root };
        let MadeFrom { parts, texts, input } = made;
        let before = texts.and_then(|texts| memory.store().texts(&texts)).unwrap_or_default();
        let now = recipe_texts(board, phase, root);
        let shared = board.phases[phase].recipe(root).parts().iter();
        let new: Vec<_> = shared.chain(&detail.own).cloned().collect();
        let inputs = [with_ids(board, phase, input, ids), detail.input];
        for (name, ..) in difference(&parts, &new) {
            let texts = match name.strip_prefix("input") {
                Some(field) => {
                    let [before, now] = &inputs;
                    PartTexts { before: field_text(before, field), now: field_text(now, field) }
                }
                None => PartTexts { before: before.get(name).cloned(), now: now.get(name).cloned() },
            };
            told.insert(name.to_owned(), texts);
        }
    }
    Ok(told)
}

/// The texts behind the shared parts of a root's items, as they are now.
pub fn recipe_texts(board: &Board<'_>, phase: usize, root: usize) -> BTreeMap<std::sync::Arc<str>, String> {
    let rule = board.rule(phase);
    let at = &board.phases[phase];
    let scoped = at.scopes[at.scope_of[root] as usize].sections.iter();
    let scoped: Vec<&Section> = scoped.map(|number| &rule.prompt.scoped[*number]).collect();
    Recipe::texts(board.course, rule, &scoped)
}

/// An input in lifted form, with the item's ids put back.
fn with_ids(board: &Board<'_>, phase: usize, mut input: Value, ids: Ids<'_>) -> Value {
    put_back(&mut input, &board.rule(phase).input_ids, ids);
    input
}

/// What stands in a field (`/target`) of an input, or the whole of an input that has no fields (an empty name).
fn field_text(input: &Value, field: &str) -> Option<String> {
    let value = match field.strip_prefix('/') {
        Some(name) => input.get(name)?,
        None => input,
    };
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(format!("{other:#}")),
    }
}
