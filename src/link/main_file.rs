//! A main file: found as it stands, written whole from results in source order, untouched when its bytes would be the same.

use super::lock::has_conflict_markers;
use crate::course::{Computed, Output};
use crate::diag::{Place, Problem, Result, escape};
use crate::fs::{self, WholeFile};
use crate::json::{Envelope, Ids, Kind, Value, put_back, read_collection};
use rayon::prelude::*;
use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A main file as it was found.
#[derive(Debug, Default)]
pub struct MainFile {
    /// Where it is.
    pub path: PathBuf,
    text: Option<Arc<str>>,
    items: HashMap<Box<str>, Found>,
    order: Vec<Box<str>>,
    envelope: Envelope,
}

/// Where an item's JSON stands in the file's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    start: usize,
    end: usize,
}

/// One item to be written: its names and its output in lifted form.
#[derive(Debug, Clone)]
pub struct Item {
    /// Its id.
    pub id: Arc<str>,
    /// The id of its root.
    pub root: Arc<str>,
    /// The output: JSON text of the lifted form.
    pub text: Arc<str>,
}

impl MainFile {
    /// Reads a main file; fine if there is none. What cannot be read as the collection that the rule promises is an error that
    /// says where: nothing is guessed, and nothing overwrites it.
    pub fn read(path: &Path, output: &Output) -> Result<Self> {
        let Some(text) = fs::read_text(path)? else {
            return Ok(Self { path: path.to_owned(), ..Self::default() });
        };
        let text: Arc<str> = text.into();
        if has_conflict_markers(text.as_bytes()) {
            return Err(Problem::author(format!("`{}` holds the conflict markers of an unfinished merge", path.display()))
                .hint("take one side (`git checkout --ours` or `--theirs`) and build again: what the other side had is in the store"));
        }
        let read = read_collection(text.trim_start_matches('\u{feff}'), &output.shape).map_err(|error| {
            let place = error
                .at
                .map_or_else(|| Place::file(path), |(line, column)| line_place(path, &text, line, column));
            Problem::author(format!("`{}` does not hold what phase results look like", path.display()))
                .at(place)
                .because(error)
                .hint("mend or restore it; deleted, it is linked anew from the store")
        })?;
        let named: Vec<(Box<str>, Found)> = read
            .elements
            .par_iter()
            .map(|element| {
                let start = element.raw.as_ptr() as usize - text.as_ptr() as usize;
                let found = Found { start, end: start + element.raw.len() };
                let id: Option<Box<str>> = match &element.key {
                    Some(key) => Some((&**key).into()),
                    None => serde_json::from_str::<Value>(element.raw).ok().and_then(|value| {
                        output.shape.id.get(&value).and_then(Value::as_str).map(Into::into)
                    }),
                };
                id.map(|id| (id, found)).ok_or_else(|| {
                    Problem::author(format!(
                        "an item of `{}` has no id at `{}`",
                        path.display(),
                        output.shape.id
                    ))
                    .at(Place::span(path, &text, start..start + 1))
                    .hint("mend it; deleted, the file is linked anew from the store")
                })
            })
            .collect::<Result<_>>()?;
        let mut items = HashMap::with_capacity(named.len());
        let mut order = Vec::with_capacity(named.len());
        for (id, found) in named {
            let same = |old: &Found| text[old.start..old.end] == text[found.start..found.end];
            if let Some(old) = items.insert(id.clone(), found) {
                if !same(&old) {
                    return Err(Problem::author(format!(
                        "`{}` is in `{}` twice, and not the same",
                        escape(&id),
                        path.display()
                    ))
                    .at(Place::span(path, &text, found.start..found.start + 1))
                    .hint("keep one of the two"));
                }
            } else {
                order.push(id);
            }
        }
        let envelope = read.envelope;
        Ok(Self { path: path.to_owned(), items, order, envelope, text: Some(text) })
    }

    /// True when there is no such file.
    pub fn is_absent(&self) -> bool {
        self.text.is_none()
    }

    /// An item's JSON as it stands there, ids in it.
    pub fn get(&self, id: &str) -> Option<&str> {
        let found = self.items.get(id)?;
        self.text.as_deref().map(|text| &text[found.start..found.end])
    }

    /// The ids in it, in its order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.order.iter().map(|id| &**id)
    }

    /// The number of items in it.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// True when it holds no item.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }
}

fn line_place(path: &Path, text: &str, line: usize, column: usize) -> Place {
    let start: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let at = (start + column - 1).min(text.len());
    Place::span(path, text, at..at + 1)
}

/// What is put into the item with a number, whose ids are in it already: its derived fields.
pub(super) type Finish<'f> = &'f (dyn Fn(usize, &mut Value) + Sync);

