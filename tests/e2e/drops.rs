//! The generator `drop`: a folder in which agents answer, with all that goes wrong between two who only share files.

use crate::support::expect::{MAIN_FILES, assert_fresh};
use crate::support::synth::{self, Synth};
use crate::support::{Ran, Space, program};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A course whose calls are laid into `inbox/`.
fn dropping(seeds: usize, more: &str) -> Space {
    let space = Space::of(&Synth::new(seeds));
    let manifest = synth::manifest("builtin:batching@1", &[]);
    let generate = format!("use = \"drop\"\nfolder = \"inbox\"\n{more}");
    space.write("coursebuild.toml", &manifest.replace("use = \"command\"\nargv = []\n", &generate));
    space
}

/// Agents at work in the folder of a space; they go home when this is dropped.
pub(crate) struct Agents {
    stop: PathBuf,
    children: Vec<Child>,
}

impl Agents {
    pub(crate) fn hire(space: &Space, how_many: usize) -> Self {
        let stop = space.around().join("stop");
        let _ = std::fs::remove_file(&stop);
        Self { children: (0..how_many).map(|_| agent(space, &[]).spawn().unwrap()).collect(), stop }
    }
}

impl Drop for Agents {
    fn drop(&mut self) {
        std::fs::write(&self.stop, "").unwrap();
        for child in &mut self.children {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}

fn agent(space: &Space, more: &[&str]) -> Command {
    let around = |name: &str| space.around().join(name);
    let mut command = Command::new(program::answer());
    command.arg("watch").args([
        space.path("inbox"),
        around("calls.log"),
        around("faults.json"),
        around("stop"),
    ]);
    command.args(more).stdin(Stdio::null());
    command
}

/// Somebody answers what lies there now, and goes.
fn answer_what_is_there(space: &Space) {
    let _ = std::fs::remove_file(space.around().join("stop"));
    assert!(agent(space, &["once"]).status().unwrap().success());
}

/// The names in the folder, without those that always stay.
pub(crate) fn lying(space: &Space) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(space.path("inbox")) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| !matches!(name.as_str(), ".coursebuild.lock" | "README.md"));
    names.sort();
    names
}

#[track_caller]
fn wait_for(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(120), "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn calls(ran: &Ran) -> &Value {
    &ran.summary()["calls"]
}

/// The main files but the lock, whose keys tell who was asked.
fn content(space: &Space) -> Vec<String> {
    MAIN_FILES[..3].iter().map(|path| space.read(path)).collect()
}

#[test]
fn a_course_is_answered_by_several_agents_in_one_folder() {
    let space = dropping(60, "");
    let agents = Agents::hire(&space, 3);
    let ran = space.build(&["-j", "4"]).exits(0);
    drop(agents);
    assert!(space.answered().values().all(|times| *times == 1), "nothing is asked twice");
    assert_eq!(lying(&space), [""; 0], "prompts and answers go when they are kept");
    let told = ran.events.iter().find(|event| event["event"] == "waiting").unwrap();
    assert!(told["what"].as_str().unwrap().contains("inbox/phase1_batch_1.json"), "{told}");
    let by_command = Space::batching(60);
    by_command.build(&[]).exits(0);
    assert_eq!(content(&space), content(&by_command));
    assert_fresh(&space);
    let log = space.run(&["log", "-v", "phase1/1"]).exits(0).stdout;
    assert!(log.contains("attempt 1, drop") && log.contains("sent "), "{log}");
}

#[test]
fn a_prompt_says_where_the_answer_goes_and_begins_with_the_prefix() {
    let space = dropping(3, "timeout_s = 1\n");
    space.build(&["phase1"]).exits(1);
    let prompt = space.read("inbox/phase1_batch_1.prompt.md");
    let answer = space.path("inbox/phase1_batch_1.json");
    assert!(prompt.contains(answer.to_str().unwrap()), "{prompt}");
    let plain = space.run(&["prompt", "phase1/S0001"]).exits(0).stdout;
    let first: Vec<&str> = plain.lines().take(20).collect();
    assert!(prompt.starts_with(&first.join("\n")), "{prompt}");
    let input = space.json("inbox/phase1_batch_1.input.json");
    assert_eq!((&input["phase"], &input["items"][0]["id"]), (&json!("phase1"), &json!("S0001")));
}

#[test]
fn an_answer_that_comes_late_is_taken_by_the_next_build() {
    let space = dropping(3, "timeout_s = 1\n");
    let ran = space.build(&["phase1"]).exits(1);
    assert_eq!(calls(&ran), 3, "three attempts timed out: {ran:#?}");
    assert_eq!(lying(&space), ["phase1_batch_1.input.json", "phase1_batch_1.prompt.md"]);
    answer_what_is_there(&space);
    assert_eq!(space.plan(&["phase1"])["calls"]["max"], 0, "the plan knows of it");
    let ran = space.build(&["phase1"]).exits(0);
    assert_eq!(calls(&ran), 0);
    assert!(ran.events.iter().any(|event| event["event"] == "recovered" && event["items"] == 3), "{ran:#?}");
    assert_eq!(lying(&space), [""; 0]);
    assert!(space.answered().values().all(|times| *times == 1));
}

