//! Runs, their time and memory, and the table.

use crate::peers::Tool;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// One run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    time: Duration,
    /// The most memory that the builder itself held, in KiB, where the system tells and the run was long enough to look.
    memory_kib: Option<u64>,
    /// Items asked for.
    pub(crate) bought: usize,
}

/// Runs a build to its end; it has to succeed.
pub(crate) fn timed(mut command: Command) -> Run {
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let begun = Instant::now();
    let mut child = command.spawn().unwrap();
    let watch = watch_memory(child.id());
    let status = child.wait().unwrap();
    let time = begun.elapsed();
    assert!(status.success(), "{command:?}: {status}");
    Run { time, memory_kib: watch(), bought: 0 }
}

/// Looks every few milliseconds how much memory a process has held at most; the answer comes when the returned function is
/// called. Linux only.
fn watch_memory(pid: u32) -> impl FnOnce() -> Option<u64> {
    let (done, ended) = mpsc::channel::<()>();
    let watcher = std::thread::spawn(move || {
        let mut most = None;
        loop {
            most = peak_kib(pid).or(most);
            if ended.recv_timeout(Duration::from_millis(5)) != Err(mpsc::RecvTimeoutError::Timeout) {
                return most;
            }
        }
    });
    move || {
        drop(done);
        watcher.join().unwrap()
    }
}

fn peak_kib(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().trim_end_matches(" kB").parse().ok()
}

/// The runs of one kind of build by every builder, coursebuild first.
#[derive(Debug)]
pub(crate) struct Measure {
    seeds: usize,
    kind: &'static str,
    /// The fastest run of each.
    best: Vec<Option<Run>>,
}

impl Measure {
    pub(crate) fn new(seeds: usize, kind: &'static str, builders: usize) -> Self {
        Self { seeds, kind, best: vec![None; builders] }
    }

    /// Keeps a run if it is the fastest of its builder.
    pub(crate) fn add(&mut self, builder: usize, run: Run) {
        let best = &mut self.best[builder];
        if best.is_none_or(|best| run.time < best.time) {
            *best = Some(run);
        }
    }

    /// Whether every builder asked for as many items as the first.
    pub(crate) fn all_bought_the_same(&self) -> bool {
        self.best.windows(2).all(|pair| pair[0].map(|run| run.bought) == pair[1].map(|run| run.bought))
    }

    /// Prints the row: times, coursebuild's time over each peer's, items bought, memory of coursebuild.
    pub(crate) fn print(&self, builders: usize) {
        let runs: Vec<Run> = self.best.iter().flatten().copied().collect();
        assert_eq!(runs.len(), builders, "every builder ran");
        let ours = runs[0];
        let mut cells = vec![self.seeds.to_string(), self.kind.to_owned()];
        cells.extend(runs.iter().map(|run| milliseconds(run.time)));
        cells.extend(
            runs[1..].iter().map(|peer| format!("{:.2}", ours.time.as_secs_f64() / peer.time.as_secs_f64())),
        );
        cells.push(runs.iter().map(|run| run.bought.to_string()).collect::<Vec<_>>().join(" / "));
        cells.push(ours.memory_kib.map_or("unknown".to_owned(), |kib| format!("{} MiB", kib.div_ceil(1024))));
        println!("| {} |", cells.join(" | "));
    }
}

/// Prints the head of the table.
pub(crate) fn print_head(tools: &[Tool]) {
    let names: Vec<&str> = tools.iter().map(|tool| tool.name()).collect();
    let mut cells = vec!["seeds".to_owned(), "build".to_owned(), "coursebuild".to_owned()];
    cells.extend(names.iter().map(|name| (*name).to_owned()));
    cells.extend(names.iter().map(|name| format!("÷ {name}")));
    cells.push("items bought".to_owned());
    cells.push("peak memory".to_owned());
    println!("| {} |\n|{}", cells.join(" | "), " --- |".repeat(cells.len()));
}

/// One line on what this was measured on.
pub(crate) fn machine(jobs: usize) -> String {
    let versions: Vec<String> =
        Tool::ALL.iter().filter_map(|tool| Some(format!("{} {}", tool.name(), tool.version()?))).collect();
    format!(
        "coursebuild {} on {} {}, -j {jobs}; {}",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH,
        versions.join(", ")
    )
}

fn milliseconds(time: Duration) -> String {
    if time < Duration::from_secs(10) {
        format!("{:.1} ms", time.as_secs_f64() * 1000.0)
    } else {
        format!("{:.1} s", time.as_secs_f64())
    }
}
