//! Branches, clones and work trees, in real repositories of git: what two people built and edited comes together without a call
//! that somebody made already, and without a lost word.

use crate::support::Space;
use crate::support::expect::{MAIN_FILES, PHASES, assert_fresh, built};
use crate::support::git::{commit, git, git_in};
use crate::support::synth;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Output;

const LEGOS: &str = MAIN_FILES[1];
const BASKETS: &str = MAIN_FILES[2];
const DOCUMENT: &str = "docs/phase_intelligence/phase_5_baskets.md";

/// A built course in a repository with the driver installed. The manifest, which names the generator's books, is everybody's own.
fn repository(seeds: usize) -> Space {
    let space = built(Space::batching(seeds));
    git(&space, &["init", "-q", "-b", "main"]);
    space.write(".gitignore", ".coursebuild/\ncoursebuild.toml\n");
    let said = space.run(&["merge-driver", "--install"]).exits(0).stdout;
    assert!(said.contains("5 lines added to .gitattributes"), "{said}");
    assert!(space.run(&["merge-driver", "--install"]).exits(0).stdout.contains("nothing new"));
    commit(&space);
    space
}

/// Takes in what the other one committed.
fn bring(space: &Space, other: &Space, how: &str) -> Output {
    git(space, &["fetch", "-q", other.root().to_str().unwrap(), "main"]);
    let args: &[&str] = if how == "merge" {
        &["merge", "-q", "--no-edit", "FETCH_HEAD"]
    } else {
        &["rebase", "-q", "FETCH_HEAD"]
    };
    git_in(space, space.root(), args)
}

fn edit_basket(space: &Space, id: &str, field: &str, to: Value) {
    space.edit_json(BASKETS, |baskets| *baskets[id].pointer_mut(field).unwrap() = to);
}

/// The first LEGO from a seed on whose basket has windows of two.
fn windowed(space: &Space, seed: &str) -> String {
    let baskets = space.json(BASKETS);
    let baskets = baskets.as_object().unwrap();
    let has = |(id, basket): &(&String, &Value)| id.as_str() >= seed && basket["d"]["2"] != json!([]);
    baskets.iter().find(has).unwrap().0.clone()
}

fn basket(space: &Space, id: &str) -> Value {
    space.json(BASKETS)[id].clone()
}

/// Two people's work on one course: each changes a seed and builds, edits a basket of his own, and both edit one basket in other fields.
fn two_people() -> (Space, Space, String) {
    let ours = repository(30);
    let theirs = ours.copy();
    let both = windowed(&ours, "S0011");
    for (space, at, own, text, (field, to)) in [
        (&ours, 2, "S0010L01", "ours", ("/e/0/1", json!("both: ours"))),
        (&theirs, 19, "S0025L01", "theirs", ("/d/2", json!([]))),
    ] {
        space.edit_seeds(|seeds| synth::change_word(seeds, at, 1));
        assert_eq!(space.build(&[]).exits(0).calls(), 3);
        edit_basket(space, own, "/e/0/1", json!(text));
        edit_basket(space, &both, field, to);
        assert_eq!(space.build(&[]).exits(0).calls(), 0);
        commit(space);
    }
    (ours, theirs, both)
}

#[track_caller]
fn assert_together(space: &Space, both: &str, how: &str) {
    let ran = space.build(&[]).exits(0);
    assert_eq!(ran.buys(PHASES), [(0, 0); 3], "{how}: what either bought is there: {ran:#?}");
    assert_eq!(ran.summary()["items_held"].as_u64().unwrap_or(0), 0, "{how}");
    assert_eq!(basket(space, "S0010L01")["e"][0][1], "ours", "{how}");
    assert_eq!(basket(space, "S0025L01")["e"][0][1], "theirs", "{how}");
    assert_eq!(
        (&basket(space, both)["e"][0][1], &basket(space, both)["d"]["2"]),
        (&json!("both: ours"), &json!([])),
        "{how}"
    );
    let lock = space.read(MAIN_FILES[3]);
    assert_eq!(
        lock.lines().filter(|line| line.ends_with(" edited")).count(),
        3,
        "{how}: no edit but these: {lock}"
    );
    assert_fresh(space);
}

