//! The store packed, taken in, looked over, traced and cleared out.

use crate::support::expect::{assert_fresh, built};
use crate::support::synth::change_word;
use crate::support::{Ran, Space};
use serde_json::Value;
use std::path::PathBuf;

const SEEDS: usize = 25;

fn answer(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|e| panic!("{e}: {ran:#?}"))
}

/// Takes an edit back, builds, and expects that nothing is bought.
#[track_caller]
fn undone_for_free(space: &Space, seeds: &str) {
    space.write("seeds.json", seeds);
    assert_eq!(space.build(&[]).exits(0).calls(), 0);
}

/// The entry files of a workspace's store.
fn entries(space: &Space) -> Vec<PathBuf> {
    let all = space.everything().into_keys().filter(|path| path.ends_with(".cbe"));
    all.map(|path| space.path(&path)).collect()
}

#[test]
fn a_packed_store_serves_another_machine() {
    let space = built(Space::batching(SEEDS));
    let pack = space.around().join("store.cbpack");
    let told = answer(&space.run(&["cache", "export", "--format", "json", pack.to_str().unwrap()]).exits(0));
    assert!(told["pieces"].as_u64().unwrap() > 3, "{told}");
    let other = Space::inputs_of(&space);
    other.run(&["cache", "import", "absent", "--if-present"]).exits(0);
    other.run(&["cache", "import", "absent"]).exits(1);
    other.run(&["cache", "import", pack.to_str().unwrap()]).exits(0);
    assert_eq!(other.build(&[]).exits(0).calls(), 0);
    assert!(other.outputs() == space.outputs());
    // A second time it is all there, and packed again it is the same file.
    let again = answer(&other.run(&["cache", "import", "--format", "json", pack.to_str().unwrap()]).exits(0));
    assert_eq!((again["added"].as_u64(), again["known"].as_u64()), (Some(0), told["pieces"].as_u64()));
    other.run(&["cache", "export", "again.cbpack"]).exits(0);
    assert!(std::fs::read(other.path("again.cbpack")).unwrap() == std::fs::read(&pack).unwrap());
}

#[test]
fn answers_of_a_killed_build_are_packed_too() {
    let space = Space::batching(SEEDS);
    let go = space.around().join("go");
    space.faults(&serde_json::json!([{"fault": "hang", "phase": "phase1", "item": "S0001", "until": go}]));
    let mut running = space.start(space.tool(&["build", "-j", "2"]));
    running.until(|books| books.iter().any(|call| call.state == "answered"));
    running.kill();
    space.run(&["cache", "export", "store.cbpack"]).exits(0);
    let other = Space::inputs_of(&space);
    other.run(&["cache", "import", space.path("store.cbpack").to_str().unwrap()]).exits(0);
    std::fs::write(&go, "").unwrap();
    assert_eq!(
        other.build(&[]).exits(0).buys(["phase1"]),
        [(1, 20)],
        "only the call that hung is asked again"
    );
}

#[test]
fn what_nobody_needs_goes_when_asked_and_nothing_else() {
    let space = built(Space::batching(SEEDS));
    let first = space.read("seeds.json");
    space.edit_seeds(|seeds| change_word(seeds, 2, 1));
    space.build(&[]).exits(0);
    undone_for_free(&space, &first);
    let before = space.everything();
    let dry = answer(&space.run(&["gc", "--older-than", "0d", "--format", "json"]).exits(0));
    assert_eq!((dry["entries"].as_u64(), dry["done"].as_bool()), (Some(2), Some(false)), "{dry}");
    assert!(dry["unpriced"].as_u64() == Some(2) && dry["needed"].as_u64() > Some(3), "{dry}");
    assert!(before == space.everything(), "telling changes nothing");
    let young = answer(&space.run(&["gc", "--yes", "--format", "json"]).exits(0));
    assert_eq!((young["entries"].as_u64(), young["young"].as_u64()), (Some(0), Some(2)), "{young}");
    let roomy =
        answer(&space.run(&["gc", "--older-than", "0d", "--max-size", "1GB", "--format", "json"]).exits(0));
    assert_eq!((roomy["entries"].as_u64(), roomy["spared"].as_u64()), (Some(0), Some(2)), "{roomy}");
    let gone = answer(&space.run(&["gc", "--older-than", "0d", "--yes", "--format", "json"]).exits(0));
    assert_eq!((gone["entries"].as_u64(), gone["done"].as_bool()), (Some(2), Some(true)), "{gone}");
    assert_fresh(&space);
    // Not even the main files are needed for what stands.
    space.remove("course/lego_pairs.json");
    assert_eq!(space.build(&[]).exits(0).calls(), 0);
    space.edit_seeds(|seeds| change_word(seeds, 2, 1));
    assert!(space.build(&[]).exits(0).calls() > 0, "what was thrown away is bought again");
}

