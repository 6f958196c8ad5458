//! What an attempt that brought nothing for an item is told about to the next one.

use crate::check::{Coverage, Finding, coverage, missing_output};
use crate::generate::answer;
use crate::store::{Ended, Entry};

/// The findings on an item that an attempt was asked for and has no result of.
pub fn trouble(entry: &Entry, id: &str) -> Vec<Finding> {
    let why = match &entry.ended {
        Ended::Answered | Ended::Truncated(_) => return uncovered(entry, id),
        Ended::Unreadable(why) => format!("the answer cannot be read: {why}"),
        Ended::TimedOut(seconds) => format!("there was no answer within {seconds} s"),
        Ended::Failed(why) => why.clone(),
        Ended::Filed => return Vec::new(),
    };
    missing_output(&[id], &why)
}

/// What is wrong with an answer that does not hold this item, or holds it twice.
fn uncovered(entry: &Entry, id: &str) -> Vec<Finding> {
    covered(entry).findings.into_iter().filter(|finding| finding.item == id).collect()
}

/// What is odd about an answer as a whole: items that nobody asked for. They stay readable in the raw answer.
pub fn extras(entry: &Entry) -> Vec<Finding> {
    if matches!(entry.ended, Ended::Answered | Ended::Truncated(_)) {
        covered(entry).call
    } else {
        Vec::new()
    }
}

fn covered(entry: &Entry) -> Coverage {
    let raw = entry.raw.as_deref().unwrap_or_default();
    let items = entry
        .intent
        .shape
        .shape()
        .and_then(|shape| answer::read(raw.as_bytes(), &shape).ok())
        .map_or_else(Vec::new, |answer| answer.items);
    let asked: Vec<&str> = entry.intent.items.iter().map(|item| &*item.id).collect();
    coverage(&asked, &items)
}
