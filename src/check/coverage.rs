//! Coverage: an answer holds exactly the items asked for. Holds for every phase, whatever its rule says.

use super::Finding;
use super::found::{finding, quote, short};
use crate::course::Severity;
use crate::json::Value;
use std::collections::HashMap;

/// So many extra items are named; more are counted.
const MOST: usize = 10;

/// What an answer covers of what was asked.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Coverage {
    /// For each item asked for, in order: which element of the answer is its output, if one is.
    pub taken: Vec<Option<usize>>,
    /// What is wrong with items asked for: `missing_item`, `doubled_item`. In the order in which they were asked.
    pub findings: Vec<Finding>,
    /// What is odd about the call: `extra_item`, warnings, since an extra item is nobody's and spoils no other. Their
    /// `item` is the extra id, as the answer has it.
    pub call: Vec<Finding>,
}

/// Matches an answer's elements with the items asked for (whose ids differ from one another).
///
/// An element counts for the item whose id it has, letter by letter. An item that is there more than once with different
/// outputs has none, for nobody can tell which was meant; with equal outputs it has the first, and a warning.
pub fn coverage(asked: &[&str], answered: &[(String, Value)]) -> Coverage {
    let position: HashMap<&str, usize> = asked.iter().enumerate().map(|(at, id)| (*id, at)).collect();
    let mut found: Vec<Vec<usize>> = vec![Vec::new(); asked.len()];
    let mut extra: Vec<&str> = Vec::new();
    for (at, (id, _)) in answered.iter().enumerate() {
        match position.get(id.as_str()) {
            Some(item) => found[*item].push(at),
            None => extra.push(id),
        }
    }
    // An id that is nearly right is not much longer than the right one, and an answer's ids have no bound.
    let near = extra.iter().filter(|id| id.len() <= 256);
    let similar: HashMap<String, &str> = near.map(|id| (simplified(id), *id)).collect();
    let mut covered = Coverage::default();
    for (id, places) in asked.iter().zip(&found) {
        let taken = match places.as_slice() {
            [] => {
                covered.findings.push(missing(id, similar.get(&simplified(id)).copied()));
                None
            }
            [only] => Some(*only),
            [first, others @ ..] => {
                let equal = others.iter().all(|other| answered[*other].1 == answered[*first].1);
                covered.findings.push(doubled(id, places.len(), equal));
                equal.then_some(*first)
            }
        };
        covered.taken.push(taken);
    }
    covered.call = extras(&extra);
    covered
}

/// The findings of a call that brought nothing: one for each item asked for.
pub fn missing_output(asked: &[&str], why: &str) -> Vec<Finding> {
    let message = format!("the call brought no output: {why}");
    let suggestion = "answer with nothing but the JSON of all items asked for";
    let of = |id: &&str| finding("missing_output", id, Severity::Error, &message, Some(suggestion));
    asked.iter().map(of).collect()
}

fn missing(id: &str, similar: Option<&str>) -> Finding {
    let suggestion = similar.map_or_else(
        || format!("answer with every item asked for, `{id}` too"),
        |similar| format!("the answer has {}: write the id exactly as asked, `{id}`", quote(similar)),
    );
    let message = format!("`{id}` was asked for and is not in the answer");
    finding("missing_item", id, Severity::Error, &message, Some(&suggestion))
}

fn doubled(id: &str, times: usize, equal: bool) -> Finding {
    let (severity, how) = if equal {
        (Severity::Warning, "each time with the same output, which was taken once")
    } else {
        (Severity::Error, "with different outputs, of which none was taken")
    };
    let message = format!("`{id}` is in the answer {times} times, {how}");
    finding("doubled_item", id, severity, &message, Some("answer every item once"))
}

fn extras(extra: &[&str]) -> Vec<Finding> {
    let warning = |id: &str, message: &str| {
        finding("extra_item", id, Severity::Warning, message, Some("answer the items asked for and no other"))
    };
    let mut findings: Vec<Finding> = extra
        .iter()
        .take(MOST)
        .map(|id| {
            let shown = short(id, 80);
            if id.is_empty() {
                warning(&shown, "the answer has an item without an id; it was left out")
            } else {
                warning(&shown, &format!("`{shown}` was not asked for; it was left out"))
            }
        })
        .collect();
    if extra.len() > MOST {
        let more = format!("and {} more items that were not asked for", extra.len() - MOST);
        findings.push(warning("", &more));
    }
    findings
}

