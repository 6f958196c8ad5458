//! What a CI system shows of a build: annotations for GitHub, a code quality report for GitLab, a job summary in Markdown.
//!
//! Item ids, messages and paths are of foreign origin: none of them may begin a command of the CI system or change the page.

use super::canary::canary_text;
use super::look::Look;
use super::words::{count, duration, flat, money, number};
use crate::check::Finding;
use crate::diag::{Problem, Result};
use crate::digest::Digest;
use crate::event::{Event, Summary};
use serde_json::json;

/// How many of a kind are shown: a page is no log.
const LISTED: usize = 50;

/// What of a build's events a CI system is told.
#[derive(Debug, Default)]
pub struct Notable {
    /// The phases, as `COURSE/PHASE`.
    pub(super) phases: Vec<String>,
    /// Batches without a failed item that were asked for: their phase and number.
    pub(super) batches: Vec<(String, usize)>,
    pub(super) failed: Vec<(String, Vec<Finding>)>,
    warnings: Vec<String>,
    /// What a canary brought, in words.
    canary: Option<String>,
    pub(super) summary: Option<Summary>,
}

impl Notable {
    /// Notes an event.
    pub fn note(&mut self, event: &Event) {
        match event {
            Event::Started { phases, .. } => {
                self.phases =
                    phases.iter().map(|phase| format!("{}/{}", phase.course, phase.phase)).collect();
            }
            Event::Batch { course, phase, batch, failed: 0, .. } => {
                self.batches.push((format!("{course}/{phase}"), *batch));
            }
            Event::ItemFailed { course, phase, item, findings, .. } => {
                self.failed.push((format!("{course}/{phase}/{item}"), findings.clone()));
            }
            Event::Warning { message } => self.warnings.push(message.clone()),
            Event::Canary(canary) => self.canary = Some(canary_text(canary, Look::default())),
            Event::Summary(summary) => self.summary = Some(summary.clone()),
            _ => {}
        }
    }

    /// Notes what ended a run early.
    pub fn note_problem(&mut self, problem: &Problem) {
        self.failed.push((problem.to_string(), Vec::new()));
    }

    /// Workflow commands of GitHub Actions, one a line.
    pub fn github(&self) -> String {
        let mut out = String::new();
        let mut say = |level: &str, title: &str, text: &str| {
            out += &format!("::{level} title={}::{}\n", property(title), message(text));
        };
        for (target, findings) in self.failed.iter().take(LISTED) {
            say("error", "coursebuild", &failed_words(target, findings));
        }
        if let Some(summary) = &self.summary {
            if summary.items_out_of_reach > 0 {
                let held = count(summary.items_out_of_reach, "item");
                say("error", "coursebuild", &format!("{held} held: the shared store is out of reach"));
            }
            if summary.unpushed > 0 {
                let left = count(summary.unpushed, "answer");
                say("warning", "coursebuild", &format!("{left} paid for and not on the shared store yet"));
            }
            summary.held.iter().take(LISTED).for_each(|held| say("notice", "held", held));
        }
        self.warnings.iter().take(LISTED).for_each(|warning| say("warning", "coursebuild", warning));
        out
    }

    /// A report in the form of GitLab's code quality artifact. `manifest`: the file that every finding is shown at.
    pub fn code_quality(&self, manifest: &str) -> Result<String> {
        let issue = |text: String, kind: &str, severity: &str| {
            json!({
                "description": flat(&text),
                "check_name": kind,
                "fingerprint": Digest::of(text.as_bytes()).to_string()[..32],
                "severity": severity,
                "location": {"path": manifest, "lines": {"begin": 1}},
            })
        };
        let failed = self.failed.iter().map(|(target, findings)| {
            let kind = findings.first().map_or("coursebuild", |finding| finding.kind.as_str());
            issue(failed_words(target, findings), kind, "major")
        });
        let held = self.summary.iter().flat_map(|summary| &summary.held);
        let held = held.map(|held| issue(held.clone(), "held", "minor"));
        let all: Vec<serde_json::Value> = failed.chain(held).collect();
        serde_json::to_string_pretty(&all)
            .map(|text| text + "\n")
            .map_err(|e| Problem::internal("a report could not be written as JSON").because(e))
    }

    /// The build as JUnit XML.
    pub fn junit(&self) -> String {
        super::build_junit::document(self)
    }

    /// A job summary in Markdown.
    pub fn markdown(&self) -> String {
        let Some(summary) = &self.summary else {
            return format!("### coursebuild: stopped\n\n{}", list("error", &self.failed_lines()));
        };
        let word = match summary.exit {
            0 => "done",
            6 => "held: the shared store is out of reach",
            7 => "done, and not all of it is pushed",
            4 if !summary.goes_on_with.is_empty() => "stopped after the canary",
            _ => "not done",
        };
        let mut out = format!("### coursebuild: {word}\n\n**{}**\n\n", self.in_short(summary));
        if let Some(canary) = &self.canary {
            // Every line of it begins with words of its own, so none can end the block.
            out += &format!("```text\n{canary}```\n\n");
        }
        if !summary.main_files.is_empty() {
            out += "| main file | items | |\n| --- | ---: | --- |\n";
        }
        for file in &summary.main_files {
            let written = if file.written { "written" } else { "unchanged" };
            out += &format!("| {} | {} | {written} |\n", code(&file.path), number(file.items as u64));
        }
        out.push('\n');
        out += &list("failed", &self.failed_lines());
        out += &list("held", &summary.held);
        out += &list("warning", &self.warnings);
        out
    }

