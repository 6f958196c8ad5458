//! A rule file as written: spelling only, no meaning.

use super::text::TextOr;
use super::types::{Role, Severity};
use crate::json::Kind;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use std::fmt;
use toml::Spanned;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRule {
    pub(super) name: Spanned<String>,
    pub(super) title: Option<String>,
    pub(super) after: Option<Spanned<String>>,
    pub(super) source: Option<Spanned<TextOr<RawSource>>>,
    pub(super) explode: Option<Spanned<RawExplode>>,
    pub(super) input: Option<Spanned<RawProjection>>,
    #[serde(default)]
    pub(super) input_ids: Vec<Spanned<String>>,
    pub(super) batch: Spanned<RawBatch>,
    pub(super) attempts: Option<Spanned<u32>>,
    pub(super) prompt: RawPrompt,
    pub(super) output: RawOutput,
    #[serde(default)]
    pub(super) context: Vec<Spanned<RawContext>>,
    #[serde(default)]
    pub(super) check: Vec<Spanned<RawCheck>>,
}

/// `[source]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSource {
    pub(super) file: Option<Spanned<String>>,
    pub(super) shape: Option<Spanned<RawShape>>,
}

/// `[explode]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawExplode {
    pub(super) at: Spanned<String>,
    pub(super) id: Spanned<String>,
    pub(super) min: usize,
    pub(super) max: usize,
}

/// `batch`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawBatch {
    pub(super) size: usize,
    pub(super) max_prompt_bytes: Option<usize>,
}

/// `[prompt]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPrompt {
    #[serde(default)]
    pub(super) intelligence: Vec<RawDocuments>,
    pub(super) system: Spanned<String>,
    pub(super) batch: Spanned<String>,
    pub(super) retry: Spanned<String>,
}

/// One entry of `intelligence`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawDocuments {
    pub(super) path: Spanned<String>,
    #[serde(default)]
    pub(super) without: Vec<Spanned<String>>,
}

/// `shape`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawShape {
    pub(super) collection: Kind,
    pub(super) id: Option<Spanned<String>>,
    pub(super) at: Option<Spanned<String>>,
}

/// `[output]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawOutput {
    pub(super) file: Spanned<String>,
    pub(super) shape: Spanned<RawShape>,
    pub(super) schema: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) ids: Vec<Spanned<String>>,
    pub(super) envelope: Option<Spanned<Named<TextOr<RawConstant>>>>,
}

/// `{ constant = … }`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawConstant {
    pub(super) constant: serde_json::Value,
}

/// `[[context]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawContext {
    pub(super) name: Spanned<String>,
    pub(super) from: Spanned<String>,
    pub(super) role: Spanned<Role>,
    pub(super) window: Option<Spanned<TextOr<RawBefore>>>,
    pub(super) each: Option<Spanned<String>>,
    pub(super) show: Option<Spanned<RawProjection>>,
    pub(super) max_bytes: Option<Spanned<usize>>,
}

/// `{ before = 10 }`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawBefore {
    pub(super) before: usize,
}

/// `[[check]]`: what is not known here belongs to the check.
#[derive(Debug, Deserialize)]
pub(super) struct RawCheck {
    #[serde(rename = "use")]
    pub(super) name: String,
    /// What the manifest calls it.
    #[serde(rename = "name")]
    pub(super) label: Option<String>,
    /// The phase that it reads.
    pub(super) from: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) severity: Severity,
    #[serde(flatten)]
    pub(super) fields: serde_json::Map<String, serde_json::Value>,
}

/// Named values in the order in which they are written.
#[derive(Debug)]
pub(super) struct Named<T>(pub(super) Vec<(String, Spanned<T>)>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
            type Value = Named<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table")
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                fields(map).map(Named)
            }
        }
        deserializer.deserialize_map(Fields(std::marker::PhantomData))
    }
}

/// The parser gives a table's keys in alphabetical order; the author's is that of the places.
fn fields<'de, A: MapAccess<'de>, T: Deserialize<'de>>(
    mut map: A,
) -> Result<Vec<(String, Spanned<T>)>, A::Error> {
    let mut fields = Vec::<(Spanned<String>, Spanned<T>)>::new();
    while let Some(field) = map.next_entry()? {
        fields.push(field);
    }
    fields.sort_by_key(|(name, _)| name.span().start);
    Ok(fields.into_iter().map(|(name, value)| (name.into_inner(), value)).collect())
}

/// A projection: a pointer, or a table of projections.
#[derive(Debug)]
pub(super) enum RawProjection {
    Leaf(String),
    Fields(Vec<(String, Spanned<RawProjection>)>),
}

impl<'de> Deserialize<'de> for RawProjection {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = RawProjection;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a pointer such as \"/2\", or a table of them")
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(RawProjection::Leaf(text.to_owned()))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                fields(map).map(RawProjection::Fields)
            }
        }
        deserializer.deserialize_any(Read)
    }
}
