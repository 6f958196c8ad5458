//! The command line itself: help, slips, a missing manifest, colours.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test starts the tool, and fails by panicking"
)]

use std::path::Path;
use std::process::{Command, Output};

/// Runs the tool in a folder with these arguments and variables, and without those that would colour its words.
fn run(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_coursebuild"));
    for name in ["NO_COLOR", "CLICOLOR_FORCE", "COURSEBUILD_STORE"] {
        command.env_remove(name);
    }
    command.current_dir(folder).args(arguments).envs(variables.iter().copied()).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn help_shows_examples_and_only_commands_that_are_there() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [&["--help"][..], &["-h"], &["help"], &["-k", "--help"]] {
        let output = run(folder.path(), arguments, &[]);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        let help = text(&output.stdout);
        assert!(help.contains("Examples:\n  coursebuild  "), "{help}");
        for command in ["build", "plan", "why", "status", "show", "prompt", "log"] {
            assert!(help.contains(&format!("\n  {command} ")), "{command}: {help}");
        }
        assert!(!help.contains("supervise"), "{help}");
    }
    let build = run(folder.path(), &["build", "--help"], &[]);
    let help = text(&build.stdout);
    for part in ["Limits:\n", "Also buy:\n", "--seeds", "[default: 4]", "Examples:\n"] {
        assert!(help.contains(part), "{part}: {help}");
    }
}

#[test]
fn the_version_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["--version"], &[]);
    assert_eq!(text(&output.stdout), concat!("coursebuild ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn slips_exit_2_with_a_suggestion() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, suggestion) in [
        (&["biuld"][..], "did you mean `build`?"),
        (&["plan", "--exit-cod"], "--exit-code"),
        (&["--lokced"], "--locked"),
        (&["build", "--format", "jsn"], "json"),
        (&["-j", "0"], "from 1"),
        (&["--budget", "nan"], "US dollars"),
        (&["why"], "Usage: coursebuild why"),
    ] {
        let output = run(folder.path(), arguments, &[]);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(text(&output.stdout), "", "{arguments:?}");
        let error = text(&output.stderr);
        assert!(error.starts_with("error: ") && error.contains(suggestion), "{arguments:?}: {error}");
    }
}

#[test]
fn a_missing_manifest_says_where_it_was_looked_for_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().canonicalize().unwrap();
    for arguments in [&[][..], &["build"], &["plan"], &["status"], &["spa_for_eng/phase3"]] {
        let output = run(&folder, arguments, &[]);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(
            text(&output.stderr),
            format!(
                "error: there is no `coursebuild.toml`\n  because: looked in `{}` and in every folder above it\n  \
                 hint: go to the folder of a course, or name it with `-C DIR` or `--manifest FILE`\n",
                folder.display()
            ),
            "{arguments:?}"
        );
    }
    let named = run(&folder, &["--manifest", "x.toml"], &[]);
    assert_eq!(named.status.code(), Some(2));
    assert!(text(&named.stderr).starts_with("error: there is no file `x.toml`\n"));
    let elsewhere = run(&folder, &["-C", "nowhere", "plan"], &[]);
    assert_eq!(elsewhere.status.code(), Some(2));
    assert!(text(&elsewhere.stderr).starts_with("error: could not go to the folder `nowhere`\n"));
}

#[test]
fn a_program_gets_the_problem_as_one_line_of_json() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["--format", "json", "plan"], &[]);
    assert_eq!(output.status.code(), Some(2));
    let lines: Vec<&str> = text(&output.stdout).lines().collect();
    assert_eq!(lines.len(), 1);
    let value: serde_json::Value = serde_json::from_str(lines[0]).unwrap();
    assert_eq!(value["event"], "error");
    assert_eq!(value["kind"], "author");
    assert_eq!(value["exit"], 2);
}

#[test]
fn colours_come_when_asked_for_and_never_against_no_color() {
    let folder = tempfile::tempdir().unwrap();
    let colored = |arguments: &[&str], variables: &[(&str, &str)]| {
        let output = run(folder.path(), arguments, variables);
        text(&output.stderr).contains('\u{1b}')
    };
    for arguments in [&["plan"][..], &["biuld"], &["--no-such-option"]] {
        let with = |extra: &[&'static str]| [extra, arguments].concat();
        assert!(!colored(arguments, &[]), "{arguments:?}: no terminal");
        assert!(colored(arguments, &[("CLICOLOR_FORCE", "1")]), "{arguments:?}: CLICOLOR_FORCE");
        assert!(!colored(arguments, &[("NO_COLOR", "1")]), "{arguments:?}: NO_COLOR");
        assert!(!colored(arguments, &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")]), "{arguments:?}: both");
        assert!(colored(&with(&["--color=always"]), &[("NO_COLOR", "1")]), "{arguments:?}: --color=always");
        assert!(
            !colored(&with(&["--color", "never"]), &[("CLICOLOR_FORCE", "1")]),
            "{arguments:?}: --color never"
        );
    }
}

#[test]
fn a_reader_who_has_gone_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = Command::new(env!("CARGO_BIN_EXE_coursebuild"))
        .current_dir(folder.path())
        .arg("--help")
        .stdout(writer)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn rules_are_listed_copied_and_described() {
    let folder = tempfile::tempdir().unwrap();
    let said = |arguments: &[&str]| {
        let output = run(folder.path(), arguments, &[]);
        (output.status.code(), text(&output.stdout).to_owned(), text(&output.stderr).to_owned())
    };
    let (code, list, _) = said(&["rules"]);
    assert_eq!(code, Some(0));
    for words in ["builtin:batching@1\n", "builtin:objects@1\n", "phase5", "lego_baskets.json"] {
        assert!(list.contains(words), "{list}");
    }
    let json: serde_json::Value = serde_json::from_str(&said(&["rules", "--format", "json"]).1).unwrap();
    assert_eq!(json["packs"][1]["phases"][2]["after"], "phase3");
    assert_eq!(said(&["rules", "--copy", "batching", "mine"]).0, Some(0));
    assert!(folder.path().join("mine/prompts/system.md.j2").is_file());
    let (code, _, error) = said(&["rules", "--copy", "batching", "mine"]);
    assert_eq!(code, Some(2));
    assert!(error.contains("is in `mine` already"), "{error}");
    for of in ["manifest", "rule"] {
        let (code, schema, _) = said(&["rules", "--schema", of]);
        assert_eq!(code, Some(0));
        let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
        assert_eq!(schema["additionalProperties"], false);
    }
}
