//! Edit, build, expect: a workspace in a folder of its own, the tool run on it, and two sets of books to compare: what
//! the tool says it bought, and what the generator was asked.

pub(crate) mod expect;
mod packs;
pub(crate) mod program;
pub(crate) mod service;
pub(crate) mod server;
pub(crate) mod synth;
pub(crate) mod terminal;

use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use synth::{Seed, Synth};

/// A run of the tool that takes longer hangs; it is killed, and the test fails.
const LONGEST_RUN: Duration = Duration::from_secs(300);

/// A workspace. Its folder goes when it is dropped.
pub(crate) struct Space {
    /// Beside the workspace: the generator's books, its list of mistakes, what the tool printed.
    folder: tempfile::TempDir,
    root: PathBuf,
}

/// One line of the generator's books.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
pub(crate) struct Call {
    /// `asked` when the call came in, `answered` when its answer was out.
    pub(crate) state: String,
    pub(crate) phase: String,
    pub(crate) label: String,
    pub(crate) call: String,
    pub(crate) attempt: u32,
    pub(crate) scope: String,
    pub(crate) items: Vec<String>,
    /// The mistakes that were made in it.
    pub(crate) made: Vec<Value>,
}

/// What came of one run of the tool.
#[derive(Debug)]
pub(crate) struct Ran {
    /// The exit code; `None` if a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// The events of `--format json`, one a line; empty for a run without it.
    pub(crate) events: Vec<Value>,
    /// What the generator wrote into its books meanwhile.
    pub(crate) books: Vec<Call>,
}

