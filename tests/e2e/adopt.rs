//! Main files that were made elsewhere become results, without a call: checked, held where they fail, priced, and kept as found.

#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]

use crate::support::expect::{MAIN_FILES, PHASES, assert_fresh, built, plan_of};
use crate::support::synth;
use crate::support::{Ran, Space};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const SEEDS: usize = 25;
const PAIRS: &str = MAIN_FILES[0];
const LEGOS: &str = MAIN_FILES[1];
const BASKETS: &str = MAIN_FILES[2];
const LOCK: &str = MAIN_FILES[3];
const DOCUMENT: &str = "docs/phase_intelligence/phase_1_translation.md";

/// A course whose main files were made elsewhere: nothing tells where they come from.
fn foreign() -> Space {
    estranged(built(Space::batching(SEEDS)))
}

fn estranged(space: Space) -> Space {
    space.remove(LOCK);
    space.remove(".coursebuild");
    space
}

/// Adopts: no call, and what is told is one object.
#[track_caller]
fn adopt(space: &Space, args: &[&str]) -> Value {
    let ran = space.run(&[&["adopt", "--format", "json"], args].concat()).exits(0);
    assert_eq!(ran.books, [], "an adoption buys nothing");
    serde_json::from_str(&ran.stdout).unwrap()
}

fn phase<'a>(adoption: &'a Value, phase: &str) -> &'a Value {
    let phases = adoption["courses"][0]["phases"].as_array().unwrap();
    phases.iter().find(|found| found["phase"] == phase).unwrap()
}

fn way_on<'a>(adoption: &'a Value, command: &str) -> &'a Value {
    let ways = adoption["ways_on"].as_array().unwrap();
    ways.iter().find(|way| way["command"] == command).unwrap_or_else(|| panic!("{command}: {ways:#?}"))
}

#[test]
fn a_course_from_elsewhere_is_taken_without_a_call() {
    let space = foreign();
    let ran = space.run(&["build"]).exits(2);
    assert!(ran.stderr.contains("coursebuild adopt"), "{ran:#?}");
    let before = space.everything();
    let items = |file: &str| match space.json(file) {
        Value::Array(items) => items.len(),
        Value::Object(items) => items.len(),
        other => panic!("{other}"),
    };
    let all = items(PAIRS) + items(LEGOS) + items(BASKETS);
    assert_eq!(adopt(&space, &["-n"])["adopted"], all);
    assert!(before == space.everything(), "`-n` changes nothing");
    let adoption = adopt(&space, &[]);
    assert_eq!((&adoption["adopted"], &adoption["held"]), (&json!(all), &json!(0)));
    assert_eq!(way_on(&adoption, "coursebuild build")["calls"], json!({"min": 0, "max": 0}));
    for path in [PAIRS, LEGOS, BASKETS] {
        assert!(before[path] == space.files()[path], "{path} stands as it stood");
    }
    assert!(space.read(LOCK).lines().skip(1).all(|line| line.starts_with('[') || line.ends_with(" adopted")));
    assert_fresh(&space);
    assert_eq!(adopt(&space, &[])["adopted"], 0, "there is nothing more to take");
    space.remove(".coursebuild");
    assert_fresh(&space);
    space.edit_seeds(|seeds| synth::change_word(seeds, 3, 1));
    assert_eq!(space.build(&[]).exits(0).calls(), 3);
    assert_fresh(&space);
}

#[test]
fn what_fails_a_check_is_held_and_priced_and_what_is_missing_is_bought() {
    let space = foreign();
    space.edit_json(LEGOS, |seeds| seeds[4][2][0][2] = json!("a mano"));
    space.edit_json(PAIRS, |pairs| {
        pairs.as_object_mut().unwrap().shift_remove("S0009");
        pairs["agentId"] = json!("agent-7");
        pairs["S0777"] = json!(["x", "y"]);
    });
    let adoption = adopt(&space, &[]);
    assert_eq!(phase(&adoption, "phase1")["missing"], json!(["S0009"]));
    assert_eq!(phase(&adoption, "phase1")["orphaned"], json!(["agentId", "S0777"]));
    assert_eq!(phase(&adoption, "phase3")["pending"], json!(["S0009"]), "its translation is not there");
    let held = &phase(&adoption, "phase3")["held"];
    assert_eq!((&held[0]["item"], &held[0]["findings"][0]["type"]), (&json!("S0005"), &json!("tiling")));
    assert_eq!(way_on(&adoption, "coursebuild build")["calls"]["min"], 1);
    let fix = way_on(&adoption, "coursebuild build --fix");
    assert!(fix["calls"]["min"].as_u64().unwrap() >= 2, "{fix}");
    assert!(adoption["warnings"][0].as_str().unwrap().contains("kept in the store"), "{adoption:#}");

    let ran = space.build(&[]).exits(0);
    assert_eq!(ran.bought("phase1"), ["S0009"]);
    assert!(!ran.bought("phase3").contains(&"S0005"), "held, not bought");
    assert_eq!(space.json(LEGOS)[4][2][0][2], "a mano");
    let ran = space.build(&["--fix"]).exits(0);
    assert_eq!(ran.bought("phase3"), ["S0005"], "{ran:#?}");
    assert_ne!(space.json(LEGOS)[4][2][0][2], "a mano");
    assert_fresh(&space);

    // What waited for its translation is held until it is adopted too.
    let seed = |ran: &Ran| ran.summary()["held"].to_string().contains("phase3/S0009");
    assert!(seed(&space.build(&[]).exits(0)));
    assert!(adopt(&space, &[])["adopted"].as_u64().unwrap() >= 1);
    let ran = space.build(&[]).exits(0);
    assert!(!seed(&ran) && ran.books.is_empty(), "{ran:#?}");
    assert_fresh(&space);
}

