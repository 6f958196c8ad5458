//! `doctor`: what it finds in workspaces that were spoilt on purpose, and that it finds nothing in good ones.

use crate::support::expect::built;
use crate::support::git::git;
use crate::support::{Space, synth};
use serde_json::{Value, json};

/// Exit code, and grade, topic and first line of each thing found.
#[track_caller]
fn found(space: &Space) -> (Option<i32>, Vec<(String, String, String)>) {
    let before = space.files();
    let ran = space.run(&["doctor", "--format", "json"]);
    assert!(before == space.files() && ran.books.is_empty(), "a doctor changed something: {ran:#?}");
    let said: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|e| panic!("{e}: {ran:#?}"));
    assert_eq!(said["version"], 1);
    assert_eq!(said["well"] == true, ran.code == Some(0), "{ran:#?}");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let symptoms = said["symptoms"].as_array().unwrap().iter();
    let symptoms = symptoms.map(|symptom| {
        assert!(!text(&symptom["why"]).is_empty() && !text(&symptom["todo"]).is_empty(), "{symptom:#}");
        (text(&symptom["grade"]), text(&symptom["about"]), text(&symptom["what"]))
    });
    (ran.code, symptoms.collect())
}

/// What is found after the space was spoilt and not before, which has to be exactly this.
#[track_caller]
fn spoilt(space: &Space, grade: &str, about: &str, what: &str, spoil: impl FnOnce(&Space)) {
    let (_, before) = found(space);
    spoil(space);
    let (code, after) = found(space);
    let new: Vec<_> = after.into_iter().filter(|symptom| !before.contains(symptom)).collect();
    assert_eq!(new.len(), 1, "{new:#?}");
    assert_eq!((new[0].0.as_str(), new[0].1.as_str()), (grade, about), "{new:#?}");
    assert!(new[0].2.contains(what), "{new:#?}");
    assert_eq!(code == Some(1), grade == "problem");
}

fn course() -> Space {
    built(Space::batching(25).with_own_rules())
}

#[test]
fn a_good_workspace_is_well() {
    let space = built(Space::batching(5));
    let (code, symptoms) = found(&space);
    // The made-up language has no pack; nothing else is to be said.
    assert_eq!(code, Some(0));
    assert_eq!(symptoms.len(), 1, "{symptoms:#?}");
    assert!(
        symptoms[0].2.starts_with("`qaa_for_eng` goes without the checks `one_translation`"),
        "{symptoms:#?}"
    );
    let said = space.run(&["doctor"]).exits(0).stdout;
    assert!(
        said.starts_with("remark: `qaa_for_eng` goes") && said.ends_with("nothing is wrong; 1 remark\n"),
        "{said}"
    );
    assert!(
        said.contains("\n  because: they need words")
            && said.contains("\n  hint: write `languages/qaa.toml`"),
        "{said}"
    );
}

#[test]
fn a_workspace_that_does_not_load_is_told_with_its_place() {
    let space = course();
    space.replace("rules/phase3.toml", "after = \"phase1\"", "after = \"phase2\"");
    let (code, symptoms) = found(&space);
    assert_eq!(code, Some(1));
    assert_eq!((symptoms[0].0.as_str(), symptoms[0].1.as_str()), ("problem", "workspace"));
    assert!(symptoms[0].2.contains("(rules/phase3.toml:3:"), "{symptoms:#?}");
}

#[test]
fn prompts_that_show_not_what_they_could_are_told() {
    spoilt(
        &course(),
        "remark",
        "prompts",
        "no template of `phase5` shows the context `vocabulary`",
        |space| {
            let text = space.read("rules/prompts/phase5.md.j2").replace("context.vocabulary", "items");
            space.write("rules/prompts/phase5.md.j2", &text);
        },
    );
    spoilt(&course(), "remark", "prompts", "nothing reads the context `seen` of `phase5`", |space| {
        let rule = space.read("rules/phase5.toml");
        let context = "[[context]]\nname = \"seen\"\nfrom = \"phase3\"\nrole = \"check\"\n\n[[check]]";
        space.write("rules/phase5.toml", &rule.replacen("[[check]]", context, 1));
    });
    let space = course();
    let text = space.read("rules/prompts/system.md.j2").replace("{{ intelligence }}", "");
    space.write("rules/prompts/system.md.j2", &text);
    let (_, symptoms) = found(&space);
    let told = |phase: &str| {
        symptoms
            .iter()
            .any(|s| s.2 == format!("the system template of `{phase}` does not show its documents"))
    };
    assert!(["phase1", "phase3", "phase5"].into_iter().all(told), "{symptoms:#?}");
}

#[test]
fn documents_that_cost_more_than_they_should_are_told() {
    spoilt(
        &course(),
        "remark",
        "documents",
        "sends the section `phase 1 translation / Version History`",
        |space| {
            space.replace("rules/phase1.toml", ", without = [\"Version History\"]", "");
        },
    );
    spoilt(&course(), "remark", "documents", "KB from 1 documents with each call", |space| {
        let path = "docs/phase_intelligence/phase_1_translation.md";
        space.write(path, &format!("{}\n## More\n\n{}\n", space.read(path), "many words ".repeat(20_000)));
    });
    let space = Space::batching(1);
    let path = "docs/phase_intelligence/phase_1_translation.md";
    let text = space.read(path);
    spoilt(&space, "remark", "documents", "was sent in 4 versions", |space| {
        for version in 1..=4 {
            space.write(path, &format!("{text}\n## Notes\n\nVersion {version}.\n"));
            space.build(&["phase1"]).exits(0);
        }
    });
    let told = space.run(&["doctor"]).exits(0).stdout;
    assert!(told.contains("made all of them stale: 3 calls asked for 3 items after the first one"), "{told}");
}

