//! Whole courses through `command` and `drop` while everything goes wrong that does: every batch ends valid, nothing is asked
//! for that need not be, and the log tells of all of it.
//!
//! One table, one driver. The seeds of the large courses are those of a real one where they are at hand (`real_course.rs`); no real
//! course in Italian is, so there as in Spanish the answers are made word by word from a small lexicon
//! (`tests/programs/answer/tongue.rs`): sentences that nobody would say, under the checks of the language's own pack.
#![expect(clippy::print_stdout, reason = "a test that is skipped says so, and a long one what it did")]

#[path = "../../programs/answer/batching.rs"]
#[expect(dead_code, reason = "only the cut of a seed is needed, to make another one collide with it")]
mod batching;
mod oracle;
mod schedule;

use crate::drops::{Agents, lying};
use crate::real_course::canonical_seeds;
use crate::support::expect::MAIN_FILES;
use crate::support::synth::{Seed, Synth};
use crate::support::{Ran, Space};
use batching::tongue::Tongue;
use oracle::{Fate, Judged, Prompt, judge};
use rustix::process::{Pid, test_kill_process};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Instant;

/// Seconds that a call has: most calls that hang wait for as long.
const TIMEOUT_S: u64 = 5;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Command,
    Drop,
}

/// A line of the table.
struct Row {
    seeds: usize,
    way: Way,
    /// The target language's code.
    target: &'static str,
}

#[test]
fn twenty_seeds_of_spanish_by_a_program() {
    Row { seeds: 20, way: Way::Command, target: "spa" }.run();
}

#[test]
fn twenty_seeds_of_italian_by_agents() {
    Row { seeds: 20, way: Way::Drop, target: "ita" }.run();
}

#[test]
#[ignore = "half a minute: `.ci/full agents`"]
fn a_hundred_seeds_by_a_program() {
    Row { seeds: 100, way: Way::Command, target: "qaa" }.run();
}

#[test]
#[ignore = "half a minute: `.ci/full agents`"]
fn a_hundred_seeds_by_agents() {
    Row { seeds: 100, way: Way::Drop, target: "qaa" }.run();
}

#[test]
#[ignore = "minutes: `.ci/full agents`"]
fn a_whole_course_of_spanish_by_a_program() {
    Row { seeds: 668, way: Way::Command, target: "spa" }.run();
}

#[test]
#[ignore = "minutes: `.ci/full agents`"]
fn a_whole_course_of_spanish_by_agents() {
    Row { seeds: 668, way: Way::Drop, target: "spa" }.run();
}

#[test]
#[ignore = "minutes: `.ci/full agents`"]
fn a_whole_course_of_italian_by_a_program() {
    Row { seeds: 668, way: Way::Command, target: "ita" }.run();
}

impl Row {
    /// Batch sizes of the phases: small courses have small batches, so that there are enough to go wrong.
    fn batches(&self) -> [usize; 3] {
        match self.seeds {
            0..=20 => [4, 4, 4],
            21..=100 => [10, 10, 30],
            _ => [20, 20, 60],
        }
    }

    fn tongue(&self) -> Tongue {
        Tongue::of(self.target)
    }

    /// The seeds; `None` where they are not at hand.
    fn source(&self) -> Option<Vec<Seed>> {
        let path = match self.seeds {
            20 => Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/spa_for_eng_20seeds/seeds.json"),
            668 => canonical_seeds()?,
            seeds => return Some(Synth::new(seeds).seeds()),
        };
        let space = Space::new();
        space.write("seeds.json", &std::fs::read_to_string(path).unwrap());
        let seeds = space.seeds();
        assert_eq!(seeds.len(), self.seeds);
        Some(seeds)
    }

    /// The course, answered through its own way or, to compare, by a program that makes no mistakes.
    fn space(&self, seeds: &[Seed], way: Way) -> Space {
        let space = Space::of(&Synth::new(0));
        space.write_seeds(seeds);
        let generate = match way {
            Way::Command => format!("use = \"command\"\nargv = {}", json!(space.argv(&[]))),
            Way::Drop => "use = \"drop\"\nfolder = \"inbox\"".to_owned(),
        };
        let [one, three, five] = self.batches();
        let target = self.target;
        let manifest = format!(
            "rules = \"builtin:batching@1\"\n[generate]\n{generate}\ntimeout_s = {TIMEOUT_S}\n[phase.phase1]\nbatch = {one}\n\
             [phase.phase3]\nbatch = {three}\n[phase.phase5]\nbatch = {five}\n[[course]]\ncode = \"{target}_for_eng\"\n\
             target = \"{target}\"\nknown = \"eng\"\ndir = \"course\"\nseeds = \"seeds.json\"\n"
        );
        space.write("coursebuild.toml", &manifest);
        space
    }

