//! Answers from recorded outputs, item by item, as they were recorded.
//!
//! What was not recorded is left out of the answer, and whoever asked finds it missing. For tests, demonstrations and moving a
//! course that was made elsewhere; knows no content.

use super::located::{self, Source};
use super::{Generator, Outcome, Pending, Reply, Request, Stop};
use crate::diag::{Problem, Result, escape};
use crate::json::{Kind, Pointer, Shape, Value, read_collection};
use serde_json::json;
use std::collections::HashMap;
use std::path::Path;

/// A generator that answers from a recording: a file `{"phase1": …, "phase3": …}`, each phase an object by id or, where its
/// output is an array, an array too; or a folder with a file `<phase>.json` for each, shaped as the phase's main file.
#[derive(Debug)]
pub struct Replay {
    phases: HashMap<String, Recorded>,
}

#[derive(Debug)]
struct Recorded {
    shape: Shape,
    /// Raw JSON by id.
    items: HashMap<String, String>,
}

impl Replay {
    /// Reads a recording. `shapes` tells for each phase how its answers hold their items; a phase that is not recorded answers
    /// with no item. Errors point at the line.
    pub fn load(path: &Path, shapes: Vec<(String, Shape)>) -> Result<Self> {
        let items = if path.is_dir() { read_folder(path, &shapes)? } else { read_file(path, &shapes)? };
        let phases = shapes
            .into_iter()
            .zip(items)
            .map(|((phase, shape), items)| (phase, Recorded { shape, items }))
            .collect();
        Ok(Self { phases })
    }

    fn reply(&self, request: &Request) -> Outcome {
        let Some(recorded) = self.phases.get(&request.phase) else {
            return Outcome::Unusable {
                what: format!("the recording does not know phase `{}`", request.phase),
                hint: "record the phase, or give it another generator".to_owned(),
            };
        };
        let found = request.items.iter().filter_map(|item| Some((&item.id, recorded.items.get(&item.id)?)));
        let (open, close, items): (_, _, Vec<String>) = match recorded.shape.kind {
            Kind::Array => ('[', ']', found.map(|(_, raw)| raw.clone()).collect()),
            Kind::Object => ('{', '}', found.map(|(id, raw)| format!("{}: {raw}", json!(id))).collect()),
        };
        let collection = format!("{open}\n{}\n{close}", items.join(",\n"));
        let names = recorded.shape.at.names().unwrap_or_default();
        let answer =
            names.iter().rev().fold(collection, |inner, name| format!("{{{}: {inner}}}", json!(name)));
        Outcome::Answered(answer.into_bytes())
    }
}

impl Generator for Replay {
    fn ask(&self, request: Request, _stop: Stop) -> Pending<'_> {
        Box::pin(async move { Reply::of(self.reply(&request)) })
    }
}

fn read_file(path: &Path, shapes: &[(String, Shape)]) -> Result<Vec<HashMap<String, String>>> {
    let text = located::read(path, "recording")?;
    let source = Source { path, text: &text };
    let whole = Shape { kind: Kind::Object, at: Pointer::default(), id: Pointer::default() };
    let phases = collection(&source, &text, &whole)?;
    let mut read: Vec<Option<HashMap<String, String>>> = vec![None; shapes.len()];
    for (name, raw) in phases {
        let Some(at) = shapes.iter().position(|(phase, _)| *phase == name) else {
            let known = shapes.iter().map(|(phase, _)| format!("`{phase}`")).collect::<Vec<_>>().join(", ");
            return Err(source
                .problem(raw, format!("there is no phase `{name}` to answer for"))
                .hint(format!("the phases that replay are {known}")));
        };
        let by_id = raw.starts_with('{');
        let shape = &shapes[at].1;
        let kind = if by_id { Kind::Object } else { shape.kind };
        let shape = Shape { kind, at: Pointer::default(), id: shape.id.clone() };
        if read[at].replace(by_ids(&source, raw, &shape)?).is_some() {
            return Err(source.problem(raw, format!("the phase `{name}` is recorded twice")));
        }
    }
    Ok(read.into_iter().map(Option::unwrap_or_default).collect())
}

fn read_folder(path: &Path, shapes: &[(String, Shape)]) -> Result<Vec<HashMap<String, String>>> {
    let mut read = Vec::with_capacity(shapes.len());
    for (phase, shape) in shapes {
        let file = path.join(format!("{}.json", crate::path::file_name(phase)));
        if !file.is_file() {
            read.push(HashMap::new());
            continue;
        }
        let text = located::read(&file, "recording")?;
        read.push(by_ids(&Source { path: &file, text: &text }, &text, shape)?);
    }
    Ok(read)
}

