//! The last words of a build: what was bought and reused, what failed and how to go on, which files were written.

use super::look::{Detail, Look};
use super::words::{count, duration, flat, money, number, tokens};
use crate::event::{Drift, MainFile, Summary};

/// How many targets of a list are shown unless everything is asked for.
const LISTED: usize = 10;

/// How many failed batches are named in the command that buys them again; with more it names none, which means all.
const NAMED: usize = 3;

/// How many first answers a third of a phase has to have before their quality is told.
const TELLING: usize = 10;

/// The text of a summary; with `-q` empty unless something went wrong.
pub fn summary_text(summary: &Summary, look: Look) -> String {
    if look.detail == Detail::Quiet && summary.exit == 0 {
        return String::new();
    }
    if !summary.tried.is_empty() {
        return head(summary, look) + &items(summary) + &tried(summary);
    }
    if !summary.goes_on_with.is_empty() {
        return head(summary, look) + &items(summary) + &put_off(summary);
    }
    if nothing_happened(summary) {
        return nothing_to_do(summary, look);
    }
    let mut out = head(summary, look);
    out += &items(summary);
    out += &drift(summary, look);
    if summary.cache_calls > 0 {
        let calls = count(summary.cache_calls, "call");
        out += &format!("  prompt cache: served {} of {calls}\n", number(summary.cache_hits as u64));
    }
    out += &main_files(&summary.main_files, look);
    out += &shared(summary, look);
    out += &failed(summary, look);
    out += &listed("held, not bought without being asked", summary.items_held, &summary.held, look, "why");
    out += &left(summary, look);
    out
}

/// What to do with what was bought on trial.
fn tried(summary: &Summary) -> String {
    let targets: Vec<String> = summary.tried.iter().map(|target| flat(target)).collect();
    let targets = targets.join(" ");
    format!(
        "  on trial: nothing that stands has changed\n    to compare: `coursebuild diff {targets}`\n    \
         to make them current: `coursebuild keep {targets}`\n    to forget them: `coursebuild drop-trial {targets}`\n"
    )
}

/// What to do after a canary.
fn put_off(summary: &Summary) -> String {
    format!(
        "  nothing that stands has changed; the answers are kept\n    to go on, without asking for them again: `{}`\n    \
         or undo what was edited: what stands is up to date again, without a call\n",
        flat(&summary.goes_on_with)
    )
}

fn nothing_happened(summary: &Summary) -> bool {
    let quiet = [
        summary.unpushed,
        summary.items_fetched,
        summary.calls,
        summary.items_failed,
        summary.items_held,
        summary.items_left,
        summary.items_rejected,
    ]
    .iter()
    .all(|n| *n == 0);
    quiet && summary.exit == 0 && summary.main_files.iter().all(|file| !file.written)
}

fn nothing_to_do(summary: &Summary, look: Look) -> String {
    let items = summary.main_files.iter().map(|file| file.items).sum();
    let files = match summary.main_files.len() {
        1 => "1 main file is up to date".to_owned(),
        n => format!("{n} main files are up to date"),
    };
    format!("{} {files} ({}), 0 calls, no file written\n", look.good("nothing to do:"), count(items, "item"))
}

/// `done: 3 calls in 3m 05s, $1.25`, with how good the estimate was.
fn head(summary: &Summary, look: Look) -> String {
    let word = match summary.exit {
        0 => look.good("done:"),
        130 => look.bad("interrupted:"),
        4 if !summary.goes_on_with.is_empty() => look.bad("stopped after the canary:"),
        4 => look.bad("stopped by a limit:"),
        _ => look.bad("not done:"),
    };
    let mut line = format!("{word} {} in {}", count(summary.calls, "call"), duration(summary.seconds));
    if let Some(expected) = summary.expected_seconds.filter(|expected| *expected > 0.0) {
        line += &if summary.expected_at_least {
            format!(" (expected at least {})", duration(expected))
        } else {
            format!(" (expected {}{})", duration(expected), off_by(summary.seconds, expected))
        };
    }
    if let Some(usd) = summary.money_usd {
        line += &format!(", {}", money(usd));
    }
    if let Some(tokens) = tokens(&summary.usage) {
        line += &format!(", {tokens}");
    }
    line.push('\n');
    line
}