#[test]
fn an_adopted_item_whose_document_changes_is_stale_like_any_other() {
    let space = foreign();
    adopt(&space, &[]);
    space.replace(DOCUMENT, "\n### Rule 1.1\n", "\n### Rule 1.1\n\nMind the word order.\n");
    assert_eq!(plan_of(&space.plan(&[]), "phase1")["stale"], SEEDS);
    let why = space.run(&["why", "phase1/S0003"]).exits(0).stdout;
    assert!(why.contains("Rule 1.1` of `docs/phase_intelligence/phase_1_translation.md` changed"), "{why}");
    // Named, it is taken as it is, and a hand edit stays one.
    space.edit_json(PAIRS, |pairs| pairs["S0002"][0] = json!("a mano"));
    assert_eq!(adopt(&space, &[])["adopted"], 0, "only what nothing explains is taken unless it is named");
    let adoption = adopt(&space, &["phase1"]);
    assert_eq!(adoption["adopted"], SEEDS);
    let lock = space.read(LOCK);
    let line = |id: &str| lock.lines().find(|line| line.starts_with(&format!("phase1 {id} "))).unwrap();
    assert!(line("S0002").ends_with(" edited") && line("S0003").ends_with(" adopted"), "{lock}");
    assert_eq!(space.build(&[]).exits(0).bought("phase1"), [""; 0]);
    assert_fresh(&space);
}

/// A course in the later format, with a LEGO that somebody declared to be none that is new, and so without its basket.
fn objects_with_an_old_lego() -> (Space, String) {
    let space = Space::batching(45);
    space.write("coursebuild.toml", &synth::manifest("builtin:objects@1", &space.argv(&["objects"])));
    let space = estranged(built(space));
    let mut id = String::new();
    space.edit_json(LEGOS, |file| {
        let lego = &mut file["seeds"][30]["legos"][0];
        assert_eq!(lego["new"], true);
        lego["new"] = json!(false);
        id = lego["id"].as_str().unwrap().to_owned();
        file["total_legos"] = json!(9999);
        file["agentId"] = json!("agent-7");
    });
    space.edit_json(BASKETS, |file| {
        file["baskets"].as_object_mut().unwrap().shift_remove(&id);
        file["total_baskets"] = json!(file["baskets"].as_object().unwrap().len());
    });
    (space, id)
}

#[test]
fn derived_fields_stand_as_found_until_they_are_asked_for() {
    let (space, id) = objects_with_an_old_lego();
    let (legos, baskets) = (space.read(LEGOS), space.read(BASKETS));
    let adoption = adopt(&space, &[]);
    let differs = &phase(&adoption, "phase3")["derived"];
    assert_eq!(
        *differs,
        json!([{"item": "S0031", "field": "/legos/0/new", "found": false, "computed": true}])
    );
    assert_eq!(phase(&adoption, "phase3")["envelope"][0]["found"], 9999, "{adoption:#}");
    assert_eq!(phase(&adoption, "phase5")["missing"], json!([]));
    assert_eq!(way_on(&adoption, "coursebuild build")["calls"]["max"], 0);
    assert_eq!(
        way_on(&adoption, "coursebuild build --recompute-derived")["items"],
        json!({"min": 1, "max": 1})
    );

    // They stand: in later builds, without the store, and when the main file is lost.
    let mended = |text: &str| {
        serde_json::from_str::<Value>(text).map(|mut file| {
            file["total_legos"] = Value::Null;
            file
        })
    };
    let stands = |space: &Space| {
        assert_fresh(space);
        assert_eq!(space.read(BASKETS), baskets);
        let now = space.read(LEGOS);
        assert_eq!(mended(&now).unwrap()["seeds"], mended(&legos).unwrap()["seeds"]);
    };
    stands(&space);
    assert_eq!(space.json(LEGOS)["agentId"], "agent-7", "what stands around the items is kept");
    let clone = space.copy();
    clone.remove(".coursebuild");
    stands(&clone);
    let lost = space.copy();
    lost.remove(LEGOS);
    assert_eq!(lost.build(&[]).exits(0).calls(), 0);
    stands(&lost);
    let unlocked = space.copy();
    unlocked.remove(LOCK);
    assert_eq!(unlocked.build(&[]).exits(0).calls(), 0);
    stands(&unlocked);

    // A seed before it is made anew: what is known as found does not move.
    space.edit_seeds(|seeds| synth::change_word(seeds, 10, 1));
    let plan = space.plan(&[]);
    assert!(plan["calls"]["max"].as_u64().unwrap() <= 3, "{plan:#}");
    space.build(&[]).exits(0);
    assert_eq!(space.json(LEGOS)["seeds"][30]["legos"][0]["new"], false);
    assert_fresh(&space);

    let ran = space.build(&["--recompute-derived"]).exits(0);
    assert!(ran.bought("phase5").contains(&id.as_str()), "{ran:#?}");
    assert_eq!(space.json(LEGOS)["seeds"][30]["legos"][0]["new"], true);
    assert_fresh(&space);
}

