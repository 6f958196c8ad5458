//! `unique`: the names inside an output are the item's own, and no two are the same.

use super::fields::Fields;
use super::found::{Found, quote};
use super::source::{place, text};
use super::{Check, Definition, Scope, Subject};
use crate::diag::Result;
use crate::json::{Pointer, after_id};
use std::collections::HashMap;
use std::collections::hash_map::Entry;

pub(super) const DEFINITION: Definition = Definition {
    name: "unique",
    version: 1,
    scope: Scope::Item,
    fields: &["values", "starts_with_id"],
    finds: &["unique", "foreign_id"],
    compile: |fields| Unique::compile(fields).map(Check::Unique),
};

#[derive(Debug)]
pub(super) struct Unique {
    values: Pointer,
    starts_with_id: bool,
}

impl Unique {
    fn compile(fields: &Fields<'_>) -> Result<Self> {
        Ok(Self { values: fields.pointer("values")?, starts_with_id: fields.flag("starts_with_id")? })
    }

    pub(super) fn judge(&self, subject: &Subject<'_>, found: &mut Found<'_>) {
        let id = subject.ids.id;
        let mut seen: HashMap<&str, String> = HashMap::new();
        self.values.walk(subject.output, &mut |path, value| {
            let name = match text(place(path), value) {
                Ok(name) => name,
                Err(why) => return found.add("unique", &why),
            };
            match seen.entry(name) {
                Entry::Occupied(first) => found.suggest(
                    "unique",
                    &format!("{} stands at {} and again at {}", quote(name), place(first.get()), place(path)),
                    "give every one a name of its own",
                ),
                Entry::Vacant(free) => {
                    free.insert(path.to_owned());
                }
            }
            if self.starts_with_id && after_id(name, id).is_none() {
                found.suggest(
                    "foreign_id",
                    &format!(
                        "the id {} at {} does not start with the item's id `{id}`",
                        quote(name),
                        place(path)
                    ),
                    &format!("let every id inside this item start with `{id}`"),
                );
            }
        });
    }
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::needless_pass_by_value,
        reason = "a test reads best with its `json!` values in the call"
    )]

    use super::super::Finding;
    use super::super::tests::judge;
    use serde_json::{Value, json};

    fn unique(legos: Value) -> Vec<Finding> {
        let check = json!({"use": "unique", "values": "/2/*/0", "starts_with_id": true});
        judge(check, &Value::Null, &json!(["S0001", [], legos]))
    }

    fn of(ids: &[&str]) -> Value {
        ids.iter().map(|id| json!([id, "B"])).collect()
    }

    #[test]
    fn names_of_the_items_own_pass() {
        let many: Vec<String> = (0..5000).map(|n| format!("S0001L{n}")).collect();
        for legos in [
            of(&[]),
            of(&["S0001L01"]),
            of(&["S0001L01", "S0001L02", "S0001L03"]),
            of(&["S0001L02", "S0001L01"]),
            of(&["S0001L1", "S0001L10"]),
            of(&["S0001"]),
            of(&["S0001-a", "S0001_b"]),
            of(&["S0001é", "S0001我"]),
            of(&["S0001L01", "S0001l01"]),
            json!({"x": ["S0001L01"], "y": ["S0001L02"]}),
            many.iter().map(|id| json!([id])).collect(),
        ] {
            let findings = unique(legos);
            assert!(findings.is_empty(), "{findings:#?}");
        }
        assert!(
            judge(json!({"use": "unique", "values": "/*"}), &Value::Null, &json!(["a", "b", ""])).is_empty()
        );
        assert!(judge(json!({"use": "unique", "values": "/x/*"}), &Value::Null, &json!({})).is_empty());
    }

    #[test]
    fn doubled_foreign_and_nameless_ones_are_refused() {
        for (legos, kinds) in [
            (of(&["S0001L01", "S0001L01"]), vec!["unique"]),
            (of(&["S0001L01", "S0001L02", "S0001L01"]), vec!["unique"]),
            (of(&["S0001L01", "S0001L01", "S0001L01"]), vec!["unique", "unique"]),
            (of(&["S0002L01"]), vec!["foreign_id"]),
            (of(&["S00010L01"]), vec!["foreign_id"]),
            (of(&["s0001L01"]), vec!["foreign_id"]),
            (of(&[" S0001L01"]), vec!["foreign_id"]),
            (of(&[""]), vec!["foreign_id"]),
            (of(&["../../x"]), vec!["foreign_id"]),
            (of(&["L01", "L01"]), vec!["foreign_id", "unique", "foreign_id"]),
            (json!([[7]]), vec!["unique"]),
            (json!([[]]), vec!["unique"]),
            (json!("x"), vec!["unique"]),
        ] {
            let findings = unique(legos);
            assert_eq!(findings.iter().map(|f| f.kind.as_str()).collect::<Vec<_>>(), kinds);
        }
    }

    #[test]
    fn findings_name_both_places() {
        let messages = |legos| unique(legos).into_iter().map(|f| f.message).collect::<Vec<_>>();
        assert_eq!(
            messages(of(&["S0001L01", "S0001L02", "S0001L01"])),
            ["`S0001L01` stands at `/2/0/0` and again at `/2/2/0`"]
        );
        assert_eq!(
            messages(of(&["S0002L01"])),
            ["the id `S0002L01` at `/2/0/0` does not start with the item's id `S0001`"]
        );
        assert_eq!(messages(json!([[]])), ["nothing stands at `/2/0/0`, where a text is wanted"]);
        assert_eq!(unique(of(&["x"; 1000])).len(), 9);
    }
}
