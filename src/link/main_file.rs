//! A main file as it stands.

use super::lock::has_conflict_markers;
use crate::course::Output;
use crate::diag::{Place, Problem, Result, escape};
use crate::digest::Digest;
use crate::fs;
use crate::json::{Envelope, Value, read_collection};
use crate::store::Table;
use rayon::prelude::*;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A main file as it was found.
#[derive(Debug, Default)]
pub struct MainFile {
    /// Where it is.
    pub path: PathBuf,
    pub(super) text: Option<Arc<str>>,
    items: HashMap<Box<str>, Found>,
    order: Vec<Box<str>>,
    pub(super) envelope: Envelope,
    /// Its bytes are those that a table tells of: written by this tool, every value in its final form.
    pub(super) is_ours: bool,
}

/// Where an item's JSON stands in the file's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    start: usize,
    end: usize,
    /// The digest of the output that stands there, where a table tells it.
    pub digest: Option<Digest>,
}

/// One item to be written: its names and its output in lifted form.
#[derive(Debug, Clone)]
pub struct Item {
    /// Its id.
    pub id: Arc<str>,
    /// The id of its root.
    pub root: Arc<str>,
    /// The output.
    pub text: Text,
}

/// An output, by its text or by where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Text {
    /// JSON text of the lifted form.
    Lifted(Arc<str>),
    /// In the main file as it was found, ids in it.
    InMain(Found),
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The file's bytes changed.
    pub changed: bool,
    /// The digest of its bytes.
    pub file: Digest,
    /// Where each item's value stands, in the order of the items: bytes from and to.
    pub spans: Vec<(u64, u64)>,
}

/// The items of a text, by id and in order, without a file.
#[derive(Debug, Default)]
pub(super) struct NamedElements<'t> {
    pub(super) items: HashMap<String, &'t str>,
    pub(super) order: Vec<String>,
    pub(super) envelope: Envelope,
}

impl<'t> NamedElements<'t> {
    /// Reads a text; what makes it none of these is told in words. An item twice is fine where both are the same.
    pub(super) fn read(text: &'t str, output: &Output) -> Result<Self, String> {
        if has_conflict_markers(text.as_bytes()) {
            return Err("it holds conflict markers".to_owned());
        }
        let read = read_collection(text.trim_start_matches('\u{feff}'), &output.shape).map_err(|error| {
            let at =
                error.at.map_or(String::new(), |(line, column)| format!(" in line {line}, column {column}"));
            format!("{error}{at}")
        })?;
        let mut named = Self { envelope: read.envelope, ..Self::default() };
        for element in read.elements {
            let id = match &element.key {
                Some(key) => Some(key.to_string()),
                None => serde_json::from_str::<Value>(element.raw)
                    .ok()
                    .and_then(|value| output.shape.id.get(&value).and_then(Value::as_str).map(str::to_owned)),
            };
            let id = id.ok_or_else(|| format!("an item has no id at `{}`", output.shape.id))?;
            match named.items.insert(id.clone(), element.raw) {
                None => named.order.push(id),
                Some(other) if other == element.raw => {}
                Some(_) => return Err(format!("`{}` is in it twice, and not the same", escape(&id))),
            }
        }
        Ok(named)
    }
}

impl MainFile {
    /// Reads a main file; fine if there is none. What cannot be read as the collection that the rule promises is an error that
    /// says where: nothing is guessed, and nothing overwrites it.
    /// A table that tells of these very bytes saves parsing them.
    pub fn read(path: &Path, output: &Output, table: Option<&Table>) -> Result<Self> {
        let Some(text) = fs::read_text(path)? else {
            return Ok(Self { path: path.to_owned(), ..Self::default() });
        };
        let text: Arc<str> = text.into();
        let told =
            table.filter(|table| output.shape.at.is_root() && table.file == Digest::of(text.as_bytes()));
        if let Some(found) = told.and_then(|table| Self::told(path, &text, table)) {
            return Ok(found);
        }
        if has_conflict_markers(text.as_bytes()) {
            return Err(Problem::author(format!("`{}` holds the conflict markers of an unfinished merge", path.display()))
                .hint("decide by hand what stands between them, or take one side (`git checkout --ours` or `--theirs`); `coursebuild merge-driver --install` merges by item the next time"));
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
                let found = Found { start, end: start + element.raw.len(), digest: None };
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
        Ok(Self { path: path.to_owned(), items, order, envelope, text: Some(text), is_ours: false })
    }

    fn told(path: &Path, text: &Arc<str>, table: &Table) -> Option<Self> {
        let mut found = Self { path: path.to_owned(), is_ours: true, ..Self::default() };
        for row in table.rows.iter().filter(|row| row.span.1 > row.span.0) {
            let (start, end) = (usize::try_from(row.span.0).ok()?, usize::try_from(row.span.1).ok()?);
            text.get(start..end)?;
            let id: Box<str> = (*row.id).into();
            found.items.insert(id.clone(), Found { start, end, digest: Some(row.digest) });
            found.order.push(id);
        }
        found.text = Some(text.clone());
        Some(found)
    }

    /// True when its bytes are those that a table told of.
    pub fn is_ours(&self) -> bool {
        self.is_ours
    }

    /// Where an item stands.
    pub fn find(&self, id: &str) -> Option<Found> {
        self.items.get(id).copied()
    }

    /// The JSON that stands there.
    pub fn raw(&self, found: Found) -> &str {
        self.text.as_deref().and_then(|text| text.get(found.start..found.end)).unwrap_or("null")
    }

    /// Its text as it was found; empty if it is not there.
    pub fn text(&self) -> &str {
        self.text.as_deref().unwrap_or_default()
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

    /// The names of the fields around its items.
    pub fn fields_around(&self) -> impl Iterator<Item = &str> {
        let fields = self.envelope.0.iter().flatten().filter(|(_, raw)| raw.is_some());
        fields.map(|(name, _)| name.as_str())
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
