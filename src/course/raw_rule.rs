//! A rule file as written: spelling only, no meaning.

use super::schema::kinds;
use super::text::TextOr;
use super::types::{Role, Severity};
use crate::json::Kind;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;
use toml::Spanned;

/// The whole file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRule {
    #[schemars(with = "String")]
    pub(super) name: Spanned<String>,
    pub(super) title: Option<String>,
    #[schemars(with = "Option<String>")]
    pub(super) after: Option<Spanned<String>>,
    #[schemars(with = "Option<TextOr<RawSource>>")]
    pub(super) source: Option<Spanned<TextOr<RawSource>>>,
    #[schemars(with = "Option<RawExplode>")]
    pub(super) explode: Option<Spanned<RawExplode>>,
    #[schemars(with = "Option<RawGroup>")]
    pub(super) group: Option<Spanned<RawGroup>>,
    #[schemars(with = "Option<RawProjection>")]
    pub(super) input: Option<Spanned<RawProjection>>,
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub(super) input_ids: Vec<Spanned<String>>,
    #[schemars(with = "RawBatch")]
    pub(super) batch: Spanned<RawBatch>,
    #[schemars(with = "Option<u32>")]
    pub(super) attempts: Option<Spanned<u32>>,
    pub(super) prompt: RawPrompt,
    pub(super) output: RawOutput,
    #[serde(default)]
    #[schemars(with = "Vec<RawContext>")]
    pub(super) context: Vec<Spanned<RawContext>>,
    #[serde(default)]
    #[schemars(with = "Vec<RawCheck>")]
    pub(super) check: Vec<Spanned<RawCheck>>,
}

/// `[source]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSource {
    #[schemars(with = "Option<String>")]
    pub(super) file: Option<Spanned<String>>,
    #[schemars(with = "Option<RawShape>")]
    pub(super) shape: Option<Spanned<RawShape>>,
    #[schemars(with = "Option<String>")]
    pub(super) id: Option<Spanned<String>>,
    #[schemars(with = "Option<Split>")]
    pub(super) split: Option<Spanned<Split>>,
}

/// `split`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Split {
    /// A text's sections are the items.
    Sections,
}

/// `[group]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawGroup {
    #[schemars(with = "String")]
    pub(super) by: Spanned<String>,
}

/// `[explode]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawExplode {
    #[schemars(with = "String")]
    pub(super) at: Spanned<String>,
    #[schemars(with = "String")]
    pub(super) id: Spanned<String>,
    pub(super) min: usize,
    pub(super) max: usize,
    pub(super) only: Option<RawOnly>,
}

/// `{ at = "/new", is = true }`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawOnly {
    #[schemars(with = "String")]
    pub(super) at: Spanned<String>,
    pub(super) is: serde_json::Value,
}

/// `batch`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawBatch {
    pub(super) size: usize,
    #[serde(default)]
    pub(super) cohort: bool,
    pub(super) max_prompt_bytes: Option<usize>,
}

/// `[prompt]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPrompt {
    #[serde(default)]
    pub(super) intelligence: Vec<RawDocuments>,
    #[schemars(with = "String")]
    pub(super) system: Spanned<String>,
    #[schemars(with = "String")]
    pub(super) batch: Spanned<String>,
    #[schemars(with = "String")]
    pub(super) retry: Spanned<String>,
}

/// One entry of `intelligence`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawDocuments {
    #[schemars(with = "String")]
    pub(super) path: Spanned<String>,
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub(super) without: Vec<Spanned<String>>,
}

/// `shape`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawShape {
    #[schemars(schema_with = "kinds")]
    pub(super) collection: Kind,
    #[schemars(with = "Option<String>")]
    pub(super) id: Option<Spanned<String>>,
    #[schemars(with = "Option<String>")]
    pub(super) at: Option<Spanned<String>>,
}

/// `[output]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawOutput {
    #[schemars(with = "String")]
    pub(super) file: Spanned<String>,
    #[schemars(with = "RawShape")]
    pub(super) shape: Spanned<RawShape>,
    #[schemars(with = "Option<String>")]
    pub(super) schema: Option<Spanned<String>>,
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub(super) ids: Vec<Spanned<String>>,
    #[serde(default)]
    #[schemars(with = "Vec<RawDerived>")]
    pub(super) derived: Vec<Spanned<RawDerived>>,
    #[schemars(with = "Option<Named<TextOr<RawComputed>>>")]
    pub(super) envelope: Option<Spanned<Named<TextOr<RawComputed>>>>,
}

/// One entry of `derived`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawDerived {
    #[schemars(with = "String")]
    pub(super) field: Spanned<String>,
    #[schemars(with = "String")]
    pub(super) is: Spanned<String>,
    #[schemars(with = "Option<OneOrMore>")]
    pub(super) of: Option<Spanned<OneOrMore>>,
}

/// `{ constant = … }`, `{ count = "/legos" }` or `{ sum = "/phrase_count" }`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawComputed {
    pub(super) constant: Option<serde_json::Value>,
    #[schemars(with = "Option<String>")]
    pub(super) count: Option<Spanned<String>>,
    #[schemars(with = "Option<String>")]
    pub(super) sum: Option<Spanned<String>>,
}

/// One pointer, or a list of them.
#[derive(Debug)]
pub(super) struct OneOrMore(pub(super) Vec<String>);

impl<'de> Deserialize<'de> for OneOrMore {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = OneOrMore;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a pointer such as \"/legos\", or a list of them")
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(OneOrMore(vec![text.to_owned()]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut all = Vec::new();
                while let Some(text) = list.next_element()? {
                    all.push(text);
                }
                Ok(OneOrMore(all))
            }
        }
        deserializer.deserialize_any(Read)
    }
}

/// `[[context]]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawContext {
    #[schemars(with = "String")]
    pub(super) name: Spanned<String>,
    #[schemars(with = "Option<String>")]
    pub(super) from: Option<Spanned<String>>,
    #[schemars(with = "Option<String>")]
    pub(super) registry: Option<Spanned<String>>,
    #[schemars(with = "Option<String>")]
    pub(super) text: Option<Spanned<String>>,
    #[schemars(with = "Role")]
    pub(super) role: Spanned<Role>,
    #[schemars(with = "Option<TextOr<RawBefore>>")]
    pub(super) window: Option<Spanned<TextOr<RawBefore>>>,
    #[schemars(with = "Option<String>")]
    pub(super) each: Option<Spanned<String>>,
    #[schemars(with = "Option<RawProjection>")]
    pub(super) show: Option<Spanned<RawProjection>>,
    #[schemars(with = "Option<usize>")]
    pub(super) max_bytes: Option<Spanned<usize>>,
}

/// `{ before = 10 }`.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawBefore {
    pub(super) before: usize,
}

/// `[[check]]`: what is not known here belongs to the check.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct RawCheck {
    #[serde(rename = "use")]
    pub(super) name: String,
    /// What the manifest calls it.
    #[serde(rename = "name")]
    pub(super) label: Option<String>,
    /// The phase that it reads.
    #[schemars(with = "Option<String>")]
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
