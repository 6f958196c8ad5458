//! The words that concepts have, told to the prompts of later calls: no retry where they are heeded, and no other call ever.

use crate::support::expect::plan_of;
use crate::support::{Ran, Space};
use serde_json::{Value, json};

/// Three calls of phase 1 about a concept that Spanish has several words for.
fn course() -> Space {
    let space = Space::batching(12);
    let manifest = space.read("coursebuild.toml").replace("target = \"qaa\"", "target = \"spa\"");
    space.write("coursebuild.toml", &format!("{manifest}\n[phase.phase1]\nbatch = 4\n"));
    space.edit_seeds(|seeds| {
        for (at, source) in [(1, "I want to speak now"), (5, "You speak quickly"), (9, "I am going to speak")]
        {
            source.clone_into(&mut seeds[at].source);
        }
    });
    space
}

const SPEAK: [(&str, [&str; 2]); 3] = [
    ("S0002", ["Quiero hablar ahora", "I want to speak now"]),
    ("S0006", ["Hablas rápidamente", "You speak quickly"]),
    ("S0010", ["Voy a hablar", "I am going to speak"]),
];
const TOLD: &str = "- to speak: hablar (as in";
const HEADING: &str = "## Words that the course has already";

/// What the generator says of an item; with `unless_told`, unless its prompt holds that.
fn says(item: &str, pair: &[&str], unless_told: Option<&str>) -> Value {
    let mut fault = json!({"fault": "say", "phase": "phase1", "item": item, "output": pair});
    if let Some(text) = unless_told {
        fault["unless_told"] = json!(text);
        fault["attempts"] = json!([1]);
    }
    fault
}

/// The first seed says `hablar`; these say something else in their first attempt, unless they are told.
fn mistakes(space: &Space, items: &[(&str, [&str; 2])], unless_told: &str) {
    let right = SPEAK.iter().map(|(item, pair)| says(item, pair, None));
    let wrong = items.iter().map(|(item, pair)| says(item, pair, Some(unless_told)));
    space.faults(&right.chain(wrong).collect());
}

const DECIR: [(&str, [&str; 2]); 2] = [
    ("S0006", ["Dices rápidamente", "You speak quickly"]),
    ("S0010", ["Voy a decir", "I am going to speak"]),
];

fn build(space: &Space, args: &[&str]) -> Ran {
    space.build(&[&["--phase", "phase1"], args].concat())
}

/// Attempt and items of each call of phase 1, in the order of their scopes.
fn calls(ran: &Ran) -> Vec<(u32, Vec<String>)> {
    let mut calls: Vec<_> = ran.asked().map(|call| (call.attempt, call.items.clone())).collect();
    calls.sort();
    calls
}

fn prompt(space: &Space, target: &str) -> String {
    space.run(&["prompt", target]).exits(0).stdout
}

#[test]
fn what_is_told_of_earlier_seeds_needs_no_retry() {
    let space = course();
    mistakes(&space, &DECIR, TOLD);
    assert!(!prompt(&space, "phase1/2").contains(HEADING), "nothing is settled, so nothing is told");
    let plan = space.plan(&["--phase", "phase1"]);
    assert_eq!(plan_of(&plan, "phase1")["calls"], json!({"min": 3, "max": 3}));
    let ran = build(&space, &["-j", "1"]).exits(0);
    assert_eq!(calls(&ran).iter().map(|(attempt, _)| *attempt).collect::<Vec<_>>(), [1, 1, 1], "{ran:#?}");
    assert_eq!(space.json("course/seed_pairs.json")["S0010"], json!(SPEAK[2].1));

    // The next calls of a course of which only the first batch stands may all leave at once.
    let half = course();
    mistakes(&half, &DECIR, TOLD);
    build(&half, &["--items", "S0001-S0004"]).exits(0);
    let told = prompt(&half, "phase1/2");
    assert!(told.contains(&format!("{HEADING}\n\nThe course says")), "{told}");
    assert!(told.contains("\n- to speak: hablar (as in S0002)\n\n## Task\n"), "{told}");
    assert!(!told.contains("quickly:"), "no word of it stands yet: {told}");
    assert!(!prompt(&half, "phase1/S0007").contains(HEADING), "it has no such concept");
    let plan = half.plan(&["--phase", "phase1"]);
    assert_eq!(plan_of(&plan, "phase1")["calls"], json!({"min": 2, "max": 2}));
    let ran = build(&half, &["-j", "8"]).exits(0);
    assert_eq!(calls(&ran).iter().map(|(attempt, _)| *attempt).collect::<Vec<_>>(), [1, 1], "{ran:#?}");
    assert!(half.outputs() == space.outputs());
    let log = half.run(&["log", "phase1/2", "-v"]).exits(0).stdout;
    assert!(log.contains("  hint words (S0002) "), "{log}");
}

