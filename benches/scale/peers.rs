//! Who is measured: coursebuild on a course, and make and ninja on the files that one would write for the same course.
//!
//! The file graph cuts by position: a file of 20 seeds, a phase-1 and a phase-3 target for each, a phase-5 target for each 60
//! LEGOs, a merge a phase. It is kind to make and ninja: the number of LEGOs, which a real build learns only from phase 3, is
//! given to them. Each of their targets is one process of the program that answers coursebuild's calls.

use crate::batching::tongue::Tongue;
use crate::{batching, program, synth};
use std::fmt::Write as _;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;
use synth::{Seed, Synth};

const SEEDS_A_BATCH: usize = 20;
const LEGOS_A_BATCH: usize = 60;

/// Something that builds the course.
pub(crate) trait Builder {
    /// Takes back all that was built.
    fn clear(&mut self);
    /// Brings the inputs to this state, in which the seed at `place` is another one than before.
    fn edit(&mut self, seeds: &[Seed], place: usize);
    /// The build, about to be run.
    fn command(&self, jobs: usize) -> Command;
    /// The folder of the three main files.
    fn main_files(&self) -> PathBuf;
    /// How many items were asked for since the beginning, by the generator's books.
    fn bought(&self) -> usize;
}

/// The calls and items that a log of the program `answer` tells of: items by name where coursebuild asked, by number where make or
/// ninja did.
pub(crate) fn asked(log: &Path) -> (usize, usize) {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    text.lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .filter(|call| call["state"] == "asked")
        .map(|call| {
            call["items"].as_array().map_or_else(|| call["items"].as_u64().unwrap() as usize, Vec::len)
        })
        .fold((0, 0), |(calls, items), more| (calls + 1, items + more))
}

/// coursebuild with its built-in pack.
pub(crate) struct Coursebuild {
    root: PathBuf,
    log: PathBuf,
}

impl Coursebuild {
    /// Writes the workspace.
    pub(crate) fn new(folder: &Path, synth: &Synth) -> Self {
        let (root, log) = (folder.join("coursebuild"), folder.join("coursebuild.log"));
        let argv = [program::answer(), &log, &folder.join("no-faults.json")];
        synth.write(&root, &argv.map(|path| path.to_str().unwrap().to_owned())).unwrap();
        Self { root, log }
    }
}

impl Builder for Coursebuild {
    fn clear(&mut self) {
        for folder in [".coursebuild", "course"] {
            let _ = std::fs::remove_dir_all(self.root.join(folder));
        }
    }

    fn edit(&mut self, seeds: &[Seed], _place: usize) {
        synth::write_seeds(&self.root.join("seeds.json"), seeds).unwrap();
    }

    fn command(&self, jobs: usize) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_coursebuild"));
        command.args(["build", "--yes", "-j", &jobs.to_string()]).current_dir(&self.root);
        command
    }

    fn main_files(&self) -> PathBuf {
        self.root.join("course")
    }

    fn bought(&self) -> usize {
        asked(&self.log).1
    }
}

/// The peers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tool {
    Make,
    Ninja,
}

impl Tool {
    pub(crate) const ALL: [Self; 2] = [Self::Make, Self::Ninja];

    /// What its program is called.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Make => "make",
            Self::Ninja => "ninja",
        }
    }

    /// The first line that it says of its version; `None` when there is no such program.
    pub(crate) fn version(self) -> Option<String> {
        let output = Command::new(self.name()).arg("--version").output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout);
        Some(text.lines().next().unwrap_or_default().to_owned())
    }

    pub(crate) fn is_installed(self) -> bool {
        self.version().is_some()
    }
}

/// A peer's workspace.
pub(crate) struct FileGraph {
    pub(crate) tool: Tool,
    pub(crate) root: PathBuf,
    pub(crate) log: PathBuf,
    /// Each phase-5 target depends on a file that says which LEGOs it has, so that it is made anew when LEGOs before it came or
    /// went. Without it the graph goes on with the old numbers.
    pub(crate) follows_the_cut: bool,
}

impl FileGraph {
    /// Writes batch files, documents and the build file.
    pub(crate) fn new(folder: &Path, synth: &Synth, tool: Tool) -> Self {
        let root = folder.join(tool.name());
        std::fs::create_dir_all(root.join("in")).unwrap();
        for (number, (_, text)) in ["1", "3", "5"].iter().zip(synth.documents()) {
            std::fs::write(root.join(format!("doc{number}.md")), text).unwrap();
        }
        let seeds = synth.seeds();
        let log = folder.join(format!("{}.log", tool.name()));
        let graph = Self { tool, log, root, follows_the_cut: false };
        graph.rewrite(&seeds, None);
        graph.make_folders();
        graph
    }

    /// Brings batch files and build file in line with the seeds, of which the one at `one_more` has been given one LEGO more by
    /// hand. A file that would be the same is left alone.
    pub(crate) fn rewrite(&self, seeds: &[Seed], one_more: Option<usize>) {
        for batch in 0..seeds.len().div_ceil(SEEDS_A_BATCH) {
            self.write_batch(seeds, batch);
        }
        let cut = lego_batches(seeds, one_more);
        for (at, LegoBatch { skip, take, batches }) in cut.iter().enumerate().filter(|_| self.follows_the_cut)
        {
            write_other(&self.root.join(cut_file(at)), &format!("{skip} {take} {batches:?}\n"));
        }
        let targets = targets(seeds.len(), &cut, program::answer(), &self.log, self.follows_the_cut);
        match self.tool {
            Tool::Make => write_other(&self.root.join("Makefile"), &makefile(&targets)),
            Tool::Ninja => write_other(&self.root.join("build.ninja"), &ninja_file(&targets)),
        }
    }

