//! What the documentation says of the tool, held against the tool: links, manifests, rules, programs, names, examples.

use crate::support::{Ran, Space};
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(top().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// The names in a folder of the tree, as paths from its top, sorted.
fn names_in(folder: &str) -> Vec<String> {
    let entries = top().join(folder).read_dir().unwrap_or_else(|e| panic!("{folder}: {e}"));
    let mut names: Vec<String> =
        entries.map(|entry| format!("{folder}/{}", entry.unwrap().file_name().to_str().unwrap())).collect();
    names.sort();
    names
}

/// The pages, as paths from the top.
fn pages() -> Vec<String> {
    let mut pages: Vec<String> = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md"].map(str::to_owned).into();
    pages.extend(names_in("docs").into_iter().filter(|path| path.ends_with(".md")));
    pages.extend(examples().into_iter().map(|folder| format!("{folder}/README.md")));
    pages
}

fn examples() -> Vec<String> {
    names_in("examples")
        .into_iter()
        .filter(|path| top().join(path).join("coursebuild.toml").is_file())
        .collect()
}

/// A page taken apart.
#[derive(Default)]
struct Page {
    links: Vec<String>,
    /// What a link can name after its `#`.
    anchors: BTreeSet<String>,
    /// The fenced blocks: language and text.
    blocks: Vec<(String, String)>,
}

impl Page {
    fn of(text: &str) -> Self {
        let mut page = Self::default();
        let (mut heading, mut block): (Option<String>, Option<(String, String)>) = (None, None);
        for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
            match event {
                Event::Start(Tag::Link { dest_url, .. }) => page.links.push(dest_url.into_string()),
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => {
                    page.anchors.extend(heading.take().map(|text| anchor(&text)));
                }
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                    block = Some((info.into_string(), String::new()));
                }
                Event::End(TagEnd::CodeBlock) => page.blocks.extend(block.take()),
                Event::Text(words) | Event::Code(words) => {
                    if let Some(text) = heading.as_mut().or(block.as_mut().map(|(_, text)| text)) {
                        text.push_str(&words);
                    }
                }
                _ => {}
            }
        }
        page
    }

    fn block(&self, language: &str, wanted: impl Fn(&str) -> bool) -> &str {
        let found = self.blocks.iter().find(|(info, text)| info == language && wanted(text));
        found.map_or_else(|| panic!("no such block of `{language}`"), |(_, text)| text.as_str())
    }
}

/// The anchor of a heading, as forges make it.
fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn every_link_inside_the_tree_leads_somewhere() {
    let mut lost = Vec::new();
    let mut followed = 0;
    for page in pages() {
        for link in Page::of(&read(&page)).links.iter().filter(|link| !link.contains("://")) {
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let folder = top().join(&page).parent().unwrap().to_owned();
            let target = if path.is_empty() { top().join(&page) } else { folder.join(path) };
            let there = target.exists()
                && (anchor.is_empty()
                    || Page::of(&std::fs::read_to_string(&target).unwrap()).anchors.contains(anchor));
            followed += 1;
            if !there {
                lost.push(format!("{page}: {link}"));
            }
        }
    }
    assert!(lost.is_empty(), "{lost:#?}");
    assert!(followed > 20, "only {followed} links were found");
}

/// A copy of a folder of the tree, without what a build makes in it.
fn copy_into(space: &Space, from: &str, to: &str) {
    let made = |entry: &walkdir::DirEntry| matches!(entry.file_name().to_str(), Some("out" | ".coursebuild"));
    let from = top().join(from);
    for entry in walkdir::WalkDir::new(&from).into_iter().filter_entry(|entry| !made(entry)) {
        let entry = entry.unwrap();
        if entry.file_type().is_file() {
            let inside: PathBuf = Path::new(to).join(entry.path().strip_prefix(&from).unwrap());
            space.write(inside.to_str().unwrap(), &std::fs::read_to_string(entry.path()).unwrap());
        }
    }
}

fn copy_of(example: &str) -> Space {
    let space = Space::new();
    copy_into(&space, example, "");
    space
}

const EXAMPLE: &str = "examples/spa_for_eng_20seeds";

#[test]
fn the_manifests_of_the_pages_load() {
    let mut tried = 0;
    for page in pages() {
        for (language, text) in Page::of(&read(&page)).blocks {
            if language == "toml" && text.starts_with("# coursebuild.toml") {
                let space = copy_of(EXAMPLE);
                space.write("coursebuild.toml", &text);
                let ran = space.run(&["plan"]);
                assert_eq!(ran.code, Some(0), "{page}:\n{text}\n{ran:#?}");
                tried += 1;
            }
        }
    }
    assert!(tried >= 3, "only {tried} manifests were found");
}

