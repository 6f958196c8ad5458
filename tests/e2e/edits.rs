//! What an edit costs: calls and items, against the plan and the generator's own books.

use crate::support::expect::{MAIN_FILES, assert_as_clean, assert_fresh, built, plan_of};
use crate::support::synth::{self, Synth};
use crate::support::{Call, Space};
use serde_json::{Value, json};

/// Every item of a phase was bought once, none twice.
#[track_caller]
fn assert_bought_once(space: &Space, phase: &str, items: usize) {
    let answered = space.answered();
    let of_phase: Vec<_> = answered.iter().filter(|((found, _), _)| found == phase).collect();
    assert_eq!(of_phase.len(), items, "items of {phase}");
    for ((_, id), count) in of_phase {
        assert_eq!(*count, 1, "{phase} {id}");
    }
}

#[test]
fn a_first_build_buys_each_item_once_and_a_second_one_nothing() {
    let space = Space::batching(45);
    let ran = space.build(&[]).exits(0);
    let legos: usize = space.json("course/lego_pairs.json").as_array().unwrap().iter().map(legos_of).sum();
    assert_eq!(ran.calls(), 3 + 3 + legos.div_ceil(60));
    assert_eq!(ran.summary()["items_generated"], 45 + 45 + legos);
    for (phase, items) in [("phase1", 45), ("phase3", 45), ("phase5", legos)] {
        assert_bought_once(&space, phase, items);
    }
    for path in MAIN_FILES {
        assert!(space.path(path).is_file(), "{path}");
    }
    assert_fresh(&space);
}

fn legos_of(seed: &Value) -> usize {
    seed[2].as_array().unwrap().len()
}

#[test]
fn one_changed_word_buys_one_seed_in_each_phase() {
    let space = built(Space::batching(45));
    space.edit_seeds(|seeds| synth::change_word(seeds, 20, 1));
    let plan = space.plan(&[]);
    assert_eq!(plan_of(&plan, "phase1")["stale"], 1, "{plan:#}");
    assert_eq!(plan_of(&plan, "phase3")["pending"], 1, "{plan:#}");
    let ran = space.build(&[]).exits(0);
    assert_eq!(ran.calls(), 3);
    assert_eq!((ran.bought("phase1"), ran.bought("phase3")), (vec!["S0021"], vec!["S0021"]));
    let of_seed = |item: &&str| item.starts_with("S0021L");
    assert!(ran.bought("phase5").iter().all(of_seed), "{ran:#?}");
    assert_fresh(&space);
}

#[test]
fn an_edit_undone_buys_nothing() {
    let space = built(Space::batching(25));
    let seeds = space.seeds();
    space.edit_seeds(|seeds| synth::change_word(seeds, 3, 1));
    assert_eq!(space.build(&[]).exits(0).calls(), 3);
    space.write_seeds(&seeds);
    assert_eq!(space.build(&[]).exits(0).calls(), 0);
    assert_fresh(&space);
}

#[test]
fn inserting_moving_and_deleting_buy_only_what_is_new() {
    let space = built(Space::batching(45));
    space.edit_seeds(|seeds| synth::insert(seeds, 0));
    let ran = space.build(&[]).exits(0);
    assert_eq!((ran.calls(), ran.bought("phase1")), (3, vec!["S0046"]));
    space.edit_seeds(|seeds| synth::shift(seeds, 30, 2));
    assert_eq!(space.build(&[]).exits(0).calls(), 0, "moved");
    space.edit_seeds(|seeds| synth::delete(seeds, 7));
    assert_eq!(space.build(&[]).exits(0).calls(), 0, "deleted");
    let order: Vec<String> = space.seeds().into_iter().map(|seed| seed.id).collect();
    let pairs = space.json("course/seed_pairs.json");
    assert_eq!(pairs.as_object().unwrap().keys().collect::<Vec<_>>(), order.iter().collect::<Vec<_>>());
    assert_fresh(&space);
}

#[test]
fn a_scoped_section_makes_only_its_items_stale() {
    let space = built(Space::of(&Synth { scoped: Some((21, 40)), ..Synth::new(45) }));
    let path = "docs/phase_intelligence/phase_1_translation.md";
    space.replace(path, "items=S0021-S0040 -->\n", "items=S0021-S0040 -->\n\nOne more thing.\n");
    let plan = space.plan(&[]);
    assert_eq!(plan_of(&plan, "phase1")["stale"], 20, "{plan:#}");
    let ran = space.build(&[]).exits(0);
    assert_eq!((ran.calls(), ran.bought("phase1").len()), (1, 20), "the translations come out the same");
}

