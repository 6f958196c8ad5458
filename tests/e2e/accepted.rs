//! What people decide: an accepted edit costs nothing, a waived finding stops nothing, a pinned result stays; and each of them,
//! taken back, leaves what was there before.

use crate::support::expect::{MAIN_FILES, PHASES, assert_fresh, built, plan_of};
use crate::support::synth;
use crate::support::{Ran, Space};
use serde_json::{Value, json};

const SEEDS: usize = 25;
const PAIRS: &str = MAIN_FILES[0];
const LEGOS: &str = MAIN_FILES[1];
const LOCK: &str = MAIN_FILES[3];
const ACCEPTED: &str = "coursebuild.accepted.toml";
const DOCUMENT: &str = "docs/phase_intelligence/phase_1_translation.md";
/// A seed with four LEGOs.
const SEED: &str = "S0008";
const BY_HAND: &str = "a mano";

fn course() -> Space {
    built(Space::batching(SEEDS))
}

/// Edits a section of the document of the first phase.
fn edit(space: &Space, section: &str) {
    let heading = format!("\n### Rule {section}\n");
    space.replace(DOCUMENT, &heading, &format!("{heading}\nMind the word order.\n"));
}

#[track_caller]
fn accept(space: &Space, args: &[&str]) -> Ran {
    space.run(&[&["accept", "--reason", "a typo"], args].concat()).exits(0)
}

#[track_caller]
fn why(space: &Space, target: &str) -> Value {
    let ran = space.run(&["why", "--format", "json", target]).exits(0);
    serde_json::from_str::<Value>(&ran.stdout).unwrap()["items"][0].clone()
}

/// The workspace as a fresh clone has it: without the store.
fn clone_of(space: &Space) -> Space {
    let clone = space.copy();
    clone.remove(".coursebuild");
    clone
}

#[test]
fn an_accepted_edit_costs_nothing_and_can_be_taken_back() {
    let space = course();
    let before = space.outputs();
    edit(&space, "1.1");
    let stale = space.plan(&[]);
    assert_eq!(plan_of(&stale, "phase1")["stale"], SEEDS);
    assert_eq!(plan_of(&stale, "phase1")["acceptable"], SEEDS);
    let listed = space.run(&["accept"]).exits(0);
    assert!(listed.stdout.contains("Rule 1.1") && listed.stdout.contains("25 items"), "{}", listed.stdout);

    let ran = accept(&space, &[DOCUMENT]);
    assert!(ran.stdout.contains("0 calls for 0 items instead of 2"), "{}", ran.stdout);
    assert_fresh(&space);
    assert!(before == space.outputs(), "neither main files nor lock change");
    assert!(clone_of(&space).build(&["--locked"]).exits(0).calls() == 0, "a clone without a store");
    let listed = space.run(&["accept", "--list"]).exits(0);
    assert!(listed.stdout.contains("a typo") && listed.stdout.contains("Rule 1.1"), "{}", listed.stdout);

    let accepted = space.read(ACCEPTED);
    space.run(&["accept", "--revoke", DOCUMENT]).exits(0);
    assert!(!space.path(ACCEPTED).exists(), "a file that holds nothing goes");
    assert_eq!(space.plan(&[]), stale, "exactly what was there before");

    space.write(ACCEPTED, &accepted);
    let document = space.read(DOCUMENT).replace("\nMind the word order.\n", "");
    space.write(DOCUMENT, &document);
    assert_fresh(&space);
    space.remove(ACCEPTED);
    assert_fresh(&space);
}

