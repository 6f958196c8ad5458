//! Edits of documents, rules, checks and the model.

use super::{
    Buys, DOCUMENT, MANIFEST, MODEL, Made, Row, Step, all_translations, edited, insert, middle, nothing,
    one_seed, restore, row, step, teach, touch,
};
use crate::peers::{FileGraph, legos};
use crate::synth::Seed;

/// Declares another model in the manifest, where results of the one before stay.
fn change_model(made: &Made<'_>) {
    let keeps = crate::PHASES.map(|phase| format!("\n[phase.{phase}]\non_model_change = \"keep\"\n"));
    let manifest = made.space.read(MANIFEST).replace(MODEL, "new-model");
    made.space.write(MANIFEST, &(manifest + &keeps.concat()));
}

/// Takes the policy back, and leaves the new model.
fn regenerate(made: &Made<'_>) {
    let manifest = made.space.read(MANIFEST).replace("\"keep\"", "\"regenerate\"");
    made.space.write(MANIFEST, &manifest);
}

/// All seeds and their LEGOs.
fn by_the_other_model(seeds: &[Seed]) -> Buys {
    let [(calls, items), ..] = all_translations(seeds);
    let scope = crate::SCOPE.0 - 1..crate::SCOPE.1;
    let inside: usize = seeds[scope].iter().map(legos).sum();
    let all: usize = seeds.iter().map(legos).sum();
    let baskets = inside.div_ceil(60) + (all - inside).div_ceil(60);
    [(calls, items), (calls, items), (baskets, all)]
}

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
                "a section edited and accepted",
                |made| {
                    teach(made.space);
                    made.space.run(&["accept", DOCUMENT, "--reason", "a typo"]).exits(0);
                },
                nothing,
                "what was made before it counts as made after it",
                Some(document),
            ),
            step(
                "… the acceptance revoked",
                |made| drop(made.space.run(&["accept", "--revoke", DOCUMENT]).exits(0)),
                all_translations,
                "as if it had never been accepted",
                None,
            ),
        ]),
        row([
            step(
                "the model changed with `on_model_change = \"keep\"`",
                change_model,
                nothing,
                "what is there stays",
                None,
            ),
            step(
                "… then a seed inserted",
                |made| made.space.edit_seeds(insert),
                |seeds| one_seed(legos(&edited(seeds, insert)[middle(seeds)])),
                "the new seed alone, by the new model",
                None,
            ),
            step(
                "… the policy set back to `regenerate`",
                regenerate,
                by_the_other_model,
                "all that the old model made",
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
