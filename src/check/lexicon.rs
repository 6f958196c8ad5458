//! The words that were taught, each with the place where it came first: what the vocabulary gate looks up.
//!
//! Grown in source order, asked for any item: "was this taught by then, and if not, by which later piece?". Script decides how:
//! words between spaces are looked up one by one, and text without spaces has to be covered by whole pieces.

use super::script::is_spaceless;
use super::text::{Fold, words};
use crate::json::{Pointer, Value};
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// A place in a phase's results: the number of the root (seed), and that of the piece in its result, both from 0.
pub type Position = (u32, u32);

/// Where a lexicon's words come from. Said by the `vocabulary` check of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LexiconSpec {
    /// The phase whose results hold the pieces: an index of the course's phases.
    pub phase: usize,
    /// Where in a result the list of pieces is.
    pub each: Pointer,
    /// Where in a piece its id is.
    pub id: Pointer,
    /// Where in a piece its text is.
    pub text: Pointer,
    /// Where in a piece the texts of its components are.
    pub components: Option<Pointer>,
}

impl LexiconSpec {
    /// Adds all pieces of one result (its ids put back) at their positions.
    pub fn teach(&self, lexicon: &mut Lexicon, root: u32, result: &Value) {
        let list = self.each.get(result).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        for (piece, index) in list.iter().zip(0..) {
            let text = |at: &Pointer| at.get(piece).and_then(Value::as_str).unwrap_or_default();
            let components = self.components.iter().flat_map(|at| at.all(piece));
            let components: Vec<&str> = components.filter_map(Value::as_str).collect();
            lexicon.add((root, index), text(&self.id), text(&self.text), &components);
        }
    }
}

/// The words and pieces of a course's results, in source order. Adding and asking take time linear in the text (times the
/// length of the longest piece that it could start with, in scripts without spaces).
#[derive(Debug, Clone, Default)]
pub struct Lexicon {
    taught: Vec<Taught>,
    tokens: HashMap<Box<str>, Token>,
    /// Texts in scripts without spaces, of pieces and components.
    runs: Trie,
    /// Whole pieces, in whatever script.
    pieces: Trie,
}

#[derive(Debug, Clone)]
struct Taught {
    position: Position,
    id: Box<str>,
}

#[derive(Debug, Clone, Copy)]
struct Token {
    number: u32,
    /// The first piece with it as a word between spaces.
    first: Option<u32>,
}

/// Sequences of words, each with the first piece that has it.
#[derive(Debug, Clone, Default)]
struct Trie {
    next: HashMap<(u32, u32), u32>,
    /// By node, from the one after the root on.
    first: Vec<Option<u32>>,
}

/// What a lexicon says of a word or piece of an item's text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Answer {
    /// It was taught with the item or before.
    Taught,
    /// It is taught by a later piece, of this id, first.
    Later(String),
    /// No piece has it.
    Nowhere,
}

/// A word or piece that was looked up, folded, with the answer.
pub type Lookup = (String, Answer);

impl Lexicon {
    /// Adds a piece, which comes after all that were added before. `components` are the texts of its components.
    pub fn add(&mut self, position: Position, id: &str, text: &str, components: &[&str]) {
        let number = u32::try_from(self.taught.len()).unwrap_or(u32::MAX);
        self.taught.push(Taught { position, id: id.into() });
        for text in std::iter::once(&text).chain(components) {
            let folded = folded(text);
            for stretch in stretches(&folded) {
                match stretch {
                    Stretch::Word(word) => {
                        self.token(word).first.get_or_insert(number);
                    }
                    Stretch::Run(run) => {
                        // A gap that is marked (`是…的`) may be filled by other words, so both parts count by themselves too.
                        if run.len() > 1 {
                            for part in &run {
                                let part = self.numbers(part);
                                self.runs.add(&part, number);
                            }
                        }
                        let whole = self.numbers(&run.concat());
                        self.runs.add(&whole, number);
                    }
                }
            }
        }
        let folded = folded(text);
        let whole = self.numbers(&super::text::spoken(&folded));
        self.pieces.add(&whole, number);
    }