fn off_by(took: f64, expected: f64) -> String {
    let percent = ((took / expected - 1.0) * 100.0).round();
    if percent >= 1.0 {
        format!(", took {percent:.0}% longer")
    } else if percent <= -1.0 {
        format!(", took {:.0}% less", -percent)
    } else {
        String::new()
    }
}

fn items(summary: &Summary) -> String {
    let parts: Vec<String> = [
        (summary.items_generated, "generated"),
        (summary.items_reused, "reused"),
        (summary.items_failed, "failed"),
        (summary.items_held, "held"),
        (summary.items_left, "left"),
    ]
    .into_iter()
    .filter(|(n, word)| *n > 0 || *word == "generated")
    .map(|(n, word)| format!("{} {word}", number(n as u64)))
    .collect();
    let refused = if summary.items_rejected > 0 {
        format!("; {} refused on the way", count(summary.items_rejected, "answer"))
    } else {
        String::new()
    };
    format!("  items: {}{refused}\n", parts.join(", "))
}

/// How many first answers passed, early and late: where there are enough for it to mean something, and not all passed.
fn drift(summary: &Summary, look: Look) -> String {
    let thirds = |drift: &Drift| [drift.early, drift.middle, drift.late];
    let telling = |drift: &&Drift| {
        let enough = thirds(drift).iter().all(|share| share.asked >= TELLING);
        enough && (look.verbose() || thirds(drift).iter().any(|share| share.passed < share.asked))
    };
    let several = summary.drift.iter().any(|drift| drift.course != summary.drift[0].course);
    let line = |drift: &Drift| {
        let phase = if several { format!("{}/{}", drift.course, drift.phase) } else { drift.phase.clone() };
        let [early, middle, late] = thirds(drift).map(|share| share.passed * 100 / share.asked.max(1));
        format!(
            "  first answers of {} that passed: {early}% early, {middle}% in the middle, {late}% late\n",
            flat(&phase)
        )
    };
    summary.drift.iter().filter(telling).map(line).collect()
}

fn main_files(files: &[MainFile], look: Look) -> String {
    let line = |file: &MainFile| {
        let word = if file.written { look.good("written  ") } else { look.dim("unchanged") };
        format!("  {word} {} ({})\n", flat(&file.path), count(file.items, "item"))
    };
    files.iter().map(line).collect()
}

/// What came from the shared store, and what it may lack.
fn shared(summary: &Summary, look: Look) -> String {
    let mut out = String::new();
    if summary.items_fetched > 0 {
        out += &format!("  {} from the shared store\n", count(summary.items_fetched, "item"));
    }
    if summary.items_out_of_reach > 0 {
        let held = look.bad(&format!("{} held", count(summary.items_out_of_reach, "item")));
        out += &format!("  {held}: the shared store may have them, and is out of reach\n");
    }
    if summary.unpushed > 0 {
        let left = look.odd(&count(summary.unpushed, "answer"));
        out += &format!("  {left} not on the shared store yet: `coursebuild cache push`\n");
    }
    out
}

fn failed(summary: &Summary, look: Look) -> String {
    let mut out = listed("failed", summary.items_failed, &summary.failed_batches, look, "log");
    if !summary.failed_batches.is_empty() {
        let few = summary.failed_batches.len() <= NAMED;
        let targets = if few { summary.failed_batches.as_slice() } else { &[] };
        let targets: String = targets.iter().map(|target| format!(" {}", flat(target))).collect();
        out += &format!("    to buy them again: `coursebuild build --retry-failed{targets}`\n");
    }
    out
}

fn left(summary: &Summary, look: Look) -> String {
    let as_before = if summary.items_left == 1 { "left as it was" } else { "left as they were" };
    let mut out = listed(as_before, summary.items_left, &summary.left, look, "why");
    if summary.items_left > 0 {
        out += "    to go on: `coursebuild build`\n";
    }
    out
}