#[test]
fn only_what_nobody_accepted_counts() {
    let space = course();
    edit(&space, "1.1");
    accept(&space, &[DOCUMENT]);
    edit(&space, "1.2");
    let plan = space.plan(&[]);
    let reasons = plan_of(&plan, "phase1")["reasons"].as_array().unwrap();
    assert_eq!(reasons.len(), 1, "{plan:#}");
    assert!(reasons[0]["reason"].as_str().unwrap().contains("Rule 1.2"), "{plan:#}");
    let clone = space.copy();
    assert_eq!(clone.build(&[]).exits(0).buys(PHASES)[0], (2, SEEDS));
    assert_fresh(&clone);

    // The second one is accepted too, later, and both are undone one after the other.
    accept(&space, &[DOCUMENT]);
    assert_fresh(&space);
    assert_eq!(space.read(ACCEPTED).matches("[[accept]]").count(), 2);
    let heading = "\n### Rule 1.2\n";
    space.replace(DOCUMENT, &format!("{heading}\nMind the word order.\n"), heading);
    assert_fresh(&space);
}

#[test]
fn sections_that_come_go_and_change_their_names_can_be_accepted() {
    let space = course();
    let original = space.read(DOCUMENT);
    space.replace(DOCUMENT, "\n### Rule 1.2\n", "\n### The second rule\n");
    let rest = space.read(DOCUMENT);
    let (from, to) = (rest.find("### Rule 2.1").unwrap(), rest.find("### Rule 2.3").unwrap());
    space.write(DOCUMENT, &format!("{}### New\n\nText.\n\n{}", &rest[..from], &rest[to..]));
    assert_eq!(plan_of(&space.plan(&[]), "phase1")["stale"], SEEDS);
    accept(&space, &["docs"]);
    assert_eq!(space.read(ACCEPTED).matches("[[accept]]").count(), 5);
    assert_fresh(&space);
    assert_eq!(clone_of(&space).build(&["--locked"]).exits(0).calls(), 0);
    space.write(DOCUMENT, &original);
    assert_fresh(&space);
}

#[test]
fn templates_and_schemas_can_be_accepted_for_one_phase() {
    let space = built(Space::batching(SEEDS).with_own_rules());
    let system = "rules/prompts/system.md.j2";
    space.write(system, &format!("{}\nThank you.\n", space.read(system)));
    let stale = space.plan(&[]);
    assert_eq!(plan_of(&stale, "phase1")["stale"], SEEDS);
    accept(&space, &["template/system", "--phase", "phase1"]);
    let plan = space.plan(&[]);
    assert_eq!(plan_of(&plan, "phase1")["fresh"], SEEDS);
    assert_eq!(plan_of(&plan, "phase3")["stale"], SEEDS);
    accept(&space, &["template"]);
    assert_fresh(&space);
}

/// With the generator of digests no two recipes give the same answer, so that it is seen whose result stands.
#[test]
fn a_result_under_the_present_key_goes_before_an_accepted_one() {
    const FIRST: &str = "docs/first.md";
    let space = built(Space::digests(9));
    let (old, first) = (space.read(FIRST), space.outputs());
    let new = old.replace("Take care.", "Take great care.");
    space.write(FIRST, &new);
    accept(&space, &[FIRST]);
    let accepted = space.read(ACCEPTED);
    assert_fresh(&space);
    assert!(first == space.outputs());

    space.remove(ACCEPTED);
    assert!(space.build(&[]).exits(0).calls() > 0);
    let second = space.outputs();
    assert!(first["course/first.json"] != second["course/first.json"]);
    space.write(ACCEPTED, &accepted);
    for (text, outputs) in [(&new, &second), (&old, &first), (&new, &second)] {
        space.write(FIRST, text);
        assert_eq!(space.build(&[]).exits(0).calls(), 0);
        for (path, bytes) in outputs.iter().filter(|(path, _)| !path.ends_with(".lock")) {
            assert!(*bytes == space.outputs()[path], "{path}");
        }
        space.remove(LOCK);
        assert_eq!(space.build(&[]).exits(0).calls(), 0);
        assert!(outputs["course/first.json"] == space.outputs()["course/first.json"], "without a lock");
        assert_fresh(&space);
    }
}

