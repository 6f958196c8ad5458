//! What people write into main files is theirs: it is kept, fed to later phases, never bought over unasked, and never lost.

use crate::support::expect::{MAIN_FILES, PHASES, assert_fresh, built};
use crate::support::synth::{self, Seed};
use crate::support::{Ran, Space};
use serde_json::{Value, json};

const SEEDS: usize = 25;
const PAIRS: &str = MAIN_FILES[0];
const LEGOS: &str = MAIN_FILES[1];
const BASKETS: &str = MAIN_FILES[2];
const LOCK: &str = MAIN_FILES[3];
const DOCUMENT: &str = "docs/phase_intelligence/phase_1_translation.md";
/// A seed with four LEGOs.
const SEED: &str = "S0008";
const BY_HAND: &str = "a mano";

/// A built course.
fn course() -> Space {
    built(Space::batching(SEEDS))
}

/// A course with the translation of one seed written by hand, not built since.
fn edited() -> Space {
    let space = course();
    space.edit_json(PAIRS, |pairs| pairs[SEED][0] = json!(BY_HAND));
    space
}

/// The same, built: what comes of the translation is made from it.
fn edited_and_built() -> Space {
    let space = edited();
    let ran = space.build(&[]).exits(0);
    assert_eq!(
        ran.buys(PHASES),
        [(0, 0), (1, 1), (1, 1)],
        "the edit is one LEGO; its pair and LEGO are made anew"
    );
    assert_kept(&space);
    space
}

fn translation(space: &Space) -> Value {
    space.json(PAIRS)[SEED][0].clone()
}

/// The edit stands, in its main file and in what is made from it.
#[track_caller]
fn assert_kept(space: &Space) {
    assert_eq!(translation(space), BY_HAND);
    let seeds = space.json(LEGOS);
    let seed = seeds.as_array().unwrap().iter().find(|seed| seed[0] == SEED).unwrap();
    assert_eq!(seed[1][0], BY_HAND, "a later phase is fed with the edit");
}

#[track_caller]
fn lock_line(space: &Space, phase: &str, id: &str) -> String {
    let lock = space.read(LOCK);
    let line = lock.lines().find(|line| line.starts_with(&format!("{phase} {id} ")));
    line.unwrap_or_else(|| panic!("{phase} {id} is not in {lock}")).to_owned()
}

/// What the summary says is held, by target.
fn held(ran: &Ran) -> Vec<String> {
    let held = ran.summary()["held"].as_array().cloned().unwrap_or_default();
    assert_eq!(ran.summary()["items_held"].as_u64().unwrap_or(0), held.len() as u64, "{ran:#?}");
    held.iter().map(|line| line.as_str().unwrap().to_owned()).collect()
}

fn teach(space: &Space) {
    space.replace(DOCUMENT, "\n### Rule 1.1\n", "\n### Rule 1.1\n\nMind the word order.\n");
}

#[test]
fn an_edit_costs_nothing_in_its_own_phase_and_is_told_from_what_was_generated() {
    let space = edited_and_built();
    assert!(lock_line(&space, "phase1", SEED).ends_with(" edited"), "{}", space.read(LOCK));
    assert!(lock_line(&space, "phase1", "S0009").ends_with(" generated"));
    assert_fresh(&space);
}

#[test]
fn an_edit_of_the_last_phase_costs_nothing() {
    let space = course();
    let id = format!("{SEED}L02");
    space.edit_json(BASKETS, |baskets| baskets[&id]["e"][0][1] = json!(BY_HAND));
    let edited = space.read(BASKETS);
    assert_eq!(space.build(&[]).exits(0).calls(), 0);
    assert_eq!(space.read(BASKETS), edited);
    assert!(lock_line(&space, "phase5", &id).ends_with(" edited"));
    assert_fresh(&space);
}

#[test]
fn an_edit_outlives_a_document() {
    for space in [edited(), edited_and_built()] {
        teach(&space);
        let plan = space.plan(&[]);
        assert_eq!(plan["courses"][0]["phases"][0]["held"], 1, "{plan:#}");
        let ran = space.build(&[]).exits(0);
        assert_eq!(ran.buys(PHASES)[0], (2, SEEDS - 1), "all but the edit");
        assert!(!ran.bought("phase1").contains(&SEED));
        let [held] = &held(&ran)[..] else { panic!("{ran:#?}") };
        assert!(held.starts_with(&format!("qaa_for_eng/phase1/{SEED}: was edited by hand")), "{held}");
        assert_kept(&space);
        assert_fresh(&space);
    }
}

#[test]
fn an_edit_outlives_its_seed_as_it_was() {
    let space = edited_and_built();
    space.edit_seeds(|seeds| synth::change_word(seeds, 7, 1));
    let ran = space.build(&[]).exits(0);
    assert_eq!((ran.calls(), held(&ran).len()), (0, 1), "the held translation feeds what comes later");
    assert_kept(&space);
    assert_fresh(&space);
}