#[test]
fn after_a_kill_the_next_build_waits_for_the_same_drop() {
    let space = dropping(3, "");
    let running = space.start(space.tool(&["build", "--format", "json", "phase1"]));
    wait_for("a prompt", || space.path("inbox/phase1_batch_1.prompt.md").exists());
    running.kill();
    let prompt = space.read("inbox/phase1_batch_1.prompt.md");
    // Somebody takes it while nobody waits; he answers when the next build does.
    let taken = "inbox/phase1_batch_1.prompt.md.taken";
    std::fs::rename(space.path("inbox/phase1_batch_1.prompt.md"), space.path(taken)).unwrap();
    let mut again = space.start(space.tool(&["build", "--format", "json", "phase1"]));
    again.until_printed("waiting for");
    assert_eq!(lying(&space), ["phase1_batch_1.input.json", "phase1_batch_1.prompt.md.taken"]);
    assert_eq!(space.read(taken), prompt, "nobody is asked a second time");
    std::fs::rename(space.path(taken), space.path("inbox/phase1_batch_1.prompt.md")).unwrap();
    answer_what_is_there(&space);
    let ran = again.end().exits(0);
    assert_eq!(calls(&ran), 1);
    assert_eq!(lying(&space), [""; 0]);
    assert!(space.answered().values().all(|times| *times == 1));
}

#[test]
fn an_answer_to_a_killed_build_is_not_bought_again() {
    let space = dropping(3, "");
    let running = space.start(space.tool(&["build", "--format", "json", "phase1"]));
    wait_for("a prompt", || space.path("inbox/phase1_batch_1.prompt.md").exists());
    running.kill();
    answer_what_is_there(&space);
    assert_eq!(space.plan(&["phase1"])["calls"]["max"], 0);
    assert_eq!(calls(&space.build(&["phase1"]).exits(0)), 0);
    assert_eq!(lying(&space), [""; 0]);
}

#[test]
fn an_answer_to_what_was_asked_before_an_edit_is_never_taken_for_the_edited() {
    let space = dropping(3, "timeout_s = 1\n");
    space.build(&["phase1"]).exits(1);
    let before = space.read("seeds.json");
    space.edit_seeds(|seeds| synth::change_word(seeds, 1, 1));
    space.build(&["phase1"]).exits(1);
    let there = ["phase1_batch_1_2.input.json", "phase1_batch_1_2.prompt.md"];
    assert_eq!(lying(&space), there, "the old prompt is taken back, the new one has a name of its own");
    // The old one is answered all the same: by somebody who had read it.
    space.write("inbox/phase1_batch_1.json", r#"{"S0001":["a","b"],"S0002":["c","d"],"S0003":["e","f"]}"#);
    let ran = space.build(&["phase1", "--retry-failed"]).exits(1);
    assert!(ran.events.iter().any(|event| event["event"] == "recovered"), "{ran:#?}");
    // Two are asked for with nothing changed but a sibling: theirs is taken. The edited one is not.
    let pairs = space.json("course/seed_pairs.json");
    assert_eq!((&pairs["S0001"], &pairs["S0002"]), (&json!(["a", "b"]), &Value::Null));
    space.write("seeds.json", &before);
    assert_eq!(calls(&space.build(&["phase1"]).exits(0)), 0);
    assert_eq!(space.json("course/seed_pairs.json")["S0002"], json!(["c", "d"]));
}

#[test]
fn what_nobody_asked_for_is_told_and_kept_aside() {
    let space = dropping(3, "timeout_s = 1\n");
    space.write("inbox/phase1_batch_9.json", "{\"S0099\": [\"x\", \"y\"]}");
    space.write("inbox/notes.json", "{}");
    let agents = Agents::hire(&space, 1);
    space.faults(&json!([{"fault": "extra", "item": "S0001", "phase": "phase1"}]));
    let ran = space.build(&["phase1"]).exits(0);
    drop(agents);
    let told = |words: &str| {
        let warnings = ran.events.iter().filter(|event| event["event"] == "warning");
        warnings.filter(|event| event["message"].as_str().unwrap().contains(words)).count()
    };
    assert_eq!(told("phase1_batch_9.json` answers nothing that was asked"), 1, "{ran:#?}");
    assert_eq!(lying(&space), ["aside", "notes.json"]);
    assert_eq!(space.read("inbox/aside/phase1_batch_9.json"), "{\"S0099\": [\"x\", \"y\"]}");
    assert_eq!(told("`../../x` was not asked for"), 1, "{ran:#?}");
}

#[test]
fn an_interrupt_leaves_the_prompt_where_it_is() {
    let space = dropping(3, "");
    let mut running = space.start(space.tool(&["build", "--format", "json", "phase1"]));
    running.until_printed("waiting for");
    running.interrupt();
    running.until_printed("interrupted");
    running.interrupt();
    running.end().exits(130);
    assert_eq!(lying(&space), ["phase1_batch_1.input.json", "phase1_batch_1.prompt.md"]);
    answer_what_is_there(&space);
    assert_eq!(calls(&space.build(&["phase1"]).exits(0)), 0);
}

#[test]
fn two_courses_have_folders_of_their_own() {
    let space = dropping(3, "timeout_s = 1\n");
    let manifest = space.read("coursebuild.toml");
    let (_, course) = manifest.split_once("[[course]]").unwrap();
    let second = course.replace("qaa_for_eng", "other").replace("\"course\"", "\"course2\"");
    space.write("coursebuild.toml", &format!("{manifest}\n[[course]]{second}"));
    space.build(&["--phase", "phase1", "-k"]).exits(1);
    assert!(space.path("inbox/qaa_for_eng/phase1_batch_1.prompt.md").exists());
    assert!(space.path("inbox/other/phase1_batch_1.prompt.md").exists());
}
