//! `[output]`'s fields that the tool computes: `derived` in the items, `envelope` around them.

use super::output::{Computed, Derivation, Derived};
use super::pointing::{parse_pointer, plain_pointer, pointer};
use super::raw_rule::{OneOrMore, RawComputed, RawDerived};
use super::text::{TextFile, TextOr, hint_of};
use crate::diag::Result;
use crate::json::{Pointer, normalize};
use toml::Spanned;

const DERIVATIONS: [&str; 3] = ["first occurrence", "last", "count"];

/// The derived fields of a rule; `exploded` tells whether its items are elements of lists.
pub(super) fn derived(file: &TextFile, raw: &[Spanned<RawDerived>], exploded: bool) -> Result<Vec<Derived>> {
    let mut all = Vec::<Derived>::new();
    for spanned in raw {
        let RawDerived { field, is, of } = spanned.get_ref();
        let place = pointer(file, field)?;
        let Some((holder, name)) = place.split_last() else {
            return Err(file
                .problem(field.span(), format!("`{place}` names no field"))
                .because("a derived field is put into the objects that the pointer leads to")
                .hint("end the pointer with the field's name: `/legos/*/new`"));
        };
        let one = Derived { name: name.to_owned(), is: derivation(file, is, of.as_ref(), exploded)?, holder };
        if all.iter().any(|other| (&other.holder, &other.name) == (&one.holder, &one.name)) {
            return Err(file
                .problem(field.span(), format!("the field `{place}` is derived twice"))
                .hint("keep one of the two"));
        }
        all.push(one);
    }
    Ok(all)
}

fn derivation(
    file: &TextFile,
    is: &Spanned<String>,
    of: Option<&Spanned<OneOrMore>>,
    exploded: bool,
) -> Result<Derivation> {
    let parse = |of: &Spanned<OneOrMore>| {
        let OneOrMore(texts) = of.get_ref();
        texts.iter().map(|text| parse_pointer(file, text, of.span())).collect::<Result<Vec<Pointer>>>()
    };
    match (is.get_ref().as_str(), of) {
        ("first occurrence", Some(of)) => match parse(of)? {
            pointers if pointers.is_empty() => Err(file
                .problem(of.span(), "`of` is empty")
                .hint("name what is compared: `of = [\"/lego/target\"]`")),
            pointers => Ok(Derivation::FirstOccurrence(pointers)),
        },
        ("count", Some(of)) => match <[Pointer; 1]>::try_from(parse(of)?) {
            Ok([pointer]) => Ok(Derivation::Count(pointer)),
            Err(_) => {
                Err(file.problem(of.span(), "`count` counts one list").hint("write one pointer in `of`"))
            }
        },
        (name @ ("first occurrence" | "count"), None) => Err(file
            .problem(is.span(), format!("`{name}` needs `of`"))
            .hint("say of what, by pointers that start at the object that holds the field")),
        ("last", Some(of)) => Err(file
            .problem(of.span(), "`last` has no use for `of`")
            .because("it is about the list that the item was split from")
            .hint("take `of` out")),
        ("last", None) if exploded => Ok(Derivation::Last),
        ("last", None) => Err(file
            .problem(is.span(), "`last` is about the list that an item was split from")
            .because("this phase has no `explode`")
            .hint("take the field out")),
        (other, _) => Err(file
            .problem(is.span(), format!("`{}` cannot be derived", crate::diag::escape(other)))
            .hint(hint_of(other, DERIVATIONS.into_iter(), "what can be derived is"))),
    }
}

/// One field of the envelope.
pub(super) fn computed(file: &TextFile, raw: &Spanned<TextOr<RawComputed>>) -> Result<Computed> {
    let hint = "write `\"count\"`, `{ count = \"/LIST\" }`, `{ sum = \"/NUMBER\" }`, or `{ constant = … }` for a fixed value";
    match raw.get_ref() {
        TextOr::Text(text) if text == "count" => Ok(Computed::Count),
        TextOr::Text(_) => {
            Err(file.problem(raw.span(), "this is not something that can be computed").hint(hint))
        }
        TextOr::Table(RawComputed { constant: Some(constant), count: None, sum: None }) => {
            let mut constant = constant.clone();
            normalize(&mut constant);
            Ok(Computed::Constant(constant))
        }
        TextOr::Table(RawComputed { constant: None, count: Some(count), sum: None }) => {
            Ok(Computed::CountOf(plain_pointer(file, count)?))
        }
        TextOr::Table(RawComputed { constant: None, count: None, sum: Some(sum) }) => {
            Ok(Computed::Sum(pointer(file, sum)?))
        }
        TextOr::Table(_) => Err(file.problem(raw.span(), "this says either nothing or too much").hint(hint)),
    }
}
