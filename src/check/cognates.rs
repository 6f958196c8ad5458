//! `cognates`: where a word has a cognate that the learner knows from the start, the cognate is used.

use super::Subject;
use super::fields::Fields;
use super::found::{Found, quote};
use super::set::{Check, Definition, Scope};
use super::source::Source;
use super::text::{Fold, contains, spoken};
use crate::diag::Result;
use serde::Deserialize;

pub(super) const DEFINITION: Definition = Definition {
    name: "cognates",
    version: 1,
    scope: Scope::Item,
    fields: &["text", "cognates", "first"],
    finds: &["cognate"],
    compile: |fields| Cognates::compile(fields).map(Check::Cognates),
};

#[derive(Debug)]
pub(super) struct Cognates {
    text: Source,
    cognates: Vec<Cognate>,
    first: usize,
}

/// Words, and the cognate that says the same.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cognate {
    words: Vec<String>,
    cognate: String,
}

impl Cognates {
    fn compile(fields: &Fields<'_>) -> Result<Self> {
        let mut cognates = fields.entries::<Cognate>("cognates")?;
        for word in cognates.iter_mut().flat_map(|cognate| &mut cognate.words) {
            *word = Fold::ALL.apply(word);
        }
        Ok(Self { text: fields.text("text")?, cognates, first: fields.first()? })
    }

    pub(super) fn judge(&self, subject: &Subject<'_>, found: &mut Found<'_>) {
        if subject.position >= self.first {
            return;
        }
        let text = match self.text.text(subject) {
            Ok(text) => text,
            Err(why) => return found.add("cognate", &why),
        };
        let folded = Fold::ALL.apply(text);
        let words = spoken(&folded);
        for Cognate { words: wrong, cognate } in &self.cognates {
            if let Some(word) = wrong.iter().find(|word| contains(&words, &spoken(word))) {
                let (word, cognate) = (quote(word), quote(cognate));
                found.suggest(
                    "cognate",
                    &format!(
                        "{word} in {} at {}, where the cognate {cognate} says it too",
                        quote(text),
                        self.text
                    ),
                    &format!("use {cognate}, in the form that the sentence needs"),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Finding;
    use super::super::tests::{judge, judge_at};
    use serde_json::{Value, json};

    fn check() -> Value {
        json!({"use": "cognates", "severity": "warning", "text": "/0", "first": 100, "cognates": [
            {"words": ["a menudo"], "cognate": "frecuentemente"},
            {"words": ["empezar", "empiezo"], "cognate": "comenzar"},
            {"words": ["沙發"], "cognate": "沙发"},
        ]})
    }

    fn cognates(text: &str) -> Vec<Finding> {
        judge(check(), &Value::Null, &json!([text, "k"]))
    }

    #[test]
    fn cognates_and_other_words_pass() {
        for text in [
            "Hablo frecuentemente.",
            "Voy a comenzar.",
            "el pescado menudo",
            "a veces menudo",
            "a, pero menudo",
            "empezaremos",
            "",
            "a menudos",
            "na menudo",
            "沙 发",
            "我喜欢沙发。",
        ] {
            assert_eq!(cognates(text), [], "{text}");
        }
        for (position, count) in [(0, 1), (99, 1), (100, 0), (5000, 0)] {
            let findings = judge_at(position, check(), &Value::Null, &json!(["a menudo", "k"]));
            assert_eq!(findings.len(), count);
        }
    }

    #[test]
    fn words_with_a_cognate_are_told() {
        for text in [
            "Hablo a menudo.",
            "A menudo hablo",
            "¿A  menudo?",
            "hablo a menudo, sí",
            "A MENUDO",
            "Voy a empezar.",
            "empiezo ahora",
            "no empiezo",
            "我有沙發",
            "沙 發",
            "a\r\nmenudo",
        ] {
            let findings = cognates(text);
            assert_eq!(findings.len(), 1, "{text}");
            assert_eq!((findings[0].kind.as_str(), findings[0].is_error()), ("cognate", false));
        }
        assert_eq!(cognates("a menudo empiezo").len(), 2);
        assert_eq!(
            cognates("Hablo a menudo.")[0].message,
            "`a menudo` in `Hablo a menudo.` at `/0`, where the cognate `frecuentemente` says it too"
        );
        assert_eq!(
            cognates("x a menudo")[0].suggestion.as_deref(),
            Some("use `frecuentemente`, in the form that the sentence needs")
        );
    }
}
