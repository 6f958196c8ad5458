//! The tests' own generator and courses, without the tool: what they promise to the other tests.

use crate::support::synth::{self, Synth};
use crate::support::{Call, Space, program};
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::process::{Command, Output};

/// Asks the program for one call, as the tool would.
fn ask(space: &Space, mode: &[&str], phase: &str, attempt: u32, items: &Value, prompt: &str) -> Output {
    space.write("input.json", &json!({"items": items, "context": {"earlier": [1]}}).to_string());
    space.write("prompt.md", prompt);
    let argv = space.argv(mode);
    let mut command = Command::new(&argv[0]);
    command.args(&argv[1..]).current_dir(space.root());
    for (name, value) in [
        ("CALL", "c1"),
        ("COURSE", synth::COURSE),
        ("LABEL", "phase_batch_1"),
        ("SCOPE", "S0001-S0002"),
        ("PHASE", phase),
        ("INPUT", "input.json"),
        ("PROMPT", "prompt.md"),
        ("OUTPUT", "output.json"),
    ] {
        command.env(format!("COURSEBUILD_{name}"), value);
    }
    command.env("COURSEBUILD_ATTEMPT", attempt.to_string()).output().unwrap()
}

fn answer(space: &Space, phase: &str, items: &Value) -> Value {
    let output = ask(space, &[], phase, 1, items, "");
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A whole course by the program alone: seed pairs, and LEGO by LEGO the input of phase 5.
fn course(space: &Space, seeds: usize) -> (Value, Vec<Value>) {
    let sources: Vec<Value> = Synth::new(seeds)
        .seeds()
        .iter()
        .map(|seed| json!({"id": seed.id, "input": {"source": seed.source}}))
        .collect();
    let pairs = answer(space, "phase1", &sources.into());
    let inputs: Vec<Value> = pairs
        .as_object()
        .unwrap()
        .iter()
        .map(|(id, pair)| json!({"id": id, "input": {"target": pair[0], "known": pair[1]}}))
        .collect();
    let cuts = answer(space, "phase3", &inputs.into());
    let mut legos = Vec::new();
    for seed in cuts.as_array().unwrap() {
        let of_seed = seed[2].as_array().unwrap();
        for (at, lego) in of_seed.iter().enumerate() {
            legos.push(json!({"id": lego[0], "input": {
                "lego": {"id": lego[0], "kind": lego[1], "target": lego[2], "known": lego[3]},
                "seed": {"id": seed[0], "target": seed[1][0], "known": seed[1][1]},
                "culminating": at + 1 == of_seed.len(),
            }}));
        }
    }
    (pairs, legos)
}

#[test]
fn the_made_up_language_satisfies_the_checks_of_a_course() {
    let space = Space::new();
    let (pairs, legos) = course(&space, 668);
    assert!((2_700..2_900).contains(&legos.len()), "{} LEGOs of 668 seeds", legos.len());

    let mut tiles: HashMap<&str, Vec<&str>> = HashMap::new();
    let mut targets: HashMap<String, &str> = HashMap::new();
    for lego in &legos {
        let text = |at: &str| lego["input"].pointer(at).unwrap().as_str().unwrap();
        tiles.entry(text("/seed/id")).or_default().push(text("/lego/target"));
        let one = targets.entry(text("/lego/known").to_lowercase()).or_insert(text("/lego/target"));
        assert_eq!(*one, text("/lego/target"), "one known text, two target texts");
    }
    for (id, pair) in pairs.as_object().unwrap() {
        assert_eq!(tiles[id.as_str()].join(" "), pair[0], "tiling of {id}");
    }

    let baskets = answer(&space, "phase5", &Value::from(legos.clone()));
    let mut known_words = HashSet::new();
    for lego in &legos {
        let (id, input) = (lego["id"].as_str().unwrap(), &lego["input"]);
        let operative = input["lego"]["target"].as_str().unwrap();
        known_words.extend(operative.split(' '));
        let basket = &baskets[id];
        if input["culminating"] == true {
            assert_eq!(basket["e"][0][0], input["seed"]["target"], "{id}");
        }
        let windows = basket["d"].as_object().unwrap();
        assert_eq!(windows.keys().collect::<Vec<_>>(), ["2", "3", "4", "5"]);
        for phrase in windows.values().flat_map(|phrases| phrases.as_array().unwrap()) {
            let phrase = phrase[0].as_str().unwrap();
            assert!(phrase.contains(operative), "{id}: `{phrase}` lacks `{operative}`");
            assert!(phrase.split(' ').all(|word| known_words.contains(word)), "{id}: `{phrase}`");
        }
    }
}

#[test]
fn an_edited_translation_is_left_whole() {
    let space = Space::new();
    let items = json!([{"id": "S0001", "input": {"target": "otra cosa", "known": "I want this"}}]);
    let cut = answer(&space, "phase3", &items);
    assert_eq!(cut[0][2].as_array().unwrap().len(), 1);
    assert_eq!(cut[0][2][0][2], "otra cosa");
}

#[test]
fn the_books_name_every_item_that_was_asked_and_answered() {
    let space = Space::new();
    let items =
        json!([{"id": "S0001", "input": {"source": "One."}}, {"id": "S0002", "input": {"source": "Two."}}]);
    answer(&space, "phase1", &items);
    let states: Vec<Call> = space.books();
    assert_eq!(states.iter().map(|call| call.state.as_str()).collect::<Vec<_>>(), ["asked", "answered"]);
    assert_eq!(
        states[0],
        Call {
            state: "asked".into(),
            phase: "phase1".into(),
            label: "phase_batch_1".into(),
            call: "c1".into(),
            attempt: 1,
            scope: "S0001-S0002".into(),
            items: vec!["S0001".into(), "S0002".into()],
            made: Vec::new(),
        }
    );
    assert_eq!(space.answered()[&("phase1".into(), "S0002".into())], 1);
}

#[test]
fn faults_are_made_where_they_are_asked_for_and_nowhere_else() {
    let space = Space::new();
    let pairs =
        json!([{"id": "S0001", "input": {"source": "One."}}, {"id": "S0002", "input": {"source": "Two."}}]);
    let right = r#"{"S0001":["oneo","One."],"S0002":["twoo","Two."]}"#;
    for (fault, expected) in [
        (json!({"fault": "missing"}), r#"{"S0002":["twoo","Two."]}"#),
        (json!({"fault": "shape"}), r#"{"S0001":["not",{"the":"shape"}],"S0002":["twoo","Two."]}"#),
        (json!({"fault": "wrong"}), r#"{"S0001":["","One."],"S0002":["twoo","Two."]}"#),
        (
            json!({"fault": "extra"}),
            r#"{"S0001":["oneo","One."],"S0002":["twoo","Two."],"../../x":["oneo","One."]}"#,
        ),
        (
            json!({"fault": "twice"}),
            r#"{"S0001":["oneo","One."],"S0002":["twoo","Two."],"S0001":["oneo","One."]}"#,
        ),
        (
            json!({"fault": "twice_otherwise"}),
            r#"{"S0001":["oneo","One."],"S0002":["twoo","Two."],"S0001":["","One."]}"#,
        ),
        (json!({"fault": "cut"}), r#"{"S0001":["oneo","One."],"S0002":["t"#),
        (json!({"fault": "truncated"}), r##"{"S0001":["oneo","One."],"S0002""##),
        (json!({"fault": "empty"}), ""),
        (json!({"fault": "not_json"}), "I cannot do that."),
        (json!({"fault": "pad", "bytes": 3}), &format!("   {right}")),
        (json!({"fault": "fenced"}), &format!("Done.\n\n```json\n{right}\n```\n")),
        (json!({"fault": "exit", "code": 7}), right),
        (json!({"fault": "to_file"}), ""),
        (json!({"fault": "missing", "phase": "phase3"}), right),
        (json!({"fault": "missing", "attempts": [2]}), right),
    ] {
        let mut fault = fault;
        fault["item"] = "S0001".into();
        space.faults(&json!([fault, {"fault": "empty", "item": "S0003"}]));
        let output = ask(&space, &[], "phase1", 1, &pairs, "");
        assert_eq!(String::from_utf8(output.stdout).unwrap(), expected, "{fault}");
        let code = fault["code"].as_i64().unwrap_or(0);
        assert_eq!(output.status.code().map(i64::from), Some(code), "{fault}");
    }
    assert_eq!(space.read("output.json"), right);
    space.faults(&json!([{"fault": "flood", "bytes": 5000}]));
    assert_eq!(ask(&space, &[], "phase1", 1, &pairs, "").stderr.len(), 5120);
    space.faults(&json!([{"fault": "no such"}]));
    assert_eq!(ask(&space, &[], "phase1", 1, &pairs, "").status.code(), Some(99));
}

#[test]
fn a_digest_sees_every_byte_but_the_exceptions_and_the_name() {
    let space = Space::new();
    let digest = |items: &Value, id: &str, prompt: &str| {
        let output = ask(&space, &["digest", "--hint", "earlier"], "first", 1, items, prompt);
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        answer[id]["digest"].as_str().unwrap().to_owned()
    };
    let one = json!([{"id": "S1", "input": {"text": "x"}}]);
    let two = json!([{"id": "S1", "input": {"text": "x"}}, {"id": "S2", "input": {"text": "y"}}]);
    let prompt = "All. <<exception>>batch 1<<end>><<item S1>>S1: x<<end>> End.";
    let right = digest(&one, "S1", prompt);
    assert_eq!(right, digest(&one, "S1", &prompt.replace("batch 1", "batch 2")), "an exception");
    let with_sibling = prompt.replace(" End", "\n<<item S2>>S2: y<<end>>\nEnd");
    assert_eq!(right, digest(&two, "S1", &with_sibling), "a sibling");
    assert_eq!(
        right,
        digest(&json!([{"id": "T1", "input": {"text": "x"}}]), "T1", &prompt.replace("S1", "T1"))
    );
    for changed in [prompt.replace("All", "Al"), prompt.replace(": x", ": z"), prompt.replace("End", "Ends")]
    {
        assert_ne!(right, digest(&one, "S1", &changed), "{changed}");
    }
    assert_ne!(right, digest(&json!([{"id": "S1", "input": {"text": "z"}}]), "S1", prompt), "the input");
}

#[test]
fn a_course_is_the_same_for_the_same_number_and_edits_change_one_seed() {
    let synth = Synth::new(300);
    let seeds = synth.seeds();
    assert_eq!(seeds, synth.seeds());
    assert_ne!(seeds, Synth { number: 2, ..synth }.seeds());
    assert_eq!((seeds[0].id.as_str(), seeds[299].id.as_str()), ("S0001", "S0300"));
    for seed in &seeds {
        assert!((4..=14).contains(&seed.source.split(' ').count()), "{seed:?}");
    }
    let distinct: HashSet<&str> = seeds.iter().map(|seed| seed.source.as_str()).collect();
    assert_eq!(distinct.len(), seeds.len());

    let mut edited = seeds.clone();
    synth::change_word(&mut edited, 7, 1);
    synth::change_word(&mut edited, 8, 2);
    let differ = |other: &[synth::Seed]| seeds.iter().zip(other).filter(|(a, b)| a != b).count();
    assert_eq!(differ(&edited), 2);
    let mut edited = seeds.clone();
    synth::insert(&mut edited, 5);
    assert!(!distinct.contains(edited[5].source.as_str()) && edited[5].id == "S0301");
    synth::shift(&mut edited, 5, 0);
    synth::delete(&mut edited, 0);
    assert_eq!(edited, seeds);

    for (path, text) in (Synth { scoped: Some((21, 40)), ..synth }).documents() {
        assert!((14_000..38_000).contains(&text.len()), "{path}: {} bytes", text.len());
        assert!(text.contains("items=S0021-S0040") && text.contains("## Version History"));
    }
}

#[test]
fn the_program_says_what_it_is_when_nobody_calls_it() {
    let output = Command::new(program::answer()).output().unwrap();
    assert!(output.status.success() && !output.stdout.is_empty());
}
