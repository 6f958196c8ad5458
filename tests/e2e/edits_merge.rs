//! Hand edits by the hundred, and what is generated since: merged by field, or a conflict that a person decides. Nothing is lost,
//! and nothing is bought unasked or twice.

use crate::support::expect::{MAIN_FILES, PHASES, assert_fresh, built, plan_of};
use crate::support::{Ran, Space};
use serde_json::{Value, json};

const BASKETS: &str = MAIN_FILES[2];
const DOCUMENT: &str = "docs/phase_intelligence/phase_5_baskets.md";
const EDITS: usize = 276;

/// A course with 276 baskets edited by a script, and the ids of these.
fn edited() -> (Space, Vec<String>) {
    let space = built(Space::batching(75));
    let mut ids = Vec::new();
    space.edit_json(BASKETS, |baskets| {
        for (id, basket) in baskets.as_object_mut().unwrap().iter_mut().take(EDITS) {
            basket["e"][0][1] = json!(by_hand(id));
            ids.push(id.clone());
        }
    });
    assert_eq!(ids.len(), EDITS);
    (space, ids)
}

fn by_hand(id: &str) -> String {
    format!("written by hand for {id}")
}

fn teach(space: &Space) {
    space.replace(DOCUMENT, "\n### Rule 1.1\n", "\n### Rule 1.1\n\nMind the word order.\n");
}

/// Every edit stands in the main file.
#[track_caller]
fn assert_kept(space: &Space, ids: &[String]) {
    let baskets = space.json(BASKETS);
    for id in ids {
        assert_eq!(baskets[id]["e"][0][1], by_hand(id), "{id}");
    }
}

fn held(ran: &Ran) -> u64 {
    ran.summary()["items_held"].as_u64().unwrap_or(0)
}

/// What waits for a decision, by state.
fn waiting(space: &Space, state: &str) -> usize {
    let ran = space.run(&["resolve", "--list", "--format", "json"]).exits(0);
    let items: Value = serde_json::from_str(&ran.stdout).unwrap();
    items["items"].as_array().unwrap().iter().filter(|item| item["state"] == state).count()
}

#[test]
fn hundreds_of_edits_outlive_their_document_and_are_merged_when_that_is_asked() {
    let (space, ids) = edited();
    assert_eq!(space.build(&[]).exits(0).calls(), 0);
    teach(&space);
    let ran = space.build(&[]).exits(0);
    let all = space.json(BASKETS).as_object().unwrap().len();
    assert_eq!(ran.buys(PHASES)[2].1, all - EDITS, "all but the edits");
    assert_eq!(held(&ran), EDITS as u64);
    assert_kept(&space, &ids);
    assert_eq!(waiting(&space, "moved"), EDITS);
    assert_fresh(&space);

    // The generator changes other fields.
    space.faults(&json!([{"fault": "set", "phase": "phase5", "at": "/d/2", "to": []}]));
    let ran = space.build(&["--refresh-edited"]).exits(0);
    assert_eq!(ran.buys(PHASES), [(0, 0), (0, 0), (EDITS.div_ceil(60), EDITS)]);
    assert_eq!(held(&ran), 0, "{:#?}", ran.summary());
    assert_kept(&space, &ids);
    let baskets = space.json(BASKETS);
    assert!(ids.iter().all(|id| baskets[id]["d"]["2"] == json!([])), "and what was generated is there too");
    assert_fresh(&space);
    let lock = space.read(MAIN_FILES[3]);
    assert_eq!(lock.lines().filter(|line| line.ends_with(" edited")).count(), EDITS);

    // Merged, it is an edit like any other: the next document holds it again.
    space.replace(DOCUMENT, "Mind the word order.", "Mind the word order well.");
    let ran = space.build(&[]).exits(0);
    assert_eq!(held(&ran), EDITS as u64);
    assert_kept(&space, &ids);
    // And without another word from the generator, it stands for that as well.
    let ran = space.build(&["--refresh-edited"]).exits(0);
    assert_eq!((held(&ran), ran.buys(PHASES)[2].1), (0, EDITS));
    assert_kept(&space, &ids);
}