    fn make_folders(&self) {
        for folder in ["out/p1", "out/p3", "out/p5"] {
            std::fs::create_dir_all(self.root.join(folder)).unwrap();
        }
    }

    fn write_batch(&self, seeds: &[Seed], batch: usize) {
        let end = seeds.len().min((batch + 1) * SEEDS_A_BATCH);
        let mut lines = String::new();
        for seed in &seeds[batch * SEEDS_A_BATCH..end] {
            let _ = writeln!(lines, "{}", serde_json::json!({"seed_id": seed.id, "source": seed.source}));
        }
        write_other(&self.root.join(format!("in/{:05}.jsonl", batch + 1)), &lines);
    }
}

/// Writes a file whose bytes would be others.
fn write_other(path: &Path, text: &str) {
    if std::fs::read(path).ok().as_deref() != Some(text.as_bytes()) {
        std::fs::write(path, text).unwrap();
    }
}

fn cut_file(batch: usize) -> String {
    format!("in/cut{:05}.txt", batch + 1)
}

impl Builder for FileGraph {
    fn clear(&mut self) {
        let _ = std::fs::remove_dir_all(self.root.join("out"));
        for file in [".ninja_log", ".ninja_deps"] {
            let _ = std::fs::remove_file(self.root.join(file));
        }
        self.make_folders();
    }

    fn edit(&mut self, seeds: &[Seed], place: usize) {
        self.write_batch(seeds, place / SEEDS_A_BATCH);
    }

    fn command(&self, jobs: usize) -> Command {
        let mut command = Command::new(self.tool.name());
        command.args(["-j", &jobs.to_string()]).current_dir(&self.root);
        command
    }

    fn main_files(&self) -> PathBuf {
        self.root.join("out")
    }

    fn bought(&self) -> usize {
        asked(&self.log).1
    }
}

/// One target of the graph.
struct Target {
    out: String,
    inputs: Vec<String>,
    command: String,
}

fn targets(seeds: usize, cut: &[LegoBatch], answer: &Path, log: &Path, follows_the_cut: bool) -> Vec<Target> {
    let (answer, log) = (answer.display(), log.display());
    let batches = seeds.div_ceil(SEEDS_A_BATCH);
    let mut targets = Vec::new();
    for batch in 1..=batches {
        for (phase, doc, input) in [
            (1, "doc1.md", format!("in/{batch:05}.jsonl")),
            (3, "doc3.md", format!("out/p1/{batch:05}.json")),
        ] {
            let out = format!("out/p{phase}/{batch:05}.json");
            let command = format!("{answer} batch {log} phase{phase} {out} {input}");
            targets.push(Target { out, inputs: vec![doc.to_owned(), input], command });
        }
    }
    for (at, LegoBatch { skip, take, batches }) in cut.iter().enumerate() {
        let out = format!("out/p5/{:05}.json", at + 1);
        let mut inputs: Vec<String> =
            batches.clone().map(|batch| format!("out/p3/{:05}.json", batch + 1)).collect();
        let command = format!("{answer} batch {log} phase5 {out} {skip} {take} {}", inputs.join(" "));
        inputs.push("doc5.md".to_owned());
        inputs.extend(follows_the_cut.then(|| cut_file(at)));
        targets.push(Target { out, inputs, command });
    }
    for (phase, name, count) in
        [(1, "seed_pairs", batches), (3, "lego_pairs", batches), (5, "lego_baskets", cut.len())]
    {
        let out = format!("out/{name}.json");
        let inputs = (1..=count).map(|batch| format!("out/p{phase}/{batch:05}.json")).collect();
        targets.push(Target { command: format!("{answer} merge {out} out/p{phase} {count}"), out, inputs });
    }
    targets
}

/// A run of LEGOs: of those in some seed batches, so many are left out and so many taken.
struct LegoBatch {
    skip: usize,
    take: usize,
    batches: Range<usize>,
}

fn lego_batches(seeds: &[Seed], one_more: Option<usize>) -> Vec<LegoBatch> {
    // The number of LEGOs before each seed batch, and in all.
    let mut starts = vec![0];
    for (at, batch) in seeds.chunks(SEEDS_A_BATCH).enumerate() {
        let legos: usize = batch.iter().map(legos).sum();
        let more = usize::from(one_more.is_some_and(|seed| seed / SEEDS_A_BATCH == at));
        starts.push(starts[starts.len() - 1] + legos + more);
    }
    let all = starts[starts.len() - 1];
    (0..all)
        .step_by(LEGOS_A_BATCH)
        .map(|from| {
            let to = all.min(from + LEGOS_A_BATCH);
            let first = starts.partition_point(|&start| start <= from) - 1;
            let last = starts.partition_point(|&start| start < to);
            LegoBatch { skip: from - starts[first], take: to - from, batches: first..last }
        })
        .collect()
}

/// How many LEGOs the program `answer` cuts a seed into.
pub(crate) fn legos(seed: &Seed) -> usize {
    let translated = batching::translate(Tongue::MadeUp, &seed.source);
    batching::cut(Tongue::MadeUp, &translated, &seed.source).len()
}

fn makefile(targets: &[Target]) -> String {
    let mut text = "all: out/seed_pairs.json out/lego_pairs.json out/lego_baskets.json\n".to_owned();
    for Target { out, inputs, command } in targets {
        let _ = write!(text, "{out}: {}\n\t@{command}\n", inputs.join(" "));
    }
    text
}

fn ninja_file(targets: &[Target]) -> String {
    let mut text = "rule run\n  command = $run\n".to_owned();
    for Target { out, inputs, command } in targets {
        let _ = write!(text, "build {out}: run {}\n  run = {command}\n", inputs.join(" "));
    }
    text
}
