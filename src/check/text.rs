//! Text as the checks compare it: folded as the rule says, cut into words without an assumption about the script.
//!
//! Everything here takes time linear in the text.

use super::script::{Class, is_invisible, is_punctuation, is_spaceless};
use crate::json;
use unicode_normalization::UnicodeNormalization;

/// What does not count when two texts are compared. They are compared in NFC whatever it says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Fold {
    /// White space of any kind and length is one space, none at the ends; invisible marks are nothing.
    pub(super) space: bool,
    /// Upper case is lower case.
    pub(super) case: bool,
    /// Punctuation is nothing, but inside a word (`l'homme`, `peut-être`) it parts words as a space does.
    pub(super) punctuation: bool,
}

impl Fold {
    /// White space only.
    pub(super) const SPACE: Self = Self { space: true, case: false, punctuation: false };

    /// White space, case and punctuation: what nobody hears.
    pub(super) const ALL: Self = Self { space: true, case: true, punctuation: true };

    /// The folded text. Folding it again changes nothing.
    pub(super) fn apply(self, text: &str) -> String {
        let visible = text.chars().filter(|c| !(self.space && is_invisible(*c)));
        let mut folded: String = match (is_simple(text), self.case) {
            (true, false) => visible.collect(),
            (true, true) => visible.flat_map(char::to_lowercase).collect(),
            (false, false) => visible.nfc().collect(),
            (false, true) => visible.nfc().flat_map(char::to_lowercase).map(plain_sigma).nfc().collect(),
        };
        if self.punctuation && folded.contains(is_punctuation) {
            folded = without_punctuation(&folded);
        }
        if self.space && !is_collapsed(&folded) {
            folded = collapsed(&folded);
        }
        folded
    }

    /// The folded text without the white space beside characters of scripts that are written without it: pieces of Chinese
    /// joined by spaces have the same form as the sentence, pieces of Spanish joined without them have not.
    pub(super) fn form(self, text: &str) -> String {
        let folded = self.apply(text);
        let mut out = String::with_capacity(folded.len());
        let mut gap = None;
        for (at, c) in folded.char_indices() {
            if c.is_whitespace() {
                gap.get_or_insert(at);
                continue;
            }
            if let Some(start) = gap.take() {
                let beside = is_spaceless(c) || out.ends_with(is_spaceless);
                if !beside || Class::of(c) == Class::Mark {
                    out.push_str(&folded[start..at]);
                }
            }
            out.push(c);
        }
        if let Some(start) = gap.filter(|_| !out.ends_with(is_spaceless)) {
            out.push_str(&folded[start..]);
        }
        out
    }
}

/// True when normalization leaves the text as it is, and its lower case too: nothing before U+0300 combines, and of that only
/// the Turkish capital I becomes two characters. Most texts of most languages in Latin script are such.
fn is_simple(text: &str) -> bool {
    json::is_surely_normal(text) && !text.contains('\u{130}')
}

/// The two lower-case sigmas are one letter; which of them a capital becomes depends on where words end.
fn plain_sigma(c: char) -> char {
    if c == 'ς' { 'σ' } else { c }
}

fn without_punctuation(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut parted = false;
    for c in text.chars() {
        if is_punctuation(c) {
            parted = true;
            continue;
        }
        if parted && !c.is_whitespace() && out.ends_with(|last: char| !last.is_whitespace()) {
            out.push(' ');
        }
        parted = false;
        out.push(c);
    }
    out
}

fn is_collapsed(text: &str) -> bool {
    let mut after_space = true;
    for c in text.chars() {
        if c.is_whitespace() && (after_space || c != ' ') {
            return false;
        }
        after_space = c == ' ';
    }
    text.is_empty() || !after_space
}

fn collapsed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// The words of a text, in order: runs of letters, digits and their marks; in scripts without spaces each character; other
/// visible signs one by one.
pub(super) fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let (mut start, mut open) = (0, Class::Gap);
    for (at, c) in text.char_indices() {
        let class = Class::of(c);
        if matches!((open, class), (Class::Word, Class::Word) | (Class::Word | Class::Own, Class::Mark)) {
            continue;
        }
        if open != Class::Gap {
            words.push(&text[start..at]);
        }
        (start, open) = (at, if class == Class::Mark { Class::Word } else { class });
    }
    if open != Class::Gap {
        words.push(&text[start..]);
    }
    words
}

/// The words of a text that are spoken: those with a letter or digit.
pub(super) fn spoken(text: &str) -> Vec<&str> {
    let mut words = words(text);
    words.retain(|word| word.chars().any(char::is_alphanumeric));
    words
}

