//! Cohorts: phases whose items influence each other. What an edit costs is a cohort, in one call; and nothing else is stale.

use crate::support::Space;
use crate::support::expect::{PHASES, assert_as_clean, assert_fresh, plan_of};
use crate::support::synth::Seed;
use serde_json::{Value, json};

/// A course of 80 seeds whose translations are made in cohorts of 20, S0001 to S0020 and so on. Legos and baskets are made as ever.
fn translations() -> Space {
    let space = Space::batching(80).with_own_rules();
    space.replace("rules/phase1.toml", "batch = { size = 20 }", "batch = { size = 20, cohort = true }");
    assert_eq!(space.build(&[]).exits(0).buys(PHASES)[..2], [(4, 80), (4, 80)]);
    space
}

/// Answers that are digests of all that was sent with them, siblings too, in both phases: a sibling that was sent and is in no
/// key makes an incremental build differ from a clean one.
fn digests(seeds: usize) -> Space {
    let space = Space::digests(seeds);
    for (phase, size) in [("first", 4), ("second", 6)] {
        let rule = format!("rules/{phase}.toml");
        space.replace(&rule, &format!("size = {size} }}"), &format!("size = {size}, cohort = true }}"));
        let template = space.read(&format!("rules/prompts/{phase}.md.j2"));
        let item = "<<item {{ item.id }}>>{{ item.id }}: {{ item.input | tojson }}<<end>>";
        let sent = if phase == "first" { "{{ item.input | tojson }}" } else { "{{ item.input.text }}" };
        space.write(&format!("rules/prompts/{phase}.md.j2"), &template.replace(item, sent));
    }
    space
}

fn edit(space: &Space, id: &str, text: &str) {
    space.edit_seeds(|seeds| seeds.iter_mut().find(|seed| seed.id == id).unwrap().source = text.into());
}

fn ids(from: usize, to: usize) -> Vec<String> {
    (from..=to).map(|n| format!("S{n:04}")).collect()
}

/// Builds; it has to cost what the plan says, and `calls` calls for just these items of the first phase.
#[track_caller]
fn costs(space: &Space, phase: &str, calls: usize, items: &[String]) {
    let plan = space.plan(&[]);
    assert_eq!(plan_of(&plan, phase)["calls"], json!({"min": calls, "max": calls}), "{plan:#}");
    let ran = space.build(&[]).exits(0);
    assert_eq!(ran.bought(phase), items);
    assert_eq!(ran.asked().filter(|call| call.phase == phase).count(), calls);
    assert_fresh(space);
}

#[test]
fn an_edit_costs_its_cohort_in_one_call_and_undoing_it_nothing() {
    let space = translations();
    let before = space.read("seeds.json");
    edit(&space, "S0027", "I want to see the old house now.");
    let plan = space.plan(&[]);
    assert_eq!(plan_of(&plan, "phase1")["stale"], 20, "{plan:#}");
    let why = space.run(&["why", "phase1/S0030"]).exits(0).stdout;
    assert!(why.contains("another item of its cohort changed"), "{why}");
    let why = space.run(&["why", "phase1/S0027"]).exits(0).stdout;
    assert!(why.contains("input `source` changed") && !why.contains("cohort"), "{why}");
    costs(&space, "phase1", 1, &ids(21, 40));
    space.write("seeds.json", &before);
    assert_eq!(space.build(&[]).exits(0).calls(), 0);
    assert_as_clean(&space);
}

#[test]
fn a_seed_that_comes_goes_or_moves_costs_the_cohort_of_its_id_only() {
    let space = translations();
    space.edit_seeds(|seeds| {
        let text = "I want to speak with the old woman.".to_owned();
        seeds.insert(45, Seed { id: "S0045.5".into(), source: text });
    });
    let with: Vec<String> = ids(41, 60)
        .into_iter()
        .flat_map(|id| if id == "S0045" { vec![id, "S0045.5".into()] } else { vec![id] })
        .collect();
    costs(&space, "phase1", 1, &with);
    space.edit_seeds(|seeds| seeds.retain(|seed| seed.id != "S0003"));
    let rest: Vec<String> = ids(1, 20).into_iter().filter(|id| id != "S0003").collect();
    costs(&space, "phase1", 1, &rest);
    // Where it stands in the course is not what puts it into a cohort; but a cohort is sent in order.
    space.edit_seeds(|seeds| {
        let at = seeds.iter().position(|seed| seed.id == "S0062").unwrap();
        let moved = seeds.remove(at);
        seeds.insert(0, moved);
    });
    let mut moved = ids(61, 80);
    moved.swap(0, 1);
    costs(&space, "phase1", 1, &moved);
    // The last of its cohort stays the last of it.
    space.edit_seeds(|seeds| {
        let at = seeds.iter().position(|seed| seed.id == "S0020").unwrap();
        let moved = seeds.remove(at);
        seeds.push(moved);
    });
    costs(&space, "phase1", 0, &[]);
    assert_as_clean(&space);
}

