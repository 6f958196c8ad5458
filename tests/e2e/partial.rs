//! A build of some items only after an edit of a document: the rest stays stale, and `status` tells what each part was made from.

use crate::support::Space;
use crate::support::expect::{PHASES, assert_as_clean, assert_fresh, built};
use serde_json::{Value, json};

fn made(space: &Space, phase: usize) -> Value {
    let status = space.run(&["status", "--format", "json"]).exits(0).stdout;
    let status: Value = serde_json::from_str(&status).unwrap();
    status["courses"][0]["phases"][phase]["made"].clone()
}

#[test]
fn a_main_file_of_two_versions_of_a_document_is_told_and_brought_to_one() {
    let space = built(Space::batching(60));
    assert_eq!(made(&space, 1), json!([{"items": 60, "present": true, "changed": [], "since_ms": null}]));
    let text = space.run(&["status"]).exits(0).stdout;
    assert!(!text.contains("recipe"), "{text}");
    let document = "docs/phase_intelligence/phase_3_legos.md";
    space.replace(document, "\n### Rule 1.1\n", "\n### Rule 1.1\n\nMind the word order.\n");
    let ran = space.build(&["--items", "S0021-S0040", "--phase", "phase3"]).exits(0);
    assert_eq!(ran.buys(PHASES)[1], (1, 20));
    let made_now = made(&space, 1);
    assert_eq!(made_now[0], json!({"items": 20, "present": true, "changed": [], "since_ms": null}));
    assert_eq!((&made_now[1]["items"], &made_now[1]["present"]), (&json!(40), &json!(false)));
    let changed = made_now[1]["changed"].as_array().unwrap();
    assert!(changed.len() == 1 && changed[0].as_str().unwrap().contains("Rule 1.1"), "{changed:?}");
    assert!(made_now[1]["since_ms"].as_u64().is_some_and(|ms| ms > 1_600_000_000_000));
    let text = space.run(&["status"]).exits(0).stdout;
    assert!(text.contains("    20 made from the present recipe\n"), "{text}");
    assert!(text.contains("    40 made from an older recipe as of 20"), "{text}");
    // The rest, which the first part is not bought again for.
    let ran = space.build(&[]).exits(0);
    assert_eq!(ran.buys(PHASES)[1], (2, 40));
    assert_eq!(made(&space, 1), json!([{"items": 60, "present": true, "changed": [], "since_ms": null}]));
    assert_fresh(&space);
    assert_as_clean(&space);
    // Where nobody knows what the rest was made from, that is said.
    space.replace(
        document,
        "\n### Rule 1.1\n\nMind the word order.\n",
        "\n### Rule 1.1\n\nMind the order.\n",
    );
    space.remove(".coursebuild");
    assert_eq!(made(&space, 1), json!([{"items": 60, "present": false, "changed": null, "since_ms": null}]));
}
