//! `determinism`: a learner who hears a known text has one target text to say, over the whole course.

use super::Subject;
use super::fields::Fields;
use super::found::{Found, quote};
use super::pieces::Pieces;
use super::set::{Check, Definition, Scope};
use super::text::Fold;
use crate::diag::Result;
use crate::json::Pointer;
use std::collections::HashMap;

pub(super) const DEFINITION: Definition = Definition {
    name: "determinism",
    version: 1,
    scope: Scope::Course,
    fields: &["pieces", "piece_id", "kind", "kinds", "known", "target", "fold"],
    finds: &["determinism"],
    compile: |fields| Determinism::compile(fields).map(Check::Determinism),
};

/// Folded known text → the piece that came first with it.
pub(super) type Said = HashMap<Box<str>, First>;

/// The piece that decides what a known text is in the target language.
#[derive(Debug, Clone)]
pub(super) struct First {
    id: Box<str>,
    target: Box<str>,
    folded: Box<str>,
}

#[derive(Debug)]
pub(super) struct Determinism {
    pieces: Pieces,
    known: Pointer,
    target: Pointer,
    fold: Fold,
}

/// A piece in both languages, with its folded texts.
struct Pair<'v> {
    id: String,
    known: &'v str,
    target: &'v str,
    heard: String,
    said: String,
}

impl Determinism {
    fn compile(fields: &Fields<'_>) -> Result<Self> {
        Ok(Self {
            pieces: Pieces::compile(fields)?,
            known: fields.one_place("known")?,
            target: fields.one_place("target")?,
            fold: fields.fold()?,
        })
    }

    pub(super) fn in_order(&self, said: &Said, subject: &Subject<'_>, found: &mut Found<'_>) {
        let mut here = Said::new();
        let pairs = match self.pairs(subject) {
            Ok(pairs) => pairs,
            Err(why) => return found.add("determinism", &why),
        };
        for pair in pairs {
            match said.get(pair.heard.as_str()).or_else(|| here.get(pair.heard.as_str())) {
                Some(first) if *first.folded != *pair.said => {
                    let (known, target) = (quote(pair.known), quote(pair.target));
                    let (id, first_id, wanted) = (quote(&pair.id), quote(&first.id), quote(&first.target));
                    found.suggest(
                        "determinism",
                        &format!("{id} gives {known} as {target}, but {first_id} before it gives it as {wanted}"),
                        &format!(
                            "use {wanted} for {known}, or cut a longer piece, so that its known text is another one"
                        ),
                    );
                }
                Some(_) => {}
                None => {
                    here.insert(pair.heard.as_str().into(), pair.first());
                }
            }
        }
    }

    pub(super) fn admit(&self, said: &mut Said, subject: &Subject<'_>) {
        for pair in self.pairs(subject).unwrap_or_default() {
            if !said.contains_key(pair.heard.as_str()) {
                said.insert(pair.heard.as_str().into(), pair.first());
            }
        }
    }

    fn pairs<'v>(&self, subject: &Subject<'v>) -> std::result::Result<Vec<Pair<'v>>, String> {
        let pair = |piece: super::pieces::Piece<'v>| {
            let (known, target) = (piece.text(&self.known)?, piece.text(&self.target)?);
            let (heard, said) = (self.fold.form(known), self.fold.form(target));
            Ok(Pair { id: piece.id, known, target, heard, said })
        };
        self.pieces.of(subject)?.into_iter().map(pair).collect()
    }
}

