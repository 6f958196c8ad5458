//! The phrasebook file: read strictly, checked whole, indexed by text.
//!
//! Everything is found by what it says, never by a seed's id, so that seeds can be inserted, moved and renamed. What would give
//! a broken course (a cut that does not rebuild its sentence, one known text with two targets) is refused when the file is read.

use super::words::{contains, cover, fold, words};
use crate::diag::{Problem, Result};
use crate::generate::located::Source;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::{HashMap, HashSet};

/// A text in the target language and in the known one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
pub(super) struct Pair(pub(super) String, pub(super) String);

/// The kinds of LEGO.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) enum Kind {
    /// Atomic.
    B,
    /// Has components.
    C,
    /// A component of a later composite of its sentence, taught on its own as well; no part of the tiling.
    F,
}

/// One chunk of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lego {
    pub(super) kind: Kind,
    pub(super) target: String,
    pub(super) known: String,
    pub(super) components: Vec<Pair>,
}

/// Practice phrases that the author wrote for a LEGO. Which of them are shown depends on what has been taught before.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Practice {
    /// Whole sentences.
    #[serde(default)]
    pub(super) e: Vec<Pair>,
    /// Fragments.
    #[serde(default)]
    pub(super) d: Vec<Pair>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BookFile<'t> {
    #[serde(borrow)]
    sentences: Vec<&'t RawValue>,
    #[serde(borrow, default)]
    glossary: Vec<&'t RawValue>,
    #[serde(default)]
    never_alone: Vec<String>,
    #[serde(default)]
    opening: Vec<Pair>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SentenceFile<'t> {
    source: Option<String>,
    target: String,
    known: String,
    #[serde(borrow)]
    legos: Vec<&'t RawValue>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LegoFile {
    kind: Kind,
    target: String,
    known: String,
    #[serde(default)]
    components: Vec<Pair>,
    #[serde(default)]
    practice: Practice,
}

/// One sentence of the book.
#[derive(Debug)]
pub(super) struct Sentence {
    pub(super) pair: Pair,
    pub(super) legos: Vec<Lego>,
}

/// A phrasebook, checked and indexed. All keys are folded texts.
#[derive(Debug, Default)]
pub(super) struct Book {
    pub(super) sentences: Vec<Sentence>,
    pub(super) by_source: HashMap<String, usize>,
    pub(super) by_pair: HashMap<Pair, usize>,
    /// LEGOs and glossary entries, each text pair once; none is a feeder.
    pub(super) lexicon: Vec<Lego>,
    pub(super) by_known: HashMap<String, usize>,
    pub(super) by_target: HashMap<String, Vec<usize>>,
    /// The number of words of the longest text in the lexicon, in either language.
    pub(super) longest: usize,
    pub(super) practice: HashMap<Pair, Practice>,
    /// Target words that make no LEGO of their own.
    pub(super) never_alone: HashSet<String>,
    /// Marks that a sentence begins with when it ends with another: `?` → `¿`.
    pub(super) opening: Vec<Pair>,
}

/// The most words that a practice sentence has.
pub(super) const MOST_WORDS: usize = 15;

impl Pair {
    /// The form in which pairs are compared.
    pub(super) fn fold(target: &str, known: &str) -> Self {
        Self(fold(target), fold(known))
    }
}

impl Book {
    /// Reads a phrasebook. Every error is the author's and has a place.
    pub(super) fn read(source: &Source<'_>) -> Result<Self> {
        let file: BookFile<'_> = source.parse(source.text)?;
        let mut book = Self {
            never_alone: file.never_alone.iter().map(|word| fold(word)).collect(),
            opening: file.opening,
            ..Self::default()
        };
        let mut practised = Vec::new();
        for raw in file.sentences {
            book.add_sentence(source, raw.get(), &mut practised)?;
        }
        // The glossary comes second: where both have a text, the LEGO is what is taught.
        for raw in file.glossary {
            let Pair(target, known) = source.parse(raw.get())?;
            let entry = Lego { kind: Kind::B, target, known, components: Vec::new() };
            book.learn(source, raw.get(), entry)?;
        }
        book.add_practice(source, practised)?;
        Ok(book)
    }

    fn add_sentence<'t>(
        &mut self,
        source: &Source<'t>,
        raw: &'t str,
        practised: &mut Vec<(&'t str, Pair, Practice)>,
    ) -> Result<()> {
        let file: SentenceFile<'t> = source.parse(raw)?;
        let mut legos = Vec::with_capacity(file.legos.len());
        for raw in &file.legos {
            let read: LegoFile = source.parse(raw.get())?;
            let lego =
                Lego { kind: read.kind, target: read.target, known: read.known, components: read.components };
            self.check_lego(&lego).map_err(|what| source.problem(raw.get(), what))?;
            self.learn(source, raw.get(), Lego { kind: not_feeder(lego.kind), ..lego.clone() })?;
            practised.push((raw.get(), Pair::fold(&lego.target, &lego.known), read.practice));
            legos.push(lego);
        }
        check_cut(&file.target, &legos).map_err(|problem| problem.at(source.place(raw)))?;
        let at = self.sentences.len();
        let text = file.source.as_ref().unwrap_or(&file.known);
        let doubled = self.by_source.insert(fold(text), at).is_some()
            || self.by_pair.insert(Pair::fold(&file.target, &file.known), at).is_some();
        if doubled {
            return Err(source
                .problem(raw, format!("the sentence `{text}` stands in the phrasebook twice"))
                .hint("a sentence is found by its text: keep one of the two"));
        }
        self.sentences.push(Sentence { pair: Pair(file.target, file.known), legos });
        Ok(())
    }