/// The recorded items of one phase by id.
fn by_ids(source: &Source<'_>, piece: &str, shape: &Shape) -> Result<HashMap<String, String>> {
    let mut items = HashMap::new();
    for (key, raw) in collection(source, piece, shape)? {
        let id = match shape.kind {
            Kind::Object => key,
            Kind::Array => {
                let item: Value = source.parse(raw)?;
                let id = shape.id.get(&item).and_then(Value::as_str).map(str::to_owned);
                id.ok_or_else(|| source.problem(raw, format!("this item has no id at `{}`", shape.id)))?
            }
        };
        if items.insert(id.clone(), raw.to_owned()).is_some() {
            return Err(source.problem(raw, format!("`{}` is recorded twice", escape(&id))));
        }
    }
    Ok(items)
}

/// The elements of a collection, with their keys (empty in an array).
fn collection<'t>(source: &Source<'_>, piece: &'t str, shape: &Shape) -> Result<Vec<(String, &'t str)>> {
    let read = read_collection(piece, shape).map_err(|error| {
        let place = match error.at {
            // Inside an envelope the place is counted from the collection's start, which is not known here.
            Some((line, column)) if shape.at.is_root() => source.place_within(piece, line, column),
            _ => source.place(piece),
        };
        Problem::author(format!("the recording cannot be read: {}", error.what)).at(place)
    })?;
    Ok(read.elements.into_iter().map(|one| (one.key.map(Into::into).unwrap_or_default(), one.raw)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::{Asked, Stopper};
    use std::sync::Arc;

    fn shapes() -> Vec<(String, Shape)> {
        let shape =
            |kind, at: &str, id: &str| Shape { kind, at: at.parse().unwrap(), id: id.parse().unwrap() };
        vec![
            ("one".to_owned(), shape(Kind::Object, "/inner/items", "")),
            ("two".to_owned(), shape(Kind::Array, "", "/0")),
        ]
    }

    fn request(phase: &str, ids: &[&str]) -> Request {
        Request {
            call: "1".to_owned(),
            dir: "/".into(),
            course: "c".to_owned(),
            course_dir: "/".into(),
            phase: phase.to_owned(),
            batch: 1,
            label: format!("{phase}_batch_1"),
            scope: ids.join("-"),
            attempt: 1,
            prefix: Arc::from(""),
            body: String::new(),
            input: Value::Null.into(),
            items: ids.iter().map(|id| Asked { id: (*id).to_owned(), input: Value::Null }).collect(),
        }
    }

    async fn asked(replay: &Replay, phase: &str, ids: &[&str]) -> Value {
        let (_stopper, stop) = Stopper::new();
        match replay.ask(request(phase, ids), stop).await.outcome {
            Outcome::Answered(bytes) => serde_json::from_slice(&bytes).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    fn recording(text: &str) -> Result<Replay> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("recorded.json");
        crate::fs::write_whole(&path, text.as_bytes(), false).unwrap();
        Replay::load(&path, shapes())
    }

    #[tokio::test]
    async fn what_was_recorded_comes_back_in_the_phases_shape() {
        for two in [r#"[["A", 1.50], ["B", "é"]]"#, r#"{"A": ["A", 1.50], "B": ["B", "é"]}"#] {
            let text = format!(r#"{{"one": {{"A": ["x"], "../b": 7}}, "two": {two}}}"#);
            let replay = recording(&text).unwrap();
            assert_eq!(asked(&replay, "two", &["B", "no", "A"]).await, json!([["B", "é"], ["A", 1.5]]));
            assert_eq!(
                asked(&replay, "one", &["../b", "A"]).await,
                json!({"inner": {"items": {"../b": 7, "A": ["x"]}}})
            );
            assert_eq!(asked(&replay, "two", &["no"]).await, json!([]));
        }
    }

    #[tokio::test]
    async fn a_folder_holds_main_files() {
        let dir = tempfile::tempdir().unwrap();
        let main = r#"{"version": 1, "inner": {"items": {"A": [1]}}}"#;
        crate::fs::write_whole(&dir.path().join("one.json"), main.as_bytes(), false).unwrap();
        let replay = Replay::load(dir.path(), shapes()).unwrap();
        assert_eq!(asked(&replay, "one", &["A"]).await, json!({"inner": {"items": {"A": [1]}}}));
        assert_eq!(asked(&replay, "two", &["A"]).await, json!([]));
    }

    #[test]
    fn a_broken_recording_is_told_with_its_place() {
        let fails = |text: &str| recording(text).unwrap_err();
        let doubled = fails("{\"two\": [[\"A\", 1],\n  [\"A\", 2]]}");
        assert!(doubled.to_string().contains("`A` is recorded twice"), "{doubled}");
        assert_eq!(doubled.place.unwrap().line, 2);
        assert!(fails("{\"three\": {}}").to_string().contains("no phase `three`"));
        assert!(fails("{\"two\": [[1]]}").to_string().contains("no id at `/0`"));
        let torn = fails("{\"one\": {\n\"A\": [}}");
        assert_eq!(torn.place.unwrap().line, 2);
        let missing = Replay::load(Path::new("/nowhere/x.json"), shapes()).unwrap_err();
        assert!(missing.to_string().contains("is not there"));
    }
}