#[test]
fn what_both_changed_is_a_conflict_for_a_person_to_decide() {
    let (space, ids) = edited();
    space.build(&[]).exits(0);
    teach(&space);
    space.build(&[]).exits(0);
    space.faults(&json!([{"fault": "set", "phase": "phase5", "at": "/e/0/1", "to": "generated anew"}]));
    let ran = space.build(&["--refresh-edited"]).exits(0);
    assert_eq!((held(&ran), ran.buys(PHASES)[2].1), (EDITS as u64, EDITS));
    assert_kept(&space, &ids);
    assert_eq!(waiting(&space, "conflict"), EDITS);
    let again = space.build(&["--refresh-edited"]).exits(0);
    assert_eq!(
        (again.calls(), held(&again)),
        (0, EDITS as u64),
        "what was generated is known: nobody buys it twice"
    );
    assert_fresh(&space);

    let target = format!("phase5/{}", ids[0]);
    let why = space.run(&["why", &target]).exits(0).stdout;
    assert!(why.contains("at `/e/0/1`: made from") && why.contains("generated \"generated anew\""), "{why}");

    // Mine, theirs, and something third.
    let run = |args: &[&str]| {
        let ran = space.run(&[&["resolve"], args].concat()).exits(0);
        assert_eq!(ran.books, []);
        ran.stdout
    };
    let text = |id: &str| space.json(BASKETS)[id]["e"][0][1].clone();
    assert!(run(&[&target, "--mine"]).contains("fresh"));
    assert_eq!(text(&ids[0]), by_hand(&ids[0]));
    run(&[&format!("phase5/{}", ids[1]), "--theirs"]);
    assert_eq!(text(&ids[1]), "generated anew");
    let shown = space.run(&["show", &format!("phase5/{}", ids[2])]).exits(0).stdout;
    space.write("third.json", &shown.replace(&by_hand(&ids[2]), "something third"));
    run(&[&format!("phase5/{}", ids[2]), "--merged", "third.json"]);
    assert_eq!(text(&ids[2]), "something third");
    assert_eq!((waiting(&space, "conflict"), waiting(&space, "resolved")), (EDITS - 3, 3));
    assert_fresh(&space);
    assert_eq!(text(&ids[1]), "generated anew");

    // A decision is taken back, and the rest is decided at once.
    run(&[&format!("phase5/{}", ids[1]), "--revoke"]);
    assert_eq!(text(&ids[1]), by_hand(&ids[1]));
    assert_eq!(waiting(&space, "conflict"), EDITS - 2);
    assert_fresh(&space);
    run(&["phase5", "--theirs"]);
    assert_eq!(waiting(&space, "conflict"), 0);
    assert_eq!((text(&ids[0]), text(&ids[9])), (json!(by_hand(&ids[0])), json!("generated anew")));
    assert_fresh(&space);
    for lost in [".coursebuild/index", MAIN_FILES[3]] {
        if space.path(lost).exists() {
            space.remove(lost);
        }
        assert_eq!(space.build(&[]).exits(0).calls(), 0, "without {lost}");
        assert_eq!(
            (text(&ids[0]), text(&ids[9])),
            (json!(by_hand(&ids[0])), json!("generated anew")),
            "without {lost}"
        );
    }
}

#[test]
fn an_item_has_generations_and_can_go_back() {
    let space = built(Space::batching(5));
    let baskets = space.json(BASKETS);
    let id = baskets
        .as_object()
        .unwrap()
        .iter()
        .find(|(_, basket)| basket["d"]["2"] != json!([]))
        .unwrap()
        .0
        .as_str();
    let target = format!("phase5/{id}");
    space.edit_json(BASKETS, |baskets| baskets[id]["e"][0][1] = json!(by_hand(id)));
    space.build(&[]).exits(0);
    space.faults(&json!([{"fault": "set", "phase": "phase5", "at": "/d/2", "to": []}]));
    teach(&space);
    space.build(&["--refresh-edited"]).exits(0);
    let log = space.run(&["log", &target, "--format", "json"]).exits(0);
    let log: Value = serde_json::from_str(&log.stdout).unwrap();
    let generations = log["items"][0]["generations"].as_array().unwrap();
    let told: Vec<_> = generations
        .iter()
        .map(|one| (one["provenance"].as_str().unwrap(), one["present_key"] == true, one["stands"] == true))
        .collect();
    assert_eq!(
        told,
        [
            ("generated", false, false),
            ("edited", false, false),
            ("generated", true, false),
            ("edited", true, true)
        ]
    );
    let at = |number: &str| {
        let shown = space.run(&["show", &target, "--at", number]).exits(0).stdout;
        serde_json::from_str::<Value>(&shown).unwrap()[id].clone()
    };
    assert_eq!(at("2")["e"][0][1], by_hand(id));
    assert_ne!(at("3")["e"][0][1], by_hand(id));
    assert_eq!(at("4"), space.json(BASKETS)[id]);
    assert!(space.run(&["show", &target, "--at", "9"]).exits(2).stderr.contains("no generation 9"));
    for (number, word) in [("3", " generated"), ("1", " edited"), ("4", " edited"), ("3", " generated")] {
        let wanted = at(number);
        space.run(&["resolve", &target, "--generation", number]).exits(0);
        assert_eq!(space.json(BASKETS)[id], wanted, "generation {number}");
        let lock = space.read(MAIN_FILES[3]);
        let line = lock.lines().find(|line| line.starts_with(&format!("phase5 {id} "))).unwrap();
        assert!(line.ends_with(word), "{line}");
        assert_fresh(&space);
        assert_eq!(space.json(BASKETS)[id], wanted, "it stays");
    }
    let text = space.run(&["log", &target]).exits(0).stdout;
    assert!(text.contains("generations of") && text.contains("* 3 "), "{text}");
}

#[test]
fn a_decision_taken_back_tells_what_becomes_of_the_item() {
    let (space, ids) = edited();
    let target = format!("phase5/{}", ids[0]);
    let resolve = |how: &str| -> Value {
        let ran = space.run(&["resolve", &target, how, "--format", "json"]).exits(0);
        serde_json::from_str::<Value>(&ran.stdout).unwrap()["items"][0].clone()
    };
    assert_eq!(resolve("--theirs")["verdict"], "fresh");
    assert_eq!(resolve("--revoke")["verdict"], "fresh", "the edit");
    teach(&space);
    space.build(&[]).exits(0);
    let told = resolve("--revoke");
    assert_eq!((&told["provenance"], &told["verdict"]), (&json!("generated"), &json!("stale")), "{told:#}");
    assert_eq!(told["why"], "it was generated from other inputs; a build asks for it again");
    assert_eq!(plan_of(&space.plan(&[]), "phase5")["stale"], 1);
    assert_eq!(space.build(&[]).exits(0).bought("phase5"), [&ids[0]]);
    assert_fresh(&space);
}
