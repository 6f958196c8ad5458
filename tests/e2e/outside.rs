//! Programs that judge batches: what they are given, what becomes of what they say, and when they are not run again.

use crate::support::expect::built;
use crate::support::{Ran, Space};
use serde_json::{Value, json};
use std::path::Path;

const SCRIPTS: [&str; 2] = ["validator.sh", "validator.mjs"];

/// A built course whose phase 3 is judged by a program, with the program's own list of runs.
fn course(seeds: usize, program: &str, fields: &str) -> Space {
    let space = Space::batching(seeds).with_own_rules();
    for script in SCRIPTS {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs").join(script);
        space.write(script, &std::fs::read_to_string(from).unwrap());
    }
    let (shell, script) = if program == "node" { ("node", "validator.mjs") } else { ("sh", "validator.sh") };
    let argv = json!([shell, script, "{course_dir}", "{batch}", space.around().join("judged")]);
    let rule = space.read("rules/phase3.toml");
    space.write(
        "rules/phase3.toml",
        &format!("{rule}\n[[check]]\nname = \"validator\"\nuse = \"command\"\nargv = {argv}\n{fields}\n"),
    );
    built(space)
}

/// The batches that the program was run for since the last look.
fn judged(space: &Space) -> Vec<usize> {
    let log = space.around().join("judged");
    let text = std::fs::read_to_string(&log).unwrap_or_default();
    let _ = std::fs::remove_file(&log);
    let mut batches: Vec<usize> = text.lines().map(|line| line.parse().unwrap()).collect();
    batches.sort_unstable();
    batches
}

fn check(space: &Space, code: i32) -> Value {
    let ran = space.run(&["check", "--format", "json"]).exits(code);
    serde_json::from_str(&ran.stdout).unwrap_or_else(|e| panic!("{e}: {ran:#?}"))
}

fn told<'v>(checked: &'v Value, kind: &str) -> Vec<&'v Value> {
    let phase = &checked["courses"][0]["phases"][1];
    let found: Vec<&Value> =
        phase[kind].as_array().unwrap().iter().filter(|told| told["check"] == "validator").collect();
    found
}

fn forbid(space: &Space, seed: usize) {
    space.edit_json("course/lego_pairs.json", |legos| {
        legos[seed][2][0][1] = json!("B");
        legos[seed][2][0][2] = json!("forbidden");
        legos[seed][2][0].as_array_mut().unwrap().truncate(4);
    });
}

#[test]
fn a_program_judges_each_batch_once() {
    let space = course(45, "sh", "");
    assert_eq!(judged(&space), [0; 0], "a build runs it not");
    check(&space, 0);
    assert_eq!(judged(&space), [1, 2, 3]);
    check(&space, 0);
    assert_eq!(judged(&space), [0; 0], "its judgements are remembered");
    space.remove(".coursebuild/judgements");
    check(&space, 0);
    assert_eq!(judged(&space), [1, 2, 3], "what is remembered is derived");
    let left = space.everything().keys().filter(|path| path.contains("scratch")).count();
    assert_eq!(left, 0);
}

#[test]
fn its_errors_blame_items_of_the_batch_and_no_others() {
    let space = course(45, "sh", "");
    forbid(&space, 24);
    let checked = check(&space, 1);
    let errors = told(&checked, "errors");
    assert_eq!(errors.len(), 1, "{errors:#?}");
    assert_eq!(
        errors[0],
        &json!({"check": "validator", "type": "FORBIDDEN", "item": "S0025", "severity": "error",
            "message": "a LEGO is forbidden", "suggestion": "another word"})
    );
    let warnings = told(&checked, "warnings");
    assert_eq!((&warnings[0]["type"], &warnings[0]["item"]), (&json!("FIRST"), &json!("S0001")));
}

#[test]
fn a_change_is_judged_again_and_what_it_is_not_about_is_not() {
    let space = course(45, "sh", "sees = \"batch\"");
    check(&space, 0);
    assert_eq!(judged(&space), [1, 2, 3]);
    forbid(&space, 24);
    check(&space, 1);
    assert_eq!(judged(&space), [2], "it sees its batch only");
    let script = space.read("validator.sh");
    space.write("validator.sh", &format!("{script}# changed\n"));
    check(&space, 1);
    assert_eq!(judged(&space), [1, 2, 3], "another program");
    space.write("validator.sh", &script);
    check(&space, 1);
    assert_eq!(judged(&space), [0; 0], "undone");

    let space = course(45, "sh", "");
    check(&space, 0);
    judged(&space);
    forbid(&space, 44);
    check(&space, 1);
    assert_eq!(judged(&space), [1, 2, 3], "it sees the course");
}

#[test]
fn a_selection_and_other_checks_run_no_more_programs_than_asked() {
    let space = course(45, "sh", "");
    space.run(&["check", "phase3/2"]).exits(0);
    assert_eq!(judged(&space), [2]);
    space.run(&["check", "phase1"]).exits(0);
    space.run(&["check", "--check", "tiling"]).exits(0);
    assert_eq!(judged(&space), [0; 0]);
    space.run(&["check", "--check", "validator", "S0001"]).exits(0);
    assert_eq!(judged(&space), [1]);
}

#[test]
fn its_severity_is_the_rules() {
    let space = course(25, "sh", "severity = \"warning\"");
    forbid(&space, 3);
    let checked = check(&space, 1);
    assert!(told(&checked, "errors").is_empty(), "other checks have errors, the program has warnings");
    assert!(told(&checked, "warnings").iter().any(|told| told["item"] == "S0004"));
}

