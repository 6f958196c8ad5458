//! What the checks say, as JUnit XML: the form that continuous builds show.
//!
//! A suite a phase, a case an item. The elements and attributes are those of the schema that Jenkins publishes for its JUnit
//! reader (`testsuites`, `testsuite`, `testcase`, `failure`, `skipped`, `system-out`), in its order, and no other.

use super::words::flat;
use crate::check::Told;
use crate::run::{Checked, CheckedPhase};
use std::collections::HashMap;
use std::fmt::Write as _;

/// A document with one suite for each phase. Errors are failures, warnings are told beside them, items that are not there are
/// skipped.
pub fn check_junit(checked: &Checked) -> String {
    let mut suites = String::new();
    let (mut tests, mut failures) = (0, 0);
    for course in &checked.courses {
        for phase in &course.phases {
            let (number, failed) = suite(&mut suites, &course.course, phase);
            tests += number;
            failures += failed;
        }
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"coursebuild check\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\">\n{suites}</testsuites>\n"
    )
}

/// Writes a phase, and gives the number of its cases and of those that fail.
fn suite(out: &mut String, course: &str, phase: &CheckedPhase) -> (usize, usize) {
    let mut by_item: HashMap<&str, (Vec<&Told>, Vec<&Told>)> = HashMap::new();
    for told in &phase.errors {
        by_item.entry(&told.finding.item).or_default().0.push(told);
    }
    for told in &phase.warnings {
        by_item.entry(&told.finding.item).or_default().1.push(told);
    }
    let name = format!("{course}/{}", phase.phase);
    let class = format!("{course}.{}", phase.phase);
    let mut cases = String::new();
    let (mut tests, mut failures) = (0, 0);
    for id in phase.items.iter().map(|id| &**id) {
        let (errors, warnings) = by_item.remove(id).unwrap_or_default();
        tests += 1;
        failures += usize::from(!errors.is_empty());
        case(&mut cases, &class, id, &errors, &warnings);
    }
    // What is said of no item that was looked at: of extra ones.
    let mut rest: Vec<_> = by_item.into_iter().collect();
    rest.sort_unstable_by_key(|(id, _)| *id);
    for (id, (errors, warnings)) in rest {
        tests += 1;
        failures += usize::from(!errors.is_empty());
        case(&mut cases, &class, id, &errors, &warnings);
    }
    for id in &phase.missing_items {
        tests += 1;
        let _ = writeln!(
            cases,
            "    <testcase name=\"{}\" classname=\"{}\"><skipped message=\"it is not in the main file\"/></testcase>",
            xml(id),
            xml(&class)
        );
    }
    let _ = write!(
        out,
        "  <testsuite name=\"{}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" skipped=\"{}\">\n{cases}  </testsuite>\n",
        xml(&name),
        phase.missing_items.len()
    );
    (tests, failures)
}

fn case(out: &mut String, class: &str, id: &str, errors: &[&Told], warnings: &[&Told]) {
    let _ = write!(out, "    <testcase name=\"{}\" classname=\"{}\"", xml(id), xml(class));
    if errors.is_empty() && warnings.is_empty() {
        out.push_str("/>\n");
        return;
    }
    out.push_str(">\n");
    for told in errors {
        let _ = writeln!(
            out,
            "      <failure type=\"{}\" message=\"{}\">{}</failure>",
            xml(&told.finding.kind),
            xml(&told.finding.message),
            xml(&words(told))
        );
    }
    if !warnings.is_empty() {
        let lines: Vec<String> = warnings.iter().map(|told| words(told)).collect();
        let _ = writeln!(out, "      <system-out>{}</system-out>", xml(&lines.join("\n")));
    }
    out.push_str("    </testcase>\n");
}

fn words(told: &Told) -> String {
    let mut text = format!("{}: {}", told.check, flat(&told.finding.message));
    if let Some(suggestion) = &told.finding.suggestion {
        let _ = write!(text, "\ntry: {}", flat(suggestion));
    }
    text
}

/// Text as XML holds it: without the characters that no XML document may have, and with those escaped that mean something.
pub(super) fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in crate::diag::escape(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            '\u{fffe}' | '\u{ffff}' => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_can_break_the_document() {
        assert_eq!(
            xml("a<b>&\"'\n\t\u{1b}[31m\u{0}\u{ffff}我"),
            "a&lt;b&gt;&amp;&quot;&apos;&#10;&#9;\\u{1b}[31m\\u{0}\\u{ffff}我"
        );
    }
}