#[test]
fn what_is_bought_later_is_bought_under_the_edit_and_the_rest_stays() {
    let space = course();
    edit(&space, "1.1");
    accept(&space, &[DOCUMENT]);
    space.edit_seeds(|seeds| synth::insert(seeds, 5));
    let planned = space.plan(&["phase1"])["calls"].clone();
    assert_eq!(planned, json!({"min": 1, "max": 1}));
    let ran = space.build(&[]).exits(0);
    assert_eq!(ran.buys(PHASES).map(|(_, items)| items)[..2], [1, 1], "{ran:#?}");
    assert_fresh(&space);
    space.edit_seeds(|seeds| seeds.iter_mut().for_each(|seed| seed.id = seed.id.replace('S', "T")));
    assert_eq!(space.build(&[]).exits(0).calls(), 0, "results follow their contents to other names");
    assert_fresh(&space);
    space.run(&["accept", "--revoke", DOCUMENT]).exits(0);
    assert_eq!(plan_of(&space.plan(&[]), "phase1")["stale"], SEEDS, "all but the new one, under any name");
    let kept = space.build(&["-k"]).exits(0);
    assert_eq!(kept.bought("phase1").len(), SEEDS);
}

#[test]
fn what_was_taken_over_from_another_id_knows_what_it_was_made_from() {
    let space = course();
    space.edit_seeds(|seeds| seeds.iter_mut().for_each(|seed| seed.id = seed.id.replace('S', "T")));
    assert_eq!(space.build(&[]).exits(0).calls(), 0);
    edit(&space, "1.1");
    let plan = space.plan(&[]);
    let reasons = plan_of(&plan, "phase1")["reasons"].as_array().unwrap();
    assert!(reasons.len() == 1 && reasons[0]["reason"].as_str().unwrap().contains("Rule 1.1"), "{plan:#}");
    accept(&space, &[DOCUMENT]);
    assert_fresh(&space);
}

#[test]
fn hand_edits_are_not_held_for_an_accepted_edit() {
    let space = course();
    space.edit_json(PAIRS, |pairs| pairs[SEED][0] = json!(BY_HAND));
    space.build(&[]).exits(0);
    edit(&space, "1.1");
    assert_eq!(plan_of(&space.plan(&[]), "phase1")["held"], 1);
    accept(&space, &[DOCUMENT]);
    assert_eq!(plan_of(&space.plan(&[]), "phase1")["fresh"], SEEDS);
    assert_fresh(&space);
    assert_eq!(space.json(PAIRS)[SEED][0], BY_HAND);
}

fn with_model(space: &Space, model: &str, policy: &str) {
    let manifest = space.read("coursebuild.toml");
    let plain: Vec<&str> = manifest
        .lines()
        .filter(|line| {
            !line.starts_with("model = ") && !line.contains("phase.") && !line.contains("on_model")
        })
        .collect();
    let declared = format!("use = \"command\"\nmodel = \"{model}\"");
    let mut text = plain.join("\n").replace("use = \"command\"", &declared) + "\n";
    for phase in PHASES {
        text += &format!("[phase.{phase}]\non_model_change = \"{policy}\"\n");
    }
    space.write("coursebuild.toml", &text);
}

#[test]
fn results_of_another_model_stay_where_that_is_the_policy() {
    let space = Space::batching(SEEDS);
    with_model(&space, "old-model", "regenerate");
    let space = built(space);
    with_model(&space, "new-model", "regenerate");
    let stale = space.plan(&[]);
    assert_eq!(plan_of(&stale, "phase1")["stale"], SEEDS);
    with_model(&space, "new-model", "keep");
    assert_eq!(clone_of(&space).build(&["--locked"]).exits(0).calls(), 0, "a clone without a store");
    assert_eq!(space.build(&[]).exits(0).calls(), 0, "the lock notes who answers now");
    assert_fresh(&space);
    assert_eq!(clone_of(&space).build(&["--locked"]).exits(0).calls(), 0, "the lock knows both");

    space.edit_seeds(|seeds| synth::insert(seeds, 5));
    let ran = space.build(&[]).exits(0);
    assert_eq!(ran.buys(PHASES).map(|(_, items)| items)[..2], [1, 1], "{ran:#?}");
    assert_fresh(&space);
    let status = space.run(&["status", "--format", "json"]).exits(0);
    let status: Value = serde_json::from_str(&status.stdout).unwrap();
    assert_eq!(
        status["courses"][0]["phases"][0]["models"],
        json!([{"model": "old-model", "items": SEEDS}, {"model": "new-model", "items": 1}])
    );
    let text = space.run(&["status"]).exits(0).stdout;
    assert!(text.contains("    25 by `old-model`, 1 by `new-model`\n"), "{text}");

    with_model(&space, "new-model", "regenerate");
    assert_eq!(plan_of(&space.plan(&[]), "phase1")["stale"], SEEDS, "only those of the other model");
}