#[test]
fn an_edit_outlives_the_store_the_main_file_or_the_lock() {
    let space = edited_and_built();
    let before = space.outputs();
    for lost in [PAIRS, LEGOS, LOCK, "course", ".coursebuild"] {
        space.remove(lost);
        let ran = space.build(&[]).exits(0);
        assert_eq!(ran.calls(), 0, "without {lost}");
        assert!(before == space.outputs(), "without {lost}: {ran:#?}");
    }
    teach(&space);
    let ran = space.build(&[]).exits(0);
    assert_eq!(held(&ran).len(), 1, "the lock alone knows that it is an edit: {ran:#?}");
    assert_kept(&space);
}

#[test]
fn an_edit_that_no_build_has_seen_is_kept_without_a_lock() {
    let space = edited();
    space.remove(LOCK);
    let ran = space.build(&[]).exits(0);
    assert_eq!(ran.buys(PHASES)[0], (0, 0));
    let [held] = &held(&ran)[..] else { panic!("{ran:#?}") };
    assert!(held.contains("nothing tells where it comes from"), "{held}");
    assert_kept(&space);
    assert_fresh(&space);
    teach(&space);
    space.build(&[]).exits(0);
    assert_kept(&space);
}

#[test]
fn what_nobody_knows_is_not_built_over() {
    for (lock, why) in [(None, "there is no `"), (Some("<<<<<<< ours\n"), "conflict markers")] {
        let space = edited_and_built();
        space.remove(".coursebuild");
        match lock {
            None => space.remove(LOCK),
            Some(marker) => space.write(LOCK, &format!("{marker}{}", space.read(LOCK))),
        }
        let before = space.files();
        let ran = space.run(&["build"]).exits(2);
        assert!(ran.stderr.contains(why) && ran.stderr.contains("hint: "), "{ran:#?}");
        assert!(ran.stderr.contains("coursebuild.lock"), "{ran:#?}");
        assert!(ran.books.is_empty() && before == space.files(), "{ran:#?}");
    }
}

#[test]
fn an_edit_that_fails_a_check_is_held_until_it_is_to_be_fixed() {
    let space = course();
    space.edit_json(LEGOS, |seeds| {
        let seed = seeds.as_array_mut().unwrap().iter_mut().find(|seed| seed[0] == SEED).unwrap();
        seed[2][0][2] = json!(BY_HAND);
    });
    let edited = space.read(LEGOS);
    let ran = space.build(&[]).exits(0);
    assert_eq!(ran.buys(PHASES)[1], (0, 0));
    let [held] = &held(&ran)[..] else { panic!("{ran:#?}") };
    assert!(held.starts_with(&format!("qaa_for_eng/phase3/{SEED}: fails `tiling`")), "{held}");
    assert_eq!(space.read(LEGOS), edited);
    assert_fresh(&space);

    let ran = space.build(&["--fix"]).exits(0);
    assert_eq!(ran.bought("phase3"), [SEED], "{ran:#?}");
    assert_ne!(space.read(LEGOS), edited);
    assert_eq!(ran.summary()["items_held"].as_u64().unwrap_or(0), 0);
    assert_fresh(&space);
}

#[test]
fn orphans_go_and_those_written_by_hand_are_kept_in_the_store() {
    let space = course();
    let seed = space.seeds()[7].clone();
    space.edit_json(PAIRS, |pairs| {
        pairs[SEED][0] = json!(BY_HAND);
        pairs["S0777"] = json!([BY_HAND, "by hand"]);
    });
    space.edit_seeds(|seeds| synth::delete(seeds, 7));
    let ran = space.build(&[]).exits(0);
    assert_eq!(ran.calls(), 0);
    let told = ran.events.iter().filter_map(|event| event["message"].as_str());
    let told: Vec<&str> = told.filter(|message| message.contains("seed_pairs.json")).collect();
    assert!(
        matches!(told[..], [one] if one.contains("2 items") && one.contains("kept in the store")),
        "{told:?}"
    );
    for path in [PAIRS, LEGOS, BASKETS, LOCK] {
        let text = space.read(path);
        assert!(!text.contains(SEED) && !text.contains("S0777"), "{path}");
    }
    assert_fresh(&space);

    space.edit_seeds(|seeds| {
        seeds.insert(7, seed);
        seeds.push(Seed { id: "S0777".into(), source: "by hand".into() });
    });
    let ran = space.build(&[]).exits(0);
    assert_eq!(ran.buys(PHASES)[0], (0, 0), "what was written by hand is back: {ran:#?}");
    assert_eq!(held(&ran).len(), 2);
    assert_eq!(
        (translation(&space), space.json(PAIRS)["S0777"][0].clone()),
        (json!(BY_HAND), json!(BY_HAND))
    );
    assert_fresh(&space);
}

