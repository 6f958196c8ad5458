//! What an adoption took, held and found wanting, and what each way on would cost.

use super::look::{Detail, Look};
use super::words::{count, count_between, flat, number};
use crate::diag::{Problem, Result};
use crate::plan::Difference;
use crate::run::{Adoption, PhaseAdoption};
use serde::Serialize;
use std::collections::BTreeMap;

/// How many names of a list are shown unless everything is asked for.
const LISTED: usize = 5;

/// `{"version":1,"dry_run":…,"courses":[…],…}`.
pub fn adoption_json(adoption: &Adoption) -> Result<String> {
    #[derive(Serialize)]
    struct Versioned<'a> {
        version: u32,
        #[serde(flatten)]
        adoption: &'a Adoption,
    }
    serde_json::to_string_pretty(&Versioned { version: 1, adoption })
        .map(|text| text + "\n")
        .map_err(|e| Problem::internal("could not write the answer as JSON").because(e))
}

/// The text of an adoption.
pub fn adoption_text(adoption: &Adoption, look: Look) -> String {
    let did = if adoption.dry_run { "would adopt" } else { "adopted" };
    let mut out = format!("{} {}, 0 calls", look.good(did), count(adoption.adopted, "item"));
    if adoption.held > 0 {
        out += &format!("; {} of them held for findings", number(adoption.held as u64));
    }
    out.push('\n');
    for course in &adoption.courses {
        for phase in &course.phases {
            out += &format!("  {}\n", look.bold(&flat(&format!("{}/{}", course.course, phase.phase))));
            out += &phase_text(phase, look);
        }
    }
    for warning in &adoption.warnings {
        out += &format!("  {} {}\n", look.odd("note:"), flat(warning));
    }
    out += "  ways on\n";
    for way in &adoption.ways_on {
        let cost = format!("{} for {}", count_between(way.calls, "call"), count_between(way.items, "item"));
        out += &format!("    `{}`: {}; {}\n", flat(&way.command), cost, flat(&way.does));
    }
    if adoption.dry_run {
        out += "nothing was changed\n";
    }
    out
}

fn phase_text(phase: &PhaseAdoption, look: Look) -> String {
    let parts: Vec<String> = [
        (phase.adopted, "adopted"),
        (phase.known, "fresh before"),
        (phase.out_of_date, "out of date (name them to take them)"),
        (phase.missing.len(), "missing"),
        (phase.pending.len(), "waiting for what they are made from"),
        (phase.orphaned.len(), "not of the course"),
        (phase.held.len(), "held"),
    ]
    .into_iter()
    .filter(|(n, word)| *n > 0 || *word == "adopted")
    .map(|(n, word)| format!("{} {word}", number(n as u64)))
    .collect();
    let mut out =
        format!("    {} in {}: {}\n", count(phase.found, "item"), flat(&phase.main_file), parts.join(", "));
    out += &held(phase, look);
    out += &names("missing", &phase.missing, look);
    out += &names("not of the course, leave the file and stay in the store", &phase.orphaned, look);
    out += &names("beside the items, not among them: kept there, and not read as items", &phase.stray, look);
    out += &derived(&phase.derived, look);
    for change in &phase.envelope {
        let found = change.found.as_ref().map_or("nothing".to_owned(), ToString::to_string);
        let change = format!("`{}`: found {found}, is {}", change.field, change.written);
        out += &format!("    total {}\n", flat(&change));
    }
    out
}

/// Held items by the kind of finding, each with its first ones.
fn held(phase: &PhaseAdoption, look: Look) -> String {
    let mut kinds: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    for item in &phase.held {
        let mut own: Vec<&str> = item.findings.iter().map(|finding| finding.kind.as_str()).collect();
        own.sort_unstable();
        own.dedup();
        for kind in own {
            let first = item.findings.iter().find(|finding| finding.kind == kind);
            kinds.entry(kind).or_default().push((&item.item, first.map_or("", |finding| &finding.message)));
        }
        if item.findings.is_empty() {
            kinds.entry("").or_default().push((&item.item, &item.why));
        }
    }
    let mut out = String::new();
    for (kind, items) in kinds {
        let what = if kind.is_empty() { "held".to_owned() } else { format!("held, fails `{kind}`") };
        out += &format!("    {} {}\n", look.odd(&count(items.len(), "item")), flat(&what));
        let most = if look.detail == Detail::Verbose { items.len() } else { 2 };
        for (item, message) in items.iter().take(most) {
            out += &format!("      {}: {}\n", flat(item), flat(message));
        }
        if items.len() > most {
            out += &format!("      and {} more (`-v` shows them)\n", number((items.len() - most) as u64));
        }
    }
    out
}

fn names(what: &str, names: &[String], look: Look) -> String {
    if names.is_empty() {
        return String::new();
    }
    let most = look.most(LISTED);
    let shown: Vec<String> = names.iter().take(most).map(|name| flat(name)).collect();
    let more = if names.len() > most {
        format!(" and {} more", number((names.len() - most) as u64))
    } else {
        String::new()
    };
    format!("    {what}: {}{more}\n", shown.join(", "))
}

fn derived(differences: &[Difference], look: Look) -> String {
    if differences.is_empty() {
        return String::new();
    }
    let most = look.most(LISTED);
    let mut out = format!(
        "    {} kept as found, computed otherwise\n",
        look.odd(&count(differences.len(), "derived field"))
    );
    for one in differences.iter().take(most) {
        let text = format!("{} {}: found {}, computed {}", one.item, one.field, one.found, one.computed);
        out += &format!("      {}\n", flat(&text));
    }
    if differences.len() > most {
        out += &format!("      and {} more (`-v` shows them)\n", number((differences.len() - most) as u64));
    }
    out
}
