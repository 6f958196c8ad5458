//! Whether pieces that may overlap cover a text in their order.
//!
//! Pieces stand in the text at starts that never go back, so what is covered is always a beginning of the text, and a gap is
//! never filled later. A repeated word gives a piece several places; all of them are followed at once. Takes time in
//! proportion to words times pieces.

use std::ops::Range;

/// Why pieces do not cover a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Uncovered {
    /// The piece with this number does not stand in the text.
    Absent(usize),
    /// These words are covered by no piece; the number of the first piece after them, if there is one.
    Gap(Range<usize>, Option<usize>),
    /// The piece with this number stands in the text only before where the piece ahead of it begins.
    Backwards(usize),
    /// There is more to compare than makes sense.
    TooMuch,
}

/// So many words times pieces are compared; a sentence with its pieces is a few hundred.
const MOST: usize = 1 << 25;

/// Follows the pieces through the text. A piece without words is at home everywhere.
pub(super) fn cover(text: &[&str], pieces: &[Vec<&str>]) -> Result<(), Uncovered> {
    if text.len().saturating_mul(pieces.len()) > MOST {
        return Err(Uncovered::TooMuch);
    }
    // Where the last piece may begin, ascending, each with how far the text is covered then.
    let mut states: Vec<(usize, usize)> = vec![(0, 0)];
    for (number, piece) in pieces.iter().enumerate().filter(|(_, piece)| !piece.is_empty()) {
        let places = places(text, piece);
        let next = follow(&states, &places, piece.len());
        if next.is_empty() {
            let first = states.first().map_or(0, |(start, _)| *start);
            let covered = states.iter().map(|(_, end)| *end).max().unwrap_or_default();
            return Err(match places.iter().find(|place| **place >= first) {
                _ if places.is_empty() => Uncovered::Absent(number),
                Some(place) => Uncovered::Gap(covered..(*place).max(covered + 1), Some(number)),
                None => Uncovered::Backwards(number),
            });
        }
        states = next;
    }
    let covered = states.iter().map(|(_, end)| *end).max().unwrap_or_default();
    if covered < text.len() { Err(Uncovered::Gap(covered..text.len(), None)) } else { Ok(()) }
}

/// The states after a piece: at each of its places, the best that any earlier state allows.
fn follow(states: &[(usize, usize)], places: &[usize], length: usize) -> Vec<(usize, usize)> {
    let (mut next, mut best, mut states) = (Vec::new(), None, states.iter().peekable());
    for &place in places {
        while let Some((_, end)) = states.next_if(|(start, _)| *start <= place) {
            best = best.max(Some(*end));
        }
        if let Some(end) = best.filter(|end| *end >= place) {
            next.push((place, end.max(place + length)));
        }
    }
    next
}

/// Where a run of words stands in a text.
fn places(text: &[&str], piece: &[&str]) -> Vec<usize> {
    if piece.len() > text.len() {
        return Vec::new();
    }
    (0..=text.len() - piece.len()).filter(|at| text[*at..*at + piece.len()] == *piece).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covered(text: &str, pieces: &[&str]) -> Result<(), Uncovered> {
        let text: Vec<&str> = text.split_whitespace().collect();
        let pieces: Vec<Vec<&str>> = pieces.iter().map(|piece| piece.split_whitespace().collect()).collect();
        cover(&text, &pieces)
    }

    #[test]
    fn overlapping_pieces_cover() {
        for (text, pieces) in [
            ("a b c", &["a b", "b c"][..]),
            ("a b c", &["a", "a b", "a b c"]),
            ("a b c", &["a b c", "b", "c"]),
            ("a b a b c", &["a b", "a b c"]),
            ("a b a", &["a", "b a"]),
            ("a a a", &["a a", "a a"]),
            ("a a a", &["a", "a", "a"]),
            ("a a b", &["a", "a b"]),
            ("x a y a z", &["x a", "a y", "a z"]),
            ("a b", &["a", "", "b"]),
            ("", &[]),
            ("", &[""]),
        ] {
            assert_eq!(covered(text, pieces), Ok(()), "{text} {pieces:?}");
        }
    }

    #[test]
    fn gaps_strangers_and_steps_back_are_told_apart() {
        for (text, pieces, why) in [
            ("a b c", &["a", "c"][..], Uncovered::Gap(1..2, Some(1))),
            ("a b c", &["b c"], Uncovered::Gap(0..1, Some(0))),
            ("a b c", &["a b"], Uncovered::Gap(2..3, None)),
            ("a b c", &[], Uncovered::Gap(0..3, None)),
            ("a b c", &["a b", "x"], Uncovered::Absent(1)),
            ("a b c", &["a c"], Uncovered::Absent(0)),
            ("a b c", &["a b c d"], Uncovered::Absent(0)),
            ("a b c", &["a", "b c", "a"], Uncovered::Backwards(2)),
            ("a b a c", &["a b", "b a", "b", "c", "b"], Uncovered::Backwards(4)),
        ] {
            assert_eq!(covered(text, pieces), Err(why), "{text} {pieces:?}");
        }
    }

    /// Against trying every choice of places.
    #[test]
    fn it_finds_a_cover_exactly_when_there_is_one() {
        fn by_trying(text: &[&str], pieces: &[Vec<&str>], start: usize, end: usize) -> bool {
            let Some((piece, rest)) = pieces.split_first() else { return end >= text.len() };
            places(text, piece)
                .into_iter()
                .any(|at| at >= start && at <= end && by_trying(text, rest, at, end.max(at + piece.len())))
        }
        let mut seed = 11u64;
        let mut random = |below: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(seed >> 33).unwrap() % below
        };
        let mut covers = 0;
        for _ in 0..20_000 {
            let text: Vec<&str> = (0..1 + random(6)).map(|_| ["a", "b"][random(2)]).collect();
            let pieces: Vec<Vec<&str>> = (0..random(5))
                .map(|_| {
                    let at = random(text.len());
                    text[at..(at + 1 + random(3)).min(text.len())].to_vec()
                })
                .collect();
            let expected = by_trying(&text, &pieces, 0, 0);
            covers += usize::from(expected);
            assert_eq!(cover(&text, &pieces).is_ok(), expected, "{text:?} {pieces:?}");
        }
        assert!((1_000..19_000).contains(&covers), "{covers}");
    }

    #[test]
    fn what_is_far_too_long_is_not_compared() {
        let word = vec!["a"; 10_000];
        assert_eq!(cover(&word, &vec![vec!["a"]; 10_000]), Err(Uncovered::TooMuch));
        assert_eq!(cover(&word, &vec![vec!["a"; 10_000]; 30]), Ok(()));
    }
}