#[test]
fn programs_that_cannot_start_are_told() {
    let manifest = |space: &Space, argv: &str| {
        space.write("coursebuild.toml", &synth::manifest("rules", &[argv.to_owned()]));
    };
    spoilt(
        &course(),
        "problem",
        "generators",
        "the generator of `phase1` cannot start `no-such-agent`",
        |space| {
            manifest(space, "no-such-agent");
        },
    );
    spoilt(&course(), "problem", "generators", "cannot start `./agent.sh`", |space| {
        space.write("agent.sh", "#!/bin/sh\n");
        manifest(space, "./agent.sh");
    });
    spoilt(
        &course(),
        "problem",
        "generators",
        "the check `v` of `phase3` cannot start `no-such-validator`",
        |space| {
            let rule = space.read("rules/phase3.toml");
            let check = "\n[[check]]\nname = \"v\"\nuse = \"command\"\nargv = [\"no-such-validator\"]\n";
            space.write("rules/phase3.toml", &format!("{rule}{check}"));
        },
    );
}

#[test]
fn main_files_with_too_much_in_them_are_told() {
    spoilt(&course(), "remark", "main files", "`lego_pairs.json` has 1 items twice", |space| {
        space.edit_json("course/lego_pairs.json", |legos| {
            let again = legos[3].clone();
            legos.as_array_mut().unwrap().push(again);
        });
    });
    spoilt(
        &course(),
        "remark",
        "main files",
        "`lego_baskets.json` has 1 items that nothing gives (`S9999L01`",
        |space| {
            space.edit_json("course/lego_baskets.json", |baskets| {
                baskets["S9999L01"] = json!({"e": [], "d": {}});
            });
        },
    );
    spoilt(&course(), "problem", "main files", "is in `", |space| {
        space.edit_json("course/lego_pairs.json", |legos| {
            let mut other = legos[3].clone();
            other[2][0][2] = json!("otra");
            legos.as_array_mut().unwrap().push(other);
        });
    });
    spoilt(&course(), "problem", "main files", "`course/coursebuild.lock` holds conflict markers", |space| {
        let lock = space.read("course/coursebuild.lock");
        space.write("course/coursebuild.lock", &format!("<<<<<<< ours\n{lock}=======\n>>>>>>> theirs\n"));
    });
}

#[test]
fn items_beside_their_collection_are_told() {
    let space = Space::batching(3);
    let builtin = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("rules/objects@1");
    for entry in
        walkdir::WalkDir::new(&builtin).into_iter().map(Result::unwrap).filter(|e| e.file_type().is_file())
    {
        let inside = entry.path().strip_prefix(&builtin).unwrap().to_str().unwrap();
        space.write(&format!("rules/{inside}"), &std::fs::read_to_string(entry.path()).unwrap());
    }
    space.replace("coursebuild.toml", "builtin:batching@1", "rules");
    let pair = json!({"known": "a", "target": "b"});
    space
        .write("course/seed_pairs.json", &json!({"version": 1, "translations": {"S0001": pair}}).to_string());
    spoilt(
        &space,
        "remark",
        "main files",
        "`seed_pairs.json` has 1 items beside its collection (`S0002`",
        |space| {
            space.edit_json("course/seed_pairs.json", |pairs| pairs["S0002"] = pair);
        },
    );
}

#[test]
fn a_torn_entry_is_told() {
    spoilt(&course(), "problem", "store", "are damaged", |space| {
        let entry = space.everything().into_keys().find(|path| path.ends_with(".cbe")).unwrap();
        let bytes = std::fs::read(space.path(&entry)).unwrap();
        space.write_bytes(&entry, &bytes[..bytes.len() / 2]);
    });
}

#[test]
fn a_clone_that_merges_main_files_as_text_is_told_once() {
    let space = built(Space::batching(5));
    git(&space, &["init", "-q"]);
    let of_branches = |space: &Space| {
        let (_, symptoms) = found(space);
        symptoms
            .into_iter()
            .filter(|(_, about, _)| about == "branches")
            .map(|(.., what)| what)
            .collect::<Vec<_>>()
    };
    assert_eq!(of_branches(&space), ["git merges the main files as plain text"]);
    space.run(&["merge-driver", "--install"]).exits(0);
    assert_eq!(of_branches(&space), [""; 0]);
    // What a clone gets: the attributes, and not the configuration.
    git(&space, &["config", "--unset", "merge.coursebuild.driver"]);
    assert_eq!(of_branches(&space), ["this clone's git has not been told of the merge driver"]);
    space.run(&["merge-driver", "--install"]).exits(0);
    assert_eq!(of_branches(&space), [""; 0]);
}
