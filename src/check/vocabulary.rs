//! `vocabulary`, the absolute gate: a phrase uses what was taught up to its item, and nothing else.

use super::Subject;
use super::fields::Fields;
use super::found::{Found, quote};
use super::lexicon::{Answer, Lexicon, LexiconSpec, Lookup, Position};
use super::set::{Check, Definition, Scope};
use super::source::{place, text};
use crate::diag::Result;
use crate::json::Pointer;
use std::collections::HashMap;

pub(super) const DEFINITION: Definition = Definition {
    name: "vocabulary",
    version: 1,
    scope: Scope::Earlier,
    fields: &["phrases", "each", "id", "text", "components"],
    finds: &["vocabulary"],
    compile: |fields| Vocabulary::compile(fields).map(Check::Vocabulary),
};

#[derive(Debug)]
pub(super) struct Vocabulary {
    pub(super) spec: LexiconSpec,
    phrases: Vec<Pointer>,
}

impl Vocabulary {
    fn compile(fields: &Fields<'_>) -> Result<Self> {
        let components = if fields.has("components") { Some(fields.pointer("components")?) } else { None };
        Ok(Self {
            spec: LexiconSpec {
                phase: fields.from()?,
                each: fields.one_place("each")?,
                id: fields.one_place("id")?,
                text: fields.one_place("text")?,
                components,
            },
            phrases: fields.pointers("phrases")?,
        })
    }

    pub(super) fn with_lexicon(
        &self,
        lexicon: &Lexicon,
        own: Position,
        subject: &Subject<'_>,
        found: &mut Found<'_>,
    ) {
        // One finding a word: a word that stands in every phrase is one mistake, and hides no other.
        let mut lacking: Vec<Lacking<'_>> = Vec::new();
        let mut numbers: HashMap<String, usize> = HashMap::new();
        for phrases in &self.phrases {
            phrases.walk(subject.output, &mut |path, value| match text(place(path), value) {
                Err(why) => found.add("vocabulary", &why),
                Ok(phrase) => {
                    for (word, answer) in lexicon.not_taught(phrase, own) {
                        match numbers.get(&word).and_then(|number| lacking.get_mut(*number)) {
                            Some(known) => known.times += 1,
                            None => {
                                numbers.insert(word.clone(), lacking.len());
                                lacking.push(Lacking {
                                    word,
                                    answer,
                                    phrase,
                                    place: place(path).to_string(),
                                    times: 1,
                                });
                            }
                        }
                    }
                }
            });
        }
        lacking.iter().for_each(|one| one.tell(found));
    }

    pub(super) fn lookups(
        &self,
        lexicon: &Lexicon,
        own: Position,
        subject: &Subject<'_>,
        looked_up: &mut Vec<Lookup>,
    ) {
        for phrases in &self.phrases {
            phrases.walk(subject.output, &mut |_, value| {
                if let Some(phrase) = value.and_then(|value| value.as_str()) {
                    lexicon.words_of(phrase, own, looked_up);
                }
            });
        }
    }
}

/// A word that was not taught, and where it stands first.
struct Lacking<'v> {
    word: String,
    answer: Answer,
    phrase: &'v str,
    place: String,
    times: usize,
}

