//! A real course in the later format, read by the rules of `builtin:objects@1` and linked again: what comes out holds what
//! went in, but for what is derived.

use super::finish;
use crate::course::load;
use crate::json::Value;
use crate::link::{LockFile, MainFile};
use crate::plan::Board;
use crate::plan::{Memory, Recall};
use crate::store::Store;
use serde_json::json;
use std::path::Path;

const MANIFEST: &str = "rules = \"builtin:objects@1\"\n[generate]\nuse = \"command\"\nargv = [\"agent\"]\n[[course]]\ncode = \"spa_for_eng\"\ntarget = \"spa\"\nknown = \"eng\"\ndir = \"out\"\nseeds = \"seeds.json\"\n";
const FILES: [&str; 3] = ["seed_pairs.json", "lego_pairs.json", "lego_baskets.json"];

/// Takes a field out of an object.
fn take(value: &mut Value, field: &str) -> Value {
    value.as_object_mut().unwrap().shift_remove(field).unwrap_or_default()
}

/// How many of two files' values of a derived field differ, by item; the field is gone afterwards.
fn differing(
    before: &mut Value,
    after: &mut Value,
    holders: &dyn Fn(&mut Value) -> Vec<&mut Value>,
    field: &str,
) -> usize {
    let before: Vec<Value> = holders(before).into_iter().map(|holder| take(holder, field)).collect();
    let after: Vec<Value> = holders(after).into_iter().map(|holder| take(holder, field)).collect();
    assert_eq!(before.len(), after.len());
    before.iter().zip(&after).filter(|(before, after)| before != after).count()
}

fn legos(file: &mut Value) -> Vec<&mut Value> {
    let seeds = file["seeds"].as_array_mut().unwrap();
    seeds.iter_mut().flat_map(|seed| seed["legos"].as_array_mut().unwrap()).collect()
}

/// By id, for the order of the real file is that of its making.
fn baskets(file: &mut Value) -> Vec<&mut Value> {
    let mut all: Vec<(&String, &mut Value)> = file["baskets"].as_object_mut().unwrap().iter_mut().collect();
    all.sort_by(|a, b| a.0.cmp(b.0));
    all.into_iter().map(|(_, basket)| basket).collect()
}

#[test]
fn a_real_course_goes_through_the_pack_unharmed() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| {
        crate::fs::write_whole(&folder.path().join(name), text.as_bytes(), false).unwrap();
    };
    let read = |path: &Path| crate::fs::read_text(path).unwrap();
    put("coursebuild.toml", MANIFEST);
    for phase in [1, 3, 5] {
        put(&format!("docs/phase_intelligence/phase_{phase}_x.md"), "# Guide\n");
    }
    let Some(seeds) = read(&data.join("canonical_seeds.json")) else {
        println!("skipped: there is no real course at {}", data.display());
        return;
    };
    put("seeds.json", &seeds);
    let mut before = Vec::new();
    for name in FILES {
        let text = read(&data.join("spa_for_eng").join(name)).unwrap();
        put(&format!("out/{name}"), &text);
        before.push(serde_json::from_str::<Value>(&text).unwrap());
    }

    let workspace = load(&folder.path().join("coursebuild.toml"), &[]).unwrap();
    let course = &workspace.courses[0];
    let state = folder.path().join(".coursebuild");
    let found = || {
        let read = |phase: &crate::course::Phase| {
            let output = &phase.rule.output;
            MainFile::read(&course.dir.join(&output.file), output, None).unwrap()
        };
        course.phases.iter().map(|phase| (read(phase), Recall::default())).collect()
    };
    let mut board = Board::new(course, found()).unwrap();
    let (store, lock) = (Store::open(state.clone()), LockFile::Absent);
    board.open_all(&Memory::new(&store, &lock)).unwrap();
    finish::link(&board, &lock, &workspace.root, &state).unwrap();
    let mut after: Vec<Value> = FILES
        .iter()
        .map(|name| serde_json::from_str(&read(&course.dir.join(name)).unwrap()).unwrap())
        .collect();

    assert_eq!(before[0], after[0]);
    let new = differing(&mut before[1], &mut after[1], &legos, "new");
    let finals = differing(&mut before[2], &mut after[2], &baskets, "is_final_lego");
    let counts = differing(&mut before[2], &mut after[2], &baskets, "phrase_count");
    let totals = ["total_legos", "total_seeds"].map(|field| {
        let (before, after) = (take(&mut before[1], field), take(&mut after[1], field));
        (before != after).then(|| json!([before, after]))
    });
    println!(
        "`new` differs {new} times, `is_final_lego` {finals}, `phrase_count` {counts}; totals: {totals:?}"
    );
    assert_eq!(before[1], after[1]);
    assert_eq!(before[2], after[2]);
    // What people counted by other means is known: eight LEGOs that are the first of their pair are not marked new, ten baskets
    // are called final or not although they are not or are, and the total of LEGOs went stale.
    assert_eq!((new, finals, counts), (8, 10, 0));
    assert_eq!(totals, [Some(json!([2945, 2796])), None]);
    // Those eight are wanted and have no basket yet; every basket that there is belongs to a LEGO that is new.
    let wanted = board.cells(2).count();
    assert_eq!((wanted, after[2]["baskets"].as_object().unwrap().len()), (2400, 2392));
    // Taken in again, it is what it was: the files are not written a second time.
    let mut board = Board::new(course, found()).unwrap();
    board.open_all(&Memory::new(&store, &lock)).unwrap();
    assert!(finish::link(&board, &lock, &workspace.root, &state).unwrap().iter().all(|file| !file.written));
}
