//! Main files damaged as they are in practice: each gets a clear report and a way on; nothing is guessed, bought or lost.

use crate::support::expect::{MAIN_FILES, PHASES, assert_fresh, built};
use crate::support::synth;
use crate::support::{Ran, Space};
use serde_json::{Value, json};

const PAIRS: &str = MAIN_FILES[0];
const LEGOS: &str = MAIN_FILES[1];
const BASKETS: &str = MAIN_FILES[2];

fn batching() -> Space {
    built(Space::batching(12))
}

fn objects() -> Space {
    let space = Space::batching(12);
    space.write("coursebuild.toml", &synth::manifest("builtin:objects@1", &space.argv(&["objects"])));
    built(space)
}

fn warnings(ran: &Ran) -> String {
    let told = ran.events.iter().filter(|event| event["event"] == "warning");
    told.filter_map(|event| event["message"].as_str()).collect::<Vec<_>>().join("\n")
}

/// Damage that a build cannot see past: it stops, says where and what to do, and changes nothing. Without the file, everything
/// comes back from the store.
#[test]
fn what_cannot_be_read_stops_a_build_with_its_place_and_a_way_on() {
    type Damage = fn(&str) -> Vec<u8>;
    let cases: [(&str, &str, Damage, &str, &str); 8] = [
        (
            "half a file",
            BASKETS,
            |text| text.as_bytes()[..text.len() / 2].to_vec(),
            "lego_baskets.json:",
            "restore",
        ),
        ("an empty file", PAIRS, |_| Vec::new(), "seed_pairs.json", "restore"),
        (
            "an item twice, and not the same",
            PAIRS,
            |text| text.replacen('{', "{\n  \"S0002\": [\"x\", \"y\"],", 1).into_bytes(),
            "`S0002` is in",
            "keep one of the two",
        ),
        (
            "an array that was pushed onto",
            LEGOS,
            |text| text.replacen('[', "[[\"S0001\", [\"a\", \"b\"], []],", 1).into_bytes(),
            "`S0001` is in",
            "keep one of the two",
        ),
        (
            "an item without an id",
            LEGOS,
            |text| text.replacen('[', "[[7],", 1).into_bytes(),
            "has no id at `/0`",
            "mend it",
        ),
        (
            "another collection",
            LEGOS,
            |_| b"{\"S0001\": []}".to_vec(),
            "does not hold what phase results look like",
            "restore",
        ),
        (
            "conflict markers",
            PAIRS,
            |text| format!("<<<<<<< HEAD\n{text}=======\n{{}}\n>>>>>>> other\n").into_bytes(),
            "conflict markers of an unfinished merge",
            "merge-driver --install",
        ),
        (
            "bytes that are no text",
            PAIRS,
            |text| [text.as_bytes(), &[0xff, 0xfe]].concat(),
            "is not UTF-8",
            "save it",
        ),
    ];
    let space = batching();
    let whole = space.outputs();
    for (what, file, damage, says, way_on) in cases {
        space.write_bytes(file, &damage(&space.read(file)));
        let before = space.everything();
        for command in [&["build"][..], &["plan"], &["adopt"], &["adopt", "-n"]] {
            let ran = space.run(command).exits(2);
            assert!(
                ran.stderr.contains(says) && ran.stderr.contains(way_on),
                "{what}: {command:?}: {}",
                ran.stderr
            );
            assert_eq!(ran.books, [], "{what}");
        }
        let mut after = space.everything();
        after.retain(|path, _| before.contains_key(path));
        assert!(before == after, "{what}: nothing is changed");
        space.remove(file);
        assert_eq!(space.build(&[]).exits(0).calls(), 0, "{what}");
        assert!(whole == space.outputs(), "{what}: linked anew from the store");
    }
    assert_fresh(&space);
}

