//! A whole course from the seeds of a real one, where they are at hand: `../shared/data`, or the folder that
//! `COURSEBUILD_SHARED` names.

#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]

use crate::support::Space;
use crate::support::expect::{PHASES, assert_fresh, plan_of};
use crate::support::synth;
use serde_json::json;
use std::path::{Path, PathBuf};

const SEEDS: usize = 668;

/// The seeds, if they are there; they are read in place.
fn canonical_seeds() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let shared = std::env::var_os("COURSEBUILD_SHARED").map_or_else(beside, PathBuf::from);
    let path = shared.join("data/canonical_seeds.json");
    if !path.is_file() {
        println!("skipped: there is no {}", path.display());
        return None;
    }
    path.canonicalize().ok()
}

#[test]
fn a_real_course_is_bought_once_in_the_fewest_calls() {
    let Some(seeds) = canonical_seeds() else { return };
    let space = Space::batching(0);
    space.remove("seeds.json");
    let seeds = seeds.to_str().unwrap();
    space.replace("coursebuild.toml", "seeds = \"seeds.json\"", &format!("seeds = {}", json!(seeds)));

    let plan = space.plan(&[]);
    let ran = space.build(&["-j", "4"]).exits(0);
    let cuts = space.json("course/lego_pairs.json");
    let legos: usize = cuts.as_array().unwrap().iter().map(|seed| seed[2].as_array().unwrap().len()).sum();
    assert_eq!(ran.buys(PHASES), [(34, SEEDS), (34, SEEDS), (legos.div_ceil(60), legos)]);
    assert_eq!(ran.calls(), 34 + 34 + legos.div_ceil(60));
    for (phase, calls) in [("phase1", 34), ("phase3", 34)] {
        assert_eq!(plan_of(&plan, phase)["calls"], json!({"min": calls, "max": calls}));
    }
    let answered = space.answered();
    assert_eq!(answered.len(), SEEDS + SEEDS + legos);
    for ((phase, item), count) in answered {
        assert_eq!(count, 1, "{phase} {item}");
    }
    let main_files = &ran.summary()["main_files"];
    let items: Vec<_> = main_files.as_array().unwrap().iter().map(|file| file["items"].clone()).collect();
    assert_eq!(items, [json!(SEEDS), json!(SEEDS), json!(legos)]);
    assert_fresh(&space);

    space.write("seeds.json", &std::fs::read_to_string(seeds).unwrap());
    space.replace("coursebuild.toml", &json!(seeds).to_string(), "\"seeds.json\"");
    assert_eq!(space.build(&[]).exits(0).calls(), 0, "the same seeds in another place");
    space.edit_seeds(|seeds| synth::change_word(seeds, 333, 1));
    let ran = space.build(&[]).exits(0);
    assert_eq!((ran.calls(), ran.bought("phase1")), (3, vec!["S0334"]));
    assert_fresh(&space);
}
