//! A plan in words: a table of phases, why, and what it comes to.

use super::look::Look;
use super::table::table;
use super::words::{between, count, count_between, flat, named, number, price};
use crate::plan::{CoursePlan, Expected, IfAccepted, PhasePlan, Plan, ReasonCount, Submitted};

/// How many reasons of a course are shown unless everything is asked for.
const REASONS: usize = 12;

/// The text of a plan.
pub fn plan_text(plan: &Plan, look: Look) -> String {
    let mut out = String::new();
    for course in &plan.courses {
        out += &look.bold(&flat(&course.course));
        out.push('\n');
        out += &phases(course);
        out += &reasons(course, look);
        out.push('\n');
    }
    out += &notes(plan);
    out += &tokens(&plan.expected);
    out += &total(plan, look);
    out
}

/// One row a phase; of the partition, the columns that are not zero everywhere.
fn phases(course: &CoursePlan) -> String {
    let shown: Vec<usize> =
        (0..7).filter(|at| course.phases.iter().any(|phase| named(&phase.counts)[*at].1 > 0)).collect();
    let recheck = course.phases.iter().any(|phase| phase.recheck > 0);
    let mut head = vec!["phase".to_owned(), "batches".into(), "items".into()];
    head.extend(shown.iter().map(|at| named(&Default::default())[*at].0.to_owned()));
    head.extend(recheck.then(|| "recheck".into()));
    head.extend(["calls".into(), "to buy".into()]);
    let row = |phase: &PhasePlan| {
        let mut row = vec![flat(&phase.phase), number(phase.batches as u64), number(phase.items as u64)];
        row.extend(shown.iter().map(|at| number(named(&phase.counts)[*at].1 as u64)));
        row.extend(recheck.then(|| number(phase.recheck as u64)));
        row.extend([between(phase.calls), between(phase.buys)]);
        row
    };
    let rows: Vec<Vec<String>> = std::iter::once(head).chain(course.phases.iter().map(row)).collect();
    table(&rows)
}

/// Why items are to be bought, most frequent first, and what accepting an edit would save.
fn reasons(course: &CoursePlan, look: Look) -> String {
    let mut all: Vec<(&PhasePlan, &ReasonCount)> = course
        .phases
        .iter()
        .flat_map(|phase| phase.reasons.iter().map(move |reason| (phase, reason)))
        .collect();
    all.sort_by_key(|(_, reason)| std::cmp::Reverse(reason.items));
    let mut out = String::new();
    if !all.is_empty() {
        out += "\n  why:\n";
    }
    let most = look.most(REASONS);
    let counts = |reason: &ReasonCount| (count_between(reason.calls, "call"), count(reason.items, "item"));
    let shown: Vec<(String, String)> = all.iter().take(most).map(|(_, reason)| counts(reason)).collect();
    let calls_wide = shown.iter().map(|(calls, _)| calls.len()).max().unwrap_or_default();
    let items_wide = shown.iter().map(|(_, items)| items.len()).max().unwrap_or_default();
    for ((phase, reason), (calls, items)) in all.iter().zip(shown) {
        let saved = reason.if_accepted.as_ref().and_then(|then| saving(phase, then));
        let saved = saved.map(|saved| format!("; accepting it: {saved}")).unwrap_or_default();
        let (name, why) = (flat(&phase.phase), flat(&reason.reason));
        out += &format!("  {calls:>calls_wide$}  {items:>items_wide$}  {name}: {why}{saved}\n");
    }
    if all.len() > most {
        out += &format!("  and {} more reasons (`-v` shows them)\n", all.len() - most);
    }
    out
}

/// `0 calls instead of 34`, or `20 items instead of 41` where the calls stay the same; `None` where nothing is saved.
fn saving(phase: &PhasePlan, then: &IfAccepted) -> Option<String> {
    let (left, now, one) = [(then.calls, phase.calls, "call"), (then.items, phase.buys, "item")]
        .into_iter()
        .find(|(left, now, _)| left != now)?;
    Some(format!("{} instead of {}", count_between(left, one), between(now)))
}