impl Pair<'_> {
    fn first(&self) -> First {
        First { id: self.id.as_str().into(), target: self.target.into(), folded: self.said.as_str().into() }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Finding;
    use super::super::tests::in_order;
    use serde_json::{Value, json};

    /// The findings of each seed, a seed being its LEGOs as (target, known).
    fn findings(seeds: &Value) -> Vec<Vec<Finding>> {
        let check = json!({"use": "determinism", "pieces": "/2", "piece_id": "/0", "kind": "/1", "kinds": ["B", "C"],
            "known": "/3", "target": "/2", "fold": ["space", "case", "punctuation"]});
        let seeds = seeds.as_array().unwrap();
        let ids: Vec<String> = (1..=seeds.len()).map(|n| format!("S{n:04}")).collect();
        let output = |id: &String, legos: &Value| -> Value {
            let legos = legos.as_array().unwrap().iter().zip(1..);
            let legos = legos.map(|(lego, n)| json!([format!("{id}L{n:02}"), "B", lego[0], lego[1]]));
            json!([id, [], legos.collect::<Vec<_>>()])
        };
        let outputs: Vec<(&str, Value)> =
            ids.iter().zip(seeds).map(|(id, legos)| (id.as_str(), output(id, legos))).collect();
        in_order(&[check], &outputs)
    }

    #[test]
    fn one_target_for_each_known_text_passes() {
        for seeds in [
            json!([]),
            json!([[["quiero", "I want"]], [["quiero", "I want"]]]),
            json!([[["quiero", "I want"]], [["Quiero", "I want"]]]),
            json!([[["quiero", "I want"]], [["quiero.", "I  Want"]]]),
            json!([[["por favor", "please"], ["por favor", "please"]]]),
            json!([[["rápido", "fast"]], [["rápido", "quick"]]]),
            json!([[["el libro", "the book"]], [["los libros", "the books"]]]),
            json!([[["café", "coffee"]], [["café", "coffee"]]]),
            json!([[["我想", "I want"]], [["我 想", "I want"]]]),
            json!([[["l'homme", "the man"]], [["l’homme", "the man"]]]),
            json!([[["hablar", "to speak"]], [["hablo", "I speak"]], [["hablar", "to speak"]]]),
            json!([[]]),
        ] {
            let findings = findings(&seeds).concat();
            assert!(findings.is_empty(), "{findings:#?}");
        }
    }

    #[test]
    fn a_second_target_is_blamed_on_the_later_item() {
        for (seeds, blamed) in [
            (json!([[["hablar", "to speak"]], [["decir", "to speak"]]]), vec!["S0002"]),
            (json!([[["hablar", "to speak"], ["decir", "to speak"]]]), vec!["S0001"]),
            (json!([[["hablar", "to speak"]], [["decir", "To speak."]]]), vec!["S0002"]),
            (json!([[["a", "x"]], [["b", "x"]], [["a", "x"]]]), vec!["S0002"]),
            (json!([[["a", "x"]], [["b", "x"]], [["b", "x"]]]), vec!["S0002", "S0003"]),
            (json!([[["a", "x"]], [["b", "x"], ["c", "x"]]]), vec!["S0002", "S0002"]),
            (json!([[["esta", "this"]], [["está", "this"]]]), vec!["S0002"]),
            (json!([[["por favor", "please"]], [["porfavor", "please"]]]), vec!["S0002"]),
            (json!([[["说", "speak"]], [["讲", "speak"]]]), vec!["S0002"]),
            (json!([[["antes de que", "before"]], [["antes de", "before"]]]), vec!["S0002"]),
        ] {
            let findings = findings(&seeds).concat();
            assert_eq!(findings.iter().map(|f| f.item.as_str()).collect::<Vec<_>>(), blamed, "{seeds:?}");
            assert!(findings.iter().all(|f| f.kind == "determinism" && f.is_error()));
        }
    }

    #[test]
    fn a_finding_names_the_earlier_piece() {
        let all = findings(&json!([[["hablar", "to speak"]], [["ya", "now"], ["decir", "to speak"]]]));
        assert_eq!(
            all[1][0].message,
            "`S0002L02` gives `to speak` as `decir`, but `S0001L01` before it gives it as `hablar`"
        );
        assert_eq!(
            all[1][0].suggestion.as_deref(),
            Some("use `hablar` for `to speak`, or cut a longer piece, so that its known text is another one")
        );
    }
}
