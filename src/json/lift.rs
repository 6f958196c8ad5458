//! Ids lifted out of inputs and outputs, and put back.
//!
//! A result is reused when its content is the same, whatever its item is called now. So the id fields that a rule declares
//! hold `{id}` (or `{root}`) instead of the id while they are hashed, compared and stored.

use super::{Pointer, Value};

/// The names of one item: its own id and that of the source item that it descends from (the same for a phase that does not
/// split its items).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ids<'a> {
    /// The item's id: `S0001L02`.
    pub id: &'a str,
    /// The id of its root: `S0001`.
    pub root: &'a str,
}

/// Replaces the ids in the declared fields: a string that is or starts with the item's id gets `{id}` in its place, one that
/// starts with the root's `{root}`. A name that merely begins with the same letters stays (`S1` is no prefix of `S10`).
pub fn lift(value: &mut Value, fields: &[Pointer], ids: Ids<'_>) {
    each_string(value, fields, &mut |text| {
        if let Some(rest) = after_id(text, ids.id) {
            *text = format!("{{id}}{rest}");
        } else if let Some(rest) = after_id(text, ids.root) {
            *text = format!("{{root}}{rest}");
        } else if text.starts_with('{') {
            text.insert(0, '{');
        }
    });
}

/// Undoes [`lift`], for the same item or for one that takes over the result.
pub fn put_back(value: &mut Value, fields: &[Pointer], ids: Ids<'_>) {
    each_string(value, fields, &mut |text| {
        if text.starts_with("{{") {
            text.remove(0);
        } else if let Some(rest) = text.strip_prefix("{id}") {
            *text = format!("{}{rest}", ids.id);
        } else if let Some(rest) = text.strip_prefix("{root}") {
            *text = format!("{}{rest}", ids.root);
        }
    });
}

/// Takes fields out of a value, wherever they stand; the order of the others stays.
pub fn strip(value: &mut Value, fields: &[Pointer]) {
    for (holder, name) in fields.iter().filter_map(Pointer::split_last) {
        holder.change(value, &mut |object| {
            if let Value::Object(fields) = object {
                fields.shift_remove(name);
            }
        });
    }
}

fn each_string(value: &mut Value, fields: &[Pointer], change: &mut dyn FnMut(&mut String)) {
    for field in fields {
        field.change(value, &mut |hit| {
            if let Value::String(text) = hit {
                change(text);
            }
        });
    }
}

/// What follows `id` in `text`, when `id` ends there: a digit followed by a digit, or a letter by a letter, is one longer name.
pub fn after_id<'t>(text: &'t str, id: &str) -> Option<&'t str> {
    let rest = text.strip_prefix(id).filter(|_| !id.is_empty())?;
    let goes_on = match (id.chars().next_back(), rest.chars().next()) {
        (Some(last), Some(next)) => {
            (last.is_numeric() && next.is_numeric()) || (last.is_alphabetic() && next.is_alphabetic())
        }
        _ => false,
    };
    (!goes_on).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lifted_results_move_to_another_id() {
        let fields = ["/0", "/2/*/0", "/2/*/4/*/2"].map(|text| text.parse().unwrap());
        let ids = Ids { id: "S0001", root: "S0001" };
        let output = json!([
            "S0001",
            ["S0001", "x"],
            [["S0001L01", "C", "t", "k", [["p", "l", "S0001L01"], ["q", "m", "S0002L03"]]]]
        ]);
        let mut value = output.clone();
        lift(&mut value, &fields, ids);
        assert_eq!(
            value,
            json!([
                "{id}",
                ["S0001", "x"],
                [["{id}L01", "C", "t", "k", [["p", "l", "{id}L01"], ["q", "m", "S0002L03"]]]]
            ])
        );
        let mut moved = value.clone();
        put_back(&mut moved, &fields, Ids { id: "S0009", root: "S0009" });
        assert_eq!(moved[2][0][0], "S0009L01");
        put_back(&mut value, &fields, ids);
        assert_eq!(value, output);
    }

    #[test]
    fn stripped_fields_are_gone_and_the_others_keep_their_order() {
        let mut value = json!({"n": 1, "a": [{"x": 1, "new": true, "y": 2}, {"new": 3}, 7], "z": 0});
        strip(&mut value, &["/a/*/new", "/n", "/none/new"].map(|text| text.parse().unwrap()));
        assert_eq!(value.to_string(), r#"{"a":[{"x":1,"y":2},{},7],"z":0}"#);
    }

    #[test]
    fn lifting_is_undone_whatever_the_text() {
        let fields = ["/*".parse().unwrap()];
        let ids = Ids { id: "S1L1", root: "S1" };
        let texts = json!(["S1L1", "S1", "S10", "S1L10", "S1L1x", "{id}", "{{root}", "{", "", "x", "S1-a"]);
        let mut value = texts.clone();
        lift(&mut value, &fields, ids);
        assert_eq!(
            value,
            json!([
                "{id}",
                "{root}",
                "S10",
                "{root}L10",
                "{id}x",
                "{{id}",
                "{{{root}",
                "{{",
                "",
                "x",
                "{root}-a"
            ])
        );
        put_back(&mut value, &fields, ids);
        assert_eq!(value, texts);
    }
}
