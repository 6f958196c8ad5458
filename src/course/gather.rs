//! Sources that are more than one collection in one file: lines, many files, texts and their sections.

use super::document;
use super::rule::OwnSource;
use super::source::{self, with_id};
use super::text::{Files, TextFile};
use super::types::SourceItem;
use crate::diag::{Place, Problem, Result, escape};
use crate::json::{Value, normalize, normalize_text};
use serde_json::json;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

/// How a path says that it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// One file that holds all items.
    Collection,
    /// One item a line.
    Lines,
    /// One item a file, or its sections.
    Files,
}

fn form(path: &str) -> Form {
    if path.contains(['*', '?', '[', '{']) || is_text(path) {
        Form::Files
    } else if extension(path).is_some_and(|extension| matches!(extension, "jsonl" | "ndjson")) {
        Form::Lines
    } else {
        Form::Collection
    }
}

fn extension(path: &str) -> Option<&str> {
    path.rsplit('/').next()?.rsplit_once('.').map(|(_, extension)| extension)
}

fn is_text(path: &str) -> bool {
    extension(path).is_some_and(|extension| matches!(extension, "md" | "markdown" | "txt"))
}

/// The items of the source at `path`, as its name and the rule's `[source]` say; `at` is where it is named.
pub(super) fn gather(files: &mut Files, path: &str, at: &Place, own: &OwnSource) -> Result<Vec<SourceItem>> {
    let form = form(path);
    fits(form, path, own)?;
    let items = match form {
        Form::Files => many(files, path, at, own)?,
        Form::Lines | Form::Collection => {
            let file = one(files, path, at)?;
            if form == Form::Lines {
                source::read_lines(&file, own.id.as_ref().map(|(id, _)| id))?
            } else {
                source::read(&file, own.shape.as_ref())?
            }
        }
    };
    not_empty(items, path.as_ref())
}

/// Items, when there are any.
pub(super) fn not_empty(items: Vec<SourceItem>, name: &std::path::Path) -> Result<Vec<SourceItem>> {
    if items.is_empty() {
        return Err(
            Problem::author(format!("the source `{}` is empty", name.display())).at(Place::file(name))
        );
    }
    Ok(items)
}

/// A key that the source's form would ignore is a mistake, not a comment.
fn fits(form: Form, path: &str, own: &OwnSource) -> Result<()> {
    if let Some((_, place)) = own.id.as_ref().filter(|_| form == Form::Collection) {
        return Err(Problem::author("`id` is for sources of one item a line or a file")
            .at(place.clone())
            .because(format!("`{}` holds all of them", escape(path)))
            .hint("write `shape = { collection = \"array\", id = \"/POINTER\" }`"));
    }
    if let Some(place) = own.sections.as_ref().filter(|_| !is_text(path)) {
        return Err(Problem::author("only texts have sections")
            .at(place.clone())
            .because(format!("`{}` names no `.md`, `.markdown` or `.txt` files", escape(path)))
            .hint("take `split` out"));
    }
    if let (Some(place), true) = (&own.shape_place, form != Form::Collection) {
        return Err(Problem::author("`shape` is for one JSON file that holds all items")
            .at(place.clone())
            .because(format!("`{}` is read one item a line or a file", escape(path)))
            .hint("take `shape` out; `id = \"/POINTER\"` says where an item has its id"));
    }
    Ok(())
}

fn one(files: &mut Files, path: &str, at: &Place) -> Result<TextFile> {
    let full = files.path(path);
    let read = files.text(&full).map_err(|problem| problem.at(at.clone()))?;
    read.ok_or_else(|| {
        Problem::author(format!("there is no source `{}`", escape(path)))
            .at(at.clone())
            .hint("paths start at the folder of `coursebuild.toml`")
    })
}

/// One item a file, in the order of their paths: the JSON in it, else `{"path", "text"}`. Its id is the path inside the part of
/// the pattern without wildcards, less the extension.
fn many(files: &mut Files, pattern: &str, at: &Place, own: &OwnSource) -> Result<Vec<SourceItem>> {
    let mut items = Vec::new();
    let mut first_seen = HashMap::<Arc<str>, String>::new();
    for (name, path) in document::find(files, pattern, at)? {
        let Some(file) = files.text(&path)? else { continue };
        for item in of_file(&name, stem(pattern, &name), file, own)? {
            if let Some(first) = first_seen.insert(item.id.clone(), name.clone()) {
                return Err(Problem::author(format!(
                    "the id `{}` stands in the source twice",
                    escape(&item.id)
                ))
                .at(Place::file(PathBuf::from(&name)))
                .because(format!("the first one is in `{first}`"))
                .hint("give each item an id of its own"));
            }
            items.push(item);
        }
    }
    Ok(items)
}

