//! What a canary brought, in words: which calls, what changed by field and by check, what it cost and what the rest would.

use super::diff;
use super::findings::{FEW, findings};
use super::look::Look;
use super::words::{count, count_between, flat, money, price, tokens};
use crate::course::Severity;
use crate::event::{Canary, CanaryCall, CanaryItem, CanaryRest, FindingCount};

/// How many items of those that changed are shown unless everything is asked for.
const SHOWN: usize = 12;

/// The report.
pub(super) fn canary_text(canary: &Canary, look: Look) -> String {
    let mut out = format!("{}\n", look.bold(&format!("canary: {}", count(canary.calls.len(), "call"))));
    let several = canary.calls.iter().any(|call| call.course != canary.calls[0].course);
    out += &canary.calls.iter().map(|call| call_line(call, several)).collect::<String>();
    let most = look.most(SHOWN);
    // Of many, some of each call: what is early alone says little of what is late.
    let shown = spread(canary.changed.len(), most);
    out += &shown.iter().map(|at| item(&canary.changed[*at], look)).collect::<String>();
    let more = canary.changed.len() - shown.len();
    if more > 0 {
        out += &format!("  and {} that changed (`-v` shows all)\n", count(more, "more item"));
    }
    out += &sums(canary, look);
    out
}

/// `  phase3 S0041-S0060, early: 19 of 20 passed; 2 had failed before`.
fn call_line(call: &CanaryCall, several: bool) -> String {
    let phase = if several { format!("{}/{}", call.course, call.phase) } else { call.phase.clone() };
    let failed = match call.failed_before {
        0 => String::new(),
        n => format!("; {} had failed before", count(n, "item")),
    };
    let CanaryCall { scope, third, passed, items, .. } = call;
    format!(
        "  {}, {third}: {passed} of {} passed{failed}\n",
        flat(&format!("{phase} {scope}")),
        count(*items, "item")
    )
}

fn item(item: &CanaryItem, look: Look) -> String {
    let what = match (item.passed, item.had_before) {
        (false, _) => look.bad(" refused"),
        (true, false) => " new".to_owned(),
        (true, true) => String::new(),
    };
    let mut out = format!("{}:{what}\n", look.bold(&flat(&item.target)));
    out += &item.changes.iter().map(|change| diff::line(change, look)).collect::<String>();
    out + &findings(&item.findings, look.most(FEW), "    ", look)
}

/// What it comes to: items, checks, money.
fn sums(canary: &Canary, look: Look) -> String {
    let refused = canary.changed.iter().filter(|item| !item.passed).count();
    let changed = canary.changed.iter().filter(|item| item.passed && item.had_before).count();
    let new = canary.items - canary.had_before;
    let parts =
        [(changed, "changed"), (canary.same, "the same"), (new, "had nothing before"), (refused, "refused")];
    let parts: Vec<String> =
        parts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    let percent = canary.passed * 100 / canary.items.max(1);
    let mut out = format!(
        "items: {}; {percent}% of the first answers passed ({} of {})\n",
        parts.join(", "),
        canary.passed,
        canary.items
    );
    if canary.checks.is_empty() {
        out += "checks: nothing found, before or now\n";
    } else {
        out += "checks, before -> now:\n";
        out += &canary.checks.iter().map(|one| finding_line(one, look)).collect::<String>();
    }
    let spent = canary.money_usd.map(money).into_iter().chain(tokens(&canary.usage)).collect::<Vec<_>>();
    if !spent.is_empty() {
        out += &format!("spent: {}\n", spent.join(", "));
    }
    if canary.rest.calls.max > 0 { out + &format!("the rest: {}\n", rest_text(&canary.rest)) } else { out }
}

