//! `hard_rules` and `ambiguous`: words that a piece must not consist of alone. Which words, is the language's data.

use super::Subject;
use super::fields::Fields;
use super::found::{Found, quote};
use super::pieces::Pieces;
use super::set::{Check, Definition, Scope};
use super::text::Fold;
use crate::diag::Result;
use crate::json::Pointer;
use std::collections::HashMap;

pub(super) const HARD_RULES: Definition = Definition {
    name: "hard_rules",
    version: 1,
    scope: Scope::Item,
    fields: &[
        "pieces",
        "piece_id",
        "piece_text",
        "kind",
        "kinds",
        "articles",
        "auxiliaries",
        "negations",
        "pronouns",
    ],
    finds: &["hard_rule"],
    compile: |fields| Lone::hard_rules(fields).map(Check::Lone),
};

pub(super) const AMBIGUOUS: Definition = Definition {
    name: "ambiguous",
    version: 1,
    scope: Scope::Item,
    fields: &["pieces", "piece_id", "piece_text", "kind", "kinds", "words"],
    finds: &["ambiguous"],
    compile: |fields| Lone::ambiguous(fields).map(Check::Lone),
};

/// The lists of `hard_rules`, with what a word of each is called.
const LISTS: [(&str, &str); 4] = [
    ("articles", "an article"),
    ("auxiliaries", "an auxiliary"),
    ("negations", "a negation"),
    ("pronouns", "a pronoun that goes with a verb"),
];

#[derive(Debug)]
pub(super) struct Lone {
    pieces: Pieces,
    text: Pointer,
    /// Folded word → what it is.
    words: HashMap<String, &'static str>,
    kind: &'static str,
    advice: &'static str,
}

impl Lone {
    fn new(fields: &Fields<'_>, kind: &'static str, advice: &'static str) -> Result<Self> {
        let (pieces, text) = (Pieces::compile(fields)?, fields.one_place("piece_text")?);
        Ok(Self { pieces, text, words: HashMap::new(), kind, advice })
    }

    fn hard_rules(fields: &Fields<'_>) -> Result<Self> {
        let mut lone = Self::new(fields, "hard_rule", "cut it together with the word that it belongs to")?;
        if !LISTS.iter().any(|(list, _)| fields.has(list)) {
            return Err(
                fields.wrong("wants one of the lists `articles`, `auxiliaries`, `negations`, `pronouns`")
            );
        }
        for (list, what) in LISTS.iter().filter(|(list, _)| fields.has(list)) {
            lone.add(&fields.texts(list)?, what);
        }
        Ok(lone)
    }

    fn ambiguous(fields: &Fields<'_>) -> Result<Self> {
        let advice = "cut it together with a neighbour, so that one meaning is left";
        let mut lone = Self::new(fields, "ambiguous", advice)?;
        lone.add(&fields.texts("words")?, "a word of many meanings");
        Ok(lone)
    }

    fn add(&mut self, words: &[String], what: &'static str) {
        for word in words {
            self.words.entry(Fold::ALL.form(word)).or_insert(what);
        }
    }

    pub(super) fn judge(&self, subject: &Subject<'_>, found: &mut Found<'_>) {
        let pieces = match self.pieces.of(subject) {
            Ok(pieces) => pieces,
            Err(why) => return found.add(self.kind, &why),
        };
        for piece in pieces {
            match piece.text(&self.text) {
                Err(why) => found.add(self.kind, &why),
                Ok(text) => {
                    if let Some(what) = self.words.get(&Fold::ALL.form(text)) {
                        let message = format!("{} is {} alone: {what}", quote(&piece.id), quote(text));
                        found.suggest(self.kind, &message, self.advice);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Finding;
    use super::super::tests::judge;
    use serde_json::{Value, json};

    fn check(name: &str, lists: &Value, pieces: &[(&str, &str)]) -> Vec<Finding> {
        let mut check = json!({"use": name, "pieces": "/2", "piece_id": "/0", "piece_text": "/2", "kind": "/1",
            "kinds": ["B"]});
        for (list, words) in lists.as_object().unwrap() {
            check[list] = words.clone();
        }
        let legos = pieces.iter().zip(1..);
        let legos = legos.map(|((kind, text), n)| json!([format!("S0001L{n:02}"), kind, text, "k"]));
        judge(check, &Value::Null, &json!(["S0001", [], legos.collect::<Vec<_>>()]))
    }

    fn hard(kind: &str, text: &str) -> Vec<Finding> {
        let lists = json!({"articles": ["el", "la", "l'"], "auxiliaries": ["he", "a été"], "negations": ["no", "不"],
            "pronouns": ["lo", "la", "me"]});
        check("hard_rules", &lists, &[("B", "x"), (kind, text)])
    }

    #[test]
    fn words_with_company_and_other_kinds_pass() {
        for (kind, text) in [
            ("B", "el libro"),
            ("B", "hablar"),
            ("B", "no sé"),
            ("B", "lo que"),
            ("B", "dámelo"),
            ("B", "éla"),
            ("B", "hé"),
            ("B", "l'homme"),
            ("B", "不好"),
            ("B", ""),
            ("C", "el"),
            ("F", "no"),
            ("B", "nono"),
        ] {
            assert_eq!(hard(kind, text), [], "{text}");
        }
        assert_eq!(check("hard_rules", &json!({"articles": []}), &[("B", "el")]), []);
    }

    #[test]
    fn lone_words_are_refused_with_what_they_are() {
        for (text, what) in [
            ("el", "an article"),
            ("El", "an article"),
            ("la", "an article"),
            ("l’", "an article"),
            ("he", "an auxiliary"),
            ("a  ÉTÉ", "an auxiliary"),
            ("a e\u{301}te\u{301}", "an auxiliary"),
            ("no", "a negation"),
            ("¡No!", "a negation"),
            ("不", "a negation"),
            (" lo ", "a pronoun"),
            ("me", "a pronoun"),
        ] {
            let findings = hard("B", text);
            assert_eq!(findings.len(), 1, "{text}");
            assert_eq!((findings[0].kind.as_str(), findings[0].is_error()), ("hard_rule", true));
            assert!(findings[0].message.contains(&format!("alone: {what}")), "{}", findings[0].message);
        }
        assert_eq!(hard("B", "el")[0].message, "`S0001L02` is `el` alone: an article");
        assert_eq!(check("hard_rules", &json!({"articles": ["el"]}), &[("B", "el"), ("B", "el")]).len(), 2);
    }

    #[test]
    fn ambiguous_words_are_told_when_they_stand_alone() {
        let words = json!({"words": ["que", "de", "se"]});
        for text in ["que sí", "de ti", "qué", "dé", "sé", "aunque", "", "después de que", "se va", "ya"]
        {
            assert_eq!(check("ambiguous", &words, &[("B", text)]), [], "{text}");
        }
        for text in ["que", "Que", "de", "¿que?", "que.", " de ", "DE", "se", "…se", "qu\u{ad}e"] {
            let findings = check("ambiguous", &words, &[("B", text)]);
            assert_eq!(findings.len(), 1, "{text}");
            assert_eq!(findings[0].kind, "ambiguous");
        }
        assert_eq!(
            check("ambiguous", &words, &[("B", "que")])[0].message,
            "`S0001L01` is `que` alone: a word of many meanings"
        );
    }
}
