//! Where courses come from: several in one manifest, a range of the seeds, seeds that a program prints.

use crate::support::Space;
use crate::support::expect::{PHASES, built};

const SEEDS: usize = 6;

#[test]
fn several_courses_are_built_and_named_apart() {
    let space = built(Space::batching(SEEDS));
    let one = space.read("coursebuild.toml");
    let course = one[one.find("[[course]]").unwrap()..].to_owned();
    let other = course.replace("course\"", "other\"").replace("qaa", "qab");
    assert_ne!(course, other);
    space.write("coursebuild.toml", &format!("{one}\n{other}"));
    let ran = space.build(&[]).exits(0);
    assert_eq!(ran.buys(PHASES)[0], (1, SEEDS), "the other course alone: it is another one");
    assert!(
        space.path("other/coursebuild.lock").is_file() && space.path("course/coursebuild.lock").is_file()
    );
    assert_eq!(space.build(&[]).exits(0).calls(), 0);
    let plan = space.plan(&[]);
    assert_eq!(plan["courses"].as_array().unwrap().len(), 2);
    let ran = space.run(&["why", "phase1/S0001"]).exits(2);
    assert!(ran.stderr.contains("names no course") && ran.stderr.contains("qab_for_eng"), "{}", ran.stderr);
    space.run(&["why", "qab_for_eng/phase1/S0001"]).exits(0);
}

#[test]
fn a_range_is_a_smaller_course_of_the_same_seeds() {
    let space = Space::batching(SEEDS);
    let whole = space.read("coursebuild.toml");
    space.write("coursebuild.toml", &format!("{whole}range = \"S0002-S0003\"\n"));
    assert_eq!(space.build(&[]).exits(0).bought("phase1").len(), 2);
    space.write("coursebuild.toml", &whole);
    assert_eq!(
        space.build(&[]).exits(0).bought("phase1").len(),
        SEEDS - 2,
        "what is there is not bought again"
    );
}

#[test]
fn seeds_that_a_program_prints_are_asked_for_every_time() {
    let space = Space::batching(SEEDS);
    space.replace(
        "coursebuild.toml",
        "seeds = \"seeds.json\"",
        "seeds = { argv = [\"/bin/cat\", \"seeds.json\"] }",
    );
    assert_eq!(space.build(&[]).exits(0).bought("phase1").len(), SEEDS);
    assert_eq!(space.build(&[]).exits(0).calls(), 0);
    space.edit_seeds(|seeds| seeds[2].source.push_str(" anew"));
    assert_eq!(space.build(&[]).exits(0).bought("phase1"), ["S0003"]);
    space.replace("coursebuild.toml", "/bin/cat", "/bin/false");
    let ran = space.run(&["build"]);
    assert_ne!(ran.code, Some(0));
    assert!(ran.stderr.contains("/bin/false"), "{}", ran.stderr);
}

#[test]
fn a_language_without_a_pack_is_built_and_what_is_not_checked_is_said() {
    let space = Space::batching(SEEDS);
    let ran = space.build(&[]).exits(0);
    let warnings: Vec<&str> = ran
        .events
        .iter()
        .filter(|event| event["event"] == "warning")
        .filter_map(|event| event["message"].as_str())
        .collect();
    assert!(
        warnings
            .iter()
            .any(|text| text.contains("no language pack for `qaa`") && text.contains("`hard_rules`")),
        "{warnings:?}"
    );
}
