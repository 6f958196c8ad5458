//! Programs that judge batches: what they are given, what becomes of what they say, and when they are not run again.

use crate::support::expect::built;
use crate::support::{Ran, Space};
use serde_json::{Value, json};
use std::path::Path;

const SCRIPTS: [&str; 2] = ["validator.sh", "validator.mjs"];

/// A built course whose phase 3 is judged by a program, with the program's own list of runs.
fn course(seeds: usize, program: &str, fields: &str) -> Space {
    built(unbuilt(seeds, program, fields))
}

fn unbuilt(seeds: usize, program: &str, fields: &str) -> Space {
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
    space
}

/// Phase 3 says something that the program forbids, of these items in these attempts.
fn forbidden(items: &[&str], attempts: &Value) -> Value {
    let fault = |(at, id): (usize, &&str)| json!({"fault": "known", "phase": "phase3", "item": id, "text": format!("forbidden {at}"), "attempts": attempts});
    items.iter().enumerate().map(fault).collect()
}

/// The calls of phase 3: attempt and items, first requests apart.
fn retries(ran: &Ran) -> Vec<(u32, Vec<String>)> {
    let asked = ran.asked().filter(|call| call.phase == "phase3" && call.attempt > 1);
    asked.map(|call| (call.attempt, call.items.clone())).collect()
}

fn one(attempt: u32, items: &[&str]) -> Vec<(u32, Vec<String>)> {
    vec![(attempt, items.iter().map(|&item| item.to_owned()).collect())]
}

/// Forgets that there was nothing to do.
fn again(space: &Space) -> Ran {
    space.remove(".coursebuild/stamp");
    space.build(&[])
}

/// The program finds fault with these seeds too, whatever they are.
fn make_stricter(space: &Space, seeds: &str) {
    let script = space.read("validator.sh");
    space.write(
        "validator.sh",
        &script.replace("\"forbidden[^\"]*\"'", &format!("\"forbidden[^\"]*\"|\"({seeds})L01\"'")),
    );
}

#[test]
fn a_build_asks_again_for_what_a_program_blames_and_for_nothing_else() {
    let mut outputs = Vec::new();
    for jobs in ["1", "2", "3", "4"] {
        for sees in ["sees = \"course\"", "sees = \"batch\""] {
            let space = unbuilt(45, "sh", sees);
            space.faults(&forbidden(&["S0025"], &json!([1])));
            let ran = space.build(&["-j", jobs]).exits(0);
            assert_eq!(retries(&ran), one(2, &["S0025"]), "{ran:#?}");
            assert_eq!(ran.asked().filter(|call| call.phase == "phase3").count(), 4, "{ran:#?}");
            assert_eq!(judged(&space), [1, 2, 2, 3]);
            let told = ran.events.iter().find(|event| event["event"] == "compared").unwrap();
            assert_eq!(told["findings"][0]["message"], "a LEGO is forbidden");
            assert!(!space.read("course/coursebuild.lock").contains("unchecked"));
            let ran = again(&space).exits(0);
            assert_eq!((ran.calls(), judged(&space)), (0, vec![]), "{ran:#?}");
            check(&space, 0);
            assert_eq!(judged(&space), [0; 0]);
            outputs.push(space.outputs());
        }
    }
    assert!(
        outputs.windows(2).all(|two| two[0]["course/lego_pairs.json"] == two[1]["course/lego_pairs.json"])
    );
}

#[test]
fn a_changed_program_judges_again_and_buys_only_what_it_refuses() {
    let space = course(45, "sh", "");
    judged(&space);
    let script = space.read("validator.sh");
    space.write("validator.sh", &format!("{script}# changed\n"));
    let planned = space.plan(&[]);
    let phase = &planned["courses"][0]["phases"][1];
    assert_eq!((&phase["recheck"], &phase["unjudged"]), (&json!(45), &json!(45)), "{phase:#}");
    assert_eq!(planned["calls"], json!({"min": 0, "max": 0}));
    assert_eq!(judged(&space), [0; 0], "a plan runs no program");
    let ran = space.run(&["plan"]).exits(0);
    assert!(ran.stdout.contains("45 items to be judged by programs first"), "{}", ran.stdout);
    let ran = space.build(&[]).exits(0);
    assert_eq!((ran.calls(), judged(&space)), (0, vec![1, 2, 3]), "{ran:#?}");
    assert!(ran.events.iter().any(|event| event["event"] == "judging" && event["batches"] == 3), "{ran:#?}");
    // Stricter: what it refuses in two batches is one call.
    make_stricter(&space, "S0025|S0041");
    space.run(&["build", "--locked"]).exits(3);
    let planned = space.plan(&[]);
    assert_eq!(planned["courses"][0]["phases"][1]["rejected"], 2, "{planned:#}");
    judged(&space);
    // The same answer once more is an end of asking.
    let ran = space.build(&[]).exits(1);
    let asked: Vec<_> = ran.asked().filter(|call| call.phase == "phase3").map(|call| &call.items).collect();
    assert_eq!(asked, [&["S0025", "S0041"]], "{ran:#?}");
    // Undone: what was there is there again.
    space.write("validator.sh", &script);
    let ran = space.build(&[]).exits(0);
    assert_eq!(ran.calls(), 0, "{ran:#?}");
}

