//! Checks that compare items with one another and with an earlier phase: the later item is blamed, whatever came first, and
//! only what is blamed is asked for again.

use crate::support::expect::{assert_as_clean, assert_fresh, plan_of};
use crate::support::{Ran, Space};
use serde_json::{Value, json};

/// Three calls of phase 3.
fn course() -> Space {
    let space = Space::batching(12);
    let manifest = space.read("coursebuild.toml");
    space.write("coursebuild.toml", &format!("{manifest}\n[phase.phase3]\nbatch = 4\n"));
    space
}

/// Items of phase 3 that give their whole sentence under one known text, so that any two of them collide; in these attempts.
fn colliding(items: &[&str], attempts: &Value) -> Vec<Value> {
    let fault = |id| json!({"fault": "known", "phase": "phase3", "item": id, "text": "the same", "attempts": attempts});
    items.iter().map(fault).collect()
}

/// The calls of a phase: attempt and items.
fn calls(ran: &Ran, phase: &str) -> Vec<(u32, Vec<String>)> {
    let asked = ran.asked().filter(|call| call.phase == phase);
    asked.map(|call| (call.attempt, call.items.clone())).collect()
}

fn retries(ran: &Ran, phase: &str) -> Vec<(u32, Vec<String>)> {
    calls(ran, phase).into_iter().filter(|(attempt, _)| *attempt > 1).collect()
}

fn one(attempt: u32, items: &[&str]) -> Vec<(u32, Vec<String>)> {
    vec![(attempt, items.iter().map(|&item| item.to_owned()).collect())]
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no number"))
}

fn known_text(space: &Space, seed: usize) -> String {
    space.json("course/lego_pairs.json")[seed][2][0][3].as_str().unwrap().to_owned()
}

/// Builds, having held back the call with an item until a number of others were answered.
fn build_with_last(space: &Space, faults: Vec<Value>, item: &str, others: usize, jobs: &str) -> Ran {
    let gate = space.around().join("gate");
    let hang = json!({"fault": "hang", "phase": "phase3", "item": item, "until": gate, "attempts": [1]});
    space.faults(&json!(faults.into_iter().chain([hang]).collect::<Vec<_>>()));
    let mut running = space.start(space.tool(&["build", "--format", "json", "-j", jobs]));
    let answered = |call: &&crate::support::Call| call.state == "answered" && call.phase == "phase3";
    running.until(|books| books.iter().filter(answered).count() >= others);
    std::fs::write(gate, "").unwrap();
    running.end()
}

#[test]
fn a_collision_is_blamed_on_the_later_item_whatever_comes_first() {
    let mut outputs = Vec::new();
    for jobs in ["1", "2", "3", "4"] {
        let space = course();
        space.faults(&json!(colliding(&["S0002", "S0007"], &json!([1]))));
        let ran = space.build(&["-j", jobs]).exits(0);
        assert_eq!(calls(&ran, "phase3").len(), 4, "{ran:#?}");
        assert_eq!(retries(&ran, "phase3"), one(2, &["S0007"]), "{ran:#?}");
        assert_eq!(number(&ran.summary()["items_rejected"]), 1, "{ran:#?}");
        assert_eq!(known_text(&space, 1), "the same", "the earlier one stands");
        outputs.push(space.outputs());
        space.faults(&json!([]));
        assert_fresh(&space);
    }
    let last = course();
    let ran = build_with_last(&last, colliding(&["S0002", "S0007"], &json!([1])), "S0002", 2, "4").exits(0);
    assert_eq!(retries(&ran, "phase3"), one(2, &["S0007"]), "{ran:#?}");
    outputs.push(last.outputs());
    assert!(outputs.windows(2).all(|pair| pair[0] == pair[1]), "the order of arrival shows");
}

#[test]
fn siblings_of_a_call_that_collide_make_one_retry_call() {
    let space = course();
    space.faults(&json!(colliding(&["S0005", "S0006", "S0008"], &json!([1]))));
    let ran = space.build(&[]).exits(0);
    assert_eq!(retries(&ran, "phase3"), one(2, &["S0006", "S0008"]), "{ran:#?}");
    assert_fresh(&space);
}

#[test]
fn what_fails_by_itself_and_what_fails_beside_others_is_asked_for_together() {
    let space = course();
    let wrong = json!({"fault": "wrong", "phase": "phase3", "item": "S0006", "attempts": [1]});
    let collide = colliding(&["S0002", "S0005", "S0008"], &json!([1]));
    space.faults(&json!(collide.into_iter().chain([wrong]).collect::<Vec<_>>()));
    let ran = space.build(&[]).exits(0);
    assert_eq!(retries(&ran, "phase3"), one(2, &["S0005", "S0006", "S0008"]), "{ran:#?}");
    assert_fresh(&space);
}

