//! `vocabulary`, the absolute gate: a phrase uses what was taught up to its item, and nothing else.

use super::Subject;
use super::fields::Fields;
use super::found::{Found, quote};
use super::lexicon::{Answer, Lexicon, LexiconSpec, Lookup, Position};
use super::set::{Check, Definition, Scope};
use super::source::{place, text};
use crate::diag::Result;
use crate::json::Pointer;

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
        for phrases in &self.phrases {
            phrases.walk(subject.output, &mut |path, value| match text(place(path), value) {
                Err(why) => found.add("vocabulary", &why),
                Ok(phrase) => {
                    for (word, answer) in lexicon.not_taught(phrase, own) {
                        let whence = match answer {
                            Answer::Later(id) => format!("is taught later, by {}", quote(id)),
                            Answer::Nowhere | Answer::Taught => "is taught nowhere".to_owned(),
                        };
                        let (word, phrase) = (quote(word), quote(phrase));
                        found.suggest(
                            "vocabulary",
                            &format!("{word} in the phrase {phrase} at {} {whence}", place(path)),
                            &format!("say it without {word}, with what was taught up to this item, or leave it out"),
                        );
                    }
                }
            });
        }
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
