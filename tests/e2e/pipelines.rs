//! Pipelines that are described by rules alone: the later format of courses, and two that are no courses at all.

use crate::support::synth;
use crate::support::{Call, Ran, Space};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashSet};

/// A course of so many seeds under `builtin:objects@1`.
fn objects(seeds: usize) -> Space {
    let space = Space::batching(seeds);
    space.write("coursebuild.toml", &synth::manifest("builtin:objects@1", &space.argv(&["objects"])));
    space
}

/// An example of the tree, in a space of its own.
fn example(name: &str) -> Space {
    let space = Space::new();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name);
    let inside =
        |entry: &walkdir::DirEntry| !matches!(entry.file_name().to_str(), Some("out" | ".coursebuild"));
    let entries = walkdir::WalkDir::new(&folder).into_iter().filter_entry(inside).map(|entry| entry.unwrap());
    for entry in entries.filter(|entry| entry.file_type().is_file()) {
        let path = entry.path().strip_prefix(&folder).unwrap().to_str().unwrap();
        space.write(path, &std::fs::read_to_string(entry.path()).unwrap());
    }
    space
}

/// The calls of a run that the generator keeps no books of, by label.
fn labels(ran: &Ran) -> Vec<String> {
    let started = ran.events.iter().filter(|event| event["event"] == "call_started");
    let mut labels: Vec<String> = started.map(|event| event["label"].as_str().unwrap().to_owned()).collect();
    labels.sort();
    assert_eq!(ran.summary()["calls"], labels.len());
    labels
}

fn counts<'p>(plan: &'p Value, phase: &str) -> &'p Value {
    let phases = plan["courses"][0]["phases"].as_array().unwrap();
    phases.iter().find(|found| found["phase"] == phase).unwrap()
}

/// What is new, by LEGO, told from the file alone.
fn firsts(file: &Value) -> BTreeMap<String, bool> {
    let mut seen = HashSet::new();
    let seeds = file["seeds"].as_array().unwrap().iter();
    seeds
        .flat_map(|seed| seed["legos"].as_array().unwrap())
        .map(|lego| (lego["id"].as_str().unwrap().to_owned(), seen.insert(lego["lego"].to_string())))
        .collect()
}

/// The main files agree with each other and with themselves.
#[track_caller]
fn assert_consistent(space: &Space) {
    let (legos, baskets) = (space.json("course/lego_pairs.json"), space.json("course/lego_baskets.json"));
    let expected = firsts(&legos);
    let all: Vec<&Value> = legos["seeds"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|seed| seed["legos"].as_array().unwrap())
        .collect();
    let told: BTreeMap<String, bool> = all
        .iter()
        .map(|lego| (lego["id"].as_str().unwrap().to_owned(), lego["new"].as_bool().unwrap()))
        .collect();
    assert_eq!(told, expected);
    let new: Vec<&str> =
        all.iter().filter(|lego| lego["new"] == true).map(|lego| lego["id"].as_str().unwrap()).collect();
    let made = baskets["baskets"].as_object().unwrap();
    assert_eq!(made.keys().map(String::as_str).collect::<Vec<_>>(), new);
    for (id, basket) in made {
        assert_eq!(basket["phrase_count"], basket["practice_phrases"].as_array().unwrap().len(), "{id}");
    }
    let finals: HashSet<&str> = legos["seeds"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|seed| seed["legos"].as_array().unwrap().last()?["id"].as_str())
        .collect();
    assert!(made.iter().all(|(id, basket)| basket["is_final_lego"] == finals.contains(id.as_str())));
    assert_eq!(
        (&legos["total_seeds"], &legos["total_legos"]),
        (&json!(legos["seeds"].as_array().unwrap().len()), &json!(all.len()))
    );
    assert_eq!(baskets["total_baskets"], made.len());
    assert_eq!(space.json("course/seed_pairs.json")["total_seeds"], legos["total_seeds"]);
}

#[track_caller]
fn assert_fresh(space: &Space) {
    let before = space.files();
    assert_eq!(space.build(&[]).exits(0).summary()["calls"], 0);
    assert!(before == space.files());
    assert_eq!(space.plan(&["--exit-code"])["calls"], json!({"min": 0, "max": 0}));
}

#[test]
fn a_course_in_the_later_format_is_built_with_baskets_for_what_is_new() {
    let space = objects(65);
    let ran = space.build(&[]).exits(0);
    let new = firsts(&space.json("course/lego_pairs.json"));
    let wanted = new.values().filter(|new| **new).count();
    assert!(wanted < new.len(), "some LEGO comes twice");
    assert_eq!(ran.bought("phase5").len(), wanted);
    assert_eq!(ran.calls(), 4 + 4 + wanted.div_ceil(60));
    assert_consistent(&space);
    assert_fresh(&space);
    // In a clone without a store, nothing is bought.
    space.remove(".coursebuild");
    assert_fresh(&space);
    // A derived field is nobody's to edit.
    let legos = space.read("course/lego_pairs.json");
    space.write("course/lego_pairs.json", &legos.replacen("\"new\": true", "\"new\": false", 1));
    assert_eq!(space.build(&[]).exits(0).calls(), 0);
    assert_eq!(space.read("course/lego_pairs.json"), legos);
}