#[test]
fn conflict_markers_are_never_read_as_data() {
    let space = edited_and_built();
    let before = space.outputs();
    let lock = space.read(LOCK);
    space.write(LOCK, &format!("<<<<<<< ours\n{lock}=======\n{lock}>>>>>>> theirs\n"));
    let ran = space.build(&[]).exits(0);
    assert_eq!(ran.calls(), 0);
    assert!(before == space.outputs(), "the store knows every item, so the lock is written anew");

    let pairs = space.read(PAIRS);
    space.write(PAIRS, &format!("<<<<<<< ours\n{pairs}=======\n{{}}\n>>>>>>> theirs\n"));
    let before = space.files();
    let ran = space.run(&["build"]).exits(2);
    assert!(ran.stderr.contains("seed_pairs.json` holds the conflict markers"), "{ran:#?}");
    assert!(ran.books.is_empty() && before == space.files());
    space.write(PAIRS, &pairs);
    assert_fresh(&space);
}

#[test]
fn an_edit_follows_its_item_to_another_place() {
    let space = edited_and_built();
    space.edit_seeds(|seeds| {
        synth::shift(seeds, 7, 20);
        synth::insert(seeds, 0);
    });
    let ran = space.build(&[]).exits(0);
    assert_eq!(ran.bought("phase1"), ["S0026"]);
    assert_kept(&space);
    assert_fresh(&space);
}

#[test]
fn an_edit_that_is_taken_back_by_hand_stays_back() {
    let space = course();
    let before = space.files();
    space.edit_json(PAIRS, |pairs| pairs[SEED][0] = json!(BY_HAND));
    space.build(&[]).exits(0);
    assert_kept(&space);
    space.write_bytes(PAIRS, &before[PAIRS]);
    let ran = space.build(&[]).exits(0);
    assert_eq!(ran.buys(PHASES), [(0, 0); 3], "everything that it was made into is in the store");
    for file in [PAIRS, LEGOS, BASKETS] {
        assert_eq!(space.read(file).into_bytes(), before[file], "{file}");
    }
    assert_fresh(&space);
}

#[test]
fn a_moved_edit_is_refreshed_when_that_is_asked() {
    let space = edited_and_built();
    teach(&space);
    let ran = space.build(&[]).exits(0);
    assert_eq!(held(&ran).len(), 1);
    let ran = space.build(&["--refresh-edited"]).exits(0);
    assert_eq!(ran.buys(PHASES)[0], (1, 1), "the held item alone");
    assert_eq!(
        held(&ran).len(),
        0,
        "what was generated did not change, so the edit stands for the new document too"
    );
    assert_kept(&space);
    assert!(lock_line(&space, "phase1", SEED).ends_with(" edited"));
    assert_fresh(&space);
}

#[test]
fn what_is_bought_again_and_comes_out_the_same_is_still_known() {
    let space = course();
    space.build(&["-B", "phase1"]).exits(0);
    space.remove("course");
    let ran = space.build(&[]).exits(0);
    assert_eq!(ran.buys(PHASES), [(0, 0); 3]);
}

#[test]
fn a_batch_is_forced_alone() {
    let space = course();
    let ran = space.build(&["-B", "phase3/2"]).exits(0);
    assert_eq!(
        ran.buys(PHASES),
        [(0, 0), (1, SEEDS - 20), (0, 0)],
        "its items, and not what they are made from"
    );
    assert_eq!(space.run(&["build", "phase3/3"]).code, Some(2), "there are two batches");
}

#[test]
fn edits_follow_their_items_to_other_names() {
    // Many, for whether an edit or what was generated before it is taken must not hang on whose digest is smaller.
    for lock in [true, false] {
        let space = course();
        space.edit_json(PAIRS, |pairs| {
            pairs.as_object_mut().unwrap().values_mut().for_each(|pair| pair[0] = json!(BY_HAND));
        });
        space.build(&[]).exits(0);
        if !lock {
            space.remove(LOCK);
        }
        space.edit_seeds(|seeds| {
            seeds.iter_mut().for_each(|seed| seed.id = seed.id.replace('S', "T"));
        });
        let ran = space.build(&[]).exits(0);
        assert_eq!(ran.calls(), 0);
        for (id, pair) in space.json(PAIRS).as_object().unwrap() {
            assert_eq!(pair[0], BY_HAND, "{id}, with a lock: {lock}");
            assert!(lock_line(&space, "phase1", id).ends_with(" edited"), "{id}");
        }
        assert_fresh(&space);
    }
}