#[test]
fn two_branches_come_together_both_ways_without_a_call() {
    let (ours, theirs, both) = two_people();
    for how in ["merge", "rebase"] {
        for (one, other) in [(&ours, &theirs), (&theirs, &ours)] {
            let space = one.copy();
            let output = bring(&space, other, how);
            assert!(output.status.success(), "{how}: {output:?}");
            assert_together(&space, &both, how);
            // A clone of what came of it, without any store.
            commit(&space);
            space.remove(".coursebuild");
            assert_together(&space, &both, how);
        }
    }
}

#[test]
fn what_is_pulled_from_somebody_is_neither_an_edit_nor_a_call() {
    let (ours, theirs, _) = two_people();
    let clone = ours.copy();
    git(&clone, &["reset", "-q", "--hard", "HEAD^"]);
    let output = bring(&clone, &theirs, "merge");
    assert!(output.status.success(), "{output:?}");
    let before = clone.files();
    let ran = clone.build(&[]).exits(0);
    assert_eq!((ran.calls(), ran.summary()["items_held"].as_u64().unwrap_or(0)), (0, 0), "{ran:#?}");
    let course = |files: std::collections::BTreeMap<String, Vec<u8>>| {
        files.into_iter().filter(|(path, _)| path.starts_with("course/")).collect::<Vec<_>>()
    };
    assert!(course(before) == course(clone.files()));
}

#[test]
fn of_two_generated_results_the_one_made_from_something_new_stands() {
    for how in ["merge", "rebase"] {
        for turned in [false, true] {
            let ours = repository(30);
            let theirs = ours.copy();
            ours.edit_seeds(|seeds| synth::change_word(seeds, 2, 1));
            ours.build(&[]).exits(0);
            let id = windowed(&ours, "S0010");
            edit_basket(&ours, &id, "/e/0/1", json!("ours"));
            ours.build(&[]).exits(0);
            commit(&ours);
            theirs.replace(DOCUMENT, "\n### Rule 1.1\n", "\n### Rule 1.1\n\nMind the word order.\n");
            theirs.faults(&json!([{"fault": "set", "phase": "phase5", "at": "/d/2", "to": []}]));
            theirs.build(&[]).exits(0);
            commit(&theirs);

            let (space, other) = if turned { (&theirs, &ours) } else { (&ours, &theirs) };
            let output = bring(space, other, how);
            assert!(output.status.success(), "{how}: {output:?}");
            assert_eq!(basket(space, &id)["e"][0][1], "ours", "an edit goes on top of what was generated");
            assert_eq!(basket(space, &id)["d"]["2"], json!([]));
            let ran = space.build(&[]).exits(0);
            assert_eq!(ran.buys(PHASES)[..2], [(0, 0); 2], "{how}");
            assert!(
                !ran.books.is_empty() && ran.bought("phase5").iter().all(|id| id.starts_with("S0003L")),
                "{how}: only what neither had, the new text under the new document: {ran:#?}"
            );
            assert_eq!(ran.summary()["items_held"], 0, "{how}: nothing that nobody made");
            let lock = space.read(MAIN_FILES[3]);
            assert_eq!(lock.lines().filter(|line| line.ends_with(" edited")).count(), 1, "{how}");
            assert_fresh(space);
        }
    }
}