/// An id without what an agent gets wrong most easily.
fn simplified(id: &str) -> String {
    id.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn cover(asked: &[&str], answered: &[(&str, Value)]) -> Coverage {
        let answered: Vec<_> = answered.iter().map(|(id, value)| ((*id).to_owned(), value.clone())).collect();
        coverage(asked, &answered)
    }

    fn kinds(findings: &[Finding]) -> Vec<(&str, &str, bool)> {
        findings.iter().map(|f| (f.kind.as_str(), f.item.as_str(), f.is_error())).collect()
    }

    #[test]
    fn answers_with_exactly_the_items_pass_in_any_order() {
        let v = || json!(1);
        for (asked, answered, taken) in [
            (&[][..], vec![], vec![]),
            (&["a"], vec![("a", v())], vec![Some(0)]),
            (&["a", "b"], vec![("a", v()), ("b", v())], vec![Some(0), Some(1)]),
            (&["a", "b"], vec![("b", v()), ("a", v())], vec![Some(1), Some(0)]),
            (&["S1", "S10"], vec![("S1", v()), ("S10", v())], vec![Some(0), Some(1)]),
            (&["é", "我"], vec![("我", v()), ("é", v())], vec![Some(1), Some(0)]),
            (&["a", "A"], vec![("A", v()), ("a", v())], vec![Some(1), Some(0)]),
            (&["a"], vec![("a", Value::Null)], vec![Some(0)]),
            (&["a b"], vec![("a b", v())], vec![Some(0)]),
            (&["../x"], vec![("../x", v())], vec![Some(0)]),
        ] {
            let covered = cover(asked, &answered);
            assert_eq!(covered, Coverage { taken, findings: vec![], call: vec![] });
        }
        let ids: Vec<String> = (0..50_000).map(|n| format!("S{n}")).collect();
        let asked: Vec<&str> = ids.iter().map(String::as_str).collect();
        let answered: Vec<_> = ids.iter().rev().map(|id| (id.clone(), Value::Null)).collect();
        assert!(coverage(&asked, &answered).taken.iter().rev().copied().eq((0..ids.len()).map(Some)));
    }

    #[test]
    fn what_is_missing_extra_or_doubled_is_found_and_spoils_no_other() {
        let missing = |id| ("missing_item", id, true);
        for (answered, taken, findings, call) in [
            (vec![], [None, None], vec![missing("S1"), missing("S2")], 0),
            (vec![("S1", json!(1))], [Some(0), None], vec![missing("S2")], 0),
            (vec![("S2", json!(1))], [None, Some(0)], vec![missing("S1")], 0),
            (vec![("S1", json!(1)), ("S2", json!(1)), ("S3", json!(1))], [Some(0), Some(1)], vec![], 1),
            (vec![("", json!(1)), ("S1", json!(1)), ("S2", json!(1))], [Some(1), Some(2)], vec![], 1),
            (vec![("s1", json!(1)), ("S2", json!(1))], [None, Some(1)], vec![missing("S1")], 1),
            (vec![("S1 ", json!(1)), ("S2", json!(1))], [None, Some(1)], vec![missing("S1")], 1),
            (vec![("S12", json!(1))], [None, None], vec![missing("S1"), missing("S2")], 1),
            (
                vec![("S1", json!(1)), ("S1", json!(2)), ("S2", json!(1))],
                [None, Some(2)],
                vec![("doubled_item", "S1", true)],
                0,
            ),
            (
                vec![("S1", json!({"a": 1, "b": 2})), ("S2", json!(1)), ("S1", json!({"b": 2, "a": 1}))],
                [Some(0), Some(1)],
                vec![("doubled_item", "S1", false)],
                0,
            ),
            (
                vec![("S1", json!(1)), ("S1", json!(1)), ("S1", json!(2)), ("S2", json!(1))],
                [None, Some(3)],
                vec![("doubled_item", "S1", true)],
                0,
            ),
            (
                vec![("x", json!(1)), ("x", json!(1)), ("S2", json!(1))],
                [None, Some(2)],
                vec![missing("S1")],
                2,
            ),
        ] {
            let covered = cover(&["S1", "S2"], &answered);
            assert_eq!(covered.taken, taken, "{answered:?}");
            assert_eq!(kinds(&covered.findings), findings);
            assert_eq!(covered.call.len(), call);
            assert!(covered.call.iter().all(|f| f.kind == "extra_item" && !f.is_error()));
        }
    }

    #[test]
    fn an_id_that_was_nearly_right_is_shown() {
        let covered = cover(&["S0001L01"], &[("s0001-l01", json!(1))]);
        assert_eq!(
            covered.findings[0].suggestion.as_deref(),
            Some("the answer has `s0001-l01`: write the id exactly as asked, `S0001L01`")
        );
        assert_eq!(covered.call[0].message, "`s0001-l01` was not asked for; it was left out");
    }

    #[test]
    fn hostile_ids_stay_short_and_safe() {
        let long = "\u{1b}x".repeat(1 << 12);
        let many: Vec<(&str, Value)> = (0..1000).map(|_| (long.as_str(), Value::Null)).collect();
        let covered = cover(&["a"], &many);
        assert_eq!(covered.call.len(), MOST + 1);
        assert_eq!(covered.call[MOST].message, "and 990 more items that were not asked for");
        for finding in &covered.call {
            assert!(finding.item.len() < 1000 && finding.message.len() < 1000);
            assert!(!finding.item.contains('\u{1b}') && !finding.message.contains('\u{1b}'));
        }
    }

    #[test]
    fn a_call_that_brought_nothing_is_on_all_its_items() {
        let findings = missing_output(&["S1", "S2"], "it took more than 600 seconds");
        assert_eq!(kinds(&findings), [("missing_output", "S1", true), ("missing_output", "S2", true)]);
        assert_eq!(findings[1].message, "the call brought no output: it took more than 600 seconds");
        assert!(missing_output(&[], "x").is_empty());
    }
}