/// True when `part` stands in `words`, one after the other (Knuth, Morris and Pratt). Nothing stands in everything.
pub(super) fn contains(words: &[&str], part: &[&str]) -> bool {
    let Some(last) = part.len().checked_sub(1) else { return true };
    let mut falls = vec![0; part.len()];
    let step = |falls: &[usize], mut matched: usize, word: &str| {
        while matched > 0 && part[matched] != word {
            matched = falls[matched - 1];
        }
        matched + usize::from(part[matched] == word)
    };
    for at in 1..part.len() {
        falls[at] = step(&falls, falls[at - 1], part[at]);
    }
    let mut matched = 0;
    for word in words {
        matched = step(&falls, matched, word);
        if matched > last {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Fold = Fold { space: true, case: true, punctuation: true };

    #[test]
    fn texts_fold() {
        for (text, folded) in [
            ("¿Qué quieres, Ana?", "qué quieres ana"),
            ("Que\u{301}\r\n\tdice\u{a0}él…", "qué dice él"),
            ("L’homme  s'est tu", "l homme s est tu"),
            ("l' homme", "l homme"),
            ("Un po' d'acqua!", "un po d acqua"),
            ("Peut-être — oui", "peut être oui"),
            ("“Sí”, dijo.", "sí dijo"),
            ("ΟΔΟΣ. Οδος", "οδοσ οδοσ"),
            ("你好，世界。", "你好 世界"),
            ("\u{feff}a\u{ad}b\u{200b}c", "abc"),
            ("", ""),
            ("…!?", ""),
            (" \u{3000}\n", ""),
            ("5 € + 3", "5 € + 3"),
        ] {
            assert_eq!(ALL.apply(text), folded, "{text}");
        }
        assert_eq!(Fold::default().apply("  Cafe\u{301}, \n"), "  Café, \n");
        assert_eq!(Fold { punctuation: true, ..Fold::default() }.apply("¡Ah,  no!"), "Ah  no");
        assert_eq!(Fold::SPACE.apply(" ¡Ah,\r\n no! "), "¡Ah, no!");
        assert_eq!(Fold { case: true, ..Fold::default() }.apply("ÀÉ ÇA"), "àé ça");
    }

    #[test]
    fn simple_texts_fold_as_all_texts_do() {
        for c in (0..0x300).filter_map(char::from_u32) {
            let text = format!("A {c}  b,{c}{c}É");
            let lower: String = text.nfc().flat_map(char::to_lowercase).nfc().collect();
            assert_eq!(Fold { case: true, ..Fold::default() }.apply(&text), lower, "{c:?}");
            assert_eq!(Fold::default().apply(&text), text.nfc().collect::<String>(), "{c:?}");
            assert!(is_simple(&text) != (c == '\u{130}'), "{c:?}");
        }
        assert!(!is_simple("e\u{301}") && !is_simple("我"));
        for (text, is) in
            [("", true), ("a b", true), (" a", false), ("a ", false), ("a  b", false), ("a\u{a0}b", false)]
        {
            assert_eq!(is_collapsed(text), is, "{text:?}");
        }
    }

    #[test]
    fn folding_twice_is_folding_once() {
        let folds =
            (0..8).map(|bits| Fold { space: bits & 1 > 0, case: bits & 2 > 0, punctuation: bits & 4 > 0 });
        let interesting = ['\u{301}', '\u{307}', '\u{345}', '-', '’', ' ', '\u{200b}', 'Σ', '我'];
        for fold in folds {
            let stays = |text: &str| {
                let once = fold.apply(text);
                assert_eq!(fold.apply(&once), once, "{fold:?} {text:?}");
                assert_eq!(fold.form(&fold.form(text)), fold.form(text), "{fold:?} {text:?}");
            };
            for c in
                (0..0x2fa20).filter_map(char::from_u32).step_by(if cfg!(debug_assertions) { 37 } else { 1 })
            {
                stays(&format!("a{c}\u{301}b {c}\u{307}-{c}"));
            }
            for (a, b, c) in all_threes(&interesting) {
                stays(&format!("e{a}{b}{c}E"));
            }
        }
    }

    fn all_threes(of: &[char]) -> impl Iterator<Item = (char, char, char)> {
        let n = of.len();
        (0..n.pow(3)).map(move |at| (of[at % n], of[at / n % n], of[at / n / n]))
    }

    #[test]
    fn spaces_matter_where_the_script_has_them() {
        for (a, b, same) in [
            ("我 想 说", "我想说", true),
            ("你好， 世界。", "你好，世界。", true),
            ("我 说 English 吗", "我说English吗", true),
            ("日本 ご を はなす", "日本ごをはなす", true),
            ("ฉัน อยาก พูด", "ฉันอยากพูด", true),
            ("por favor", "porfavor", false),
            ("한국 어", "한국어", false),
            ("English class", "Englishclass", false),
            ("да вай", "давай", false),
        ] {
            assert_eq!(Fold::SPACE.form(a) == Fold::SPACE.form(b), same, "{a}");
        }
    }

    #[test]
    fn texts_have_words() {
        for (text, expected) in [
            ("quiero hablar", vec!["quiero", "hablar"]),
            ("l'homme", vec!["l", "'", "homme"]),
            ("q\u{323}ue\u{301} 3.5", vec!["q\u{323}ue\u{301}", "3", ".", "5"]),
            ("我想说OK 吗", vec!["我", "想", "说", "OK", "吗"]),
            ("ที่นี่", vec!["ที่", "นี่"]),
            ("हिन्दी में", vec!["हिन्दी", "में"]),
            ("한국어를 말해요", vec!["한국어를", "말해요"]),
            ("می‌خواهم", vec!["می‌خواهم"]),
            ("", vec![]),
            (" \u{301} ", vec!["\u{301}"]),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
    }

    #[test]
    fn word_sequences_are_found_also_where_tries_overlap() {
        let has = |text: &str, part: &str| contains(&words(text), &words(part));
        assert!(has("a b a b a c", "a b a c") && has("x", "") && has("", "") && has("a a a b", "a a b"));
        assert!(!has("a b a b a", "a b a c") && !has("", "a") && !has("b a", "a b") && !has("ab", "a"));
        let many = "a ".repeat(100_000);
        assert!(!has(&many, &format!("{}b", "a ".repeat(50_000))));
    }
}