/// The real course, if it is there.
pub(crate) fn shared() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let data = std::env::var_os("COURSEBUILD_SHARED").map_or_else(beside, PathBuf::from).join("data");
    if !data.join("spa_for_eng").is_dir() {
        println!("skipped: there is no {}", data.join("spa_for_eng").display());
        return None;
    }
    data.canonicalize().ok()
}

#[test]
fn a_real_course_is_adopted_as_it_is() {
    let Some(data) = shared() else { return };
    let space = Space::batching(0);
    space.write("coursebuild.toml", &synth::manifest("builtin:objects@1", &space.argv(&["objects"])));
    space.replace("coursebuild.toml", "target = \"qaa\"", "target = \"spa\"");
    space.write("seeds.json", &std::fs::read_to_string(data.join("canonical_seeds.json")).unwrap());
    let names = ["seed_pairs.json", "lego_pairs.json", "lego_baskets.json"];
    for name in names {
        space.write(
            &format!("course/{name}"),
            &std::fs::read_to_string(data.join("spa_for_eng").join(name)).unwrap(),
        );
    }
    let originals = names.map(|name| space.json(&format!("course/{name}")));
    let adoption = adopt(&space, &[]);
    let taken = PHASES.map(|name| phase(&adoption, name)["adopted"].as_u64().unwrap());
    assert_eq!(taken, [668, 668, 2392]);
    for (name, original) in names.iter().zip(&originals) {
        let mut now = space.json(&format!("course/{name}"));
        if *name == "lego_pairs.json" {
            assert_eq!((&original["total_legos"], &now["total_legos"]), (&json!(2945), &json!(2796)));
            now["total_legos"] = json!(2945);
        }
        assert!(now == *original, "{name} holds what it held");
    }
    assert_eq!(phase(&adoption, "phase3")["envelope"].as_array().unwrap().len(), 1);
    let differs = |name: &str| phase(&adoption, name)["derived"].as_array().unwrap().len();
    assert_eq!((differs("phase3"), differs("phase5")), (8, 10));
    let echoes =
        phase(&adoption, "phase5")["held"].as_array().unwrap().iter().filter(|item| {
            item["findings"].as_array().unwrap().iter().any(|finding| finding["type"] == "echo")
        });
    assert_eq!(echoes.count(), 121, "a basket whose LEGO is not its id's");
    let plan = space.plan(&[]);
    assert_eq!(plan["calls"], json!({"min": 0, "max": 0}), "{plan:#}");
    let held = PHASES.map(|name| plan_of(&plan, name)["held"].as_u64().unwrap());
    assert_eq!(held.iter().sum::<u64>(), adoption["held"].as_u64().unwrap());
    let fix = space.plan(&["--fix"]);
    let priced = PHASES.map(|name| plan_of(&fix, name)["rejected"].as_u64().unwrap());
    // A seed that is to be made anew counts for nobody: four later ones that only collide with such seeds are not blamed any more.
    assert_eq!((priced[0], priced[1]), (held[0], held[1] - 4), "{fix:#}");
    assert_fresh(&space);

    space.edit_json("course/seed_pairs.json", |file| {
        file["translations"]["S0100"]["target"] = json!("Algo que nadie ha dicho.");
    });
    let calls = space.plan(&[])["calls"]["max"].as_u64().unwrap();
    assert!((1..=3).contains(&calls), "{calls}");
    let ran: Ran = space.build(&["phase1"]).exits(0);
    assert_eq!(ran.calls(), 0, "an edit is kept, not bought");
}
