//! The pieces of an output (a seed's LEGOs), as the checks that look at each of them read them.

use super::Subject;
use super::fields::Fields;
use super::source::{describe, text};
use crate::diag::Result;
use crate::json::{Pointer, Value};

/// Where the pieces are, and which of them count.
#[derive(Debug)]
pub(super) struct Pieces {
    at: Pointer,
    id: Pointer,
    kinds: Option<(Pointer, Vec<String>)>,
}

/// One piece that counts.
pub(super) struct Piece<'v> {
    /// Its id, or its number from 1 where it has none.
    pub(super) id: String,
    /// Where it stands.
    pub(super) place: String,
    /// All of it.
    pub(super) value: &'v Value,
}

impl Pieces {
    pub(super) fn compile(fields: &Fields<'_>) -> Result<Self> {
        let kinds = if fields.has("kind") || fields.has("kinds") {
            Some((fields.one_place("kind")?, fields.strings("kinds")?))
        } else {
            None
        };
        Ok(Self { at: fields.one_place("pieces")?, id: fields.one_place("piece_id")?, kinds })
    }

    /// The pieces of the kinds, in order; otherwise what is wrong, in words.
    pub(super) fn of<'v>(&self, subject: &Subject<'v>) -> std::result::Result<Vec<Piece<'v>>, String> {
        let list = match self.at.get(subject.output) {
            Some(Value::Array(list)) => list,
            Some(other) => return Err(format!("at `{}` stands {} and not a list", self.at, describe(other))),
            None => return Err(format!("nothing stands at `{}`, where a list is wanted", self.at)),
        };
        let mut pieces = Vec::with_capacity(list.len());
        for (number, value) in list.iter().enumerate() {
            let place = format!("{}/{number}", self.at);
            if let Some((at, names)) = &self.kinds {
                let kind = text(format!("`{place}{at}`"), at.get(value))?;
                if !names.iter().any(|name| name == kind) {
                    continue;
                }
            }
            let id = self.id.get(value).and_then(Value::as_str);
            let id = id.map_or_else(|| format!("{}", number + 1), str::to_owned);
            pieces.push(Piece { id, place, value });
        }
        Ok(pieces)
    }

    /// The ids of all pieces, of whatever kind.
    pub(super) fn ids<'v>(&self, subject: &Subject<'v>) -> impl Iterator<Item = &'v str> {
        let list = self.at.get(subject.output).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        list.iter().filter_map(|piece| self.id.get(piece).and_then(Value::as_str))
    }
}

impl<'v> Piece<'v> {
    /// A text inside the piece; otherwise what stands there instead, in words.
    pub(super) fn text(&self, at: &Pointer) -> std::result::Result<&'v str, String> {
        text(format!("`{}{at}`", self.place), at.get(self.value))
    }
}
