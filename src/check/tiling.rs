//! `tiling`: an output's pieces, one after the other, rebuild its text; or, where they may overlap, cover it in their order.
//!
//! The evidence is a difference of words in linear time: what both sides begin and end with is left out, and of the rest the
//! words that one side has more often than the other are named.

use super::cover::{Uncovered, cover};
use super::fields::{Fields, instead};
use super::found::{Found, quote, short};
use super::source::{Source, describe, text};
use super::text::{Fold, words};
use super::{Check, Definition, Scope, Subject};
use crate::diag::Result;
use crate::json::{Pointer, Value};
use std::collections::HashMap;
use std::fmt::Write;

pub(super) const DEFINITION: Definition = Definition {
    name: "tiling",
    version: 1,
    scope: Scope::Item,
    fields: &["text", "pieces", "piece_text", "kind", "kinds", "fold", "mode"],
    finds: &["tiling"],
    compile: |fields| Tiling::compile(fields).map(Check::Tiling),
};

#[derive(Debug)]
pub(super) struct Tiling {
    text: Source,
    pieces: Pointer,
    piece_text: Pointer,
    kinds: Option<Kinds>,
    fold: Fold,
    mode: Mode,
}

/// What pieces have to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Joined, they are the text.
    Concatenation,
    /// Overlapping or not, they stand in the text in their order and leave no word out.
    Coverage,
}

/// A piece that counts: its number and its text.
type Piece<'v> = (usize, &'v str);

/// Which pieces count.
#[derive(Debug)]
struct Kinds {
    at: Pointer,
    names: Vec<String>,
}

impl Tiling {
    fn compile(fields: &Fields<'_>) -> Result<Self> {
        let mode = match fields.has("mode").then(|| fields.string("mode")).transpose()? {
            None | Some("concatenation") => Mode::Concatenation,
            Some("coverage") => Mode::Coverage,
            Some(mode) => {
                let problem = fields.wrong(format!("has no mode `{mode}`"));
                return Err(problem.hint(instead(mode, &["concatenation", "coverage"])));
            }
        };
        let kinds = if fields.has("kind") || fields.has("kinds") {
            Some(Kinds { at: fields.one_place("kind")?, names: fields.strings("kinds")? })
        } else {
            None
        };
        Ok(Self {
            text: fields.text("text")?,
            pieces: fields.one_place("pieces")?,
            piece_text: fields.one_place("piece_text")?,
            kinds,
            fold: fields.fold()?,
            mode,
        })
    }

    pub(super) fn judge(&self, subject: &Subject<'_>, found: &mut Found<'_>) {
        let whole = match self.text.text(subject) {
            Ok(whole) => whole,
            Err(why) => return found.add("tiling", &why),
        };
        let pieces = match self.counted(subject.output) {
            Ok(pieces) => pieces,
            Err(why) => return found.add("tiling", &why),
        };
        match self.mode {
            Mode::Concatenation => self.judge_joined(whole, &pieces, found),
            Mode::Coverage => self.judge_cover(whole, &pieces, found),
        }
    }

