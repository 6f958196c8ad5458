//! `operative` and `culminating`: what the phrases of an output have to hold.

use super::fields::Fields;
use super::found::{Found, quote};
use super::source::{Source, place, text};
use super::text::{Fold, contains, words};
use super::{Check, Definition, Scope, Subject};
use crate::diag::Result;
use crate::json::{Pointer, Value};

pub(super) const OPERATIVE: Definition = Definition {
    name: "operative",
    version: 1,
    scope: Scope::Item,
    fields: &["phrases", "text", "fold"],
    finds: &["operative"],
    compile: |fields| Operative::compile(fields).map(Check::Operative),
};

pub(super) const CULMINATING: Definition = Definition {
    name: "culminating",
    version: 1,
    scope: Scope::Item,
    fields: &["when", "phrase", "text", "fold"],
    finds: &["culminating"],
    compile: |fields| Culminating::compile(fields).map(Check::Culminating),
};

/// Every phrase holds the text, as whole words.
#[derive(Debug)]
pub(super) struct Operative {
    phrases: Pointer,
    text: Source,
    fold: Fold,
}

impl Operative {
    fn compile(fields: &Fields<'_>) -> Result<Self> {
        Ok(Self { phrases: fields.pointer("phrases")?, text: fields.text("text")?, fold: fields.fold()? })
    }

    pub(super) fn judge(&self, subject: &Subject<'_>, found: &mut Found<'_>) {
        let taught = match self.text.text(subject) {
            Ok(taught) => taught,
            Err(why) => return found.add("operative", &why),
        };
        let folded = self.fold.apply(taught);
        let part = words(&folded);
        self.phrases.walk(subject.output, &mut |path, value| match text(place(path), value) {
            Err(why) => found.add("operative", &why),
            Ok(phrase) => {
                let phrase_folded = self.fold.apply(phrase);
                if !contains(&words(&phrase_folded), &part) {
                    let inside = phrase_folded.contains(&folded);
                    let but = if inside { " (only as part of longer words)" } else { "" };
                    let (phrase, taught) = (quote(phrase), quote(taught));
                    found.suggest(
                        "operative",
                        &format!("the phrase {phrase} at {} does not contain {taught}{but}", place(path)),
                        &format!("use {taught} in this phrase, unchanged, or leave the phrase out"),
                    );
                }
            }
        });
    }
}

/// Where a flag of the item says so, one phrase is the whole text.
#[derive(Debug)]
pub(super) struct Culminating {
    when: Source,
    phrase: Source,
    text: Source,
    fold: Fold,
}

impl Culminating {
    fn compile(fields: &Fields<'_>) -> Result<Self> {
        Ok(Self {
            when: fields.place("when")?,
            phrase: fields.text("phrase")?,
            text: fields.text("text")?,
            fold: fields.fold()?,
        })
    }

