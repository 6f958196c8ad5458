//! Finds the JSON in an answer, and takes it apart by id.
//!
//! An answer may be JSON alone, in a fenced block, or inside prose. Nothing is guessed and nothing is repaired: where more than
//! one value could be meant, or the only one is broken, the reason is told instead, for a finding. Of one that is cut off, the
//! items before the cut are whole and count. Every step reads the text once, without recursion, so an answer of any size or depth
//! does no harm.

use super::cut;
use super::encoding::text_of;
use crate::json::{Kind, Pointer, Shape, Value, read_collection};
use serde::de::IgnoredAny;
use std::ops::Range;

/// An answer taken apart.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    /// The items with their ids, in the order of the answer; an id that comes twice is here twice.
    pub items: Vec<(String, Value)>,
    /// What could not be taken as an item, each in words: it has no id, or its value cannot be read.
    pub unreadable: Vec<String>,
    /// The answer ends in the middle: in words. What is here came before that.
    pub cut: Option<String>,
}

/// Finds the JSON in an answer and takes it apart. The error says, in words for a finding, why it cannot be read.
pub fn read(answer: &[u8], shape: &Shape) -> Result<Answer, String> {
    let text = text_of(answer)?;
    match locate(text, shape) {
        Ok(json) => split(json, shape),
        Err(Lost::CutOff(start)) => {
            Ok(Answer { cut: Some(cut_off(text, start)), ..cut::before(&text[start..], shape) })
        }
        Err(lost) => Err(lost.words(text)),
    }
}

/// Why an answer's JSON is not to be had.
enum Lost {
    /// It begins at this byte, and the text ends in the middle of it.
    CutOff(usize),
    /// Something else.
    Otherwise(String),
}

impl Lost {
    fn words(self, text: &str) -> String {
        match self {
            Self::CutOff(start) => cut_off(text, start),
            Self::Otherwise(why) => why,
        }
    }
}

impl From<String> for Lost {
    fn from(why: String) -> Self {
        Self::Otherwise(why)
    }
}

/// Finds the one JSON value of an answer that can be what `shape` describes: the whole text, else the only fenced block that
/// holds JSON, else the only value inside prose. The error says, in words for a finding, why there is none.
pub fn find_json<'a>(answer: &'a [u8], shape: &Shape) -> Result<&'a str, String> {
    let text = text_of(answer)?;
    locate(text, shape).map_err(|lost| lost.words(text))
}

fn locate<'a>(text: &'a str, shape: &Shape) -> Result<&'a str, Lost> {
    if text.is_empty() {
        return Err("the answer is empty".to_owned().into());
    }
    if value_at(text, 0) == Read::Whole(text.len()) {
        return Ok(of_kind(text, 0..text.len(), shape)?);
    }
    match fenced(text).as_slice() {
        [] => in_prose(text, shape),
        [block] => whole_block(text, block.clone(), shape),
        [first, second, ..] => Err(Lost::Otherwise(format!(
            "the answer holds more than one fenced block of JSON (at lines {} and {}), and only one is wanted",
            line(text, first.start),
            line(text, second.start)
        ))),
    }
}

/// Takes a JSON text apart into items by id. Where the shape has an envelope, the bare collection does as well. The error says
/// why it is not the collection at all.
pub fn split(json: &str, shape: &Shape) -> Result<Answer, String> {
    let bare = Shape { at: Pointer::default(), ..shape.clone() };
    let shape = if has_envelope(json, shape) { shape } else { &bare };
    // Its lines count from the collection's start, which nobody sees: they are left out.
    let collection = read_collection(json, shape).map_err(|e| match e.at {
        Some(_) => format!("the answer's JSON is not what is wanted: {e}"),
        None => format!("the answer's JSON {e}"),
    })?;
    let mut answer = Answer::default();
    for (at, element) in collection.elements.into_iter().enumerate() {
        let key = element.key.as_deref();
        answer.add(at, key, element.raw, shape);
    }
    Ok(answer)
}

impl Answer {
    /// Adds an element of the collection: its number from 0, its key where it has one, its JSON text.
    pub(super) fn add(&mut self, at: usize, key: Option<&str>, raw: &str, shape: &Shape) {
        let name = || key.map_or_else(|| format!("element {}", at + 1), |key| format!("item `{key}`"));
        let item = serde_json::from_str::<Value>(raw)
            .map_err(|e| format!("{} of the answer cannot be read: {e}", name()))
            .and_then(|value| {
                let id = key.or_else(|| shape.id.get(&value).and_then(Value::as_str)).map(str::to_owned);
                let id = id.ok_or_else(|| format!("{} of the answer has no id at `{}`", name(), shape.id))?;
                Ok((id, value))
            });
        match item {
            Ok(item) => self.items.push(item),
            Err(why) => self.unreadable.push(why),
        }
    }
}