#[test]
fn a_failed_item_is_asked_for_again_without_its_siblings() {
    let space = translations();
    space.faults(&json!([{"fault": "missing", "phase": "phase1", "item": "S0005", "attempts": [1]}]));
    edit(&space, "S0007", "I want to see the old house now.");
    let ran = space.build(&[]).exits(0);
    let calls: Vec<usize> =
        ran.asked().filter(|call| call.phase == "phase1").map(|call| call.items.len()).collect();
    assert_eq!(calls, [20, 1]);
    assert_fresh(&space);
}

#[test]
fn who_names_an_item_gets_its_cohort_and_status_counts_by_cohorts() {
    let space = translations();
    edit(&space, "S0027", "I want to see the old house now.");
    edit(&space, "S0061", "I want to see the old woman now.");
    let ran = space.build(&["phase1/S0030"]).exits(0);
    assert_eq!(ran.bought("phase1"), ids(21, 40));
    let ran = space.build(&["--items", "S0080", "--phase", "phase1"]).exits(0);
    assert_eq!(ran.bought("phase1"), ids(61, 80));
    space.build(&[]).exits(0);
    let status: Value =
        serde_json::from_str(&space.run(&["status", "--format", "json"]).exits(0).stdout).unwrap();
    let batches = status["courses"][0]["phases"][0]["batches"].as_array().unwrap();
    let told: Vec<(&str, &str)> = batches
        .iter()
        .map(|batch| (batch["first"].as_str().unwrap(), batch["last"].as_str().unwrap()))
        .collect();
    assert_eq!(told, [("S0001", "S0020"), ("S0021", "S0040"), ("S0041", "S0060"), ("S0061", "S0080")]);
    let prompt = space.run(&["prompt", "phase1/S0030"]).exits(0).stdout;
    assert!(prompt.contains("S0021-S0040"), "{prompt}");
}

#[test]
fn siblings_are_in_the_key_wherever_a_cohort_is_fed_from() {
    let space = digests(23);
    // The section for S0003 to S0006 cuts two cohorts of the first phase in two.
    let ran = space.build(&["-j", "3"]).exits(0);
    let [(first, _), (second, parts)] = ran.buys(["first", "second"]);
    assert_eq!((first, second), (8, 4));
    assert_fresh(&space);
    edit(&space, "S0010", "Something else is said here.");
    let ran = space.build(&[]).exits(0);
    assert_eq!(ran.bought("first"), ids(9, 12));
    // These four are in two cohorts of the phase after it, S0007 to S0012 being one of them.
    let [_, (calls, items)] = ran.buys(["first", "second"]);
    assert_eq!(calls, 1);
    assert!(
        items < parts
            && ran.bought("second").iter().all(|id| (7..=12).contains(&id[1..5].parse::<usize>().unwrap()))
    );
    assert_as_clean(&space);
    space.edit_seeds(|seeds| drop(seeds.remove(16)));
    space.build(&["-j", "5"]).exits(0);
    assert_fresh(&space);
    assert_as_clean(&space);
    // A clone that has neither store nor tables.
    space.remove(".coursebuild");
    assert_fresh(&space);
}

#[test]
fn a_cohort_waits_for_a_sibling_that_cannot_be_made() {
    let space = digests(12);
    space.faults(&json!([{"fault": "missing", "phase": "first", "item": "S0009"}]));
    let ran = space.build(&["-k"]).exits(1);
    let bought = ran.bought("second");
    assert!(
        !bought.is_empty() && bought.iter().all(|id| id[1..5].parse::<usize>().unwrap() <= 6),
        "{bought:?}"
    );
    let why = space.run(&["why", "second"]).stdout;
    assert!(why.contains("S0009"), "{why}");
    space.faults(&json!([]));
    let ran = space.build(&["--retry-failed"]).exits(0);
    assert_eq!(ran.buys(["first", "second"])[1].0, 1);
    assert_fresh(&space);
}

#[test]
fn a_cohort_is_never_split_and_its_rule_is_checked() {
    let space = translations();
    space.replace("rules/phase1.toml", "cohort = true }", "cohort = true, max_prompt_bytes = 100 }");
    edit(&space, "S0027", "I want to see the old house now.");
    for command in ["plan", "build"] {
        let ran = space.run(&[command]).exits(2);
        assert!(
            ran.stderr.contains("the cohort `S0021` to `S0040` of `phase1` is too large for a call"),
            "{ran:#?}"
        );
        assert!(ran.books.is_empty());
    }
    space.replace("rules/phase1.toml", "max_prompt_bytes = 100", "max_prompt_bytes = 1000000");
    costs(&space, "phase1", 1, &ids(21, 40));
    let context = "\n[[context]]\nname = \"pairs\"\nfrom = \"phase1\"\nrole = \"key\"\n";
    let rule = space
        .read("rules/phase3.toml")
        .replace("batch = { size = 20 }", "batch = { size = 20, cohort = true }");
    space.write("rules/phase3.toml", &(rule + context));
    let ran = space.run(&["plan"]).exits(2);
    assert!(ran.stderr.contains("the key context `pairs` differs between the items of a cohort"), "{ran:#?}");
}