    fn check_lego(&self, lego: &Lego) -> std::result::Result<(), String> {
        let name = &lego.target;
        if fold(name).is_empty() || fold(&lego.known).is_empty() {
            return Err("a LEGO needs words in both languages".to_owned());
        }
        match lego.kind {
            Kind::C if lego.components.len() < 2 => {
                Err(format!("`{name}` is a composite (`C`) and needs two `components` or more"))
            }
            Kind::B | Kind::F if !lego.components.is_empty() => {
                Err(format!("`{name}` has `components`: its kind is `C`"))
            }
            _ if self.never_alone.contains(&fold(name)) => {
                Err(format!("`{name}` is listed under `never_alone`: join it with a neighbour"))
            }
            _ => Ok(()),
        }
    }

    /// Puts an entry into the lexicon. One known text with two target texts is an error: a learner could not tell which to say.
    fn learn(&mut self, source: &Source<'_>, raw: &str, entry: Lego) -> Result<()> {
        let Pair(target, known) = Pair::fold(&entry.target, &entry.known);
        if target.is_empty() || known.is_empty() {
            return Err(source.problem(raw, "an entry needs words in both languages"));
        }
        if let Some(&there) = self.by_known.get(&known) {
            let before = &self.lexicon[there].target;
            if fold(before) == target {
                return Ok(());
            }
            return Err(source
                .problem(raw, format!("`{}` is both `{before}` and `{}`", entry.known, entry.target))
                .because("one known text has one target text over the whole course")
                .hint("word one of the two differently, or make the chunk larger"));
        }
        let at = self.lexicon.len();
        self.longest = self.longest.max(words(&entry.known).len()).max(words(&entry.target).len());
        self.by_known.insert(known, at);
        self.by_target.entry(target).or_default().push(at);
        self.lexicon.push(entry);
        Ok(())
    }

    /// Practice must contain its LEGO and consist of the book's LEGOs, or it could never be shown.
    fn add_practice(&mut self, source: &Source<'_>, practised: Vec<(&str, Pair, Practice)>) -> Result<()> {
        let taught: HashSet<String> =
            self.sentences.iter().flat_map(|one| &one.legos).map(|lego| fold(&lego.target)).collect();
        for (raw, key, practice) in practised {
            for phrase in practice.e.iter().chain(&practice.d) {
                let text = fold(&phrase.0);
                let wrong = if !contains(&text, &key.0) {
                    "does not contain the LEGO that it practises"
                } else if cover(&text, &taught).is_none() {
                    "is not made of this phrasebook's LEGOs"
                } else if text.split(' ').count() > MOST_WORDS {
                    "is longer than 15 words"
                } else {
                    continue;
                };
                return Err(source.problem(raw, format!("the practice phrase `{}` {wrong}", phrase.0)));
            }
            let all = self.practice.entry(key).or_default();
            all.e.extend(practice.e);
            all.d.extend(practice.d);
        }
        Ok(())
    }
}

fn not_feeder(kind: Kind) -> Kind {
    if kind == Kind::F { Kind::B } else { kind }
}

/// A cut is right when its tiling rebuilds the sentence and every feeder feeds a later composite.
fn check_cut(target: &str, legos: &[Lego]) -> Result<()> {
    let tiling = tiling(legos).iter().map(|lego| lego.target.as_str()).collect::<Vec<_>>().join(" ");
    if fold(&tiling) != fold(target) {
        return Err(Problem::author(format!("the LEGOs do not rebuild `{target}`"))
            .because(format!("put side by side, those of kind `B` and `C` make `{tiling}`")));
    }
    for (at, feeder) in legos.iter().enumerate().filter(|(_, lego)| lego.kind == Kind::F) {
        let feeds =
            legos[at + 1..].iter().any(|lego| lego.components.iter().any(|part| is_fed(part, feeder)));
        if !feeds {
            return Err(Problem::author(format!(
                "the feeder `{}` is no component of a later LEGO of its sentence",
                feeder.target
            )));
        }
    }
    Ok(())
}

/// True when a component is what a feeder teaches.
pub(super) fn is_fed(part: &Pair, feeder: &Lego) -> bool {
    Pair::fold(&part.0, &part.1) == Pair::fold(&feeder.target, &feeder.known)
}

/// The LEGOs that tile the sentence: all but the feeders.
pub(super) fn tiling(legos: &[Lego]) -> Vec<&Lego> {
    legos.iter().filter(|lego| lego.kind != Kind::F).collect()
}
