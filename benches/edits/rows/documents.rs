//! Edits of documents, rules and checks.

use super::{Row, Step, all_translations, nothing, restore, row, step, teach, touch};
use crate::peers::FileGraph;
use crate::synth::Seed;

pub(super) fn rows() -> Vec<Row> {
    let document: fn(&FileGraph, &[Seed]) = |graph, _| touch(&graph.path("doc1.md"));
    vec![
        row([step(
            "a section edited, the answers come out the same",
            |made| teach(made.space),
            all_translations,
            "all are sent it; nothing later changes",
            Some(document),
        )]),
        row([
            Step {
                args: &["--items", "S0101-S0200"],
                ..step(
                    "a section edited, `--items S0101-S0200`",
                    |made| teach(made.space),
                    |_| [(5, 100), (0, 0), (0, 0)],
                    "those asked for",
                    None,
                )
            },
            step(
                "… then the rest",
                |_| {},
                |seeds| {
                    let [(calls, items), ..] = all_translations(seeds);
                    [(calls - 5, items - 100), (0, 0), (0, 0)]
                },
                "those that are left",
                None,
            ),
        ]),
        row([
            step(
                "a check tightened, 3 items fail",
                |made| made.space.replace("rules/phase3.toml", "severity = \"off\"\n", ""),
                |_| [(0, 0), (1, 3), (1, 3)],
                "one call with the three; in each one LEGO was wrong, which gets a new basket",
                None,
            ),
            step(
                "… loosened again",
                |made| restore(made, "rules/phase3.toml"),
                nothing,
                "what passed the stricter check passes still",
                None,
            ),
        ]),
    ]
}
