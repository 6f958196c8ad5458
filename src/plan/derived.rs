//! Derived fields: what a result tells of its place in the whole course.
//!
//! A first occurrence looks back over all results before it, in source order, never in order of arrival. So it is certain for a
//! root when all roots before it are settled, and whoever is fed by such a phase waits for that. Before, and for what is shown
//! without being fed on, it is told from what the main file shows.

use super::board::{Board, State};
use super::memory::Memory;
use super::small;
use crate::course::{Derivation, Derived, Feed, Role};
use crate::diag::Result;
use crate::digest::{Digest, Hasher};
use crate::json::{Value, canonical, normalize};
use crate::link::Text;
use std::collections::HashMap;

/// Root, number in its slot, number of the holder in the item.
type Place = (u32, u32, u32);

/// Where values were seen first.
#[derive(Debug, Clone, Default)]
pub struct Firsts(HashMap<Digest, Place>);

impl Firsts {
    fn note(&mut self, derived: &[Derived], (root, cell): (usize, usize), value: &Value) {
        for (number, one) in derived.iter().enumerate() {
            for (at, holder) in one.holder.all(value).into_iter().enumerate() {
                if let Some(seen) = seen(one, number, holder) {
                    let place = (small(root), small(cell), small(at));
                    let first = self.0.entry(seen).or_insert(place);
                    *first = place.min(*first);
                }
            }
        }
    }

    /// Nothing before this place has the value.
    fn is_first(&self, seen: &Digest, place: Place) -> bool {
        self.0.get(seen).is_none_or(|first| place <= *first)
    }
}

/// What is compared of a holder, when the derivation compares.
fn seen(derived: &Derived, number: usize, holder: &Value) -> Option<Digest> {
    let Derivation::FirstOccurrence(of) = &derived.is else { return None };
    let mut hasher = Hasher::new("first occurrence");
    hasher.field("field", number.to_string().as_bytes());
    for pointer in of {
        let mut value = pointer.get(holder).cloned().unwrap_or_default();
        normalize(&mut value);
        hasher.field("value", &canonical(&value));
    }
    Some(hasher.finish())
}

/// Puts the derived fields into a result whose ids are in it.
pub(super) fn put_in(
    derived: &[Derived],
    value: &mut Value,
    (root, cell): (usize, usize),
    last: bool,
    firsts: &Firsts,
) {
    for (number, one) in derived.iter().enumerate() {
        let tell = |(at, holder): (usize, &Value)| match &one.is {
            Derivation::Last => Value::Bool(last),
            Derivation::Count(of) => Value::from(count(of, holder)),
            Derivation::FirstOccurrence(_) => Value::Bool(
                seen(one, number, holder)
                    .is_none_or(|seen| firsts.is_first(&seen, (small(root), small(cell), small(at)))),
            ),
        };
        let told: Vec<Value> = one.holder.all(value).into_iter().enumerate().map(tell).collect();
        let mut told = told.into_iter();
        one.holder.change(value, &mut |holder| {
            if let (Value::Object(fields), Some(told)) = (holder, told.next()) {
                fields.insert(one.name.clone(), told);
            }
        });
    }
}

/// The length of the list at a pointer; behind a `*`, of all of them.
fn count(of: &crate::json::Pointer, holder: &Value) -> usize {
    let length = |value: &Value| match value {
        Value::Array(items) => items.len(),
        Value::Object(fields) => fields.len(),
        _ => 0,
    };
    of.all(holder).into_iter().map(length).sum()
}

