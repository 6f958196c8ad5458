//! Translates and cuts sentences: as the book has them, else as well as its words allow.
//!
//! A sentence that the book does not know is pieced together from the longest texts that it does know, and unknown words stay
//! as they are: someone who edits a seed sees what became of it instead of an error.

use super::book::{Book, Kind, Lego, Pair, tiling};
use super::words::{Word, fold, folded, words};

/// A piece of a sentence, with the punctuation that follows it.
struct Segment {
    lego: Lego,
    after: String,
}

impl Book {
    /// A source sentence in both languages.
    pub(super) fn translate(&self, source: &str) -> Pair {
        if let Some(&at) = self.by_source.get(&fold(source)) {
            return self.sentences[at].pair.clone();
        }
        let pieces = self.segments(&words(source));
        let text = pieces
            .iter()
            .map(|piece| format!("{}{}", piece.lego.target, piece.after))
            .collect::<Vec<_>>()
            .join(" ");
        let opening = self
            .opening
            .iter()
            .find(|Pair(end, _)| !end.is_empty() && source.trim_end().ends_with(end.as_str()));
        let opening = opening.map_or("", |Pair(_, begin)| begin.as_str());
        Pair(format!("{opening}{}", capitalised(&text)), source.to_owned())
    }

    /// A sentence pair's LEGOs in order. Those that are no feeders rebuild the target text.
    pub(super) fn cut(&self, target: &str, known: &str) -> Vec<Lego> {
        if let Some(&at) = self.by_pair.get(&Pair::fold(target, known)) {
            return self.sentences[at].legos.clone();
        }
        let pieces: Vec<Lego> =
            self.segments(&words(known)).into_iter().map(|segment| segment.lego).collect();
        let pieces = self.join_dependent(pieces);
        let rebuilt = pieces.iter().map(|lego| lego.target.as_str()).collect::<Vec<_>>().join(" ");
        if !pieces.is_empty() && fold(&rebuilt) == fold(target) { pieces } else { self.peel(target, known) }
    }

    /// Cuts a known text into the longest pieces that the lexicon has; the words between them are pieces as they stand.
    fn segments(&self, known: &[Word]) -> Vec<Segment> {
        let mut pieces = Vec::new();
        let (mut at, mut unknown) = (0, 0);
        while at < known.len() {
            let found = self.longest_known(&known[at..]);
            let breaks = at > unknown && !known[at - 1].after.is_empty();
            if found.is_some() || breaks {
                pieces.extend(untranslated(&known[unknown..at]));
                unknown = at;
            }
            match found {
                Some((lego, len)) => {
                    pieces.push(Segment { lego: lego.clone(), after: known[at + len - 1].after.clone() });
                    at += len;
                    unknown = at;
                }
                None => at += 1,
            }
        }
        pieces.extend(untranslated(&known[unknown..]));
        pieces
    }

    /// The longest start of the words that the lexicon knows; punctuation ends it.
    fn longest_known(&self, known: &[Word]) -> Option<(&Lego, usize)> {
        let unbroken = known.iter().position(|word| !word.after.is_empty()).map_or(known.len(), |at| at + 1);
        (1..=unbroken.min(self.longest)).rev().find_map(|len| {
            let at = *self.by_known.get(&folded(&known[..len]))?;
            Some((&self.lexicon[at], len))
        })
    }

    /// Joins words that make no LEGO of their own with what follows, at the end with what comes before.
    fn join_dependent(&self, pieces: Vec<Lego>) -> Vec<Lego> {
        let mut joined: Vec<Lego> = Vec::with_capacity(pieces.len());
        let mut waiting: Option<Lego> = None;
        for piece in pieces {
            let piece = match waiting.take() {
                Some(before) => join(&before, &piece),
                None => piece,
            };
            if self.never_alone.contains(&fold(&piece.target)) {
                waiting = Some(piece);
            } else {
                joined.push(piece);
            }
        }
        if let Some(last) = waiting {
            let whole = match joined.pop() {
                Some(before) => join(&before, &last),
                None => last,
            };
            joined.push(whole);
        }
        joined
    }

