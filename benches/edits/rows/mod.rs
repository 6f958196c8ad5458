//! The edits, and what each ought to cost, written down by hand.

mod documents;
mod outputs;

use crate::peers::{FileGraph, legos};
use crate::support::Space;
use crate::synth::{self, Seed};
use serde_json::json;

/// Calls and items, by phase.
pub(crate) type Buys = [(usize, usize); 3];

/// Where an edit is made.
pub(crate) struct Made<'a> {
    /// The workspace that is edited.
    pub(crate) space: &'a Space,
    /// The workspace as it was built.
    pub(crate) before: &'a Space,
    /// The seeds that it was built from.
    pub(crate) seeds: &'a [Seed],
}

/// Steps on one copy of the built course.
pub(crate) struct Row {
    pub(crate) steps: Vec<Step>,
}

/// An edit and the build after it.
pub(crate) struct Step {
    pub(crate) what: &'static str,
    pub(crate) edit: fn(&Made<'_>),
    pub(crate) args: &'static [&'static str],
    pub(crate) ideal: fn(&[Seed]) -> Buys,
    pub(crate) because: &'static str,
    /// The same edit for make and ninja, where they have the like.
    pub(crate) peers: Option<fn(&FileGraph, &[Seed])>,
}

const MANIFEST: &str = "coursebuild.toml";
const MODEL: &str = "old-model";
const DOCUMENT: &str = "docs/phase_intelligence/phase_1_translation.md";
const PAIRS: &str = "course/seed_pairs.json";
const LEGOS: &str = "course/lego_pairs.json";
const TILING: &str = "use = \"tiling\"\n";
/// The items whose first answers are wrong, while the check that would tell is switched off.
const WRONG: [usize; 3] = [6, 32, 54];

/// Before the course is built: a model is declared, the tiling is not checked, and three seeds are cut wrongly.
pub(crate) fn prepare(space: &Space) {
    let command = "use = \"command\"\n";
    space.replace(MANIFEST, command, &format!("{command}model = \"{MODEL}\"\n"));
    space.replace("rules/phase3.toml", TILING, &format!("{TILING}severity = \"off\"\n"));
    let seeds = space.seeds();
    let wrong = WRONG.map(|at| json!({"fault": "wrong", "phase": "phase3", "item": seeds[at].id}));
    space.faults(&json!(wrong));
}

/// All rows. The first ten are those that larger courses are measured with.
pub(crate) fn all() -> Vec<Row> {
    let mut rows = inputs();
    rows.extend(documents::rows());
    rows.extend(outputs::rows());
    rows
}

fn row(steps: impl Into<Vec<Step>>) -> Row {
    Row { steps: steps.into() }
}

