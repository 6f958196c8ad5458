//! How documents, inputs and contexts look in a prompt.

use super::{FindingFacts, ItemFacts};
use crate::course::{Projection, Section};
use crate::json::Value;
use minijinja::value::{Enumerator, Object, ObjectRepr, Serde};
use minijinja::{Value as Shown, context};
use std::fmt;
use std::sync::Arc;

/// Sections one after another; an empty line between documents.
pub(super) fn intelligence<'s>(sections: impl Iterator<Item = &'s Section>) -> String {
    let mut out = String::new();
    let mut document: Option<&str> = None;
    for section in sections {
        let apart = out.is_empty() || out.ends_with("\n\n");
        if !apart && document.is_some_and(|before| before != section.document) {
            out.push('\n');
        }
        out.push_str(&section.text);
        document = Some(&section.document);
    }
    out
}

/// A text with one newline at its end.
pub(super) fn ended(mut text: String) -> String {
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// The items as JSON, one a line: easy to read, and cheaper than one field a line.
pub(super) fn input_text(items: &[ItemFacts<'_>]) -> String {
    let lines: Vec<String> = items
        .iter()
        .map(|item| format!("{{\"id\":{},\"input\":{}}}", Value::from(item.id), sorted(item.input)))
        .collect();
    format!("{{\"items\":[\n{}\n]}}", lines.join(",\n"))
}

/// A value with its fields in the order of its canonical form: keys are made of that, and what is sent must not differ where
/// they do not.
pub(super) fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(sorted).collect(),
        Value::Object(fields) => {
            let mut fields: Vec<_> =
                fields.iter().map(|(name, field)| (name.clone(), sorted(field))).collect();
            fields.sort_unstable_by(|a, b| a.0.cmp(&b.0));
            Value::Object(fields.into_iter().collect())
        }
        plain => plain.clone(),
    }
}

pub(super) fn shown_finding(finding: &FindingFacts<'_>) -> Shown {
    let FindingFacts { item, kind, message, suggestion } = *finding;
    context! { item, type => kind, message, suggestion }
}

/// A context's entries: a list in a template's loop, JSON with one entry a line where it is printed.
#[derive(Debug)]
pub(super) struct Entries(pub(super) Vec<Value>);

impl Object for Entries {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }
    fn get_value(self: &Arc<Self>, key: &Shown) -> Option<Shown> {
        self.0.get(key.as_usize()?).map(|entry| Shown::from(Serde(entry)))
    }
    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Seq(self.0.len())
    }
    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((last, rest)) = self.0.split_last() else { return f.write_str("[]") };
        f.write_str("[\n")?;
        rest.iter().try_for_each(|entry| writeln!(f, "{},", sorted(entry)))?;
        write!(f, "{}\n]", sorted(last))
    }
}

/// Stands for a part of an input of which the rule does not tell what it is: has every field.
#[derive(Debug)]
struct Anything;

impl Object for Anything {
    fn get_value(self: &Arc<Self>, _: &Shown) -> Option<Shown> {
        Some(Shown::from_object(Self))
    }
    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

pub(super) fn sample(projection: &Projection) -> Shown {
    match projection {
        Projection::Fields(fields) => {
            Shown::from_pairs(fields.iter().map(|(name, field)| (name.as_str(), sample(field))))
        }
        Projection::At { .. } => Shown::from_object(Anything),
        Projection::Last => Shown::from(true),
        Projection::Id => Shown::from("id"),
    }
}