#[test]
fn no_call_waits_for_words_and_the_number_of_jobs_decides_nothing() {
    let mut all = Vec::new();
    for jobs in ["1", "2", "8"] {
        let space = course();
        mistakes(&space, &DECIR, "nobody is told this");
        let ran = build(&space, &["-j", jobs]).exits(0);
        all.push((calls(&ran), space.outputs()));
    }
    assert!(all.windows(2).all(|pair| pair[0] == pair[1]), "{all:#?}");
    assert_eq!(all[0].0[3..], [(2, vec!["S0006".to_owned()]), (2, vec!["S0010".to_owned()])]);

    // The first batch hangs until the others are answered, which could be told by nobody but it.
    let space = course();
    mistakes(&space, &DECIR, TOLD);
    let gate = space.around().join("gate");
    let mut faults: Value =
        serde_json::from_str(&std::fs::read_to_string(space.around().join("faults.json")).unwrap()).unwrap();
    faults.as_array_mut().unwrap().push(json!({"fault": "hang", "item": "S0001", "until": gate}));
    space.faults(&faults);
    let mut running = space.start(space.tool(&["build", "--phase", "phase1", "--format", "json", "-j", "3"]));
    running.until(|books| books.iter().filter(|call| call.state == "answered").count() == 2);
    std::fs::write(gate, "").unwrap();
    let ran = running.end().exits(0);
    assert_eq!(calls(&ran), all[0].0);
    assert!(space.outputs() == all[0].1);
}

/// A built course whose rules can be edited.
fn built() -> Space {
    let space = course().with_own_rules();
    mistakes(&space, &[], TOLD);
    build(&space, &[]).exits(0);
    assert_eq!(space.plan(&["--phase", "phase1"])["calls"]["max"], 0);
    space
}

#[test]
fn a_seed_that_takes_its_word_with_it_costs_itself() {
    let space = built();
    space.edit_seeds(|seeds| "I want to walk now".clone_into(&mut seeds[1].source));
    space.faults(&json!([]));
    let ran = build(&space, &[]).exits(0);
    assert_eq!(ran.bought("phase1"), ["S0002"], "{ran:#?}");
    assert!(prompt(&space, "phase1/S0010").contains("- to speak: hablar (as in S0006)\n"));
    assert_fresh_phase(&space);
}

#[test]
fn a_first_seed_is_told_what_later_ones_say() {
    for (window, bought) in [("whole phase", &["S0002"][..]), ("all earlier", &["S0002", "S0006", "S0010"])] {
        let space = built();
        space.replace("rules/phase1.toml", "window = \"whole phase\"", &format!("window = \"{window}\""));
        assert_eq!(space.plan(&["--phase", "phase1"])["calls"]["max"], 0, "a hint is in no key");
        space.edit_seeds(|seeds| "I want to speak here".clone_into(&mut seeds[1].source));
        let decir = ["Quiero decir aquí", "I want to speak here"];
        space.faults(&json!([
            says("S0002", &["Quiero hablar aquí", "I want to speak here"], None),
            says("S0002", &decir, Some(TOLD)),
            says("S0006", &DECIR[0].1, None),
            says("S0010", &DECIR[1].1, None),
        ]));
        let plan = space.plan(&["--phase", "phase1"]);
        assert_eq!(plan_of(&plan, "phase1")["stale"], 1, "{window}: {plan:#}");
        let ran = build(&space, &["-j", "4"]).exits(0);
        let mut items = ran.bought("phase1");
        items.sort_unstable();
        assert_eq!(items, bought, "{window}: {ran:#?}");
        assert_fresh_phase(&space);
    }
}

#[test]
fn a_context_of_words_is_cut_to_its_limit_and_empty_without_its_check() {
    let space = built();
    space.edit_seeds(|seeds| "You speak quickly again".clone_into(&mut seeds[10].source));
    let told = prompt(&space, "phase1/S0011");
    assert!(
        told.contains("- to speak: hablar (as in S0002)\n- quickly: rápidamente (as in S0006)\n"),
        "{told}"
    );
    space.replace("rules/phase1.toml", "window = \"whole phase\"", "max_bytes = 60");
    let told = prompt(&space, "phase1/S0011");
    assert!(told.contains(TOLD) && !told.contains("- quickly:"), "{told}");
    let manifest = space.read("coursebuild.toml");
    space.write(
        "coursebuild.toml",
        &format!("{manifest}\n[phase.phase1.check.one_translation]\nseverity = \"off\"\n"),
    );
    assert!(!prompt(&space, "phase1/S0011").contains(HEADING), "nobody keeps words");
    assert_eq!(build(&space, &[]).exits(0).bought("phase1"), ["S0011"]);
}

fn assert_fresh_phase(space: &Space) {
    let before = space.files();
    assert_eq!(build(space, &[]).exits(0).calls(), 0);
    assert!(before == space.files());
}
