//! How long a full build, a build with nothing to do and a build after a one-word edit take, beside make and ninja on a graph
//! of the same shape, all run in turn on one machine. `docs/benchmarks.md` says how to read it.
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
mod peers;
#[path = "../../tests/e2e/support/program.rs"]
mod program;
mod runs;
#[path = "../../tests/e2e/support/synth.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod synth;

use peers::{Builder, Coursebuild, FileGraph, Tool};
use runs::{Measure, Run};
use std::num::NonZero;
use synth::Synth;

const USAGE: &str = "cargo bench --bench scale -- [--sizes 668,10000,100000] [--runs N] [--jobs N]";

/// Up to so many seeds the builders' main files are compared; the time of it is not measured.
const LARGEST_COMPARED: usize = 10_000;

/// What to measure.
struct Options {
    sizes: Vec<usize>,
    /// Runs of each kind; the fastest counts. Full builds of 10,000 seeds and more are run once.
    runs: u64,
    jobs: usize,
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if !args.iter().any(|arg| arg == "--bench") {
        println!("scale: measures nothing outside of `{USAGE}`");
        return;
    }
    let options = match Options::read(&args) {
        Ok(options) => options,
        Err(problem) => {
            eprintln!("scale: {problem}\nusage: {USAGE}");
            std::process::exit(2);
        }
    };
    println!("{}\n", runs::machine(options.jobs));
    let tools: Vec<Tool> = Tool::ALL.into_iter().filter(|tool| tool.is_installed()).collect();
    for tool in Tool::ALL.iter().filter(|tool| !tools.contains(tool)) {
        println!("{} is not installed: its columns are left out\n", tool.name());
    }
    runs::print_head(&tools);
    for &seeds in &options.sizes {
        measure(seeds, &tools, &options);
    }
}

impl Options {
    fn read(args: &[String]) -> Result<Self, String> {
        let jobs = std::thread::available_parallelism().map_or(2, NonZero::get);
        let mut options = Self { sizes: vec![668, 10_000], runs: 3, jobs };
        let number = |text: &str| text.parse().map_err(|_| format!("`{text}` is no number"));
        let mut args = args.iter().filter(|arg| *arg != "--bench");
        while let Some(arg) = args.next() {
            let value = args.next().ok_or(format!("`{arg}` wants a value"))?;
            match arg.as_str() {
                "--sizes" => options.sizes = value.split(',').map(number).collect::<Result<_, _>>()?,
                "--runs" => options.runs = number(value)?.max(1) as u64,
                "--jobs" => options.jobs = number(value)?.max(1),
                _ => return Err(format!("`{arg}` is no option")),
            }
        }
        if options.sizes.iter().any(|&seeds| seeds < 40) {
            return Err("a size is 40 seeds at least".to_owned());
        }
        Ok(options)
    }
}

/// Measures one size and prints its three rows. The builders take turns, so that each meets the same machine.
fn measure(seeds: usize, tools: &[Tool], options: &Options) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let synth = Synth::new(seeds);
    let mut course = synth.seeds();
    let mut builders: Vec<Box<dyn Builder>> = vec![Box::new(Coursebuild::new(folder.path(), &synth))];
    for &tool in tools {
        builders.push(Box::new(FileGraph::new(folder.path(), &synth, tool)));
    }
    let mut rows = [
        Measure::new(seeds, "full build", builders.len()),
        Measure::new(seeds, "nothing to do", builders.len()),
        Measure::new(seeds, "one word changed", builders.len()),
    ];
    // A stamp is trusted only when every file is at least 20 ms older than the build.
    std::thread::sleep(std::time::Duration::from_millis(50));
    let full_runs = if seeds < 10_000 { options.runs } else { 1 };
    for _ in 0..full_runs {
        for (at, builder) in builders.iter_mut().enumerate() {
            builder.clear();
            rows[0].add(at, run(builder.as_mut(), options));
        }
    }
    assert!(rows[0].all_bought_the_same(), "a builder left items out: {:?}", rows[0]);
    if seeds <= LARGEST_COMPARED {
        assert_same_course(&builders);
    }
    for _ in 0..options.runs {
        // A stamp is trusted only when every file is at least 20 ms older than it.
        std::thread::sleep(std::time::Duration::from_millis(50));
        for (at, builder) in builders.iter_mut().enumerate() {
            rows[1].add(at, run(builder.as_mut(), options));
        }
    }
    for turn in 0..options.runs {
        let place = course.len() / 2 + turn as usize;
        synth::change_word(&mut course, place, turn + 1);
        for (at, builder) in builders.iter_mut().enumerate() {
            builder.edit(&course, place);
            rows[2].add(at, run(builder.as_mut(), options));
        }
    }
    for row in &rows {
        row.print(builders.len());
    }
}

/// All builders have made the same course. It cannot be asked after an edit: in the file graph the LEGOs keep their old numbers.
fn assert_same_course(builders: &[Box<dyn Builder>]) {
    for name in ["seed_pairs.json", "lego_pairs.json", "lego_baskets.json"] {
        let read = |builder: &dyn Builder| -> serde_json::Value {
            serde_json::from_slice(&std::fs::read(builder.main_files().join(name)).unwrap()).unwrap()
        };
        let ours = read(builders[0].as_ref());
        let same = builders[1..].iter().all(|builder| read(builder.as_ref()) == ours);
        assert!(same, "the builders' {name} differ");
    }
}

fn run(builder: &mut dyn Builder, options: &Options) -> Run {
    let before = builder.bought();
    let mut run = runs::timed(builder.command(options.jobs));
    run.bought = builder.bought() - before;
    run
}
