//! From a result (or a source item) to the items of the next phase, and from an item to what is shown of it.
//!
//! Pure functions over values with their ids put back; the engine decides when to call them.

use super::types::{Course, Feed, Projection, Rule};
use crate::json::{Pointer, Value};
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

/// An item before it is planned.
#[derive(Debug, Clone, PartialEq)]
pub struct ItemDraft {
    /// Its id.
    pub id: Arc<str>,
    /// The id of the source item that it descends from.
    pub root: Arc<str>,
    /// Its position among the items of its result, from 0.
    pub index: usize,
    /// How many items its result has; at least 1.
    pub of: usize,
    /// What a generator is shown of it.
    pub input: Value,
}

/// What items are made of: a source item, or a result with its ids put back.
#[derive(Debug, Clone)]
pub struct Upstream<'a> {
    /// Its id.
    pub id: &'a Arc<str>,
    /// The id of the source item that it descends from.
    pub root: &'a Arc<str>,
    /// Its value.
    pub value: &'a Value,
}

/// The languages' names, which a projection with `fill:` puts into texts.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    /// For `{target}`.
    pub target: &'a str,
    /// For `{known}`.
    pub known: &'a str,
}

impl<'a> From<&'a Course> for Names<'a> {
    fn from(course: &'a Course) -> Self {
        Self { target: &course.target_name, known: &course.known }
    }
}

/// A result that cannot be split into items: what is wrong with it, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoItems(String);

impl fmt::Display for NoItems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NoItems {}

/// The items that a phase makes of one source item or of one result of the phase before, in order. Fails when the rule's
/// `explode` finds no list, an element without an id, or one id twice.
pub fn draft_items(rule: &Rule, names: Names<'_>, from: &Upstream<'_>) -> Result<Vec<ItemDraft>, NoItems> {
    let Feed::Phase { explode: Some(explode), .. } = &rule.feed else {
        let shown = Shown { item: from.value, parent: from.value, last: true, id: from.id };
        let input = project(&rule.input, &shown, names);
        return Ok(vec![ItemDraft {
            id: Arc::clone(from.id),
            root: Arc::clone(from.root),
            index: 0,
            of: 1,
            input,
        }]);
    };
    let Some(Value::Array(elements)) = explode.at.get(from.value) else {
        return Err(NoItems(format!("the result of `{}` has no list at `{}`", from.id, explode.at)));
    };
    let mut seen = HashSet::with_capacity(elements.len());
    let wanted = |element: &Value| {
        explode.only.as_ref().is_none_or(|only| only.at.get(element).unwrap_or(&Value::Null) == &only.is)
    };
    let chosen = elements.iter().enumerate().filter(|(_, element)| wanted(element));
    let drafts = chosen.map(|(index, element)| {
        let id = match explode.id.get(element) {
            Some(Value::String(id)) if !id.is_empty() => id.as_str(),
            found => {
                let found = found.map_or_else(|| "none".to_owned(), |value| format!("`{value}`"));
                return Err(NoItems(format!(
                    "element {} of the list at `{}` in the result of `{}` has no id at `{}`: found {found}",
                    index + 1,
                    explode.at,
                    from.id,
                    explode.id
                )));
            }
        };
        if !seen.insert(id) {
            return Err(NoItems(format!("the result of `{}` has the id `{id}` twice", from.id)));
        }
        let last = index + 1 == elements.len();
        let shown = Shown { item: element, parent: from.value, last, id: from.id };
        Ok(ItemDraft {
            id: id.into(),
            root: Arc::clone(from.root),
            index,
            of: elements.len(),
            input: project(&rule.input, &shown, names),
        })
    });
    drafts.collect()
}

/// The name of the group that a result belongs to.
pub fn group_of<'v>(by: &Pointer, from: &Upstream<'v>) -> Result<&'v str, NoItems> {
    match by.get(from.value) {
        Some(Value::String(name)) if !name.trim().is_empty() => Ok(name),
        found => {
            let found = found.map_or_else(|| "nothing".to_owned(), |value| format!("`{value}`"));
            Err(NoItems(format!("the name of its group is a text at `{by}`; found {found}")))
        }
    }
}

/// The item that a group makes: its input lists what the rule shows of each member, in their order.
pub fn draft_group(rule: &Rule, names: Names<'_>, group: &ItemDraft, members: &[Upstream<'_>]) -> ItemDraft {
    let last = members.len().saturating_sub(1);
    let shown = members.iter().enumerate().map(|(at, member)| {
        let shown = Shown { item: member.value, parent: member.value, last: at == last, id: member.id };
        project(&rule.input, &shown, names)
    });
    ItemDraft { input: Value::Array(shown.collect()), ..group.clone() }
}

/// What a projection looks at.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    /// The item.
    pub item: &'a Value,
    /// The result that it was split from; the item itself if it was not.
    pub parent: &'a Value,
    /// Whether it is the last one of it.
    pub last: bool,
    /// The id of the result.
    pub id: &'a str,
}

/// What a projection shows of an item.
pub fn project(projection: &Projection, shown: &Shown<'_>, names: Names<'_>) -> Value {
    match projection {
        Projection::Fields(fields) => Value::Object(
            fields.iter().map(|(name, field)| (name.clone(), project(field, shown, names))).collect(),
        ),
        Projection::Last => Value::Bool(shown.last),
        Projection::Id => Value::String(shown.id.to_owned()),
        Projection::At { parent: from_parent, fill, pointer } => {
            let found = pointer
                .get(if *from_parent { shown.parent } else { shown.item })
                .cloned()
                .unwrap_or_default();
            match found {
                Value::String(text) if *fill => Value::String(filled(&text, names)),
                other => other,
            }
        }
    }
}

/// One pass, so that a name that holds `{known}` stays as it is.
fn filled(text: &str, names: Names<'_>) -> String {
    let mut out = String::with_capacity(text.len() + names.target.len());
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix("{target}") {
            out.push_str(names.target);
            rest = after;
        } else if let Some(after) = rest.strip_prefix("{known}") {
            out.push_str(names.known);
            rest = after;
        } else {
            out.push('{');
            rest = &rest[1..];
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NAMES: Names<'_> = Names { target: "Span{known}ish", known: "eng" };

    #[test]
    fn placeholders_are_filled_once() {
        assert_eq!(filled("a {target} {x} {known}{", NAMES), "a Span{known}ish {x} eng{");
    }

    #[test]
    fn a_pointer_to_nothing_shows_null() {
        let projection = Projection::At { parent: false, fill: true, pointer: "/x".parse().unwrap() };
        let shown = Shown { item: &json!({}), parent: &json!({}), last: true, id: "x" };
        assert_eq!(project(&projection, &shown, NAMES), json!(null));
        assert_eq!(project(&Projection::Id, &shown, NAMES), json!("x"));
    }
}
