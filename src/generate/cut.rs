//! What is whole of an answer that ends in the middle: the elements before the cut, as they stand.
//!
//! An element counts only if its end is there. Nothing is closed, completed or guessed.

use super::answer::Answer;
use crate::json::{Kind, Shape};
use serde::de::IgnoredAny;

/// The whole elements of a collection whose text breaks off, taken apart. The text begins with the collection, or with an object
/// around it.
pub(super) fn before(text: &str, shape: &Shape) -> Answer {
    let mut answer = Answer::default();
    for (at, (key, raw)) in elements(text, shape).into_iter().enumerate() {
        answer.add(at, key.as_deref(), raw, shape);
    }
    answer
}

/// The same as they stand, each with its name where the collection is an object.
pub(super) fn elements<'a>(text: &'a str, shape: &Shape) -> Vec<(Option<String>, &'a str)> {
    let mut found = Vec::new();
    let mut scan = Scan(text);
    if !scan.enter(shape) {
        return found;
    }
    loop {
        let key = match shape.kind {
            Kind::Object => match scan.key() {
                Some(key) => Some(key),
                None => break,
            },
            Kind::Array => None,
        };
        let Some(raw) = scan.value() else { break };
        found.push((key, raw));
        if !scan.skip(',') {
            break;
        }
    }
    found
}

/// A JSON text that is read from its beginning, as far as it goes.
struct Scan<'a>(&'a str);

impl<'a> Scan<'a> {
    fn skip(&mut self, what: char) -> bool {
        let rest = self.0.trim_start();
        match rest.strip_prefix(what) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    /// Goes into the collection: through the objects around it where they are there, else straight.
    fn enter(&mut self, shape: &Shape) -> bool {
        let open = if shape.kind == Kind::Object { '{' } else { '[' };
        let names = shape.at.names().unwrap_or_default();
        let begun = self.0;
        if names.iter().all(|name| self.enter_field(name)) && self.skip(open) {
            return true;
        }
        self.0 = begun;
        !names.is_empty() && self.skip(open)
    }

    /// Goes to the value of an object's field.
    fn enter_field(&mut self, name: &str) -> bool {
        if !self.skip('{') {
            return false;
        }
        while let Some(key) = self.key() {
            if key == name {
                return true;
            }
            if self.value().is_none() || !self.skip(',') {
                return false;
            }
        }
        false
    }

    /// A field's name, and what stands between it and its value.
    fn key(&mut self) -> Option<String> {
        let mut names = serde_json::Deserializer::from_str(self.0).into_iter::<String>();
        let key = names.next()?.ok()?;
        self.0 = &self.0[names.byte_offset()..];
        self.skip(':').then_some(key)
    }

    /// A whole value.
    fn value(&mut self) -> Option<&'a str> {
        let text = self.0.trim_start();
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
        values.next()?.ok()?;
        let (value, rest) = text.split_at(values.byte_offset());
        // A number may have gone on behind the cut.
        if rest.trim_start().is_empty() && !value.ends_with(['}', ']', '"']) {
            return None;
        }
        self.0 = rest;
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(kind: Kind, at: &str, id: &str) -> Shape {
        Shape { kind, at: at.parse().unwrap(), id: id.parse().unwrap() }
    }

    fn ids(text: &str, shape: &Shape) -> Vec<String> {
        before(text, shape).items.into_iter().map(|(id, _)| id).collect()
    }

    #[test]
    fn every_beginning_gives_the_elements_that_are_whole_in_it() {
        let object = shape(Kind::Object, "", "");
        let text = r#"{"S0001": ["a \"}", {"b": [1]}], "S0002": "é", "S0003": 12, "S0004": [], "S0005": {}}"#;
        let ends: Vec<usize> = ["]}],", "\"é\",", "12,", "[],", "{}}"]
            .iter()
            .map(|end| text.find(end).unwrap() + end.len() - 1)
            .collect();
        for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
            let read = ids(&text[..end], &object);
            // A number is known to be whole by what follows it.
            let whole =
                ends.iter().enumerate().filter(|(at, to)| **to + usize::from(*at == 2) <= end).count();
            assert_eq!(read.len(), whole, "{}", &text[..end]);
        }
    }

    #[test]
    fn arrays_and_envelopes_are_gone_into() {
        let rows = shape(Kind::Array, "", "/0");
        assert_eq!(ids("[[\"S0001\", [\"a\", \"b\"]], [\"S0002\", [\"c\"", &rows), ["S0001"]);
        assert_eq!(ids("[[\"S0001\", []]", &rows), ["S0001"]);
        let seeds = shape(Kind::Array, "/out/seeds", "/id");
        assert_eq!(
            ids(r#"{"agent": [1, {}], "out": {"n": 1, "seeds": [{"id": "a"}, {"id": "b"#, &seeds),
            ["a"]
        );
        assert_eq!(ids(r#"[{"id": "a"}, {"id"#, &seeds), ["a"], "the envelope may be left out");
        let pairs = shape(Kind::Object, "/translations", "");
        assert_eq!(ids(r#"{"translations": {"a": 1, "b": [2"#, &pairs), ["a"]);
        assert_eq!(ids(r#"{"a": {"x": 1}, "b": [2"#, &pairs), ["a"]);
        for nothing in
            ["", "[", "{", "{\"translations\"", "{\"translations\": [", "x", "{\"a\" 1, ", "{\"a\": 1"]
        {
            assert_eq!(ids(nothing, &pairs), [""; 0], "{nothing}");
        }
    }

    #[test]
    fn hostile_beginnings_end_soon() {
        for piece in ["[", "{\"a\":", "[[],", "{\"a\":{},", "\""] {
            before(&piece.repeat(200_000), &shape(Kind::Object, "", ""));
            before(&piece.repeat(200_000), &shape(Kind::Array, "", "/0"));
        }
    }
}