#[test]
fn what_is_new_does_not_depend_on_the_order_of_answers() {
    let space = objects(65);
    let gate = space.around().join("open");
    let hang = json!([{"fault": "hang", "phase": "phase3", "item": "S0001", "until": gate}]);
    space.faults(&hang);
    let mut running = space.start(space.tool(&["build", "--format", "json", "-j", "8"]));
    let answered = |calls: &[Call]| {
        calls.iter().filter(|call| call.phase == "phase3" && call.state == "answered").count()
    };
    running.until(|calls| answered(calls) == 3);
    assert!(space.books().iter().all(|call| call.phase != "phase5"), "nobody knows yet what is new");
    std::fs::write(&gate, "").unwrap();
    running.end().exits(0);
    assert_consistent(&space);
    let straight = objects(65);
    straight.build(&["-j", "1"]).exits(0);
    assert_eq!(space.outputs(), straight.outputs());
    assert_eq!(space.answered(), straight.answered());
}

#[test]
fn a_lego_that_comes_earlier_now_moves_its_basket_there() {
    let space = objects(45);
    space.build(&[]).exits(0);
    let legos = space.json("course/lego_pairs.json");
    // A seed that says the same as the last one, put first: all that the last one taught first is taught there now.
    space.edit_seeds(|seeds| {
        let source = format!("{} ", seeds[44].source);
        seeds.insert(0, synth::Seed { id: "S9000".to_owned(), source });
    });
    let plan = space.plan(&[]);
    let ran = space.build(&[]).exits(0);
    assert!(ran.bought("phase5").iter().all(|id| id.starts_with("S9000L")), "{ran:#?}");
    // One seed may make many LEGOs new that were not; but what has a basket is not reckoned with.
    let (most, repeats) =
        (plan["items"]["max"].as_u64().unwrap(), firsts(&legos).values().filter(|new| !**new).count());
    assert!(most <= 2 + 12 + repeats as u64, "{most} {repeats}: {plan:#}");
    assert_consistent(&space);
    let now = space.json("course/lego_pairs.json");
    assert!(now["seeds"][45]["legos"].as_array().unwrap().iter().all(|lego| lego["new"] == false));
    assert_fresh(&space);
    // Taken out again, everything is as it was, and what had been bought for it is still known.
    space.edit_seeds(|seeds| drop(seeds.remove(0)));
    assert_eq!(space.build(&[]).exits(0).calls(), 0);
    assert_eq!(space.json("course/lego_pairs.json"), legos);
    assert_fresh(&space);
}

#[test]
fn tickets_are_summed_up_and_digested_by_category() {
    let space = example("support_tickets");
    let plan = space.plan(&[]);
    assert_eq!(
        (&counts(&plan, "summaries")["missing"], &counts(&plan, "digests")["items"]),
        (&json!(8), &json!(0))
    );
    assert_eq!(plan["calls"], json!({"min": 3, "max": 6}));
    let ran = space.build(&["--offline"]).exits(0);
    assert_eq!(
        labels(&ran),
        ["digests_batch_1", "digests_batch_2", "summaries_batch_1", "summaries_batch_2"]
    );
    let digests = space.json("out/digests.json");
    let names: Vec<&String> = digests["categories"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["billing", "login", "delivery"]);
    assert_eq!((&digests["category_count"], &digests["point_count"]), (&json!(3), &json!(6)));
    assert_fresh(&space);
    let prompt = space.run(&["prompt", "digests/billing"]).exits(0).stdout;
    assert!(prompt.contains("- T-107 (urgent): A refund that was promised"), "{prompt}");

    // The same summary comes back: nothing that is made from it is touched.
    space.replace("tickets.jsonl", "put our VAT number", "print our VAT number");
    assert_eq!(labels(&space.build(&[]).exits(0)), ["summaries_batch_1"]);

    // Another summary: the digest of its category, and no other.
    space.replace("out/summaries.json", "Wants the company's VAT number", "Wants a VAT number");
    let plan = space.plan(&[]);
    assert_eq!(
        (&counts(&plan, "digests")["stale"], &counts(&plan, "digests")["fresh"]),
        (&json!(1), &json!(2))
    );
    let why = space.run(&["why", "digests/billing"]).exits(0).stdout;
    assert!(why.contains("input"), "{why}");
    assert_eq!(labels(&space.build(&[]).exits(0)), ["digests_batch_1"]);
    assert_fresh(&space);
}

