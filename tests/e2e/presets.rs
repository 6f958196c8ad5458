//! Agent command lines that `command` knows, played by small scripts: how they are asked, and what their ends bring about.

use crate::support::synth::{self, Synth};
use crate::support::{Ran, Space};
use std::os::unix::fs::PermissionsExt;

/// What Claude Code prints for the one seed of the course.
const RESULT: &str = r#"{"type":"result","subtype":"success","is_error":false,"result":"{\"S0001\": [\"a\", \"b\"]}","total_cost_usd":0.5,"modelUsage":{"m-1":{"inputTokens":1,"outputTokens":2,"cacheReadInputTokens":3,"cacheCreationInputTokens":4}}}"#;

/// A course of one seed, and a script that stands for `claude`. `$HERE` in it is a folder to take notes in.
fn playing(script: &str) -> Space {
    let space = Space::of(&Synth::new(1));
    let here = space.around().join("notes");
    std::fs::create_dir(&here).unwrap();
    let text = format!(
        "#!/bin/sh\nHERE='{}'\ncase \"$*\" in *--version) echo x >> $HERE/versions; echo \"${{VERSION:-2.1.330}} (Claude Code)\"; exit 0;; esac\n\
         echo x >> $HERE/runs\nn=$(wc -l < $HERE/runs)\nanswer() {{ cat <<'END'\n{RESULT}\nEND\n}}\n{script}\n",
        here.display()
    );
    space.write("claude", &text);
    std::fs::set_permissions(space.path("claude"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let manifest = synth::manifest("builtin:batching@1", &[]);
    space.write(
        "coursebuild.toml",
        &manifest.replace("argv = []\n", "preset = \"claude\"\nargv = [\"./claude\"]\nmodel = \"m-1\"\n"),
    );
    space
}

fn noted(space: &Space, name: &str) -> String {
    std::fs::read_to_string(space.around().join("notes").join(name)).unwrap_or_default()
}

fn build(space: &Space) -> Ran {
    space.build(&["phase1"])
}

#[test]
fn claude_is_asked_with_the_prefix_as_its_system_prompt_and_nothing_inherited() {
    let space = playing(
        "printf '%s\\n' \"$@\" > $HERE/args; env > $HERE/env; cat > $HERE/stdin; \
         while [ $# -gt 0 ]; do [ \"$1\" = --system-prompt-file ] && cat \"$2\" > $HERE/system; shift; done; answer",
    );
    space.replace(
        "coursebuild.toml",
        "model = ",
        "args = [\"--effort\", \"high\"]\nenv = [\"MINE\"]\nmodel = ",
    );
    let mut tool = space.tool(&["build", "--format", "json", "phase1"]);
    tool.env("ANTHROPIC_API_KEY", "k-secret").env("ANTHROPIC_BASE_URL", "http://x").env("MINE", "1");
    tool.env("CLAUDE_CODE_EFFORT_LEVEL", "max");
    let ran = space.finish(tool).exits(0);
    let args = noted(&space, "args");
    let expected = "-p\n--output-format\njson\n--no-session-persistence\n--tools\n\n--bare\n--model\nm-1\n--system-prompt-file\n";
    assert!(args.starts_with(expected) && args.ends_with("\n--effort\nhigh\n"), "{args}");
    let env = noted(&space, "env");
    for (line, there) in [
        ("ANTHROPIC_API_KEY=k-secret", true),
        ("MINE=1", true),
        ("CLAUDE_CODE_ATTRIBUTION_HEADER=0", true),
        ("CLAUDE_CODE_MAX_RETRIES=2", true),
        ("ANTHROPIC_BASE_URL", false),
        ("CLAUDE_CODE_EFFORT_LEVEL", false),
    ] {
        assert_eq!(env.lines().any(|found| found.starts_with(line)), there, "{line}: {env}");
    }
    let prompt = space.run(&["prompt", "phase1/S0001"]).exits(0).stdout;
    let (system, body) = (noted(&space, "system"), noted(&space, "stdin"));
    assert!(prompt.contains(system.trim()) && prompt.contains(body.trim()) && !body.contains(system.trim()));
    let summary = ran.summary();
    assert_eq!((&summary["usage"]["cache_read"], &summary["money_usd"]), (&3.into(), &0.5.into()));
    let log = space.run(&["log", "-v", "phase1/S0001"]).exits(0).stdout;
    assert!(log.contains("command (m-1)") && log.contains("$0.50") && !log.contains("k-secret"), "{log}");
    // How a declared model is asked is in no key.
    space.replace("coursebuild.toml", "preset = \"claude\"\n", "");
    space.replace("coursebuild.toml", "args = [\"--effort\", \"high\"]\n", "");
    assert_eq!(space.plan(&["phase1"])["calls"]["max"], 0);
}

#[test]
fn without_a_key_the_users_login_is_used_and_his_settings_are_not() {
    let space = playing("printf '%s\\n' \"$@\" > $HERE/args; answer");
    build(&space).exits(0);
    let args = noted(&space, "args");
    assert!(
        args.contains("\n--strict-mcp-config\n--setting-sources\n\n") && !args.contains("--bare"),
        "{args}"
    );
}

#[test]
fn an_old_program_or_none_is_told_before_anything_is_asked() {
    let space = playing("VERSION=2.1.49; answer");
    space.replace("claude", "${VERSION:-2.1.330}", "2.1.49");
    let ran = build(&space).exits(2);
    assert!(ran.stderr.contains("`claude` is version 2.1.49, and 2.1.330 is the oldest"), "{}", ran.stderr);
    assert!(ran.stderr.contains("npm install -g @anthropic-ai/claude-code"), "{}", ran.stderr);
    assert_eq!(noted(&space, "runs"), "");
    space.replace("coursebuild.toml", "argv = [\"./claude\"]\n", "argv = [\"no-such-claude\"]\n");
    let ran = build(&space).exits(2);
    assert!(ran.stderr.contains("could not start `no-such-claude`"), "{}", ran.stderr);
    assert!(ran.stderr.contains("npm install -g @anthropic-ai/claude-code"), "{}", ran.stderr);
}

#[test]
fn without_a_login_the_build_stops_at_once_and_says_how_to_get_one() {
    let space = playing(
        r#"echo '{"type":"result","subtype":"success","is_error":true,"api_error_status":null,"result":"Not logged in · Please run /login","modelUsage":{},"total_cost_usd":0}'; exit 1"#,
    );
    let ran = build(&space).exits(2);
    assert!(ran.stderr.contains("Not logged in") && ran.stderr.contains("`/login`"), "{}", ran.stderr);
    assert_eq!(noted(&space, "runs").lines().count(), 1);
}

#[test]
fn a_session_limit_is_waited_for_and_shown() {
    let space = playing(
        r#"if [ "$n" -lt 3 ]; then echo '{"type":"result","subtype":"success","is_error":true,"api_error_status":429,"result":"Session limit reached, try again in 1 second","modelUsage":{}}'; exit 1; fi; answer"#,
    );
    let ran = build(&space).exits(0);
    assert_eq!((&ran.summary()["calls"], noted(&space, "versions").lines().count()), (&1.into(), 1));
    let waits: Vec<_> = ran.events.iter().filter(|event| event["event"] == "waiting").collect();
    assert_eq!(waits.len(), 2, "{ran:#?}");
    assert!(waits[0]["what"].as_str().unwrap().contains("Session limit reached"), "{waits:?}");
}

#[test]
fn a_limit_that_is_waited_for_ends_with_the_second_interrupt() {
    let space = playing(
        r#"echo '{"type":"result","subtype":"success","is_error":true,"api_error_status":429,"result":"You have hit your session limit · resets 5pm","modelUsage":{}}'; exit 1"#,
    );
    let mut running = space.start(space.tool(&["build", "--format", "json", "phase1"]));
    running.until_printed("asking again in 10 min");
    running.interrupt();
    running.until_printed("interrupted");
    running.interrupt();
    running.end().exits(130);
    space.replace("claude", "exit 1", "answer; exit 0");
    let said = space.read("claude");
    let (keep, _) = said.split_once("echo '{\"type\"").unwrap();
    space.write("claude", &format!("{keep}answer\n"));
    build(&space).exits(0);
}

#[test]
fn overload_is_no_attempt() {
    let space = playing(
        r#"if [ "$n" -lt 3 ]; then echo '{"type":"result","subtype":"success","is_error":true,"api_error_status":529,"result":"API Error: 529","modelUsage":{}}'; exit 1; fi; answer"#,
    );
    let ran = build(&space).exits(0);
    assert_eq!((&ran.summary()["calls"], noted(&space, "runs").lines().count()), (&1.into(), 3));
    assert_eq!(space.run(&["log", "phase1/S0001"]).exits(0).stdout.matches("attempt ").count(), 1);
}

#[test]
fn an_answer_that_a_killed_build_left_is_read_as_the_program_wrote_it() {
    let space = playing("echo > $HERE/begun; while [ ! -e $HERE/go ]; do sleep 0.05; done; answer");
    let running = space.start(space.tool(&["build", "--format", "json", "phase1"]));
    let notes = space.around().join("notes");
    while !notes.join("begun").exists() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    running.kill();
    std::fs::write(notes.join("go"), "").unwrap();
    let ran = build(&space).exits(0);
    assert_eq!((&ran.summary()["calls"], noted(&space, "runs").lines().count()), (&0.into(), 1));
    assert_eq!(space.json("course/seed_pairs.json")["S0001"], serde_json::json!(["a", "b"]));
    let log = space.run(&["log", "phase1/S0001"]).exits(0).stdout;
    assert!(log.contains("$0.50"), "{log}");
}

#[test]
fn a_preset_that_is_not_there_is_told_with_its_place() {
    let space = playing("answer");
    space.replace("coursebuild.toml", "preset = \"claude\"", "preset = \"claud\"");
    let ran = build(&space).exits(2);
    assert!(
        ran.stderr.contains("there is no preset `claud`") && ran.stderr.contains("`claude`"),
        "{}",
        ran.stderr
    );
    space.replace("coursebuild.toml", "preset = \"claud\"", "args = [\"x\"]");
    assert!(build(&space).exits(2).stderr.contains("`args` are added to those of a `preset`"));
}

#[test]
fn what_was_reused_is_told_with_its_price() {
    let space = playing("answer");
    build(&space).exits(0);
    let ran = space.build(&["phase1", "--summary-file", "summary.md", "--junit", "built.xml"]).exits(0);
    assert_eq!(ran.summary()["not_spent_usd"], 0.5, "{ran:#?}");
    let summary = space.read("summary.md");
    assert!(summary.contains("**1 reused, $0.50 not spent"), "{summary}");
    let report = space.read("built.xml");
    assert!(report.contains("<testsuite name=\"qaa_for_eng/phase1\""), "{report}");
    assert!(report.contains("failures=\"0\"") && report.contains("seed_pairs.json"), "{report}");
    // Nobody wants to know it of any other build.
    assert!(build(&space).exits(0).summary()["not_spent_usd"].is_null());
}
