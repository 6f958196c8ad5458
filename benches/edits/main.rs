//! What each edit costs in calls and items, beside what it ought to cost, and beside make and ninja on a graph of positional
//! batches in which the same edit is made. `docs/benchmarks.md` says how to read it. Ends with 1 if a row differs from its ideal.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    clippy::cast_possible_truncation,
    reason = "a program of its own for developers"
)]

#[path = "../../tests/programs/answer/batching.rs"]
#[expect(dead_code, reason = "only the cut of a seed is needed, to know how many LEGOs there are")]
mod batching;
mod copies;
#[path = "../scale/peers.rs"]
#[expect(dead_code, reason = "only the file graphs are needed")]
mod peers;
mod rows;
#[path = "../../tests/e2e/support/mod.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod support;

use peers::{FileGraph, Tool};
use rows::{Buys, Made, Row};
use support::{Space, program, synth};
use synth::{Seed, Synth};

const USAGE: &str = "cargo bench --bench edits [-- --sizes 668,10000]";
const PHASES: [&str; 3] = ["phase1", "phase3", "phase5"];

/// Up to so many seeds all rows are run; above, the first ten.
const ALL_ROWS_UP_TO: usize = 1000;
/// The seeds that the scoped sections are for: numbers of the first and the last.
const SCOPE: (usize, usize) = (101, 300);

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if !args.iter().any(|arg| arg == "--bench") {
        println!("edits: measures nothing outside of `{USAGE}`");
        return;
    }
    let args: Vec<&str> = args.iter().map(String::as_str).filter(|arg| *arg != "--bench").collect();
    let sizes: Option<Vec<usize>> = match args[..] {
        [] => Some(vec![668, 10_000]),
        ["--sizes", sizes] => sizes.split(',').map(|size| size.parse().ok()).collect(),
        _ => None,
    };
    let Some(sizes) = sizes.filter(|sizes| sizes.iter().all(|&seeds| seeds >= SCOPE.1)) else {
        eprintln!("edits: a size is {} seeds at least\nusage: {USAGE}", SCOPE.1);
        std::process::exit(2);
    };
    let differing: usize = sizes.into_iter().map(table).sum();
    if differing > 0 {
        eprintln!("edits: {differing} rows differ from their ideal");
        std::process::exit(1);
    }
}

/// Builds the course with every builder once, then makes each row's edits on copies. Returns how many steps cost something else
/// than they ought to.
fn table(seeds: usize) -> usize {
    let rows = rows::all();
    let some = if seeds <= ALL_ROWS_UP_TO { rows.len() } else { 10 };
    let course = Course::new(seeds);
    println!("\n{seeds} seeds, {} LEGOs; calls (items)\n", course.legos);
    let names: Vec<&str> = course.peers.iter().map(|(tool, _)| tool.name()).collect();
    let head = [&["edit", "ideal", "coursebuild"], &names[..], &["because"]].concat();
    println!("| {} |\n|{}", head.join(" | "), " --- |".repeat(head.len()));
    rows.iter().take(some).map(|row| course.run(row)).sum()
}

/// A course that every builder has built.
struct Course {
    seeds: Vec<Seed>,
    /// How many LEGOs all seeds are cut into.
    legos: usize,
    space: Space,
    peers: Vec<(Tool, FileGraph)>,
    /// Where the peers' copies go.
    folder: tempfile::TempDir,
}

impl Course {
    fn new(count: usize) -> Self {
        let synth = Synth { scoped: Some(SCOPE), ..Synth::new(count) };
        let seeds = synth.seeds();
        let space = Space::of(&synth).with_own_rules();
        rows::prepare(&space);
        space.build(&["--yes"]).exits(0);
        space.faults(&serde_json::json!([]));
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let peers = Tool::ALL.into_iter().filter(|tool| tool.is_installed()).map(|tool| {
            let graph = FileGraph::new(folder.path(), &synth, tool).following_the_cut(&seeds);
            build(tool, &graph);
            (tool, graph)
        });
        let peers = peers.collect();
        Self { legos: seeds.iter().map(peers::legos).sum(), seeds, space, peers, folder }
    }

    /// Runs the steps of a row one after the other, prints a line for each, and returns how many differ from their ideal.
    fn run(&self, row: &Row) -> usize {
        let space = self.space.copy();
        let peers: Vec<(Tool, FileGraph)> = self
            .peers
            .iter()
            .map(|(tool, graph)| {
                (*tool, graph.copied_to(&self.folder.path().join(format!("{}-copy", tool.name()))))
            })
            .collect();
        let mut differing = 0;
        for step in &row.steps {
            (step.edit)(&Made { space: &space, before: &self.space, seeds: &self.seeds });
            let buys = space.build(&[&["--yes"], step.args].concat()).exits(0).buys(PHASES);
            let ideal = (step.ideal)(&self.seeds);
            let mut cells = vec![step.what.to_owned(), told(ideal), told(buys)];
            for (tool, graph) in &peers {
                let bought = step.peers.map(|edit| {
                    edit(graph, &self.seeds);
                    let before = graph.asked();
                    build(*tool, graph);
                    (graph.asked().0 - before.0, graph.asked().1 - before.1)
                });
                cells.push(bought.map_or("–".to_owned(), |(calls, items)| format!("{calls} ({items})")));
            }
            cells.push(step.because.to_owned());
            let right = buys == ideal;
            println!("| {} |{}", cells.join(" | "), if right { "" } else { " **differs**" });
            differing += usize::from(!right);
        }
        for (_, graph) in &peers {
            std::fs::remove_dir_all(graph.path("")).unwrap();
        }
        differing
    }
}

fn build(tool: Tool, graph: &FileGraph) {
    let mut command = std::process::Command::new(tool.name());
    command.arg("-j2").current_dir(graph.path("")).stdout(std::process::Stdio::null());
    assert!(command.status().unwrap().success(), "{}", tool.name());
}

/// Calls and items of all phases together, and by phase where there are any.
fn told(buys: Buys) -> String {
    let (calls, items) = buys.iter().fold((0, 0), |sum, more| (sum.0 + more.0, sum.1 + more.1));
    if calls == 0 {
        return "0".to_owned();
    }
    let phases = buys.map(|(calls, items)| format!("{calls}·{items}"));
    format!("{calls} ({items}): {}", phases.join(" "))
}
