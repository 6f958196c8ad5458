//! How long `coursebuild check` takes over a whole course, beside a Node script that makes the same checks by scanning the main
//! files. Both have to come to the same judgements. `docs/benchmarks.md` says how to read it.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    clippy::cast_possible_truncation,
    reason = "a program of its own for developers"
)]

#[path = "../../tests/programs/answer/batching.rs"]
#[expect(dead_code, reason = "answers for whole calls are not needed")]
mod batching;
#[path = "../../tests/e2e/support/synth.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod synth;

use batching::tongue::Tongue;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use synth::Synth;

const USAGE: &str = "cargo bench --bench checks -- [--sizes 668,10000,100000] [--runs N]";

/// Up to so many seeds Node is asked too; beyond, only our own growth is looked at.
const LARGEST_COMPARED: usize = 10_000;
/// Up to so many seeds a process is started for each batch, as such scripts are used.
const LARGEST_BY_BATCH: usize = 1_000;
/// Every so many-th seed and basket has a mistake.
const MISTAKES: usize = 97;

/// The checks that both make.
const CHECKS: [&str; 5] = ["tiling", "determinism", "operative", "culminating", "vocabulary"];

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if !args.iter().any(|arg| arg == "--bench") {
        println!("checks: measures nothing outside of `{USAGE}`");
        return;
    }
    let (sizes, runs) = match options(&args) {
        Ok(options) => options,
        Err(problem) => {
            eprintln!("checks: {problem}\nusage: {USAGE}");
            std::process::exit(2);
        }
    };
    let node = Command::new("node").arg("--version").output().ok().filter(|ran| ran.status.success());
    let node = node.map(|ran| String::from_utf8_lossy(&ran.stdout).trim().to_owned());
    println!(
        "coursebuild {} on {} {}; {}\n",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH,
        node.as_ref().map_or_else(
            || "node is not installed: its columns are left out".to_owned(),
            |v| format!("node {v}")
        )
    );
    println!(
        "| seeds | items | coursebuild | µs an item | node | a node a batch | ÷ node | ÷ a node a batch |"
    );
    println!("|{}", " --- |".repeat(8));
    for seeds in sizes {
        measure(seeds, runs, node.is_some());
    }
}

fn options(args: &[String]) -> Result<(Vec<usize>, usize), String> {
    let (mut sizes, mut runs) = (vec![668, 10_000], 3);
    let number = |text: &str| text.parse().map_err(|_| format!("`{text}` is no number"));
    let mut args = args.iter().filter(|arg| *arg != "--bench");
    while let Some(arg) = args.next() {
        let value = args.next().ok_or(format!("`{arg}` wants a value"))?;
        match arg.as_str() {
            "--sizes" => sizes = value.split(',').map(number).collect::<Result<_, _>>()?,
            "--runs" => runs = number(value)?.max(1),
            _ => return Err(format!("`{arg}` is no option")),
        }
    }
    Ok((sizes, runs))
}

fn measure(seeds: usize, runs: usize, node: bool) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let items = write_course(folder.path(), seeds);
    let (ours, said) = fastest(runs, || timed(coursebuild(folder.path())));
    let mut cells = vec![
        seeds.to_string(),
        items.iter().sum::<usize>().to_string(),
        milliseconds(ours),
        format!("{:.2}", ours.as_secs_f64() * 1e6 / items.iter().sum::<usize>() as f64),
    ];
    if node && seeds <= LARGEST_COMPARED {
        let (whole, told) = fastest(runs, || timed(script(folder.path(), &[])));
        assert_eq!(failed_by_us(&said), failed_by_node(&told), "the judgements differ");
        let by_batch = (seeds <= LARGEST_BY_BATCH).then(|| by_batch(folder.path(), items));
        let ratio = |theirs: Duration| format!("{:.2}", ours.as_secs_f64() / theirs.as_secs_f64());
        cells.extend([
            milliseconds(whole),
            by_batch.map_or(String::new(), milliseconds),
            ratio(whole),
            by_batch.map_or(String::new(), ratio),
        ]);
    } else {
        cells.extend([const { String::new() }; 4]);
    }
    println!("| {} |", cells.join(" | "));
}

