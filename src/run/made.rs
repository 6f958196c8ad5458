//! Which versions of the documents, templates and the rest of a recipe the results that stand were made from: after a build of
//! some items only, a main file has several.

use super::views::MadeOf;
use crate::diag::Result;
use crate::digest::Short;
use crate::key::{Part, difference};
use crate::plan::{Board, Verdict, part_words};
use crate::store::Store;
use std::collections::{BTreeMap, HashMap};

/// What results were sent, and when they were asked for (milliseconds since 1970).
type Asked = (Vec<Part>, u64);

/// The results that stand in a main file, counted by what of the recipe has changed since: those of the present one first, then
/// the oldest. What the store does not know comes last.
pub(super) fn made_of(board: &Board<'_>, phase: usize, store: &Store) -> Result<Vec<MadeOf>> {
    let mut known: HashMap<Short, Option<Asked>> = HashMap::new();
    let mut present = 0;
    let mut older: BTreeMap<Option<Vec<String>>, (usize, Option<u64>)> = BTreeMap::new();
    for (root, _, cell) in board.cells(phase) {
        let Some(linked) = &cell.decision.linked else { continue };
        if cell.decision.verdict == Verdict::Fresh || linked.key == cell.content.short() {
            present += 1;
            continue;
        }
        let asked = match known.get(&linked.key) {
            Some(asked) => asked,
            None => {
                let found = asked_under(store, linked.key)?;
                known.entry(linked.key).or_insert(found)
            }
        };
        let changed = asked.as_ref().map(|(parts, _)| changes(board, phase, root, parts));
        if changed.as_ref().is_some_and(Vec::is_empty) {
            present += 1;
            continue;
        }
        let (items, since) = older.entry(changed).or_default();
        *items += 1;
        *since = asked.as_ref().map(|(_, at)| since.map_or(*at, |since| since.min(*at)));
    }
    let mut told: Vec<MadeOf> = older
        .into_iter()
        .map(|(changed, (items, since_ms))| MadeOf { items, present: false, changed, since_ms })
        .collect();
    told.sort_by_key(|one| (one.since_ms.is_none(), one.since_ms));
    let now = MadeOf { items: present, present: true, changed: Some(Vec::new()), since_ms: None };
    Ok((present > 0).then_some(now).into_iter().chain(told).collect())
}

/// What a call was sent that asked for results under a key, without what is the items' own.
fn asked_under(store: &Store, key: Short) -> Result<Option<Asked>> {
    for (entry, _) in store.index()?.named_under(key) {
        // What the tool filed itself, a hand edit or a result that moved, does not tell what was sent.
        if let Ok(entry) = store.entry(entry)
            && !entry.intent.recipe.is_empty()
        {
            return Ok(Some((entry.intent.recipe, entry.intent.asked_ms)));
        }
    }
    Ok(None)
}

/// The parts of the recipe that are others now, in words.
fn changes(board: &Board<'_>, phase: usize, root: usize, old: &[Part]) -> Vec<String> {
    difference(old, board.phases[phase].recipe(root).parts())
        .into_iter()
        .filter(|(part, old, new)| !board.is_accepted(phase, part, *old, *new))
        .map(|(part, ..)| part_words(part))
        .collect()
}
