//! Derived fields as they were found when a course was adopted.
//!
//! They are what the course was made with, right or wrong: so they stand, and decide what is fed on, until somebody asks for them to
//! be computed or the item is generated anew. The lock says of which items; the main file, else the store, says which they are.

use super::adopt::Adopt;
use super::board::Board;
use super::derived::Firsts;
use super::memory::Memory;
use crate::course::{Derivation, Derived};
use crate::diag::Result;
use crate::json::{Value, strip};
use crate::store::{Provenance, Source, Store};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Of which items of a phase derived fields stand as they were found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Those of which the lock says so.
    ids: HashSet<Arc<str>>,
    /// There is no lock to say so: all that were adopted.
    unlocked: bool,
    /// Items that the main file has lost, as they were adopted.
    kept: HashMap<Arc<str>, Value>,
}

/// A derived field that was found otherwise than it is computed.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Difference {
    /// The item.
    pub item: String,
    /// Where in the item: a JSON pointer.
    pub field: String,
    /// What was found; null where nothing was.
    pub found: Value,
    /// What it is by the rule.
    pub computed: Value,
}

impl Board<'_> {
    /// Finds out of which items derived fields stand as found. Wants the wishes; to be done before anything is decided.
    pub fn recall_found(&mut self, memory: &Memory<'_>) -> Result<()> {
        for phase in 0..self.phases.len() {
            if self.rule(phase).output.derived.is_empty() {
                continue;
            }
            let lines = memory.phase_lock(&self.rule(phase).name).into_iter().flat_map(|lock| &lock.lines);
            let ids: HashSet<Arc<str>> =
                lines.filter(|(_, line)| line.as_found).map(|(id, _)| id.clone()).collect();
            let unlocked = !memory.has_lock();
            let main = &self.phases[phase].main;
            let lost = ids.iter().any(|id| main.find(id).is_none()) || (unlocked && main.is_absent());
            let kept = if lost {
                adopted_as_found(memory.store(), &self.course.code, &self.rule(phase).name)?
            } else {
                HashMap::new()
            };
            self.phases[phase].found = Found { ids, unlocked, kept };
        }
        Ok(())
    }

    /// True when the derived fields of an item stand as they were found.
    pub fn is_as_found(&self, phase: usize, root: usize, at: usize) -> bool {
        if self.rule(phase).output.derived.is_empty() || self.wishes.recompute {
            return false;
        }
        let cell = &self.phases[phase].slots[root].cells[at];
        let found = &self.phases[phase].found;
        let current = cell.decision.current.as_ref().or(cell.decision.linked.as_ref());
        current.is_some_and(|current| match current.provenance {
            Provenance::Generated => false,
            Provenance::Adopted if found.unlocked || self.wishes.adopt != Adopt::No => true,
            _ => found.ids.contains(&cell.id),
        })
    }

    /// An item as it was found, derived fields and all.
    fn found_value(&self, phase: usize, root: usize, at: usize) -> Option<Value> {
        if !self.is_as_found(phase, root, at) {
            return None;
        }
        let id = &self.phases[phase].slots[root].cells[at].id;
        let standing = self.phases[phase].main.get(id).and_then(|raw| serde_json::from_str(raw).ok());
        standing.or_else(|| self.phases[phase].found.kept.get(id).cloned())
    }

    /// Puts the derived fields of an item back as they were found; false if they are to be computed.
    pub(super) fn put_found(
        &self,
        phase: usize,
        (root, at): (usize, usize),
        value: &mut Value,
        compute: &dyn Fn(&mut Value),
    ) -> bool {
        let Some(found) = self.found_value(phase, root, at) else { return false };
        let current = &self.phases[phase].slots[root].cells[at].decision.current;
        let edited = current.as_ref().is_some_and(|current| current.provenance == Provenance::Edited);
        put_back(&self.rule(phase).output.derived, value, found, edited, compute);
        true
    }

    /// True when nothing before a root can change what its results look like, because they stand as found.
    pub(super) fn stands_as_found(&self, phase: usize, root: usize) -> bool {
        let fields = self.rule(phase).output.derived_fields();
        let slot = &self.phases[phase].slots[root];
        slot.cells.iter().enumerate().all(|(at, cell)| {
            let text = cell.decision.current.as_ref().map(|current| &current.text);
            let (Some(mut found), Some(text)) = (self.found_value(phase, root, at), text) else {
                return false;
            };
            strip(&mut found, &fields);
            self.output(phase, &cell.id, &self.phases[phase].roots[root], text).is_ok_and(|now| now == found)
        })
    }

    /// The derived fields of a phase that stand otherwise than they would be computed.
    pub fn found_otherwise(&self, phase: usize) -> Result<Vec<Difference>> {
        let mut told = Vec::new();
        let derived = &self.rule(phase).output.derived;
        let firsts = self.linked_firsts(phase);
        for (root, at, cell) in self.cells(phase) {
            let (Some(linked), Some(found)) = (&cell.decision.linked, self.found_value(phase, root, at))
            else {
                continue;
            };
            let mut value = self.output(phase, &cell.id, &self.phases[phase].roots[root], &linked.text)?;
            self.compute(phase, (root, at), &mut value, &firsts);
            for one in derived {
                one.holder.join(&one.name).walk(&value, &mut |path, computed| {
                    let found = found.pointer(path).cloned().unwrap_or_default();
                    if computed.is_some_and(|computed| *computed != found) {
                        told.push(Difference {
                            item: cell.id.to_string(),
                            field: path.to_owned(),
                            found,
                            computed: computed.cloned().unwrap_or_default(),
                        });
                    }
                });
            }
        }
        Ok(told)
    }

    /// Puts the derived fields into a value as the rule says.
    pub(super) fn compute(
        &self,
        phase: usize,
        (root, at): (usize, usize),
        value: &mut Value,
        firsts: &Firsts,
    ) {
        let last = self.phases[phase].slots[root].cells[at].last;
        super::derived::put_in(&self.rule(phase).output.derived, value, (root, at), last, firsts);
    }
}