/// Writes a main file from its items in source order; true if its bytes changed. What stands around the collection is kept as
/// found, but for the fields that the rule computes.
pub fn write_main_file(
    found: &MainFile,
    output: &Output,
    items: &[Item],
    finish: Finish<'_>,
) -> Result<bool> {
    let old = found.text.as_deref().unwrap_or_default().as_bytes();
    let mut target = Target { path: &found.path, old, same: 0, file: None };
    let around = Around::new(&found.envelope, output, &totals(output, items, finish)?);
    let array = output.shape.kind == Kind::Array;
    target.write(around.before.as_bytes())?;
    target.write(if array { b"[" } else { b"{" })?;
    for (number, chunk) in items.chunks(CHUNK).enumerate() {
        let parts: Vec<Vec<u8>> = chunk
            .par_iter()
            .enumerate()
            .map(|(at, item)| {
                item_bytes(item, output, around.depth, &|value| finish(number * CHUNK + at, value))
            })
            .collect::<Result<_>>()?;
        for (at, part) in parts.iter().enumerate() {
            target.write(if number == 0 && at == 0 { b"\n" } else { b",\n" })?;
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
    target.finish()
}

/// So many items are in memory as values at once.
const CHUNK: usize = 4096;

/// Compares with what is there as long as that is the same; from the first difference on, writes a new file.
struct Target<'a> {
    path: &'a Path,
    old: &'a [u8],
    same: usize,
    file: Option<WholeFile>,
}

impl Target<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
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

/// An item as it stands in the file.
fn whole(item: &Item, output: &Output, finish: &dyn Fn(&mut Value)) -> Result<Value> {
    let mut value: Value = serde_json::from_str(&item.text).map_err(|e| broken(item, e))?;
    put_back(&mut value, &output.ids, Ids { id: &item.id, root: &item.root });
    finish(&mut value);
    Ok(value)
}

fn item_bytes(item: &Item, output: &Output, depth: usize, finish: &dyn Fn(&mut Value)) -> Result<Vec<u8>> {
    let broken = |e| broken(item, e);
    let value = whole(item, output, finish)?;
    let pretty = serde_json::to_string_pretty(&value).map_err(broken)?;
    let indent = "  ".repeat(depth + 1);
    let mut bytes = Vec::with_capacity(pretty.len() + 128);
    bytes.extend_from_slice(indent.as_bytes());
    if output.shape.kind == Kind::Object {
        serde_json::to_writer(&mut bytes, &*item.id).map_err(broken)?;
        bytes.extend_from_slice(b": ");
    }
    push_indented(&mut bytes, &pretty, &indent);
    Ok(bytes)
}

/// Inside JSON text a newline is always formatting, so lines can be indented blindly.
fn push_indented(out: &mut Vec<u8>, text: &str, indent: &str) {
    for (at, line) in text.split('\n').enumerate() {
        if at > 0 {
            out.push(b'\n');
            out.extend_from_slice(indent.as_bytes());
        }
        out.extend_from_slice(line.as_bytes());
    }
}

/// The computed fields of the envelope, as JSON.
fn totals(output: &Output, items: &[Item], finish: Finish<'_>) -> Result<Vec<String>> {
    let mut totals: Vec<Total> = output.envelope.iter().map(|_| Total::default()).collect();
    if output.envelope.iter().any(|(_, field)| matches!(field, Computed::CountOf(_) | Computed::Sum(_))) {
        for (number, chunk) in items.chunks(CHUNK).enumerate() {
            let values: Vec<Value> = chunk
                .par_iter()
                .enumerate()
                .map(|(at, item)| whole(item, output, &|value| finish(number * CHUNK + at, value)))
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
struct Around {
    before: String,
    after: String,
    depth: usize,
}

impl Around {
    fn new(found: &Envelope, output: &Output, totals: &[String]) -> Self {
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
        Item { id: id.into(), root: id.into(), text: text.into() }
    }

    fn check(output: &Output, items: &[Item], before: Option<&str>, expected: &str) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.json");
        if let Some(before) = before {
            fs::write_whole(&path, before.as_bytes(), false).unwrap();
        }
        let found = MainFile::read(&path, output).unwrap();
        assert!(write_main_file(&found, output, items, &|_, _| {}).unwrap());
        assert_eq!(fs::read_text(&path).unwrap().unwrap(), expected);
        let again = MainFile::read(&path, output).unwrap();
        assert!(
            !write_main_file(&again, output, items, &|_, _| {}).unwrap(),
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
            MainFile::read(&path, &output(Kind::Array, "", "/0")).unwrap_err().to_string()
        };
        assert!(error("[[\"a\"], [\"b\"").contains("x.json:1:12"), "{}", error("[[\"a\"], [\"b\""));
        assert!(error("[[1]]").contains("has no id at `/0`"));
        assert!(error("[[\"a\", 1], [\"a\", 2]]").contains("twice"));
        assert!(error("[\n<<<<<<< HEAD\n]").contains("conflict markers"));
    }
}