#[test]
fn a_new_model_can_be_accepted() {
    let space = Space::batching(SEEDS);
    with_model(&space, "model-1", "regenerate");
    let space = built(space);
    with_model(&space, "model-1-renamed", "regenerate");
    accept(&space, &["model"]);
    assert_eq!(space.build(&[]).exits(0).calls(), 0, "the lock notes who answers now");
    assert_fresh(&space);
    assert_eq!(clone_of(&space).build(&["--locked"]).exits(0).calls(), 0);
}

/// A course in which the LEGOs of one seed fail a check that is switched on only now.
fn rejected() -> Space {
    let space = Space::batching(SEEDS);
    let manifest = space.read("coursebuild.toml");
    space
        .write("coursebuild.toml", &format!("{manifest}\n[phase.phase3.check.tiling]\nseverity = \"off\"\n"));
    space.faults(&json!([{"fault": "wrong", "phase": "phase3", "item": SEED}]));
    let space = built(space);
    space.faults(&json!([]));
    space.write("coursebuild.toml", &manifest);
    space
}

#[test]
fn a_waived_finding_stops_nothing_until_it_is_taken_back() {
    let space = rejected();
    let refused = space.plan(&[]);
    assert_eq!(plan_of(&refused, "phase3")["rejected"], 1, "{refused:#}");
    let target = format!("phase3/{SEED}");
    assert_eq!(space.run(&["waive", &target]).code, Some(2), "a reason is wanted");
    assert_eq!(space.run(&["waive", &target, "--check", "echo", "--reason", "x"]).code, Some(2));
    let ran = space.run(&["waive", &target, "--check", "tiling", "--reason", "an idiom"]).exits(0);
    assert!(ran.stdout.contains("tiling") && ran.stdout.contains("instead of 1"), "{}", ran.stdout);
    assert_eq!(space.build(&[]).exits(0).calls(), 0);
    assert_fresh(&space);
    let told = why(&space, &target);
    assert_eq!((&told["verdict"], &told["findings"][0]["severity"]), (&json!("fresh"), &json!("waived")));
    assert!(told["findings"][0]["message"].as_str().unwrap().contains("(waived: an idiom)"), "{told:#}");
    assert!(space.run(&["status"]).stdout.contains("    1 waived\n"));
    assert!(space.run(&["waive", "--list"]).stdout.contains("an idiom"));
    assert!(clone_of(&space).build(&["--locked"]).exits(0).calls() == 0, "a clone without a store");

    // The lock is the same; only the waiver is gone.
    let other = space.copy();
    other.remove(ACCEPTED);
    assert_eq!(plan_of(&other.plan(&[]), "phase3")["rejected"], 1);
    let clone = clone_of(&other);
    assert_eq!(plan_of(&clone.plan(&[]), "phase3")["rejected"], 1, "nor does a clone take it for good");

    space.run(&["waive", "--revoke", &target]).exits(0);
    assert_eq!(space.plan(&[])["calls"], refused["calls"]);
    let ran = space.build(&[]).exits(0);
    assert_eq!(ran.bought("phase3"), [SEED]);
    assert_fresh(&space);
}