/// The items of a phase as they were adopted, from the store.
fn adopted_as_found(store: &Store, course: &str, phase: &str) -> Result<HashMap<Arc<str>, Value>> {
    let of_phase = |source: &&Source| {
        source.provenance == Provenance::Adopted && *source.course == *course && *source.phase == *phase
    };
    let mut sources: Vec<&Source> = store.index()?.sources().iter().filter(of_phase).collect();
    sources.sort_by_key(|source| (source.ended_ms, source.entry));
    // What is torn is not there; what it told is computed.
    let texts = sources.into_iter().filter_map(|source| store.entry(source.entry).ok()?.raw);
    let values = texts.filter_map(|raw| serde_json::from_str::<serde_json::Map<String, Value>>(&raw).ok());
    Ok(values.flatten().map(|(id, value)| (id.into(), value)).collect())
}

/// The result stands for what was found: as it was, in its own order of fields. Where a part was changed since, only the parts
/// that are the same keep what was found; and a count of what a person changed is counted.
fn put_back(
    derived: &[Derived],
    value: &mut Value,
    found: Value,
    edited: bool,
    compute: &dyn Fn(&mut Value),
) {
    let fields: Vec<_> = derived.iter().map(|one| one.holder.join(&one.name)).collect();
    let plain = value.clone();
    let mut bare = found.clone();
    strip(&mut bare, &fields);
    compute(value);
    if bare == plain {
        let computed = std::mem::replace(value, found);
        for one in derived {
            let counted = edited && matches!(one.is, Derivation::Count(_));
            let told = one.holder.all(&computed);
            let mut told = told.into_iter();
            one.holder.change(value, &mut |holder| {
                let told = told.next().and_then(|told| told.get(&one.name));
                if let (Value::Object(fields), Some(told)) = (holder, told)
                    && (counted || !fields.contains_key(&one.name))
                {
                    fields.insert(one.name.clone(), told.clone());
                }
            });
        }
        return;
    }
    for one in derived.iter().filter(|one| !matches!(one.is, Derivation::Count(_))) {
        let (now, then, told) = (one.holder.all(&plain), one.holder.all(&bare), one.holder.all(&found));
        let mut now = now.into_iter();
        one.holder.change(value, &mut |holder| {
            let now = now.next();
            let same = then.iter().position(|then| Some(*then) == now);
            let told = same.and_then(|at| told.get(at)?.get(&one.name));
            if let (Value::Object(fields), Some(told)) = (holder, told) {
                fields.insert(one.name.clone(), told.clone());
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn derived(field: &str, is: Derivation) -> Derived {
        let field: crate::json::Pointer = field.parse().unwrap();
        let (holder, name) = field.split_last().unwrap();
        Derived { name: name.to_owned(), holder, is }
    }

    #[test]
    fn what_was_found_stands_where_the_rest_is_the_same() {
        let rule = [
            derived("/list/*/new", Derivation::Last),
            derived("/n", Derivation::Count("/list".parse().unwrap())),
        ];
        let compute = |value: &mut Value| {
            value["n"] = json!(2);
            for one in value["list"].as_array_mut().unwrap() {
                one["new"] = json!(true);
            }
        };
        let found = json!({"n": 9, "list": [{"new": false, "x": 1}, {"x": 2}]});
        let mut same = json!({"list": [{"x": 1}, {"x": 2}]});
        put_back(&rule, &mut same, found.clone(), false, &compute);
        assert_eq!(same.to_string(), r#"{"n":9,"list":[{"new":false,"x":1},{"x":2,"new":true}]}"#);
        let mut counted = json!({"list": [{"x": 1}, {"x": 2}]});
        put_back(&rule, &mut counted, found.clone(), true, &compute);
        assert_eq!((&counted["n"], &counted["list"][0]["new"]), (&json!(2), &json!(false)));
        let mut changed = json!({"list": [{"x": 3}, {"x": 1}]});
        put_back(&rule, &mut changed, found, false, &compute);
        assert_eq!(changed, json!({"n": 2, "list": [{"x": 3, "new": true}, {"x": 1, "new": false}]}));
    }
}