fn of_file(name: &str, id: &str, file: TextFile, own: &OwnSource) -> Result<Vec<SourceItem>> {
    if extension(name) == Some("json") {
        let start = 0..file.text.find('\n').unwrap_or(file.text.len()).min(60);
        let mut value = file.json()?;
        normalize(&mut value);
        return Ok(vec![match &own.id {
            Some((pointer, _)) => with_id(&file, value, Some(pointer), &start)?,
            None => named(id, value),
        }]);
    }
    let file = TextFile { name: file.name, text: normalize_text(&file.text) };
    if own.sections.is_none() {
        return Ok(vec![named(id, json!({"path": name, "text": file.text}))]);
    }
    let sections = document::sections(name, &file)?.into_iter();
    Ok(sections
        .map(|section| {
            let heading = slug(&section.name);
            let id = if heading.is_empty() { id.to_owned() } else { format!("{id}#{heading}") };
            named(&id, json!({"path": name, "heading": section.name, "text": section.text}))
        })
        .collect())
}

fn named(id: &str, mut value: Value) -> SourceItem {
    normalize(&mut value);
    let mut id = Value::from(id);
    normalize(&mut id);
    SourceItem { id: id.as_str().unwrap_or_default().into(), value }
}

/// A file's name inside the folder that its pattern begins with, without its extension.
fn stem<'n>(pattern: &str, name: &'n str) -> &'n str {
    let special = |part: &str| part.contains(['*', '?', '[', '{']);
    let parts = pattern.split('/').filter(|part| !matches!(*part, "" | "."));
    let all: Vec<&str> = parts.collect();
    let plain = all.iter().position(|part| special(part)).unwrap_or(all.len().saturating_sub(1));
    let inside = name.splitn(plain + 1, '/').last().unwrap_or(name);
    extension(inside).map_or(inside, |extension| &inside[..inside.len() - extension.len() - 1])
}

