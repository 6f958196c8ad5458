//! `one_translation` (zero variation): a concept keeps the word that it was first given.
//!
//! Concepts are declared, with the words that a language has for them: to align two sentences by position is mostly noise.

use super::Subject;
use super::fields::Fields;
use super::found::{Found, quote};
use super::patterns::FOLD;
use super::set::{Check, Definition, Scope};
use super::source::Source;
use super::text::{Fold, contains, spoken};
use crate::diag::Result;
use regex::Regex;
use serde::Deserialize;
use std::collections::HashMap;

pub(super) const DEFINITION: Definition = Definition {
    name: "one_translation",
    version: 1,
    scope: Scope::Course,
    fields: &["known", "target", "concepts", "first"],
    finds: &["variation"],
    compile: |fields| Concepts::compile(fields).map(Check::Concepts),
};

/// The number of a concept → the word that came first, and where.
pub(super) type Chosen = HashMap<usize, First>;

/// The first word that a concept was given.
#[derive(Debug, Clone)]
pub(super) struct First {
    /// Its number in the concept.
    word: usize,
    /// The number of its item's root in source order.
    pub(super) position: usize,
    pub(super) item: Box<str>,
    form: Box<str>,
}

#[derive(Debug)]
pub(super) struct Concepts {
    known: Source,
    target: Source,
    concepts: Vec<Concept>,
    first: usize,
}

#[derive(Debug)]
struct Concept {
    name: String,
    /// The words of the target language as they are written, each by the form that is listed first.
    headwords: Vec<String>,
    known: Regex,
    unless: Option<Regex>,
    /// The same words, each with all its forms, folded.
    words: Vec<Vec<String>>,
    /// Forms that are never right, whichever word came first.
    forbidden: Vec<String>,
}

/// A concept as data.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    concept: String,
    known: String,
    unless: Option<String>,
    accepted: Vec<Vec<String>>,
    #[serde(default)]
    forbidden: Vec<String>,
}

impl Concepts {
    fn compile(fields: &Fields<'_>) -> Result<Self> {
        let mut concepts = Vec::new();
        let fold = |forms: &Vec<String>| forms.iter().map(|form| Fold::ALL.apply(form)).collect::<Vec<_>>();
        for written in fields.entries::<Written>("concepts")? {
            concepts.push(Concept {
                known: fields.regex("concepts", &written.known)?,
                unless: written.unless.as_ref().map(|text| fields.regex("concepts", text)).transpose()?,
                headwords: written
                    .accepted
                    .iter()
                    .map(|forms| forms.first().cloned().unwrap_or_default())
                    .collect(),
                words: written.accepted.iter().map(fold).collect(),
                forbidden: fold(&written.forbidden),
                name: written.concept,
            });
        }
        let (known, target) = (fields.text("known")?, fields.text("target")?);
        Ok(Self { known, target, concepts, first: fields.first()? })
    }

    pub(super) fn in_order(&self, chosen: &Chosen, subject: &Subject<'_>, found: &mut Found<'_>) {
        self.each(subject, &mut |number, concept, words| {
            let name = quote(&concept.name);
            if let Some(form) = concept.forbidden.iter().find(|form| contains(words, &spoken(form))) {
                found.suggest(
                    "variation",
                    &format!("{} for {name}, which it is never to stand for", quote(form)),
                    &format!("use {}", quote(concept.words.iter().flatten().next().unwrap_or(&concept.name))),
                );
            }
            let Some(first) = chosen.get(&number) else { return };
            let here = concept.used(words);
            if let Some((_, form)) = here.first().filter(|_| here.iter().all(|(word, _)| *word != first.word))
            {
                let (wanted, item) = (quote(&first.form), quote(&first.item));
                found.suggest(
                    "variation",
                    &format!("{} for {name}, but {item} before it says {wanted}", quote(form)),
                    &format!(
                        "use {wanted}, in the form that the sentence needs: one concept keeps its first word"
                    ),
                );
            }
        });
    }

    pub(super) fn admit(&self, chosen: &mut Chosen, subject: &Subject<'_>) {
        self.each(subject, &mut |number, concept, words| {
            // Where two of the words stand, nobody can tell which of them is for the concept.
            if let ([(word, form)], false) = (concept.used(words).as_slice(), chosen.contains_key(&number)) {
                let (position, item) = (subject.position, subject.ids.id.into());
                let first = First { word: *word, position, item, form: (*form).into() };
                chosen.insert(number, first);
            }
        });
    }

    /// The concepts that the known text holds, with the words of the target text.
    fn each(&self, subject: &Subject<'_>, hit: &mut dyn FnMut(usize, &Concept, &[&str])) {
        if subject.position >= self.first {
            return;
        }
        let (Ok(known), Ok(target)) = (self.known.text(subject), self.target.text(subject)) else { return };
        let target = Fold::ALL.apply(target);
        let words = spoken(&target);
        self.in_text(known, &mut |number, concept| hit(number, concept, &words));
    }