    fn judge_joined(&self, whole: &str, pieces: &[Piece<'_>], found: &mut Found<'_>) {
        let joined = pieces.iter().map(|(_, text)| *text).collect::<Vec<_>>().join(" ");
        let (wanted, got) = (self.fold.form(whole), self.fold.form(&joined));
        if wanted != got {
            let message = format!(
                "{}, joined by spaces, do not rebuild the text at {}: {}; the text is {}, the pieces give {}",
                self.named(),
                self.text,
                difference(&words(&wanted), &words(&got)),
                quote(whole),
                quote(&joined)
            );
            found.suggest(
                "tiling",
                &message,
                &format!("cut the text anew, so that its pieces in order give exactly {}", quote(whole)),
            );
        }
    }

    fn judge_cover(&self, whole: &str, pieces: &[Piece<'_>], found: &mut Found<'_>) {
        let folded = self.fold.apply(whole);
        let wanted = words(&folded);
        let texts: Vec<String> = pieces.iter().map(|(_, text)| self.fold.apply(text)).collect();
        let parts: Vec<Vec<&str>> = texts.iter().map(|text| words(text)).collect();
        let Err(why) = cover(&wanted, &parts) else { return };
        let piece = |number: usize| {
            let (at, text) = pieces[number];
            format!("the piece {} at `{}/{at}{}`", quote(text), self.pieces, self.piece_text)
        };
        let why = match why {
            Uncovered::Absent(number) => format!("{} does not stand in it", piece(number)),
            Uncovered::Backwards(number) => {
                format!("{} stands in it only before where the piece ahead of it begins", piece(number))
            }
            Uncovered::Gap(gap, next) => {
                let left_out = listed(&[wanted[gap].to_vec()]);
                match next {
                    // A piece that comes later in the list may have them: it begins too early for its place.
                    Some(number) => {
                        format!("none ahead of {} covers {left_out}, which stands before it", piece(number))
                    }
                    None => format!("no piece has {left_out} at its end"),
                }
            }
            Uncovered::TooMuch => {
                format!("there are {} pieces for {} words, too many to compare", pieces.len(), wanted.len())
            }
        };
        let message = format!(
            "{} do not cover the text at {} in order: {why}; the text is {}",
            self.named(),
            self.text,
            quote(whole)
        );
        found.suggest(
            "tiling",
            &message,
            &format!(
                "cut the text anew: every word of {} in a piece, pieces in the order in which they begin",
                quote(whole)
            ),
        );
    }

    /// The pieces, as a message names them.
    fn named(&self) -> String {
        let kinds = self.kinds.as_ref();
        let kinds = kinds
            .map_or_else(String::new, |kinds| format!(" of kind {}", short(kinds.names.join(" or "), 40)));
        format!("the pieces at `{}`{kinds}", self.pieces)
    }

    /// The pieces that count; otherwise what is wrong, in words.
    fn counted<'v>(&self, output: &'v Value) -> std::result::Result<Vec<Piece<'v>>, String> {
        let list = match self.pieces.get(output) {
            Some(Value::Array(list)) => list,
            Some(other) => {
                return Err(format!("at `{}` stands {} and not a list", self.pieces, describe(other)));
            }
            None => return Err(format!("nothing stands at `{}`, where a list is wanted", self.pieces)),
        };
        let mut counted = Vec::with_capacity(list.len());
        for (at, piece) in list.iter().enumerate() {
            let place = |inside: &Pointer| format!("`{}/{at}{inside}`", self.pieces);
            if let Some(kinds) = &self.kinds {
                let kind = text(place(&kinds.at), kinds.at.get(piece))?;
                if !kinds.names.iter().any(|name| name == kind) {
                    continue;
                }
            }
            counted.push((at, text(place(&self.piece_text), self.piece_text.get(piece))?));
        }
        Ok(counted)
    }
}

/// What is missing and what is extra, in words.
fn difference(wanted: &[&str], got: &[&str]) -> String {
    let same = wanted.iter().zip(got).take_while(|(a, b)| a == b).count();
    let (wanted, got) = (&wanted[same..], &got[same..]);
    let tail = wanted.iter().rev().zip(got.iter().rev()).take_while(|(a, b)| a == b).count();
    let (wanted, got) = (&wanted[..wanted.len() - tail], &got[..got.len() - tail]);
    let missing = runs(wanted, got);
    let extra = runs(got, wanted);
    match (missing.is_empty(), extra.is_empty()) {
        (false, false) => format!("missing {}; extra {}", listed(&missing), listed(&extra)),
        (false, true) => format!("missing {}", listed(&missing)),
        (true, false) => format!("extra {}", listed(&extra)),
        (true, true) if wanted.is_empty() => "only the spacing differs".to_owned(),
        (true, true) => format!(
            "the words are the same in another order, from {} on, where the pieces have {}",
            listed(&[wanted.to_vec()]),
            listed(&[got.to_vec()])
        ),
    }
}

/// The words that `these` has more often than `those`, in order, neighbours together.
fn runs<'t>(these: &[&'t str], those: &[&str]) -> Vec<Vec<&'t str>> {
    let mut left: HashMap<&str, usize> = HashMap::new();
    for word in those {
        *left.entry(word).or_default() += 1;
    }
    let mut runs: Vec<Vec<&str>> = Vec::new();
    let mut goes_on = false;
    for word in these {
        match left.get_mut(word).filter(|count| **count > 0) {
            Some(count) => {
                *count -= 1;
                goes_on = false;
            }
            None => {
                if !goes_on {
                    runs.push(Vec::new());
                }
                if let Some(run) = runs.last_mut() {
                    run.push(word);
                }
                goes_on = true;
            }
        }
    }
    runs
}

