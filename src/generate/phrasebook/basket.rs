//! Composes the basket of one LEGO.
//!
//! Every phrase is made of whole LEGOs that the learner has met, the one being taught included; so the vocabulary gate holds
//! by construction, whether it is checked by words or by LEGOs.

use super::book::{Book, Lego, MOST_WORDS, Pair};
use super::cut::tiling_around;
use super::words::{contains, cover, fold};
use crate::json::Value;
use serde_json::json;
use std::collections::HashSet;

/// What is asked for.
pub(super) struct Wanted<'a> {
    /// The LEGO being taught.
    pub(super) lego: Pair,
    /// Its seed.
    pub(super) seed: Pair,
    /// True for the last LEGO of its seed.
    pub(super) culminating: bool,
    /// The folded target texts of the LEGOs taught before, as far as they are known.
    pub(super) earlier: &'a HashSet<String>,
}

/// When a LEGO has fewer sentences of its own, the book's other sentences fill up to this number.
const ENOUGH_SENTENCES: usize = 3;

/// The windows that debut phrases are sorted into.
const WINDOWS: std::ops::RangeInclusive<usize> = 2..=5;

impl Book {
    /// The basket of a LEGO: `{"e": […], "d": {"2": […], …, "5": […]}}`.
    pub(super) fn basket(&self, wanted: &Wanted<'_>) -> Value {
        let cut = self.cut(&wanted.seed.0, &wanted.seed.1);
        let operative = fold(&wanted.lego.0);
        let key = Pair::fold(&wanted.lego.0, &wanted.lego.1);
        let at = cut.iter().position(|lego| Pair::fold(&lego.target, &lego.known) == key);
        let mut available = wanted.earlier.clone();
        available.insert(operative.clone());
        available.extend(cut[..at.unwrap_or(0)].iter().map(|lego| fold(&lego.target)));

        let own = self.practice.get(&key);
        let windows = at.and_then(|at| tiling_around(&cut, at)).map(windows).unwrap_or_default();
        let fragments = windows.iter().chain(own.into_iter().flat_map(|own| &own.d));
        let sentences = self.sentences_for(wanted, &operative, &available);
        json!({ "e": pairs(sentences), "d": debut(fragments, &operative, &available) })
    }

    /// The whole seed if the LEGO ends it, then the LEGO's own sentences, then others of the book.
    fn sentences_for(&self, wanted: &Wanted<'_>, operative: &str, available: &HashSet<String>) -> Vec<Pair> {
        let mut chosen: Vec<Pair> = Vec::new();
        if wanted.culminating {
            chosen.push(wanted.seed.clone());
        }
        if available.len() == 1 {
            return chosen;
        }
        let mut seen: HashSet<String> = chosen.iter().map(|pair| fold(&pair.0)).collect();
        let mut fits = |phrase: &Pair| {
            let text = fold(&phrase.0);
            contains(&text, operative)
                && text.split(' ').count() <= MOST_WORDS
                && cover(&text, available).is_some()
                && seen.insert(text)
        };
        let key = Pair::fold(&wanted.lego.0, &wanted.lego.1);
        let own = self.practice.get(&key).into_iter().flat_map(|own| &own.e);
        chosen.extend(own.filter(|phrase| fits(phrase)).cloned());
        let others =
            self.sentences.iter().flat_map(|one| &one.legos).filter_map(|lego| self.practice_of(lego));
        let others = others.flatten().filter(|phrase| fits(phrase));
        let room = ENOUGH_SENTENCES.saturating_sub(chosen.len());
        chosen.extend(others.take(room).cloned());
        chosen
    }

    fn practice_of(&self, lego: &Lego) -> Option<&Vec<Pair>> {
        self.practice.get(&Pair::fold(&lego.target, &lego.known)).map(|practice| &practice.e)
    }
}

/// All runs of two to five neighbouring LEGOs that hold the one being taught, the shorter ones first.
fn windows((tiling, at): (Vec<&Lego>, usize)) -> Vec<Pair> {
    WINDOWS
        .flat_map(|len| {
            tiling
                .windows(len)
                .enumerate()
                .filter(|(start, _)| (*start..*start + len).contains(&at))
                .map(|(_, run)| {
                    let text =
                        |of: fn(&Lego) -> &str| run.iter().map(|l| of(l)).collect::<Vec<_>>().join(" ");
                    Pair(text(|lego| &lego.target), text(|lego| &lego.known))
                })
                .collect::<Vec<_>>()
        })
        .collect()
}

/// The fragments that may be shown, by the number of LEGOs that they span.
fn debut<'p>(
    fragments: impl Iterator<Item = &'p Pair>,
    operative: &str,
    available: &HashSet<String>,
) -> Value {
    let mut by_span: Vec<Vec<Pair>> = vec![Vec::new(); *WINDOWS.end() + 1];
    let mut seen = HashSet::new();
    for phrase in fragments {
        let text = fold(&phrase.0);
        let span = cover(&text, available).filter(|span| WINDOWS.contains(span));
        if let Some(span) = span.filter(|_| contains(&text, operative))
            && seen.insert(text)
        {
            by_span[span].push(phrase.clone());
        }
    }
    WINDOWS.map(|span| (span.to_string(), pairs(std::mem::take(&mut by_span[span])))).collect()
}

fn pairs(phrases: Vec<Pair>) -> Value {
    phrases.into_iter().map(|Pair(target, known)| json!([target, known])).collect()
}
