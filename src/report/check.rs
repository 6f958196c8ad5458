//! What the checks say of main files, for people and for programs.

use super::findings::findings;
use super::json::pretty;
use super::look::{Detail, Look};
use super::words::{count, flat};
use crate::check::{Finding, Told};
use crate::diag::Result;
use crate::run::{Checked, CheckedPhase};
use serde::Serialize;

/// How many findings of one check are shown unless everything is asked for.
const FEW: usize = 10;

/// `{"version":1,"valid":…,"courses":[{"course","phases":[{"phase","valid","errors","warnings","failed_items","stats",…}]}]}`.
pub fn check_json(checked: &Checked) -> Result<String> {
    #[derive(Serialize)]
    struct Versioned<'a> {
        version: u32,
        #[serde(flatten)]
        checked: &'a Checked,
    }
    pretty(&Versioned { version: 1, checked })
}

/// The findings by phase and check: the errors, with `-v` the warnings too.
pub fn check_text(checked: &Checked, look: Look) -> String {
    if look.detail == Detail::Quiet && checked.valid {
        return String::new();
    }
    let mut out = String::new();
    let (mut errors, mut warnings, mut failed) = (0, 0, 0);
    for course in &checked.courses {
        out += &format!("{}\n", look.bold(&flat(&course.course)));
        for phase in &course.phases {
            out += &head(phase, look);
            out += &by_check(phase, look);
            errors += phase.stats.errors;
            warnings += phase.stats.warnings;
            failed += phase.stats.failed;
        }
    }
    out.push('\n');
    out += &match (errors, warnings) {
        (0, 0) => look.good("every check passes\n"),
        (0, _) => look.good("every check passes"),
        _ => look.bad(&format!("{} in {}", count(errors, "error"), count(failed, "item"))),
    };
    if warnings > 0 {
        let more = if look.verbose() { "" } else { ": `-v` shows them" };
        out += &format!("; {}{more}\n", count(warnings, "warning"));
    } else if errors > 0 {
        out.push('\n');
    }
    out
}

fn head(phase: &CheckedPhase, look: Look) -> String {
    let stats = &phase.stats;
    let title = if phase.title.is_empty() { String::new() } else { format!(" {}", flat(&phase.title)) };
    let state = match () {
        () if stats.items == 0 && stats.missing > 0 => "nothing is there".to_owned(),
        () if phase.valid => look.good("all pass"),
        () => look.bad(&format!("{} in {}", count(stats.errors, "error"), count(stats.failed, "item"))),
    };
    let mut line =
        format!("  {}{title}: {}, {state}", look.bold(&flat(&phase.phase)), count(stats.items, "item"));
    for (number, what) in
        [(stats.warnings, "warning"), (stats.missing, "missing item"), (stats.extra, "extra item")]
    {
        if number > 0 {
            line += &format!(", {}", count(number, what));
        }
    }
    line += &format!(" <- {}\n", flat(&phase.main_file));
    if !phase.left_out.is_empty() {
        let names: Vec<String> = phase.left_out.iter().map(|label| format!("`{}`", flat(label))).collect();
        line += &format!("    left out, for want of a language pack: {}\n", names.join(", "));
    }
    line
}

fn by_check(phase: &CheckedPhase, look: Look) -> String {
    let mut out = String::new();
    for count_of in &phase.stats.checks {
        let shown = |all: &[Told]| -> Vec<Finding> {
            all.iter().filter(|told| told.check == count_of.check).map(|told| told.finding.clone()).collect()
        };
        let mut all = shown(&phase.errors);
        let mut numbers = Vec::new();
        if count_of.errors > 0 {
            numbers.push(count(count_of.errors, "error"));
        }
        if look.verbose() && count_of.warnings > 0 {
            all.extend(shown(&phase.warnings));
            numbers.push(count(count_of.warnings, "warning"));
        }
        if !numbers.is_empty() {
            out += &format!("    {}: {}\n", look.bold(&flat(&count_of.check)), numbers.join(", "));
            out += &findings(&all, look.most(FEW), "      ", look);
        }
    }
    out
}