impl Space {
    /// An empty folder.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Resolved, for the tool prints resolved paths (on macOS the temporary folder is a link).
        let root = folder.path().canonicalize().unwrap().join("work");
        std::fs::create_dir(&root).unwrap();
        Self { folder, root }
    }

    /// A course of so many synthetic seeds under `builtin:batching@1`, answered by the program `answer`.
    pub(crate) fn batching(seeds: usize) -> Self {
        Self::of(&Synth::new(seeds))
    }

    /// The same, from a description.
    pub(crate) fn of(synth: &Synth) -> Self {
        let space = Self::new();
        synth.write(&space.root, &space.argv(&[])).unwrap();
        space
    }

    /// A course under a small pack of its own in `rules/`: phase `first` on the seeds, phase `second` on the parts of its
    /// answers. Every answer is a digest of what was sent for the item (`tests/programs/answer/digest.rs` says how), so an item that
    /// is reused although something sent to it changed makes an incremental build differ from a clean one.
    pub(crate) fn digests(seeds: usize) -> Self {
        let space = Self::new();
        packs::write_digests(&space);
        space.write(
            "coursebuild.toml",
            &synth::manifest("rules", &space.argv(&["digest", "--hint", "earlier"])),
        );
        space.write_seeds(&Synth::new(seeds).seeds());
        space
    }

    /// The built-in pack as files in `rules/`, to be edited: the same texts, so nothing is bought for it.
    pub(crate) fn with_own_rules(self) -> Self {
        let builtin = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules/batching@1");
        copy_folder(&builtin, &self.path("rules"));
        self.replace("coursebuild.toml", "builtin:batching@1", "rules");
        self
    }

    /// Lets a check of the space's own rules find warnings only.
    pub(crate) fn only_warn(&self, phase: &str, check: &str) {
        let used = format!("use = \"{check}\"\n");
        self.replace(&format!("rules/{phase}.toml"), &used, &format!("{used}severity = \"warning\"\n"));
    }

    /// The workspace as it is, store and all, in another folder, with books of its own.
    pub(crate) fn copy(&self) -> Self {
        let space = Self::new();
        copy_folder(&self.root, &space.root);
        space.adopt_manifest(self);
        space
    }

    /// The inputs of another space, without store and main files: what a fresh clone of them would build from.
    pub(crate) fn inputs_of(other: &Self) -> Self {
        let space = Self::new();
        for (path, bytes) in other.files().into_iter().filter(|(path, _)| !path.starts_with("course/")) {
            space.write_bytes(&path, &bytes);
        }
        space.adopt_manifest(other);
        space
    }

    /// The manifest names the folder of the books; only the names of programs and files are in a key.
    fn adopt_manifest(&self, other: &Self) {
        let [here, there] = [self, other].map(|space| space.around().to_str().unwrap());
        self.write("coursebuild.toml", &other.read("coursebuild.toml").replace(there, here));
    }

    /// The command line of the program `answer` for this space.
    pub(crate) fn argv(&self, mode: &[&str]) -> Vec<String> {
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        let mut argv =
            vec![text(program::answer()), text(&self.log()), text(&self.around().join("faults.json"))];
        argv.extend(mode.iter().map(|arg| (*arg).to_owned()));
        argv
    }

    /// The folder around the workspace, resolved.
    pub(crate) fn around(&self) -> &Path {
        self.root.parent().unwrap()
    }

    /// The workspace's folder.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A path in it.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// Writes a file, with the folders that it needs.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Writes a file, with the folders that it needs.
    pub(crate) fn write_bytes(&self, path: &str, bytes: &[u8]) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    /// Changes a JSON file and writes it as the tool does.
    pub(crate) fn edit_json(&self, path: &str, edit: impl FnOnce(&mut Value)) {
        let mut value = self.json(path);
        edit(&mut value);
        self.write(path, &format!("{value:#}\n"));
    }

    /// Reads a file.
    pub(crate) fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.path(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
    }

    /// Reads a JSON file.
    pub(crate) fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.read(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
    }

    /// Removes a file, or a folder with all that is in it.
    pub(crate) fn remove(&self, path: &str) {
        let path = self.path(path);
        if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) }.unwrap();
    }

    /// Replaces the one place where `old` stands in a file.
    pub(crate) fn replace(&self, path: &str, old: &str, new: &str) {
        let text = self.read(path);
        assert_eq!(text.matches(old).count(), 1, "`{old}` in {path}");
        self.write(path, &text.replace(old, new));
    }

    /// The files of the workspace and their bytes, without the store: two builds that should agree are compared by it.
    pub(crate) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = self.everything();
        files.retain(|path, _| !path.starts_with(".coursebuild/"));
        files
    }

    /// All files of the workspace and their bytes, those of the store too.
    pub(crate) fn everything(&self) -> BTreeMap<String, Vec<u8>> {
        files_in(&self.root)
            .map(|path| {
                let name = path.strip_prefix(&self.root).unwrap().to_str().unwrap().to_owned();
                (name, std::fs::read(path).unwrap())
            })
            .collect()
    }

    /// The main files and the lock, as far as they are there, without what a crash left beside them on the way to one.
    pub(crate) fn outputs(&self) -> BTreeMap<String, Vec<u8>> {
        let is_output = |path: &str| path.starts_with("course/") && !path.ends_with(".tmp");
        self.files().into_iter().filter(|(path, _)| is_output(path)).collect()
    }

    /// The seeds as they stand in `seeds.json`.
    pub(crate) fn seeds(&self) -> Vec<Seed> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let seeds = self.json("seeds.json");
        let seeds = seeds.as_array().unwrap().iter();
        seeds.map(|seed| Seed { id: text(&seed["seed_id"]), source: text(&seed["source"]) }).collect()
    }

    /// Writes `seeds.json`.
    pub(crate) fn write_seeds(&self, seeds: &[Seed]) {
        synth::write_seeds(&self.path("seeds.json"), seeds).unwrap();
    }

    /// Edits `seeds.json`.
    pub(crate) fn edit_seeds(&self, edit: impl FnOnce(&mut Vec<Seed>)) {
        let mut seeds = self.seeds();
        edit(&mut seeds);
        self.write_seeds(&seeds);
    }

    /// The mistakes that the generator makes from now on (`tests/programs/answer/faults.rs` lists them); no call's key changes by it.
    pub(crate) fn faults(&self, faults: &Value) {
        std::fs::write(self.around().join("faults.json"), faults.to_string()).unwrap();
    }

    fn log(&self) -> PathBuf {
        self.around().join("calls.log")
    }

    /// All that the generator has written into its books so far.
    pub(crate) fn books(&self) -> Vec<Call> {
        let text = std::fs::read_to_string(self.log()).unwrap_or_default();
        // A line that is being written has no end yet.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// How often each item was answered since the beginning, by phase and id.
    pub(crate) fn answered(&self) -> BTreeMap<(String, String), usize> {
        let mut counts = BTreeMap::new();
        for call in self.books().into_iter().filter(|call| call.state == "answered") {
            for item in call.items {
                *counts.entry((call.phase.clone(), item)).or_default() += 1;
            }
        }
        counts
    }

    /// The tool, about to run in the workspace, with nothing of the test's environment but the path of programs.
    pub(crate) fn tool(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_coursebuild"));
        command.args(args).current_dir(&self.root).stdin(Stdio::null()).env_clear();
        command.env("HOME", self.folder.path()).env("NO_COLOR", "1");
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        command
    }

    /// Runs the tool.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        self.finish(self.tool(args))
    }

    /// Runs `coursebuild build --format json` with more arguments.
    pub(crate) fn build(&self, args: &[&str]) -> Ran {
        self.run(&[&["build", "--format", "json"], args].concat())
    }

    /// Runs `coursebuild plan --format json` with more arguments, which has to succeed, to buy nothing and to change nothing.
    pub(crate) fn plan(&self, args: &[&str]) -> Value {
        let ran = self.run(&[&["plan", "--format", "json"], args].concat());
        assert_eq!((ran.code, ran.books.len()), (Some(0), 0), "{ran:#?}");
        serde_json::from_str(&ran.stdout).unwrap_or_else(|e| panic!("a plan is one object: {e}: {ran:#?}"))
    }

    /// Runs a prepared command to its end.
    pub(crate) fn finish(&self, command: Command) -> Ran {
        self.start(command).end()
    }

    /// Starts a prepared command.
    pub(crate) fn start(&self, mut command: Command) -> Running<'_> {
        let before = self.books().len();
        // Files, not pipes: a process that outlives the tool would hold a pipe open, and the test with it.
        let printed = tempfile::tempdir_in(self.around()).unwrap();
        command.stdout(File::create(printed.path().join("stdout")).unwrap());
        command.stderr(File::create(printed.path().join("stderr")).unwrap());
        let child = command.spawn().unwrap();
        Running { space: self, child, printed, before }
    }
}