#[test]
fn attempts_end_and_a_second_build_neither_asks_nor_judges() {
    let space = unbuilt(25, "sh", "");
    space.faults(&json!([
        {"fault": "known", "phase": "phase3", "item": "S0023", "text": "forbidden 1", "attempts": [1]},
        {"fault": "known", "phase": "phase3", "item": "S0023", "text": "forbidden 2", "attempts": [2]},
        {"fault": "known", "phase": "phase3", "item": "S0023", "text": "forbidden 3", "attempts": [3]},
    ]));
    let ran = space.build(&["-k"]).exits(1);
    assert_eq!(retries(&ran).len(), 2, "{ran:#?}");
    assert_eq!(ran.summary()["items_failed"], 1);
    judged(&space);
    let ran = space.build(&["-k"]).exits(1);
    assert_eq!(ran.calls(), 0, "{ran:#?}");
    let first = judged(&space);
    let ran = space.build(&["-k"]).exits(1);
    assert_eq!((ran.calls(), judged(&space)), (0, vec![]), "{first:?} {ran:#?}");
    space.faults(&json!([]));
    let ran = space.build(&["--retry-failed"]).exits(0);
    assert_eq!(ran.asked().filter(|call| call.phase == "phase3").count(), 1, "{ran:#?}");
}

#[test]
fn a_program_that_gives_no_judgement_stops_the_build_and_loses_nothing() {
    for broken in ["echo broken >&2; exit 7", "kill -9 $$", "exec sleep 60"] {
        let space = unbuilt(45, "sh", "timeout_s = 1");
        let script = space.read("validator.sh");
        space.write("validator.sh", &format!("#!/bin/sh\n{broken}\n"));
        let ran = space.build(&[]).exits(1);
        assert!(ran.stderr.contains("gave no judgement on `qaa_for_eng/phase3/"), "{ran:#?}");
        let lock = space.read("course/coursebuild.lock");
        let unchecked =
            lock.lines().filter(|line| line.starts_with("phase3 ") && line.ends_with("-unchecked")).count();
        assert!(unchecked > 0, "{lock}");
        assert!(
            !lock.lines().any(|line| line.starts_with("phase3 ") && line.ends_with(" generated")),
            "{lock}"
        );
        let bought: usize =
            ran.asked().filter(|call| call.phase == "phase3").map(|call| call.items.len()).sum();
        space.build(&[]).exits(1);
        space.write("validator.sh", &script);
        let ran = space.build(&[]).exits(0);
        let more: usize =
            ran.asked().filter(|call| call.phase == "phase3").map(|call| call.items.len()).sum();
        assert!(bought >= 20 && more <= 45 - bought, "{bought} {more} {ran:#?}");
        assert!(!space.read("course/coursebuild.lock").contains("unchecked"));
        assert_eq!(again(&space).exits(0).calls(), 0);
    }
}

#[test]
fn what_people_wrote_or_brought_is_held_and_not_bought() {
    let space = course(45, "sh", "");
    let pair = space.json("course/lego_pairs.json")[24].clone();
    space.edit_json("course/lego_pairs.json", |legos| {
        legos[24][2] = json!([["S0025L01", "B", pair[1][0], "forbidden"]]);
    });
    let ran = space.build(&[]).exits(0);
    assert_eq!(ran.summary()["items_held"], 1, "{ran:#?}");
    assert!(ran.asked().all(|call| call.phase != "phase3"), "{ran:#?}");
    assert!(ran.summary()["held"][0].as_str().unwrap().contains("a LEGO is forbidden"), "{ran:#?}");
    judged(&space);
    let ran = again(&space).exits(0);
    assert_eq!((ran.calls(), judged(&space)), (0, vec![]), "{ran:#?}");
    // Asked for, it is bought.
    let ran = space.build(&["--fix"]).exits(0);
    assert_eq!(ran.asked().filter(|call| call.phase == "phase3").count(), 1, "{ran:#?}");
}