    fn run(&self) {
        let Some(seeds) = self.source() else { return };
        let space = self.space(&seeds, self.way);
        let [pids, prompts] = ["pids", "prompts"].map(|name| space.around().join(name));
        for folder in [&pids, &prompts] {
            std::fs::create_dir(folder).unwrap();
        }
        let faults = schedule::draw(self, &seeds, &pids, &prompts);
        space.faults(&json!(faults));

        let begun = Instant::now();
        let agents = (self.way == Way::Drop).then(|| Agents::hire(&space, 6));
        let ran = space.build(&["-j", "8"]);
        drop(agents);
        let seconds = begun.elapsed().as_secs_f64();
        let ran = ran.exits(0);
        assert_eq!(ran.summary()["items_failed"], 0);
        assert_no_process_is_left(&pids);

        let log = space.run(&["log", "--format", "json"]).exits(0).stdout;
        let log: Value = serde_json::from_str(&log).unwrap();
        let log = Log::of(&log);
        let calls = judge(&ran, &log.late(&ran));
        assert_eq!(ran.calls(), calls.len());
        oracle::assert_asked_as_needed(&calls);
        assert_prompts(&space, &calls, &prompts);
        log.assert_tells(&space, &calls);
        space.run(&["check"]).exits(0);
        self.assert_as_without_faults(&space, &seeds);
        assert_done(&space);
        self.tell(&faults, &calls, seconds);
    }

    /// What came in the end is what comes when nothing goes wrong.
    fn assert_as_without_faults(&self, space: &Space, seeds: &[Seed]) {
        let clean = self.space(seeds, Way::Command);
        clean.build(&["-j", "8"]).exits(0);
        for path in &MAIN_FILES[..3] {
            assert!(space.read(path) == clean.read(path), "{path} is another one than without faults");
        }
    }

    fn tell(&self, faults: &[Value], calls: &[Judged<'_>], seconds: f64) {
        let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
        for judged in calls {
            for fault in judged.call.made.iter().filter(|fault| fault["fault"] != "keep_prompt") {
                *kinds.entry(fault["fault"].as_str().unwrap()).or_default() += 1;
            }
        }
        for fault in faults.iter().filter(|fault| fault["attempts"] == json!([1])) {
            let name = fault["fault"].as_str().unwrap();
            assert!(kinds.contains_key(name), "no `{name}` came about");
        }
        let retries = calls.iter().filter(|judged| judged.call.attempt > 1);
        let again: usize = retries.clone().map(|judged| judged.call.items.len()).sum();
        let timed_out = calls.iter().filter(|judged| judged.timed_out).count();
        println!(
            "{} seeds, {:?}, {}: {} calls, {} of them retries for {again} items, {timed_out} timed out, {seconds:.1} s; {kinds:?}",
            self.seeds,
            self.way,
            self.target,
            calls.len(),
            retries.count(),
        );
    }
}

/// A further build makes no call and leaves the main files as they are; in a drop folder no prompt is left, and of answers only what
/// came a second time or for nobody.
fn assert_done(space: &Space) {
    let before = space.outputs();
    assert_eq!(space.build(&[]).exits(0).calls(), 0);
    assert!(before == space.outputs());
    let left = |name: &String| name.contains(".prompt.") || name.contains(".input.");
    assert!(!lying(space).iter().any(left), "{:?}", lying(space));
    let statuses = space.run(&["status"]).exits(0).stdout;
    assert!(!statuses.contains("failed") && !statuses.contains("rejected"), "{statuses}");
}

fn assert_no_process_is_left(pids: &Path) {
    for entry in std::fs::read_dir(pids).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let process = Pid::from_raw(name.parse().unwrap()).unwrap();
        assert_eq!(test_kill_process(process), Err(rustix::io::Errno::SRCH), "process {name} lives on");
    }
}

