//! `components`: a composite piece has components, and a feeder that a component refers to exists.

use super::Subject;
use super::fields::Fields;
use super::found::{Found, quote};
use super::pieces::Pieces;
use super::set::{Check, Definition, Scope};
use super::source::describe;
use crate::diag::Result;
use crate::json::{Pointer, Value, after_id};
use std::collections::HashSet;

pub(super) const DEFINITION: Definition = Definition {
    name: "components",
    version: 1,
    scope: Scope::Course,
    fields: &["pieces", "piece_id", "kind", "kinds", "components", "refers"],
    finds: &["components", "feeder"],
    compile: |fields| Components::compile(fields).map(Check::Components),
};

/// The ids of all earlier pieces.
pub(super) type Known = HashSet<Box<str>>;

#[derive(Debug)]
pub(super) struct Components {
    pieces: Pieces,
    components: Pointer,
    refers: Pointer,
}

/// A component's reference to a feeder.
struct Reference<'v> {
    piece: String,
    place: String,
    id: &'v str,
}

impl Components {
    fn compile(fields: &Fields<'_>) -> Result<Self> {
        Ok(Self {
            pieces: Pieces::compile(fields)?,
            components: fields.one_place("components")?,
            refers: fields.one_place("refers")?,
        })
    }

    pub(super) fn judge(&self, subject: &Subject<'_>, found: &mut Found<'_>) {
        let references = self.references(subject, Some(found));
        let own: HashSet<&str> = self.pieces.ids(subject).collect();
        for reference in references.iter().filter(|one| is_own(one.id, subject)) {
            if !own.contains(reference.id) {
                missing(reference, "this item has none of that id", found);
            }
        }
    }

    /// Of the feeders that other items are to have.
    pub(super) fn in_order(&self, known: &Known, subject: &Subject<'_>, found: &mut Found<'_>) {
        for reference in self.references(subject, None).iter().filter(|one| !is_own(one.id, subject)) {
            if !known.contains(reference.id) {
                missing(reference, "no item before this one has it", found);
            }
        }
    }

    pub(super) fn admit(&self, known: &mut Known, subject: &Subject<'_>) {
        known.extend(self.pieces.ids(subject).map(Box::from));
    }

    /// The references of all components, in order. What is wrong with the components goes to `found`, if it is given.
    fn references<'v>(&self, subject: &Subject<'v>, mut found: Option<&mut Found<'_>>) -> Vec<Reference<'v>> {
        let mut say = |message: &str| {
            if let Some(found) = &mut found {
                found.suggest(
                    "components",
                    message,
                    "list the components of every composite piece, in order",
                );
            }
        };
        let pieces = match self.pieces.of(subject) {
            Ok(pieces) => pieces,
            Err(why) => {
                say(&why);
                return Vec::new();
            }
        };
        let mut references = Vec::new();
        for piece in pieces {
            let place = format!("{}{}", piece.place, self.components);
            let list = match self.components.get(piece.value) {
                Some(Value::Array(list)) if !list.is_empty() => list,
                Some(Value::Array(_)) | None => {
                    say(&format!("{} is composite and has no components at `{place}`", quote(&piece.id)));
                    continue;
                }
                Some(other) => {
                    say(&format!("at `{place}` stands {} and not a list", describe(other)));
                    continue;
                }
            };
            for (number, component) in list.iter().enumerate() {
                if let Some(Value::String(id)) = self.refers.get(component) {
                    let place = format!("{place}/{number}{}", self.refers);
                    references.push(Reference { piece: piece.id.clone(), place, id });
                }
            }
        }
        references
    }
}

fn is_own(id: &str, subject: &Subject<'_>) -> bool {
    after_id(id, subject.ids.id).is_some()
}

fn missing(reference: &Reference<'_>, why: &str, found: &mut Found<'_>) {
    let (id, piece) = (quote(reference.id), quote(&reference.piece));
    found.suggest(
        "feeder",
        &format!("a component of {piece} refers at `{}` to {id}, and {why}", reference.place),
        &format!("add {id}, refer to a piece that is there, or take the reference out"),
    );
}

#[cfg(test)]
mod tests {
    use super::super::Finding;
    use super::super::tests::in_order;
    use super::*;
    use serde_json::json;