    /// Cuts a pair whose target text is not the one that the book would give, as after an edit by hand: known LEGOs are taken off
    /// both ends as long as both languages agree, and what is left between them is one LEGO. It grows over its neighbours
    /// as long as it would give a known text a second target text, or one language alone.
    fn peel(&self, target: &str, known: &str) -> Vec<Lego> {
        let (target, known) = (words(target), words(known));
        let (mut t, mut k) = (0..target.len(), 0..known.len());
        let (mut front, mut back) = (Vec::new(), Vec::new());
        while let Some((lego, tn, kn)) = self.at_end(&target[t.clone()], &known[k.clone()], false) {
            (t.start, k.start) = (t.start + tn, k.start + kn);
            front.push((lego, tn, kn));
        }
        while let Some((lego, tn, kn)) = self.at_end(&target[t.clone()], &known[k.clone()], true) {
            (t.end, k.end) = (t.end - tn, k.end - kn);
            back.push((lego, tn, kn));
        }
        while !self.may_stand(&target[t.clone()], &known[k.clone()]) {
            if let Some((_, tn, kn)) = front.pop() {
                (t.start, k.start) = (t.start - tn, k.start - kn);
            } else if let Some((_, tn, kn)) = back.pop() {
                (t.end, k.end) = (t.end + tn, k.end + kn);
            } else {
                break;
            }
        }
        let mut legos: Vec<Lego> = front.into_iter().map(|(lego, ..)| lego).collect();
        if !t.is_empty() {
            let text = plain(&target[t.clone()]);
            let text = if t.start == 0 { uncapitalised(&text) } else { text };
            legos.push(Lego { kind: Kind::B, target: text, known: plain(&known[k]), components: Vec::new() });
        }
        legos.extend(back.into_iter().rev().map(|(lego, ..)| lego));
        legos
    }

    /// The longest LEGO at one end of both texts, with its number of words in each.
    fn at_end(&self, target: &[Word], known: &[Word], last: bool) -> Option<(Lego, usize, usize)> {
        let end = |all: &[Word], len: usize| {
            if last { folded(&all[all.len() - len..]) } else { folded(&all[..len]) }
        };
        (1..=target.len().min(self.longest)).rev().find_map(|tn| {
            let text = end(target, tn);
            self.by_target.get(&text)?.iter().find_map(|&at| {
                let lego = &self.lexicon[at];
                let kn = words(&lego.known).len();
                let agrees = kn <= known.len()
                    && end(known, kn) == fold(&lego.known)
                    && !self.never_alone.contains(&text);
                agrees.then(|| (lego.clone(), tn, kn))
            })
        })
    }

    /// True when the words may be one LEGO: in both languages or in neither, and at odds with no other LEGO.
    fn may_stand(&self, target: &[Word], known: &[Word]) -> bool {
        let text = folded(target);
        let agrees = self
            .by_known
            .get(&folded(known))
            .is_none_or(|&at| fold(&self.lexicon[at].target) == text && !known.is_empty());
        target.is_empty() == known.is_empty() && agrees && !self.never_alone.contains(&text)
    }
}

/// Words that the lexicon does not know, as one piece that reads the same in both languages.
fn untranslated(known: &[Word]) -> Option<Segment> {
    let last = known.last()?;
    let text = plain(known);
    let lego = Lego { kind: Kind::B, target: text.clone(), known: text, components: Vec::new() };
    Some(Segment { lego, after: last.after.clone() })
}

/// One composite of two neighbours.
fn join(first: &Lego, second: &Lego) -> Lego {
    let parts = |lego: &Lego| {
        if lego.components.is_empty() {
            vec![Pair(lego.target.clone(), lego.known.clone())]
        } else {
            lego.components.clone()
        }
    };
    Lego {
        kind: Kind::C,
        target: format!("{} {}", first.target, second.target),
        known: format!("{} {}", first.known, second.known),
        components: [parts(first), parts(second)].concat(),
    }
}

/// The words as written, without punctuation.
fn plain(words: &[Word]) -> String {
    words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

fn uncapitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

/// The sentence's tiling around one of its LEGOs, and that LEGO's place in it. A feeder stands in for the composite that it feeds
/// where both begin alike, for then the words before it read on into it.
pub(super) fn tiling_around(legos: &[Lego], at: usize) -> Option<(Vec<&Lego>, usize)> {
    let place = tiling(&legos[..at]).len();
    let lego = &legos[at];
    if lego.kind != Kind::F {
        return Some((tiling(legos), place));
    }
    let fed = *tiling(&legos[at..]).first()?;
    let begins =
        |whole: &str, part: &str| format!("{} ", fold(whole)).starts_with(&format!("{} ", fold(part)));
    let reads_on = begins(&fed.target, &lego.target) && begins(&fed.known, &lego.known);
    reads_on.then(|| (tiling(&legos[..at]).into_iter().chain([lego]).collect(), place))
}