#[test]
fn no_group_is_bought_before_all_its_members_are_there() {
    let space = example("support_tickets");
    assert_eq!(space.plan(&["--items", "T-101-T-104"])["calls"], json!({"min": 1, "max": 1}));
    let ran = space.build(&["--items", "T-101-T-104"]).exits(0);
    assert_eq!(labels(&ran), ["summaries_batch_1"]);
    assert!(!space.path("out/digests.json").exists());
    let ran = space.build(&["digests/login"]).exits(0);
    assert_eq!(labels(&ran), ["digests_batch_1", "summaries_batch_2"]);
    let digests = space.json("out/digests.json");
    assert_eq!(digests["categories"].as_object().unwrap().keys().collect::<Vec<_>>(), ["login"]);
    // A category that is no more takes its digest along; the tickets of another stay.
    space.build(&[]).exits(0);
    let tickets = space.read("tickets.jsonl");
    let others: Vec<&str> =
        tickets.lines().filter(|line| !line.contains("\"T-102\"") && !line.contains("\"T-105\"")).collect();
    space.write("tickets.jsonl", &others.join("\n"));
    assert_eq!(labels(&space.build(&[]).exits(0)), [""; 0]);
    assert_eq!(space.json("out/digests.json")["category_count"], 2);
}

#[test]
fn a_result_without_a_group_is_told_where_it_is() {
    let space = example("support_tickets");
    space.replace("rules/digests.toml", "by = \"/category\"", "by = \"/kind\"");
    let ran = space.build(&[]).exits(2);
    for words in ["the result of `T-101` in `summaries` belongs to no group", "`/kind`", "found nothing"] {
        assert!(ran.stderr.contains(words), "{}", ran.stderr);
    }
    // What had been bought is not lost.
    space.replace("rules/digests.toml", "by = \"/kind\"", "by = \"/category\"");
    assert_eq!(labels(&space.build(&[]).exits(0)), ["digests_batch_1", "digests_batch_2"]);
}

#[test]
fn a_field_that_is_derived_from_now_on_stands_in_every_item() {
    let space = example("support_tickets");
    let (rule, file) = ("rules/digests.toml", "out/digests.json");
    let derived = "derived = [{ field = \"/point_count\", is = \"count\", of = \"/points\" }]\n";
    let envelope = "envelope = { category_count = \"count\", point_count = { sum = \"/point_count\" } }\n";
    space.replace(rule, ", at = \"/categories\"", "");
    space.replace(rule, envelope, "");
    space.replace(rule, derived, "");
    space.build(&[]).exits(0);
    let plain = space.json(file);
    assert!(plain.as_object().unwrap().values().all(|digest| digest.get("point_count").is_none()));
    // What the last run remembers of the file's values is not relied on.
    space.replace(rule, "collection = \"object\" }\n", &format!("collection = \"object\" }}\n{derived}"));
    assert_eq!(space.build(&[]).exits(0).summary()["calls"], 0);
    let told = space.json(file);
    for (name, digest) in told.as_object().unwrap() {
        assert_eq!(digest["point_count"], digest["points"].as_array().unwrap().len(), "{name}");
        assert_eq!(digest["points"], plain[name]["points"]);
    }
    assert_eq!(told.as_object().unwrap().len(), plain.as_object().unwrap().len());
    assert_fresh(&space);
    // Nor is anything lost when the tool does not look after the field any more.
    space.replace(rule, derived, "");
    space.build(&["--max-calls", "0"]);
    assert_eq!(space.json(file), told);
}

#[test]
fn pages_are_translated_by_section_with_a_glossary() {
    let space = example("docs_translation");
    let plan = space.plan(&[]);
    assert_eq!(
        (&counts(&plan, "sections")["pending"], &plan["calls"]),
        (&json!(6), &json!({"min": 3, "max": 3}))
    );
    let ran = space.build(&["--offline"]).exits(0);
    assert_eq!(labels(&ran), ["sections_batch_1", "sections_batch_2", "terms_batch_1"]);
    let sections = space.json("out/sections.json");
    assert_eq!(sections["section_count"], 6);
    assert!(sections["sections"]["care#care/descale"]["text"].as_str().unwrap().starts_with("## Entkalken"));
    assert_fresh(&space);
    let prompt = space.run(&["prompt", "sections/care#care/descale"]).exits(0).stdout;
    assert!(prompt.contains("{\"term\":\"kettle\",\"translation\":\"Wasserkocher\"}"), "{prompt}");

    // A list of items may be of one source only; what no source knows is a slip.
    assert_eq!(space.plan(&["-B", "--items", "kettle"])["calls"], json!({"min": 1, "max": 1}));
    space.run(&["plan", "--items", "kettel"]).exits(2);
    // A page more is seen, though no file that was read has changed.
    space.write("pages/new.md", "# New\n");
    space.build(&["--locked"]).exits(3);
    assert_eq!(counts(&space.plan(&[]), "sections")["missing"], 1);
    space.remove("pages/new.md");

    space.replace("pages/care.md", "The service team", "Somebody");
    assert_eq!(space.plan(&[])["calls"], json!({"min": 0, "max": 0}), "a comment is for people");
    space.replace("pages/care.md", "dry cloth", "soft cloth");
    assert_eq!(labels(&space.build(&[]).exits(0)), ["sections_batch_1"]);
    space.replace("out/terms.json", "Wasserkocher", "Kocher");
    let plan = space.plan(&[]);
    assert_eq!(counts(&plan, "sections")["stale"], 6, "{plan:#}");
    let why = space.run(&["why", "sections/care#care"]).exits(0).stdout;
    assert!(why.contains("glossary"), "{why}");
}