/// A path of headings as a part of an id: `Setup / On Linux` → `setup/on-linux`.
fn slug(headings: &str) -> String {
    let parts = headings.split(" / ").map(|heading| {
        let words: Vec<String> = heading
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_lowercase)
            .collect();
        words.join("-")
    });
    parts.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new(files: &[(&str, &str)]) -> Self {
            let folder = Self(tempfile::tempdir().unwrap());
            for (name, text) in files {
                crate::fs::write_whole(&folder.0.path().join(name), text.as_bytes(), false).unwrap();
            }
            folder
        }

        fn gather(&self, path: &str, own: &OwnSource) -> Result<Vec<(String, Value)>> {
            let mut files = Files::new(self.0.path().to_owned());
            let items = gather(&mut files, path, &Place::file("rules/one.toml"), own)?;
            Ok(items.into_iter().map(|item| (item.id.to_string(), item.value)).collect())
        }
    }

    fn own(id: Option<&str>, sections: bool) -> OwnSource {
        let place = Place::file("rules/one.toml");
        OwnSource {
            id: id.map(|id| (id.parse().unwrap(), place.clone())),
            sections: sections.then_some(place),
            ..OwnSource::default()
        }
    }

    #[test]
    fn one_file_can_be_one_item() {
        let folder = Folder::new(&[
            ("t/b.json", r#"{"n": "B", "text": "e\u0301"}"#),
            ("t/a.json", r#"{"n": "A"}"#),
            ("t/deep/a.json", r#"{"n": "C"}"#),
            ("t/notes.md", "x"),
        ]);
        let all = folder.gather("t/*.json", &own(None, false)).unwrap();
        assert_eq!(
            all,
            [("a".to_owned(), json!({"n": "A"})), ("b".to_owned(), json!({"n": "B", "text": "é"}))]
        );
        let deep = folder.gather("t/**/*.json", &own(None, false)).unwrap();
        assert_eq!(deep.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), ["a", "b", "deep/a"]);
        let named = folder.gather("./t/**/*.json", &own(Some("/n"), false)).unwrap();
        assert_eq!(named.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), ["A", "B", "C"]);
        assert_eq!(
            folder.gather("t/x*.json", &own(None, false)).unwrap_err().what,
            "no file matches `t/x*.json`"
        );
        let error = folder.gather("t/*.json", &own(Some("/text"), false)).unwrap_err();
        assert_eq!((error.what.as_str(), error.place.unwrap().line), ("an item of the source has no id", 1));
    }

    #[test]
    fn lines_are_items() {
        let folder = Folder::new(&[
            ("t.jsonl", "{\"id\": \"T1\", \"x\": 1}\r\n\n{\"id\": \"T2\"}"),
            ("bad.jsonl", "{\"id\": \"T1\"}\n{\"id\": }\n"),
            ("twice.jsonl", "{\"id\": \"T1\"}\n{\"id\": \"T1\"}\n"),
            ("none.jsonl", "\n{\"n\": \"T1\"}\n"),
            ("empty.jsonl", "\n"),
        ]);
        let lines = folder.gather("t.jsonl", &own(None, false)).unwrap();
        assert_eq!(
            lines,
            [("T1".to_owned(), json!({"id": "T1", "x": 1})), ("T2".to_owned(), json!({"id": "T2"}))]
        );
        assert_eq!(folder.gather("none.jsonl", &own(Some("/n"), false)).unwrap()[0].0, "T1");
        for (file, what, line) in [
            ("bad.jsonl", "this line cannot be read as JSON", 2),
            ("twice.jsonl", "the id `T1` stands in the source twice", 2),
            ("none.jsonl", "an item of the source has no id", 2),
        ] {
            let error = folder.gather(file, &own(None, false)).unwrap_err();
            assert_eq!((error.what.as_str(), error.place.unwrap().line), (what, line));
        }
        assert_eq!(
            folder.gather("empty.jsonl", &own(None, false)).unwrap_err().what,
            "the source `empty.jsonl` is empty"
        );
    }

    #[test]
    fn texts_are_items_whole_or_by_section() {
        let page = "intro\r\n# Set up\n<!-- for us -->\n\nDo it.\n## On Linux\nSo.\n## On Linux\nOr so.\n";
        let folder = Folder::new(&[("docs/a.md", page), ("docs/sub/b.txt", "plain  \n")]);
        let whole = folder.gather("docs/**/*.txt", &own(None, false)).unwrap();
        assert_eq!(whole, [("sub/b".to_owned(), json!({"path": "docs/sub/b.txt", "text": "plain\n"}))]);
        let parts = folder.gather("docs/a.md", &own(None, true)).unwrap();
        let ids: Vec<&str> = parts.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(ids, ["a", "a#set-up", "a#set-up/on-linux", "a#set-up/on-linux-2"]);
        assert_eq!(
            parts[1].1,
            json!({"path": "docs/a.md", "heading": "Set up", "text": "# Set up\n\nDo it.\n"})
        );
    }

    #[test]
    fn keys_that_the_form_would_ignore_are_mistakes() {
        let folder = Folder::new(&[("a.json", "[]"), ("a.jsonl", "{}")]);
        let error = |path: &str, own: &OwnSource| folder.gather(path, own).unwrap_err().to_string();
        assert!(
            error("a.json", &own(Some("/n"), false))
                .starts_with("`id` is for sources of one item a line or a file\n  --> rules/one.toml")
        );
        assert!(
            error("a.jsonl", &own(None, true)).starts_with("only texts have sections\n  --> rules/one.toml")
        );
        let shaped = OwnSource { shape_place: Some(Place::file("rules/one.toml")), ..OwnSource::default() };
        assert!(error("a.jsonl", &shaped).starts_with("`shape` is for one JSON file"));
    }

    #[test]
    fn names_inside_the_patterns_folder_are_ids() {
        for (pattern, name, id) in [
            ("tickets/*.json", "tickets/T-1.json", "T-1"),
            ("./docs/**/*.md", "docs/a/b.c.md", "a/b.c"),
            ("page.md", "page.md", "page"),
            ("docs/page.md", "docs/page.md", "page"),
            ("*.md", "a.md", "a"),
        ] {
            assert_eq!(stem(pattern, name), id, "{pattern}");
        }
    }
}
