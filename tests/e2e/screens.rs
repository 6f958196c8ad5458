//! What people see at a terminal, from real runs: `docs/screens.md` is made of it. With `COURSEBUILD_WRITE_DOCS=1` this test writes the
//! page, otherwise it compares.

use crate::failures::{page_is, steady};
use crate::support::Space;
use crate::support::terminal::Terminal;
use serde_json::json;

fn example() -> Space {
    let space = Space::new();
    space.run(&["init", "--yes"]).exits(0);
    space
}

/// Runs to its end, and gives the screen.
fn screen(space: &Space, args: &[&str], exit: i32) -> String {
    let (code, shown) = Terminal::start(space, args).end();
    assert_eq!(code, Some(exit), "{args:?}:\n{shown}");
    shown
}

struct Page(String);

impl Page {
    fn chapter(&mut self, title: &str, words: &str, runs: &[(&str, String)]) {
        let words = if words.is_empty() { String::new() } else { format!("\n{words}\n") };
        self.0 += &format!("\n## {title}\n{words}\n```console\n");
        for (typed, shown) in runs {
            self.0 += &format!("$ {typed}\n{}\n", steady(shown));
        }
        self.0 += "```\n";
    }
}

#[test]
fn the_screens_of_the_page_are_those_that_people_see() {
    let mut page = Page(
        "# Screens\n\nWhat a terminal shows, taken from real runs by a test; times, moments and ids are made alike. Colours are left out.\n".into(),
    );
    let space = example();
    let first = screen(&space, &["-j", "1"], 0);
    assert!(!first.contains("elapsed"), "the progress is gone at the end:\n{first}");
    page.chapter(
        "A first build",
        "How many calls phase 5 takes is known when phase 3 has cut the sentences.",
        &[("coursebuild -j 1", first)],
    );
    page.chapter("Nothing to do", "", &[("coursebuild", screen(&space, &[], 0))]);

    space.replace("seeds.json", "to work tomorrow", "to write tomorrow");
    let plan = screen(&space, &["plan"], 0);
    assert!(plan.contains("calls for 1..14 items, at least "), "{plan}");
    page.chapter(
        "A plan with its price",
        "One sentence was edited. What the calls take is judged by the calls before; where those told what they cost, so does the plan.",
        &[("coursebuild plan", plan)],
    );
    let manifest = space.read("coursebuild.toml");
    space.write("coursebuild.toml", &format!("confirm_above = {{ calls = 2 }}\n{manifest}"));
    let mut asked = Terminal::start(&space, &["build"]);
    asked.until("go on? [y/N]");
    asked.types("n\n");
    let (code, refused) = asked.end();
    assert_eq!(code, Some(4), "{refused}");
    page.chapter(
        "A confirmation",
        "With `confirm_above = { calls = 2 }` in the manifest.",
        &[("coursebuild", refused)],
    );

    page.chapter(
        "A few calls first",
        "A document and, to see something change, a word of the phrasebook were edited.",
        &[("coursebuild -j 1 --canary 3", canary())],
    );

    let space = example();
    let faults = json!([
        {"phase": "phase3", "item": "S0007", "attempts": [1], "kind": "wrong"},
        {"phase": "phase3", "item": "S0012", "attempts": [1, 2, 3], "kind": "missing"},
    ]);
    space.write("faults.json", &faults.to_string());
    let file = "file = \"phrasebook.json\"";
    space.replace("coursebuild.toml", file, &format!("{file}\nfaults = \"faults.json\""));
    let failing = screen(&space, &["-j", "1"], 1);
    space.replace("coursebuild.toml", "\nfaults = \"faults.json\"", "");
    let again = screen(&space, &["-j", "1", "--retry-failed", "spa_for_eng/phase3/1"], 0);
    page.chapter(
        "A failing batch, its retries, and how it is mended",
        "One item is mended by its first retry. The other fails three times; what passed is kept, and the rest is asked for when the cause is gone.",
        &[
            ("coursebuild -j 1", failing),
            ("coursebuild -j 1 --retry-failed spa_for_eng/phase3/1", again),
        ],
    );
    page_is("docs/screens.md", &(page.0 + &interrupted()));
}

