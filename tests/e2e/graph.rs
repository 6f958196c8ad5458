//! `graph` names documents, phases and main files, and who goes into whom.

use crate::support::Space;
use crate::support::expect::built;

#[test]
fn a_course_is_drawn_from_its_documents_to_its_main_files() {
    let space = built(Space::batching(3));
    let dot = space.run(&["graph"]).exits(0).stdout;
    for wanted in [
        "\"phase:qaa_for_eng/phase3\" -> \"phase:qaa_for_eng/phase5\" [label=\"items\"];",
        "\"phase:qaa_for_eng/phase3\" -> \"phase:qaa_for_eng/phase5\" [label=\"vocabulary (hint)\", style=dashed];",
        "\"document:docs/phase_intelligence/phase_3_legos.md\" -> \"phase:qaa_for_eng/phase3\" [label=\"\"];",
        "\"phase:qaa_for_eng/phase1\" -> \"main_file:course/seed_pairs.json\" [label=\"\"];",
        "label=\"qaa_for_eng/phase1\\ntranslation\\n3 fresh\"",
    ] {
        assert!(dot.contains(wanted), "{wanted} is not in {dot}");
    }
    let mermaid = space.run(&["graph", "--as", "mermaid", "phase1"]).exits(0).stdout;
    assert!(mermaid.starts_with("flowchart LR\n"), "{mermaid}");
    assert!(!mermaid.contains("phase3"), "only what was asked for: {mermaid}");
    let json = space.run(&["graph", "--format", "json"]).exits(0).stdout;
    let graph: serde_json::Value = serde_json::from_str(&json).unwrap();
    let ids: Vec<&str> =
        graph["nodes"].as_array().unwrap().iter().map(|node| node["id"].as_str().unwrap()).collect();
    for edge in graph["edges"].as_array().unwrap() {
        for end in ["from", "to"] {
            assert!(ids.contains(&edge[end].as_str().unwrap()), "{edge} leads nowhere");
        }
    }
}