/// What is left alone although it is not fresh, and what would change that.
fn notes(plan: &Plan) -> String {
    let sum = |of: fn(&PhasePlan) -> usize| {
        plan.courses.iter().flat_map(|course| &course.phases).map(of).sum::<usize>()
    };
    let mut out = String::new();
    let mut note = |n: usize, one: &str, text: &str| {
        if n > 0 {
            out += &format!("{} {text}\n", count(n, one));
        }
    };
    note(
        sum(|phase| phase.counts.failed),
        "failed item",
        "not bought again unless `--retry-failed` is given",
    );
    note(
        sum(|phase| phase.counts.held) - plan.out_of_reach.items.min(sum(|phase| phase.counts.held)),
        "held item",
        "not bought unless `--fix` (findings) or `--refresh-edited` (new inputs) is given; pinned ones never",
    );
    let together = all_accepted(plan);
    note(
        sum(|phase| phase.acceptable),
        "item",
        &format!(
            "to be bought only for edits that could be accepted as being without effect (`coursebuild accept`){together}"
        ),
    );
    note(
        sum(|phase| phase.unjudged),
        "item",
        "to be judged by programs first (`command` checks): what these refuse is to be bought as well",
    );
    note(sum(|phase| phase.unselected), "item", "to be bought but not selected, so left alone");
    let Submitted { submissions, requests, items } = plan.submitted;
    if submissions > 0 {
        out += &format!(
            "under way at batch endpoints: {}, {} for {}; a build waits for that first and buys only what it does not bring, which is less than is counted here\n",
            count(submissions, "submission"),
            count(requests, "request"),
            count(items, "item")
        );
    }
    if let Some(trouble) = &plan.out_of_reach.trouble {
        out += &format!("{}\n", flat(trouble));
    }
    out
}

/// `about 12,000 tokens in, 3,000 out (learned from earlier calls)`; nothing where no call costs anything.
fn tokens(expected: &Expected) -> String {
    if expected.input == 0 {
        return String::new();
    }
    let price = if expected.usd.is_none() { ", at a price that is not known" } else { "" };
    let whence = if expected.learned {
        "learned from earlier calls"
    } else {
        "guessed from the length of the prompts"
    };
    format!(
        "about {} tokens in, {} out{price} ({whence}; without retries)\n",
        number(expected.input),
        number(expected.output)
    )
}

/// What accepting everything would save, in phases where that is more than any edit alone would.
fn all_accepted(plan: &Plan) -> String {
    let mut out = String::new();
    for phase in plan.courses.iter().flat_map(|course| &course.phases) {
        let alone = phase.reasons.iter().filter_map(|reason| reason.if_accepted.as_ref());
        let best = alone.map(|then| then.items.max).min().unwrap_or(usize::MAX);
        let Some(then) = phase.if_accepted.as_ref().filter(|then| then.items.max < best) else { continue };
        if let Some(saved) = saving(phase, then) {
            let lead = if out.is_empty() { "; accepting all of them: " } else { ", " };
            out += &format!("{lead}{} {saved}", flat(&phase.phase));
        }
    }
    out
}

fn total(plan: &Plan, look: Look) -> String {
    let recheck: usize =
        plan.courses.iter().flat_map(|course| &course.phases).map(|phase| phase.recheck).sum();
    let work = if plan.calls.max > 0 {
        format!("{} for {}", count_between(plan.calls, "call"), count_between(plan.items, "item"))
    } else {
        "0 calls".into()
    };
    let again =
        if recheck > 0 { format!(", {} to check again", count(recheck, "item")) } else { String::new() };
    let price = price(&plan.expected).map(|price| format!(", {price}")).unwrap_or_default();
    format!("{}; nothing was changed\n", look.bold(&format!("{work}{price}{again}")))
}

