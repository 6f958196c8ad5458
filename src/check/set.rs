//! The closed set of checks: one row each, and one place where a compiled check is called for what it reads.

use super::fields::Fields;
use super::found::Found;
use super::ledger::State;
use super::lexicon::{Lexicon, Lookup, Position};
use super::{Subject, cognates, components, concepts, determinism, echo, length, lone, patterns, phrases};
use super::{outside, tiling, unique, vocabulary, windows};
use crate::diag::Result;

/// What a check has to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// One output, with its item's input: runs as soon as the output is there, on any thread.
    Item,
    /// The answer of one call as a whole.
    Batch,
    /// The outputs before it in source order: runs when they are settled, and blames the later item.
    Course,
    /// The results of an earlier phase up to the item: runs when they are settled.
    Earlier,
}

/// What is to be known of a check before it is compiled: one row of the closed set.
#[derive(Debug)]
pub struct Definition {
    /// Its name, as a rule writes it in `use`.
    pub name: &'static str,
    /// Counts up when the check comes to another judgement of the same output: stored outputs are then checked again.
    pub version: u32,
    /// The most that it has to see. What can be said of less is said at once.
    pub scope: Scope,
    /// The fields that it takes beside those that every check takes.
    pub fields: &'static [&'static str],
    /// The types of its findings.
    pub finds: &'static [&'static str],
    pub(super) compile: fn(&Fields<'_>) -> Result<Check>,
}

/// The checks that a rule can use, in the order of the documentation. Shape and coverage are not among them: they hold for
/// every phase.
pub const DEFINITIONS: &[Definition] = &[
    echo::DEFINITION,
    unique::DEFINITION,
    patterns::DEFINITION,
    cognates::DEFINITION,
    concepts::DEFINITION,
    tiling::DEFINITION,
    lone::HARD_RULES,
    lone::AMBIGUOUS,
    components::DEFINITION,
    determinism::DEFINITION,
    phrases::OPERATIVE,
    phrases::CULMINATING,
    vocabulary::DEFINITION,
    windows::DEFINITION,
    length::DEFINITION,
    outside::DEFINITION,
];

/// Fields that may stand in every check, beside `use`, `name` and `severity`, which are read with the rule.
pub(super) const COMMON: &[&str] = &["stop", "from"];

/// One check, compiled.
#[derive(Debug)]
pub(super) enum Check {
    Echo(echo::Echo),
    Unique(unique::Unique),
    Patterns(patterns::Patterns),
    Cognates(cognates::Cognates),
    Concepts(concepts::Concepts),
    Tiling(tiling::Tiling),
    Lone(lone::Lone),
    Components(components::Components),
    Determinism(determinism::Determinism),
    Operative(phrases::Operative),
    Culminating(phrases::Culminating),
    Vocabulary(vocabulary::Vocabulary),
    Windows(windows::Windows),
    Length(length::Length),
    Outside(outside::Outside),
}

impl Check {
    /// What can be said of the output and its input alone.
    pub(super) fn judge(&self, subject: &Subject<'_>, found: &mut Found<'_>) {
        match self {
            Self::Echo(check) => check.judge(subject, found),
            Self::Unique(check) => check.judge(subject, found),
            Self::Patterns(check) => check.judge(subject, found),
            Self::Cognates(check) => check.judge(subject, found),
            Self::Tiling(check) => check.judge(subject, found),
            Self::Lone(check) => check.judge(subject, found),
            Self::Components(check) => check.judge(subject, found),
            Self::Operative(check) => check.judge(subject, found),
            Self::Culminating(check) => check.judge(subject, found),
            Self::Windows(check) => check.judge(subject, found),
            Self::Length(check) => check.judge(subject, found),
            Self::Concepts(_) | Self::Determinism(_) | Self::Vocabulary(_) | Self::Outside(_) => {}
        }
    }

    /// What there is to remember of earlier outputs when there was none yet.
    pub(super) fn state(&self) -> State {
        match self {
            Self::Concepts(_) => State::Concepts(concepts::Chosen::default()),
            Self::Components(_) => State::Components(components::Known::default()),
            Self::Determinism(_) => State::Determinism(determinism::Said::default()),
            _ => State::Nothing,
        }
    }

    /// What can be said only of an output and those before it.
    pub(super) fn in_order(&self, state: &State, subject: &Subject<'_>, found: &mut Found<'_>) {
        match (self, state) {
            (Self::Concepts(check), State::Concepts(chosen)) => check.in_order(chosen, subject, found),
            (Self::Components(check), State::Components(known)) => check.in_order(known, subject, found),
            (Self::Determinism(check), State::Determinism(said)) => check.in_order(said, subject, found),
            _ => {}
        }
    }

    /// Remembers an output for those after it.
    pub(super) fn admit(&self, state: &mut State, subject: &Subject<'_>) {
        match (self, state) {
            (Self::Concepts(check), State::Concepts(chosen)) => check.admit(chosen, subject),
            (Self::Components(check), State::Components(known)) => check.admit(known, subject),
            (Self::Determinism(check), State::Determinism(said)) => check.admit(said, subject),
            _ => {}
        }
    }

    /// What can be said only with the vocabulary up to the item.
    pub(super) fn with_lexicon(
        &self,
        lexicon: &Lexicon,
        own: Position,
        subject: &Subject<'_>,
        found: &mut Found<'_>,
    ) {
        match self {
            Self::Vocabulary(check) => check.with_lexicon(lexicon, own, subject, found),
            Self::Windows(check) => check.with_lexicon(lexicon, own, subject, found),
            _ => {}
        }
    }

    /// What [`Check::with_lexicon`] looks up.
    pub(super) fn lookups(
        &self,
        lexicon: &Lexicon,
        own: Position,
        subject: &Subject<'_>,
        looked_up: &mut Vec<Lookup>,
    ) {
        match self {
            Self::Vocabulary(check) => check.lookups(lexicon, own, subject, looked_up),
            Self::Windows(check) => check.lookups(lexicon, own, subject, looked_up),
            _ => {}
        }
    }
}
