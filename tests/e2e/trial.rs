//! Trials: bought to be looked at, compared, kept or forgotten; and what `diff` says of an item's past.

use crate::support::{Ran, Space};
use serde_json::{Value, json};

/// A course of two phases that a program answers from files, which are in no key: so the same question can get another answer.
fn space() -> Space {
    let space = Space::new();
    let rule = |name: &str, before: &str, check: &str| {
        format!(
            "name = \"{name}\"\n{before}\nbatch = {{ size = 20 }}\n[prompt]\nsystem = \"s.j2\"\nbatch = \"b.j2\"\nretry = \"r.j2\"\n\
             [output]\nfile = \"{name}.json\"\nshape = {{ collection = \"object\" }}\n{check}"
        )
    };
    space.write("rules/first.toml", &rule("first", "source = \"seeds\"", "schema = \"text.json\"\n"));
    space.write("rules/second.toml", &rule("second", "after = \"first\"", ""));
    space.write("rules/text.json", r#"{"type": "string"}"#);
    space.write("rules/s.j2", "Answer.\n");
    space.write("rules/b.j2", "{{ input }}\n");
    space.write("rules/r.j2", "Again.\n");
    space.write("ask.sh", "cd \"$COURSEBUILD_COURSE_DIR/..\"; printf '%s\\n' \"$COURSEBUILD_LABEL\" >> asked; cat \"$COURSEBUILD_PHASE.answers\"\n");
    space.write("seeds.json", r#"{"S0001": "I want to speak.", "S0002": "I want to eat."}"#);
    space.write(
        "coursebuild.toml",
        "rules = \"rules\"\n[generate]\nuse = \"command\"\nargv = [\"sh\", \"ask.sh\"]\nenv = [\"PATH\"]\n\
         [[course]]\ncode = \"c\"\ndir = \"out\"\nseeds = \"seeds.json\"\n",
    );
    answers(&space, "first", &json!({"S0001": "quiero hablar ya", "S0002": "quiero comer"}));
    answers(&space, "second", &json!({"S0001": ["a", "b"], "S0002": ["c"]}));
    space.run(&[]).exits(0);
    space
}

fn answers(space: &Space, phase: &str, of: &Value) {
    space.write(&format!("{phase}.answers"), &of.to_string());
}

fn asked(space: &Space) -> usize {
    space.read("asked").lines().count()
}

fn json_of(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|e| panic!("{e}: {ran:#?}"))
}

#[test]
fn a_trial_is_bought_compared_and_kept_and_only_then_is_it_current() {
    let space = space();
    let outputs = |space: &Space| (space.read("out/first.json"), space.read("out/coursebuild.lock"));
    let before = outputs(&space);
    answers(&space, "first", &json!({"S0001": "quiero conversar ya", "S0002": "quiero comer"}));

    let ran = space.run(&["build", "first", "--trial"]).exits(0);
    assert!(ran.stdout.contains("`coursebuild keep first`"), "{ran:#?}");
    assert_eq!(asked(&space), 3);
    assert_eq!(outputs(&space), before);
    assert_eq!(space.build(&[]).exits(0).summary()["calls"], 0);
    assert_eq!(outputs(&space), before);

    // The same trial again: it waits already.
    assert_eq!(space.build(&["first", "--trial"]).exits(0).summary()["calls"], 0);
    assert_eq!(asked(&space), 3);

    let ran = space.run(&["diff", "first"]).exits(0);
    assert!(
        ran.stdout.contains("  (whole): quiero [-hablar-] {+conversar+} ya\n1 item the same in both\n"),
        "{ran:#?}"
    );
    let diff = json_of(&space.run(&["diff", "--format", "json", "c/first/S0001"]).exits(0));
    assert_eq!(diff["items"][0]["changes"][0]["new"], "quiero conversar ya");
    assert_eq!(
        (&diff["items"][0]["to"]["number"], &diff["items"][0]["to"]["provenance"]),
        (&Value::Null, &json!("trial"))
    );
    let log = space.run(&["log", "first/S0001"]).exits(0).stdout;
    assert!(log.contains("on trial, attempt 1, command"), "{log}");

    let ran = space.run(&["keep", "first"]).exits(0);
    assert!(ran.stdout.starts_with("kept c/first/S0001\nkept c/first/S0002\n"), "{ran:#?}");
    let plan = space.plan(&[]);
    assert_eq!(plan["calls"], json!({"min": 1, "max": 1}), "{plan:#}");
    answers(&space, "second", &json!({"S0001": ["x", "b"], "S0002": ["c"]}));
    let built = space.build(&[]).exits(0);
    assert_eq!(built.summary()["calls"], 1);
    assert_eq!(
        space.json("out/first.json"),
        json!({"S0001": "quiero conversar ya", "S0002": "quiero comer"})
    );
    assert_eq!(space.build(&[]).exits(0).summary()["calls"], 0);

    // What it replaced is the generation before, and so is the second phase's.
    let diff = space.run(&["diff", "S0001"]).exits(0).stdout;
    assert!(diff.contains("generation 1, generated"), "{diff}");
    assert!(diff.contains("  (whole): quiero [-hablar-] {+conversar+} ya\n"), "{diff}");
    assert!(diff.contains("  /0: [-a-] {+x+}\n"), "{diff}");
    assert!(space.run(&["diff", "S0001", "--from", "7"]).exits(2).stderr.contains("has no generation 7"));
    assert!(space.run(&["keep", "first"]).exits(0).stdout.contains("there is no trial"));
}

#[test]
fn a_trial_that_is_forgotten_stays_in_the_store_and_may_be_bought_again() {
    let space = space();
    answers(&space, "first", &json!({"S0001": "otra", "S0002": "otra"}));
    space.run(&["build", "first/S0002", "--trial"]).exits(0);
    let entries = space.everything().keys().filter(|path| path.contains("/entries/")).count();
    let gone = json_of(&space.run(&["drop-trial", "--format", "json", "first"]).exits(0));
    assert_eq!(gone, json!({"version": 1, "forgotten": ["c/first/S0002"]}));
    assert!(space.run(&["diff", "first/S0002"]).exits(0).stdout.starts_with("nothing to compare"));
    assert_eq!(space.everything().keys().filter(|path| path.contains("/entries/")).count(), entries);
    assert!(space.run(&["drop-trial", "first"]).exits(0).stdout.contains("there is no trial"));
    space.run(&["build", "first/S0002", "--trial"]).exits(0);
    assert_eq!(asked(&space), 4);
    // Without the derived index the trials are read from their entries, and decide nothing either.
    space.remove(".coursebuild/index");
    assert_eq!(space.build(&[]).exits(0).summary()["calls"], 0);
    assert!(space.run(&["diff", "first/S0002"]).exits(0).stdout.contains("on trial"));
}

#[test]
fn what_cannot_be_kept_is_told_and_stays_a_trial() {
    let space = space();
    assert!(space.run(&["build", "--trial"]).exits(2).stderr.contains("nothing was named to be tried"));
    assert_eq!(space.run(&["build", "first", "--trial", "-B"]).code, Some(2));
    answers(&space, "first", &json!({"S0001": "otra", "S0002": 7}));
    // What fails its check is asked for again, and given up: the trial of the other stands.
    let ran = space.build(&["first", "--trial"]).exits(1);
    assert_eq!((&ran.summary()["items_generated"], &ran.summary()["items_failed"]), (&json!(1), &json!(1)));
    let before = space.files();
    let kept = json_of(&space.run(&["keep", "--format", "json", "first"]).exits(1));
    assert_eq!(kept["kept"], json!(["c/first/S0001"]));
    assert!(kept["refused"][0]["why"].as_str().unwrap().starts_with("it fails `"), "{kept:#}");
    assert!(space.files() == before);
    // Other inputs than those of the trial.
    answers(&space, "first", &json!({"S0001": "otra", "S0002": "otra"}));
    space.run(&["drop-trial", "first"]).exits(0);
    space.run(&["build", "first/S0002", "--trial"]).exits(0);
    space.write("seeds.json", r#"{"S0001": "I want to speak.", "S0002": "I want to drink."}"#);
    let ran = space.run(&["keep", "first/S0002"]).exits(1);
    assert!(ran.stdout.contains("other inputs or instructions"), "{ran:#?}");
    // A build buys for the new input; the answer was given already, on trial, for another one.
    assert_eq!(space.build(&["first"]).exits(0).summary()["calls"], 1);
}