#[test]
fn another_output_is_judged_anew() {
    let space = rejected();
    space.run(&["waive", SEED, "--reason", "an idiom"]).exits(0);
    assert_eq!(space.build(&[]).exits(0).calls(), 0);
    space.edit_json(LEGOS, |seeds| {
        let seed = seeds.as_array_mut().unwrap().iter_mut().find(|seed| seed[0] == SEED).unwrap();
        seed[2][0][2] = json!(BY_HAND);
    });
    assert_eq!(plan_of(&space.plan(&[]), "phase3")["held"], 1, "the waiver was for another output");
    space.run(&["waive", SEED, "--reason", "mine"]).exits(0);
    assert_eq!(plan_of(&space.plan(&[]), "phase3")["held"], 0, "a held one is fresh with it");
    space.build(&[]).exits(0);
    assert_fresh(&space);
    assert_eq!(plan_of(&clone_of(&space).plan(&[]), "phase3")["held"], 0);
    space.run(&["waive", "--revoke", SEED]).exits(0);
    assert_eq!(plan_of(&space.plan(&[]), "phase3")["held"], 1);
}

#[test]
fn exhausted_attempts_can_be_waived() {
    let space = Space::batching(SEEDS);
    space.faults(&json!([{"fault": "wrong", "phase": "phase3", "item": SEED}]));
    let ran = space.build(&["-k"]).exits(1);
    assert!(ran.calls() > 0);
    space.faults(&json!([]));
    assert_eq!(plan_of(&space.plan(&[]), "phase3")["failed"], 1);
    space.run(&["waive", SEED, "--reason", "good enough"]).exits(0);
    let plan = space.plan(&[]);
    assert_eq!(
        (&plan_of(&plan, "phase3")["failed"], &plan_of(&plan, "phase3")["fresh"]),
        (&json!(0), &json!(25))
    );
    space.run(&["waive", "--revoke", SEED]).exits(0);
    assert_eq!(plan_of(&space.plan(&[]), "phase3")["failed"], 1, "its attempts are counted as before");
    space.run(&["waive", SEED, "--reason", "good enough"]).exits(0);
    let ran = space.build(&[]).exits(0);
    assert_eq!(ran.buys(PHASES)[1], (0, 0));
    assert_fresh(&space);
}

#[test]
fn a_pinned_result_stays_whatever_changes() {
    let space = course();
    let before = space.json(PAIRS)[SEED].clone();
    let target = format!("phase1/{SEED}");
    space.run(&["pin", &target, "--reason", "recorded"]).exits(0);
    assert_fresh(&space);
    edit(&space, "1.1");
    let plan = space.plan(&[]);
    assert_eq!(
        (&plan_of(&plan, "phase1")["held"], &plan_of(&plan, "phase1")["stale"]),
        (&json!(1), &json!(24))
    );
    let told = why(&space, &target);
    assert!(told["reasons"].to_string().contains("pinned"), "{told:#}");
    for args in [&[][..], &["-B", "phase1"], &["--refresh-edited"], &["--fix"]] {
        let ran = space.build(args).exits(0);
        assert!(!ran.bought("phase1").contains(&SEED), "{args:?}");
        assert_eq!(space.json(PAIRS)[SEED], before, "{args:?}");
    }
    assert_fresh(&space);
    let clone = clone_of(&space);
    assert_eq!(clone.build(&["--locked"]).exits(0).calls(), 0);
    assert_eq!(plan_of(&clone.plan(&[]), "phase1")["held"], 1);
    assert!(space.run(&["pin", "--list"]).stdout.contains("recorded"));
    assert!(space.run(&["status"]).stdout.contains("    1 pinned\n"));

    space.run(&["unpin", &target]).exits(0);
    assert!(!space.path(ACCEPTED).exists());
    let plan = space.plan(&[]);
    assert_eq!(
        (&plan_of(&plan, "phase1")["held"], &plan_of(&plan, "phase1")["stale"]),
        (&json!(0), &json!(1))
    );
    assert_eq!(space.build(&[]).exits(0).bought("phase1"), [SEED]);
    assert_fresh(&space);
}

