//! Canaries: a few calls of the plan first, what they changed, and the question whether the rest is wanted.

use crate::support::expect::{assert_as_clean, assert_fresh, built, plan_of};
use crate::support::terminal::Terminal;
use crate::support::{Ran, Space};
use serde_json::{Value, json};

const DOCUMENT: &str = "docs/phase_intelligence/phase_3_legos.md";

/// 120 seeds: six calls in phase 3. The answers of its program do not depend on documents, so nothing follows in phase 5.
fn edited() -> (Space, String) {
    let space = built(Space::batching(120));
    let document = space.read(DOCUMENT);
    edit(&space);
    (space, document)
}

fn edit(space: &Space) {
    let document = space.read(DOCUMENT);
    space.write(DOCUMENT, &format!("{document}\n## Cutting again\n\nCut where a learner pauses.\n"));
}

fn canary(ran: &Ran) -> &Value {
    let events: Vec<&Value> = ran.events.iter().filter(|event| event["event"] == "canary").collect();
    assert_eq!(events.len(), 1, "{ran:#?}");
    events[0]
}

/// The first items of the calls that were made, in source order.
fn asked(ran: &Ran) -> Vec<&str> {
    let mut firsts: Vec<&str> =
        ran.books.iter().filter(|call| call.state == "asked").map(|call| &*call.items[0]).collect();
    firsts.sort_unstable();
    firsts
}

#[test]
fn the_calls_are_those_of_the_plan_and_going_on_makes_exactly_the_others() {
    let (space, document) = edited();
    let before = space.outputs();
    assert_eq!(space.plan(&["phase3"])["calls"], json!({"min": 6, "max": 6}));
    let ran = space.build(&["phase3", "--canary", "3", "-j", "8"]).exits(4);
    assert_eq!(asked(&ran), ["S0001", "S0041", "S0101"]);
    assert!(ran.books.iter().all(|call| call.items.len() == 20));
    assert_eq!(space.outputs(), before, "nothing that stands changes before somebody wants it");
    let report = canary(&ran);
    assert_eq!(report["rest"]["calls"], json!({"min": 3, "max": 3}), "{report:#}");
    assert_eq!(
        (&report["items"], &report["passed"], &report["same"], &report["had_before"]),
        (&json!(60), &json!(60), &json!(60), &json!(60))
    );
    let thirds: Vec<&Value> = report["calls"].as_array().unwrap().iter().map(|call| &call["third"]).collect();
    assert_eq!(thirds, ["early", "middle", "late"]);
    assert_eq!(ran.summary()["goes_on_with"], "coursebuild build --format json phase3 -j 8");

    // It is as if the edit were half built: what was bought counts, and undone it costs nothing.
    assert_eq!(space.plan(&["phase3"])["calls"], json!({"min": 3, "max": 3}));
    let edited = space.read(DOCUMENT);
    space.write(DOCUMENT, &document);
    assert_fresh(&space);
    assert_eq!(space.outputs(), before);
    space.write(DOCUMENT, &edited);
    let rest = space.build(&["-j", "8"]).exits(0);
    assert_eq!(asked(&rest), ["S0021", "S0061", "S0081"]);
    assert!(space.answered().values().all(|count| *count <= 2), "once before the edit, and once after it");
    assert_fresh(&space);
    assert_as_clean(&space);
}

#[test]
fn at_a_terminal_somebody_is_asked() {
    let (space, _) = edited();
    let before = space.outputs();
    let mut asked = Terminal::start(&space, &["build", "phase3", "--canary", "2"]);
    let shown = asked.until("go on with the other 4 calls? [y/N]");
    assert!(shown.contains("the rest: 4 calls for 80 items, "), "{shown}");
    assert!(shown.contains("phase3 S0001-S0020, early: 20 of 20 items passed"), "{shown}");
    assert!(shown.contains("phase3 S0101-S0120, late: 20 of 20 items passed"), "{shown}");
    asked.types("n\n");
    let (code, shown) = asked.end();
    assert_eq!(code, Some(4), "{shown}");
    assert!(shown.contains("stopped after the canary: 2 calls"), "{shown}");
    assert!(shown.contains("`coursebuild build phase3`\n"), "{shown}");
    assert_eq!(space.outputs(), before);

    // The next canary is of what is left; an interrupt at the question is no yes.
    let asked = Terminal::start(&space, &["build", "--canary", "1"]);
    // What phase 5 takes is not known before the other answers.
    asked.until("go on with the other 3..");
    asked.interrupt();
    let (code, shown) = asked.end();
    assert_eq!(code, Some(130), "{shown}");
    assert_eq!(space.outputs(), before);

    let mut asked = Terminal::start(&space, &["build", "phase3", "-j", "8", "--canary", "1"]);
    asked.until("go on with the other 2 calls");
    asked.types("y\n");
    let (code, shown) = asked.end();
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("done: 3 calls"), "{shown}");
    assert!(space.answered().values().all(|count| *count <= 2));
    assert_fresh(&space);
    assert_as_clean(&space);
}