#[test]
fn nothing_that_is_sent_is_missing_from_a_key() {
    let space = built(Space::digests(10));
    assert_fresh(&space);
    let edits = [
        ("docs/first.md", "Take care.", "Take great care."),
        ("docs/first.md", "Take more care.", "Take much more care."),
        ("docs/second.md", "for all parts", "for each part"),
        ("rules/prompts/system.md.j2", "You write", "You only write"),
        ("rules/prompts/first.md.j2", "title }}.", "title }}:"),
        ("rules/prompts/second.md.j2", "title }}.", "title }}:"),
        ("rules/schemas/digest.json", "32}", "31}"),
        ("rules/second.toml", "Digests of parts", "Digests of all parts"),
        // Said otherwise: neither key nor prompt may tell the difference, or both have to.
        (
            "rules/second.toml",
            "input = { id = \"/id\", text = \"/text\" }",
            "input = { text = \"/text\", id = \"/id\" }",
        ),
        (
            "rules/schemas/digest.json",
            "\"type\": \"object\",\n  \"required\": [\"digest\", \"parts\"],",
            "\"required\": [\"digest\", \"parts\"],\n  \"type\": \"object\",",
        ),
        ("rules/schemas/digest.json", "\"items\": {\"type\"", "\"items\":   {\"type\""),
        ("docs/first.md", "What is for all.", "<!-- not sent -->What is for all."),
        ("docs/first.md", "- begun", "- began"),
        ("docs/first.md", "# First\n", "# First  \r\n"),
        ("docs/first.md", "What is for all.", "What is for cafe\u{301}s."),
        ("docs/first.md", "What is for cafe\u{301}s.", "What is for caf\u{e9}s."),
        ("rules/prompts/second.md.j2", "title }}:", "title }}:  "),
        ("rules/first.toml", "name = \"first\"\n", "name = \"first\"\nattempts = 5\n"),
        ("coursebuild.toml", "qaa_for_eng", "qab_for_eng"),
        ("coursebuild.toml", "target = \"qaa\"", "target = \"qaa\"\ntarget_name = \"Qaa\""),
        ("coursebuild.toml", "known = \"eng\"", "known = \"fra\""),
    ];
    for (path, old, new) in edits {
        space.replace(path, old, new);
        space.build(&[]).exits(0);
        assert_as_clean(&space);
    }
    space.edit_seeds(|seeds| {
        synth::change_word(seeds, 4, 1);
        synth::shift(seeds, 8, 1);
    });
    space.build(&[]).exits(0);
    assert_as_clean(&space);
    assert_fresh(&space);
}

#[test]
fn one_wrong_item_is_asked_again_alone() {
    let space = Space::batching(20);
    space.faults(&json!([{"fault": "wrong", "phase": "phase3", "item": "S0007", "attempts": [1]}]));
    let ran = space.build(&[]).exits(0);
    let retries: Vec<_> = ran.asked().filter(|call| call.attempt == 2).collect();
    assert_eq!(retries.len(), 1);
    assert_eq!((retries[0].phase.as_str(), &retries[0].items[..]), ("phase3", &["S0007".to_owned()][..]));
    assert_fresh(&space);
}

#[test]
fn an_answer_in_prose_in_a_fence_or_in_a_file_is_an_answer() {
    let space = Space::batching(20);
    space.faults(&json!([
        {"fault": "prose", "phase": "phase1"},
        {"fault": "fenced", "phase": "phase3"},
        {"fault": "to_file", "phase": "phase5"},
        {"fault": "flood", "phase": "phase5", "bytes": 1_000_000},
    ]));
    let ran = space.build(&[]).exits(0);
    assert!(ran.asked().all(|call| call.attempt == 1), "{ran:#?}");
    assert_fresh(&space);
}

#[test]
fn a_lost_main_file_is_linked_again_without_a_call() {
    let space = built(Space::batching(20));
    let before = space.read("course/lego_pairs.json");
    space.remove("course/lego_pairs.json");
    assert_eq!(space.build(&[]).exits(0).calls(), 0);
    assert_eq!(space.read("course/lego_pairs.json"), before);
    assert_fresh(&space);
}