#[test]
fn what_is_written_over_a_pinned_result_is_kept_in_the_store() {
    let space = course();
    let before = space.json(PAIRS)[SEED].clone();
    space.run(&["pin", SEED]).exits(0);
    space.edit_json(PAIRS, |pairs| pairs[SEED][0] = json!(BY_HAND));
    assert_eq!(space.build(&[]).exits(0).calls(), 0);
    assert_eq!(space.json(PAIRS)[SEED], before);
    let log = space.run(&["log", "--format", "json", &format!("phase1/{SEED}")]).stdout;
    assert!(log.contains("\"edited\""), "{log}");
    assert_fresh(&space);
}

#[test]
fn what_is_pinned_is_not_decided_about_before_it_is_let_go() {
    let space = course();
    space.edit_json(PAIRS, |pairs| {
        pairs[SEED][0] = json!(BY_HAND);
        pairs["S0002"][0] = json!(BY_HAND);
    });
    space.build(&[]).exits(0);
    let target = format!("phase1/{SEED}");
    space.run(&["pin", &target]).exits(0);
    edit(&space, "1.1");
    space.build(&["phase1"]).exits(0);
    let before = space.everything();
    for choice in [&["--mine"][..], &["--theirs"], &["--generation", "1"], &["--revoke"]] {
        let ran = space.run(&[&["resolve", &target], choice].concat()).exits(2);
        assert!(
            ran.stderr.contains("is pinned")
                && ran.stderr.contains(&format!("coursebuild unpin qaa_for_eng/{target}")),
            "{choice:?}: {}",
            ran.stderr
        );
    }
    assert!(before == space.everything(), "nothing is decided, nothing filed");
    let waits = space.run(&["resolve", "--list"]).exits(0).stdout;
    assert!(
        waits.contains("phase1/S0002: moved") && !waits.contains(&target),
        "a pin is a decision: {waits}"
    );
    let decided = space.run(&["resolve", "phase1", "--mine"]).exits(0).stdout;
    assert!(decided.contains("phase1/S0002") && decided.contains("1 item decided"), "{decided}");
    space.run(&["unpin", &target]).exits(0);
    let decided = space.run(&["resolve", &target, "--generation", "1"]).exits(0).stdout;
    assert!(decided.contains("1 item decided"), "{decided}");
    assert_ne!(space.json(PAIRS)[SEED][0], BY_HAND);
}

#[test]
fn a_pinned_result_that_is_lost_is_never_bought_over() {
    let space = course();
    space.run(&["pin", SEED]).exits(0);
    space.remove("course");
    assert_eq!(space.build(&[]).exits(0).calls(), 0, "the store has it");
    space.remove("course");
    space.remove(".coursebuild");
    let ran = space.run(&["build"]).exits(2);
    assert!(ran.stderr.contains("pinned") && ran.stderr.contains("unpin"), "{}", ran.stderr);
    assert!(ran.books.is_empty());
    space.run(&["unpin", SEED]).exits(0);
    assert!(space.build(&[]).exits(0).calls() > 0);
}

#[test]
fn the_file_is_read_with_care() {
    let space = course();
    edit(&space, "1.1");
    accept(&space, &[DOCUMENT]);
    let text = space.read(ACCEPTED);
    for (bad, what) in [
        (format!("<<<<<<< ours\n{text}"), "conflict markers"),
        (text.replace("reason", "because"), "unknown key `because`"),
    ] {
        space.write(ACCEPTED, &bad);
        let ran = space.run(&["plan"]).exits(2);
        assert!(
            ran.stderr.contains(what) && ran.stderr.contains("coursebuild.accepted.toml:"),
            "{}",
            ran.stderr
        );
    }
    space.write(ACCEPTED, &text);
    assert_fresh(&space);
    // The stamp of a complete build does not hide that the file changed.
    space.remove(ACCEPTED);
    assert_eq!(space.build(&["--locked"]).code, Some(3));
    assert_eq!(space.run(&["accept", "no/such.md", "--reason", "x"]).code, Some(2));
    assert_eq!(space.run(&["accept", DOCUMENT]).code, Some(2), "a reason is wanted");
}
