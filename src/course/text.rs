//! Files that people write, read once and remembered, and TOML errors worded for people, with their places.

use crate::diag::{Place, Problem, Result, did_you_mean, escape};
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, MapAccess, Visitor, value::MapAccessDeserializer};
use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A text with the name that people know it by.
#[derive(Debug, Clone)]
pub(super) struct TextFile {
    /// As the user would name it: relative to the workspace, or `builtin:…`.
    pub(super) name: PathBuf,
    /// Its contents, without a byte-order mark.
    pub(super) text: String,
}

impl TextFile {
    /// The place of a byte range.
    pub(super) fn place(&self, span: Range<usize>) -> Place {
        Place::span(&self.name, &self.text, span)
    }

    /// A problem at a byte range.
    pub(super) fn problem(&self, span: Range<usize>, what: impl Into<String>) -> Problem {
        Problem::author(what).at(self.place(span))
    }

    /// Reads it as TOML.
    pub(super) fn toml<T: DeserializeOwned>(&self) -> Result<T> {
        toml::from_str(&self.text).map_err(|error| {
            let place = error.span().map_or_else(|| Place::file(&self.name), |span| self.place(span));
            worded(error.message()).at(place)
        })
    }

    /// Reads it as JSON.
    pub(super) fn json(&self) -> Result<crate::json::Value> {
        serde_json::from_str(&self.text).map_err(|error| {
            let text = error.to_string();
            let at = self.offset(error.line(), error.column());
            self.problem(at..at + 1, "this is not valid JSON")
                .because(text.split(" at line ").next().unwrap_or(&text))
        })
    }

    /// The byte offset of a one-based line and byte column, as `serde_json` counts them (column 0: the newline before).
    pub(super) fn offset(&self, line: usize, column: usize) -> usize {
        let start: usize = self.text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
        (start + column).saturating_sub(1)
    }
}

/// The files and folders of a workspace; remembers what it read and listed.
#[derive(Debug)]
pub(super) struct Files {
    /// The workspace's folder.
    pub(super) root: PathBuf,
    read: BTreeSet<PathBuf>,
}

impl Files {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root, read: BTreeSet::new() }
    }

    /// A path of a manifest or rule, made absolute.
    pub(super) fn path(&self, text: &str) -> PathBuf {
        let mut path = self.root.clone();
        for part in Path::new(text).components() {
            match part {
                std::path::Component::CurDir => {}
                std::path::Component::ParentDir => {
                    path.pop();
                }
                part => path.push(part),
            }
        }
        path
    }

    /// How the user would name a path.
    pub(super) fn name(&self, path: &Path) -> PathBuf {
        path.strip_prefix(&self.root).unwrap_or(path).to_owned()
    }

    /// Remembers that a file was read or a folder listed.
    pub(super) fn note(&mut self, path: &Path) {
        self.read.insert(path.to_owned());
    }

    /// Reads a text; `None` if it is not there.
    pub(super) fn text(&mut self, path: &Path) -> Result<Option<TextFile>> {
        self.note(path);
        if path.is_dir() {
            return Err(Problem::author(format!("`{}` is a folder, not a file", self.name(path).display())));
        }
        let Some(mut text) = crate::fs::read_text(path)? else { return Ok(None) };
        if text.starts_with('\u{feff}') {
            text.drain(..'\u{feff}'.len_utf8());
        }
        Ok(Some(TextFile { name: self.name(path), text }))
    }

    /// All that was read and listed, sorted.
    pub(super) fn into_read(self) -> Vec<PathBuf> {
        self.read.into_iter().collect()
    }
}

/// A value that can be written short, as a string, or long, as a table.
#[derive(Debug, Clone)]
pub(super) enum TextOr<T> {
    Text(String),
    Table(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for TextOr<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Either<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Either<T> {
            type Value = TextOr<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a table")
            }
            fn visit_str<E>(self, text: &str) -> std::result::Result<Self::Value, E> {
                Ok(TextOr::Text(text.to_owned()))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> std::result::Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(TextOr::Table)
            }
        }
        deserializer.deserialize_any(Either(PhantomData))
    }
}

/// A problem worded for people, made of what serde or the TOML parser says.
fn worded(message: &str) -> Problem {
    let names = |text: &str| -> Vec<String> {
        text.split('`').skip(1).step_by(2).filter(|name| !name.is_empty()).map(str::to_owned).collect()
    };
    for (start, thing) in [("unknown field ", "key"), ("unknown variant ", "value")] {
        if let Some((found, rest)) =
            message.strip_prefix(start).and_then(|rest| rest.split_once(", expected "))
            && let Some(found) = names(found).first()
        {
            let allowed = names(rest);
            return Problem::author(format!("unknown {thing} `{found}`")).hint(hint_of(
                found,
                allowed.iter().map(String::as_str),
                &format!("the {thing}s here are"),
            ));
        }
    }
    if let Some(name) = message.strip_prefix("missing field ") {
        return Problem::author(format!("the key {name} is missing here"));
    }
    for start in ["invalid type: ", "invalid value: ", "invalid length "] {
        if let Some((found, wanted)) =
            message.strip_prefix(start).and_then(|rest| rest.split_once(", expected "))
        {
            let problem = Problem::author(format!("this has to be {}", plain_type(wanted)));
            return match (found, wanted) {
                ("map", "a sequence") => problem
                    .because("found one table")
                    .hint("a list of tables is written with double brackets: `[[NAME]]`"),
                ("map", _) => problem.because("found a table"),
                _ => problem.because(format!("found {found}")),
            };
        }
    }
    Problem::author("this is not valid TOML").because(message)
}

/// Rust's names of number types say nothing to the author of a manifest.
fn plain_type(wanted: &str) -> &str {
    match wanted {
        "u64" | "u32" | "usize" => "a whole number, 0 or more",
        "i64" => "a whole number",
        "f64" => "a number",
        "a sequence" => "a list",
        "a borrowed string" => "a string",
        other if other.starts_with("struct ") => "a table",
        other => other,
    }
}

/// What to do about a name that is not one of those known: the likely one, and all of them.
pub(super) fn hint_of<'a>(found: &str, known: impl Iterator<Item = &'a str>, list: &str) -> String {
    let known: Vec<&str> = known.collect();
    let all = format!("{list} {}", listed(&known));
    did_you_mean(found, known, &all)
}

/// `a`, `b` and `c`.
pub(super) fn listed<T: AsRef<str>>(names: &[T]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{}`", escape(name.as_ref()))).collect();
    match quoted.split_last() {
        None => "none".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_count_lines_from_one() {
        let file = TextFile { name: "x".into(), text: "ab\ncd\n".into() };
        assert_eq!(file.offset(1, 1), 0);
        assert_eq!(file.offset(2, 2), 4);
        let error = TextFile { name: "x".into(), text: "{\n  \"a\": tru\n}".into() }.json().unwrap_err();
        assert_eq!(error.place.unwrap().line, 2);
    }

    #[test]
    fn paths_are_resolved_against_the_workspace() {
        let files = Files::new("/w/x".into());
        assert_eq!(files.path("./a/b"), Path::new("/w/x/a/b"));
        assert_eq!(files.path("../a"), Path::new("/w/a"));
        assert_eq!(files.path("/z"), Path::new("/z"));
        assert_eq!(files.name(Path::new("/w/x/a")), Path::new("a"));
    }
}