impl Lacking<'_> {
    fn tell(&self, found: &mut Found<'_>) {
        let whence = match &self.answer {
            Answer::Later(id) => format!("is taught later, by {}", quote(id)),
            Answer::Nowhere | Answer::Taught => "is taught nowhere".to_owned(),
        };
        let more = match self.times {
            1 => String::new(),
            times => format!(" and {} more", times - 1),
        };
        let (word, phrase) = (quote(&self.word), quote(self.phrase));
        found.suggest(
            "vocabulary",
            &format!("{word} in the phrase {phrase} at {}{more} {whence}", self.place),
            &format!("say it without {word}, with what was taught up to this item, or leave it out"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::rule;
    use super::super::{Checks, Finding};
    use super::*;
    use crate::json::Ids;
    use serde_json::{Value, json};

    fn checks() -> Checks {
        let check = json!({"use": "vocabulary", "from": 0, "each": "/2", "id": "/0", "text": "/2",
            "components": "/4/*/0", "phrases": ["/e/*/0", "/d/*/*/0"]});
        Checks::compile(&rule(&[check])).unwrap()
    }

    /// Results of the phase before: each seed its LEGOs, each LEGO its text and its components'.
    fn lexicon(checks: &Checks, seeds: &Value) -> Lexicon {
        let mut lexicon = Lexicon::default();
        for (legos, root) in seeds.as_array().unwrap().iter().zip(0..) {
            let lego = |(lego, n): (&Value, usize)| {
                let parts = lego.as_array().unwrap();
                let components: Vec<Value> = parts[1..].iter().map(|part| json!([part, "literal"])).collect();
                json!([format!("S{:04}L{n:02}", root + 1), "B", parts[0], "known", components])
            };
            let legos: Vec<Value> = legos.as_array().unwrap().iter().zip(1..).map(lego).collect();
            checks.reads().unwrap().teach(&mut lexicon, root, &json!(["id", ["t", "k"], legos]));
        }
        lexicon
    }

    fn spanish() -> Value {
        json!([
            [["Quiero"], ["hablar"], ["español"], ["después de que", "después", "de", "que"]],
            [["no sé"], ["l'homme"], ["dámelo", "da", "me", "lo"], ["aprender"]],
        ])
    }

    fn chinese() -> Value {
        json!([
            [["我"], ["想说", "想", "说"], ["中文"], ["是…的"]],
            [["现在"], ["学"], ["学习中国话", "学习", "中国话"], ["OK 吗"]],
        ])
    }

    fn gate(seeds: &Value, own: Position, phrase: &str) -> Vec<Finding> {
        let checks = checks();
        let (lexicon, output) = (lexicon(&checks, seeds), json!({"e": [], "d": {"2": [[phrase, "k"]]}}));
        let ids = Ids { id: "S0001L02", root: "S0001" };
        let subject = Subject { ids, position: 0, input: &Value::Null, output: &output };
        assert_eq!(checks.item(&subject), []);
        checks.with_lexicon(&lexicon, own, &subject)
    }

    #[test]
    fn phrases_of_what_was_taught_pass() {
        for (own, phrase) in [
            ((0, 1), "Quiero hablar."),
            ((0, 1), "¿HABLAR? ¡quiero!"),
            ((0, 0), "quiero"),
            ((0, 3), "que hablar de español"),
            ((1, 0), "No quiero"),
            ((1, 1), "l’homme"),
            ((1, 1), "homme"),
            ((1, 2), "da lo"),
            ((1, 2), "dámelo"),
            ((9, 0), "aprender español"),
            ((0, 0), ""),
            ((0, 0), "…"),
            ((0, 2), "espan\u{303}ol"),
            ((0, 1), "quiero — hablar"),
        ] {
            let findings = gate(&spanish(), own, phrase);
            assert!(findings.is_empty(), "{phrase}: {findings:#?}");
        }
    }

    #[test]
    fn phrases_with_other_words_are_refused() {
        for (own, phrase, word, whence) in [
            ((0, 0), "quiero hablar", "hablar", "later, by `S0001L02`"),
            ((0, 1), "hablar español", "español", "later, by `S0001L03`"),
            ((0, 2), "después", "después", "later, by `S0001L04`"),
            ((0, 3), "no quiero", "no", "later, by `S0002L01`"),
            ((0, 3), "Quiero aprender.", "aprender", "later, by `S0002L04`"),
            ((1, 3), "quiero decir", "decir", "nowhere"),
            ((1, 3), "hablo", "hablo", "nowhere"),
            ((1, 3), "espanol", "espanol", "nowhere"),
            ((1, 3), "se", "se", "nowhere"),
            ((1, 3), "porquequiero", "porquequiero", "nowhere"),
            ((1, 0), "homme", "homme", "later, by `S0002L02`"),
            ((1, 3), "quiero 7", "7", "nowhere"),
        ] {
            let findings = gate(&spanish(), own, phrase);
            assert_eq!(findings.len(), 1, "{phrase}: {findings:#?}");
            assert!(
                findings[0].message.starts_with(&format!("`{word}` in the phrase")),
                "{}",
                findings[0].message
            );
            assert!(findings[0].message.ends_with(whence), "{}", findings[0].message);
        }
        assert_eq!(
            gate(&spanish(), (0, 0), "Quiero hablar.")[0].message,
            "`hablar` in the phrase `Quiero hablar.` at `/d/2/0/0` is taught later, by `S0001L02`"
        );
        assert_eq!(gate(&spanish(), (0, 0), "uno dos").len(), 2);
        let again = gate(&spanish(), (0, 0), "uno dos, uno");
        assert_eq!(again.len(), 2);
        assert!(
            again[0].message.ends_with("at `/d/2/0/0` and 1 more is taught nowhere"),
            "{}",
            again[0].message
        );
    }

    #[test]
    fn chinese_is_covered_by_pieces_and_components() {
        for (own, phrase) in [
            ((0, 1), "我想说"),
            ((0, 1), "我说。"),
            ((0, 1), "想 说 我"),
            ((0, 2), "我想说中文！"),
            ((0, 2), "中文，我说中文"),
            ((0, 3), "我是说中文的"),
            ((0, 3), "是的"),
            ((1, 0), "现在我说"),
            ((1, 2), "我学习中国话"),
            ((1, 2), "学中国话"),
            ((1, 3), "OK吗"),
            ((1, 3), "我说ok 吗？"),
            ((0, 2), "中 文"),
            ((0, 0), "我我我"),
            ((0, 0), "，。"),
        ] {
            let findings = gate(&chinese(), own, phrase);
            assert!(findings.is_empty(), "{phrase}: {findings:#?}");
        }
    }

    #[test]
    fn chinese_with_a_later_piece_is_caught() {
        for (own, phrase, part, whence) in [
            ((0, 0), "我想说", "想说", "later, by `S0001L02`"),
            ((0, 1), "我说中文", "中文", "later, by `S0001L03`"),
            ((0, 2), "我现在说中文", "现在", "later, by `S0002L01`"),
            ((0, 3), "我学中文", "学", "later, by `S0002L02`"),
            ((1, 1), "学习中文", "学习", "later, by `S0002L03`"),
            ((1, 1), "我说中国话", "中国话", "later, by `S0002L03`"),
            ((1, 3), "我喜欢中文", "喜欢", "nowhere"),
            ((1, 3), "我说中", "中", "nowhere"),
            ((1, 3), "说日文。", "日文", "nowhere"),
            ((1, 2), "说吗", "吗", "later, by `S0002L04`"),
            ((1, 3), "我想說", "說", "nowhere"),
            ((1, 3), "English 我", "english", "nowhere"),
        ] {
            let findings = gate(&chinese(), own, phrase);
            assert_eq!(findings.len(), 1, "{phrase}: {findings:#?}");
            assert!(
                findings[0].message.starts_with(&format!("`{part}` in the phrase")),
                "{}",
                findings[0].message
            );
            assert!(findings[0].message.ends_with(whence), "{}", findings[0].message);
        }
    }

    #[test]
    fn other_scripts_without_spaces_are_covered_too() {
        let seeds = json!([[["ฉัน"], ["อยาก"], ["พูด"]], [["私は"], ["話したい"]]]);
        assert_eq!(gate(&seeds, (0, 2), "ฉันอยากพูด"), []);
        assert!(gate(&seeds, (0, 1), "ฉันอยากพูด")[0].message.starts_with("`พูด`"));
        assert_eq!(gate(&seeds, (1, 1), "私は話したい。"), []);
        assert!(gate(&seeds, (1, 1), "私は食べたい。")[0].message.ends_with("nowhere"));
    }

    #[test]
    fn what_is_looked_up_decides() {
        let checks = checks();
        let look = |seeds: &Value, own: Position, phrase: &str| {
            let output = json!({"e": [[phrase, "k"]], "d": {}});
            let ids = Ids { id: "x", root: "x" };
            let subject = Subject { ids, position: 0, input: &Value::Null, output: &output };
            checks.lookups(&lexicon(&checks, seeds), own, &subject)
        };
        assert_eq!(
            look(&spanish(), (0, 1), "Quiero hablar español, quiero volar"),
            [
                ("español".to_owned(), Answer::Later("S0001L03".to_owned())),
                ("hablar".to_owned(), Answer::Taught),
                ("quiero".to_owned(), Answer::Taught),
                ("volar".to_owned(), Answer::Nowhere),
            ]
        );
        let mut more = spanish();
        more.as_array_mut().unwrap().push(json!([["otro"]]));
        assert_eq!(look(&spanish(), (0, 1), "quiero volar"), look(&more, (0, 1), "quiero volar"));
        let pieces: Vec<String> =
            look(&chinese(), (0, 1), "我想说").into_iter().map(|(piece, _)| piece).collect();
        assert_eq!(pieces, ["想", "想说", "我", "说"]);
    }

    #[test]
    fn a_phase_has_one_vocabulary_and_says_where_it_is() {
        let check = |each: &str| json!({"use": "vocabulary", "from": 0, "each": each, "id": "/0", "text": "/2", "phrases": "/e/*/0"});
        assert!(Checks::compile(&rule(&[check("/2"), check("/2")])).unwrap().reads().is_some());
        let problem = Checks::compile(&rule(&[check("/2"), check("/3")])).unwrap_err();
        assert!(problem.what.contains("one vocabulary"));
        let mut lost = check("/2");
        lost.as_object_mut().unwrap().shift_remove("from");
        assert!(Checks::compile(&rule(&[lost])).unwrap_err().what.contains("wants the field `from`"));
        let odd = json!({"use": "unique", "values": "/*", "from": 0});
        assert!(Checks::compile(&rule(&[odd])).unwrap_err().what.contains("has no field `from`"));
    }

    #[test]
    fn long_texts_are_covered_in_no_time() {
        let seeds = json!([[["想"], ["想想想想想想想想"], ["说"]]]);
        assert_eq!(gate(&seeds, (0, 2), &"想说想想".repeat(20_000)), []);
        let findings = gate(&seeds, (0, 2), &"好".repeat(50_000));
        assert!(findings.len() == 1 && findings[0].message.len() < 800);
    }
}
