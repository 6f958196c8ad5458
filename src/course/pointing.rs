//! Whatever points into a value: projections, shapes, `explode`, and the pointers that they are made of.

use super::raw_rule::{RawExplode, RawProjection, RawShape};
use super::text::TextFile;
use super::types::{Explode, Only, Projection};
use crate::diag::{Result, escape};
use crate::json::{Kind, Pointer, Shape, normalize};
use std::ops::Range;
use toml::Spanned;

const EXAMPLE_POINTER: &str = "write a JSON pointer such as `/2` or `/lego/id`; `\"\"` is the whole value";

pub(super) fn explode(file: &TextFile, raw: &Spanned<RawExplode>) -> Result<Explode> {
    let RawExplode { at, id, min, max, only } = raw.get_ref();
    if *max == 0 || min > max {
        return Err(file
            .problem(raw.span(), "`max` has to be at least 1 and at least `min`")
            .because(format!("found `min = {min}` and `max = {max}`"))
            .hint("they bound how many items a plan reckons with for one result; they are no check"));
    }
    let only = only.as_ref().map(|only| {
        let mut is = only.is.clone();
        normalize(&mut is);
        Ok(Only { at: plain_pointer(file, &only.at)?, is })
    });
    let (at, id) = (plain_pointer(file, at)?, plain_pointer(file, id)?);
    Ok(Explode { at, id, min: *min, max: *max, only: only.transpose()? })
}

pub(super) fn shape(file: &TextFile, raw: &Spanned<RawShape>) -> Result<Shape> {
    let RawShape { collection, id, at } = raw.get_ref();
    if let (Kind::Object, Some(id)) = (collection, id) {
        return Err(file
            .problem(id.span(), "an object holds its items by id, so `id` has nothing to say")
            .hint("take `id` out, or write `collection = \"array\"`"));
    }
    let parse = |text: &Option<Spanned<String>>| {
        text.as_ref().map_or(Ok(Pointer::default()), |text| plain_pointer(file, text))
    };
    Ok(Shape { kind: *collection, at: parse(at)?, id: parse(id)? })
}

pub(super) fn whole() -> Projection {
    Projection::At { parent: false, fill: false, pointer: Pointer::default() }
}

pub(super) fn projection(
    file: &TextFile,
    raw: &Spanned<RawProjection>,
    has_parent: bool,
    why_not: &str,
) -> Result<Projection> {
    match raw.get_ref() {
        RawProjection::Fields(fields) => {
            let fields = fields.iter().map(|(name, field)| {
                let mut name = crate::json::Value::String(name.clone());
                normalize(&mut name);
                let name = name.as_str().unwrap_or_default().to_owned();
                Ok((name, projection(file, field, has_parent, why_not)?))
            });
            fields.collect::<Result<_>>().map(Projection::Fields)
        }
        RawProjection::Leaf(text) if text == "@last" => Ok(Projection::Last),
        RawProjection::Leaf(text) if text == "@id" => Ok(Projection::Id),
        RawProjection::Leaf(text) => {
            let (fill, rest) = text.strip_prefix("fill:").map_or((false, text.as_str()), |rest| (true, rest));
            let (parent, rest) = rest.strip_prefix('^').map_or((false, rest), |rest| (true, rest));
            if parent && !has_parent {
                return Err(file
                    .problem(raw.span(), "`^` points into the result that an item was split from")
                    .because(why_not)
                    .hint("take the `^` out"));
            }
            let pointer = parse_pointer(file, rest, raw.span())?;
            Ok(Projection::At { parent, fill, pointer })
        }
    }
}

/// True when a pointer leads to something that the projection shows, as far as the rule alone can tell.
pub(super) fn shows(projection: &Projection, pointer: &Pointer) -> bool {
    let Some(names) = pointer.names() else { return true };
    let mut at = projection;
    for name in names {
        match at {
            Projection::Fields(fields) => match fields.iter().find(|(field, _)| field == name) {
                Some((_, next)) => at = next,
                None => return false,
            },
            Projection::At { .. } => return true,
            Projection::Last | Projection::Id => return false,
        }
    }
    true
}

pub(super) fn pointers(file: &TextFile, texts: &[Spanned<String>]) -> Result<Vec<Pointer>> {
    texts.iter().map(|text| pointer(file, text)).collect()
}

pub(super) fn pointer(file: &TextFile, text: &Spanned<String>) -> Result<Pointer> {
    parse_pointer(file, text.get_ref(), text.span())
}

/// A pointer to one place.
pub(super) fn plain_pointer(file: &TextFile, text: &Spanned<String>) -> Result<Pointer> {
    let found = pointer(file, text)?;
    if found.has_wildcard() {
        return Err(file
            .problem(text.span(), "`*` stands for many places, and this has to be one")
            .hint(EXAMPLE_POINTER));
    }
    Ok(found)
}

pub(super) fn parse_pointer(file: &TextFile, text: &str, span: Range<usize>) -> Result<Pointer> {
    text.parse::<Pointer>().map_err(|error| {
        file.problem(span, format!("`{}` is not a pointer", escape(text)))
            .because(error)
            .hint(EXAMPLE_POINTER)
    })
}
