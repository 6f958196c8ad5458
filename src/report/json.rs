//! JSON for programs: one event a line for `build`, one object for everything else. The names are a promise.

use super::packs::PackPhases;
use crate::course::PackPhase;
use crate::diag::{Kind, Problem, Result};
use crate::event::Event;
use crate::json::Value;
use crate::plan::Plan;
use crate::run::{Account, Diff, GraphView, ItemHistory, Kept, LogLine, Status, Why};
use serde::Serialize;

/// One event on one line.
pub fn event_line(event: &Event) -> Result<String> {
    line(event)
}

/// A plan.
pub fn plan_json(plan: &Plan) -> Result<String> {
    pretty(plan)
}

/// `{"version":1,"courses":[…]}`.
pub fn status_json(status: &Status) -> Result<String> {
    #[derive(Serialize)]
    struct Versioned<'a> {
        version: u32,
        #[serde(flatten)]
        status: &'a Status,
    }
    pretty(&Versioned { version: 1, status })
}

/// `{"version":1,"packs":[{"name","phases":[{"name","title","after","file"}]}]}`.
pub fn packs_json(packs: &[PackPhases]) -> Result<String> {
    #[derive(Serialize)]
    struct Versioned<'a> {
        version: u32,
        packs: Vec<Pack<'a>>,
    }
    #[derive(Serialize)]
    struct Pack<'a> {
        name: String,
        phases: &'a [PackPhase],
    }
    let packs = packs.iter().map(|(pack, phases)| Pack { name: format!("builtin:{}", pack.name), phases });
    pretty(&Versioned { version: 1, packs: packs.collect() })
}

/// `{"version":1,"items":[…]}`.
pub fn why_json(whys: &[Why]) -> Result<String> {
    #[derive(Serialize)]
    struct Versioned<'a> {
        version: u32,
        items: &'a [Why],
    }
    pretty(&Versioned { version: 1, items: whys })
}

/// `{"version":1,"calls":[…],"items":[{"target","generations":[…]}]}`.
pub fn log_json(calls: &[LogLine], items: &[ItemHistory]) -> Result<String> {
    #[derive(Serialize)]
    struct Versioned<'a> {
        version: u32,
        calls: &'a [LogLine],
        #[serde(skip_serializing_if = "<[ItemHistory]>::is_empty")]
        items: &'a [ItemHistory],
    }
    pretty(&Versioned { version: 1, calls, items })
}

/// `{"version":1,"nodes":[…],"edges":[…]}`.
pub fn graph_json(graph: &GraphView) -> Result<String> {
    #[derive(Serialize)]
    struct Versioned<'a> {
        version: u32,
        #[serde(flatten)]
        graph: &'a GraphView,
    }
    pretty(&Versioned { version: 1, graph })
}

/// `{"version":1,"prompt":"…"}`.
pub fn prompt_json(prompt: &str) -> Result<String> {
    #[derive(Serialize)]
    struct Versioned<'a> {
        version: u32,
        prompt: &'a str,
    }
    pretty(&Versioned { version: 1, prompt })
}

/// `{"version":1,"courses":[…],"phases":[…],"troubled":[…]}`.
pub fn account_json(account: &Account) -> Result<String> {
    #[derive(Serialize)]
    struct Versioned<'a> {
        version: u32,
        #[serde(flatten)]
        account: &'a Account,
    }
    pretty(&Versioned { version: 1, account })
}

/// `{"version":1,"items":[…]}`.
pub fn diff_json(diffs: &[Diff]) -> Result<String> {
    #[derive(Serialize)]
    struct Versioned<'a> {
        version: u32,
        items: &'a [Diff],
    }
    pretty(&Versioned { version: 1, items: diffs })
}

/// `{"version":1,"kept":[…],"refused":[…]}`.
pub fn kept_json(kept: &Kept) -> Result<String> {
    #[derive(Serialize)]
    struct Versioned<'a> {
        version: u32,
        #[serde(flatten)]
        kept: &'a Kept,
    }
    pretty(&Versioned { version: 1, kept })
}

