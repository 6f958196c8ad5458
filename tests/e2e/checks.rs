//! The built-in rules judge the example course: what is built passes every check, also those over the whole course.

use crate::support::Space;
use coursebuild::check::{Checks, Lexicon, Subject};
use coursebuild::course::{Names, Rule, Severity, Upstream, draft_items, load};
use coursebuild::json::{Ids, Value};
use std::sync::Arc;

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/spa_for_eng_20seeds");

#[test]
fn the_example_course_passes_every_check() {
    let space = Space::new();
    for entry in walkdir::WalkDir::new(EXAMPLE).into_iter().map(Result::unwrap) {
        let inside = entry.path().strip_prefix(EXAMPLE).unwrap().to_str().unwrap();
        if entry.file_type().is_file() && !inside.starts_with("out") && !inside.starts_with(".coursebuild") {
            space.write(inside, &std::fs::read_to_string(entry.path()).unwrap());
        }
    }
    let ran = space.build(&["--yes"]);
    assert_eq!(ran.code, Some(0), "{ran:#?}");

    let workspace = load(&space.path("coursebuild.toml"), &[]).unwrap();
    let course = &workspace.courses[0];
    assert!(course.phases.iter().all(|phase| phase.left_out.is_empty() && !phase.rule.checks.is_empty()));
    let main = |name: &str| space.json(&format!("out/spa_for_eng/{name}"));
    let (pairs, legos, baskets) =
        (main("seed_pairs.json"), main("lego_pairs.json"), main("lego_baskets.json"));

    let mut lexicon = Lexicon::default();
    // Builds do not run the checks that compare items with one another yet; here they all judge.
    let all_on = |rule: &Rule| {
        let mut rule = rule.clone();
        let off = rule.checks.iter_mut().filter(|check| check.severity == Severity::Off);
        off.for_each(|check| check.severity = Severity::Error);
        Checks::compile(&rule).unwrap()
    };
    let phases: Vec<Checks> = course.phases.iter().map(|phase| all_on(&phase.rule)).collect();
    assert_eq!(phases.iter().map(Checks::reads_course).collect::<Vec<_>>(), [true, true, false]);
    let spec = phases[2].reads().unwrap();
    assert_eq!(spec.phase, 1);
    for (seed, root) in legos.as_array().unwrap().iter().zip(0..) {
        spec.teach(&mut lexicon, root, seed);
    }
    let mut ledgers: Vec<_> = phases.iter().map(Checks::ledger).collect();
    let mut counted = [0; 3];
    let mut judge =
        |phase: usize, id: &str, root: (usize, &Arc<str>), own: u32, input: &Value, output: &Value| {
            let subject = Subject { ids: Ids { id, root: root.1 }, position: root.0, input, output };
            let checks = &phases[phase];
            let mut findings = checks.item(&subject);
            findings.extend(checks.in_order(&ledgers[phase], &subject));
            checks.admit(&mut ledgers[phase], &subject);
            let own = (u32::try_from(root.0).unwrap(), own);
            findings.extend(checks.with_lexicon(&lexicon, own, &subject));
            let errors: Vec<_> = findings.iter().filter(|finding| finding.is_error()).collect();
            assert!(errors.is_empty(), "{errors:#?}");
            counted[phase] += 1;
        };
    for (at, item) in course.phases[0].source.iter().enumerate() {
        let root = (at, &item.id);
        let upstream = |value| Upstream { id: &item.id, root: &item.id, value };
        let inputs = |phase: usize, value| {
            draft_items(&course.phases[phase].rule, Names::from(course), &upstream(value)).unwrap()
        };
        let (pair, cut) = (&pairs[&*item.id], &legos[at]);
        judge(0, &item.id, root, 0, &inputs(0, &item.value)[0].input, pair);
        judge(1, &item.id, root, 0, &inputs(1, pair)[0].input, cut);
        for lego in inputs(2, cut) {
            judge(2, &lego.id, root, u32::try_from(lego.index).unwrap(), &lego.input, &baskets[&*lego.id]);
        }
    }
    assert_eq!(counted, [20, 20, 69]);
}
