//! `why` leads from an item to the edit: the section with its diff, the field with both values, the item before.

use crate::support::Space;
use crate::support::expect::built;
use crate::support::synth;
use serde_json::Value;

const DOCUMENT: &str = "docs/phase_intelligence/phase_1_translation.md";

fn why(space: &Space, target: &str) -> (String, Value) {
    let text = space.run(&["why", target]).exits(0).stdout;
    let json = space.run(&["why", target, "--format", "json"]).exits(0).stdout;
    (text, serde_json::from_str(&json).unwrap())
}

fn course() -> Space {
    built(Space::batching(5))
}

#[test]
fn an_edited_section_is_shown_as_a_diff() {
    let space = course();
    space.replace(DOCUMENT, "\n### Rule 1.1\n", "\n### Rule 1.1\n\nMind the word order.\n");
    let (text, json) = why(&space, "phase1/S0003");
    assert!(text.contains("qaa_for_eng/phase1/S0003: stale\n  section `"), "{text}");
    assert!(text.contains("\n    + Mind the word order.\n"), "{text}");
    assert!(!text.contains("\n    - "), "nothing went: {text}");
    let all = json.to_string();
    assert!(all.contains("Mind the word order."), "{json:#}");
    let whole = space.run(&["why", "phase1"]).exits(0).stdout;
    assert_eq!(whole.matches("+ Mind the word order.").count(), 1, "told once for all: {whole}");
    assert!(
        whole.starts_with("qaa_for_eng/phase1/S0001 to qaa_for_eng/phase1/S0005 (5 items): stale\n"),
        "{whole}"
    );
}

#[test]
fn an_edited_input_is_shown_with_both_values_and_what_waits_for_it_with_where_it_comes_from() {
    let space = course();
    let before = space.seeds()[1].source.clone();
    space.edit_seeds(|seeds| synth::change_word(seeds, 1, 7));
    let now = space.seeds()[1].source.clone();
    let (text, _) = why(&space, "phase1/S0002");
    let diff = format!("  input `source` changed\n    - {before}\n    + {now}\n");
    assert!(text.contains(&diff), "{diff} is not in {text}");
    let (text, json) = why(&space, "phase3/S0002");
    assert!(text.starts_with("qaa_for_eng/phase3/S0002: pending\n  it waits for `S0002`\n"), "{text}");
    assert!(
        text.contains("  from qaa_for_eng/phase1/S0002: stale\n      input `source` changed\n"),
        "{text}"
    );
    assert!(text.contains(&format!("        + {now}\n")), "{text}");
    assert_eq!(json["items"][0]["upstream"][0]["target"], "qaa_for_eng/phase1/S0002", "{json:#}");
}

#[test]
fn a_hand_edit_upstream_is_named_as_what_an_input_comes_from() {
    let space = course();
    space.edit_json("course/seed_pairs.json", |pairs| pairs["S0002"][0] = "uno duo".into());
    let (text, _) = why(&space, "phase3/S0002");
    assert!(text.contains("  input `target` changed\n    - "), "{text}");
    assert!(text.contains("\n    + uno duo\n"), "{text}");
    let edit =
        "  from qaa_for_eng/phase1/S0002: fresh\n      its result was edited by hand in `seed_pairs.json`\n";
    assert!(text.contains(edit), "{text}");
}

#[test]
fn without_a_store_the_digests_are_all_that_can_be_said() {
    let space = course();
    space.remove(".coursebuild");
    space.replace(DOCUMENT, "\n### Rule 1.1\n", "\n### Rule 1.1\n\nMind the word order.\n");
    let (text, _) = why(&space, "phase1/S0003");
    let told =
        "qaa_for_eng/phase1/S0003: stale\n  what it is made from changed (which part is not known here)\n";
    assert_eq!(text, told);
}