/// Writes the main files of a synthetic course, with mistakes, and a manifest. Gives the number of items of each phase.
fn write_course(root: &Path, seeds: usize) -> [usize; 3] {
    let synth = Synth::new(seeds);
    synth.write(root, &["true".to_owned()]).unwrap();
    let manifest = root.join("coursebuild.toml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    let on = "[phase.phase3.check.determinism]\nseverity = \"error\"\n[phase.phase5.check.vocabulary]\nseverity = \"error\"\n";
    std::fs::write(manifest, text.replacen("[[course]]", &format!("{on}\n[[course]]"), 1)).unwrap();
    let (mut pairs, mut legos, mut baskets) = (Map::new(), Vec::new(), Map::new());
    for (at, seed) in synth.seeds().into_iter().enumerate() {
        let pair = batching::translation(Tongue::MadeUp, &seed.source);
        let text = |side: usize| pair[side].as_str().unwrap().to_owned();
        let mut cut = batching::decomposition(Tongue::MadeUp, &seed.id, &text(0), &text(1));
        let all = cut[2].as_array().unwrap().clone();
        for (number, lego) in all.iter().enumerate() {
            let input = json!({
                "lego": {"id": lego[0], "kind": lego[1], "target": lego[2], "known": lego[3]},
                "seed": {"id": seed.id, "target": pair[0], "known": pair[1]},
                "culminating": number + 1 == all.len(),
            });
            let mut basket = batching::basket(Tongue::MadeUp, &input);
            if baskets.len() % MISTAKES == 5 {
                basket["d"]["2"] = json!([["palabra nueva", "a new word"]]);
            }
            baskets.insert(lego[0].as_str().unwrap().to_owned(), basket);
        }
        if at % MISTAKES == 7 {
            cut[2][0][3] = json!("the same for all");
        }
        if at % MISTAKES == 11 {
            cut[2][0][2] = json!("otra");
        }
        pairs.insert(seed.id, pair);
        legos.push(cut);
    }
    let items = [pairs.len(), legos.len(), baskets.len()];
    std::fs::create_dir_all(root.join("course")).unwrap();
    for (name, value) in [
        ("seed_pairs.json", Value::Object(pairs)),
        ("lego_pairs.json", Value::Array(legos)),
        ("lego_baskets.json", Value::Object(baskets)),
    ] {
        std::fs::write(root.join("course").join(name), format!("{value:#}\n")).unwrap();
    }
    items
}

fn coursebuild(root: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_coursebuild"));
    command.args(["check", "--format", "json"]).current_dir(root);
    command
}

fn script(root: &Path, batch: &[&str]) -> Command {
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("benches/checks/validators.mjs");
    let mut command = Command::new("node");
    command.arg(script).arg(root.join("course")).args(batch);
    command
}

/// A process for each batch of the phases that have such checks, one after the other.
fn by_batch(root: &Path, items: [usize; 3]) -> Duration {
    let batches = |phase: &'static str, items: usize, size: usize| {
        (1..=items.div_ceil(size)).map(move |batch| (phase, batch.to_string()))
    };
    let all = batches("phase3", items[1], 20).chain(batches("phase5", items[2], 60));
    all.map(|(phase, batch)| timed(script(root, &[phase, &batch])).0).sum()
}

/// Runs a command to its end: how long it took, and the JSON that it printed.
fn timed(mut command: Command) -> (Duration, Value) {
    let begun = Instant::now();
    let ran = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output().unwrap();
    let time = begun.elapsed();
    (time, serde_json::from_slice(&ran.stdout).unwrap_or_else(|e| panic!("{command:?}: {e}")))
}

fn fastest(runs: usize, run: impl Fn() -> (Duration, Value)) -> (Duration, Value) {
    (0..runs).map(|_| run()).min_by_key(|(time, _)| *time).unwrap()
}

/// The items that fail each check, sorted.
fn failed_by_us(said: &Value) -> Vec<Vec<String>> {
    let phases = said["courses"][0]["phases"].as_array().unwrap();
    let of = |check: &str| {
        let errors = phases.iter().flat_map(|phase| phase["errors"].as_array().unwrap());
        let own = errors.filter(|error| error["check"] == check);
        let mut items: Vec<String> = own.map(|error| error["item"].as_str().unwrap().to_owned()).collect();
        items.sort();
        items.dedup();
        items
    };
    CHECKS.iter().map(|check| of(check)).collect()
}

fn failed_by_node(said: &Value) -> Vec<Vec<String>> {
    let of = |check: &&str| serde_json::from_value(said["failedItems"][*check].clone()).unwrap();
    CHECKS.iter().map(of).collect()
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}