/// Whether the outermost value has the field that leads on to the collection.
fn has_envelope(json: &str, shape: &Shape) -> bool {
    let Some(first) = shape.at.names().and_then(|names| names.first().map(|name| (*name).to_owned())) else {
        return false;
    };
    let outermost = Shape { kind: Kind::Object, at: Pointer::default(), id: Pointer::default() };
    match read_collection(json, &outermost) {
        Ok(fields) => {
            shape.kind == Kind::Array
                || fields.elements.iter().any(|field| field.key.as_deref() == Some(&first))
        }
        Err(_) => shape.kind == Kind::Object,
    }
}

/// What stands at a bracket.
#[derive(Debug, PartialEq)]
enum Read {
    /// A whole value; where it ends.
    Whole(usize),
    /// The beginning of a value that the end of the text cuts off.
    Cut,
    /// No value: where it stops to be one, always behind the start.
    Broken(usize),
}

/// Reads the array or object that starts at `start`.
fn value_at(text: &str, start: usize) -> Read {
    let rest = &text[start..];
    if !rest.starts_with(['[', '{']) {
        return Read::Broken(start + 1);
    }
    let mut values = serde_json::Deserializer::from_str(rest).into_iter::<IgnoredAny>();
    match values.next() {
        Some(Ok(_)) => Read::Whole(start + values.byte_offset()),
        Some(Err(e)) if !e.is_eof() => Read::Broken(start + offset(rest, e.line(), e.column()).max(1)),
        _ => Read::Cut,
    }
}

/// The byte before the one that an error's line and column point behind; never inside a character.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let start = match line {
        0 | 1 => 0,
        _ => text.match_indices('\n').nth(line - 2).map_or(text.len(), |(at, _)| at + 1),
    };
    let mut at = (start + column.saturating_sub(1)).min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// The fenced blocks that are marked as JSON, or not marked, and begin like a JSON array or object. The last one may lack its
/// closing fence.
fn fenced(text: &str) -> Vec<Range<usize>> {
    let mut blocks = Vec::new();
    let mut open: Option<(usize, bool, usize)> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let (start, end) = (at, at + line.len());
        at = end;
        let line = line.trim();
        let info = line.trim_start_matches('`');
        let ticks = line.len() - info.len();
        match open {
            None if ticks >= 3 && !info.contains('`') => {
                let info = info.trim();
                open = Some((ticks, info.is_empty() || info.eq_ignore_ascii_case("json"), end));
            }
            Some((opened, json, from)) if ticks >= opened && info.is_empty() => {
                blocks.extend(json.then_some(from..start));
                open = None;
            }
            _ => {}
        }
    }
    if let Some((_, true, from)) = open {
        blocks.push(from..text.len());
    }
    blocks.retain(|block| text[block.clone()].trim_start().starts_with(['[', '{']));
    blocks
}

/// The value that a fenced block holds, which is to hold nothing else.
fn whole_block<'a>(text: &'a str, block: Range<usize>, shape: &Shape) -> Result<&'a str, Lost> {
    let inside = &text[block.clone()];
    let start = block.start + (inside.len() - inside.trim_start().len());
    let end = block.start + inside.trim_end().len();
    match value_at(&text[..end], start) {
        Read::Whole(to) if to == end => Ok(of_kind(text, start..end, shape)?),
        Read::Whole(to) => Err(Lost::Otherwise(format!(
            "the answer's fenced block holds more than one JSON value (the first ends at line {})",
            line(text, to)
        ))),
        // What stands behind a closed block is not what was cut off.
        Read::Cut if block.end == text.len() => Err(Lost::CutOff(start)),
        Read::Cut => Err(cut_off(text, start).into()),
        Read::Broken(_) => Err(broken(text, start).into()),
    }
}

/// The only value of the right kind that stands alone inside prose.
fn in_prose<'a>(text: &'a str, shape: &Shape) -> Result<&'a str, Lost> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut of_the_wrong_kind = false;
    let mut at = 0;
    while let Some(start) = text[at..].find(['[', '{']).map(|step| at + step) {
        match value_at(text, start) {
            Read::Whole(end) => {
                if stands_alone(text, start..end) {
                    if fits(text, start, shape) {
                        found.push(start..end);
                    } else {
                        of_the_wrong_kind = true;
                    }
                }
                at = end;
            }
            Read::Cut if found.is_empty() && !of_the_wrong_kind => return Err(Lost::CutOff(start)),
            Read::Cut => return Err(cut_off(text, start).into()),
            Read::Broken(end) => {
                if is_serious(&text[start + 1..end]) {
                    return Err(broken(text, start).into());
                }
                at = end;
            }
        }
        if let [first, second] = found.as_slice() {
            return Err(Lost::Otherwise(format!(
                "the answer holds more than one JSON {} (at lines {} and {}), and only one is wanted",
                wanted(shape),
                line(text, first.start),
                line(text, second.start)
            )));
        }
    }
    match found.pop() {
        Some(range) => Ok(&text[range]),
        None if of_the_wrong_kind => Err(format!("the answer holds JSON, but no {}", wanted(shape)).into()),
        None => Err(format!("the answer holds no JSON {}", wanted(shape)).into()),
    }
}