#[test]
fn a_sibling_that_passed_is_judged_again_beside_a_new_answer() {
    let space = course();
    let wrong = json!({"fault": "wrong", "phase": "phase3", "item": "S0005", "attempts": [1]});
    let faults = [colliding(&["S0007"], &json!([1])), colliding(&["S0005"], &json!([2])), vec![wrong]];
    space.faults(&json!(faults.concat()));
    let ran = space.build(&[]).exits(0);
    let asked: Vec<_> = retries(&ran, "phase3").into_iter().flat_map(|(_, items)| items).collect();
    assert_eq!(asked, ["S0005", "S0007"], "{ran:#?}");
    assert_fresh(&space);
}

#[test]
fn an_item_that_never_fits_fails_and_is_not_bought_again() {
    let space = course();
    let mut faults = colliding(&["S0002"], &Value::Null);
    for attempt in 1..=3 {
        // Another mistake each time: an answer that repeats itself ends the attempts sooner.
        let text = ["the same", "The same", "the  same"][attempt - 1];
        faults.push(json!({"fault": "known", "phase": "phase3", "item": "S0007", "text": text, "attempts": [attempt]}));
    }
    space.faults(&json!(faults));
    let ran = space.build(&["-k"]).exits(1);
    assert_eq!(ran.bought("phase3").iter().filter(|item| **item == "S0007").count(), 3, "{ran:#?}");
    assert_eq!(number(&ran.summary()["items_failed"]), 1, "{ran:#?}");
    for clone in [false, true] {
        let again = space.copy();
        if clone {
            again.remove(".coursebuild");
        }
        let before = again.files();
        assert_eq!(plan_of(&again.plan(&[]), "phase3")["failed"], 1);
        assert_eq!(again.build(&["-k"]).exits(1).calls(), 0);
        assert!(before == again.files(), "a build without calls changed a file (clone: {clone})");
    }
    space.faults(&json!([]));
    let ran = space.build(&["--retry-failed"]).exits(0);
    assert_eq!(ran.bought("phase3"), ["S0007"], "{ran:#?}");
    assert_fresh(&space);
}

#[test]
fn a_hand_edit_that_collides_is_held_and_nobody_else_is_blamed() {
    let space = course();
    space.build(&[]).exits(0);
    let known = known_text(&space, 1);
    space.edit_json("course/lego_pairs.json", |legos| {
        let target = legos[6][1][0].clone();
        legos[6][2] = json!([["S0007L01", "C", target, known, [[target, known], [target, known]]]]);
    });
    let plan = space.plan(&[]);
    let phase = plan_of(&plan, "phase3");
    assert_eq!((&phase["held"], &phase["rejected"], &phase["fresh"]), (&json!(1), &json!(0), &json!(11)));
    let ran = space.build(&[]).exits(0);
    assert_eq!(ran.bought("phase3"), [""; 0], "{ran:#?}");
    assert_eq!(number(&ran.summary()["items_held"]), 1, "{ran:#?}");
    assert!(
        ran.summary()["held"][0].as_str().unwrap().contains("phase3/S0007: fails `determinism`"),
        "{ran:#?}"
    );
    assert_fresh(&space);
}

#[test]
fn an_edit_of_an_earlier_item_blames_the_later_generated_one() {
    let space = course();
    space.build(&[]).exits(0);
    let known = known_text(&space, 6);
    space.edit_json("course/lego_pairs.json", |legos| {
        let target = legos[0][1][0].clone();
        legos[0][2] = json!([["S0001L01", "C", target, known, [[target, known], [target, known]]]]);
    });
    space.faults(&json!([{"fault": "known", "phase": "phase3", "item": "S0007", "text": "another"}]));
    let plan = space.plan(&[]);
    let phase = plan_of(&plan, "phase3");
    assert_eq!((&phase["rejected"], &phase["calls"]), (&json!(1), &json!({"min": 1, "max": 1})), "{plan:#}");
    let ran = space.build(&[]).exits(0);
    assert_eq!(ran.bought("phase3"), ["S0007"], "{ran:#?}");
    assert_fresh(&space);
}

#[test]
fn a_tightened_check_makes_one_retry_call_and_a_loosened_one_none() {
    let space = course().with_own_rules();
    let before = space.read("rules/phase3.toml");
    space.only_warn("phase3", "determinism");
    let lax = space.read("rules/phase3.toml");
    space.faults(&json!(colliding(&["S0002", "S0007", "S0011"], &Value::Null)));
    space.build(&[]).exits(0);
    assert_fresh(&space);
    let built = space.outputs();

    space.faults(&json!([]));
    space.write("rules/phase3.toml", &before);
    let plan = space.plan(&[]);
    let phase = plan_of(&plan, "phase3");
    assert_eq!((&phase["rejected"], &phase["fresh"]), (&json!(2), &json!(10)), "{plan:#}");
    assert_eq!(phase["calls"], json!({"min": 1, "max": 1}), "{plan:#}");
    let ran = space.build(&[]).exits(0);
    assert_eq!(calls(&ran, "phase3"), one(1, &["S0007", "S0011"]), "{ran:#?}");
    assert_fresh(&space);

    space.write("rules/phase3.toml", &lax);
    assert_eq!(space.build(&[]).exits(0).calls(), 0);
    space.write("rules/phase3.toml", &before);
    assert_eq!(space.build(&[]).exits(0).calls(), 0);
    assert!(space.outputs() != built);
    assert_fresh(&space);
}

