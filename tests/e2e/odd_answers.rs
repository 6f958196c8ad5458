//! Answers as agents give them: what is taken of each, what is asked again, and what the next attempt is told.

use crate::support::{Call, Ran, Space};
use serde_json::{Value, json};

fn built(fault: &Value, more: &[&str]) -> (Space, Ran) {
    let space = Space::batching(20);
    space.faults(&json!([fault]));
    let ran = space.build(&[&["phase1"], more].concat());
    (space, ran)
}

fn asked(ran: &Ran) -> Vec<&Call> {
    ran.asked().collect()
}

/// Nothing more is bought.
#[track_caller]
fn assert_bought(space: &Space) {
    assert_eq!(space.build(&["phase1"]).exits(0).calls(), 0);
}

/// What the call that brought nothing, or not all, is told to have lacked.
fn told(ran: &Ran) -> String {
    let ended = ran.events.iter().filter(|event| event["event"] == "call_ended");
    ended.map(|event| format!("{} {}", event["trouble"], event["findings"])).collect()
}

#[test]
fn what_can_be_read_costs_one_call() {
    for fault in ["prose", "fenced", "twice", "to_file", "extra"] {
        let (space, ran) = built(&json!({"fault": fault, "item": "S0007"}), &[]);
        let ran = ran.exits(0);
        assert_eq!(ran.calls(), 1, "{fault}: {ran:#?}");
        assert_eq!(space.json("course/seed_pairs.json").as_object().unwrap().len(), 20, "{fault}");
    }
}

#[test]
fn a_whole_answer_counts_although_its_program_ran_out_of_time() {
    let hurried = |faults: &Value| {
        let space = Space::batching(20);
        let manifest = space.read("coursebuild.toml");
        space.write("coursebuild.toml", &manifest.replace("[generate]\n", "[generate]\ntimeout_s = 2\n"));
        space.faults(faults);
        let ran = space.build(&["phase1"]).exits(0);
        assert_eq!(space.json("course/seed_pairs.json").as_object().unwrap().len(), 20, "{ran:#?}");
        ran
    };
    let lingers = json!({"fault": "linger", "phase": "phase1", "attempts": [1]});
    let whole = hurried(&json!([lingers]));
    assert_eq!(whole.calls(), 1, "{whole:#?}");
    let half = hurried(&json!([lingers, {"fault": "truncated", "phase": "phase1", "attempts": [1]}]));
    assert_eq!(half.calls(), 2, "{half:#?}");
    assert!(told(&half).contains("2 s"), "{}", told(&half));
}

#[test]
fn one_item_that_is_wrong_is_asked_for_alone() {
    for (fault, why) in
        [("missing", "was asked for and is not in the answer"), ("shape", "S0007"), ("wrong", "S0007")]
    {
        let (space, ran) = built(&json!({"fault": fault, "item": "S0007", "attempts": [1]}), &[]);
        let ran = ran.exits(0);
        let calls = asked(&ran);
        assert_eq!(calls.len(), 2, "{fault}: {ran:#?}");
        assert_eq!((calls[1].items.as_slice(), calls[1].attempt), (&["S0007".to_owned()][..], 2), "{fault}");
        assert!(told(&ran).contains(why), "{fault}: {}", told(&ran));
        assert_bought(&space);
    }
}

#[test]
fn an_answer_that_cannot_be_read_is_an_attempt_of_all_items_and_says_why() {
    for (fault, why) in [
        (json!({"fault": "empty"}), "the answer is empty"),
        (json!({"fault": "not_json"}), "the answer holds no JSON object"),
        (json!({"fault": "utf16"}), "the answer is UTF-16 text, and UTF-8 is wanted"),
        (json!({"fault": "latin1"}), "it looks like Latin-1"),
        (json!({"fault": "pad", "bytes": 100 << 20}), "16777216 are the most that is read"),
        (json!({"fault": "exit", "code": 7}), "the program exited with 7"),
    ] {
        let mut fault = fault;
        fault["attempts"] = json!([1]);
        let (space, ran) = built(&fault, &[]);
        let ran = ran.exits(0);
        let calls = asked(&ran);
        assert_eq!((calls.len(), calls[1].items.len(), calls[1].attempt), (2, 20, 2), "{fault}: {ran:#?}");
        assert!(told(&ran).contains(why), "{fault}: {}", told(&ran));
        let log = space.run(&["log", "phase1/1"]).exits(0).stdout;
        assert!(log.contains("attempt 1,") && log.contains("attempt 2,"), "{log}");
    }
}

#[test]
fn of_a_cut_off_answer_the_whole_items_stay_and_the_rest_is_no_attempt() {
    let (space, ran) = built(&json!({"fault": "truncated", "item": "S0001"}), &[]);
    let ran = ran.exits(0);
    let calls = asked(&ran);
    assert_eq!(calls.len(), 2, "{ran:#?}");
    let rest = &calls[1].items;
    assert!((5..=10).contains(&rest.len()), "two thirds came: {rest:?}");
    assert_eq!(*rest, calls[0].items[20 - rest.len()..], "what came before the cut is not asked again");
    assert_eq!(calls[1].attempt, 1, "what was not reached was not attempted");
    assert!(told(&ran).contains("was cut off"), "{}", told(&ran));
    assert!(space.run(&["log", "phase1/1"]).exits(0).stdout.contains("it was cut off"));
    assert_bought(&space);
}

#[test]
fn a_call_that_is_always_cut_off_gets_smaller_until_it_fits() {
    let space = Space::batching(20);
    space.faults(&json!([{"fault": "truncated"}]));
    let ran = space.build(&["phase1"]).exits(1);
    let sizes: Vec<usize> = ran.asked().map(|call| call.items.len()).collect();
    assert!(sizes.len() <= 20, "{sizes:?}");
    assert!(ran.asked().all(|call| call.attempt == 1 || call.items.len() == 1), "{sizes:?}");
    // What is cut off although it was asked for alone is an attempt like any other.
    assert_eq!(ran.summary()["items_failed"], 1, "{ran:#?}");
    space.faults(&json!([]));
    space.build(&["phase1", "--retry-failed"]).exits(0);
    assert_bought(&space);
}

#[test]
fn after_a_restart_what_a_cut_off_answer_did_not_reach_has_all_its_attempts() {
    let space = Space::batching(20);
    space.faults(&json!([{"fault": "truncated", "item": "S0001"}]));
    let ran = space.build(&["phase1", "--max-calls", "1"]).exits(4);
    let left = space.plan(&["phase1"])["items"]["max"].as_u64().unwrap();
    assert_eq!(left, 20 - ran.summary()["items_generated"].as_u64().unwrap());
    assert!((5..=10).contains(&left), "{ran:#?}");
    let ran = space.build(&["phase1"]).exits(0);
    assert_eq!(
        ran.asked().map(|call| (call.attempt, call.items.len() as u64)).collect::<Vec<_>>(),
        [(1, left)]
    );
}
