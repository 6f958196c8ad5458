//! Runs the tutorial: every command of its `console` blocks in one folder, as somebody who types them would, and what it says they print.

use crate::failures::steady;
use crate::support::Space;
use std::path::Path;
use std::process::Command;

/// A command of the page, and what the page says of its output; `…` stands for any lines.
struct Step {
    command: String,
    output: Vec<String>,
}

fn steps(page: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut inside = false;
    for line in page.lines() {
        match (inside, line) {
            (false, "```console") => inside = true,
            (true, "```") => inside = false,
            (true, line) => match line.strip_prefix("$ ") {
                Some(command) => steps.push(Step { command: command.to_owned(), output: Vec::new() }),
                None => steps.last_mut().unwrap().output.push(line.to_owned()),
            },
            _ => {}
        }
    }
    steps
}

/// The first line of the page that is not where the page says it is.
fn first_missing<'p>(page: &'p [String], printed: &[&str]) -> Option<&'p str> {
    let (mut at, mut anywhere) = (0, false);
    for line in page {
        if line == "…" {
            anywhere = true;
            continue;
        }
        let found = printed[at..].iter().position(|other| other == line);
        match found {
            Some(0) => at += 1,
            Some(more) if anywhere => at += more + 1,
            _ => return Some(line),
        }
        anywhere = false;
    }
    (at < printed.len() && !anywhere).then_some("(nothing more)")
}

#[test]
fn the_commands_of_the_tutorial_do_what_it_says() {
    let page =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/tutorial.md")).unwrap();
    let steps = steps(&page);
    assert!(steps.len() > 20, "only {} commands were found", steps.len());
    let space = Space::new();
    let program = Path::new(env!("CARGO_BIN_EXE_coursebuild")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    for Step { command, output } in steps {
        let mut shell = Command::new("sh");
        // One stream, as at a terminal.
        shell.args(["-c", &format!("exec 2>&1; {command}")]).current_dir(space.root());
        shell.env_clear().env("PATH", &path).env("HOME", space.around());
        let ran = space.finish(shell);
        assert_eq!(ran.code, Some(0), "{command}: {ran:#?}");
        if output.is_empty() {
            assert_eq!(ran.stdout, "", "{command}");
            continue;
        }
        let printed = steady(&ran.stdout);
        let printed: Vec<&str> = printed.lines().collect();
        let missing = first_missing(&output, &printed);
        assert!(missing.is_none(), "{command}: `{}` is not there: {printed:#?}", missing.unwrap_or_default());
    }
}
