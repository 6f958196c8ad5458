//! The tool dies at a write point, in the middle of a write too: no paid answer is lost, no main file is torn.
//!
//! Needs the feature `crash-points`. An ordinary run tries every 13th point; `COURSEBUILD_TEST_CRASH_POINTS=all` tries each.

use crate::batches;
use crate::support::batches::Batches;
use crate::support::{Space, synth};

const SEEDS: usize = 6;
const ORDINARY_STEP: usize = 13;

/// Crashes a build at one write point after the other, and builds on each time. `prepare` makes the space that is built.
fn crash_everywhere(prepare: impl Fn() -> Space) {
    let reference = prepare();
    let old = reference.outputs();
    reference.build(&["-j", "1"]).exits(0);
    let new = reference.outputs();
    let all = std::env::var("COURSEBUILD_TEST_CRASH_POINTS").is_ok_and(|points| points == "all");
    let mut crashes = 0;
    for at in (1_u64..).step_by(if all { 1 } else { ORDINARY_STEP }) {
        let space = prepare();
        let mut command = space.tool(&["build", "-j", "1"]);
        command.env("COURSEBUILD_CRASH_AT", at.to_string());
        let ran = space.finish(command);
        for (path, bytes) in space.outputs() {
            let whole = old.get(&path) == Some(&bytes) || new.get(&path) == Some(&bytes);
            // What a first build links on its way is neither, and has to be whole all the same.
            let on_the_way = !old.contains_key(&path)
                && (path.ends_with(".lock") || serde_json::from_slice::<serde_json::Value>(&bytes).is_ok());
            assert!(whole || on_the_way, "write point {at}: {path} is torn: {ran:#?}");
        }
        space.build(&["-j", "1"]).exits(0);
        assert!(space.outputs() == new, "write point {at}: another course than without the crash");
        assert!(space.answered() == reference.answered(), "write point {at}: {:#?}", space.books());
        if ran.code.is_some() {
            assert_eq!(ran.code, Some(0), "{ran:#?}");
            break;
        }
        crashes += 1;
    }
    assert!(crashes > 0, "no write point was passed");
}

#[test]
fn a_crash_in_a_first_build_loses_nothing() {
    crash_everywhere(|| Space::batching(SEEDS));
}

#[test]
fn a_crash_after_an_edit_loses_nothing() {
    crash_everywhere(|| {
        let space = Space::batching(SEEDS);
        space.build(&["-j", "1"]).exits(0);
        space.edit_seeds(|seeds| synth::change_word(seeds, 2, 1));
        space
    });
}

#[test]
fn a_crash_while_submissions_are_made_and_taken_in_buys_nothing_twice() {
    let all = std::env::var("COURSEBUILD_TEST_CRASH_POINTS").is_ok_and(|points| points == "all");
    for kind in batches::KINDS {
        let mut crashes = 0;
        for at in (1_u64..).step_by(if all { 1 } else { ORDINARY_STEP }) {
            let service = Batches::start();
            let space = batches::space(&service, kind, 40, "");
            let mut command = batches::tool(&space, &[]);
            command.env("COURSEBUILD_CRASH_AT", at.to_string());
            let ran = space.finish(command);
            let again = space.finish(batches::tool(&space, &[])).exits(0);
            assert_eq!(space.json("course/second.json")["S0040"]["text"], "SENTENCE NUMBER 40");
            assert!(service.sizes() == [2, 2], "write point {at}: {:?}: {again:#?}", service.sizes());
            batches::assert_sold_once(&space, &service);
            if ran.code.is_some() {
                assert_eq!(ran.code, Some(0), "{ran:#?}");
                break;
            }
            crashes += 1;
        }
        assert!(crashes > 0, "no write point was passed");
    }
}