/// The files under a folder.
fn files_in(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = walkdir::WalkDir::new(folder).into_iter().map(|entry| entry.unwrap());
    entries.filter(|entry| entry.file_type().is_file()).map(walkdir::DirEntry::into_path)
}

fn copy_folder(from: &Path, to: &Path) {
    for path in files_in(from) {
        let copy = to.join(path.strip_prefix(from).unwrap());
        std::fs::create_dir_all(copy.parent().unwrap()).unwrap();
        std::fs::copy(path, copy).unwrap();
    }
}

/// A run of the tool that has not ended.
pub(crate) struct Running<'s> {
    space: &'s Space,
    child: Child,
    printed: tempfile::TempDir,
    /// How many lines the books had when it began.
    before: usize,
}

impl Running<'_> {
    /// Waits until the books of this run are as wanted.
    #[track_caller]
    pub(crate) fn until(&mut self, wanted: impl Fn(&[Call]) -> bool) {
        let space = self.space;
        let before = self.before;
        self.wait_for(&|_| wanted(&space.books()[before..]), &|_| format!("{:#?}", space.books()));
    }

    /// Waits until something holds. The last look is one after the run's end.
    #[track_caller]
    fn wait_for(&mut self, holds: &dyn Fn(&Self) -> bool, told: &dyn Fn(&Self) -> String) {
        let begun = Instant::now();
        loop {
            let ended = self.child.try_wait().unwrap();
            if holds(self) {
                return;
            }
            assert!(ended.is_none(), "the run ended too early, {ended:?}: {}", told(self));
            assert!(begun.elapsed() < LONGEST_RUN, "waited in vain: {}", told(self));
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Interrupts the tool, as Ctrl-C does.
    pub(crate) fn interrupt(&self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    }

    /// What it has printed so far, as a log and as JSON events.
    pub(crate) fn printed(&self, name: &str) -> String {
        String::from_utf8_lossy(&std::fs::read(self.printed.path().join(name)).unwrap()).into_owned()
    }

    /// Waits until what it has printed on standard output holds a text.
    #[track_caller]
    pub(crate) fn until_printed(&mut self, wanted: &str) {
        let told = |running: &Self| format!("no `{wanted}` in {}", running.printed("stdout"));
        self.wait_for(&|running| running.printed("stdout").contains(wanted), &told);
    }

    /// Waits until it has told of an event.
    #[track_caller]
    pub(crate) fn until_event(&mut self, wanted: impl Fn(&Value) -> bool) {
        let told = |running: &Self| format!("no such event in {}", running.printed("stdout"));
        self.wait_for(&|running| events(&running.printed("stdout")).iter().any(&wanted), &told);
    }

    /// Kills the tool, as a crash would: it gets no chance to put anything in order. What it started lives on.
    pub(crate) fn kill(mut self) -> Ran {
        self.child.kill().unwrap();
        self.end()
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Ran {
        let status = wait(&mut self.child);
        let [stdout, stderr] = ["stdout", "stderr"].map(|name| self.printed(name));
        let events = events(&stdout);
        Ran { code: status.code(), stdout, stderr, events, books: self.space.books().split_off(self.before) }
    }
}

/// The events among the lines of an output.
fn events(stdout: &str) -> Vec<Value> {
    let values = stdout.lines().filter_map(|line| serde_json::from_str(line).ok());
    values.filter(|value: &Value| value["event"].is_string()).collect()
}

/// Waits for a child's end; kills it when it hangs.
fn wait(child: &mut Child) -> ExitStatus {
    let pid = rustix::process::Pid::from_child(child);
    let (done, ended) = mpsc::channel::<()>();
    let watchdog = std::thread::spawn(move || {
        let hangs = ended.recv_timeout(LONGEST_RUN) == Err(mpsc::RecvTimeoutError::Timeout);
        if hangs {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
        hangs
    });
    let status = child.wait().unwrap();
    drop(done);
    assert!(!watchdog.join().unwrap(), "the tool did not end within {LONGEST_RUN:?}");
    status
}

impl Ran {
    /// The same run; fails the test unless it ended with this code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    /// The last event of a build.
    #[track_caller]
    pub(crate) fn summary(&self) -> &Value {
        self.events.last().filter(|event| event["event"] == "summary").unwrap_or_else(|| panic!("{self:#?}"))
    }

    /// The calls that were asked, by the generator's own books.
    pub(crate) fn asked(&self) -> impl Iterator<Item = &Call> {
        self.books.iter().filter(|call| call.state == "asked")
    }

    /// How many calls were made: the tool and the generator have to agree.
    #[track_caller]
    pub(crate) fn calls(&self) -> usize {
        let asked = self.asked().count();
        assert_eq!(self.summary()["calls"], asked, "the tool and the generator count differently: {self:#?}");
        asked
    }

    /// Calls and items that were asked for in each of these phases.
    pub(crate) fn buys<const N: usize>(&self, phases: [&str; N]) -> [(usize, usize); N] {
        phases
            .map(|phase| (self.asked().filter(|call| call.phase == phase).count(), self.bought(phase).len()))
    }

    /// The items that were asked for in a phase, in the order of asking.
    pub(crate) fn bought(&self, phase: &str) -> Vec<&str> {
        let calls = self.asked().filter(|call| call.phase == phase);
        calls.flat_map(|call| &call.items).map(String::as_str).collect()
    }
}