#[test]
fn no_judgement_is_a_problem_that_quotes_what_it_said() {
    let problem = |argv: &str, fields: &str| {
        let space = built(Space::batching(5).with_own_rules());
        let rule = space.read("rules/phase3.toml");
        let text = format!("{rule}\n[[check]]\nname = \"v\"\nuse = \"command\"\nargv = {argv}\n{fields}\n");
        space.write("rules/phase3.toml", &text);
        let ran: Ran = space.run(&["check"]);
        assert!(matches!(ran.code, Some(1 | 2)), "{ran:#?}");
        let left = space.everything().keys().filter(|path| path.contains("scratch")).count();
        assert_eq!(left, 0, "{ran:#?}");
        ran.stderr
    };
    let said = problem(r#"["sh", "-c", "echo no such course >&2; echo fine; exit 7"]"#, "");
    assert!(said.contains("the check `v` gave no judgement on `qaa_for_eng/phase3/1`"), "{said}");
    assert!(said.contains("it printed no JSON object (exit status 7)"), "{said}");
    assert!(said.contains("because: no such course") && said.contains("docs/checks.md"), "{said}");
    let said = problem(r#"["sh", "-c", "exec sleep 60"]"#, "timeout_s = 1");
    assert!(said.contains("it took more than 1 s"), "{said}");
    assert!(problem(r#"["no-such-validator"]"#, "").contains("could not start `no-such-validator`"));
    assert!(problem(r#"["sh", "-c", "kill -9 $$"]"#, "").contains("signal 9"));
    assert!(problem("[]", "").contains("wants a list of texts in `argv`"));
    assert!(problem(r#"["sh"]"#, "sees = \"all\"").contains("`sees`"));
    assert!(problem(r#"["sh"]"#, "reads = [\"lib.mjs\"]").contains("there is no file `lib.mjs`"));
    assert!(problem(r#"["sh"]"#, "files = {}\narguments = 1").contains("has no field `arguments`"));
}

#[test]
fn it_sees_what_it_is_given_and_no_secret() {
    let space = built(Space::batching(25).with_own_rules());
    let out = space.around().join("seen");
    let script = format!(
        "env | grep -v '^_=' | grep -v '^PWD=' | grep -v '^SHLVL=' | cut -d= -f1 | sort > {0}; ls $COURSEBUILD_COURSE_DIR | sort >> {0}; \
         echo $COURSEBUILD_PHASE $COURSEBUILD_BATCH $COURSEBUILD_COURSE >> {0}; cp {{batch_file}} {0}.json; echo '{{\"valid\": true}}'",
        out.display()
    );
    let rule = space.read("rules/phase3.toml");
    let argv = json!(["sh", "-c", script]);
    space.write(
        "rules/phase3.toml",
        &format!("{rule}\n[[check]]\nuse = \"command\"\nargv = {argv}\nenv = [\"HOME\"]\n"),
    );
    let mut command = space.tool(&["check", "phase3/2"]);
    command.env("SECRET", "hush");
    space.finish(command).exits(0);
    let seen = std::fs::read_to_string(&out).unwrap();
    let lines: Vec<&str> = seen.lines().collect();
    assert_eq!(
        lines,
        [
            "COURSEBUILD_BATCH",
            "COURSEBUILD_BATCH_FILE",
            "COURSEBUILD_COURSE",
            "COURSEBUILD_COURSE_DIR",
            "COURSEBUILD_PHASE",
            "HOME",
            "PATH",
            "lego_pairs.json",
            "phase3_batch_2.json",
            "seed_pairs.json",
            "phase3 2 qaa_for_eng",
        ]
    );
    let batch: Value =
        serde_json::from_str(&std::fs::read_to_string(out.with_extension("json")).unwrap()).unwrap();
    let ids: Vec<&str> = batch.as_array().unwrap().iter().map(|seed| seed[0].as_str().unwrap()).collect();
    assert_eq!(ids, ["S0021", "S0022", "S0023", "S0024", "S0025"]);
}

#[test]
fn a_node_script_as_projects_have_them_is_a_check() {
    let there =
        std::process::Command::new("node").arg("--version").output().is_ok_and(|ran| ran.status.success());
    if !there {
        println!("skipped: there is no node");
        return;
    }
    let space = course(45, "node", "");
    check(&space, 0);
    assert_eq!(judged(&space), [1, 2, 3]);
    let legos = space.json("course/lego_pairs.json");
    let known = legos[2][2][0][3].clone();
    space.edit_json("course/lego_pairs.json", |legos| {
        legos[30][2][0][3] = known;
        legos[44][2][0][2] = json!("otra");
    });
    let checked = check(&space, 1);
    let found: Vec<(&str, &str)> = told(&checked, "errors")
        .into_iter()
        .map(|told| (told["type"].as_str().unwrap(), told["item"].as_str().unwrap()))
        .collect();
    assert!(
        found.contains(&("FD_VIOLATION", "S0031")) && found.contains(&("TILING_FAILURE", "S0045")),
        "{found:?}"
    );
    assert!(found.iter().all(|(_, item)| ["S0031", "S0045"].contains(item)), "{found:?}");
    // The collision is told by the runs over the other batches too: about others, so as a warning.
    assert!(told(&checked, "warnings").iter().any(|told| told["item"] == "S0031"));
    check(&space, 1);
    assert_eq!(judged(&space), [1, 2, 3]);
}
