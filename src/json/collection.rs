//! Collections of items in JSON files of any shape: an array or an object, at the top or inside an envelope.

use super::Pointer;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// How a file holds its items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// Array of items or object by id.
    pub kind: Kind,
    /// Where the collection stands in the file; the root pointer when the file is the collection. No wildcard.
    pub at: Pointer,
    /// Where an item of an array has its id. For an object the key is the id, and this is the root pointer.
    pub id: Pointer,
}

/// Array or object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// `[item, …]`, each with its id inside.
    Array,
    /// `{id: item, …}`.
    Object,
}

/// One item as it stands in the text: its key when the collection is an object, and its raw JSON.
#[derive(Debug, Clone)]
pub struct Element<'t> {
    /// The id by which an object holds it.
    pub key: Option<Cow<'t, str>>,
    /// Its JSON, as written.
    pub raw: &'t str,
}

/// A collection read from a text: its elements in order (doubled keys and all) and the fields around it.
#[derive(Debug)]
pub struct Collection<'t> {
    /// The elements, in the order of the text.
    pub elements: Vec<Element<'t>>,
    /// What stands around the collection.
    pub envelope: Envelope,
}

/// The fields around a collection, from the outermost object inwards; each level lists its fields in order, with `None` in the
/// place of the field that leads on to the collection.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Envelope(pub Vec<Vec<(String, Option<String>)>>);

/// Why a text does not hold the collection that the shape promises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShapeError {
    /// What is wrong.
    pub what: String,
    /// One-based line and column, where known.
    pub at: Option<(usize, usize)>,
}

impl fmt::Display for ShapeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl From<serde_json::Error> for ShapeError {
    fn from(error: serde_json::Error) -> Self {
        let at = (error.line() > 0).then(|| (error.line(), error.column().max(1)));
        let text = error.to_string();
        let what = text.split(" at line ").next().unwrap_or(&text).to_owned();
        Self { what, at }
    }
}

/// Reads the collection that `shape` describes. Keeps doubled keys, so that they can be reported, and raw texts, so that
/// nothing is parsed twice.
pub fn read_collection<'t>(text: &'t str, shape: &Shape) -> Result<Collection<'t>, ShapeError> {
    let mut envelope = Envelope::default();
    let mut rest = text;
    for name in shape.at.names().unwrap_or_default() {
        let Fields(fields) = serde_json::from_str(rest)?;
        let mut next = None;
        let level = fields
            .into_iter()
            .map(|(key, raw)| {
                if key == name && next.is_none() {
                    next = Some(raw);
                    (key.into_owned(), None)
                } else {
                    (key.into_owned(), Some(raw.to_owned()))
                }
            })
            .collect();
        envelope.0.push(level);
        rest = next.ok_or_else(|| ShapeError { what: format!("has no field `{name}`"), at: None })?;
    }
    let elements = match shape.kind {
        Kind::Array => {
            let Elements(items) = serde_json::from_str(rest)?;
            items.into_iter().map(|raw| Element { key: None, raw }).collect()
        }
        Kind::Object => {
            let Fields(fields) = serde_json::from_str(rest)?;
            fields.into_iter().map(|(key, raw)| Element { key: Some(key), raw }).collect()
        }
    };
    Ok(Collection { elements, envelope })
}

struct Elements<'t>(Vec<&'t str>);
struct Fields<'t>(Vec<(Cow<'t, str>, &'t str)>);

impl<'de> Deserialize<'de> for Elements<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Elements<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array of items")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut items = Vec::new();
                while let Some(raw) = seq.next_element::<&'de RawValue>()? {
                    items.push(raw.get());
                }
                Ok(Elements(items))
            }
        }
        deserializer.deserialize_seq(Read)
    }
}

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Fields<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of items by id")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some((Key(key), raw)) = map.next_entry::<Key<'de>, &'de RawValue>()? {
                    fields.push((key, raw.get()));
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Read)
    }
}

struct Key<'t>(Cow<'t, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Key<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an id")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(kind: Kind, at: &str) -> Shape {
        Shape { kind, at: at.parse().unwrap(), id: Pointer::default() }
    }

    #[test]
    fn doubled_keys_and_the_envelope_are_kept() {
        let text = r#"{"v": 1, "inner": {"items": {"a": [1], "a": 2, "\u00e9": {}}, "n": null}, "z": "x"}"#;
        let read = read_collection(text, &shape(Kind::Object, "/inner/items")).unwrap();
        let items: Vec<_> = read.elements.iter().map(|e| (e.key.as_deref().unwrap(), e.raw)).collect();
        assert_eq!(items, [("a", "[1]"), ("a", "2"), ("é", "{}")]);
        let some = |key: &str, raw: &str| (key.to_owned(), Some(raw.to_owned()));
        assert_eq!(
            read.envelope.0,
            [
                vec![some("v", "1"), ("inner".to_owned(), None), some("z", "\"x\"")],
                vec![("items".to_owned(), None), some("n", "null")]
            ]
        );
    }

    #[test]
    fn a_wrong_shape_is_an_error_with_a_place() {
        let error = read_collection("{\"a\":\n x}", &shape(Kind::Object, "")).unwrap_err();
        assert_eq!(error.at, Some((2, 2)));
        assert!(read_collection("[]", &shape(Kind::Object, "")).is_err());
        assert!(read_collection("{}", &shape(Kind::Array, "")).is_err());
        assert_eq!(read_collection("{}", &shape(Kind::Array, "/x")).unwrap_err().what, "has no field `x`");
        assert!(read_collection("[1] x", &shape(Kind::Array, "")).is_err());
    }
}