/// Damage that a build sees past: what it does about it is told, and what somebody wrote is kept in the store.
#[test]
fn what_can_be_read_is_put_right_and_told() {
    let space = batching();
    let whole = space.outputs();
    let orphan =
        |space: &Space| space.edit_json(BASKETS, |items| items["S0001L77"] = json!({"e": [], "d": {}}));
    type Case<'a> = (&'a str, &'a dyn Fn(&Space), &'a str);
    let cases: [Case<'_>; 5] = [
        (
            "an item twice, and the same",
            &|space| {
                let item = space.json(LEGOS)[3].to_string();
                space.write(
                    LEGOS,
                    &space.read(LEGOS).replacen('[', &format!("[{item},"), 1).replacen("[[", "[\n[", 1),
                );
                // The copy has to be the same to the letter to be no second opinion.
                let text = space.read(LEGOS);
                let again = format!("{:#}", space.json(LEGOS)[4]).replace('\n', "\n  ");
                space.write(LEGOS, &text.replacen(&item, &again, 1));
            },
            "",
        ),
        (
            "an agent's fields among the items",
            &|space| {
                space.edit_json(PAIRS, |items| {
                    items["agentId"] = json!("agent-7");
                    items["stagingOnly"] = json!(true);
                });
            },
            "2 items of `seed_pairs.json` are no more in the course and leave it; 2 of them written by hand: kept in the store",
        ),
        ("an orphan", &orphan, "1 items of `lego_baskets.json` are no more in the course"),
        (
            "a byte-order mark and other newlines",
            &|space| {
                let text = space.read(PAIRS).replace('\n', "\r\n");
                space.write(PAIRS, &format!("\u{feff}{text}"));
            },
            "",
        ),
        (
            "another order and indentation",
            &|space| {
                let mut items: Vec<Value> = space.json(LEGOS).as_array().unwrap().clone();
                items.reverse();
                space.write(LEGOS, &json!(items).to_string());
            },
            "",
        ),
    ];
    for (what, damage, says) in cases {
        damage(&space);
        let ran = space.build(&[]).exits(0);
        assert_eq!(
            (ran.buys(PHASES), ran.summary()["items_held"].as_u64()),
            ([(0, 0); 3], Some(0)),
            "{what}"
        );
        assert!(warnings(&ran).contains(says), "{what}: {}", warnings(&ran));
        assert!(whole == space.outputs(), "{what}");
        assert_fresh(&space);
    }
}

#[test]
fn around_the_items_totals_are_put_right_and_everything_else_is_kept() {
    let space = objects();
    let id = space.json(BASKETS)["baskets"].as_object().unwrap().keys().next().unwrap().clone();
    space.edit_json(LEGOS, |file| {
        file["total_legos"] = json!(2945);
        file["agentId"] = json!("agent-7");
    });
    space.edit_json(BASKETS, |file| {
        file["stagingOnly"] = json!(true);
        file[&id] = json!({"practice_phrases": []});
    });
    let told = space.run(&["adopt", "-n", "--format", "json"]).exits(0);
    let told: Value = serde_json::from_str(&told.stdout).unwrap();
    let phases = &told["courses"][0]["phases"];
    assert_eq!(phases[1]["envelope"][0]["found"], 2945);
    assert_eq!(phases[2]["stray"], json!([id]));
    let ran = space.build(&[]).exits(0);
    assert_eq!(ran.calls(), 0);
    assert!(warnings(&ran).contains("stand beside the items, not among them"), "{}", warnings(&ran));
    let (legos, baskets) = (space.json(LEGOS), space.json(BASKETS));
    let all: usize =
        legos["seeds"].as_array().unwrap().iter().map(|seed| seed["legos"].as_array().unwrap().len()).sum();
    assert_eq!((&legos["total_legos"], &legos["agentId"]), (&json!(all), &json!("agent-7")));
    assert_eq!((&baskets["stagingOnly"], &baskets[&id]), (&json!(true), &json!({"practice_phrases": []})));
}

/// The same damage where nothing is known: an adoption names it, and goes no further than what is sure.
#[test]
fn a_damaged_course_from_elsewhere_is_adopted_as_far_as_it_is_whole() {
    let space = batching();
    space.remove(MAIN_FILES[3]);
    space.remove(".coursebuild");
    space.edit_json(LEGOS, |items| items[2] = json!(["S0003", "no seed pair here"]));
    space.edit_json(BASKETS, |items| {
        items["agentId"] = json!("agent-7");
        items["S0004L01"] = json!(null);
    });
    // What later phases are made from has to be readable: one that is not is named.
    let before = space.files();
    let ran = space.run(&["adopt"]).exits(2);
    assert!(
        ran.stderr.contains("`S0003` of `phase3` cannot be split") && ran.stderr.contains("mend that item"),
        "{ran:#?}"
    );
    assert!(before == space.files());
    space.edit_json(LEGOS, |items| items[2] = json!(["S0003", "no seed pair here", []]));
    let ran = space.run(&["adopt"]).exits(0);
    assert!(ran.stdout.contains("held, fails `shape`") && ran.stdout.contains("S0003"), "{}", ran.stdout);
    assert!(ran.stdout.contains("not of the course, leave the file and stay in the store"), "{}", ran.stdout);
    assert!(ran.stdout.contains("`coursebuild build --fix`"), "{}", ran.stdout);
    let ran = space.build(&[]).exits(0);
    assert!(!ran.bought("phase3").contains(&"S0003"), "{ran:#?}");
}