    /// `412 reused, 3 from the shared store, $41.20 not spent, 20 generated in 1 call for $0.40, 2 unpushed`.
    fn in_short(&self, summary: &Summary) -> String {
        let mut parts = vec![format!("{} reused", number(summary.items_reused as u64))];
        let mut add = |n: usize, text: String| {
            if n > 0 {
                parts.push(text);
            }
        };
        let n = |n: usize| number(n as u64);
        add(summary.items_fetched, format!("{} from the shared store", n(summary.items_fetched)));
        if let Some(usd) = summary.not_spent_usd {
            add(1, format!("{} not spent", money(usd)));
        }
        let price = summary.money_usd.map(|usd| format!(" for {}", money(usd))).unwrap_or_default();
        let calls = count(summary.calls, "call");
        add(summary.calls, format!("{} generated in {calls}{price}", n(summary.items_generated)));
        add(summary.items_failed, format!("{} failed", n(summary.items_failed)));
        add(summary.items_held, format!("{} held", n(summary.items_held)));
        add(summary.items_left, format!("{} left", n(summary.items_left)));
        add(summary.unpushed, format!("{} unpushed", n(summary.unpushed)));
        format!("{} in {}", parts.join(", "), duration(summary.seconds))
    }

    fn failed_lines(&self) -> Vec<String> {
        self.failed.iter().map(|(target, findings)| failed_words(target, findings)).collect()
    }
}

pub(super) fn failed_words(target: &str, findings: &[Finding]) -> String {
    match findings.first() {
        Some(finding) => format!("{target}: `{}`: {}", finding.kind, finding.message),
        None => target.to_owned(),
    }
}

/// The text of a workflow command.
fn message(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property of a workflow command.
fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}

/// Foreign text that means nothing to Markdown or HTML.
fn code(text: &str) -> String {
    format!("`{}`", flat(text).replace('`', "'").replace('|', "/"))
}

fn list(what: &str, lines: &[String]) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let mut out = format!("<details><summary>{}</summary>\n\n", count(lines.len(), what));
    lines.iter().take(LISTED).for_each(|line| out += &format!("- {}\n", code(line)));
    if lines.len() > LISTED {
        out += &format!("- and {} more\n", number((lines.len() - LISTED) as u64));
    }
    out + "\n</details>\n\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::MainFile;

    fn notable() -> Notable {
        let mut notable = Notable::default();
        notable.note(&Event::ItemFailed {
            course: "spa".into(),
            phase: "phase3".into(),
            item: "S0001\n::error::x|<b>`".into(),
            attempts: 3,
            findings: Vec::new(),
        });
        notable.note(&Event::Warning { message: "100% sure".into() });
        notable.note(&Event::Summary(Summary {
            calls: 1,
            items_generated: 20,
            items_reused: 412,
            items_fetched: 3,
            items_failed: 1,
            unpushed: 2,
            money_usd: Some(0.4),
            not_spent_usd: Some(41.2),
            seconds: 3.0,
            main_files: vec![MainFile { path: "a.json".into(), items: 432, written: true }],
            exit: 1,
            ..Summary::default()
        }));
        notable
    }

    #[test]
    fn foreign_text_starts_no_command() {
        assert_eq!(
            notable().github(),
            "\
::error title=coursebuild::spa/phase3/S0001%0A::error::x|<b>`
::warning title=coursebuild::2 answers paid for and not on the shared store yet
::warning title=coursebuild::100%25 sure
"
        );
    }

    #[test]
    fn a_job_summary_says_it_in_one_line() {
        let text = notable().markdown();
        let line = "**412 reused, 3 from the shared store, $41.20 not spent, 20 generated in 1 call for $0.40, 1 failed, 2 unpushed in 3.0s**";
        assert!(text.contains(line) && text.contains("| `a.json` | 432 | written |"), "{text}");
        assert!(text.contains("- `spa/phase3/S0001 ::error::x/<b>'`\n"), "{text}");
    }

    #[test]
    fn a_job_summary_has_the_canary_before_all() {
        let mut notable = Notable::default();
        notable.note(&Event::Canary(Box::default()));
        let goes_on_with = "coursebuild build".into();
        notable.note(&Event::Summary(Summary { exit: 4, goes_on_with, ..Summary::default() }));
        let text = notable.markdown();
        assert!(text.starts_with("### coursebuild: stopped after the canary\n"), "{text}");
        assert!(text.contains("```text\ncanary: 0 calls\n") && !text.contains("main file"), "{text}");
    }

    #[test]
    fn a_code_quality_report_has_what_gitlab_wants() {
        let report: serde_json::Value =
            serde_json::from_str(&notable().code_quality("c.toml").unwrap()).unwrap();
        for field in ["description", "check_name", "fingerprint", "severity", "location"] {
            assert!(!report[0][field].is_null(), "{field}: {report:#}");
        }
        assert_eq!(report[0]["location"]["path"], "c.toml");
    }
}