impl Board<'_> {
    /// An output as its reader sees it: with the item's ids and its derived fields.
    pub fn full_output(&self, phase: usize, root: usize, cell: usize, text: &Text) -> Result<Value> {
        let board = &self.phases[phase];
        let mut value = self.output(phase, &board.slots[root].cells[cell].id, &board.roots[root], text)?;
        let firsts = if root < self.settled(phase) { &board.firsts } else { &board.firsts_before };
        self.derive(phase, root, cell, &mut value, firsts);
        Ok(value)
    }

    /// Puts the derived fields into an output that has its ids.
    pub fn derive(&self, phase: usize, root: usize, cell: usize, value: &mut Value, firsts: &Firsts) {
        let derived = &self.rule(phase).output.derived;
        if !derived.is_empty() {
            let compute = |value: &mut Value| self.compute(phase, (root, cell), value, firsts);
            if !self.put_found(phase, (root, cell), value, &compute) {
                compute(value);
            }
        }
    }

    /// Remembers what stands first in a root.
    pub(super) fn note_firsts(&mut self, phase: usize, root: usize) {
        let mut firsts = std::mem::take(&mut self.phases[phase].firsts);
        self.add_firsts(phase, root, &mut firsts);
        self.phases[phase].firsts = firsts;
    }

    /// Where values stand first in what the main file is to show.
    pub fn linked_firsts(&self, phase: usize) -> Firsts {
        let mut firsts = Firsts::default();
        if self.rule(phase).output.looks_back() {
            (0..self.phases[phase].slots.len()).for_each(|root| self.add_firsts(phase, root, &mut firsts));
        }
        firsts
    }

    fn add_firsts(&self, phase: usize, root: usize, firsts: &mut Firsts) {
        let board = &self.phases[phase];
        for (at, cell) in board.slots[root].cells.iter().enumerate() {
            let Some(linked) = &cell.decision.linked else { continue };
            // What cannot be read has no values; whoever uses it is told.
            if let Ok(value) = self.output(phase, &cell.id, &board.roots[root], &linked.text) {
                firsts.note(&self.rule(phase).output.derived, (root, at), &value);
            }
        }
    }

    /// Of a root that waits only to learn what stands first: how many items to be bought it has if all that may be first is.
    pub(super) fn possible(&self, phase: usize, root: usize, memory: &Memory<'_>) -> Result<Option<u32>> {
        let rule = self.rule(phase);
        let Feed::Phase { phase: feed, .. } = rule.feed else { return Ok(None) };
        let keyed = rule.batch.cohort || rule.contexts.iter().any(|context| context.role == Role::Key);
        let slot = &self.phases[feed].slots[root];
        if keyed || slot.state != State::Settled || !self.rule(feed).output.looks_back() {
            return Ok(None);
        }
        let mut wanted = 0;
        for (at, upstream) in slot.cells.iter().enumerate() {
            let Some(current) = &upstream.decision.current else { continue };
            let root_id = &self.phases[feed].roots[root];
            let mut value = self.output(feed, &upstream.id, root_id, &current.text)?;
            // What is certain so far: a value that is not among it may still turn out to be first.
            self.derive(feed, root, at, &mut value, &self.phases[feed].firsts);
            for draft in self.drafts_of(phase, root, &upstream.id, &value)? {
                wanted += u32::from(self.decided(phase, root, at, &draft, memory)?.is_wanted());
            }
        }
        Ok(Some(wanted))
    }

    /// True when what the results of a root look like is certain: nothing before it can change that any more.
    pub(super) fn is_certain(&self, phase: usize, root: usize) -> bool {
        self.phases[phase].slots[root].state == State::Settled
            && (!self.rule(phase).output.looks_back()
                || self.settled(phase) > root
                || self.stands_as_found(phase, root))
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

    fn first() -> Derived {
        let of = ["/lego/known", "/lego/target"].map(|text| text.parse().unwrap());
        derived("/legos/*/new", Derivation::FirstOccurrence(of.into()))
    }

    fn seed(legos: &[(&str, &str)]) -> Value {
        let legos: Vec<Value> =
            legos.iter().map(|(known, target)| json!({"lego": {"known": known, "target": target}})).collect();
        json!({ "legos": legos })
    }

    fn told(value: &Value) -> Vec<bool> {
        let legos = value["legos"].as_array().unwrap();
        legos.iter().map(|lego| lego["new"].as_bool().unwrap()).collect()
    }

    #[test]
    fn the_first_in_source_order_is_new_whatever_came_first() {
        let seeds = [
            seed(&[("I", "yo"), ("want", "quiero")]),
            seed(&[("I", "yo"), ("speak", "hablo"), ("speak", "hablo"), ("I", "Yo")]),
            seed(&[("cafe\u{301}", "x"), ("want", "quiero"), ("speak", "hablo")]),
            seed(&[("caf\u{e9}", "x")]),
        ];
        for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]] {
            let mut firsts = Firsts::default();
            for root in order {
                firsts.note(&[first()], (root, 0), &seeds[root]);
            }
            let all: Vec<Vec<bool>> = (0..4)
                .map(|root| {
                    let mut value = seeds[root].clone();
                    put_in(&[first()], &mut value, (root, 0), false, &firsts);
                    told(&value)
                })
                .collect();
            assert_eq!(
                all,
                [vec![true, true], vec![false, true, false, true], vec![true, false, false], vec![false]]
            );
        }
    }

    #[test]
    fn counts_and_lasts_are_told_of_each_holder() {
        let fields = [
            derived("/n", Derivation::Count("/list".parse().unwrap())),
            derived("/all", Derivation::Count("/by/*".parse().unwrap())),
            derived("/last", Derivation::Last),
        ];
        let mut value = json!({"n": 9, "list": [1, 2, 3], "by": {"a": [1], "b": [1, 2], "c": 7}});
        put_in(&fields, &mut value, (0, 0), true, &Firsts::default());
        assert_eq!((&value["n"], &value["all"], &value["last"]), (&json!(3), &json!(3), &json!(true)));
        let mut lacks = json!({});
        put_in(&fields, &mut lacks, (0, 0), false, &Firsts::default());
        assert_eq!(lacks, json!({"n": 0, "all": 0, "last": false}));
        let mut no_object = json!([1]);
        put_in(&fields, &mut no_object, (0, 0), false, &Firsts::default());
        assert_eq!(no_object, json!([1]));
    }
}