    pub(super) fn judge(&self, subject: &Subject<'_>, found: &mut Found<'_>) {
        if self.when.value(subject) != Some(&Value::Bool(true)) {
            return;
        }
        let whole = match self.text.text(subject) {
            Ok(whole) => whole,
            Err(why) => return found.add("culminating", &why),
        };
        let suggestion = format!("let the phrase at {} be {}", self.phrase, quote(whole));
        match self.phrase.text(subject) {
            Err(why) => {
                let message =
                    format!("{why}: the item is the last of its sentence, so it needs the whole of it");
                found.suggest("culminating", &message, &suggestion);
            }
            Ok(phrase) if self.fold.form(phrase) != self.fold.form(whole) => {
                let message = format!(
                    "the phrase at {} is {}; the item is the last of its sentence, so it has to be the whole of it, {}",
                    self.phrase,
                    quote(phrase),
                    quote(whole)
                );
                found.suggest("culminating", &message, &suggestion);
            }
            Ok(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::needless_pass_by_value,
        reason = "a test reads best with its `json!` values in the call"
    )]

    use super::super::Finding;
    use super::super::tests::judge;
    use super::*;
    use serde_json::json;

    fn all() -> Value {
        json!(["space", "case", "punctuation"])
    }

    fn operative(lego: &str, d: Value) -> Vec<Finding> {
        let check =
            json!({"use": "operative", "phrases": "/d/*/*/0", "text": "input:/lego/target", "fold": all()});
        judge(check, &json!({"lego": {"target": lego}}), &json!({"e": [], "d": d}))
    }

    fn phrase(text: &str) -> Value {
        json!({"2": [[text, "known"]]})
    }

    #[test]
    fn phrases_with_the_lego_pass() {
        let long = format!("{} hablar", "palabra ".repeat(50_000));
        for (lego, text) in [
            ("hablar", "Quiero hablar."),
            ("hablar", "¡Hablar!"),
            ("después de que", "lo haré después de que termines"),
            ("cafe\u{301}", "un café, por favor"),
            ("homme", "l’homme"),
            ("l'", "l'homme"),
            ("un po'", "un po' d'acqua"),
            ("allez-vous", "où allez vous ?"),
            ("que que", "que no que que"),
            ("想", "我想说"),
            ("想说", "我 想 说 中文"),
            ("พูด", "ฉันอยากพูด"),
            ("quiero\r\nhablar", "yo quiero  hablar hoy"),
            ("hablar", &long),
            ("…", "nada"),
        ] {
            let findings = operative(lego, phrase(text));
            assert!(findings.is_empty(), "{findings:#?}");
        }
        for empty in [json!({}), json!([]), json!({"2": [], "3": []})] {
            assert!(operative("hablar", empty).is_empty());
        }
    }

    #[test]
    fn phrases_without_it_are_refused() {
        let long = "palabra ".repeat(50_000);
        for (lego, text) in [
            ("hablar", "Quiero decir."),
            ("hablar", "hablaremos mañana"),
            ("habla", "quiero hablar"),
            ("después de que", "después que de"),
            ("quiero hablar", "quiero no hablar"),
            ("esta", "está aquí"),
            ("cafe", "cafe\u{301}"),
            ("por favor", "porfavor"),
            ("homme", "hommes"),
            ("想说", "我说想"),
            ("中文", "我想说中国文"),
            ("어를", "한국어를"),
            ("a", ""),
            ("hablar", &long),
        ] {
            let findings = operative(lego, phrase(text));
            assert_eq!(findings.len(), 1, "{lego} {text:.50}");
            assert!(findings[0].kind == "operative" && findings[0].message.len() < 800);
        }
    }

    #[test]
    fn every_phrase_is_read_and_named() {
        let findings =
            operative("hablar", json!({"2": [["hablar", "k"], ["hablamos", "k"]], "3": [["x", "k"]]}));
        let messages: Vec<&str> = findings.iter().map(|f| f.message.as_str()).collect();
        assert_eq!(
            messages,
            [
                "the phrase `hablamos` at `/d/2/1/0` does not contain `hablar`",
                "the phrase `x` at `/d/3/0/0` does not contain `hablar`"
            ]
        );
        let inside = operative("habla", phrase("hablar"));
        assert!(inside[0].message.ends_with("does not contain `habla` (only as part of longer words)"));
        assert_eq!(
            operative("a", json!({"2": [[]]}))[0].message,
            "nothing stands at `/d/2/0/0`, where a text is wanted"
        );
        assert_eq!(operative("a", json!({"2": [[7]]}))[0].message, "at `/d/2/0/0` stands `7` and not a text");
        assert_eq!(operative("a", json!("x"))[0].message, "nothing stands at `/d/*`, where a text is wanted");
        assert_eq!(operative("a", json!({"2": vec![json!(["x"]); 1000]})).len(), 9);
    }

    fn culminating(when: Value, seed: &str, e: Value) -> Vec<Finding> {
        let check = json!({"use": "culminating", "when": "input:/culminating", "phrase": "/e/0/0",
            "text": "input:/seed/target", "fold": all()});
        judge(check, &json!({"culminating": when, "seed": {"target": seed}}), &json!({"e": e, "d": {}}))
    }

    #[test]
    fn whole_sentences_pass_and_others_need_none() {
        for (seed, text) in [
            ("Quiero hablar ahora.", "Quiero hablar ahora."),
            ("Quiero hablar ahora.", "quiero hablar ahora"),
            ("¿Qué?", "Que\u{301}"),
            ("L'homme", "l’homme"),
            ("Où allez-vous ?", "où allez-vous?"),
            ("Un po' d'acqua", "un po’ d’acqua"),
            ("我想说中文。", "我想说中文"),
            ("我想说中文。", "我 想说 中文"),
            ("a\r\nb", "a b"),
            ("", ""),
        ] {
            assert_eq!(culminating(json!(true), seed, json!([[text, "k"], ["x", "k"]])), []);
        }
        for other in [json!(false), json!(null), json!("true"), json!(1)] {
            assert_eq!(culminating(other, "Quiero hablar", json!([])), []);
        }
    }

    #[test]
    fn a_culminating_item_without_its_sentence_is_refused() {
        let long = "palabra ".repeat(50_000);
        for (seed, e) in [
            ("Quiero hablar ahora.", json!([["quiero hablar", "k"]])),
            ("Quiero hablar.", json!([["x", "k"], ["quiero hablar", "k"]])),
            ("Quiero hablar.", json!([])),
            ("Quiero hablar.", json!([[]])),
            ("Quiero hablar.", json!([[7]])),
            ("Quiero hablar.", json!(null)),
            ("por favor", json!([["porfavor", "k"]])),
            ("esta", json!([["está", "k"]])),
            ("我想说中文。", json!([["我想说", "k"]])),
            ("hola", json!([["", "k"]])),
            ("hola", json!([[long, "k"]])),
        ] {
            let findings = culminating(json!(true), seed, e);
            assert_eq!(findings.len(), 1);
            assert!(findings[0].kind == "culminating" && findings[0].message.len() < 800);
            assert!(findings[0].suggestion.as_ref().unwrap().contains(seed));
        }
        assert_eq!(
            culminating(json!(true), "Quiero hablar.", json!([["quiero", "k"]]))[0].message,
            "the phrase at `/e/0/0` is `quiero`; the item is the last of its sentence, \
             so it has to be the whole of it, `Quiero hablar.`"
        );
    }
}
