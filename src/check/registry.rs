//! The words that concepts have, for prompts: what `one_translation` remembers, to be looked up.
//!
//! Which outputs count is for the caller to say, by what he lets be remembered and in which order.

use super::concepts::{Chosen, Concepts};
use super::ledger::{Ledger, State};
use super::set::Check;
use super::{Checks, Subject, concepts};
use crate::course::Rule;
use crate::diag::{Problem, Result};

/// The registry of one check.
#[derive(Debug, Clone, Copy)]
pub struct Registry<'c> {
    concepts: &'c Concepts,
    /// The check's number among those that are on, which is its place in a [`Ledger`].
    number: usize,
}

/// The words that were remembered so far, the first of each concept.
#[derive(Debug, Default)]
pub struct Words(Chosen);

/// The word that a concept has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word<'c> {
    /// What the concept is called, in the known language.
    pub concept: &'c str,
    /// The word, in the form that the language lists first.
    pub word: &'c str,
    /// The item that said it first.
    pub item: &'c str,
    /// The number of that item's root in source order, from 0.
    pub position: usize,
}

impl Checks {
    /// The registry of the check with this label; `None` where the check is off, or left out for want of its language.
    pub fn registry(&self, label: &str) -> Option<Registry<'_>> {
        let mut enabled = self.enabled.iter().enumerate().filter(|(_, one)| *one.label == *label);
        enabled.find_map(|(number, one)| match &one.check {
            Check::Concepts(concepts) => Some(Registry { concepts, number }),
            _ => None,
        })
    }
}

impl Registry<'_> {
    /// So many leading roots are held to their words, and no other is told of them.
    pub fn first(&self) -> usize {
        self.concepts.first()
    }

    /// The numbers of the concepts that a text in the known language holds.
    pub fn mentioned(&self, known: &str) -> Vec<usize> {
        self.concepts.mentioned(known)
    }

    /// Remembers an output behind all that was remembered before it.
    pub fn remember(&self, words: &mut Words, subject: &Subject<'_>) {
        self.concepts.admit(&mut words.0, subject);
    }
}

impl<'c> Registry<'c> {
    /// The word that a concept has by the outputs that a ledger admitted, else by those that were remembered.
    pub fn word<'l>(&self, concept: usize, ledger: Option<&'l Ledger>, words: &'l Words) -> Option<Word<'l>>
    where
        'c: 'l,
    {
        let admitted = ledger.and_then(|ledger| match ledger.0.get(self.number) {
            Some(State::Concepts(chosen)) => chosen.get(&concept),
            _ => None,
        });
        let first = admitted.or_else(|| words.0.get(&concept))?;
        let (concept, word) = self.concepts.word(concept, first);
        Some(Word { concept, word, item: &first.item, position: first.position })
    }
}

/// Whether the checks whose registries a rule shows keep one. A check that is not there is left out for its language.
pub(super) fn are_kept(rule: &Rule) -> Result<()> {
    for registry in rule.contexts.iter().filter_map(|context| context.registry.as_ref()) {
        let mut named = rule.checks.iter().filter(|spec| spec.label == registry.check).peekable();
        if named.peek().is_some() && named.all(|spec| spec.name != concepts::DEFINITION.name) {
            return Err(Problem::author(format!("the check `{}` keeps no registry", registry.check))
                .at(registry.place.clone())
                .hint("`one_translation` keeps the words that concepts have"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::rule;
    use super::*;
    use crate::course::{self, Context, Projection, Role, Window};
    use crate::diag::Place;
    use crate::json::{Ids, Value};
    use serde_json::json;

    fn checks(severity: &str) -> Vec<Value> {
        vec![
            json!({"use": "determinism", "pieces": "/9", "piece_id": "/0", "known": "/0", "target": "/0"}),
            json!({"use": "one_translation", "severity": severity, "known": "/1", "target": "/0", "first": 3, "concepts": [
                {"concept": "to speak", "known": r"\bspeak", "unless": r"\bsay", "accepted": [["Hablar", "hablo"], ["decir"]]},
                {"concept": "quickly", "known": "quickly", "accepted": [["rápido"], ["de prisa"]]},
            ]}),
        ]
    }

    fn admit(registry: &Registry<'_>, words: &mut Words, position: usize, id: &str, output: &Value) {
        let subject = Subject { ids: Ids { id, root: id }, position, input: &Value::Null, output };
        registry.remember(words, &subject);
    }

    #[test]
    fn the_first_word_of_a_concept_is_told_in_its_first_form() {
        let checks = Checks::compile(&rule(&checks("error"))).unwrap();
        let registry = checks.registry("one_translation").unwrap();
        assert_eq!(registry.first(), 3);
        assert_eq!(registry.mentioned("SPEAK, and quickly!"), [0, 1]);
        assert_eq!(registry.mentioned("say it or speak"), [0; 0]);
        let mut words = Words::default();
        assert_eq!(registry.word(0, None, &words), None);
        admit(&registry, &mut words, 1, "S0002", &json!(["Hablo.", "I speak."]));
        admit(&registry, &mut words, 2, "S0003", &json!(["decir", "to speak"]));
        admit(&registry, &mut words, 3, "S0004", &json!(["rápido", "quickly"]));
        let hablar = Word { concept: "to speak", word: "Hablar", item: "S0002", position: 1 };
        assert_eq!(registry.word(0, None, &words), Some(hablar));
        assert_eq!(registry.word(1, None, &words), None, "past the first seeds nothing is held to a word");
    }

    #[test]
    fn what_a_ledger_admitted_came_first() {
        let checks = Checks::compile(&rule(&checks("warning"))).unwrap();
        let registry = checks.registry("one_translation").unwrap();
        let (mut ledger, mut words) = (checks.ledger(), Words::default());
        let output = json!(["decir", "speak"]);
        let subject = Subject {
            ids: Ids { id: "S0001", root: "S0001" },
            position: 0,
            input: &Value::Null,
            output: &output,
        };
        checks.admit(&mut ledger, &subject);
        admit(&registry, &mut words, 1, "S0002", &json!(["hablo de prisa", "speak quickly"]));
        assert_eq!(registry.word(0, Some(&ledger), &words).map(|word| word.item), Some("S0001"));
        assert_eq!(registry.word(1, Some(&ledger), &words).map(|word| word.word), Some("de prisa"));
        assert_eq!(registry.word(0, None, &words).map(|word| word.word), Some("Hablar"));
    }

    #[test]
    fn only_a_check_of_concepts_has_one() {
        let mut rule = rule(&checks("off"));
        let show = |check: &str| Context {
            name: "words".to_owned(),
            phase: 0,
            registry: Some(course::Registry {
                check: check.to_owned(),
                text: "/source".parse().unwrap(),
                place: Place::file("rules/phase.toml"),
            }),
            role: Role::Hint,
            window: Window::AllEarlier,
            each: None,
            show: Projection::Id,
            max_bytes: None,
        };
        for (label, works) in [("one_translation", true), ("left_out", true), ("determinism", false)] {
            rule.contexts = vec![show(label)];
            assert_eq!(are_kept(&rule).is_ok(), works, "{label}");
        }
        rule.contexts.clear();
        assert!(Checks::compile(&rule).unwrap().registry("one_translation").is_none(), "it is off");
    }
}
