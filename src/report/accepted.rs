//! What people decided, and what follows from it: accepted edits, waived findings, pins.

use super::json::pretty;
use super::look::Look;
use super::table::table;
use super::words::{count, count_between, flat, number};
use crate::course::{Edit, Pin, Waiver};
use crate::diag::Result;
use crate::plan::part_words;
use crate::run::{Effect, OutstandingEdit, OutstandingEdits};
use serde::Serialize;

/// What a decision does: `verb` is what was done, as in `accepted`.
pub fn effect_text(effect: &Effect, verb: &str, look: Look) -> String {
    let mut out = format!("{verb}, in {}:\n", flat(&effect.file));
    let most = look.most(20);
    for what in effect.what.iter().take(most) {
        out += &format!("  {}\n", flat(what));
    }
    if effect.what.len() > most {
        out += &format!("  and {} more (`-v` shows them)\n", number((effect.what.len() - most) as u64));
    }
    let now = format!(
        "a build makes {} for {}",
        count_between(effect.calls, "call"),
        count_between(effect.items, "item")
    );
    let before = match (effect.calls_before, effect.items_before) {
        (Some(calls), Some(_)) if calls == effect.calls => ", as before".to_owned(),
        (Some(calls), Some(items)) => {
            format!(" instead of {} for {}", count_between(calls, "call"), count_between(items, "item"))
        }
        _ => String::new(),
    };
    out + &look.bold(&format!("{now}{before}")) + "\n"
}

/// The edits that somebody may accept.
pub fn outstanding_text(told: &OutstandingEdits, look: Look) -> String {
    let mut out = String::new();
    if told.edits.is_empty() {
        out += "no edit is outstanding: what is to be bought is so for other reasons (`coursebuild plan` tells them)\n";
    } else {
        out += "changed since items were made from it:\n";
        let head = ["phase and part", "items", "alone"].map(str::to_owned).to_vec();
        let row = |edit: &OutstandingEdit| {
            let name = format!("{}/{} {}", flat(&edit.course), flat(&edit.phase), flat(&edit.part));
            vec![name, number(edit.items as u64), number(edit.alone as u64)]
        };
        out += &table(&std::iter::once(head).chain(told.edits.iter().map(row)).collect::<Vec<_>>());
        out += "\nitems: held up by it; alone: by nothing else, so that accepting it keeps them\n";
        out += &format!(
            "all of it accepted, {} would stay as they are; as it is, a build makes {}\n  \
             `coursebuild accept PART… --reason TEXT` declares it to be without effect\n",
            look.bold(&count(told.all, "item")),
            count_between(told.calls, "call"),
        );
    }
    if told.unknown > 0 {
        out += &format!(
            "{} more: the store here does not know what they were made from\n",
            count(told.unknown, "stale item")
        );
    }
    out
}

/// The accepted edits.
pub fn edits_text(edits: &[Edit]) -> String {
    let mut out = none_of(edits, "no edit is accepted");
    for edit in edits {
        let did = match (edit.old, edit.new) {
            (None, _) => "added",
            (_, None) => "removed",
            _ => "changed",
        };
        let (phase, words) = (flat(&edit.phase), flat(&part_words(&edit.part)));
        out += &format!("{phase}: {words} {did}: {}\n  {}\n", flat(&edit.reason), flat(&edit.part));
    }
    out
}

/// The waived findings.
pub fn waivers_text(waivers: &[Waiver]) -> String {
    let mut out = none_of(waivers, "nothing is waived");
    for Waiver { course, phase, item, root: _, check, output: _, reason } in waivers {
        let target = flat(&format!("{course}/{phase}/{item}"));
        out += &format!("{target} {}: {}\n", flat(check), flat(reason));
    }
    out
}

/// The pinned results.
pub fn pins_text(pins: &[Pin]) -> String {
    let mut out = none_of(pins, "nothing is pinned");
    for Pin { course, phase, item, root: _, output, key: _, reason } in pins {
        let target = flat(&format!("{course}/{phase}/{item}"));
        let why = reason.as_ref().map(|why| format!(": {}", flat(why))).unwrap_or_default();
        out += &format!("{target} {}{why}\n", &output.to_string()[..12]);
    }
    out
}

fn none_of<T>(all: &[T], text: &str) -> String {
    if all.is_empty() { format!("{text}\n") } else { String::new() }
}

/// `{"version":1,"what":[…],"file":…,"calls":{…},…}`.
pub fn effect_json(effect: &Effect) -> Result<String> {
    versioned(effect)
}

/// `{"version":1,"edits":[…],"all":…,"unknown":…,"calls":{…}}`.
pub fn outstanding_json(told: &OutstandingEdits) -> Result<String> {
    versioned(told)
}

/// `{"version":1,"accepted":[…]}`: decisions as the file holds them.
pub fn decisions_json<T: Serialize>(all: &[T]) -> Result<String> {
    #[derive(Serialize)]
    struct Listed<'a, T> {
        accepted: &'a [T],
    }
    versioned(&Listed { accepted: all })
}

fn versioned<T: Serialize>(value: &T) -> Result<String> {
    #[derive(Serialize)]
    struct Versioned<'a, T> {
        version: u32,
        #[serde(flatten)]
        value: &'a T,
    }
    pretty(&Versioned { version: 1, value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Bounds;

    fn effect() -> Effect {
        let bounds = |n| Bounds { min: n, max: n };
        Effect {
            what: vec!["section `Tiling` of `x.md` of phase3".into()],
            file: "coursebuild.accepted.toml".into(),
            calls_before: Some(bounds(34)),
            calls: bounds(0),
            items_before: Some(bounds(668)),
            items: bounds(0),
        }
    }

    #[test]
    fn a_decision_tells_what_it_saves() {
        assert_eq!(
            effect_text(&effect(), "accepted", Look::default()),
            "\
accepted, in coursebuild.accepted.toml:
  section `Tiling` of `x.md` of phase3
a build makes 0 calls for 0 items instead of 34 calls for 668 items
"
        );
        let same = Effect { calls_before: Some(effect().calls), ..effect() };
        assert!(effect_text(&same, "x", Look::default()).ends_with("for 0 items, as before\n"));
        let unknown = Effect { calls_before: None, ..effect() };
        assert!(effect_text(&unknown, "x", Look::default()).ends_with("0 calls for 0 items\n"));
    }

    #[test]
    fn outstanding_edits_are_a_table() {
        let edit = OutstandingEdit {
            course: "c".into(),
            phase: "phase3".into(),
            part: "document/x.md/Tiling".into(),
            text: "changed".into(),
            items: 668,
            alone: 600,
        };
        let calls = Bounds { min: 34, max: 34 };
        let told = OutstandingEdits { edits: vec![edit], all: 600, unknown: 2, calls };
        let text = outstanding_text(&told, Look::default());
        assert!(text.contains("c/phase3 document/x.md/Tiling    668    600\n"), "{text}");
        assert!(
            text.contains("600 items would stay as they are; as it is, a build makes 34 calls\n"),
            "{text}"
        );
        assert!(
            text.ends_with("2 stale items more: the store here does not know what they were made from\n")
        );
        let none = OutstandingEdits { edits: vec![], all: 0, unknown: 0, calls };
        assert!(outstanding_text(&none, Look::default()).starts_with("no edit is outstanding"));
    }
}