#[test]
fn old_and_new_are_told_by_field_and_by_check() {
    let space = built(Space::digests(24));
    let old = space.json("course/first.json");
    let document = space.read("docs/first.md");
    space.write("docs/first.md", &format!("{document}\n## More\n\nBe brief.\n"));
    space.faults(&json!([{"fault": "shape", "phase": "first", "item": "S0021", "attempts": [1]}]));
    let planned = space.plan(&["first"])["calls"]["min"].as_u64().unwrap();
    let ran = space.build(&["first", "--canary", "2"]).exits(4);
    let report = canary(&ran);
    assert_eq!(asked(&ran), ["S0001", "S0021"]);
    assert_eq!((&report["items"], &report["passed"]), (&json!(8), &json!(7)), "{report:#}");
    assert_eq!(report["changed"].as_array().unwrap().len(), 8);
    let first = &report["changed"][0];
    assert_eq!(first["target"], "qaa_for_eng/first/S0001");
    let digest =
        first["changes"].as_array().unwrap().iter().find(|change| change["path"] == "/digest").unwrap();
    assert_eq!(digest["old"], old["S0001"]["digest"]);
    assert_ne!(digest["new"], old["S0001"]["digest"]);
    let refused = report["changed"].as_array().unwrap().iter().find(|item| item["passed"] == false).unwrap();
    assert_eq!(refused["target"], "qaa_for_eng/first/S0021");
    let kind = &refused["findings"][0]["type"];
    let count = json!([{"type": kind, "severity": "error", "before": 0, "after": 1}]);
    assert_eq!(report["checks"], count, "{report:#}");
    // The others, and one that asks for S0021 again.
    assert_eq!(report["rest"]["calls"]["min"], planned - 2 + 1, "{report:#}");
    space.faults(&json!([]));

    // Refused is refused: it is asked for again with its findings, and counts among those that failed before.
    let ran = space.build(&["first", "--canary", "1", "--summary-file", "summary.md"]).exits(4);
    let page = space.read("summary.md");
    assert!(page.contains("stopped after the canary") && page.contains("1 item had failed before"), "{page}");
    let report = canary(&ran);
    assert_eq!(
        (&report["calls"][0]["failed_before"], &report["passed"]),
        (&json!(1), &json!(1)),
        "{report:#}"
    );
    assert_eq!(ran.books[0].attempt, 2);
    space.build(&[]).exits(0);
    assert_fresh(&space);
}

#[test]
fn what_failed_before_goes_first() {
    let space = Space::batching(120);
    space.faults(&json!([{"fault": "wrong", "phase": "phase3", "item": "S0067", "attempts": [1]}]));
    let space = built(space);
    edit(&space);
    let ran = space.build(&["--canary", "3"]).exits(4);
    assert_eq!(asked(&ran), ["S0001", "S0061", "S0101"]);
    let calls = &canary(&ran)["calls"];
    let failed: Vec<&Value> = calls.as_array().unwrap().iter().map(|call| &call["failed_before"]).collect();
    assert_eq!(failed, [0, 1, 0]);
}