/// `{"version":1,"forgotten":[…]}`.
pub fn dropped_json(targets: &[String]) -> Result<String> {
    #[derive(Serialize)]
    struct Versioned<'a> {
        version: u32,
        forgotten: &'a [String],
    }
    pretty(&Versioned { version: 1, forgotten: targets })
}

/// Any value, indented by two as main files are.
pub fn value_json(value: &Value) -> Result<String> {
    pretty(value)
}

/// `{"event":"error","kind":…,"what":…,"place":…,"because":…,"hint":…,"exit":…}` on one line: why a command ended without its
/// answer.
pub fn problem_json(problem: &Problem, exit: u8) -> Result<String> {
    #[derive(Serialize)]
    struct Place<'a> {
        file: String,
        line: usize,
        column: usize,
        excerpt: &'a str,
    }
    #[derive(Serialize)]
    struct Error<'a> {
        event: &'static str,
        kind: &'static str,
        what: &'a str,
        place: Option<Place<'a>>,
        because: Option<&'a str>,
        hint: Option<&'a str>,
        exit: u8,
    }
    let place = problem.place.as_ref().map(|place| Place {
        file: place.file.display().to_string(),
        line: place.line,
        column: place.column,
        excerpt: &place.excerpt,
    });
    line(&Error {
        event: "error",
        kind: kind(problem.kind),
        what: &problem.what,
        place,
        because: problem.cause.as_deref(),
        hint: problem.hint.as_deref(),
        exit,
    })
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Author => "author",
        Kind::Environment => "environment",
        Kind::WorkNeeded => "work_needed",
        Kind::Budget => "budget",
        Kind::Busy => "busy",
        Kind::OutOfReach => "out_of_reach",
        Kind::Internal => "internal",
        Kind::Interrupted => "interrupted",
    }
}

fn line(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map(|text| text + "\n").map_err(unwritable)
}

pub(super) fn pretty(value: &impl Serialize) -> Result<String> {
    serde_json::to_string_pretty(value).map(|text| text + "\n").map_err(unwritable)
}

fn unwritable(error: serde_json::Error) -> Problem {
    Problem::internal("could not write the answer as JSON").because(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Place;
    use crate::event::{MainFile, Summary};

    #[test]
    fn the_summary_keeps_its_promised_names() {
        let summary = Summary {
            calls: 2,
            main_files: vec![MainFile { path: "x.json".into(), items: 3, written: true }],
            exit: 1,
            ..Summary::default()
        };
        let text = event_line(&Event::Summary(summary)).unwrap();
        assert!(text.ends_with('\n') && text.matches('\n').count() == 1);
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["event"], "summary");
        assert_eq!(
            value["main_files"][0],
            serde_json::json!({"path": "x.json", "items": 3, "written": true})
        );
        for name in
            ["calls", "items_generated", "items_reused", "items_rejected", "items_failed", "usage", "exit"]
        {
            assert!(value.get(name).is_some(), "{name}");
        }
    }

    #[test]
    fn a_problem_is_one_line_for_programs_too() {
        let problem = Problem::author("wrong").at(Place::span("a.toml", "x = 1\n", 4..5)).hint("mend it");
        assert_eq!(
            problem_json(&problem, 2).unwrap(),
            concat!(
                r#"{"event":"error","kind":"author","what":"wrong","place":{"file":"a.toml","line":1,"column":5,"#,
                r#""excerpt":"x = 1"},"because":null,"hint":"mend it","exit":2}"#,
                "\n"
            )
        );
    }

    #[test]
    fn an_empty_status_is_an_object_with_its_version() {
        let text = status_json(&Status { courses: Vec::new() }).unwrap();
        assert_eq!(text, "{\n  \"version\": 1,\n  \"courses\": []\n}\n");
    }
}