#[test]
fn a_copied_workspace_is_another_one() {
    let space = built(Space::batching(5));
    // The files are old enough after a while for a stamp of them to be trusted.
    let mut builds = 0;
    while space.build(&[]).exits(0).summary()["by_stamp"] != true {
        builds += 1;
        assert!(builds < 100, "a stamp is never trusted");
    }
    let copy = space.copy();
    copy.edit_seeds(|seeds| synth::change_word(seeds, 2, 1));
    assert_eq!(copy.build(&[]).exits(0).calls(), 3, "the stamp is of the files that were copied");
    assert_fresh(&copy);
}

#[test]
fn a_broken_manifest_is_shown_with_its_line() {
    let space = Space::batching(5);
    space.replace("coursebuild.toml", "known = \"eng\"", "knwon = \"eng\"");
    let ran = space.run(&["build"]).exits(2);
    assert!(ran.stderr.contains("coursebuild.toml:") && ran.stderr.contains("knwon"), "{ran:#?}");
    assert_eq!(ran.books, []);
}

#[test]
fn a_killed_build_buys_nothing_twice_and_waits_for_the_call_that_lives_on() {
    let space = Space::batching(40);
    let go = space.around().join("go");
    space.faults(&json!([{"fault": "hang", "phase": "phase1", "item": "S0001", "until": go}]));
    let mut running = space.start(space.tool(&["build", "-j", "4"]));
    running.until(|books| {
        states_of(books, "S0001") == ["asked"] && states_of(books, "S0021") == ["asked", "answered"]
    });
    running.kill();
    std::fs::write(go, "").unwrap();
    space.build(&["-j", "4"]).exits(0);
    for ((phase, item), count) in space.answered() {
        assert_eq!(count, 1, "{phase} {item}");
    }
    let asked = space.books().iter().filter(|call| call.state == "asked").count();
    assert_eq!(asked * 2, space.books().len(), "a call was asked and never answered");
    assert_fresh(&space);
}

/// What the books say of the calls that an item was in.
fn states_of<'b>(books: &'b [Call], item: &str) -> Vec<&'b str> {
    let calls = books.iter().filter(|call| call.items.iter().any(|found| found == item));
    calls.map(|call| call.state.as_str()).collect()
}

#[test]
fn a_copy_of_a_workspace_looks_at_its_own_files() {
    let space = Space::batching(3);
    space.build(&[]).exits(0);
    let copy = Space::new();
    for (path, bytes) in space.files() {
        copy.write_bytes(&path, &bytes);
    }
    synth_word(&copy);
    copy.run(&["plan", "--exit-code"]).exits(3);
    // The stamp of the original says nothing of the copy.
    copy.run(&["build", "--locked"]).exits(3);
}

fn synth_word(space: &Space) {
    space.edit_seeds(|seeds| seeds[1].source.push_str(" anew"));
}

#[test]
fn what_a_call_said_and_what_a_run_did_can_be_read_later() {
    let space = Space::batching(2);
    space.faults(&json!([{"fault": "tell", "name": "COURSEBUILD_SCOPE", "attempts": [1]}]));
    space.build(&[]).exits(0);
    let log = space.run(&["log", "-v", "phase1"]).exits(0);
    assert!(log.stdout.contains("beside it: it is S0001-S0002"), "{}", log.stdout);
    assert!(log.stdout.contains("answer: {\"S0001\""), "{}", log.stdout);
    let runs: Vec<String> = space.everything().into_keys().filter(|path| path.contains("/runs/")).collect();
    let [run] = &runs[..] else { panic!("{runs:?}") };
    let events = space.read(run);
    let first: Value = serde_json::from_str(events.lines().next().unwrap()).unwrap();
    assert_eq!(first["event"], "started");
    assert_eq!(events.lines().filter(|line| line.contains("\"call_ended\"")).count(), 3);
    space.build(&[]).exits(0);
    assert_eq!(
        space.everything().into_keys().filter(|path| path.contains("/runs/")).count(),
        1,
        "no call, no log"
    );
}

#[test]
fn an_answer_beyond_all_measure_is_one_failed_attempt() {
    let space = Space::batching(2);
    space.faults(&json!([{"fault": "pad", "bytes": 17 << 20, "phase": "phase1", "attempts": [1]}]));
    let ran = space.build(&[]).exits(0);
    let trouble = ran.events.iter().find_map(|event| event["trouble"].as_str());
    assert!(trouble.is_some_and(|text| text.contains("16777216 are the most")), "{trouble:?}");
    assert_eq!(
        ran.asked().filter(|call| call.phase == "phase1").count(),
        2,
        "asked once more, for all items"
    );
    assert_fresh(&space);
}
