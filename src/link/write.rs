//! A main file written whole from results in source order, untouched when its bytes would be the same.

use super::main_file::{Item, MainFile, Text, Written};
use crate::course::{Computed, Output};
use crate::diag::{Problem, Result};
use crate::digest::{Builder, Digest};
use crate::fs::WholeFile;
use crate::json::{Envelope, Ids, Kind, Value, put_back, strip};
use rayon::prelude::*;
use std::io::Write;
use std::path::Path;

/// What is put into the item with a number, whose ids are in it already: its derived fields.
pub(super) type Finish<'f> = &'f (dyn Fn(usize, &mut Value) + Sync);

/// So many items are in memory as values at once.
const CHUNK: usize = 4096;

/// Writes a main file from its items in source order; true if its bytes changed. What stands around the collection is kept as
/// found, but for the fields that the rule computes.
pub fn write_main_file(
    found: &MainFile,
    output: &Output,
    items: &[Item],
    finish: Finish<'_>,
) -> Result<Written> {
    let old = found.text.as_deref().unwrap_or_default().as_bytes();
    let mut target = Target { path: &found.path, old, same: 0, file: None, at: 0, hasher: Digest::builder() };
    let mut spans = Vec::with_capacity(items.len());
    let around = Around::new(&found.envelope, output, &totals(found, output, items, finish)?);
    let array = output.shape.kind == Kind::Array;
    target.write(around.before.as_bytes())?;
    target.write(if array { b"[" } else { b"{" })?;
    for (number, chunk) in items.chunks(CHUNK).enumerate() {
        let parts: Vec<(Vec<u8>, usize)> = chunk
            .par_iter()
            .enumerate()
            .map(|(at, item)| {
                item_bytes(item, found, output, around.depth, &|value| finish(number * CHUNK + at, value))
            })
            .collect::<Result<_>>()?;
        for (at, (part, value_at)) in parts.iter().enumerate() {
            target.write(if number == 0 && at == 0 { b"\n" } else { b",\n" })?;
            spans.push((target.at + *value_at as u64, target.at + part.len() as u64));
            target.write(part)?;
        }
    }
    if !items.is_empty() {
        target.write(b"\n")?;
        target.write("  ".repeat(around.depth).as_bytes())?;
    }
    target.write(if array { b"]" } else { b"}" })?;
    target.write(around.after.as_bytes())?;
    target.write(b"\n")?;
    let file = target.hasher.finish();
    Ok(Written { changed: target.finish()?, file, spans })
}

/// Compares with what is there as long as that is the same; from the first difference on, writes a new file.
struct Target<'a> {
    path: &'a Path,
    old: &'a [u8],
    same: usize,
    file: Option<WholeFile>,
    at: u64,
    hasher: Builder,
}

impl Target<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.at += bytes.len() as u64;
        self.hasher.add(bytes);
        if self.file.is_none() {
            if self.old[self.same..].starts_with(bytes) {
                self.same += bytes.len();
                return Ok(());
            }
            let mut file = WholeFile::new(self.path)?;
            file.write_all(&self.old[..self.same]).map_err(|e| Problem::io("write", self.path, &e))?;
            self.file = Some(file);
        }
        match &mut self.file {
            Some(file) => file.write_all(bytes).map_err(|e| Problem::io("write", self.path, &e)),
            None => Ok(()),
        }
    }

    fn finish(mut self) -> Result<bool> {
        if self.file.is_none() && self.same < self.old.len() {
            let mut file = WholeFile::new(self.path)?;
            file.write_all(&self.old[..self.same]).map_err(|e| Problem::io("write", self.path, &e))?;
            self.file = Some(file);
        }
        match self.file {
            Some(file) => file.commit(true).map(|()| true),
            None => Ok(false),
        }
    }
}

fn broken(item: &Item, error: serde_json::Error) -> Problem {
    Problem::internal(format!("the stored result of `{}` is not JSON", item.id)).because(error)
}

/// An item as it is to stand in the file.
fn whole(item: &Item, found: &MainFile, output: &Output, finish: &dyn Fn(&mut Value)) -> Result<Value> {
    let mut value: Value = match &item.text {
        Text::InMain(place) => {
            let mut value = serde_json::from_str(found.raw(*place)).map_err(|e| broken(item, e))?;
            strip(&mut value, &output.derived_fields());
            value
        }
        Text::Lifted(text) => {
            let mut value = serde_json::from_str(text).map_err(|e| broken(item, e))?;
            put_back(&mut value, &output.ids, Ids { id: &item.id, root: &item.root });
            value
        }
    };
    finish(&mut value);
    Ok(value)
}