    fn in_text(&self, known: &str, hit: &mut dyn FnMut(usize, &Concept)) {
        let known = FOLD.apply(known);
        for (number, concept) in self.concepts.iter().enumerate() {
            let unless = concept.unless.as_ref().is_some_and(|unless| unless.is_match(&known));
            if !unless && concept.known.is_match(&known) {
                hit(number, concept);
            }
        }
    }

    /// How many leading roots are held to one word for a concept.
    pub(super) fn first(&self) -> usize {
        self.first
    }

    /// The numbers of the concepts that a text in the known language holds, in ascending order.
    pub(super) fn mentioned(&self, known: &str) -> Vec<usize> {
        let mut numbers = Vec::new();
        self.in_text(known, &mut |number, _| numbers.push(number));
        numbers
    }

    /// What a concept is called, and the word that came first for it.
    pub(super) fn word(&self, number: usize, first: &First) -> (&str, &str) {
        let concept = &self.concepts[number];
        (&concept.name, &concept.headwords[first.word])
    }
}

impl Concept {
    /// Which of its words stand in a text, each with the form that was found.
    fn used(&self, words: &[&str]) -> Vec<(usize, &str)> {
        let found = |forms: &'_ Vec<String>| forms.iter().position(|form| contains(words, &spoken(form)));
        self.words
            .iter()
            .enumerate()
            .filter_map(|(word, forms)| found(forms).map(|form| (word, forms[form].as_str())))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Finding;
    use super::super::tests::in_order;
    use serde_json::{Value, json};

    fn check(first: usize) -> Value {
        json!({"use": "one_translation", "known": "/1", "target": "/0", "first": first, "concepts": [
            {"concept": "to speak", "known": r"\b(speak|speaks|speaking)\b", "unless": r"\bsay", "forbidden": ["parlar"],
             "accepted": [["hablar", "hablo", "hablas"], ["decir", "digo"], ["charlar"]]},
            {"concept": "quickly", "known": r"\bquickly\b", "accepted": [["rápidamente"], ["de prisa"]]},
            {"concept": "to try", "known": r"\btry\b", "accepted": [["试"], ["尝试"]]},
        ]})
    }

    fn findings(seeds: &[(&str, &str)]) -> Vec<Finding> {
        let ids: Vec<String> = (1..=seeds.len()).map(|n| format!("S{n:04}")).collect();
        let outputs: Vec<(&str, Value)> = ids
            .iter()
            .zip(seeds)
            .map(|(id, (target, known))| (id.as_str(), json!([target, known])))
            .collect();
        in_order(&[check(3)], &outputs).concat()
    }

    #[test]
    fn concepts_that_keep_their_word_pass() {
        for seeds in [
            &[("Quiero hablar", "I want to speak"), ("Hablo", "I speak")][..],
            &[("Quiero hablar", "I want to speak"), ("Quiero decir", "I want to say")],
            &[("Quiero decir", "I want to say"), ("hablar", "to speak")],
            &[("hablar", "to speak"), ("decir que hablo", "speaking")],
            &[("hablar", "to speak"), ("conversar", "to speak")],
            &[("charlar", "to speak"), ("charlar", "speak")],
            &[("hablar y decir", "speak"), ("decir", "speak")],
            &[("hablar", "to speak"), ("decir", "to speak and say")],
            &[("hablar", "to speak"), ("decir", "a loudspeaker")],
            &[("rápidamente", "quickly"), ("hablar de prisa", "to speak fast")],
            &[("a", "speak"), ("b", "speak"), ("hablar", "speak"), ("decir", "speak")],
            &[],
        ] {
            let findings = findings(seeds);
            assert!(findings.is_empty(), "{findings:#?}");
        }
    }

    #[test]
    fn another_word_is_blamed_on_the_later_seed() {
        for seeds in [
            &[("Quiero hablar", "I want to speak"), ("Quiero decir", "I want to speak")][..],
            &[("Hablo", "I speak."), ("¡Digo!", "I SPEAK!")],
            &[("hablas", "You speak"), ("charlar", "speaking")],
            &[("decir", "to speak"), ("hablar", "to speak")],
            &[("charlar", "to speak"), ("hablar y decir", "to speak")],
            &[("hablar", "speak"), ("hablar", "speak"), ("decir", "speak")],
            &[("rápidamente", "quickly"), ("de  prisa", "Quickly")],
            &[("parlar", "speak")],
            &[("我试", "I try"), ("我想尝", "I want to taste"), ("尝试", "try")],
            &[("rápidamente", "quickly"), ("hablo de prisa", "I speak quickly")],
        ] {
            let findings = findings(seeds);
            if seeds.last().is_some_and(|(target, _)| *target == "尝试") {
                // One word is part of the other, character by character: the first word stands there too.
                assert_eq!(findings, []);
                continue;
            }
            assert_eq!(findings.len(), 1, "{seeds:?}");
            assert_eq!(findings[0].item, format!("S{:04}", seeds.len()));
            assert_eq!((findings[0].kind.as_str(), findings[0].is_error()), ("variation", true));
        }
        assert_eq!(
            findings(&[("Quiero hablar", "to speak"), ("decir", "to speak")])[0].message,
            "`decir` for `to speak`, but `S0001` before it says `hablar`"
        );
    }
}