/// `  tiling: 3 -> 1`.
fn finding_line(one: &FindingCount, look: Look) -> String {
    let kind = match one.severity {
        Severity::Error => one.kind.clone(),
        Severity::Warning | Severity::Off => format!("{} (warning)", one.kind),
        Severity::Waived => format!("{} (waived)", one.kind),
    };
    let now = one.after.to_string();
    let now = match one.after.cmp(&one.before) {
        std::cmp::Ordering::Greater => look.bad(&now),
        std::cmp::Ordering::Less => look.good(&now),
        std::cmp::Ordering::Equal => now,
    };
    format!("  {}: {} -> {now}\n", flat(&kind), one.before)
}

/// `31..33 calls for 620 items, about $1.20..$1.30, about 12m 00s`.
fn rest_text(rest: &CanaryRest) -> String {
    let price = price(&rest.expected).map(|price| format!(", {price}")).unwrap_or_default();
    format!("{} for {}{price}", count_between(rest.calls, "call"), count_between(rest.items, "item"))
}

/// So many of a number of things, evenly.
fn spread(all: usize, most: usize) -> Vec<usize> {
    if all <= most { (0..all).collect() } else { (0..most).map(|at| at * all / most).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::changes;
    use crate::plan::{Bounds, Dollars, Expected};
    use crate::report::findings::example;
    use serde_json::json;

    fn changed(id: &str, findings: usize) -> CanaryItem {
        CanaryItem {
            target: format!("c/phase1/{id}"),
            had_before: true,
            passed: findings == 0,
            changes: changes(&json!(["quiero hablar", 1]), &json!(["quiero decir", 1])),
            findings: (0..findings).map(|_| example(id, "missing `x`")).collect(),
        }
    }

    #[test]
    fn a_canary_is_told_by_call_item_check_and_price() {
        let call = |scope: &str, third, failed_before| CanaryCall {
            course: "c".into(),
            phase: "phase1".into(),
            scope: scope.into(),
            third,
            items: 20,
            failed_before,
            passed: 20,
        };
        let count =
            |kind: &str, severity, before, after| FindingCount { kind: kind.into(), severity, before, after };
        let mut canary = Canary {
            calls: vec![call("S0001-S0020", "early", 0), call("S0641-S0660", "late", 2)],
            items: 40,
            passed: 39,
            had_before: 40,
            same: 38,
            checks: vec![count("tiling", Severity::Error, 0, 1), count("cognate", Severity::Warning, 3, 1)],
            changed: vec![changed("S0001", 0), changed("S0660", 1)],
            money_usd: Some(0.25),
            rest: CanaryRest {
                calls: Bounds { min: 31, max: 32 },
                items: Bounds { min: 628, max: 628 },
                expected: Expected {
                    usd: Some(Dollars { min: 3.5, max: 3.75 }),
                    seconds: Some(600.0),
                    ..Expected::default()
                },
            },
            ..Canary::default()
        };
        assert_eq!(
            canary_text(&canary, Look::default()),
            "\
canary: 2 calls
  phase1 S0001-S0020, early: 20 of 20 items passed
  phase1 S0641-S0660, late: 20 of 20 items passed; 2 items had failed before
c/phase1/S0001:
  /0: quiero [-hablar-] {+decir+}
c/phase1/S0660: refused
  /0: quiero [-hablar-] {+decir+}
    S0660 tiling: missing `x`
items: 1 changed, 38 the same, 1 refused; 97% of the first answers passed (39 of 40)
checks, before -> now:
  tiling: 0 -> 1
  cognate (warning): 3 -> 1
spent: $0.25
the rest: 31..32 calls for 628 items, about $3.50..$3.75, about 10m 00s
"
        );
        canary.changed = (0..30).map(|at| changed(&format!("S{at:04}"), 0)).collect();
        let text = canary_text(&canary, Look::default());
        assert!(
            text.contains("S0000:\n") && text.contains("S0027:\n") && !text.contains("S0001:\n"),
            "{text}"
        );
        assert!(text.contains("  and 18 more items that changed (`-v` shows all)\n"), "{text}");
    }
}