#[test]
fn a_seed_that_moves_the_batches_costs_one_call() {
    let space = course(45, "sh", "");
    judged(&space);
    space.edit_seeds(|seeds| {
        seeds.remove(3);
    });
    let ran = space.build(&[]).exits(0);
    assert!(ran.asked().all(|call| call.phase != "phase3"), "{ran:#?}");
    assert_eq!(judged(&space), [1, 2, 3]);
    assert_eq!(again(&space).exits(0).calls(), 0);
    assert_eq!(judged(&space), [0; 0]);
}

#[test]
fn a_build_that_is_killed_while_a_program_runs_goes_on() {
    let space = unbuilt(25, "sh", "");
    let script = space.read("validator.sh");
    let wait = space.around().join("wait");
    std::fs::write(&wait, "").unwrap();
    let waiting = format!("echo \"$2\" >> \"$3\"\nwhile [ -e {} ]; do sleep 0.05; done", wait.display());
    space.write("validator.sh", &script.replacen("echo \"$2\" >> \"$3\"", &waiting, 1));
    let mut running = space.start(space.tool(&["build", "--format", "json"]));
    running.until_printed("\"event\":\"judging\"");
    let ran = running.kill();
    let bought = ran.asked().filter(|call| call.phase == "phase3").count();
    std::fs::remove_file(&wait).unwrap();
    let ran = space.build(&[]).exits(0);
    assert_eq!(bought + ran.asked().filter(|call| call.phase == "phase3").count(), 2, "{ran:#?}");
    judged(&space);
    assert_eq!(again(&space).exits(0).calls(), 0);
    assert_eq!(judged(&space), [0; 0]);
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
    assert_eq!(judged(&space), [1, 2, 3], "the build that buys them");
    check(&space, 0);
    assert_eq!(judged(&space), [0; 0], "its judgements are remembered");
    space.remove(".coursebuild/judgements");
    check(&space, 0);
    assert_eq!(judged(&space), [1, 2, 3], "what is remembered is derived");
    space.remove(".coursebuild/stamp");
    assert_eq!(space.build(&[]).exits(0).calls(), 0);
    assert_eq!(judged(&space), [0; 0], "a build remembers what `check` learnt");
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
    judged(&space);
    forbid(&space, 24);
    check(&space, 1);
    assert_eq!(judged(&space), [2, 3], "it sees what stands before the end of its batch");
}

#[test]
fn a_selection_and_other_checks_run_no_more_programs_than_asked() {
    let space = course(45, "sh", "");
    judged(&space);
    space.remove(".coursebuild/judgements");
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
    assert_eq!(judged(&space), [1, 2, 3]);
    check(&space, 0);
    assert_eq!(judged(&space), [0; 0]);
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
    assert_eq!(judged(&space), [2, 3]);
}

#[test]
fn batches_that_end_within_a_seed_are_judged_too() {
    let space = Space::batching(13).with_own_rules();
    let log = space.around().join("judged");
    let rule = space.read("rules/phase5.toml");
    let argv = json!(["sh", "-c", "echo {batch} >> \"$1\"; echo '{\"valid\": true}'", "sh", log]);
    space.write("rules/phase5.toml", &format!("{rule}\n[[check]]\nuse = \"command\"\nargv = {argv}\n"));
    let manifest = space.read("coursebuild.toml");
    space.write(
        "coursebuild.toml",
        &format!("{manifest}\n[phase.phase5]\nbatch = 7\n[phase.phase3]\nbatch = 5\n"),
    );
    let seeds = space.seeds();
    space.edit_seeds(|seeds| drop(seeds.remove(5)));
    let space = built(space);
    assert!(judged(&space).len() > 3);
    assert!(!space.read("course/coursebuild.lock").contains("unchecked"));
    assert_eq!(again(&space).exits(0).calls(), 0);
    assert_eq!(judged(&space), [0; 0]);
    space.write_seeds(&seeds);
    let ran = space.build(&[]).exits(0);
    assert!(ran.calls() > 0);
    assert!(!space.read("course/coursebuild.lock").contains("unchecked"), "{ran:#?}");
    judged(&space);
    assert_eq!(again(&space).exits(0).calls(), 0);
    assert_eq!(judged(&space), [0; 0]);
    // What is tried is not judged by programs.
    space.build(&["phase5/1", "--trial"]).exits(0);
    assert_eq!(judged(&space), [0; 0]);
}
