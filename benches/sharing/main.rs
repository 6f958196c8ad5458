//! What a shared store costs and saves: requests, bytes and seconds of the build that fills it, of a workspace that has nothing
//! but the sources and gets everything from it, and of both again after one word has changed. `docs/benchmarks.md` says how to read it.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    clippy::cast_possible_truncation,
    reason = "a program of its own for developers"
)]

#[path = "../../tests/e2e/support/program.rs"]
mod program;
mod server;
#[path = "../../tests/e2e/support/synth.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod synth;

use server::{Counts, Server};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;
use synth::Synth;

const USAGE: &str = "cargo bench --bench sharing -- [--sizes 668,10000]";

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    if !std::env::args().any(|arg| arg == "--bench") {
        println!("sharing: measures nothing outside of `{USAGE}`");
        return;
    }
    let Some(sizes) = sizes(&args) else {
        eprintln!("usage: {USAGE}");
        std::process::exit(2);
    };
    println!("| seeds | store | build | calls | results | read | written | seconds |");
    println!("| ---: | --- | --- | ---: | ---: | ---: | ---: | ---: |");
    for seeds in sizes {
        measure(seeds, Store::Http(Server::start()));
        measure(seeds, Store::Folder(0));
    }
}

fn sizes(args: &[String]) -> Option<Vec<usize>> {
    match args {
        [] => Some(vec![668, 10_000]),
        [name, sizes] if name == "--sizes" => sizes.split(',').map(|size| size.parse().ok()).collect(),
        _ => None,
    }
}

enum Store {
    Http(Server),
    /// With the files that it held when it was looked at last.
    Folder(usize),
}

/// Fills a store and takes everything out of it, twice.
fn measure(seeds: usize, mut store: Store) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let team = folder.path().join("team");
    std::fs::create_dir(&team).unwrap();
    let url = match &store {
        Store::Http(server) => server.url(),
        Store::Folder(_) => format!("file://{}", team.display()),
    };
    let synth = Synth::new(seeds);
    let mut course = synth.seeds();
    let [a, b] = ["a", "b"].map(|name| Workspace::new(folder.path(), name, &synth, &url));
    let mut row = |what: &str, workspace: &Workspace| {
        let begun = Instant::now();
        let (calls, results) = workspace.build();
        let seconds = begun.elapsed().as_secs_f64();
        let (kind, read, written) = match &mut store {
            Store::Http(server) => {
                let Counts { gets, puts, sent, taken } = server.counts();
                ("HTTP", format!("{gets} × GET, {}", size(sent)), format!("{puts} × PUT, {}", size(taken)))
            }
            Store::Folder(held) => {
                let (files, bytes) = held_by(&team);
                let new = files - std::mem::replace(held, files);
                ("folder", "-".to_owned(), format!("{new} files ({} in all)", size(bytes)))
            }
        };
        println!("| {seeds} | {kind} | {what} | {calls} | {results} | {read} | {written} | {seconds:.1} |");
    };
    row("first", &a);
    row("of a fresh workspace", &b);
    synth::change_word(&mut course, seeds / 2, 1);
    for workspace in [&a, &b] {
        synth::write_seeds(&workspace.root.join("seeds.json"), &course).unwrap();
    }
    row("after an edit", &a);
    row("of the same edit elsewhere", &b);
    for name in ["seed_pairs.json", "lego_pairs.json", "lego_baskets.json"] {
        let read = |workspace: &Workspace| std::fs::read(workspace.root.join("course").join(name)).unwrap();
        assert!(read(&a) == read(&b), "the {name} of the two differ");
    }
}

fn size(bytes: usize) -> String {
    format!("{} KiB", bytes.div_ceil(1024))
}

/// How many files a folder holds, and their bytes.
fn held_by(folder: &Path) -> (usize, usize) {
    let files =
        walkdir::WalkDir::new(folder).into_iter().flatten().filter(|entry| entry.file_type().is_file());
    files.fold((0, 0), |(files, bytes), entry| {
        (files + 1, bytes + usize::try_from(entry.metadata().unwrap().len()).unwrap())
    })
}

struct Workspace {
    root: PathBuf,
}

impl Workspace {
    fn new(folder: &Path, name: &str, synth: &Synth, url: &str) -> Self {
        let root = folder.join(name);
        // One list of arguments for all: it is in the key.
        let argv = [program::answer(), &folder.join("calls.log"), &folder.join("no-faults.json")];
        synth.write(&root, &argv.map(|path| path.to_str().unwrap().to_owned())).unwrap();
        let manifest = root.join("coursebuild.toml");
        let text = std::fs::read_to_string(&manifest).unwrap();
        std::fs::write(manifest, format!("{text}\n[shared]\nurl = \"{url}\"\n")).unwrap();
        Self { root }
    }

    /// Builds; gives the calls made and the results that the shared store or a call brought.
    fn build(&self) -> (u64, u64) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_coursebuild"));
        command.args(["build", "--yes", "--format", "json"]).current_dir(&self.root).stdin(Stdio::null());
        let out = command.stderr(Stdio::inherit()).output().unwrap();
        assert!(out.status.success(), "{command:?}: {}", out.status);
        let text = String::from_utf8(out.stdout).unwrap();
        let summary: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        let number = |field: &str| summary[field].as_u64().unwrap();
        assert_eq!(number("unpushed"), 0, "{summary:#}");
        (number("calls"), number("items_generated") + number("items_fetched"))
    }
}
