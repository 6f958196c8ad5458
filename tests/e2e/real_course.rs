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
pub(crate) fn canonical_seeds() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let shared = std::env::var_os("COURSEBUILD_SHARED").map_or_else(beside, PathBuf::from);
    let path = shared.join("data/canonical_seeds.json");
    if !path.is_file() {
        println!("skipped: there is no {}", path.display());
        return None;
    }
    path.canonicalize().ok()
}

/// What `check` finds in main files that were made elsewhere. What is counted here was found by an independent program too.
#[test]
fn a_real_courses_findings_are_told_and_counted() {
    let Some(seeds) = canonical_seeds() else { return };
    let made = seeds.with_file_name("spa_for_eng");
    if !made.is_dir() {
        println!("skipped: there is no {}", made.display());
        return;
    }
    let space = Space::new();
    for name in ["seed_pairs.json", "lego_pairs.json", "lego_baskets.json"] {
        space.write(&format!("course/{name}"), &std::fs::read_to_string(made.join(name)).unwrap());
    }
    for phase in [1, 3, 5] {
        space.write(&format!("docs/phase_intelligence/phase_{phase}_x.md"), "# What to do\n");
    }
    space.write(
        "coursebuild.toml",
        &format!(
            "rules = \"builtin:objects@1\"\n[generate]\nuse = \"command\"\nargv = [\"true\"]\n[[course]]\ncode = \"spa_for_eng\"\n\
             target = \"spa\"\nknown = \"eng\"\ndir = \"course\"\nseeds = {}\n",
            json!(seeds.to_str().unwrap())
        ),
    );
    let before = space.outputs();
    let ran = space.run(&["check", "--format", "json"]).exits(1);
    assert!(before == space.outputs());
    let checked: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let mut counted = Vec::new();
    for phase in checked["courses"][0]["phases"].as_array().unwrap() {
        assert_eq!((&phase["stats"]["missing"], &phase["stats"]["extra"]), (&json!(0), &json!(0)));
        for check in phase["stats"]["checks"].as_array().unwrap() {
            let own =
                phase["errors"].as_array().unwrap().iter().filter(|error| error["check"] == check["check"]);
            let items: std::collections::BTreeSet<&str> =
                own.map(|error| error["item"].as_str().unwrap()).collect();
            println!(
                "{} {}: {} errors in {} items",
                phase["phase"],
                check["check"],
                check["errors"],
                items.len()
            );
            let name = format!("{}/{}", phase["phase"].as_str().unwrap(), check["check"].as_str().unwrap());
            counted.push((name, check["errors"].as_u64().unwrap(), items.len()));
        }
    }
    for (name, errors, items) in [
        ("phase3/shape", 17, 10),
        ("phase3/echo", 0, 0),
        ("phase3/unique", 0, 0),
        ("phase3/tiling", 272, 272),
        ("phase5/echo", 217, 121),
        ("phase5/operative", 604, 186),
    ] {
        assert!(counted.contains(&(name.to_owned(), errors, items)), "{name}: {counted:#?}");
    }
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
