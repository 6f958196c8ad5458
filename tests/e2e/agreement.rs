//! Plan equals build: in every state that a course can be in, what `plan` says is what `build` then does.

use crate::support::Space;
use crate::support::expect::{MAIN_FILES, PHASES, plan_of};
use crate::support::synth;
use serde_json::{Value, json};

const SEEDS: usize = 45;
const DOCUMENT: &str = "docs/phase_intelligence/phase_1_translation.md";
const VERDICTS: [&str; 7] = ["fresh", "missing", "stale", "rejected", "held", "failed", "pending"];

/// A state: how a course comes into it, and with which options it is planned and built.
struct State {
    name: &'static str,
    prepare: fn(&Space),
    /// For `plan` and `build` alike.
    args: &'static [&'static str],
    /// How `build` ends.
    exit: i32,
    /// Verdicts that have to be among the items, or the state is not what its name says.
    shows: &'static [&'static str],
}

const STATES: &[State] = &[
    State { name: "fresh", prepare: built, args: &[], exit: 0, shows: &["fresh"] },
    State { name: "first build", prepare: |_| {}, args: &[], exit: 0, shows: &["missing", "pending"] },
    State {
        name: "half built",
        prepare: |space| drop(space.build(&["--max-calls", "1"]).exits(4)),
        args: &[],
        exit: 0,
        shows: &["fresh", "missing", "pending"],
    },
    State {
        name: "half built, more of it",
        prepare: |space| drop(space.build(&["--max-calls", "4", "-j", "1"]).exits(4)),
        args: &[],
        exit: 0,
        shows: &["fresh", "missing"],
    },
    State {
        name: "one stale",
        prepare: |space| {
            built(space);
            space.edit_seeds(|seeds| synth::change_word(seeds, 20, 1));
        },
        args: &[],
        exit: 0,
        shows: &["fresh", "stale", "pending"],
    },
    State {
        name: "a last phase stale: nothing pending",
        prepare: |space| {
            built(space);
            space.replace(
                "docs/phase_intelligence/phase_5_baskets.md",
                "\n### Rule 1.1\n",
                "\n### Rule 1.1\n\nMind.\n",
            );
        },
        args: &[],
        exit: 0,
        shows: &["fresh", "stale"],
    },
    State {
        name: "some not selected",
        prepare: |space| {
            built(space);
            space.replace(DOCUMENT, "\n### Rule 1.1\n", "\n### Rule 1.1\n\nMind.\n");
        },
        args: &["--items", "S0011-S0030"],
        exit: 0,
        shows: &["stale"],
    },
    State {
        name: "one phase only",
        prepare: |space| {
            built(space);
            space.edit_seeds(|seeds| (0..30).for_each(|at| synth::change_word(seeds, at, 2)));
        },
        args: &["--phase", "phase1"],
        exit: 0,
        shows: &["stale", "pending"],
    },
    State { name: "forced", prepare: built, args: &["-B", "phase3/2"], exit: 0, shows: &["stale"] },
    State {
        name: "rejected by a check that was tightened",
        prepare: |space| {
            lax(space);
            built(space);
            space.faults(&json!([]));
            space.replace("rules/phase3.toml", "severity = \"off\"\n", "");
        },
        args: &[],
        exit: 0,
        shows: &["fresh", "rejected"],
    },
    State {
        name: "attempts exhausted",
        prepare: |space| {
            space.faults(&json!([{"fault": "missing", "phase": "phase3", "item": "S0007"}]));
            space.build(&["-k"]).exits(1);
        },
        args: &[],
        exit: 1,
        shows: &["fresh", "failed"],
    },
    State {
        name: "exhausted and asked again",
        prepare: |space| {
            space.faults(&json!([{"fault": "missing", "phase": "phase3", "item": "S0007"}]));
            space.build(&["-k"]).exits(1);
            space.faults(&json!([]));
        },
        args: &["--retry-failed"],
        exit: 0,
        shows: &["fresh"],
    },
    State {
        name: "a held edit",
        prepare: |space| {
            built(space);
            space.edit_json(MAIN_FILES[0], |pairs| pairs["S0005"][0] = json!("by hand"));
            space.build(&[]).exits(0);
            space.replace(DOCUMENT, "\n### Rule 1.1\n", "\n### Rule 1.1\n\nMind.\n");
        },
        args: &[],
        exit: 0,
        shows: &["held", "stale"],
    },
    State {
        name: "an edit that nobody has seen yet",
        prepare: |space| {
            built(space);
            space.edit_json(MAIN_FILES[0], |pairs| pairs["S0005"][0] = json!("by hand"));
        },
        args: &[],
        exit: 0,
        shows: &["fresh", "stale"],
    },
    State {
        name: "deleted outputs",
        prepare: |space| {
            built(space);
            space.remove("course");
        },
        args: &[],
        exit: 0,
        shows: &["fresh"],
    },
    State {
        name: "deleted outputs and store",
        prepare: |space| {
            built(space);
            space.remove("course");
            space.remove(".coursebuild");
        },
        args: &[],
        exit: 0,
        shows: &["missing"],
    },
    State {
        name: "new ids for half of the seeds",
        prepare: |space| {
            built(space);
            space.edit_seeds(|seeds| {
                synth::insert(seeds, 20);
                (0..seeds.len()).for_each(|at| seeds[at].id = format!("S{:04}", at + 1));
            });
        },
        args: &[],
        exit: 0,
        shows: &["fresh"],
    },
];

