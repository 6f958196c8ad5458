//! A build, as JUnit XML: a suite a phase with a case for each batch that was asked for and each item that failed or was held, and
//! one for the main files.

use super::ci::{Notable, failed_words};
use super::junit::xml;
use std::fmt::Write as _;

/// What a case came to.
enum Outcome {
    Passed,
    Failed {
        kind: String,
        message: String,
    },
    /// Nobody has decided yet.
    Held(String),
}

struct Suite {
    name: String,
    cases: Vec<(String, Outcome)>,
}

impl Suite {
    fn new(name: &str) -> Self {
        Self { name: name.to_owned(), cases: Vec::new() }
    }

    fn count(&self, is: impl Fn(&Outcome) -> bool) -> usize {
        self.cases.iter().filter(|(_, outcome)| is(outcome)).count()
    }

    fn failures(&self) -> usize {
        self.count(|outcome| matches!(outcome, Outcome::Failed { .. }))
    }

    fn text(&self) -> String {
        let class = xml(&self.name.replace('/', "."));
        let mut out = format!(
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\">\n",
            xml(&self.name),
            self.cases.len(),
            self.failures(),
            self.count(|outcome| matches!(outcome, Outcome::Held(_)))
        );
        for (name, outcome) in &self.cases {
            let inside = match outcome {
                Outcome::Passed => String::new(),
                Outcome::Failed { kind, message } => {
                    let message = xml(message);
                    format!("<failure type=\"{}\" message=\"{message}\">{message}</failure>", xml(kind))
                }
                Outcome::Held(why) => format!("<skipped message=\"{}\"/>", xml(why)),
            };
            let _ = writeln!(
                out,
                "    <testcase name=\"{}\" classname=\"{class}\">{inside}</testcase>",
                xml(name)
            );
        }
        out + "  </testsuite>\n"
    }
}

/// The document of a build. What ended it early is a failed case of its own.
pub(super) fn document(notable: &Notable) -> String {
    let mut phases: Vec<Suite> = notable.phases.iter().map(|name| Suite::new(name)).collect();
    let mut whole = Suite::new("build");
    for (phase, batch) in &notable.batches {
        if let Some(suite) = phases.iter_mut().find(|suite| suite.name == *phase) {
            suite.cases.push((format!("batch {batch}"), Outcome::Passed));
        }
    }
    let mut add = |target: &str, outcome: Outcome| {
        let (phase, name) = split(target);
        match phases.iter_mut().find(|suite| suite.name == phase) {
            Some(suite) => suite.cases.push((name.to_owned(), outcome)),
            None => whole.cases.push((target.to_owned(), outcome)),
        }
    };
    for (target, findings) in &notable.failed {
        let kind = findings.first().map_or("coursebuild", |finding| finding.kind.as_str()).to_owned();
        add(target, Outcome::Failed { kind, message: failed_words(target, findings) });
    }
    for line in notable.summary.iter().flat_map(|summary| &summary.held) {
        let (target, why) = line.split_once(": ").unwrap_or((line, "held"));
        add(target, Outcome::Held(why.to_owned()));
    }
    for file in notable.summary.iter().flat_map(|summary| &summary.main_files) {
        whole.cases.push((file.path.clone(), Outcome::Passed));
    }
    phases.push(whole);
    let tests: usize = phases.iter().map(|suite| suite.cases.len()).sum();
    let failures: usize = phases.iter().map(Suite::failures).sum();
    let suites: String = phases.iter().map(Suite::text).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"coursebuild build\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\">\n{suites}</testsuites>\n"
    )
}

/// The phase of a target, and what it is there.
fn split(target: &str) -> (&str, &str) {
    let at = target.match_indices('/').nth(1).map(|(at, _)| at);
    at.map_or(("", target), |at| (&target[..at], &target[at + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Event, MainFile, PhaseStart, Summary};

    #[test]
    fn what_failed_and_what_is_held_stands_in_its_phase() {
        let mut notable = Notable::default();
        let phase = PhaseStart {
            course: "spa".into(),
            phase: "phase3".into(),
            batches: 1,
            items: 2,
            calls_min: 1,
            calls_max: 1,
            batch_size: 20,
            to_buy: 2,
            pending: 0,
            seconds_per_call: None,
        };
        notable.note(&Event::Started {
            jobs: 1,
            calls_min: 1,
            calls_max: 1,
            items_min: 2,
            items_max: 2,
            phases: vec![phase],
        });
        notable.note(&Event::ItemFailed {
            course: "spa".into(),
            phase: "phase3".into(),
            item: "S0001<".into(),
            attempts: 3,
            findings: Vec::new(),
        });
        notable.note(&Event::Batch {
            course: "spa".into(),
            phase: "phase3".into(),
            batch: 1,
            items: 2,
            passed: 1,
            failed: 1,
            attempts: 2,
        });
        notable.note(&Event::Summary(Summary {
            held: vec!["spa/phase3/S0002: is \"pinned\"".into()],
            main_files: vec![MainFile { path: "a/b.json".into(), items: 1, written: true }],
            ..Summary::default()
        }));
        assert_eq!(
            document(&notable),
            "\
<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<testsuites name=\"coursebuild build\" tests=\"3\" failures=\"1\" errors=\"0\">
  <testsuite name=\"spa/phase3\" tests=\"2\" failures=\"1\" errors=\"0\" skipped=\"1\">
    <testcase name=\"S0001&lt;\" classname=\"spa.phase3\"><failure type=\"coursebuild\" message=\"spa/phase3/S0001&lt;\">spa/phase3/S0001&lt;</failure></testcase>
    <testcase name=\"S0002\" classname=\"spa.phase3\"><skipped message=\"is &quot;pinned&quot;\"/></testcase>
  </testsuite>
  <testsuite name=\"build\" tests=\"1\" failures=\"0\" errors=\"0\" skipped=\"0\">
    <testcase name=\"a/b.json\" classname=\"build\"></testcase>
  </testsuite>
</testsuites>
"
        );
    }

    #[test]
    fn what_ended_a_build_early_is_a_case() {
        let mut notable = Notable::default();
        notable.note_problem(&crate::diag::Problem::author("no manifest in /a/b/c"));
        let text = document(&notable);
        assert!(text.contains("tests=\"1\" failures=\"1\"") && text.contains("no manifest"), "{text}");
    }
}