#[test]
fn what_both_changed_otherwise_is_left_for_people_and_never_read_as_data() {
    let ours = repository(10);
    let theirs = ours.copy();
    for (space, text) in [(&ours, "ours"), (&theirs, "theirs")] {
        edit_basket(space, "S0005L01", "/e/0/1", json!(text));
        edit_basket(space, if text == "ours" { "S0002L01" } else { "S0003L01" }, "/e/0/1", json!(text));
        space.build(&[]).exits(0);
        commit(space);
    }
    let output = bring(&ours, &theirs, "merge");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(said.contains("`S0005L01`: both sides changed it at `/e/0/1`"), "{said}");
    let text = ours.read(BASKETS);
    assert_eq!(text.matches("<<<<<<< ours").count(), 1, "{text}");
    let status = git(&ours, &["status", "--porcelain"]);
    assert!(
        status.contains("UU course/lego_baskets.json") && !status.contains("UU course/coursebuild.lock"),
        "{status}"
    );
    let before = ours.files();
    let ran = ours.run(&["build"]).exits(2);
    assert!(ran.stderr.contains("conflict markers") && ran.stderr.contains("hint: "), "{ran:#?}");
    assert!(before == ours.files());

    // A person keeps one of the two.
    let (head, rest) = text.split_once("<<<<<<< ours\n").unwrap();
    let (mine, rest) = rest.split_once("=======\n").unwrap();
    let (_, tail) = rest.split_once(">>>>>>> theirs\n").unwrap();
    ours.write(BASKETS, &[head, mine, tail].concat());
    commit(&ours);
    assert_eq!(ours.build(&[]).exits(0).calls(), 0);
    for (id, text) in [("S0005L01", "ours"), ("S0002L01", "ours"), ("S0003L01", "theirs")] {
        assert_eq!(basket(&ours, id)["e"][0][1], text);
    }
    assert_fresh(&ours);
}

#[test]
fn a_side_that_is_no_main_file_is_not_merged() {
    let ours = repository(5);
    let theirs = ours.copy();
    edit_basket(&ours, "S0002L01", "/e/0/1", json!("ours"));
    commit(&ours);
    theirs.write(LEGOS, "[[\"S0001\"");
    theirs.write(BASKETS, "{\"S0001L01\": {}, \"S0001L01\": {\"e\": []}}");
    commit(&theirs);
    let output = bring(&ours, &theirs, "merge");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains("lego_baskets.json` cannot be merged item by item") && said.contains("twice"),
        "{said}"
    );
    assert_eq!(basket(&ours, "S0002L01")["e"][0][1], "ours");
}

#[test]
fn decisions_of_both_sides_are_kept() {
    let space = Space::new();
    let block = |kind: &str, item: &str| format!("\n[[{kind}]]\nphase = \"p\"\nitem = \"{item}\"\n");
    let head = "# head\n";
    let base = [head, &block("accept", "a"), &block("waive", "b")].concat();
    let ours = [head, &block("accept", "a"), &block("accept", "c"), &block("waive", "b")].concat();
    let theirs = [head, &block("waive", "d"), &block("pin", "e")].concat();
    for (name, text) in [("o", &base), ("a", &ours), ("b", &theirs)] {
        space.write(name, text);
    }
    space.run(&["merge-driver", "o", "a", "b", "coursebuild.accepted.toml"]).exits(0);
    assert_eq!(
        space.read("a"),
        [head, &block("accept", "c"), &block("waive", "d"), &block("pin", "e")].concat()
    );
}

#[test]
fn work_trees_share_a_store_and_cleaning_costs_nothing() {
    let space = Space::batching(20);
    let store = space.around().join("store");
    let run = |folder: &Path| {
        let mut tool = space.tool(&["build", "--format", "json"]);
        tool.current_dir(folder).env("COURSEBUILD_STORE", &store);
        space.finish(tool).exits(0)
    };
    assert!(run(space.root()).calls() > 0);
    git(&space, &["init", "-q", "-b", "main"]);
    space.write(".gitignore", ".coursebuild/\ncourse/\n");
    commit(&space);
    let before = space.outputs();
    git(&space, &["clean", "-q", "-fdx"]);
    assert!(!space.path("course").exists() && !space.path(".coursebuild").exists());
    assert_eq!(run(space.root()).calls(), 0, "the store is elsewhere");
    assert!(before == space.outputs());

    let tree = space.around().join("tree");
    git(&space, &["worktree", "add", "-q", "-b", "other", tree.to_str().unwrap()]);
    assert_eq!(run(&tree).calls(), 0);
    let seeds = space.read("seeds.json");
    space.edit_seeds(|seeds| synth::change_word(seeds, 3, 1));
    std::fs::write(tree.join("seeds.json"), space.read("seeds.json")).unwrap();
    space.write("seeds.json", &seeds);
    assert_eq!(run(&tree).calls(), 3);
    space.write("seeds.json", &std::fs::read_to_string(tree.join("seeds.json")).unwrap());
    assert_eq!(run(space.root()).calls(), 0, "what the other tree bought serves here");
}
