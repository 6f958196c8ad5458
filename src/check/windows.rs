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
                    &format!(
                        "the phrase {} at {place} has {words} words and cannot span {number} pieces",
                        quote(phrase)
                    ),
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
                let fits: Vec<String> = (1..64)
                    .filter(|count| spans >> count & 1 == 1)
                    .map(|count: u32| count.to_string())
                    .collect();
                found.suggest(
                    "window",
                    &format!(
                        "the phrase {} at {place} spans {} pieces, not {number}",
                        quote(phrase),
                        fits.join(" or ")
                    ),
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
                    let path = format!("{}/{name}/{at}{}", self.windows, self.text);
                    let place = place(&path).to_string();
                    filed.push(Filed { number, place, phrase, words });
                }
            }
        }
        filed
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::rule;
    use super::super::{Checks, Finding};
    use super::*;
    use crate::json::Ids;
    use serde_json::json;

    /// Findings without a vocabulary, then those with one.
    fn windows(pieces: &[&str], number: &str, phrase: &str) -> [Vec<Finding>; 2] {
        let windows = json!({"use": "windows", "severity": "warning", "windows": "/d", "text": "/0"});
        let vocabulary = json!({"use": "vocabulary", "from": 0, "each": "/2", "id": "/0", "text": "/2",
            "phrases": "/e/*/0"});
        let checks = Checks::compile(&rule(&[windows, vocabulary])).unwrap();
        let mut lexicon = Lexicon::default();
        for (piece, index) in pieces.iter().zip(0..) {
            lexicon.add((0, index), &format!("L{index}"), piece, &[]);
        }
        let output = json!({"e": [], "d": {number: [[phrase, "k"]]}});
        let ids = Ids { id: "x", root: "x" };
        let subject = Subject { ids, position: 0, input: &Value::Null, output: &output };
        let last = u32::try_from(pieces.len()).unwrap();
        [checks.item(&subject), checks.with_lexicon(&lexicon, (0, last), &subject)]
    }

    const SPANISH: [&str; 5] = ["Quiero", "hablar", "quiero hablar", "con mi amigo", "ahora"];

    #[test]
    fn phrases_under_their_number_pass() {
        for (number, phrase) in [
            ("2", "Quiero hablar."),
            ("2", "quiero hablar ahora"),
            ("3", "quiero hablar ahora"),
            ("2", "hablar con mi amigo"),
            ("4", "quiero hablar con mi amigo, ahora"),
            ("3", "quiero hablar con mi amigo ahora"),
            ("2", "quiero volar"),
            ("5", "uno dos tres cuatro cinco"),
            ("x", "quiero"),
            ("0", "quiero"),
            ("2", "con mi hermano"),
        ] {
            assert_eq!(windows(&SPANISH, number, phrase).concat(), [], "{number} {phrase}");
        }
        for (number, phrase) in [("2", "我想说"), ("3", "我想说中文"), ("4", "我想说中文")] {
            assert_eq!(windows(&["我", "想说", "想", "说", "中文"], number, phrase).concat(), [], "{phrase}");
        }
    }

    #[test]
    fn phrases_under_another_number_are_told() {
        for (number, phrase, spans) in [
            ("3", "Quiero hablar.", None),
            ("5", "hablar ahora", None),
            ("2", "", None),
            ("2", "Quiero", None),
            ("2", "¡…!", None),
            ("4", "quiero hablar ahora", None),
            ("3", "hablar con mi amigo", Some("2")),
            ("5", "con mi amigo quiero hablar", Some("2 or 3")),
            ("2", "quiero hablar con mi amigo ahora", Some("3 or 4")),
            ("4", "ahora con mi amigo", Some("2")),
            ("2", "con mi amigo", Some("1")),
        ] {
            let [alone, with] = windows(&SPANISH, number, phrase);
            let (told, other) = if spans.is_some() { (&with, &alone) } else { (&alone, &with) };
            assert_eq!((told.len(), other.len()), (1, 0), "{number} {phrase}");
            assert_eq!((told[0].kind.as_str(), told[0].is_error()), ("window", false));
            if let Some(spans) = spans {
                assert!(
                    told[0].message.ends_with(&format!("spans {spans} pieces, not {number}")),
                    "{}",
                    told[0].message
                );
            }
        }
        assert_eq!(windows(&["我", "想说"], "3", "我想说")[1].len(), 1);
        assert_eq!(
            windows(&SPANISH, "3", "Quiero hablar.")[0][0].message,
            "the phrase `Quiero hablar.` at `/d/3/0/0` has 2 words and cannot span 3 pieces"
        );
    }
}