#[cfg(test)]
pub(super) fn example() -> Plan {
    use crate::plan::{Bounds, Counts, Dollars};
    let phase = |name: &str, counts: Counts, calls: Bounds, buys: Bounds, reasons| PhasePlan {
        phase: name.into(),
        title: String::new(),
        batches: counts.items().div_ceil(20),
        items: counts.items(),
        counts,
        recheck: 0,
        unjudged: 0,
        calls,
        buys,
        unselected: 0,
        acceptable: 0,
        if_accepted: None,
        reasons,
    };
    let none = Bounds::default();
    let reason = |reason: &str, items: usize, calls: usize, if_accepted| ReasonCount {
        reason: reason.into(),
        items,
        calls: Bounds { min: calls, max: calls },
        if_accepted,
    };
    let then = IfAccepted {
        part: Some("document/docs/x.md/Tiling".into()),
        calls: Bounds { min: 1, max: 1 },
        items: Bounds { min: 2, max: 2 },
    };
    let changed = reason("section `Tiling` of docs/x.md changed", 41, 3, Some(then));
    let input = reason("input `target` changed", 2, 1, None);
    Plan {
        version: 1,
        courses: vec![CoursePlan {
            course: "spa_for_eng".into(),
            phases: vec![
                phase("phase1", Counts { fresh: 668, ..Counts::default() }, none, none, Vec::new()),
                phase(
                    "phase3",
                    Counts { fresh: 627, stale: 41, ..Counts::default() },
                    Bounds { min: 3, max: 3 },
                    Bounds { min: 41, max: 41 },
                    vec![input, changed],
                ),
                phase(
                    "phase5",
                    Counts { fresh: 2600, pending: 196, ..Counts::default() },
                    Bounds { min: 0, max: 4 },
                    Bounds { min: 0, max: 196 },
                    Vec::new(),
                ),
            ],
        }],
        calls: Bounds { min: 3, max: 7 },
        items: Bounds { min: 41, max: 237 },
        expected: Expected {
            seconds: Some(185.0),
            usd: Some(Dollars { min: 1.2, max: 6.9 }),
            at_least: true,
            ..Expected::default()
        },
        out_of_reach: Default::default(),
        submitted: Default::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Bounds;

    #[test]
    fn a_plan_is_a_table_its_reasons_and_a_total() {
        assert_eq!(
            plan_text(&example(), Look::default()),
            "\
spa_for_eng
  phase   batches  items  fresh  stale  pending  calls  to buy
  phase1       34    668    668      0        0      0       0
  phase3       34    668    627     41        0      3      41
  phase5      140  2,796  2,600      0      196   0..4  0..196

  why:
  3 calls  41 items  phase3: section `Tiling` of docs/x.md changed; accepting it: 1 call instead of 3
   1 call   2 items  phase3: input `target` changed

3..7 calls for 41..237 items, about $1.20..$6.90, at least 3m 05s; nothing was changed
"
        );
    }

    #[test]
    fn what_is_left_alone_is_told() {
        let mut plan = example();
        plan.courses[0].phases.truncate(2);
        let phase = &mut plan.courses[0].phases[1];
        phase.counts.stale = 0;
        phase.counts.failed = 1;
        phase.counts.held = 40;
        phase.recheck = 5;
        phase.unselected = 2;
        phase.reasons.clear();
        (phase.calls, phase.buys, plan.calls, plan.items) =
            (Bounds::default(), Bounds::default(), Bounds::default(), Bounds::default());
        plan.expected = Expected::default();
        let text = plan_text(&plan, Look::default());
        assert!(
            text.ends_with(
                "\n\
1 failed item not bought again unless `--retry-failed` is given
40 held items not bought unless `--fix` (findings) or `--refresh-edited` (new inputs) is given; pinned ones never
2 items to be bought but not selected, so left alone
0 calls, 5 items to check again; nothing was changed
"
            ),
            "{text}"
        );
    }
}
