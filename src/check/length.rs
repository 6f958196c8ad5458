//! `length`: no phrase is longer than a learner can hold.

use super::Subject;
use super::fields::Fields;
use super::found::{Found, quote};
use super::script::is_spaceless;
use super::set::{Check, Definition, Scope};
use super::source::{place, text};
use super::text::{Fold, spoken};
use crate::diag::Result;
use crate::json::Pointer;

pub(super) const DEFINITION: Definition = Definition {
    name: "length",
    version: 1,
    scope: Scope::Item,
    fields: &["phrases", "most"],
    finds: &["length"],
    compile: |fields| Length::compile(fields).map(Check::Length),
};

#[derive(Debug)]
pub(super) struct Length {
    phrases: Vec<Pointer>,
    most: usize,
}

impl Length {
    fn compile(fields: &Fields<'_>) -> Result<Self> {
        let most = fields.number("most")?.ok_or_else(|| fields.wrong("wants the field `most`"))?;
        Ok(Self { phrases: fields.pointers("phrases")?, most })
    }

    pub(super) fn judge(&self, subject: &Subject<'_>, found: &mut Found<'_>) {
        for phrases in &self.phrases {
            phrases.walk(subject.output, &mut |path, value| match text(place(path), value) {
                Err(why) => found.add("length", &why),
                Ok(phrase) => {
                    let length = length(phrase);
                    if length > self.most {
                        found.suggest(
                            "length",
                            &format!("the phrase {} at {} has {length} words", quote(phrase), place(path)),
                            &format!("keep it to {} words", self.most),
                        );
                    }
                }
            });
        }
    }
}

/// The number of words. Where a script has no spaces two characters count as one word, which is what words of Chinese have on
/// average, and fewer than those of other such scripts.
fn length(phrase: &str) -> usize {
    let folded = Fold::ALL.apply(phrase);
    let words = spoken(&folded);
    let characters = words.iter().filter(|word| word.starts_with(is_spaceless)).count();
    words.len() - characters + characters.div_ceil(2)
}

#[cfg(test)]
mod tests {
    use super::super::Finding;
    use super::super::tests::judge;
    use serde_json::{Value, json};

    fn length(phrase: &str) -> Vec<Finding> {
        let check = json!({"use": "length", "severity": "warning", "phrases": "/e/*/0", "most": 4});
        judge(check, &Value::Null, &json!({"e": [[phrase, "k"]], "d": {"2": [["a b c d e f", "k"]]}}))
    }

    #[test]
    fn short_phrases_pass() {
        for phrase in [
            "",
            "hola",
            "uno dos tres cuatro",
            "¿uno, dos, tres… cuatro?",
            "  uno   dos ",
            "— uno — dos — tres —",
            "我想说中文吗你",
            "我想说，中文吗你好",
            "uno dos 我想说中",
            "l'homme est là",
            "ฉันอยากพู",
        ] {
            assert_eq!(length(phrase), [], "{phrase}");
        }
    }

    #[test]
    fn long_phrases_are_told() {
        for phrase in [
            "uno dos tres cuatro cinco",
            "uno, dos, tres, cuatro, cinco.",
            "a a a a a a",
            "l'homme n'est là",
            "我想说中文吗你好啊",
            "uno dos tres 我想说",
            "да я не знаю что",
            "peut-être l'avez-vous vu",
            "uno\ndos\ttres cuatro 5",
            "Ich kann es nicht mehr",
        ] {
            let findings = length(phrase);
            assert_eq!(findings.len(), 1, "{phrase}");
            assert_eq!((findings[0].kind.as_str(), findings[0].is_error()), ("length", false));
        }
        assert_eq!(length("a b c d e")[0].message, "the phrase `a b c d e` at `/e/0/0` has 5 words");
        assert_eq!(length(&"a ".repeat(10_000)).len(), 1);
    }
}
