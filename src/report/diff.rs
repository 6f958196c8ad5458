//! Changes of items in words: by field, and by word where a text became another.

use super::look::Look;
use super::words::{flat, moment};
use crate::json::{Change, Value, Words, are_spaced, words};
use crate::run::{Diff, DiffSide, Kept};
use crate::store::Provenance;

/// The text of changes.
pub fn diff_text(diffs: &[Diff], look: Look) -> String {
    if diffs.is_empty() {
        return "nothing to compare: none of these items has a trial or more than one generation\n".into();
    }
    let same = diffs.iter().filter(|diff| diff.changes.is_empty()).count();
    let mut out: String =
        diffs.iter().filter(|diff| !diff.changes.is_empty()).map(|diff| one(diff, look)).collect();
    if same > 0 {
        let items = super::words::count(same, "item");
        out += &format!("{items} the same in both\n");
    }
    out
}

fn one(diff: &Diff, look: Look) -> String {
    let from = diff.from.as_ref().map_or_else(|| "nothing".to_owned(), name);
    let mut out = format!("{}: {from} -> {}\n", look.bold(&flat(&diff.target)), name(&diff.to));
    for change in &diff.changes {
        out += &line(change, look);
    }
    out
}

/// `generation 2, edited by hand 2026-03-01 12:00:00Z`.
fn name(generation: &DiffSide) -> String {
    let origin = match generation.provenance {
        Provenance::Generated => "generated",
        Provenance::Adopted => "adopted",
        Provenance::Edited => "edited by hand",
        Provenance::Accepted => "accepted",
        Provenance::Trial => "on trial",
    };
    let number = generation.number.map_or_else(String::new, |number| format!("generation {number}, "));
    let at = if generation.at_ms > 0 { format!(" {}", moment(generation.at_ms)) } else { String::new() };
    let present = if generation.present { " (present)" } else { "" };
    format!("{number}{origin}{at}{present}")
}

/// One place that differs.
pub(super) fn line(change: &Change, look: Look) -> String {
    let path = if change.path.is_empty() { "(whole)" } else { &change.path };
    let path = look.dim(&flat(path));
    match (&change.old, &change.new) {
        (Some(Value::String(old)), Some(Value::String(new))) => {
            format!("  {path}: {}\n", by_word(old, new, look))
        }
        (Some(old), Some(new)) => format!(
            "  {path}: {} {}\n",
            look.bad(&format!("[-{}-]", plain(old))),
            look.good(&format!("{{+{}+}}", plain(new)))
        ),
        (Some(old), None) => format!("  {path}: {}\n", look.bad(&format!("[-{}-]", plain(old)))),
        (None, Some(new)) => format!("  {path}: {}\n", look.good(&format!("{{+{}+}}", plain(new)))),
        (None, None) => String::new(),
    }
}

fn plain(value: &Value) -> String {
    flat(&value.to_string())
}

/// `I want to [-speak-] {+talk+} now`.
fn by_word(old: &str, new: &str, look: Look) -> String {
    let gap = if are_spaced(old, new) { " " } else { "" };
    let run = |run: Words<'_>| match run {
        Words::Same(words) => flat(&words.join(gap)),
        Words::Gone(words) => look.bad(&format!("[-{}-]", flat(&words.join(gap)))),
        Words::New(words) => look.good(&format!("{{+{}+}}", flat(&words.join(gap)))),
    };
    words(old, new).into_iter().map(run).collect::<Vec<_>>().join(gap)
}

/// What became of trials that were to be kept.
pub fn kept_text(kept: &Kept, look: Look) -> String {
    let mut out = String::new();
    for target in &kept.kept {
        out += &format!("{} {}\n", look.good("kept"), flat(target));
    }
    for refused in &kept.refused {
        out += &format!("{} {}: {}\n", look.bad("not kept:"), flat(&refused.target), flat(&refused.why));
    }
    out + match (kept.kept.is_empty(), kept.refused.is_empty()) {
        (true, true) => "there is no trial of these items: `coursebuild build TARGET --trial` buys one\n",
        (true, false) => "",
        _ => "`coursebuild` writes them into the main files; `coursebuild plan` tells what depends on them\n",
    }
}

/// What became of trials that were to be forgotten.
pub fn dropped_text(targets: &[String]) -> String {
    let mut out: String = targets.iter().map(|target| format!("forgotten {}\n", flat(target))).collect();
    if targets.is_empty() {
        out += "there is no trial of these items\n";
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;

    #[test]
    fn a_change_is_told_by_field_and_word() {
        let generation = |number, provenance| DiffSide {
            number,
            present: number == Some(1),
            provenance,
            at_ms: 0,
            digest: Digest::default(),
        };
        let diff = Diff {
            target: "c/p/S0001".into(),
            from: Some(generation(Some(1), Provenance::Generated)),
            to: generation(None, Provenance::Trial),
            changes: crate::json::changes(
                &serde_json::json!(["quiero hablar ahora", "I want to speak now", 1]),
                &serde_json::json!(["quiero conversar ahora", "I want to speak now", {"x": "\u{1b}"}]),
            ),
        };
        let same = Diff { changes: Vec::new(), ..diff.clone() };
        assert_eq!(
            diff_text(&[diff, same], Look::default()),
            "c/p/S0001: generation 1, generated (present) -> on trial\n  \
             /0: quiero [-hablar-] {+conversar+} ahora\n  \
             /2: [-1-] {+{\"x\":\"\\u001b\"}+}\n\
             1 item the same in both\n"
        );
        assert!(diff_text(&[], Look::default()).starts_with("nothing to compare"));
    }
}