/// Every prompt that was received asks for what its call is for, behind the same words and the whole intelligence.
fn assert_prompts(space: &Space, calls: &[Judged<'_>], folder: &Path) {
    let mut prefixes: BTreeMap<&str, String> = BTreeMap::new();
    for Judged { call, .. } in calls {
        let text = std::fs::read_to_string(folder.join(format!("{}.md", call.call))).unwrap();
        let prompt = Prompt::read(&text);
        prompt.assert_asks(call);
        let prefix = prefixes.entry(&call.phase).or_insert_with(|| prompt.prefix.to_owned());
        assert!(prefix == prompt.prefix, "{call:?} begins otherwise than the call before");
    }
    for (phase, prefix) in prefixes {
        for (name, text) in documents(space, phase) {
            assert!(prefix.contains(text.trim_end()), "{phase} is not sent {name}");
        }
    }
}

/// The sections of a phase's documents, by the names that a log gives them.
fn documents(space: &Space, phase: &str) -> BTreeMap<String, String> {
    let number = phase.trim_start_matches("phase");
    let documents = Synth::new(0).documents().map(|(path, _)| path);
    let path = documents.iter().find(|path| path.contains(&format!("phase_{number}_"))).unwrap();
    oracle::sections(path, &space.read(path))
}

/// What `log` prints.
struct Log<'l>(Vec<&'l Value>);

impl<'l> Log<'l> {
    fn of(log: &'l Value) -> Self {
        Self(log["calls"].as_array().unwrap().iter().collect())
    }

    /// The line of a call. An agent at a folder does not learn a call's id; but of calls with one label, attempt and items there is
    /// one.
    fn line(&self, call: &crate::support::Call) -> &'l Value {
        let fits = |line: &&&Value| {
            let items = line["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap());
            line["target_label"] == call.label.as_str()
                && line["attempt"] == call.attempt
                && items.eq(&call.items)
        };
        let lines: Vec<_> = self.0.iter().filter(fits).collect();
        assert_eq!(lines.len(), 1, "{call:?}");
        lines[0]
    }

    /// The calls whose answer came after their time, because the machine was too busy.
    fn late(&self, ran: &Ran) -> BTreeSet<String> {
        let answered = ran.books.iter().filter(|call| call.state == "answered");
        let late = answered.filter(|call| {
            let line = self.line(call);
            let timed_out = line["ended"]["timed_out"] == TIMEOUT_S;
            assert!(!timed_out || line["seconds"].as_f64().unwrap() >= TIMEOUT_S as f64, "{line}");
            timed_out
        });
        late.map(|call| call.call.clone()).collect()
    }

    /// Each attempt is there, with what became of each item, and with the digests of the documents' sections.
    fn assert_tells(&self, space: &Space, calls: &[Judged<'_>]) {
        assert_eq!(self.0.len(), calls.len());
        let mut sent: BTreeMap<&str, BTreeMap<String, String>> = BTreeMap::new();
        for Judged { call, fates, timed_out } in calls {
            let line = self.line(call);
            assert_eq!(line["ended"].get("timed_out").is_some(), *timed_out, "{line}");
            for (item, fate) in line["items"].as_array().unwrap().iter().zip(fates) {
                let outcome = match fate {
                    Fate::Passed => "passed-or-stored",
                    Fate::Refused => "refused",
                    Fate::Nothing | Fate::Unreached => "nothing",
                };
                assert_eq!(item["outcome"], outcome, "{item} of {call:?}");
                assert_eq!(item["digest"].is_string(), outcome != "nothing", "{item} of {call:?}");
            }
            let sections = line["sections"].as_array().unwrap().iter();
            let sections: BTreeMap<String, String> = sections
                .map(|section| (section["name"].as_str().unwrap(), section["digest"].as_str().unwrap()))
                .filter(|(name, _)| name.starts_with("document/"))
                .map(|(name, digest)| (name.to_owned(), digest.to_owned()))
                .collect();
            let documents = sent.entry(&call.phase).or_insert_with(|| {
                let sections = documents(space, &call.phase).into_iter();
                sections.map(|(name, text)| (name, blake3::hash(text.as_bytes()).to_string())).collect()
            });
            assert!(*documents == sections, "{call:?}: {documents:#?} {sections:#?}");
        }
    }
}