#[test]
fn what_is_refused_is_asked_for_again_after_a_yes_only() {
    let (space, _) = edited();
    space.faults(&json!([{"fault": "wrong", "phase": "phase3", "item": "S0003", "attempts": [1]}]));
    let ran = space.build(&["phase3", "--canary", "3", "--yes", "-j", "8"]).exits(0);
    assert_eq!(ran.calls(), 7);
    let report = canary(&ran);
    assert_eq!(report["rest"]["calls"], json!({"min": 4, "max": 4}), "{report:#}");
    let at = ran.events.iter().position(|event| event["event"] == "canary").unwrap();
    let started = |events: &[Value]| events.iter().filter(|event| event["event"] == "call_started").count();
    assert_eq!(started(&ran.events[..at]), 3, "the retry waits for the answer, too");
    assert_eq!(plan_of(&space.plan(&[]), "phase3")["fresh"], 120);
}

#[test]
fn a_first_build_can_begin_with_a_canary() {
    let space = Space::batching(100);
    let plan = space.plan(&[]);
    let ran = space.build(&["--canary", "2"]).exits(4);
    assert_eq!(asked(&ran), ["S0001", "S0081"]);
    let report = canary(&ran);
    assert_eq!((&report["had_before"], &report["same"]), (&json!(0), &json!(0)), "{report:#}");
    assert_eq!(report["changed"][0]["changes"][0]["old"], Value::Null);
    assert!(space.outputs().is_empty(), "no main file stands before somebody wants it");
    let rest = space.build(&["-j", "8"]).exits(0);
    assert!(ran.calls() + rest.calls() >= plan["calls"]["min"].as_u64().unwrap() as usize);
    assert!(space.answered().values().all(|count| *count == 1));
    assert_as_clean(&space);
}

#[test]
fn with_fewer_calls_than_that_nobody_is_asked() {
    let space = built(Space::batching(60));
    edit(&space);
    let ran = space.build(&["--canary", "5"]).exits(0);
    assert_eq!(ran.calls(), 3);
    assert_eq!(canary(&ran)["rest"]["calls"], json!({"min": 0, "max": 0}));
    assert_fresh(&space);
    let ran = space.build(&["--canary", "5"]).exits(0);
    assert_eq!(ran.calls(), 0);
    assert!(!ran.events.iter().any(|event| event["event"] == "canary"), "{ran:#?}");
}

#[test]
fn limits_hold_before_and_after_the_question() {
    let (space, _) = edited();
    let before = space.outputs();
    let ran = space.build(&["phase3", "--canary", "3", "--max-calls", "2"]).exits(4);
    assert_eq!(asked(&ran), ["S0001", "S0101"], "a canary is no larger than the build may be");
    assert_eq!(space.outputs(), before);
    let ran = space.build(&["phase3", "--canary", "2", "--max-calls", "3", "--yes"]).exits(4);
    assert_eq!(ran.calls(), 3);
    assert_eq!(ran.summary()["goes_on_with"], Value::Null);
    assert_ne!(space.outputs(), before, "after a yes it is a build like any other");
    assert_eq!(space.build(&[]).exits(0).calls(), 1);
    assert_as_clean(&space);

    // The question takes the place of the confirmation, which comes where there would be none.
    let manifest = space.read("coursebuild.toml");
    space.write("coursebuild.toml", &format!("confirm_above = {{ calls = 4 }}\n{manifest}"));
    edit(&space);
    for all in [&["build", "phase3"][..], &["build", "phase3", "--canary", "6"]] {
        let refused = space.run(all).exits(4);
        assert!(refused.books.is_empty() && refused.stderr.contains("want a confirmation"), "{refused:#?}");
    }
    assert_eq!(space.build(&["phase3", "--canary", "3"]).exits(4).calls(), 3);
    let refused = space.run(&["build", "--locked", "--canary", "3"]).exits(3);
    assert!(refused.stderr.contains("`--locked` forbids every call"), "{refused:#?}");
}

#[test]
fn a_canary_goes_with_what_does_not_replace_results_only() {
    let (space, _) = edited();
    for other in ["--trial", "-B", "--fix"] {
        let refused = space.run(&["build", "phase3", "--canary", "3", other]).exits(2);
        assert!(refused.stderr.contains("cannot be used with"), "{refused:#?}");
    }
    space.run(&["build", "--canary", "0"]).exits(2);
    assert_eq!(space.plan(&["phase3"])["calls"]["max"], 6, "nothing was bought");
}