/// The example with a pack of its own: the built-in one, with this rule in it or in the place of its namesake.
fn with_rule(rule: &str) -> Space {
    let space = copy_of(EXAMPLE);
    copy_into(&space, "rules/batching@1", "rules");
    let name = rule.lines().next().unwrap().trim_start_matches("# rule ");
    space.write(&format!("rules/{name}.toml"), rule);
    space.write("rules/prompts/batch.md.j2", "{{ input }}\n");
    space.replace("coursebuild.toml", "rules = \"builtin:batching@1\"", "rules = \"rules\"");
    space
}

#[test]
fn the_rules_of_the_pages_load() {
    let mut tried = 0;
    for page in pages() {
        for (language, text) in Page::of(&read(&page)).blocks {
            if language == "toml" && text.starts_with("# rule ") {
                let ran = with_rule(&text).run(&["plan"]);
                assert_eq!(ran.code, Some(0), "{page}:\n{text}\n{ran:#?}");
                tried += 1;
            }
        }
    }
    assert!(tried >= 2, "only {tried} rules were found");
}

/// What a course of two seeds becomes when a program of `docs/command.md` answers.
fn shouted(program: &str, text: &str, argv: &str) -> Value {
    let page = Page::of(&read("docs/command.md"));
    let space = Space::new();
    space.write("rules/shout.toml", page.block("toml", |text| text.starts_with("# rule shout")));
    space.write("rules/prompts/system.md.j2", "Shout.\n");
    space.write("rules/prompts/batch.md.j2", "{{ input }}\n");
    space.write("rules/prompts/retry.md.j2", "Again.\n");
    space.write("seeds.json", r#"{"S0001": "I want to speak.", "S0002": "I want to eat."}"#);
    space.write(program, text);
    space.write(
        "coursebuild.toml",
        &format!(
            "rules = \"rules\"\n[generate]\nuse = \"command\"\nargv = {argv}\n\
             [[course]]\ncode = \"c\"\ntarget = \"x\"\nknown = \"eng\"\ndir = \"out\"\nseeds = \"seeds.json\"\n"
        ),
    );
    let ran = space.run(&[]).exits(0);
    assert!(ran.stdout.starts_with("done: 1 call "), "{ran:#?}");
    space.json("out/shouts.json")
}

#[test]
fn the_shell_program_of_the_protocol_page_answers() {
    let page = Page::of(&read("docs/command.md"));
    let text = page.block("sh", |text| text.starts_with("#!/bin/sh"));
    let shouts = shouted("shout.sh", text, r#"["sh", "shout.sh"]"#);
    assert_eq!(shouts, serde_json::json!({"S0001": "TO BE WRITTEN", "S0002": "TO BE WRITTEN"}));
}

#[test]
fn the_python_program_of_the_protocol_page_answers() {
    let there =
        std::process::Command::new("python3").arg("--version").output().is_ok_and(|ran| ran.status.success());
    if !there {
        eprintln!("skipped: there is no python3");
        return;
    }
    let page = Page::of(&read("docs/command.md"));
    let shouts = shouted("shout.py", page.block("python", |_| true), r#"["python3", "shout.py"]"#);
    assert_eq!(shouts, serde_json::json!({"S0001": "I WANT TO SPEAK.", "S0002": "I WANT TO EAT."}));
}

fn help(arguments: &[&str]) -> String {
    Space::new().run(arguments).exits(0).stdout
}

/// The commands that `--help` lists, without `help` itself: groups of lines between the usage and the options of all commands.
fn commands() -> Vec<String> {
    let help = help(&["--help"]);
    let groups = help.split("\nBuild:\n").nth(1).unwrap().split("\nEverywhere:\n").next().unwrap();
    let listed = groups.lines().filter_map(|line| line.strip_prefix("  "));
    let names = listed.flat_map(|line| line.split("  ").next().unwrap().split(", "));
    names.map(str::to_owned).filter(|name| name != "help").collect()
}

/// The commands of a command, as its help lists them.
fn commands_in(help: &str) -> Vec<String> {
    let list = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let first = |line: &str| line.split_whitespace().next().unwrap().to_owned();
    list.lines().filter(|line| !line.starts_with("   ")).map(first).filter(|name| name != "help").collect()
}

/// The long options in a text; lines about cargo are not about the tool.
fn options(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for line in text.lines().filter(|line| !line.contains("cargo")) {
        for (at, _) in line.match_indices("--") {
            let name: String =
                line[at + 2..].chars().take_while(|c| c.is_ascii_lowercase() || *c == '-').collect();
            let starts = !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '-');
            if starts && name.starts_with(|c: char| c.is_ascii_lowercase()) {
                found.insert(name);
            }
        }
    }
    found
}

#[test]
fn the_command_line_page_has_every_command_and_option_and_no_other() {
    let page = read("docs/cli.md");
    let anchors = Page::of(&page).anchors;
    let mut known = options(&help(&["--help"]));
    for command in commands() {
        assert!(anchors.contains(&command), "docs/cli.md has no chapter `{command}`");
        known.extend(options(&help(&[command.as_str(), "--help"])));
    }
    for of_cache in commands_in(&help(&["cache", "--help"])) {
        known.extend(options(&help(&["cache", of_cache.as_str(), "--help"])));
    }
    assert_eq!(options(&page), known);
    let readme = options(&read("README.md"));
    assert!(readme.is_subset(&known), "README.md: {:?}", readme.difference(&known));
}

/// The codes in the first column of a page's table of exit codes.
fn exit_codes(page: &str) -> Vec<u8> {
    let text = read(page);
    let chapter = text.split("## Exit codes\n").nth(1).unwrap().split("\n## ").next().unwrap();
    chapter.lines().filter_map(|line| line.strip_prefix("| ")?.split(' ').next()?.parse().ok()).collect()
}

#[test]
fn the_exit_codes_of_the_pages_are_those_of_the_help() {
    let help = help(&["--help"]);
    let words = help.split("Exit codes:\n").nth(1).unwrap().split_whitespace();
    let mut codes: Vec<u8> = words.filter_map(|word| word.parse().ok()).collect();
    codes.sort_unstable();
    assert!(codes.len() > 5, "{help}");
    for page in ["README.md", "docs/cli.md"] {
        assert_eq!(exit_codes(page), codes, "{page}");
    }
}

/// The names of all fields in a value, however deep.
fn fields(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(of) => of.iter().for_each(|(name, value)| {
            into.insert(name.clone());
            fields(value, into);
        }),
        Value::Array(list) => list.iter().for_each(|value| fields(value, into)),
        _ => {}
    }
}

#[test]
fn every_field_and_event_that_is_printed_is_on_the_command_line_page() {
    let space = copy_of(EXAMPLE);
    space.replace("coursebuild.toml", "# faults", "faults");
    let mut seen = BTreeSet::new();
    let mut look = |ran: &Ran| {
        ran.events.iter().for_each(|event| {
            fields(event, &mut seen);
            seen.insert(event["event"].as_str().unwrap().to_owned());
        });
        if let Ok(value) = serde_json::from_str::<Value>(&ran.stdout) {
            fields(&value, &mut seen);
        }
    };
    look(&space.build(&[]).exits(0));
    space.replace("seeds.json", "to work tomorrow", "to write tomorrow");
    look(&space.run(&["plan", "--format", "json"]).exits(0));
    look(&space.run(&["why", "--format", "json", "S0015"]).exits(0));
    look(&space.run(&["status", "--format", "json"]).exits(0));
    look(&space.run(&["log", "--format", "json"]).exits(0));
    look(&space.run(&["prompt", "--format", "json", "phase1/1"]).exits(0));
    look(&space.run(&["check", "--format", "json"]).exits(0));
    look(&space.run(&["doctor", "--format", "json"]).exits(0));
    look(&space.run(&["report", "--format", "json"]).exits(0));
    space.run(&["build", "phase1/S0001", "--trial"]).exits(0);
    look(&space.run(&["diff", "--format", "json", "phase1/S0001"]).exits(0));
    look(&space.run(&["keep", "--format", "json", "phase1/S0001"]).exits(0));
    look(&space.run(&["drop-trial", "--format", "json", "phase1/S0001"]).exits(0));
    space.write("coursebuild.toml", "rule = 1\n");
    look(&space.run(&["plan", "--format", "json"]).exits(2));
    for known in
        ["call_ended", "findings", "by_stamp", "reasons", "main_file", "sections", "because", "excerpt"]
    {
        assert!(seen.contains(known), "{known}: {seen:?}");
    }
    let page = read("docs/cli.md");
    let missing: Vec<&String> = seen
        .iter()
        .filter(|name| !page.contains(&format!("`{name}`")) && !page.contains(&format!("\"{name}\"")))
        .collect();
    assert!(missing.is_empty(), "docs/cli.md does not tell of {missing:?}");
}

#[test]
fn the_rooms_of_the_design_page_are_those_of_the_code() {
    let code = read("src/lib.rs");
    let rooms: Vec<&str> =
        code.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    let page = read("docs/design.md");
    let chapter = page.split("## The rooms\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let told: Vec<&str> =
        chapter.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    assert_eq!(told, rooms);
}

#[test]
fn every_example_builds_and_has_nothing_to_do_the_second_time() {
    let examples = examples();
    assert!(examples.iter().any(|folder| folder == EXAMPLE), "{examples:?}");
    for folder in examples {
        let space = copy_of(&folder);
        let root = space.root().to_str().unwrap().to_owned();
        let first = space.run(&["-C", &root, "build", "--format", "json"]).exits(0);
        assert!(first.summary()["calls"].as_u64().unwrap() > 0, "{folder}: {first:#?}");
        let files = space.files();
        let second = space.run(&["-C", &root, "build", "--format", "json"]).exits(0);
        assert_eq!(second.summary()["calls"], 0, "{folder}: {second:#?}");
        assert_eq!(space.files(), files, "{folder}");
    }
}
