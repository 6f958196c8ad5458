//! Waiving what an output fails beside others: a person decides once, whatever hides behind what.

use crate::support::Space;
use crate::support::expect::{assert_fresh, built, plan_of};
use serde_json::{Value, json};

const OFF: &str = "\n[phase.phase3.check.determinism]\nseverity = \"off\"\n";

fn collides(seed: &str) -> Value {
    json!({"fault": "known", "phase": "phase3", "item": seed, "text": "the same"})
}

#[test]
fn a_generated_result_that_is_refused_beside_others_can_be_waived() {
    let space = Space::batching(8);
    let manifest = space.read("coursebuild.toml");
    space.write("coursebuild.toml", &format!("{manifest}{OFF}"));
    space.faults(&json!([collides("S0002"), collides("S0007")]));
    let space = built(space);
    space.write("coursebuild.toml", &manifest);
    let refused = space.plan(&[]);
    assert_eq!(plan_of(&refused, "phase3")["rejected"], 1, "{refused:#}");
    let ran = space.run(&["waive", "phase3/S0007", "--reason", "they are told apart by voice"]).exits(0);
    assert!(
        ran.stdout.contains("determinism") && ran.stdout.contains("a build makes 0 calls"),
        "{}",
        ran.stdout
    );
    assert_eq!(space.build(&[]).exits(0).calls(), 0);
    assert_fresh(&space);
    space.run(&["waive", "--revoke", "phase3/S0007"]).exits(0);
    assert_eq!(space.plan(&[])["calls"], refused["calls"]);
}

/// A basket that fails by itself (it is not the whole seed) and beside the vocabulary, which is looked at after that.
fn failing_twice(space: &Space) -> String {
    let baskets = space.json("course/lego_baskets.json");
    let (id, _) = baskets.as_object().unwrap().iter().rfind(|(id, _)| id.starts_with("S0004")).unwrap();
    space.edit_json("course/lego_baskets.json", |baskets| baskets[id]["e"][0][0] = json!("never taught"));
    assert_eq!(plan_of(&space.plan(&[]), "phase5")["held"], 1);
    format!("phase5/{id}")
}

#[test]
fn what_shows_only_when_something_else_is_waived_is_waived_with_it() {
    let space = built(Space::batching(8));
    let target = failing_twice(&space);
    let ran = space.run(&["waive", &target, "--reason", "a saying"]).exits(0);
    assert!(ran.stdout.contains("culminating: ") && ran.stdout.contains("vocabulary: "), "{}", ran.stdout);
    assert_eq!(plan_of(&space.plan(&[]), "phase5")["held"], 0, "{}", ran.stdout);
    assert_eq!(space.build(&[]).exits(0).calls(), 0);
    assert_fresh(&space);
    space.run(&["waive", "--revoke", &target]).exits(0);
    assert_eq!(plan_of(&space.plan(&[]), "phase5")["held"], 1);
}

#[test]
fn a_named_check_is_waived_alone() {
    let space = built(Space::batching(8));
    let target = failing_twice(&space);
    let ran = space.run(&["waive", &target, "--check", "culminating", "--reason", "a saying"]).exits(0);
    assert!(!ran.stdout.contains("vocabulary: "), "{}", ran.stdout);
    assert_eq!(plan_of(&space.plan(&[]), "phase5")["held"], 1, "it is not in the vocabulary either");
    space.run(&["waive", &target, "--check", "vocabulary", "--reason", "a saying"]).exits(0);
    assert_eq!(plan_of(&space.plan(&[]), "phase5")["held"], 0);
}