fn step(
    what: &'static str,
    edit: fn(&Made<'_>),
    ideal: fn(&[Seed]) -> Buys,
    because: &'static str,
    peers: Option<fn(&FileGraph, &[Seed])>,
) -> Step {
    Step { what, edit, args: &[], ideal, because, peers }
}

fn nothing(_: &[Seed]) -> Buys {
    [(0, 0); 3]
}

/// One seed that gives so many LEGOs.
fn one_seed(legos: usize) -> Buys {
    [(1, 1), (1, 1), (1, legos)]
}

fn middle(seeds: &[Seed]) -> usize {
    seeds.len() / 2
}

/// The seeds after an edit of them.
fn edited(seeds: &[Seed], edit: impl FnOnce(&mut Vec<Seed>)) -> Vec<Seed> {
    let mut seeds = seeds.to_vec();
    edit(&mut seeds);
    seeds
}

/// Gives the middle seed a word of another seed, one that leaves it with as many LEGOs.
fn known_word(seeds: &mut [Seed]) {
    let (at, count) = (middle(seeds), legos(&seeds[middle(seeds)]));
    let others: Vec<String> = seeds.iter().map(|seed| last_word(&seed.source)).collect();
    let before = seeds[at].source.clone();
    for word in others {
        seeds[at].source = with_middle_word(&before, &word);
        if seeds[at].source != before && legos(&seeds[at]) == count {
            return;
        }
    }
    panic!("no word fits");
}

fn last_word(source: &str) -> String {
    source.trim_end_matches('.').split(' ').next_back().unwrap().to_lowercase()
}

fn with_middle_word(source: &str, word: &str) -> String {
    let mut words: Vec<&str> = source.split(' ').collect();
    let at = words.len() / 2;
    words[at] = word;
    words.join(" ")
}

/// Gives a seed a word that no seed has, one that leaves it with as many LEGOs.
fn new_word(seeds: &mut [Seed], at: usize) {
    let count = legos(&seeds[at]);
    let before = seeds[at].source.clone();
    for turn in 1.. {
        seeds[at].source.clone_from(&before);
        synth::change_word(seeds, at, turn);
        if legos(&seeds[at]) == count {
            return;
        }
    }
}

fn new_middle_word(seeds: &mut [Seed]) {
    new_word(seeds, middle(seeds));
}

fn insert(seeds: &mut Vec<Seed>) {
    let at = middle(seeds);
    synth::insert(seeds, at);
}

fn delete(seeds: &mut Vec<Seed>) {
    let at = middle(seeds);
    synth::delete(seeds, at);
}

fn shift(seeds: &mut Vec<Seed>) {
    let at = middle(seeds);
    synth::shift(seeds, at + 30, at - 30);
}

fn scattered(seeds: &mut [Seed]) {
    for at in scattered_places(seeds) {
        new_word(seeds, at);
    }
}

fn scattered_places(seeds: &[Seed]) -> impl Iterator<Item = usize> + use<> {
    let apart = seeds.len() / 31;
    (1..=30).map(move |number| number * apart)
}

/// Puts a sentence into a section of the first document.
fn teach(space: &Space) {
    space.replace(DOCUMENT, "\n### Rule 1.1\n", "\n### Rule 1.1\n\nMind the word order.\n");
}

fn restore(made: &Made<'_>, path: &str) {
    made.space.write(path, &made.before.read(path));
}

fn touch(path: &std::path::Path) {
    let file = std::fs::File::options().append(true).open(path).unwrap();
    file.set_modified(std::time::SystemTime::now()).unwrap();
}

/// What a section of the first document costs: those that are sent the scoped section too go in calls of their own.
fn all_translations(seeds: &[Seed]) -> Buys {
    let scoped = crate::SCOPE.1 - crate::SCOPE.0 + 1;
    [(scoped.div_ceil(20) + (seeds.len() - scoped).div_ceil(20), seeds.len()), (0, 0), (0, 0)]
}

fn in_scope(at: usize) -> bool {
    (crate::SCOPE.0..=crate::SCOPE.1).contains(&(at + 1))
}

fn inputs() -> Vec<Row> {
    let document: fn(&FileGraph, &[Seed]) = |graph, _| touch(&graph.path("doc1.md"));
    vec![
        row([step("nothing", |_| {}, nothing, "nothing changed", Some(|_, _| {}))]),
        row([step(
            "every input touched",
            |made| {
                for (path, bytes) in made.space.files() {
                    made.space.write_bytes(&path, &bytes);
                }
            },
            nothing,
            "times are in no key",
            Some(|graph, _| {
                for document in ["doc1.md", "doc3.md", "doc5.md"] {
                    touch(&graph.path(document));
                }
            }),
        )]),
        row([step(
            "line ends of Windows, seeds reformatted",
            |made| {
                for path in made.space.files().keys().filter(|path| path.ends_with(".md")) {
                    made.space.write(path, &made.space.read(path).replace('\n', "\r\n"));
                }
                made.space.edit_json("seeds.json", |_| {});
            },
            nothing,
            "the same texts and values",
            Some(|graph, _| {
                for document in ["doc1.md", "doc3.md", "doc5.md"] {
                    touch(&graph.path(document));
                }
            }),
        )]),
        row([step(
            "a word in one seed",
            |made| made.space.edit_seeds(|seeds| known_word(seeds)),
            |seeds| one_seed(legos(&seeds[middle(seeds)])),
            "the seed, its pair, its LEGOs",
            Some(|graph, seeds| graph.rewrite(&edited(seeds, |seeds| known_word(seeds)), None)),
        )]),
        row([
            step(
                "a word new to the course",
                |made| made.space.edit_seeds(|seeds| new_middle_word(seeds)),
                |seeds| one_seed(legos(&seeds[middle(seeds)])),
                "the same",
                Some(|graph, seeds| {
                    graph.rewrite(&edited(seeds, |seeds| new_middle_word(seeds)), None);
                }),
            ),
            step(
                "… the edit undone",
                |made| restore(made, "seeds.json"),
                nothing,
                "its results are in the store",
                Some(|graph, seeds| graph.rewrite(seeds, None)),
            ),
        ]),
        row([step(
            "a seed inserted",
            |made| made.space.edit_seeds(insert),
            |seeds| one_seed(legos(&edited(seeds, insert)[middle(seeds)])),
            "the new seed: no neighbour is in a key",
            Some(|graph, seeds| graph.rewrite(&edited(seeds, insert), None)),
        )]),
        row([step(
            "a seed deleted",
            |made| made.space.edit_seeds(delete),
            nothing,
            "nothing is new",
            Some(|graph, seeds| graph.rewrite(&edited(seeds, delete), None)),
        )]),
        row([step(
            "a seed moved",
            |made| made.space.edit_seeds(shift),
            nothing,
            "positions are in no key",
            Some(|graph, seeds| graph.rewrite(&edited(seeds, shift), None)),
        )]),
        row([step(
            "a typo in the version history",
            |made| made.space.replace(DOCUMENT, "- v1.0: begun\n", "- v1.0: began\n"),
            nothing,
            "it is not sent",
            Some(document),
        )]),
        row([step(
            "the section for S0101-S0300 edited",
            |made| {
                made.space.replace(DOCUMENT, " -->\n", " -->\n\nMind this.\n");
            },
            |_| [(10, 200), (0, 0), (0, 0)],
            "200 seeds are sent it",
            Some(document),
        )]),
        row([step(
            "30 scattered seeds",
            |made| made.space.edit_seeds(|seeds| scattered(seeds)),
            |seeds| {
                let places: Vec<usize> = scattered_places(seeds).collect();
                let legos_of = |at: &usize| legos(&seeds[*at]);
                let calls = |weigh: &dyn Fn(&usize) -> usize, size: usize| {
                    let (scoped, others): (Vec<&usize>, Vec<&usize>) =
                        places.iter().partition(|at| in_scope(**at));
                    [scoped, others]
                        .map(|lane| lane.into_iter().map(weigh).sum::<usize>().div_ceil(size))
                        .iter()
                        .sum()
                };
                let seeds = (calls(&|_| 1, 20), 30);
                [seeds, seeds, (calls(&legos_of, 60), places.iter().map(legos_of).sum())]
            },
            "packed across batches; who is sent the scoped section goes in calls of his own",
            Some(|graph, seeds| graph.rewrite(&edited(seeds, |seeds| scattered(seeds)), None)),
        )]),
    ]
}
