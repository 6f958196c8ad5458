//! What has to hold after a build, whatever was edited before it.

use super::Space;
use serde_json::{Value, json};

/// The phases of `builtin:batching@1`.
pub(crate) const PHASES: [&str; 3] = ["phase1", "phase3", "phase5"];

/// What a course of `builtin:batching@1` is made of.
pub(crate) const MAIN_FILES: [&str; 4] = [
    "course/seed_pairs.json",
    "course/lego_pairs.json",
    "course/lego_baskets.json",
    "course/coursebuild.lock",
];

/// Builds a space that is new, and returns it.
pub(crate) fn built(space: Space) -> Space {
    let ran = space.build(&[]).exits(0);
    assert!(ran.calls() > 0, "{ran:#?}");
    space
}

/// Builds again: 0 calls, and no file outside the store changes.
#[track_caller]
pub(crate) fn assert_fresh(space: &Space) {
    let before = space.files();
    let ran = space.build(&[]).exits(0);
    assert_eq!(ran.calls(), 0, "{ran:#?}");
    assert!(before == space.files(), "a build without calls changed a file");
    let plan = space.plan(&["--exit-code"]);
    assert_eq!(plan["calls"], json!({"min": 0, "max": 0}), "{plan:#}");
}

/// The main files are those that a build of the same inputs from nothing makes in another folder.
#[track_caller]
pub(crate) fn assert_as_clean(space: &Space) {
    let clean = Space::inputs_of(space);
    clean.build(&[]).exits(0);
    for (path, bytes) in space.outputs() {
        assert_eq!(String::from_utf8(bytes).unwrap(), clean.read(&path), "{path} differs from a clean build");
    }
    assert!(space.outputs().keys().eq(clean.outputs().keys()), "other main files than a clean build makes");
}

/// A phase's part of the plan of the one course.
pub(crate) fn plan_of<'p>(plan: &'p Value, phase: &str) -> &'p Value {
    let phases = plan["courses"][0]["phases"].as_array().unwrap();
    phases.iter().find(|found| found["phase"] == phase).unwrap_or_else(|| panic!("no {phase} in {plan:#}"))
}
