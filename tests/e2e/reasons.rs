//! What a plan says of each reason: how many items and calls it costs, and what would be left if the edit were accepted, which is
//! what accepting it then leaves.

use crate::support::Space;
use crate::support::expect::{built, plan_of};
use crate::support::synth::{self, Synth};
use serde_json::{Value, json};

const TRANSLATION: &str = "docs/phase_intelligence/phase_1_translation.md";
const LEGOS: &str = "docs/phase_intelligence/phase_3_legos.md";
const BASKETS: &str = "docs/phase_intelligence/phase_5_baskets.md";
const PHASES: [&str; 3] = ["phase1", "phase3", "phase5"];

fn course() -> Space {
    built(Space::of(&Synth { scoped: Some((11, 30)), ..Synth::new(45) }))
}

/// Puts a sentence into a section.
fn teach(space: &Space, document: &str, section: &str) {
    let heading = format!("\n### Rule {section}\n");
    space.replace(document, &heading, &format!("{heading}\nMind the word order.\n"));
}

fn bounds(min: usize, max: usize) -> Value {
    json!({"min": min, "max": max})
}

/// Accepts each edit that the plan says could be, in a copy, and compares what is left with what was said.
#[track_caller]
fn assert_holds(space: &Space) {
    let plan = space.plan(&[]);
    let mut tried = 0;
    for phase in PHASES {
        let now = plan_of(&plan, phase);
        for reason in now["reasons"].as_array().unwrap() {
            let Some(then) = reason.get("if_accepted") else { continue };
            let copy = space.copy();
            let part = then["part"].as_str().unwrap();
            copy.run(&["accept", part, "--phase", phase, "--reason", "to see"]).exits(0);
            let left = copy.plan(&[]);
            let left = plan_of(&left, phase);
            assert_eq!((&left["calls"], &left["buys"]), (&then["calls"], &then["items"]), "{part}: {now:#}");
            tried += 1;
        }
        let Some(then) = now.get("if_accepted") else { continue };
        let copy = space.copy();
        copy.run(&["accept", "docs", "template", "--phase", phase, "--reason", "to see"]).exits(0);
        let left = copy.plan(&[]);
        let left = plan_of(&left, phase);
        assert_eq!((&left["calls"], &left["buys"]), (&then["calls"], &then["items"]), "all: {now:#}");
    }
    assert!(tried > 0, "{plan:#}");
}

#[test]
fn an_edit_of_a_section_is_told_with_its_calls_and_what_accepting_it_saves() {
    let space = course();
    teach(&space, TRANSLATION, "1.1");
    let plan = space.plan(&[]);
    let told = &plan_of(&plan, "phase1")["reasons"][0];
    assert_eq!((&told["items"], &told["calls"]), (&json!(45), &bounds(3, 3)), "20 are sent the scoped one");
    assert_eq!(told["if_accepted"]["calls"], bounds(0, 0));
    assert!(told["if_accepted"]["part"].as_str().unwrap().contains("Rule 1.1"), "{told}");
    let text = space.run(&["plan"]).exits(0).stdout;
    assert!(text.contains("  3 calls  45 items  phase1: section `"), "{text}");
    assert!(text.contains("changed; accepting it: 0 calls instead of 3\n"), "{text}");
    assert!(!text.contains("accepting all of them"), "it is the only one: {text}");
    assert_holds(&space);
}

#[test]
fn what_else_holds_items_up_is_not_saved() {
    let space = course();
    teach(&space, LEGOS, "1.2");
    space.replace(TRANSLATION, "items=S0011-S0030 -->\n", "items=S0011-S0030 -->\n\nMind this.\n");
    // A word of a seed outside of the scope, and of one in it.
    space.edit_seeds(|seeds| [2, 15].into_iter().for_each(|at| synth::change_word(seeds, at, 7)));
    let plan = space.plan(&[]);
    let first = plan_of(&plan, "phase1");
    let told: Vec<(u64, &Value)> = first["reasons"]
        .as_array()
        .unwrap()
        .iter()
        .map(|reason| (reason["items"].as_u64().unwrap(), &reason["calls"]))
        .collect();
    assert_eq!(told, [(20, &bounds(1, 1)), (2, &bounds(2, 2))], "{first:#}");
    assert_eq!(first["reasons"][0]["if_accepted"]["items"], bounds(2, 2));
    let text = space.run(&["plan"]).exits(0).stdout;
    assert!(text.contains("; accepting it: 2 items instead of 21\n"), "{text}");
    assert_holds(&space);
    space.build(&["--items", "S0001-S0020"]).exits(0);
    assert_holds(&space);
}

#[test]
fn of_two_edits_of_the_same_items_only_both_together_save_anything() {
    let space = course();
    teach(&space, BASKETS, "1.1");
    teach(&space, BASKETS, "2.1");
    let plan = space.plan(&[]);
    let last = plan_of(&plan, "phase5");
    for reason in last["reasons"].as_array().unwrap() {
        assert_eq!(reason["if_accepted"]["calls"], last["calls"], "{last:#}");
    }
    assert_eq!(last["if_accepted"]["calls"], bounds(0, 0));
    let text = space.run(&["plan"]).exits(0).stdout;
    assert!(!text.contains("accepting it"), "{text}");
    let both = format!("; accepting all of them: phase5 0 calls instead of {}\n", last["calls"]["max"]);
    assert!(text.contains(&both), "{text}");
    assert_holds(&space);
}

#[test]
fn what_was_never_built_is_no_edit() {
    let space = Space::batching(25);
    let plan = space.plan(&[]);
    let told = &plan_of(&plan, "phase1")["reasons"][0];
    assert_eq!((&told["items"], &told["calls"]), (&json!(25), &bounds(2, 2)));
    assert_eq!((told.get("if_accepted"), plan_of(&plan, "phase1").get("if_accepted")), (None, None));
    let text = space.run(&["plan"]).exits(0).stdout;
    assert!(text.contains("  2 calls  25 items  phase1: never built\n"), "{text}");
}
