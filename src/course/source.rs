//! Sources: the items that a course starts from, read from a JSON file or from what a program prints.

use super::text::TextFile;
use super::types::SourceItem;
use crate::diag::{Problem, Result, escape};
use crate::json::{Element, Kind, Pointer, Shape, ShapeError, Value, normalize, read_collection};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// The fields that hold an element's id when no shape says where it is.
pub(super) const ID_FIELDS: [&str; 2] = ["seed_id", "id"];
const SHAPES: &str = "an array of `{\"seed_id\": …, \"source\": …}`, or an object from id to text, is a source; for any other shape the rule's `[source]` says `shape`";

/// The items of a source, in its order, ids unique.
///
/// Without a shape: an array of objects with `seed_id` or `id`, or an object by id, in which a text stands for
/// `{"source": text}`. Time and memory are linear in the text.
pub(super) fn read(file: &TextFile, shape: Option<&Shape>) -> Result<Vec<SourceItem>> {
    let guessed = guess(file);
    let collection = match (shape, &guessed) {
        (Some(shape), _) | (None, Some(shape)) => read_collection(&file.text, shape),
        (None, None) => Err(ShapeError { what: "it is neither an array nor an object".to_owned(), at: None }),
    };
    let elements = collection.map_err(|error| not_a_source(file, error))?.elements;
    let mut items = Vec::with_capacity(elements.len());
    for element in elements {
        let at = span_of(file, element.raw);
        let item = item(file, shape, &element, &at)?;
        items.push((item, at));
    }
    differ(file, items)
}

/// The items of lines: each holds the JSON of one, its id at `id`, else in one of the usual fields. Empty lines are none.
pub(super) fn read_lines(file: &TextFile, id: Option<&Pointer>) -> Result<Vec<SourceItem>> {
    let mut items = Vec::new();
    let mut start = 0;
    for line in file.text.split_inclusive('\n') {
        let at = start..start + line.trim_end().len().min(60);
        start += line.len();
        if line.trim().is_empty() {
            continue;
        }
        let value: Value = serde_json::from_str(line).map_err(|error| {
            let text = error.to_string();
            file.problem(at.clone(), "this line cannot be read as JSON")
                .because(text.split(" at line ").next().unwrap_or(&text))
                .hint("a `.jsonl` source holds one item a line, each an object with an id")
        })?;
        items.push((with_id(file, value, id, &at)?, at));
    }
    differ(file, items)
}

/// The item that a value is, by the id in it.
pub(super) fn with_id(
    file: &TextFile,
    mut value: Value,
    pointer: Option<&Pointer>,
    at: &Range<usize>,
) -> Result<SourceItem> {
    normalize(&mut value);
    let id = match pointer {
        Some(pointer) => pointer.get(&value),
        None => ID_FIELDS.iter().find_map(|name| value.get(name)),
    };
    match id.cloned().unwrap_or_default() {
        Value::String(id) if !id.trim().is_empty() => Ok(SourceItem { id: id.into(), value }),
        found => Err(no_id(file, at, pointer, &found)),
    }
}

fn differ(file: &TextFile, items: Vec<(SourceItem, Range<usize>)>) -> Result<Vec<SourceItem>> {
    let mut first_seen = HashMap::<Arc<str>, usize>::with_capacity(items.len());
    for (item, at) in &items {
        if let Some(first) = first_seen.insert(Arc::clone(&item.id), at.start) {
            return Err(file
                .problem(at.clone(), format!("the id `{}` stands in the source twice", escape(&item.id)))
                .because(format!("the first one is in line {}", file.place(first..first).line))
                .hint("give each item an id of its own"));
        }
    }
    Ok(items.into_iter().map(|(item, _)| item).collect())
}

fn guess(file: &TextFile) -> Option<Shape> {
    let kind = match file.text.trim_start().chars().next()? {
        '[' => Kind::Array,
        '{' => Kind::Object,
        _ => return None,
    };
    Some(Shape { kind, at: Pointer::default(), id: Pointer::default() })
}