/// A course whose basket `S0006L01` says a word that only the seed S0002 teaches.
fn borrowing() -> Space {
    let space = course();
    space.edit_seeds(|seeds| seeds[1].source = "zebra quagga okapi".to_owned());
    let basket = json!({"e": [["zebrao", "zebra"]], "d": {"2": [], "3": [], "4": [], "5": []}});
    space.faults(&json!([{"fault": "say", "phase": "phase5", "item": "S0006L01", "output": basket}]));
    space.build(&[]).exits(0);
    assert_fresh(&space);
    assert_eq!(space.json("course/lego_baskets.json")["S0006L01"]["e"][0][0], "zebrao");
    space.faults(&json!([]));
    space
}

#[test]
fn a_word_that_is_no_more_taught_rejects_the_baskets_that_use_it() {
    let space = borrowing();
    space.edit_seeds(|seeds| drop(seeds.remove(1)));
    let plan = space.plan(&[]);
    let phase = plan_of(&plan, "phase5");
    assert_eq!((&phase["rejected"], &phase["stale"], &phase["missing"]), (&json!(1), &json!(0), &json!(0)));
    assert_eq!(plan["calls"], json!({"min": 1, "max": 1}), "{plan:#}");
    let ran = space.build(&[]).exits(0);
    assert_eq!((ran.calls(), ran.bought("phase5")), (1, vec!["S0006L01"]), "{ran:#?}");
    assert_fresh(&space);
    assert_as_clean(&space);
}

#[test]
fn a_word_that_goes_with_a_new_answer_is_missed_in_the_same_build() {
    let space = borrowing();
    space.edit_seeds(|seeds| seeds[1].source = "giraffe quagga okapi".to_owned());
    let ran = space.build(&[]).exits(0);
    assert_eq!(ran.bought("phase3"), ["S0002"], "{ran:#?}");
    let bought = ran.bought("phase5");
    assert!(bought.iter().all(|item| item.starts_with("S0002") || *item == "S0006L01"), "{ran:#?}");
    assert!(bought.contains(&"S0006L01"), "{ran:#?}");
    assert_fresh(&space);
    assert_as_clean(&space);
}

#[test]
fn a_blame_that_a_purchase_undoes_buys_nothing() {
    let space = course().with_own_rules();
    let strict = space.read("rules/phase3.toml");
    space.only_warn("phase3", "determinism");
    space.faults(&json!(colliding(&["S0002", "S0007"], &Value::Null)));
    space.build(&[]).exits(0);
    // S0002 is stale and S0007 is blamed for what S0002 said; its next answer takes that back.
    space.faults(&json!([]));
    space.write("rules/phase3.toml", &strict);
    space.edit_seeds(|seeds| seeds[1].source = "zebra quagga okapi".to_owned());
    let plan = space.plan(&[]);
    let phase = plan_of(&plan, "phase3");
    assert_eq!(phase["rejected"], 1, "S0002 waits, and counts with what is linked: {plan:#}");
    assert_eq!(phase["calls"], json!({"min": 0, "max": 2}), "{plan:#}");
    let ran = space.build(&[]).exits(0);
    assert_eq!(ran.bought("phase3"), ["S0002"], "{ran:#?}");
    assert_fresh(&space);
}

#[test]
fn a_retry_that_was_answered_before_a_kill_is_not_bought_twice() {
    let space = course();
    let hang = json!({"fault": "hang", "phase": "phase5", "until": space.around().join("never")});
    let faults = colliding(&["S0002", "S0007"], &json!([1])).into_iter().chain([hang]).collect::<Vec<_>>();
    space.faults(&json!(faults));
    let mut running = space.start(space.tool(&["build", "--format", "json", "-j", "1"]));
    running.until(|books| {
        let retried = books.iter().any(|call| call.phase == "phase3" && call.attempt > 1);
        retried && books.iter().any(|call| call.phase == "phase5" && call.state == "asked")
    });
    running.interrupt();
    running.kill();
    std::fs::write(space.around().join("never"), "").unwrap();
    space.faults(&json!([]));
    let ran = space.build(&[]).exits(0);
    assert_eq!(ran.bought("phase3"), [""; 0], "{ran:#?}");
    assert!(
        space
            .answered()
            .iter()
            .all(|((phase, id), times)| *times == 1 + usize::from(phase == "phase3" && id == "S0007"))
    );
    assert_fresh(&space);
    let clone = space.copy();
    clone.remove(".coursebuild");
    assert_fresh(&clone);
}