fn built(space: &Space) {
    space.build(&[]).exits(0);
}

/// Three wrong decompositions, and a pack that does not mind.
fn lax(space: &Space) {
    space.replace("rules/phase3.toml", "use = \"tiling\"\n", "use = \"tiling\"\nseverity = \"off\"\n");
    space.only_warn("phase3", "determinism");
    space.only_warn("phase5", "vocabulary");
    let wrong =
        ["S0007", "S0030", "S0041"].map(|id| json!({"fault": "wrong", "phase": "phase3", "item": id}));
    space.faults(&json!(wrong));
}

fn number(value: &Value) -> usize {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no number")).try_into().unwrap()
}

/// What a plan says of itself has to agree with itself.
fn assert_sums(plan: &Value, name: &str) {
    let phases = plan["courses"][0]["phases"].as_array().unwrap();
    for phase in phases {
        let sum: usize = VERDICTS.iter().map(|verdict| number(&phase[verdict])).sum();
        assert_eq!(sum, number(&phase["items"]), "{name}: the partition of {phase:#}");
    }
    for (total, part) in [("calls", "calls"), ("items", "buys")] {
        for bound in ["min", "max"] {
            let sum: usize = phases.iter().map(|phase| number(&phase[part][bound])).sum();
            assert_eq!(sum, number(&plan[total][bound]), "{name}: {total} {bound}: {plan:#}");
        }
    }
}

fn count(plan: &Value, verdict: &str) -> usize {
    plan["courses"][0]["phases"].as_array().unwrap().iter().map(|phase| number(&phase[verdict])).sum()
}

fn check(state: &State) {
    let State { name, args, .. } = *state;
    let space = Space::batching(SEEDS).with_own_rules();
    (state.prepare)(&space);
    let before = space.everything();
    let plan = space.plan(args);
    assert!(before == space.everything(), "{name}: the plan changed a file");
    assert_sums(&plan, name);
    for verdict in state.shows {
        assert!(count(&plan, verdict) > 0, "{name}: no item is {verdict}: {plan:#}");
    }

    let ran = space.build(args).exits(state.exit);
    // LEGOs that nobody has cut yet are no items, so they are pending without being counted.
    let uncut = number(&plan_of(&plan, "phase3")["missing"]);
    let certain = uncut + count(&plan, "pending") + count(&plan, "rejected") == 0;
    let bought: usize = ran.buys(PHASES).iter().map(|(_, items)| items).sum();
    for (what, made) in [("calls", ran.calls()), ("items", bought)] {
        let (min, max) = (number(&plan[what]["min"]), number(&plan[what]["max"]));
        assert!((min..=max).contains(&made), "{name}: {made} {what}, planned {min} to {max}: {plan:#}");
        assert!(!certain || min == max, "{name}: nothing is open, and the plan leaves open {what}: {plan:#}");
    }
    for (at, phase) in PHASES.iter().enumerate() {
        let planned = plan_of(&plan, phase);
        let (calls, items) = ran.buys(PHASES)[at];
        for (what, made) in [("calls", calls), ("buys", items)] {
            let (min, max) = (number(&planned[what]["min"]), number(&planned[what]["max"]));
            assert!((min..=max).contains(&made), "{name}: {phase}: {made} {what}: {planned:#}");
        }
    }
    let after = space.plan(args);
    assert_sums(&after, name);
    if !args.contains(&"-B") {
        assert_eq!(
            after["calls"],
            json!({"min": 0, "max": 0}),
            "{name}: what was bought is bought: {after:#}"
        );
    }
}

#[test]
fn a_plan_is_what_a_build_does() {
    STATES.iter().for_each(check);
}

#[test]
fn every_question_leaves_everything_as_it_is() {
    let space = Space::batching(SEEDS);
    space.build(&["--max-calls", "3"]).exits(4);
    let before = space.everything();
    for args in [
        &["plan"][..],
        &["build", "-n"],
        &["status"],
        &["status", "-v"],
        &["why", "phase1/S0045"],
        &["show", "phase1/S0001"],
        &["prompt", "phase1/3"],
        &["log"],
    ] {
        let ran = space.run(args).exits(0);
        assert!(ran.books.is_empty() && !ran.stdout.is_empty(), "{args:?}: {ran:#?}");
        assert!(before == space.everything(), "{args:?} changed a file");
    }
}

#[test]
fn a_bound_that_suffices_is_no_bound() {
    let space = Space::batching(3);
    let calls = space.build(&[]).exits(0).calls();
    let again = Space::batching(3);
    again.build(&["--max-calls", &calls.to_string()]).exits(0);
    let short = Space::batching(3);
    short.build(&["--max-calls", &(calls - 1).to_string(), "-j", "1"]).exits(4);
}