/// A canary of three calls, and a no.
fn canary() -> String {
    let space = example();
    space.replace("coursebuild.toml", "[generate]", "[phase.phase1]\nbatch = 3\n\n[generate]");
    space.run(&["-q"]).exits(0);
    space.replace(
        "docs/phase_intelligence/phase_1_translation.md",
        "\n## What this phase is for",
        "\nBe kind.\n\n## What this phase is for",
    );
    let phrasebook = space.read("phrasebook.json").replace("hermana", "hermanita");
    space.write("phrasebook.json", &phrasebook);
    let mut run = Terminal::start(&space, &["-j", "1", "--canary", "3"]);
    run.until("? [y/N]");
    run.types("n\n");
    let (code, shown) = run.end();
    assert_eq!(code, Some(4), "{shown}");
    assert!(shown.contains("/0: Mi [-hermana-] {+hermanita+} necesita descansar."), "{shown}");
    shown
}

fn interrupted() -> String {
    let mut page = Page(String::new());
    let space = Space::batching(40);
    let go = space.around().join("go");
    space.faults(&json!([{"fault": "hang", "phase": "phase3", "until": go.to_str().unwrap()}]));
    let run = Terminal::start(&space, &["-j", "2"]);
    // Both calls of phase 3 hang, and there is no hand left for another.
    let busy = run.until("  phase3 S0021-S0040: 20 items");
    let bars = busy.lines().position(|line| line.starts_with("phase1 [")).unwrap();
    let progress: Vec<&str> = busy.lines().skip(bars).collect();
    page.chapter(
        "Progress",
        "Below the lines, drawn anew every second: a bar for each phase, the calls in flight with their age, and how far the run is.",
        &[("coursebuild -j 2", progress.join("\n"))],
    );
    run.interrupt();
    run.until("interrupted: no new calls");
    std::fs::write(&go, "").unwrap();
    let (code, shown) = run.end();
    assert_eq!(code, Some(130), "{shown}");
    let from = shown.lines().position(|line| line.starts_with("interrupted:")).unwrap();
    let shown = shown.lines().skip(from).collect::<Vec<_>>().join("\n");
    assert!(shown.contains("waiting for 2 calls in flight (interrupt again to end it all now)"), "{shown}");
    let resumed = screen(&space, &["-j", "1"], 0);
    page.chapter(
        "An interrupt, and how it goes on",
        "Ctrl-C once: those in flight are waited for, and what they bring is kept. The next build asks only for the rest.",
        &[("coursebuild -j 2   # and Ctrl-C", sorted(&shown)), ("coursebuild -j 1", resumed)],
    );
    page.0
}

/// Which of two calls is back first is chance: lines of calls in the order of their names.
fn sorted(shown: &str) -> String {
    let mut lines: Vec<&str> = shown.lines().collect();
    let is_call = |line: &&str| line.starts_with('[');
    let first = lines.iter().position(is_call).unwrap_or_default();
    let count = lines[first..].iter().take_while(|line| is_call(line)).count();
    lines[first..first + count].sort_unstable();
    lines.join("\n")
}

#[test]
fn the_report_is_one_page_that_needs_nothing_beside_itself() {
    let space = example();
    let faults = json!([{"phase": "phase3", "item": "S0007", "attempts": [1, 2, 3], "kind": "wrong"}]);
    space.write("faults.json", &faults.to_string());
    let file = "file = \"phrasebook.json\"";
    space.replace("coursebuild.toml", file, &format!("{file}\nfaults = \"faults.json\""));
    space.run(&["-k"]).exits(1);
    let page = space.run(&["report"]).exits(0).stdout;
    assert!(page.starts_with("<!DOCTYPE html>") && page.trim_end().ends_with("</html>"), "{page}");
    for alien in ["<script", "http://", "https://", "@import", "url("] {
        assert!(!page.contains(alien), "{alien}");
    }
    assert!(page.contains("<code>spa_for_eng/phase3/S0007</code><td>failed<td>tiling: "), "{page}");
    assert!(
        page.contains("<div class=\"b failed\" title=\"phase3/1 S0001-S0020: 19 fresh, 1 failed\">"),
        "{page}"
    );
    assert!(page.contains("<polyline points="), "{page}");
    let account: serde_json::Value =
        serde_json::from_str(&space.run(&["report", "--format", "json"]).exits(0).stdout).unwrap();
    assert_eq!(account["phases"][1]["first_answers"][0], json!({"batch": 1, "asked": 20, "passed": 19}));
    // The same answer twice ends the attempts.
    assert_eq!(account["phases"][1]["calls"], 2);
}