fn not_a_source(file: &TextFile, error: ShapeError) -> Problem {
    let problem = Problem::author(format!("`{}` holds no source", file.name.display())).because(error.what);
    let place = match error.at {
        Some((line, column)) => {
            let at = file.offset(line, column);
            file.place(at..at + 1)
        }
        None => crate::diag::Place::file(&file.name),
    };
    problem.at(place).hint(SHAPES)
}

/// Where an element stands, known from its being a part of the file's text.
fn span_of(file: &TextFile, raw: &str) -> Range<usize> {
    let start = (raw.as_ptr() as usize).saturating_sub(file.text.as_ptr() as usize);
    let end = raw.find('\n').unwrap_or(raw.len()).min(60);
    start..start + end
}

fn item(
    file: &TextFile,
    shape: Option<&Shape>,
    element: &Element<'_>,
    at: &Range<usize>,
) -> Result<SourceItem> {
    let mut value: Value = serde_json::from_str(element.raw).map_err(|error| {
        file.problem(at.clone(), "this element cannot be read").because(error).hint(SHAPES)
    })?;
    normalize(&mut value);
    let id = match (&element.key, shape) {
        (Some(key), _) => {
            let mut key = Value::String(key.clone().into_owned());
            normalize(&mut key);
            if shape.is_none() && value.is_string() {
                value = serde_json::json!({ "source": value });
            }
            key
        }
        (None, Some(shape)) => shape.id.get(&value).cloned().unwrap_or_default(),
        (None, None) => ID_FIELDS.iter().find_map(|name| value.get(name)).cloned().unwrap_or_default(),
    };
    match id {
        Value::String(id) if !id.trim().is_empty() => Ok(SourceItem { id: id.into(), value }),
        found => Err(no_id(file, at, shape.map(|shape| &shape.id), &found)),
    }
}

fn no_id(file: &TextFile, at: &Range<usize>, pointer: Option<&Pointer>, found: &Value) -> Problem {
    let place = pointer.map_or_else(
        || format!("`{}` or `{}`", ID_FIELDS[0], ID_FIELDS[1]),
        |pointer| format!("`{pointer}`"),
    );
    let found = match found {
        Value::Null => "found none".to_owned(),
        other => format!("found `{other}`"),
    };
    file.problem(at.clone(), "an item of the source has no id")
        .because(format!("its id is a text that is not empty, in {place}; {found}"))
        .hint("give each item an id: it is how its results are found again")
}

/// The positions of ids, for ranges.
#[derive(Debug)]
pub(super) struct Positions<'a> {
    items: &'a [SourceItem],
    by_id: HashMap<&'a str, usize>,
}

impl<'a> Positions<'a> {
    pub(super) fn new(items: &'a [SourceItem]) -> Self {
        Self { items, by_id: items.iter().enumerate().map(|(at, item)| (&*item.id, at)).collect() }
    }

    /// The positions from the first to the last id of `FIRST-LAST`, or of one id. Ids can hold hyphens.
    pub(super) fn range(&self, text: &str) -> std::result::Result<Range<usize>, BadRange> {
        let find = |id: &str| self.by_id.get(id.trim()).copied();
        if let Some(one) = find(text) {
            return Ok(one..one + 1);
        }
        let mut halves = text.match_indices('-').map(|(at, _)| (&text[..at], &text[at + 1..]));
        if let Some((first, last)) = halves.clone().find_map(|(a, b)| find(a).zip(find(b))) {
            return if first <= last { Ok(first..last + 1) } else { Err(BadRange::Reversed) };
        }
        let half_known = halves.clone().find_map(|(a, b)| match (find(a), find(b)) {
            (Some(_), None) => Some(b),
            (None, Some(_)) => Some(a),
            _ => None,
        });
        let unknown = half_known.or_else(|| halves.next().map(|(a, _)| a)).unwrap_or(text);
        Err(BadRange::Unknown { id: unknown.trim().to_owned(), bounds: self.bounds() })
    }

    fn bounds(&self) -> Option<(String, String)> {
        let (first, last) = (self.items.first()?, self.items.last()?);
        Some((first.id.to_string(), last.id.to_string()))
    }
}

/// Why a range is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum BadRange {
    /// The first id stands after the last.
    Reversed,
    /// There is no such id; the first and last ids that there are.
    Unknown { id: String, bounds: Option<(String, String)> },
}

