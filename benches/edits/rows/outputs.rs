//! Edits of what was built.

use super::{LEGOS, PAIRS, Row, middle, nothing, row, step, touch};
use crate::peers::legos;
use crate::support::Space;
use crate::synth::Seed;
use serde_json::{Value, json};

/// Splits one LEGO of the middle seed that has more than one word into two: the last such, or the first.
fn split_lego(space: &Space, seeds: &[Seed], last: bool) {
    let at = splittable(seeds, last);
    space.edit_json(LEGOS, |all| {
        let seed = &mut all[at];
        let id = seed[0].as_str().unwrap().to_owned();
        let legos = seed[2].as_array().unwrap().clone();
        let which = if last { legos.len() - 1 } else { 0 };
        let mut cut: Vec<Value> = Vec::new();
        for (number, lego) in legos.iter().enumerate() {
            if number == which {
                let parts = lego[4].as_array().unwrap();
                cut.push(joined(&parts[..1]));
                cut.push(joined(&parts[1..]));
            } else {
                cut.push(lego.clone());
            }
        }
        for (number, lego) in cut.iter_mut().enumerate() {
            lego[0] = format!("{id}L{:02}", number + 1).into();
        }
        seed[2] = cut.into();
    });
}

fn joined(parts: &[Value]) -> Value {
    let side =
        |side: usize| parts.iter().map(|part| part[side].as_str().unwrap()).collect::<Vec<_>>().join(" ");
    match parts {
        [_] => json!(["", "B", side(0), side(1)]),
        _ => json!(["", "C", side(0), side(1), parts]),
    }
}

/// A seed with at least three LEGOs, whose first or last can be split.
fn splittable(seeds: &[Seed], last: bool) -> usize {
    let words = |seed: &Seed| seed.source.split(' ').count();
    let fits = |seed: &Seed| {
        let count = legos(seed);
        let edge = |at: usize| at * words(seed) / count;
        let which = if last { count - 1 } else { 0 };
        count >= 3 && edge(which + 1) - edge(which) >= 2
    };
    (middle(seeds)..seeds.len()).find(|&at| fits(&seeds[at])).unwrap()
}

pub(super) fn rows() -> Vec<Row> {
    let lost = "the store has it";
    vec![
        row([step(
            "one LEGO more in one seed, by hand",
            |made| split_lego(made.space, made.seeds, true),
            |_| [(0, 0), (0, 0), (1, 2)],
            "the two that one became",
            Some(|graph, seeds| {
                let at = splittable(seeds, true);
                touch(&graph.path(&format!("out/p3/{:05}.json", at / 20 + 1)));
                graph.rewrite(seeds, Some(at));
            }),
        )]),
        row([step(
            "a seed cut anew by hand, ids shift",
            |made| split_lego(made.space, made.seeds, false),
            |_| [(0, 0), (0, 0), (1, 2)],
            "baskets follow their LEGO's texts",
            Some(|graph, seeds| {
                let at = splittable(seeds, false);
                touch(&graph.path(&format!("out/p3/{:05}.json", at / 20 + 1)));
                graph.rewrite(seeds, Some(at));
            }),
        )]),
        row([step(
            "a batch's output deleted",
            |made| {
                made.space.edit_json(PAIRS, |pairs| {
                    let pairs = pairs.as_object_mut().unwrap();
                    made.seeds[20..40].iter().for_each(|seed| drop(pairs.shift_remove(&seed.id)));
                });
            },
            nothing,
            lost,
            Some(|graph, _| std::fs::remove_file(graph.path("out/p1/00002.json")).unwrap()),
        )]),
        row([step(
            "the main files deleted",
            |made| made.space.remove("course"),
            nothing,
            lost,
            Some(|graph, _| {
                for name in ["seed_pairs", "lego_pairs", "lego_baskets"] {
                    std::fs::remove_file(graph.path(&format!("out/{name}.json"))).unwrap();
                }
            }),
        )]),
        row([step(
            "`.coursebuild/` deleted",
            |made| made.space.remove(".coursebuild"),
            nothing,
            "lock and main files are a store",
            None,
        )]),
    ]
}