    fn findings(outputs: &[(&str, Value)]) -> Vec<Vec<Finding>> {
        let check = json!({"use": "components", "pieces": "/2", "piece_id": "/0", "kind": "/1", "kinds": ["C"],
            "components": "/4", "refers": "/2"});
        in_order(&[check], outputs)
    }

    fn seed(id: &str, legos: &Value) -> (String, Value) {
        (id.to_owned(), json!([id, ["t", "k"], legos]))
    }

    fn last(legos: &Value) -> Vec<Finding> {
        let first = seed("S0001", &json!([["S0001L01", "B", "a", "b"], ["S0001L02", "F", "a", "b"]]));
        let second = seed("S0002", legos);
        findings(&[(&first.0, first.1), (&second.0, second.1)]).pop().unwrap()
    }

    #[test]
    fn composites_with_components_and_known_feeders_pass() {
        for legos in [
            json!([]),
            json!([["S0002L01", "B", "t", "k"]]),
            json!([["S0002L01", "B", "t", "k", []]]),
            json!([["S0002L01", "C", "t", "k", [["p", "l"]]]]),
            json!([["S0002L01", "C", "t", "k", [["p", "l"], ["q", "m"]]]]),
            json!([["S0002L01", "C", "t", "k", [["p", "l", "S0001L02"]]]]),
            json!([["S0002L01", "C", "t", "k", [["p", "l", "S0001L01"], ["q", "m", "S0001L02"]]]]),
            json!([["S0002L01", "F", "p", "l"], ["S0002L02", "C", "t", "k", [["p", "l", "S0002L01"]]]]),
            json!([["S0002L02", "C", "t", "k", [["p", "l", "S0002L01"]]], ["S0002L01", "F", "p", "l"]]),
            json!([["S0002L01", "F", "p", "l", [["x", "y", "S9999L01"]]]]),
            json!([["S0002L01", "C", "我想", "k", [["我", "I"], ["想", "want"]]]]),
        ] {
            let findings = last(&legos);
            assert!(findings.is_empty(), "{findings:#?}");
        }
    }

    #[test]
    fn composites_without_components_and_unknown_feeders_are_refused() {
        let refers = |to: &str| json!([["S0002L01", "C", "t", "k", [["p", "l", to]]]]);
        for (legos, kind, part) in [
            (
                json!([["S0002L01", "C", "t", "k"]]),
                "components",
                "`S0002L01` is composite and has no components",
            ),
            (json!([["S0002L01", "C", "t", "k", []]]), "components", "has no components at `/2/0/4`"),
            (json!([["S0002L01", "C", "t", "k", "p"]]), "components", "stands the text `p` and not a list"),
            (json!([["S0002L01", "C", "t", "k", {"p": "l"}]]), "components", "and not a list"),
            (json!("x"), "components", "stands the text `x` and not a list"),
            (json!([["S0002L01"]]), "components", "nothing stands at `/2/0/1`"),
            (refers("S0002L09"), "feeder", "this item has none of that id"),
            (refers("S0001L09"), "feeder", "no item before this one has it"),
            (refers("S0003L01"), "feeder", "refers at `/2/0/4/0/2` to `S0003L01`, and no item before"),
            (refers("S00021L01"), "feeder", "no item before this one has it"),
            (refers("s0002l01"), "feeder", "no item before"),
            (refers(""), "feeder", "no item before"),
        ] {
            let findings = last(&legos);
            assert_eq!(findings.len(), 1, "{legos}: {findings:#?}");
            assert_eq!((findings[0].kind.as_str(), findings[0].item.as_str()), (kind, "S0002"));
            assert!(findings[0].message.contains(part), "{}", findings[0].message);
        }
    }

    #[test]
    fn a_feeder_of_a_later_item_is_not_there_yet() {
        let uses = json!([["S0001L01", "C", "t", "k", [["p", "l", "S0002L01"]]]]);
        let (a, b) = (seed("S0001", &uses), seed("S0002", &json!([["S0002L01", "F", "p", "l"]])));
        let all = findings(&[(&a.0, a.1), (&b.0, b.1)]);
        assert_eq!((all[0].len(), all[1].len()), (1, 0));
    }
}