fn listed(runs: &[Vec<&str>]) -> String {
    const MOST: usize = 3;
    let mut out = String::new();
    for (at, run) in runs.iter().take(MOST).enumerate() {
        let separator = if at > 0 { ", " } else { "" };
        // Only so many words are joined as can be shown, however long the run is.
        let text = Fold::SPACE.form(&run.iter().take(40).copied().collect::<Vec<_>>().join(" "));
        let _infallible = write!(out, "{separator}`{}`", short(text, 40));
    }
    if runs.len() > MOST {
        let _infallible = write!(out, " and {} more", runs.len() - MOST);
    }
    out
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::needless_pass_by_value,
        reason = "a test reads best with its `json!` values in the call"
    )]

    use super::super::Finding;
    use super::super::tests::judge;
    use super::*;
    use serde_json::json;

    fn tile(text: &str, pieces: &[&str]) -> Vec<Finding> {
        tile_as(json!(["space", "case", "punctuation"]), text, pieces)
    }

    fn tile_as(fold: Value, text: &str, pieces: &[&str]) -> Vec<Finding> {
        let legos: Vec<Value> =
            pieces.iter().enumerate().map(|(at, piece)| json!([format!("L{at}"), "B", piece, "k"])).collect();
        check(fold, text, &json!(legos))
    }

    fn check(fold: Value, text: &str, legos: &Value) -> Vec<Finding> {
        let check = json!({"use": "tiling", "text": "/1/0", "pieces": "/2", "piece_text": "/2",
            "kind": "/1", "kinds": ["B", "C"], "fold": fold, "mode": "concatenation"});
        judge(check, &Value::Null, &json!(["S0001", [text, "known"], legos]))
    }

    #[test]
    fn pieces_that_rebuild_the_text_pass() {
        for (text, pieces) in [
            (
                "Quiero hablar español contigo ahora.",
                &["quiero", "hablar", "español", "contigo", "ahora"][..],
            ),
            ("Quiero hablar español contigo ahora.", &["quiero hablar", "español contigo ahora."]),
            ("¿Qué quieres decir?", &["qué", "quieres decir"]),
            ("¿Que\u{301} quieres?", &["qué", "quieres"]),
            ("L'homme ne l’a pas vu.", &["l'", "homme", "ne", "l'", "a", "pas vu"]),
            ("Allez-vous là-bas ?", &["allez", "-vous", "là-bas"]),
            ("Un po' d'acqua, perché no?", &["un po'", "d'", "acqua", "perché", "no"]),
            ("Aujourd'hui\r\nje parle", &["aujourd'hui", "je  parle"]),
            ("我想说中文。", &["我", "想说", "中文"]),
            ("你好，世界！", &["你好", "世界"]),
            ("我说 English 吗？", &["我", "说", "English", "吗"]),
            ("ฉันอยากพูด", &["ฉัน", "อยาก", "พูด"]),
            ("日本語を話したい", &["日本語", "を", "話し", "たい"]),
            ("한국어를 말하고 싶어요", &["한국어를", "말하고 싶어요"]),
            ("Я хочу говорить", &["я", "хочу говорить"]),
            ("", &[]),
            ("…", &[]),
            ("no no no", &["no", "no", "no"]),
        ] {
            let findings = tile(text, pieces);
            assert!(findings.is_empty(), "{findings:#?}");
        }
        let long = "palabra española ".repeat(20_000);
        assert!(tile(&long, &[&long[..long.len() / 2], &long[long.len() / 2..]]).is_empty());
    }

    #[test]
    fn pieces_that_do_not_are_refused_with_the_difference() {
        for (text, pieces, difference) in [
            ("Quiero hablar ahora.", &["quiero", "hablar"][..], ": missing `ahora`;"),
            ("Quiero hablar", &["quiero", "hablar", "ahora"], ": extra `ahora`;"),
            ("Quiero hablar ahora", &["quiero", "decir", "ahora"], ": missing `hablar`; extra `decir`;"),
            ("quiero hablar", &["hablar", "quiero"], "in another order, from `quiero hablar` on"),
            ("por favor", &["porfavor"], ": missing `por favor`; extra `porfavor`;"),
            ("hola", &["ho", "la"], ": missing `hola`; extra `ho la`;"),
            ("dámelo", &["da", "me", "lo"], ": missing `dámelo`; extra `da me lo`;"),
            ("que digo que sí", &["que", "digo", "sí"], ": missing `que`;"),
            (
                "estoy intentando aprender",
                &["estoy intentando", "intentando aprender"],
                ": extra `intentando`;",
            ),
            ("l'homme", &["homme"], ": missing `l`;"),
            ("esta", &["está"], ": missing `esta`; extra `está`;"),
            ("我想说中文", &["我", "想", "中文"], ": missing `说`;"),
            ("我想说中文。", &["我想", "学说", "中文"], ": extra `学`;"),
            ("한국어를", &["한국", "어를"], ": missing `한국어를`;"),
            ("hola", &[], ": missing `hola`;"),
            ("", &["hola"], ": extra `hola`;"),
            ("a x b y c z d w e", &["a b c d e"], ": missing `x`, `y`, `z` and 1 more;"),
        ] {
            let findings = tile(text, pieces);
            assert_eq!(findings.len(), 1, "{text} {pieces:?}");
            assert_eq!((findings[0].kind.as_str(), findings[0].item.as_str()), ("tiling", "S0001"));
            assert!(findings[0].message.contains(difference), "{}", findings[0].message);
        }
        let long = "palabra española ".repeat(20_000);
        let findings = tile(&long, &[&long[..long.len() / 2]]);
        assert!(findings[0].message.len() < 800, "{}", findings[0].message);
    }

    #[test]
    fn a_finding_says_where_and_what_would_be_right() {
        let findings = tile("Quiero hablar ahora.", &["quiero", "decir"]);
        assert_eq!(
            findings[0].message,
            "the pieces at `/2` of kind B or C, joined by spaces, do not rebuild the text at `/1/0`: \
             missing `hablar ahora`; extra `decir`; the text is `Quiero hablar ahora.`, the pieces give `quiero decir`"
        );
        assert_eq!(
            findings[0].suggestion.as_deref(),
            Some("cut the text anew, so that its pieces in order give exactly `Quiero hablar ahora.`")
        );
    }

    fn covers(text: &str, pieces: &[&str]) -> Vec<Finding> {
        let legos: Vec<Value> = pieces.iter().map(|piece| json!({"lego": {"target": piece}})).collect();
        let check = json!({"use": "tiling", "text": "/seed_pair/target", "pieces": "/legos", "piece_text": "/lego/target",
            "fold": ["space", "case", "punctuation"], "mode": "coverage"});
        judge(check, &Value::Null, &json!({"seed_pair": {"target": text}, "legos": legos}))
    }

    #[test]
    fn overlapping_pieces_may_cover_a_text() {
        for (text, pieces) in [
            ("Estoy intentando aprender.", &["estoy intentando", "intentando aprender"][..]),
            ("Estoy intentando aprender.", &["estoy", "intentando", "aprender"]),
            ("¿Qué quieres decir?", &["qué", "quieres", "quieres decir"]),
            ("que digo que sí", &["que", "digo que", "que sí"]),
            ("我想说中文。", &["我想", "想说", "中文"]),
            ("ฉันอยากพูด", &["ฉันอยาก", "อยากพูด"]),
            ("L'homme", &["l'", "l’homme"]),
            ("…", &[]),
        ] {
            assert_eq!(covers(text, pieces), [], "{text}");
        }
    }

    #[test]
    fn what_they_leave_out_is_named() {
        for (text, pieces, words) in [
            (
                "Estoy intentando aprender.",
                &["estoy", "aprender"][..],
                "none ahead of the piece `aprender` at `/legos/1/lego/target` covers `intentando`, which stands before it;",
            ),
            ("Estoy intentando aprender.", &["estoy intentando"], "no piece has `aprender` at its end;"),
            ("Estoy intentando aprender.", &["intentando aprender"], "covers `estoy`, which"),
            (
                "quiero hablar",
                &["quiero", "decir", "hablar"],
                "the piece `decir` at `/legos/1/lego/target` does not stand in it;",
            ),
            (
                "quiero hablar",
                &["quiero hablar", "hablar", "quiero"],
                "the piece `quiero` at `/legos/2/lego/target` stands in it only before",
            ),
            ("por favor", &["porfavor"], "the piece `porfavor` at"),
            ("esta", &["está"], "the piece `está` at"),
            ("我想说中文。", &["我想", "中文"], "covers `说`, which"),
            ("hola", &[], "no piece has `hola` at its end;"),
        ] {
            let findings = covers(text, pieces);
            assert_eq!(findings.len(), 1, "{text}");
            assert!(findings[0].message.contains(words), "{}", findings[0].message);
            assert!(findings[0].message.starts_with(
                "the pieces at `/legos` do not cover the text at `/seed_pair/target` in order: "
            ));
        }
        let long = "palabra ".repeat(9_000);
        let pieces: Vec<&str> = long.split_whitespace().collect();
        let findings = covers(&long, &pieces);
        assert!(
            findings[0].message.contains("9000 pieces for 9000 words") && findings[0].message.len() < 800
        );
    }

    #[test]
    fn what_the_rule_does_not_fold_counts() {
        assert!(tile_as(json!(["space"]), "Sí,  claro", &["Sí,", "claro"]).is_empty());
        let says = |text, pieces: &[&str]| tile_as(json!(["space"]), text, pieces)[0].message.clone();
        assert!(says("Sí, claro", &["sí,", "claro"]).contains("missing `Sí`; extra `sí`"));
        assert!(says("Sí, claro", &["Sí", "claro"]).contains("missing `,`"));
        assert!(says("Sí, claro", &["Sí", ",", "claro"]).contains("only the spacing differs"));
        assert!(!tile_as(json!(["case"]), "sí  claro", &["sí", "claro"]).is_empty());
    }

    #[test]
    fn only_pieces_of_the_kinds_count_and_all_must_be_readable() {
        let all = || json!(["space", "case", "punctuation"]);
        let legos = json!([["a", "B", "quiero"], ["b", "F", "no cuenta"], ["c", "C", "hablar"]]);
        assert!(check(all(), "quiero hablar", &legos).is_empty());
        let says = |legos: Value| check(all(), "quiero", &legos)[0].message.clone();
        assert_eq!(says(json!([["a", "B", 7]])), "at `/2/0/2` stands `7` and not a text");
        assert_eq!(
            says(json!([["a", "B", "quiero"], ["b"]])),
            "nothing stands at `/2/1/1`, where a text is wanted"
        );
        assert_eq!(says(json!({})), "at `/2` stands an object with 0 fields (`{}`) and not a list");
        assert_eq!(
            judge(
                json!({"use": "tiling", "text": "input:/t", "pieces": "", "piece_text": ""}),
                &json!({"t": "uno dos"}),
                &json!(["uno", "dos"])
            ),
            []
        );
    }

    #[test]
    fn every_cut_between_words_passes_and_every_loss_is_found() {
        let mut seed = 7u64;
        let mut random = |below: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(seed >> 33).unwrap() % below
        };
        let vocabulary =
            ["qué", "l'homme", "peut-être", "no", "No", "él,", "¿sí?", "a", "我", "想", "OK", "ção"];
        for _ in 0..400 {
            let count = 1 + random(12);
            let text: Vec<&str> = (0..count).map(|_| vocabulary[random(vocabulary.len())]).collect();
            let mut pieces: Vec<String> = vec![text[0].to_owned()];
            for word in &text[1..] {
                if random(2) == 0 {
                    pieces.push((*word).to_owned());
                } else if let Some(last) = pieces.last_mut() {
                    last.push(' ');
                    last.push_str(word);
                }
            }
            let borrowed: Vec<&str> = pieces.iter().map(String::as_str).collect();
            let whole = text.join(" ");
            for fold in [json!(["space"]), json!(["space", "case", "punctuation"])] {
                assert_eq!(tile_as(fold.clone(), &whole, &borrowed), []);
                let mut fewer = borrowed.clone();
                fewer.remove(random(fewer.len()));
                assert_eq!(tile_as(fold.clone(), &whole, &fewer).len(), 1);
                let mut more = borrowed.clone();
                more.insert(random(more.len() + 1), "zzz");
                assert!(tile_as(fold, &whole, &more)[0].message.contains("extra `zzz`"));
            }
        }
    }
}