impl BadRange {
    /// The problem that it is.
    pub(super) fn problem(self, text: &str) -> Problem {
        let text = escape(text);
        match self {
            Self::Reversed => Problem::author(format!("the range `{text}` runs backwards"))
                .because("its first id stands after its last one in the source")
                .hint("swap the two"),
            Self::Unknown { id, bounds } => {
                let problem = Problem::author(format!("the source has no item `{}`", escape(&id)));
                match bounds {
                    Some((first, last)) => problem.hint(format!("its items run from `{first}` to `{last}`")),
                    None => problem.because("it is empty"),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn file(text: &str) -> TextFile {
        TextFile { name: "seeds.json".into(), text: text.to_owned() }
    }

    fn ids(text: &str, shape: Option<&Shape>) -> Vec<(String, Value)> {
        let items = read(&file(text), shape).unwrap();
        items.into_iter().map(|item| (item.id.to_string(), item.value)).collect()
    }

    #[test]
    fn sources_of_every_shape_are_read() {
        assert_eq!(
            ids(r#"[{"seed_id": "S1", "source": "cafe\u0301"}, {"id": "S2", "x": 1}]"#, None),
            [
                ("S1".to_owned(), json!({"seed_id": "S1", "source": "café"})),
                ("S2".to_owned(), json!({"id": "S2", "x": 1}))
            ]
        );
        assert_eq!(
            ids(r#"{"S2": "b", "S1": {"source": "a"}}"#, None),
            [("S2".to_owned(), json!({"source": "b"})), ("S1".to_owned(), json!({"source": "a"}))]
        );
        let shape = Shape { kind: Kind::Array, at: "/list".parse().unwrap(), id: "/0".parse().unwrap() };
        assert_eq!(ids(r#"{"v": 1, "list": [["a", 1]]}"#, Some(&shape)), [("a".to_owned(), json!(["a", 1]))]);
    }

    #[test]
    fn a_doubled_id_is_shown_where_it_stands() {
        let error = read(&file("[\n{\"id\":\"a\"},\n{\"id\":\"b\"},\n  {\"id\":\"a\"}]"), None).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the id `a` stands in the source twice\n  --> seeds.json:4:3\n    |\n  4 |   {\"id\":\"a\"}]\n    |   ^^^^^^^^^^\n  because: the first one is in line 2\n  hint: give each item an id of its own"
        );
        assert!(read(&file("{\"e\u{301}\": \"x\", \"é\": \"y\"}"), None).is_err());
    }

    #[test]
    fn what_is_no_source_is_an_error() {
        for (text, what) in [
            ("[{\"source\": \"x\"}]", "an item of the source has no id"),
            ("[{\"id\": 7}]", "an item of the source has no id"),
            ("{\"\": \"x\"}", "an item of the source has no id"),
            ("[1, 2]", "an item of the source has no id"),
            ("\"x\"", "`seeds.json` holds no source"),
            ("", "`seeds.json` holds no source"),
            ("[{\"id\": \"a\"", "`seeds.json` holds no source"),
        ] {
            assert_eq!(read(&file(text), None).unwrap_err().what, what, "{text}");
        }
    }

    #[test]
    fn ranges_go_by_position() {
        let items = read(&file(r#"{"S3": "", "S1": "", "a-b": "", "S2": ""}"#), None).unwrap();
        let positions = Positions::new(&items);
        assert_eq!(positions.range("S3-a-b"), Ok(0..3));
        assert_eq!(positions.range("a-b"), Ok(2..3));
        assert_eq!(positions.range("a-b - S2"), Ok(2..4));
        assert_eq!(positions.range("S2-S3"), Err(BadRange::Reversed));
        let error = positions.range("S1-S9").unwrap_err().problem("S1-S9");
        assert_eq!(error.to_string(), "the source has no item `S9`\n  hint: its items run from `S3` to `S2`");
    }

    #[test]
    fn a_large_source_is_read_in_one_pass() {
        let mut text = String::from("{");
        for at in 0..50_000 {
            text.push_str(&format!("\"S{at:06}\": \"sentence {at}\",\n"));
        }
        text.push_str("\"last\": \"x\"}");
        assert_eq!(read(&file(&text), None).unwrap().len(), 50_001);
    }
}
