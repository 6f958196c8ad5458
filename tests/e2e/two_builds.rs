//! Two builds of one workspace at once, questions meanwhile, and interrupts.

use crate::support::expect::{assert_as_clean, assert_fresh};
use crate::support::{Call, Running, Space};
use serde_json::json;
use std::path::PathBuf;

const SEEDS: usize = 45;

/// A course whose first call hangs until the file that is returned is there.
fn hanging() -> (Space, PathBuf) {
    let space = Space::batching(SEEDS);
    let go = space.around().join("go");
    space.faults(&json!([{"fault": "hang", "phase": "phase1", "item": "S0001", "until": go}]));
    (space, go)
}

fn go(file: &PathBuf) {
    std::fs::write(file, "").unwrap();
}

/// Starts a build, and waits until the call that hangs is asked and the tool has the answers of the others of its phase: what a
/// program has said is not the tool's before the program has ended.
fn start(space: &Space) -> Running<'_> {
    let mut running = space.start(space.tool(&["build", "--format", "json", "-j", "4"]));
    running.until(hangs);
    for label in ["phase1_batch_2", "phase1_batch_3"] {
        running.until_event(|event| event["event"] == "call_ended" && event["label"] == label);
    }
    running
}

fn hangs(books: &[Call]) -> bool {
    states(books, "S0001") == ["asked"]
}

fn answered(books: &[Call], item: &str) -> bool {
    states(books, item).contains(&"answered")
}

/// What the books say of the calls of phase 1 that an item was in.
fn states<'b>(books: &'b [Call], item: &str) -> Vec<&'b str> {
    let calls =
        books.iter().filter(|call| call.phase == "phase1" && call.items.iter().any(|found| found == item));
    calls.map(|call| call.state.as_str()).collect()
}

#[track_caller]
fn assert_bought_once(space: &Space) {
    for ((phase, item), count) in space.answered() {
        assert_eq!(count, 1, "{phase} {item}");
    }
}

#[test]
fn the_second_of_two_builds_is_told_who_is_building() {
    let (space, file) = hanging();
    let first = start(&space);
    let second = space.run(&["build"]).exits(5);
    assert!(second.stderr.contains("another build holds this workspace"), "{second:#?}");
    assert!(
        second.stderr.contains("build --format json -j 4") && second.stderr.contains("--wait"),
        "{second:#?}"
    );
    assert!(second.books.is_empty());
    for question in
        [&["plan"][..], &["status"], &["why", "phase1/S0030"], &["show", "phase1/S0021"], &["log"]]
    {
        let ran = space.run(question).exits(0);
        assert!(!ran.stdout.is_empty(), "{question:?}: {ran:#?}");
    }
    go(&file);
    let ran = first.end().exits(0);
    assert_eq!(ran.calls(), ran.summary()["calls"].as_u64().unwrap() as usize);
    assert_bought_once(&space);
    assert_fresh(&space);
    assert_as_clean(&space);
}

#[test]
fn a_build_that_waits_has_nothing_left_to_do() {
    let (space, file) = hanging();
    let first = start(&space);
    let second = space.start(space.tool(&["build", "--format", "json", "--wait"]));
    go(&file);
    first.end().exits(0);
    let second = second.end().exits(0);
    assert_eq!(second.summary()["calls"], 0, "{second:#?}");
    assert_bought_once(&space);
    assert_fresh(&space);
}

#[test]
fn one_interrupt_waits_for_what_is_in_flight_and_links_it() {
    let (space, file) = hanging();
    let mut first = start(&space);
    first.interrupt();
    first.until_printed("\"event\":\"interrupted\"");
    go(&file);
    let ran = first.end().exits(130);
    assert!(answered(&ran.books, "S0001"), "the call in flight came to its end: {ran:#?}");
    assert_eq!(space.json("course/seed_pairs.json").as_object().unwrap().len(), SEEDS, "{ran:#?}");
    let next = space.build(&[]).exits(0);
    assert!(next.bought("phase1").is_empty(), "{next:#?}");
    assert_bought_once(&space);
    assert_fresh(&space);
    assert_as_clean(&space);
}

#[test]
fn a_second_interrupt_ends_what_is_in_flight() {
    let (space, file) = hanging();
    let mut first = start(&space);
    first.interrupt();
    first.until_printed("\"event\":\"interrupted\"");
    first.interrupt();
    // It ends although the call would hang.
    let ran = first.end().exits(130);
    assert!(!answered(&ran.books, "S0001"), "{ran:#?}");
    let pairs = space.json("course/seed_pairs.json");
    assert!(pairs.get("S0001").is_none() && pairs.get("S0021").is_some(), "what came is linked: {pairs:#}");

    go(&file);
    let next = space.build(&[]).exits(0);
    assert_eq!(next.bought("phase1").len(), 20, "the call that was ended is asked again: {next:#?}");
    assert_bought_once(&space);
    assert_fresh(&space);
    assert_as_clean(&space);
}