    fn token(&mut self, word: &str) -> &mut Token {
        let number = u32::try_from(self.tokens.len()).unwrap_or(u32::MAX);
        self.tokens.entry(word.into()).or_insert(Token { number, first: None })
    }

    fn numbers(&mut self, words: &[&str]) -> Vec<u32> {
        words.iter().map(|word| self.token(word).number).collect()
    }

    fn answer(&self, first: Option<u32>, own: Position) -> Answer {
        match first.and_then(|number| self.taught.get(number as usize)) {
            None => Answer::Nowhere,
            Some(taught) if taught.position <= own => Answer::Taught,
            Some(taught) => Answer::Later(taught.id.to_string()),
        }
    }

    /// What of a text was not taught by `own`, in order: words, and in scripts without spaces stretches that cannot be covered
    /// by what was. Of all ways to cover, the one with the least that nobody teaches counts, then that with the least that is
    /// taught later.
    pub fn not_taught(&self, text: &str, own: Position) -> Vec<Lookup> {
        let folded = folded(text);
        let mut lacking = Vec::new();
        for stretch in stretches(&folded) {
            match stretch {
                // Most words were taught, and need no copy.
                Stretch::Word(word) => match self.answer_of(word, own) {
                    Answer::Taught => {}
                    answer => lacking.push((word.to_owned(), answer)),
                },
                Stretch::Run(run) => lacking.extend(self.cover(&run.concat(), own)),
            }
        }
        lacking.retain(|(_, answer)| *answer != Answer::Taught);
        lacking
    }

    /// All that [`Lexicon::not_taught`] depends on.
    pub(super) fn words_of(&self, text: &str, own: Position, looked_up: &mut Vec<Lookup>) {
        let folded = folded(text);
        for stretch in stretches(&folded) {
            match stretch {
                Stretch::Word(word) => looked_up.push(self.word(word, own)),
                Stretch::Run(run) => {
                    let run = run.concat();
                    self.in_run(&run, &self.runs, &mut |from, to, first| {
                        looked_up.push((run[from..to].concat(), self.answer(Some(first), own)));
                    });
                }
            }
        }
    }

    /// All that [`Lexicon::spans`] depends on.
    pub(super) fn pieces_of(&self, text: &str, own: Position, looked_up: &mut Vec<Lookup>) {
        let folded = folded(text);
        let words = super::text::spoken(&folded);
        self.in_run(&words, &self.pieces, &mut |from, to, first| {
            looked_up.push((words[from..to].join(" "), self.answer(Some(first), own)));
        });
    }

    fn word(&self, word: &str, own: Position) -> Lookup {
        (word.to_owned(), self.answer_of(word, own))
    }

    fn answer_of(&self, word: &str, own: Position) -> Answer {
        self.answer(self.tokens.get(word).and_then(|token| token.first), own)
    }

    /// Calls `hit` with every stretch of the words that is in a trie: from, to (exclusive), first piece.
    fn in_run(&self, run: &[&str], trie: &Trie, hit: &mut dyn FnMut(usize, usize, u32)) {
        let numbers: Vec<Option<u32>> =
            run.iter().map(|word| self.tokens.get(*word).map(|token| token.number)).collect();
        for from in 0..run.len() {
            let mut node = 0;
            for (at, number) in numbers.iter().enumerate().skip(from) {
                let Some(next) = number.and_then(|number| trie.next.get(&(node, number))) else { break };
                node = *next;
                if let Some(first) = trie.first[node as usize - 1] {
                    hit(from, at + 1, first);
                }
            }
        }
    }