#[test]
fn a_store_of_several_work_trees_keeps_what_each_of_them_needs() {
    let a = Space::batching(SEEDS);
    let store = a.around().join("store");
    let with = |space: &Space, args: &[&str]| {
        let mut command = space.tool(args);
        command.env("COURSEBUILD_STORE", &store);
        space.finish(command)
    };
    with(&a, &["build"]).exits(0);
    let b = Space::inputs_of(&a);
    b.edit_seeds(|seeds| change_word(seeds, 2, 1));
    assert_eq!(with(&b, &["build", "--format", "json"]).exits(0).buys(["phase1"]), [(1, 1)]);
    let gone = answer(&with(&a, &["gc", "--older-than", "0d", "--yes", "--format", "json"]).exits(0));
    assert_eq!(
        (gone["entries"].as_u64(), gone["workspaces"].as_array().unwrap().len()),
        (Some(0), 2),
        "{gone}"
    );
    b.remove("course/seed_pairs.json");
    assert_eq!(with(&b, &["build", "--format", "json"]).exits(0).calls(), 0);
    // A workspace that is not there may be on a disk that is not mounted.
    let manifest = b.path("coursebuild.toml");
    let away = b.path("away.toml");
    std::fs::rename(&manifest, &away).unwrap();
    let refused = with(&a, &["gc", "--older-than", "0d", "--yes"]).exits(1);
    assert!(
        refused.stderr.contains("is not there") && refused.stderr.contains("--forget-missing"),
        "{refused:#?}"
    );
    let gone = answer(
        &with(&a, &["gc", "--older-than", "0d", "--yes", "--forget-missing", "--format", "json"]).exits(0),
    );
    assert_eq!(gone["entries"].as_u64(), Some(2), "{gone}");
}

#[test]
fn damage_is_found_and_moved_aside_and_only_what_it_hit_is_bought_again() {
    let space = built(Space::batching(SEEDS));
    space.run(&["cache", "verify"]).exits(0);
    let hit = entries(&space).remove(0);
    let bytes = std::fs::read(&hit).unwrap();
    std::fs::write(&hit, &bytes[..bytes.len() / 2]).unwrap();
    let told = space.run(&["cache", "verify"]).exits(1);
    assert!(told.stdout.contains("1 damaged") && told.stdout.contains("it is cut off"), "{told:#?}");
    let told = space.run(&["cache", "repair"]).exits(0);
    assert!(told.stdout.contains("moved aside"), "{told:#?}");
    space.run(&["cache", "verify"]).exits(0);
    // Main files and lock still hold what the entry held.
    assert_fresh(&space);
}

#[test]
fn results_are_traced_to_their_calls() {
    let space = built(Space::batching(SEEDS));
    let told = answer(&space.run(&["cache", "blame", "--format", "json", "phase1/S0003"]).exits(0));
    let item = &told["items"][0];
    assert_eq!(
        (item["label"].as_str(), item["items"].as_u64()),
        (Some("phase1_batch_1"), Some(20)),
        "{told}"
    );
    let log = space.run(&["log", "phase1/S0003", "--format", "json"]);
    assert_eq!(item["call"], answer(&log)["calls"][0]["call"]);
    let text = space.run(&["cache", "blame", "phase1/S0003"]).exits(0).stdout;
    assert!(
        text.contains("generated") && text.contains("phase1_batch_1") && text.contains("\n    entry "),
        "{text}"
    );
    let stats = answer(&space.run(&["cache", "stats", "--format", "json"]).exits(0));
    assert_eq!(
        (stats["phases"][0]["calls"].as_u64(), stats["phases"][0]["results"].as_u64()),
        (Some(2), Some(25)),
        "{stats}"
    );
    assert!(
        space
            .run(&["cache", "stats"])
            .exits(0)
            .stdout
            .contains("qaa_for_eng/phase1: 2 calls brought 25 results")
    );
}
