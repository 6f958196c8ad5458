//! From an empty folder to a course: `init`, `completions`, and what is said to who mistypes.

use crate::support::Space;

#[test]
fn an_empty_folder_becomes_a_course_that_builds_and_nothing_is_overwritten() {
    let space = Space::new();
    let ran = space.run(&["init", "--yes"]).exits(0);
    assert!(ran.stdout.starts_with("written coursebuild.toml\nwritten seeds.json\n"), "{ran:#?}");
    assert!(ran.stdout.contains("3..6 calls for 60..280 items"), "{ran:#?}");
    let files = space.files();
    let names: Vec<&String> = files.keys().collect();
    assert_eq!(names.len(), 8, "{names:?}");
    let built = space.build(&[]).exits(0);
    assert_eq!(built.summary()["items_generated"], 109);
    let again = space.run(&["init", "--yes"]).exits(2);
    assert!(again.stderr.contains("there is a `coursebuild.toml` here already"), "{again:#?}");
    assert_eq!(space.read("coursebuild.toml").into_bytes(), files["coursebuild.toml"]);
}

#[test]
fn what_is_there_is_kept_and_git_files_get_only_the_lines_that_they_lack() {
    let space = Space::new();
    space.write("seeds.json", r#"{"S0001": "I want to speak."}"#);
    space.write(".gitignore", "target\n.coursebuild/");
    space.write(".gitattributes", "*.png binary");
    space.write("docs/phase_intelligence/phase_3_mine.md", "# Mine\n");
    let ran = space.run(&["init", "--course", "ita_for_eng", "--program", "./ask.sh --fast"]).exits(0);
    for said in ["kept    seeds.json", "kept    .gitignore", "added to .gitattributes"] {
        assert!(ran.stdout.contains(said), "{said}: {ran:#?}");
    }
    assert!(!space.path("docs/phase_intelligence/phase_3_lego_decomposition.md").exists());
    assert_eq!(space.read(".gitignore"), "target\n.coursebuild/");
    assert_eq!(
        space.read(".gitattributes"),
        "*.png binary\n/coursebuild.accepted.toml merge=coursebuild\n\
         /courses/ita_for_eng/seed_pairs.json merge=coursebuild\n\
         /courses/ita_for_eng/lego_pairs.json merge=coursebuild\n\
         /courses/ita_for_eng/lego_baskets.json merge=coursebuild\n\
         /courses/ita_for_eng/coursebuild.lock merge=coursebuild\n"
    );
    assert!(space.read("coursebuild.toml").contains("argv = [\"./ask.sh\", \"--fast\"]\n"));
    assert_eq!(space.plan(&[])["courses"][0]["course"], "ita_for_eng");
}

#[test]
fn what_init_cannot_make_sense_of_writes_nothing() {
    for (args, said) in [
        (&["init"][..], "there is no terminal to ask at"),
        (&["init", "--course", "italian"], "is no pair of languages"),
        (&["init", "--course", "../x_for_eng"], "is no pair of languages"),
        (&["init", "--course", "a_for_b", "--seeds", "x.json"], "there is no file `x.json` of seeds"),
        (&["init", "--course", "a_for_b", "--generator", "command"], "no program was named"),
        (&["init", "--yes", "--generator", "replay"], "there is no file `answers.json` of answers"),
    ] {
        let space = Space::new();
        let ran = space.run(args).exits(2);
        assert!(ran.stderr.contains(said), "{args:?}: {ran:#?}");
        assert!(space.everything().is_empty(), "{args:?}: {:?}", space.everything().keys());
    }
}

#[test]
fn every_shell_gets_a_script_with_every_command() {
    let space = Space::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = space.run(&["completions", shell]).exits(0).stdout;
        for word in ["retry-failed", "completions", "status", "budget"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    assert!(space.run(&["completions", "fsh"]).exits(2).stderr.contains("fish"));
}

#[test]
fn a_mistyped_name_is_answered_with_the_one_that_was_meant() {
    let space = Space::batching(2);
    for (args, meant) in [
        (&["plan", "phsae3"][..], "phase3"),
        (&["plan", "phsae3/1"], "phase3"),
        (&["plan", "--phase", "phase33"], "phase3"),
        (&["plan", "S002"], "S0002"),
        (&["statsu"], "status"),
        (&["build", "--kep-going"], "--keep-going"),
    ] {
        let ran = space.run(args).exits(2);
        assert!(ran.stderr.contains(meant), "{args:?}: {ran:#?}");
        assert!(ran.stdout.is_empty(), "{ran:#?}");
    }
}