/// False for what is a part of a word: `legos[1]`, `f{}`.
fn stands_alone(text: &str, range: Range<usize>) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    !text[..range.start].ends_with(|c: char| part(c) || matches!(c, ']' | ')' | '}'))
        && !text[range.end..].starts_with(part)
}

/// Whether what was read before a value broke off looks like JSON rather than like prose in brackets: a whole string or a whole
/// inner value. Then it is an answer with a mistake, and nothing else in the text may pass for the answer.
fn is_serious(read: &str) -> bool {
    read.contains([']', '}']) || read.bytes().filter(|&byte| byte == b'"').nth(1).is_some()
}

fn of_kind<'a>(text: &'a str, range: Range<usize>, shape: &Shape) -> Result<&'a str, String> {
    if fits(text, range.start, shape) {
        return Ok(&text[range]);
    }
    let found = if text[range].starts_with('[') { "an array" } else { "an object" };
    Err(format!("the answer is {found}, and an {} is wanted", wanted(shape)))
}

/// Whether the value that starts here can be what the shape describes: the collection, or an object around it.
fn fits(text: &str, start: usize, shape: &Shape) -> bool {
    match shape.kind {
        Kind::Object => text[start..].starts_with('{'),
        Kind::Array => text[start..].starts_with('[') || !shape.at.is_root(),
    }
}

fn wanted(shape: &Shape) -> &'static str {
    if shape.kind == Kind::Object || !shape.at.is_root() { "object" } else { "array" }
}

fn cut_off(text: &str, start: usize) -> String {
    format!(
        "the answer ends in the middle of the JSON that begins at line {}: it was cut off",
        line(text, start)
    )
}

fn broken(text: &str, start: usize) -> String {
    let why = serde_json::from_str::<IgnoredAny>(&text[start..]).err();
    let (what, at) = why.map_or_else(Default::default, |e| (e.to_string(), e.line()));
    let what = what.split(" at line ").next().unwrap_or_default();
    format!("the answer's JSON cannot be read: {what} at line {}", line(text, start) + at.saturating_sub(1))
}

