//! What people decided about items, what waits for a decision, and the generations that they can choose from.

use super::look::Look;
use super::words::{count, digest, flat, moment};
use crate::diag::{Problem, Result};
use crate::run::{Decidable, ItemHistory, Resolved};
use crate::store::Provenance;
use serde::Serialize;

#[derive(Serialize)]
struct Versioned<'a, T> {
    version: u32,
    items: &'a [T],
}

fn pretty<T: Serialize>(items: &[T]) -> Result<String> {
    serde_json::to_string_pretty(&Versioned { version: 1, items })
        .map(|text| text + "\n")
        .map_err(|e| Problem::internal("could not write the answer as JSON").because(e))
}

/// `{"version":1,"items":[{"target","digest","provenance","verdict","why"}]}`.
pub fn resolved_json(items: &[Resolved]) -> Result<String> {
    pretty(items)
}

/// `{"version":1,"items":[{"target","state","what"}]}`.
pub fn decidable_json(items: &[Decidable]) -> Result<String> {
    pretty(items)
}

/// One line for each decision.
pub fn resolved_text(items: &[Resolved], look: Look) -> String {
    let mut out = String::new();
    for item in items {
        let why = item.why.as_ref().map_or(String::new(), |why| format!(" ({})", flat(why)));
        let verdict = if item.verdict == "fresh" { look.good("fresh") } else { look.odd(&item.verdict) };
        let word = provenance(item.provenance);
        out += &format!(
            "{}: {word} {}, {verdict}{why}\n",
            look.bold(&flat(&item.target)),
            digest(&item.digest.to_string(), false)
        );
    }
    out += &format!("{} decided, 0 calls\n", count(items.len(), "item"));
    out
}

/// One line for each item that waits, or was decided.
pub fn decidable_text(items: &[Decidable], look: Look) -> String {
    let mut out = String::new();
    for item in items {
        let state = if item.state == "resolved" { look.dim(item.state) } else { look.odd(item.state) };
        out += &format!("{}: {state}, {}\n", look.bold(&flat(&item.target)), flat(&item.what));
    }
    if items.is_empty() {
        out += "nothing waits for a decision\n";
    }
    out
}

/// The generations of items, oldest first; `*` marks the one that stands.
pub fn generations_text(items: &[ItemHistory], look: Look) -> String {
    let mut out = String::new();
    for item in items {
        out += &format!("generations of {}\n", look.bold(&flat(&item.target)));
        for one in &item.generations {
            let mark = if one.stands { "*" } else { " " };
            let when = one.at_ms.map_or("known by the main file".to_owned(), moment);
            let key = if one.present_key { "" } else { ", from other inputs" };
            let decided = if one.resolved { ", decided" } else { "" };
            out += &format!(
                "  {mark} {} {when} {} {}{key}{decided}\n",
                one.number,
                provenance(one.provenance),
                digest(&one.digest.to_string(), false)
            );
        }
        if item.generations.is_empty() {
            out += "  none\n";
        }
    }
    out
}

fn provenance(provenance: Provenance) -> &'static str {
    match provenance {
        Provenance::Generated => "generated",
        Provenance::Adopted => "adopted",
        Provenance::Edited => "edited",
        Provenance::Accepted => "accepted",
        Provenance::Trial => "on trial",
    }
}