/// `2 items failed:`, the targets, and the command that tells more of the first one.
fn listed(what: &str, items: usize, targets: &[String], look: Look, command: &str) -> String {
    if items == 0 && targets.is_empty() {
        return String::new();
    }
    let mut out = format!("  {} {what}\n", look.odd(&count(items, "item")));
    let most = look.most(LISTED);
    for target in targets.iter().take(most) {
        out += &format!("    {}\n", flat(target));
    }
    if targets.len() > most {
        out += &format!("    and {} more\n", targets.len() - most);
    }
    if let Some(first) = targets.first() {
        // A held item comes with its reason after a colon; the target alone belongs on a command line.
        let target = first.split_once(": ").map_or(first.as_str(), |(target, _)| target);
        out += &format!("    to see more: `coursebuild {command} {}`\n", flat(target));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Share;
    use crate::generate::Meters;

    fn file(path: &str, items: usize, written: bool) -> MainFile {
        MainFile { path: path.into(), items, written }
    }

    fn drift(phase: &str, asked: usize, late: usize) -> Drift {
        let all = Share { asked, passed: asked };
        let late = Share { asked, passed: late };
        Drift { course: "c".into(), phase: phase.into(), early: all, middle: all, late }
    }

    #[test]
    fn a_build_without_work_says_so_in_one_line() {
        let summary = Summary {
            items_reused: 3456,
            main_files: vec![
                file("a.json", 668, false),
                file("b.json", 668, false),
                file("c.json", 2120, false),
            ],
            by_stamp: true,
            ..Summary::default()
        };
        assert_eq!(
            summary_text(&summary, Look::default()),
            "nothing to do: 3 main files are up to date (3,456 items), 0 calls, no file written\n"
        );
        let quiet = Look { detail: Detail::Quiet, ..Look::default() };
        assert_eq!(summary_text(&summary, quiet), "");
    }

    #[test]
    fn a_build_tells_what_was_bought_and_written() {
        let summary = Summary {
            calls: 3,
            items_generated: 41,
            items_reused: 1295,
            items_rejected: 2,
            main_files: vec![file("a.json", 668, false), file("b.json", 668, true)],
            usage: Meters { input: Some(1200), output: Some(300), ..Meters::default() },
            money_usd: Some(1.25),
            seconds: 185.0,
            expected_seconds: Some(148.0),
            drift: vec![drift("phase1", 9, 9), drift("phase3", 20, 15), drift("phase5", 20, 20)],
            ..Summary::default()
        };
        assert_eq!(
            summary_text(&summary, Look::default()),
            "\
done: 3 calls in 3m 05s (expected 2m 28s, took 25% longer), $1.25, 1,200 tokens in, 300 out
  items: 41 generated, 1,295 reused; 2 answers refused on the way
  first answers of phase3 that passed: 100% early, 100% in the middle, 75% late
  unchanged a.json (668 items)
  written   b.json (668 items)
"
        );
    }

    #[test]
    fn failed_held_and_left_items_come_with_what_to_do() {
        let summary = Summary {
            calls: 4,
            items_generated: 18,
            items_failed: 2,
            items_held: 1,
            items_left: 60,
            main_files: vec![file("a.json", 20, true)],
            seconds: 5.0,
            failed_batches: vec!["c/phase3/7".into()],
            held: vec!["c/phase3/S0009: edited by hand, and its input changed".into()],
            left: Vec::new(),
            exit: 1,
            ..Summary::default()
        };
        assert_eq!(
            summary_text(&summary, Look::default()),
            "\
not done: 4 calls in 5.0s
  items: 18 generated, 2 failed, 1 held, 60 left
  written   a.json (20 items)
  2 items failed
    c/phase3/7
    to see more: `coursebuild log c/phase3/7`
    to buy them again: `coursebuild build --retry-failed c/phase3/7`
  1 item held, not bought without being asked
    c/phase3/S0009: edited by hand, and its input changed
    to see more: `coursebuild why c/phase3/S0009`
  60 items left as they were
    to go on: `coursebuild build`
"
        );
    }
}
