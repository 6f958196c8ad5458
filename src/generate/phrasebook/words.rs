//! Texts as words: what is left when case and punctuation do not count.
//!
//! For scripts that put spaces between words; knows no language.

use std::collections::HashSet;
use unicode_normalization::UnicodeNormalization;

/// One word of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    /// As written, without the punctuation around it.
    pub(super) text: String,
    /// The punctuation that follows it: `,` or `?`.
    pub(super) after: String,
    /// In lower case, for comparison.
    pub(super) folded: String,
}

/// The words of a text, in NFC. What consists of punctuation only is dropped.
pub(super) fn words(text: &str) -> Vec<Word> {
    let text: String = text.nfc().collect();
    text.split_whitespace()
        .filter_map(|token| {
            let start = token.find(char::is_alphanumeric)?;
            let rest = &token[start..];
            let bare = rest.trim_end_matches(|c: char| !c.is_alphanumeric());
            Some(Word {
                text: bare.to_owned(),
                after: rest[bare.len()..].to_owned(),
                folded: bare.to_lowercase().nfc().collect(),
            })
        })
        .collect()
}

/// The folded words with one space between them.
pub(super) fn folded(words: &[Word]) -> String {
    words.iter().map(|word| word.folded.as_str()).collect::<Vec<_>>().join(" ")
}

/// A text's folded words with one space between them: equal texts are equal up to case, punctuation and white space.
pub(super) fn fold(text: &str) -> String {
    folded(&words(text))
}

/// True when the words of `part` stand in `whole` side by side. Both are folded; nothing contains the empty text.
pub(super) fn contains(whole: &str, part: &str) -> bool {
    !part.is_empty() && format!(" {whole} ").contains(&format!(" {part} "))
}

/// The least number of `pieces` that, put side by side, make the folded `text`; `None` if they cannot.
pub(super) fn cover(text: &str, pieces: &HashSet<String>) -> Option<usize> {
    let ends: Vec<usize> = text.match_indices(' ').map(|(at, _)| at).chain([text.len()]).collect();
    let mut fewest: Vec<Option<usize>> = Vec::with_capacity(ends.len());
    for (last, &end) in ends.iter().enumerate() {
        let best = (0..=last)
            .filter_map(|first| {
                let (start, before) =
                    if first == 0 { (0, Some(0)) } else { (ends[first - 1] + 1, fewest[first - 1]) };
                pieces.contains(&text[start..end]).then_some(before?).map(|count| count + 1)
            })
            .min();
        fewest.push(best);
    }
    fewest.pop().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_punctuation_and_spaces_fold_away() {
        assert_eq!(fold(" ¿Quieres   hablar, tú — conmigo?"), "quieres hablar tú conmigo");
        assert_eq!(fold("cafe\u{301} don't"), "café don't");
        assert_eq!(fold("— !"), "");
        assert_eq!(words("Hola, ¿qué?")[0].after, ",");
    }

    #[test]
    fn words_are_contained_whole() {
        assert!(contains("no quiero hablar", "quiero hablar"));
        assert!(!contains("no quieros hablar", "quiero"));
        assert!(!contains("a", ""));
    }

    #[test]
    fn the_least_number_of_pieces_is_found() {
        let pieces: HashSet<String> = ["ir", "ir al mercado", "quiero", "al"].map(str::to_owned).into();
        assert_eq!(cover("quiero ir al mercado", &pieces), Some(2));
        assert_eq!(cover("quiero ir al", &pieces), Some(3));
        assert_eq!(cover("quiero ir mercado", &pieces), None);
        assert_eq!(cover("", &pieces), None);
    }
}