/// An item's line or lines, and where its value begins in them.
pub(super) fn item_bytes(
    item: &Item,
    found: &MainFile,
    output: &Output,
    depth: usize,
    finish: &dyn Fn(&mut Value),
) -> Result<(Vec<u8>, usize)> {
    let broken = |e| broken(item, e);
    let indent = "  ".repeat(depth + 1);
    let mut bytes = Vec::with_capacity(512);
    bytes.extend_from_slice(indent.as_bytes());
    if output.shape.kind == Kind::Object {
        serde_json::to_writer(&mut bytes, &*item.id).map_err(broken)?;
        bytes.extend_from_slice(b": ");
    }
    let value_at = bytes.len();
    if let Text::InMain(place) = &item.text
        && found.is_ours
        && output.derived.is_empty()
    {
        // Written by this tool at this very depth: it is in its final form.
        bytes.extend_from_slice(found.raw(*place).as_bytes());
        return Ok((bytes, value_at));
    }
    let value = whole(item, found, output, finish)?;
    push_indented(&mut bytes, &serde_json::to_string_pretty(&value).map_err(broken)?, &indent);
    Ok((bytes, value_at))
}

/// Inside JSON text a newline is always formatting, so lines can be indented blindly.
pub(super) fn push_indented(out: &mut Vec<u8>, text: &str, indent: &str) {
    for (at, line) in text.split('\n').enumerate() {
        if at > 0 {
            out.push(b'\n');
            out.extend_from_slice(indent.as_bytes());
        }
        out.extend_from_slice(line.as_bytes());
    }
}

/// The computed fields of the envelope that stand otherwise in the file as it was found: name, what was found, what is written.
pub fn envelope_changes(
    found: &MainFile,
    output: &Output,
    items: &[Item],
    finish: Finish<'_>,
) -> Result<Vec<(String, Option<Value>, Value)>> {
    let Some(outermost) = found.envelope.0.first() else { return Ok(Vec::new()) };
    let stood = |name: &str| {
        let raw = outermost.iter().find(|(field, _)| field == name)?.1.as_deref()?;
        serde_json::from_str::<Value>(raw).ok()
    };
    let fields = output.envelope.iter().zip(totals(found, output, items, finish)?);
    let changes = fields.filter_map(|((name, _), text)| {
        let (stood, now) = (stood(name), serde_json::from_str(&text).unwrap_or_default());
        (stood.as_ref() != Some(&now)).then(|| (name.clone(), stood, now))
    });
    Ok(changes.collect())
}

/// The computed fields of the envelope, as JSON.
pub(super) fn totals(
    found: &MainFile,
    output: &Output,
    items: &[Item],
    finish: Finish<'_>,
) -> Result<Vec<String>> {
    let mut totals: Vec<Total> = output.envelope.iter().map(|_| Total::default()).collect();
    if output.envelope.iter().any(|(_, field)| matches!(field, Computed::CountOf(_) | Computed::Sum(_))) {
        for (number, chunk) in items.chunks(CHUNK).enumerate() {
            let values: Vec<Value> = chunk
                .par_iter()
                .enumerate()
                .map(|(at, item)| whole(item, found, output, &|value| finish(number * CHUNK + at, value)))
                .collect::<Result<_>>()?;
            for ((_, field), total) in output.envelope.iter().zip(&mut totals) {
                values.iter().for_each(|value| total.add(field, value));
            }
        }
    }
    let fields = output.envelope.iter().zip(totals);
    Ok(fields
        .map(|((_, field), total)| match field {
            Computed::Count => items.len().to_string(),
            Computed::Constant(value) => value.to_string(),
            Computed::CountOf(_) | Computed::Sum(_) => total.text(),
        })
        .collect())
}

/// A sum, which stays a whole number as long as its parts are.
#[derive(Default)]
struct Total {
    whole: i128,
    part: f64,
}