/// The one-based line of a byte.
fn line(text: &str, at: usize) -> usize {
    text.as_bytes()[..at].iter().filter(|&&byte| byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(at: &str) -> Shape {
        Shape { kind: Kind::Object, at: at.parse().unwrap(), id: Pointer::default() }
    }

    fn array(at: &str, id: &str) -> Shape {
        Shape { kind: Kind::Array, at: at.parse().unwrap(), id: id.parse().unwrap() }
    }

    fn found(answer: &str) -> Result<&str, String> {
        find_json(answer.as_bytes(), &object(""))
    }

    #[track_caller]
    fn refused(answer: &str, shape: &Shape, why: &str) {
        let said = find_json(answer.as_bytes(), shape).unwrap_err();
        assert!(said.contains(why), "{said}");
    }

    const PAIR: &str = "{\"S0001\": [\"Quiero hablar\", \"I want to speak\"]}";

    #[test]
    fn json_alone_in_a_fence_or_in_prose_is_found() {
        for answer in [
            PAIR.to_owned(),
            format!("\u{feff}\r\n{PAIR}\n\n"),
            format!("Here you are.\n\n```json\n{PAIR}\n```\nDone."),
            format!("```\r\n{PAIR}\r\n```\r\n"),
            format!("```JSON\n{PAIR}"),
            format!("````json\n{PAIR}\n````"),
            format!(
                "I thought about {{target}} and [tiling] first [see 1, 2].\n{PAIR}\nlegos[1] is new; d[\"2\"] too."
            ),
            format!("The answer is {PAIR}."),
            format!("```python\nx = {{\"a\": 1}}\n```\nwrote:\n```json\n{PAIR}\n```"),
        ] {
            assert_eq!(found(&answer), Ok(PAIR), "{answer}");
        }
    }

    #[test]
    fn where_two_could_be_meant_none_is_taken() {
        refused(&format!("```json\n{PAIR}\n```\nor\n```\n{PAIR}\n```"), &object(""), "lines 2 and 6");
        refused(&format!("{PAIR}\n{PAIR}"), &object(""), "lines 1 and 2");
        refused(&format!("```json\n{PAIR}\n{PAIR}\n```"), &object(""), "more than one JSON value");
    }

    #[test]
    fn a_broken_or_cut_off_answer_is_never_taken_in_part() {
        let lego = array("", "/0");
        refused("[[\"S0001\", [\"a\", \"b\"]], [\"S0002\", [\"c\"", &lego, "cut off");
        refused("```json\n[[\"S0001\", []], [\"S00", &lego, "cut off");
        refused("Here:\n[[\"S0001\", []],,\n [\"S0002\", []]]", &lego, "expected value at line 2");
        refused("{\"S0001\": [\"a\", \"b\"],}", &object(""), "key must be a string at line 1");
        refused("{\"S0001\" [\"a\"]} {\"S0002\": []}", &object(""), "expected `:` at line 1");
        refused("[{\"id\": \"S1\"} // the first\n, {\"id\": \"S2\"}]", &array("", "/id"), "line 1");
        refused("```json\n{'S0001': []}\n```", &object(""), "key must be a string at line 2");
    }

    #[test]
    fn what_is_no_answer_says_why() {
        refused("", &object(""), "empty");
        refused(" \u{feff}\n", &object(""), "empty");
        refused("I am sorry, I cannot read the document.", &object(""), "no JSON object");
        refused("null", &object(""), "no JSON object");
        refused("[1]", &object(""), "is an array, and an object is wanted");
        refused("So: [1].", &object(""), "holds JSON, but no object");
        refused(PAIR, &array("", "/0"), "is an object, and an array is wanted");
        let latin1 = b"{\"S0001\": [\"ma\xf1ana\", \"tomorrow\"]}";
        let said = find_json(latin1, &object("")).unwrap_err();
        assert!(said.contains("not UTF-8") && said.contains("byte 14 (0xf1)"), "{said}");
    }

    #[test]
    fn hostile_answers_end_soon() {
        let deep = 1_000_000;
        for piece in ["[", "{", "{\"a\":", "[{", "[x", "[1x", "\"", "[\"", "{\"a\":[", "```\n[", "``` ", "é["]
        {
            assert!(find_json(piece.repeat(deep).as_bytes(), &object("")).is_err(), "{piece}");
        }
        let nested = format!("{}{}", "[".repeat(deep), "]".repeat(deep));
        assert!(read(nested.as_bytes(), &array("", "/0")).unwrap().items.is_empty());
        assert!(
            split(&format!("{{\"S0001\": {nested}}}"), &object("")).unwrap().unreadable[0]
                .contains("`S0001`")
        );
    }

    #[test]
    fn doubled_ids_stay_and_odd_elements_do_not_take_the_good_ones_with_them() {
        let read = split("{\"S0001\": 1, \"S0002\": 2, \"S0001\": 3}", &object("")).unwrap();
        let ids: Vec<_> =
            read.items.iter().map(|(id, value)| (id.as_str(), value.as_i64().unwrap())).collect();
        assert_eq!(ids, [("S0001", 1), ("S0002", 2), ("S0001", 3)]);

        let text = "[[\"S0001\", []], {\"id\": 4}, [7], [\"S0002\", 1e999], [\"S0003\"]]";
        let read = split(text, &array("", "/0")).unwrap();
        assert_eq!(read.items.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), ["S0001", "S0003"]);
        assert_eq!(read.unreadable.len(), 3);
        assert_eq!(read.unreadable[0], "element 2 of the answer has no id at `/0`");
        assert!(read.unreadable[2].contains("number out of range"), "{:?}", read.unreadable);
    }

    #[test]
    fn an_envelope_may_be_left_out() {
        let ids = |text: &str, shape: &Shape| -> Result<Vec<String>, String> {
            Ok(read(text.as_bytes(), shape)?.items.into_iter().map(|(id, _)| id).collect())
        };
        let seeds = array("/seeds", "/seed_id");
        assert_eq!(
            ids("{\"agentId\": 3, \"seeds\": [{\"seed_id\": \"S0001\"}]}", &seeds).unwrap(),
            ["S0001"]
        );
        assert_eq!(ids("[{\"seed_id\": \"S0001\"}]", &seeds).unwrap(), ["S0001"]);
        assert!(ids("{\"sets\": []}", &seeds).unwrap_err().contains("no field `seeds`"));
        let pairs = object("/translations");
        assert_eq!(ids("{\"translations\": {\"S0001\": {}}}", &pairs).unwrap(), ["S0001"]);
        assert_eq!(ids("{\"S0001\": {}}", &pairs).unwrap(), ["S0001"]);
        assert!(ids("{\"translations\": []}", &pairs).is_err());
        assert!(ids("[]", &pairs).unwrap_err().contains("an object is wanted"));
    }
}
