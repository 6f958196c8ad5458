//! `windows`: a phrase under "3" spans three pieces.

use super::Subject;
use super::fields::Fields;
use super::found::{Found, quote};
use super::lexicon::{Lexicon, Lookup, Position};
use super::set::{Check, Definition, Scope};
use super::source::place;
use super::text::{Fold, spoken};
use crate::diag::Result;
use crate::json::{Pointer, Value};

pub(super) const DEFINITION: Definition = Definition {
    name: "windows",
    version: 1,
    scope: Scope::Earlier,
    fields: &["windows", "text"],
    finds: &["window"],
    compile: |fields| Windows::compile(fields).map(Check::Windows),
};

#[derive(Debug)]
pub(super) struct Windows {
    windows: Pointer,
    text: Pointer,
}

/// A phrase and the number that it is filed under.
struct Filed<'v> {
    number: usize,
    place: String,
    phrase: &'v str,
    words: usize,
}

impl Windows {
    fn compile(fields: &Fields<'_>) -> Result<Self> {
        Ok(Self { windows: fields.one_place("windows")?, text: fields.one_place("text")? })
    }

    /// A piece has a word at least, so a phrase with fewer words than its number says cannot span so many.
    pub(super) fn judge(&self, subject: &Subject<'_>, found: &mut Found<'_>) {
        for Filed { number, place, phrase, words } in self.filed(subject) {
            if words < number {
                found.suggest(
                    "window",
                    &format!("the phrase {} at {place} has {words} words and cannot span {number} pieces", quote(phrase)),
                    "file every phrase under the number of pieces that it spans",
                );
            }
        }
    }

    /// A phrase that can be cut into the pieces taught, but not into so many, is filed under a wrong number.
    pub(super) fn with_lexicon(
        &self,
        lexicon: &Lexicon,
        own: Position,
        subject: &Subject<'_>,
        found: &mut Found<'_>,
    ) {
        for Filed { number, place, phrase, words } in self.filed(subject) {
            let spans = lexicon.spans(phrase, own);
            if words >= number && spans != 0 && spans >> number & 1 == 0 {
                let fits: Vec<String> =
                    (1..64).filter(|count| spans >> count & 1 == 1).map(|count: u32| count.to_string()).collect();
                found.suggest(
                    "window",
                    &format!("the phrase {} at {place} spans {} pieces, not {number}", quote(phrase), fits.join(" or ")),
                    "file every phrase under the number of pieces that it spans",
                );
            }
        }
    }

    pub(super) fn lookups(
        &self,
        lexicon: &Lexicon,
        own: Position,
        subject: &Subject<'_>,
        looked_up: &mut Vec<Lookup>,
    ) {
        for filed in self.filed(subject) {
            lexicon.pieces_of(filed.phrase, own, looked_up);
        }
    }

    fn filed<'v>(&self, subject: &Subject<'v>) -> Vec<Filed<'v>> {
        let Some(Value::Object(windows)) = self.windows.get(subject.output) else { return Vec::new() };
        let mut filed = Vec::new();
        for (name, phrases) in windows {
            let Ok(number @ 1..64) = name.parse::<usize>() else { continue };
            for (at, entry) in phrases.as_array().map_or(&[][..], Vec::as_slice).iter().enumerate() {
                if let Some(Value::String(phrase)) = self.text.get(entry) {
                    let words = spoken(&Fold::ALL.apply(phrase)).len();
                    let place = place(&format!("{}/{name}/{at}{}", self.windows, self.text));
                    filed.push(Filed { number, place, phrase, words });
                }
            }
        }
        filed
    }
}