impl Total {
    fn add(&mut self, field: &Computed, value: &Value) {
        match field {
            Computed::CountOf(at) => {
                let lengths = at.all(value).into_iter().filter_map(Value::as_array).map(Vec::len);
                self.whole += lengths.sum::<usize>() as i128;
            }
            Computed::Sum(at) => {
                for number in at.all(value) {
                    match (number.as_i64(), number.as_f64()) {
                        (Some(whole), _) => self.whole += i128::from(whole),
                        (None, Some(part)) => self.part += part,
                        (None, None) => {}
                    }
                }
            }
            Computed::Count | Computed::Constant(_) => {}
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a sum with a fraction has no more precision than that")]
    fn text(&self) -> String {
        if self.part == 0.0 {
            self.whole.to_string()
        } else {
            Value::from(self.whole as f64 + self.part).to_string()
        }
    }
}

/// The text before and after the collection, and how deep it stands.
pub(super) struct Around {
    pub(super) before: String,
    pub(super) after: String,
    pub(super) depth: usize,
}

impl Around {
    pub(super) fn new(found: &Envelope, output: &Output, totals: &[String]) -> Self {
        let path = output.shape.at.names().unwrap_or_default();
        let mut levels = found.0.clone();
        levels.resize(path.len(), Vec::new());
        if let Some(outermost) = levels.first_mut() {
            for ((name, _), text) in output.envelope.iter().zip(totals) {
                let text = text.clone();
                match outermost.iter_mut().find(|(field, raw)| field == name && raw.is_some()) {
                    Some((_, raw)) => *raw = Some(text),
                    None => {
                        let at =
                            outermost.iter().position(|(_, raw)| raw.is_none()).unwrap_or(outermost.len());
                        outermost.insert(at, (name.clone(), Some(text)));
                    }
                }
            }
        }
        let (mut before, mut after) = (String::new(), String::new());
        for (depth, (level, name)) in levels.iter().zip(&path).enumerate() {
            let indent = "  ".repeat(depth + 1);
            let split = level.iter().position(|(_, raw)| raw.is_none()).unwrap_or(level.len());
            before.push_str("{\n");
            for (field, raw) in &level[..split] {
                before.push_str(&format!(
                    "{indent}{}: {},\n",
                    Value::from(field.as_str()),
                    reprinted(raw, &indent)
                ));
            }
            before.push_str(&format!("{indent}{}: ", Value::from(*name)));
            let mut tail = String::new();
            for (field, raw) in level.get(split + 1..).unwrap_or_default() {
                tail.push_str(&format!(
                    ",\n{indent}{}: {}",
                    Value::from(field.as_str()),
                    reprinted(raw, &indent)
                ));
            }
            tail.push_str(&format!("\n{}}}", "  ".repeat(depth)));
            after.insert_str(0, &tail);
        }
        Self { before, after, depth: path.len() }
    }
}

fn reprinted(raw: &Option<String>, indent: &str) -> String {
    let raw = raw.as_deref().unwrap_or("null");
    let pretty =
        serde_json::from_str::<Value>(raw).ok().and_then(|value| serde_json::to_string_pretty(&value).ok());
    let mut out = Vec::new();
    push_indented(&mut out, pretty.as_deref().unwrap_or(raw), indent);
    String::from_utf8(out).unwrap_or_else(|_| raw.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs;
    use crate::json::Shape;

    fn output(kind: Kind, at: &str, id: &str) -> Output {
        Output {
            file: "x.json".into(),
            shape: Shape { kind, at: at.parse().unwrap(), id: id.parse().unwrap() },
            schema: None,
            ids: vec!["/0".parse().unwrap()],
            derived: vec![],
            envelope: if at.is_empty() { vec![] } else { vec![("total".into(), Computed::Count)] },
        }
    }

    fn item(id: &str, text: &str) -> Item {
        Item { id: id.into(), root: id.into(), text: Text::Lifted(text.into()) }
    }

    fn check(output: &Output, items: &[Item], before: Option<&str>, expected: &str) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.json");
        if let Some(before) = before {
            fs::write_whole(&path, before.as_bytes(), false).unwrap();
        }
        let found = MainFile::read(&path, output, None).unwrap();
        assert!(write_main_file(&found, output, items, &|_, _| {}).unwrap().changed);
        assert_eq!(fs::read_text(&path).unwrap().unwrap(), expected);
        let again = MainFile::read(&path, output, None).unwrap();
        assert!(
            !write_main_file(&again, output, items, &|_, _| {}).unwrap().changed,
            "the same bytes are not written again"
        );
        assert_eq!(again.len(), items.len());
    }

    #[test]
    fn main_files_are_written_in_their_shape() {
        let items = [item("a", r#"["{id}",1]"#), item("b", "{}")];
        check(
            &output(Kind::Object, "", ""),
            &items,
            None,
            "{\n  \"a\": [\n    \"a\",\n    1\n  ],\n  \"b\": {}\n}\n",
        );
        check(&output(Kind::Array, "", "/0"), &items[..1], None, "[\n  [\n    \"a\",\n    1\n  ]\n]\n");
        check(&output(Kind::Object, "", ""), &[], Some("{\"old\": 1}"), "{}\n");
        check(
            &output(Kind::Object, "/in/items", ""),
            &items[1..],
            Some(
                "{\"v\": [1], \"in\": {\"n\": 0, \"items\": {\"b\": 3, \"c\": 4}, \"m\": {}}, \"total\": 9}",
            ),
            "{\n  \"v\": [\n    1\n  ],\n  \"in\": {\n    \"n\": 0,\n    \"items\": {\n      \"b\": {}\n    },\n    \"m\": {}\n  },\n  \"total\": 1\n}\n",
        );
        check(
            &output(Kind::Array, "/items", "/0"),
            &items[..1],
            None,
            "{\n  \"total\": 1,\n  \"items\": [\n    [\n      \"a\",\n      1\n    ]\n  ]\n}\n",
        );
    }

    #[test]
    fn damage_is_reported_and_nothing_is_guessed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.json");
        let error = |text: &str| {
            fs::write_whole(&path, text.as_bytes(), false).unwrap();
            MainFile::read(&path, &output(Kind::Array, "", "/0"), None).unwrap_err().to_string()
        };
        assert!(error("[[\"a\"], [\"b\"").contains("x.json:1:12"), "{}", error("[[\"a\"], [\"b\""));
        assert!(error("[[1]]").contains("has no id at `/0`"));
        assert!(error("[[\"a\", 1], [\"a\", 2]]").contains("twice"));
        assert!(error("[\n<<<<<<< HEAD\n]").contains("conflict markers"));
    }
}