    /// A text without spaces as the pieces of its best cover.
    fn cover(&self, run: &[&str], own: Position) -> Vec<Lookup> {
        let mut best: Vec<Cover> =
            vec![Cover { cost: (usize::MAX, 0, 0), from: 0, first: None }; run.len() + 1];
        best[0].cost = (0, 0, 0);
        let mut hits: Vec<Vec<(usize, u32)>> = vec![Vec::new(); run.len()];
        self.in_run(run, &self.runs, &mut |from, to, first| hits[from].push((to, first)));
        for from in 0..run.len() {
            let (nowhere, later, pieces) = best[from].cost;
            let mut offer = |to: usize, cost, first| {
                if cost < best[to].cost {
                    best[to] = Cover { cost, from, first };
                }
            };
            for (to, first) in &hits[from] {
                let taught = self.answer(Some(*first), own) == Answer::Taught;
                offer(*to, (nowhere, later + if taught { 0 } else { to - from }, pieces + 1), Some(*first));
            }
            offer(from + 1, (nowhere + 1, later, pieces), None);
        }
        let mut parts: Vec<(usize, usize, Option<u32>)> = Vec::new();
        let mut to = run.len();
        while to > 0 {
            let Cover { from, first, .. } = best[to];
            match parts.last_mut() {
                Some((start, _, None)) if first.is_none() => *start = from,
                _ => parts.push((from, to, first)),
            }
            to = from;
        }
        let part = |(from, to, first): (usize, usize, Option<u32>)| {
            (run[from..to].concat(), self.answer(first, own))
        };
        parts.into_iter().rev().map(part).collect()
    }

    /// In how many pieces taught by `own` a text can be cut: bit N is set when it can be cut in N. No bit: it cannot be cut.
    /// Counts up to 63.
    pub fn spans(&self, text: &str, own: Position) -> u64 {
        let folded = folded(text);
        let words = super::text::spoken(&folded);
        let mut counts = vec![0_u64; words.len() + 1];
        counts[0] = 1;
        let mut hits: Vec<Vec<usize>> = vec![Vec::new(); words.len()];
        self.in_run(&words, &self.pieces, &mut |from, to, first| {
            if self.answer(Some(first), own) == Answer::Taught {
                hits[from].push(to);
            }
        });
        for (from, hits) in hits.iter().enumerate() {
            for to in hits {
                counts[*to] |= counts[from] << 1;
            }
        }
        counts[words.len()]
    }
}

/// The best way to cover the start of a text.
#[derive(Clone, Copy)]
struct Cover {
    /// Characters that no piece has, characters of later pieces, pieces.
    cost: (usize, usize, usize),
    from: usize,
    first: Option<u32>,
}

impl Trie {
    fn add(&mut self, words: &[u32], piece: u32) {
        let mut node = 0;
        for word in words {
            let fresh = u32::try_from(self.first.len() + 1).unwrap_or(u32::MAX);
            node = match self.next.entry((node, *word)) {
                Entry::Occupied(next) => *next.get(),
                Entry::Vacant(free) => {
                    self.first.push(None);
                    *free.insert(fresh)
                }
            };
        }
        if node > 0 {
            self.first[node as usize - 1].get_or_insert(piece);
        }
    }
}

/// A part of a text: a word between spaces, or characters of a script without them, parted where punctuation stands.
enum Stretch<'t> {
    Word(&'t str),
    Run(Vec<Vec<&'t str>>),
}

/// Case and white space never count here, and punctuation only parts.
fn folded(text: &str) -> String {
    Fold { space: true, case: true, punctuation: false }.apply(text)
}

fn stretches(folded: &str) -> Vec<Stretch<'_>> {
    let mut stretches = Vec::new();
    let mut parted = false;
    for word in words(folded) {
        if !word.chars().any(char::is_alphanumeric) {
            parted = true;
            continue;
        }
        match (word.starts_with(is_spaceless), stretches.last_mut()) {
            (false, _) => stretches.push(Stretch::Word(word)),
            (true, Some(Stretch::Run(run))) => match run.last_mut().filter(|_| !parted) {
                Some(part) => part.push(word),
                None => run.push(vec![word]),
            },
            (true, _) => stretches.push(Stretch::Run(vec![vec![word]])),
        }
        parted = false;
    }
    stretches
}
