//! The table of edits: what each may cost, in calls and items of every phase, written down by hand with the reason. The
//! generator keeps the books.
//!
//! The course has 80 seeds that give 293 LEGOs; a call takes 20, 20 and 60 items.

use crate::support::expect::{MAIN_FILES, PHASES, assert_as_clean, assert_fresh, built};
use crate::support::synth::{self, Seed, Synth};
use crate::support::{Ran, Space};
use serde_json::{Value, json};

const SEEDS: usize = 80;
const LEGOS: usize = 293;
const DOCUMENTS: [&str; 3] = [
    "docs/phase_intelligence/phase_1_translation.md",
    "docs/phase_intelligence/phase_3_legos.md",
    "docs/phase_intelligence/phase_5_baskets.md",
];

/// Calls and items, by phase.
type Buys = [(usize, usize); 3];

const NOTHING: Buys = [(0, 0), (0, 0), (0, 0)];
const ALL: Buys = [(4, SEEDS), (4, SEEDS), (5, LEGOS)];

/// An edit, the build after it, and what that build may cost.
struct Step {
    what: &'static str,
    /// Gets the space, and the space as it was when the row began.
    edit: fn(&Space, &Space),
    args: &'static [&'static str],
    exit: i32,
    buys: Buys,
    because: &'static str,
}

fn step(what: &'static str, edit: fn(&Space, &Space), buys: Buys, because: &'static str) -> Step {
    Step { what, edit, args: &[], exit: 0, buys, because }
}

impl Step {
    fn run(self, args: &'static [&'static str]) -> Self {
        Self { args, ..self }
    }

    fn exits(self, exit: i32) -> Self {
        Self { exit, ..self }
    }
}

/// Runs the steps one after the other on a copy of the built space; at the end it is as a clean build would make it.
#[track_caller]
fn row(template: &Space, steps: &[Step]) {
    let space = template.copy();
    for step in steps {
        (step.edit)(&space, template);
        let ran = space.build(step.args);
        expect(&ran, step);
    }
    assert_fresh(&space);
    assert_as_clean(&space);
}

#[track_caller]
fn expect(ran: &Ran, step: &Step) {
    let Step { what, exit, buys, because, .. } = step;
    assert_eq!(ran.code, Some(*exit), "{what}: {ran:#?}");
    assert_eq!(ran.buys(PHASES), *buys, "{what}: {because}");
    if let Some(summary) = ran.events.last().filter(|event| event["event"] == "summary") {
        let told: usize = buys.iter().map(|(calls, _)| calls).sum();
        assert_eq!(summary["calls"], told, "{what}: the tool counts otherwise than the generator");
    }
}

fn course() -> Space {
    built(Space::batching(SEEDS))
}

/// Undoes what was done to a file since the row began.
fn restore(path: &str, space: &Space, before: &Space) {
    space.write(path, &before.read(path));
}

/// Puts a sentence into a section that goes to all items.
fn teach(space: &Space, document: &str) {
    space.replace(document, "\n### Rule 1.1\n", "\n### Rule 1.1\n\nMind the word order.\n");
}

fn rename(space: &Space, id: fn(usize, &Seed) -> String) {
    space.edit_seeds(|seeds| {
        for (at, seed) in seeds.iter_mut().enumerate() {
            seed.id = id(at, seed);
        }
    });
}

fn bytes(space: &Space, path: &str, change: impl Fn(String) -> String) {
    let text = space.read(path);
    let changed = change(text.clone());
    assert_ne!(text, changed, "{path}");
    space.write(path, &changed);
}

#[test]
fn a_first_build_cuts_no_call_short() {
    let space = Space::batching(SEEDS);
    let first =
        step("first build", |_, _| {}, ALL, "4 × 20 seeds, 4 × 20 pairs, 293 LEGOs in 4 × 60 and the rest");
    expect(&space.build(&[]), &first);
    let again = step("a second build", |_, _| {}, NOTHING, "nothing changed");
    expect(&space.build(&[]), &again);
    for jobs in ["1", "3", "16"] {
        let space = Space::batching(SEEDS);
        expect(&space.build(&["-j", jobs]), &first);
    }
}

#[test]
fn main_files_said_otherwise_are_no_edits() {
    let course = course();
    row(
        &course,
        &[
            step(
                "reformatted",
                |s, _| {
                    MAIN_FILES[..3].iter().for_each(|path| s.write(path, &s.json(path).to_string()));
                },
                NOTHING,
                "the same values",
            ),
            step(
                "CRLF",
                |s, _| MAIN_FILES.iter().for_each(|path| bytes(s, path, |t| t.replace('\n', "\r\n"))),
                NOTHING,
                "a checkout on Windows: main files and lock",
            ),
            step(
                "BOM",
                |s, _| MAIN_FILES[..3].iter().for_each(|path| bytes(s, path, |t| format!("\u{feff}{t}"))),
                NOTHING,
                "a mark, not a letter",
            ),
            step(
                "another order",
                |s, _| {
                    s.edit_json(MAIN_FILES[1], |seeds| seeds.as_array_mut().unwrap().reverse());
                    s.edit_json(MAIN_FILES[0], |pairs| {
                        let all: Vec<_> = pairs.as_object().unwrap().clone().into_iter().rev().collect();
                        *pairs = Value::Object(all.into_iter().collect());
                    });
                },
                NOTHING,
                "the order is the source's",
            ),
            step(
                "items doubled",
                |s, _| {
                    s.edit_json(MAIN_FILES[1], |seeds| {
                        let first = seeds[0].clone();
                        seeds.as_array_mut().unwrap().push(first);
                    });
                },
                NOTHING,
                "a merge that ran twice",
            ),
        ],
    );
}

#[test]
fn the_same_bytes_said_otherwise_cost_nothing() {
    let course = course();
    let lines = "lines end in one way inside the tool";
    row(&course, &[step("nothing", |_, _| {}, NOTHING, "a copied workspace is the same workspace")]);
    row(
        &course,
        &[
            step(
                "CRLF",
                |s, _| bytes(s, "seeds.json", |t| t.replace('\n', "\r\n")),
                NOTHING,
                "white space in JSON",
            ),
            step(
                "CRLF in documents",
                |s, _| DOCUMENTS.iter().for_each(|path| bytes(s, path, |t| t.replace('\n', "\r\n"))),
                NOTHING,
                lines,
            ),
            step(
                "BOM",
                |s, _| bytes(s, "seeds.json", |t| format!("\u{feff}{t}")),
                NOTHING,
                "a mark, not a letter",
            ),
            step(
                "BOM in a document",
                |s, _| bytes(s, DOCUMENTS[1], |t| format!("\u{feff}{t}")),
                NOTHING,
                lines,
            ),
            step(
                "spaces at the ends of lines",
                |s, _| bytes(s, DOCUMENTS[2], |t| t.replace(".\r\n", ".  \r\n")),
                NOTHING,
                "nobody sees them",
            ),
        ],
    );
    row(
        &course,
        &[
            step(
                "reformatted",
                |s, _| s.edit_json("seeds.json", |_| {}),
                NOTHING,
                "the same values, an element on many lines",
            ),
            step(
                "keys in another order",
                |s, _| {
                    s.edit_json("seeds.json", |seeds| {
                        for seed in seeds.as_array_mut().unwrap() {
                            *seed = json!({"source": seed["source"], "seed_id": seed["seed_id"]});
                        }
                    });
                },
                NOTHING,
                "an object has no order",
            ),
            step(
                "keys that no rule reads",
                |s, _| {
                    s.edit_json("seeds.json", |seeds| {
                        seeds.as_array_mut().unwrap().iter_mut().for_each(|seed| seed["note"] = json!("x"));
                    });
                },
                NOTHING,
                "the projection leaves them out",
            ),
            step(
                "touched",
                |s, _| {
                    for (path, bytes) in s.files() {
                        s.write_bytes(&path, &bytes);
                    }
                },
                NOTHING,
                "times are in no key",
            ),
        ],
    );
}

#[test]
fn an_edit_of_seeds_costs_those_seeds() {
    let course = course();
    let change: fn(&Space, &Space) = |s, _| s.edit_seeds(|seeds| synth::change_word(seeds, 20, 1));
    let one = [(1, 1), (1, 1), (1, 5)];
    row(&course, &[step("a word", change, one, "one seed, its pair, its 5 LEGOs")]);
    row(
        &course,
        &[
            step("a word", change, one, "one seed"),
            step("undone", |s, b| restore("seeds.json", s, b), NOTHING, "its results are in the store"),
            step("done again", change, NOTHING, "so are those of the edit"),
        ],
    );
    let new = "the new seed alone: no neighbour is in a key";
    row(
        &course,
        &[
            step(
                "inserted",
                |s, _| s.edit_seeds(|seeds| synth::insert(seeds, 40)),
                [(1, 1), (1, 1), (1, 5)],
                new,
            ),
            step("taken out", |s, b| restore("seeds.json", s, b), NOTHING, "nothing is new"),
        ],
    );
    row(
        &course,
        &[
            step("deleted", |s, _| s.edit_seeds(|seeds| synth::delete(seeds, 40)), NOTHING, "nothing is new"),
            step("back", |s, b| restore("seeds.json", s, b), NOTHING, "the store kept it"),
            step(
                "moved",
                |s, _| s.edit_seeds(|seeds| synth::shift(seeds, 70, 3)),
                NOTHING,
                "positions are in no key",
            ),
            step(
                "reversed",
                |s, _| s.edit_seeds(|seeds| seeds.reverse()),
                NOTHING,
                "positions are in no key",
            ),
        ],
    );
    row(
        &course,
        &[step(
            "30 scattered words",
            |s, _| s.edit_seeds(|seeds| (0..30).for_each(|n| synth::change_word(seeds, n * 8 % 79, 2))),
            [(2, 30), (2, 30), (2, 116)],
            "packed across batches: 20 + 10 seeds, and of their LEGOs 60 + 56",
        )],
    );
}

#[test]
fn results_follow_their_content_to_other_ids() {
    let course = course();
    let why = "the texts are the same, whatever they are called";
    row(
        &course,
        &[
            step(
                "one renamed",
                |s, _| rename(s, |at, seed| if at == 9 { "S0990".into() } else { seed.id.clone() }),
                NOTHING,
                why,
            ),
            step("all renamed", |s, _| rename(s, |at, _| format!("T{:03}", at + 1)), NOTHING, why),
            step("named as at first", |s, b| restore("seeds.json", s, b), NOTHING, why),
        ],
    );
    row(
        &course,
        &[step("ids shifted by one", |s, _| rename(s, |at, _| format!("S{:04}", at + 2)), NOTHING, why)],
    );
    row(
        &course,
        &[step(
            "inserted in the middle and all renumbered",
            |s, _| {
                s.edit_seeds(|seeds| synth::insert(seeds, 40));
                rename(s, |at, _| format!("S{:04}", at + 1));
            },
            [(1, 1), (1, 1), (1, 5)],
            "40 seeds have the ids of their neighbours, and only one a new text",
        )],
    );
}

#[test]
fn what_is_lost_and_known_elsewhere_is_not_bought() {
    let course = course();
    row(
        &course,
        &[
            step("an item", |s, _| forget(s, MAIN_FILES[0], &["S0021"]), NOTHING, "the store has it"),
            step(
                "an item of an array",
                |s, _| forget(s, MAIN_FILES[1], &["S0021"]),
                NOTHING,
                "the store has it",
            ),
            step(
                "a batch",
                |s, _| {
                    let ids: Vec<String> = (21..=40).map(|n| format!("S{n:04}")).collect();
                    forget(s, MAIN_FILES[1], &ids.iter().map(String::as_str).collect::<Vec<_>>());
                },
                NOTHING,
                "the store has it",
            ),
            step("a main file", |s, _| s.remove(MAIN_FILES[2]), NOTHING, "the store has it"),
            step("the lock", |s, _| s.remove(MAIN_FILES[3]), NOTHING, "the store knows every item"),
            step("all outputs", |s, _| s.remove("course"), NOTHING, "the store has them"),
        ],
    );
    row(
        &course,
        &[step("the store", |s, _| s.remove(".coursebuild"), NOTHING, "lock and main files are a store")],
    );
    row(
        &course,
        &[
            step(
                "store, as in a clone",
                |s, _| s.remove(".coursebuild"),
                NOTHING,
                "lock and main files are a store",
            ),
            step(
                "a seed in a clone",
                |s, _| s.edit_seeds(|seeds| synth::change_word(seeds, 20, 1)),
                [(1, 1), (1, 1), (1, 5)],
                "the others are still known by the lock",
            ),
            step(
                "renamed in a clone",
                |s, _| rename(s, |at, _| format!("T{:03}", at + 1)),
                NOTHING,
                "by the lock too",
            ),
        ],
    );
}

/// Takes items out of a main file.
fn forget(space: &Space, path: &str, ids: &[&str]) {
    space.edit_json(path, |value| match value {
        Value::Object(items) => items.retain(|id, _| !ids.contains(&id.as_str())),
        Value::Array(items) => items.retain(|item| !ids.contains(&item[0].as_str().unwrap())),
        _ => panic!("{path} is no collection"),
    });
}

#[test]
fn an_edit_of_a_document_costs_what_it_is_sent_to() {
    let course = course();
    row(
        &course,
        &[
            step(
                "a section",
                |s, _| teach(s, DOCUMENTS[0]),
                [(4, 80), (0, 0), (0, 0)],
                "all are sent it; the translations come out the same, so nothing later changes",
            ),
            step("undone", |s, b| restore(DOCUMENTS[0], s, b), NOTHING, "the first answers are in the store"),
        ],
    );
    row(
        &course,
        &[
            step(
                "a section, accepted",
                |s, _| {
                    teach(s, DOCUMENTS[0]);
                    s.run(&["accept", DOCUMENTS[0], "--reason", "a typo"]).exits(0);
                },
                NOTHING,
                "what was made before it counts as made after it",
            ),
            step(
                "revoked",
                |s, _| drop(s.run(&["accept", "--revoke", DOCUMENTS[0]]).exits(0)),
                [(4, 80), (0, 0), (0, 0)],
                "as if it had never been accepted",
            ),
        ],
    );
    row(
        &course,
        &[step("phase 3", |s, _| teach(s, DOCUMENTS[1]), [(0, 0), (4, 80), (0, 0)], "only phase 3 reads it")],
    );
    row(
        &course,
        &[step(
            "phase 5",
            |s, _| teach(s, DOCUMENTS[2]),
            [(0, 0), (0, 0), (5, 293)],
            "only phase 5 reads it",
        )],
    );
    row(
        &course,
        &[
            step(
                "version history",
                |s, _| s.replace(DOCUMENTS[0], "- v1.0: begun\n", "- v1.0: began\n- v0.9: tried\n"),
                NOTHING,
                "it is not sent",
            ),
            step(
                "a comment",
                |s, _| s.replace(DOCUMENTS[0], "\n### Rule 1.1\n", "\n### Rule 1.1\n\n<!-- ask Ana -->\n"),
                NOTHING,
                "it is not sent",
            ),
        ],
    );
    let scoped = built(Space::of(&Synth { scoped: Some((21, 40)), ..Synth::new(SEEDS) }));
    row(
        &scoped,
        &[
            step(
                "a scoped section",
                |s, _| {
                    s.replace(
                        DOCUMENTS[0],
                        "items=S0021-S0040 -->\n",
                        "items=S0021-S0040 -->\n\nMind this.\n",
                    );
                },
                [(1, 20), (0, 0), (0, 0)],
                "only seeds 21 to 40 are sent it",
            ),
            step("undone", |s, b| restore(DOCUMENTS[0], s, b), NOTHING, "the first answers are in the store"),
        ],
    );
}

#[test]
fn an_edit_of_the_rules_costs_what_it_changes() {
    let course = built(Space::batching(SEEDS).with_own_rules());
    row(
        &course,
        &[
            step(
                "a batch template",
                |s, _| bytes(s, "rules/prompts/phase3.md.j2", |t| t + "\nThink twice.\n"),
                [(0, 0), (4, 80), (0, 0)],
                "only phase 3 is sent it",
            ),
            step("undone", |s, b| restore("rules/prompts/phase3.md.j2", s, b), NOTHING, "the store knows"),
            step(
                "the retry template",
                |s, _| bytes(s, "rules/prompts/retry.md.j2", |t| t + "\nThink twice.\n"),
                NOTHING,
                "only a retry is sent it",
            ),
            step(
                "the template of all",
                |s, _| bytes(s, "rules/prompts/system.md.j2", |t| t + "\nThink twice.\n"),
                ALL,
                "everybody is sent it",
            ),
        ],
    );
    row(
        &course,
        &[
            step(
                "batch sizes",
                |s, _| {
                    bytes(s, "coursebuild.toml", |t| {
                        t + "\n[phase.phase1]\nbatch = 7\n[phase.phase5]\nbatch = 100\nattempts = 5\n"
                    });
                },
                NOTHING,
                "sizes and attempts are in no key",
            ),
            step("time-out", |s, _| declare(s, "timeout_s = 33"), NOTHING, "a time-out is in no key"),
            step(
                "a model",
                |s, _| declare(s, "model = \"one\""),
                [(12, 80), (4, 80), (3, 293)],
                "another author",
            ),
            step(
                "another model",
                |s, _| s.replace("coursebuild.toml", "\"one\"", "\"two\""),
                [(12, 80), (4, 80), (3, 293)],
                "and another",
            ),
            step(
                "the first again",
                |s, _| s.replace("coursebuild.toml", "\"two\"", "\"one\""),
                NOTHING,
                "the store knows",
            ),
            step(
                "a third, where results stay",
                |s, _| {
                    let manifest = s.read("coursebuild.toml").replace("\"one\"", "\"three\"");
                    let keeping =
                        manifest.replace("[phase.phase1]\n", "[phase.phase1]\non_model_change = \"keep\"\n");
                    let keeping =
                        keeping.replace("[phase.phase5]\n", "[phase.phase5]\non_model_change = \"keep\"\n");
                    s.write(
                        "coursebuild.toml",
                        &(keeping + "\n[phase.phase3]\non_model_change = \"keep\"\n"),
                    );
                },
                NOTHING,
                "whoever made it, it stays",
            ),
            step(
                "the first for good",
                |s, _| s.replace("coursebuild.toml", "\"three\"", "\"one\""),
                NOTHING,
                "nothing is of the third",
            ),
        ],
    );
    let builtin = built(Space::batching(SEEDS)).with_own_rules();
    row(&builtin, &[step("the built-in rules as files", |_, _| {}, NOTHING, "the same texts")]);
}

/// Adds a line to `[generate]`.
fn declare(space: &Space, line: &str) {
    space.replace("coursebuild.toml", "use = \"command\"\n", &format!("use = \"command\"\n{line}\n"));
}

#[test]
fn a_tightened_check_buys_what_fails_it_and_a_loosened_one_nothing() {
    let space = Space::batching(SEEDS).with_own_rules();
    space.only_warn("phase3", "determinism");
    space.only_warn("phase5", "vocabulary");
    let tiling = "use = \"tiling\"\n";
    space.replace("rules/phase3.toml", tiling, &format!("{tiling}severity = \"off\"\n"));
    let wrong =
        ["S0007", "S0030", "S0055"].map(|id| json!({"fault": "wrong", "phase": "phase3", "item": id}));
    space.faults(&json!(wrong));
    let space = built(space);
    row(
        &space,
        &[
            step(
                "tightened",
                |s, _| s.replace("rules/phase3.toml", "severity = \"off\"\n", ""),
                [(0, 0), (1, 3), (1, 3)],
                "one call with the three that fail; each had one wrong LEGO, which gets a new basket",
            ),
            step(
                "loosened",
                |s, b| restore("rules/phase3.toml", s, b),
                NOTHING,
                "what passed the stricter check passes still",
            ),
        ],
    );
}

#[test]
fn what_is_asked_for_is_bought_and_no_more() {
    let course = course();
    row(
        &course,
        &[
            step(
                "-B",
                |_, _| {},
                [(1, 1), (0, 0), (0, 0)],
                "one item, as if it were stale; it comes out the same",
            )
            .run(&["-B", "phase1/S0021"]),
            step("then nothing", |_, _| {}, NOTHING, "it is bought"),
        ],
    );
    row(
        &course,
        &[
            step(
                "20 of a document's",
                |s, _| teach(s, DOCUMENTS[0]),
                [(1, 20), (0, 0), (0, 0)],
                "those asked for",
            )
            .run(&["--items", "S0031-S0050"]),
            step("the rest", |_, _| {}, [(3, 60), (0, 0), (0, 0)], "those that are left"),
        ],
    );
    row(
        &course,
        &[
            step("--locked", |s, _| teach(s, DOCUMENTS[0]), NOTHING, "no call is allowed")
                .run(&["--locked"])
                .exits(3),
            step("3 calls at most", |_, _| {}, [(3, 60), (0, 0), (0, 0)], "three calls")
                .run(&["--max-calls", "3"])
                .exits(4),
            step("the rest", |_, _| {}, [(1, 20), (0, 0), (0, 0)], "the fourth"),
            step("--locked", |_, _| {}, NOTHING, "nothing to buy: fine").run(&["--locked"]),
        ],
    );
}

#[test]
fn what_is_bought_again_and_comes_out_the_same_stands_like_any_other() {
    let course = built(Space::batching(SEEDS).with_own_rules());
    let again = "two items, as if they were stale; they come out the same";
    row(
        &course,
        &[
            step("-B", |_, _| {}, [(1, 1), (1, 1), (0, 0)], again).run(&[
                "-B",
                "phase1/S0021",
                "phase3/S0021",
            ]),
            step("the lock", |s, _| s.remove(MAIN_FILES[3]), NOTHING, "the store knows every item"),
            step("all outputs", |s, _| s.remove("course"), NOTHING, "the store has them"),
        ],
    );
    row(
        &course,
        &[
            step("-B", |_, _| {}, [(1, 1), (1, 1), (0, 0)], again).run(&[
                "-B",
                "phase1/S0021",
                "phase3/S0021",
            ]),
            step(
                "another check",
                |s, _| {
                    s.replace(
                        "rules/phase3.toml",
                        "use = \"tiling\"\n",
                        "use = \"tiling\"\nseverity = \"warning\"\n",
                    );
                },
                NOTHING,
                "all pass it",
            ),
            step("a document", |s, _| teach(s, DOCUMENTS[1]), [(0, 0), (4, 80), (0, 0)], "all are sent it"),
            step("undone", |s, b| restore(DOCUMENTS[1], s, b), NOTHING, "the store knows"),
        ],
    );
}

#[test]
fn what_is_bought_again_and_comes_out_otherwise_takes_the_place() {
    let space = Space::batching(SEEDS).with_own_rules();
    let tiling = "use = \"tiling\"\n";
    space.replace("rules/phase3.toml", tiling, &format!("{tiling}severity = \"off\"\n"));
    let space = built(space);
    let first = space.read(MAIN_FILES[1]);
    let again = |faults: Value, baskets: (usize, usize)| {
        space.faults(&faults);
        let ran = space.build(&["-B", "--phase", "phase3", "--items", "S0021"]).exits(0);
        assert_eq!(ran.buys(PHASES), [(0, 0), (1, 1), (0, 0)]);
        space.faults(&json!([]));
        assert_eq!(space.build(&[]).exits(0).buys(PHASES), [(0, 0), (0, 0), baskets]);
        let stands = space.read(MAIN_FILES[1]);
        assert_fresh(&space);
        for lost in [MAIN_FILES[3], MAIN_FILES[1], "course", ".coursebuild/stamp"] {
            if space.path(lost).exists() {
                space.remove(lost);
            }
            assert_eq!(space.build(&[]).exits(0).calls(), 0, "without {lost}");
            assert!(space.read(MAIN_FILES[1]) == stands, "without {lost} another answer stands");
        }
        stands
    };
    // Each answer counts as the seed's; only its last LEGO is another one, so one basket is new.
    let other = json!([{"fault": "wrong", "phase": "phase3", "item": "S0021"}]);
    let second = again(other, (1, 1));
    assert_ne!(second, first);
    let third = again(json!([]), (0, 0));
    assert_eq!(third, first, "the first answer came again");
    assert_as_clean(&space);
}

#[test]
fn exhausted_attempts_are_not_bought_again_until_something_changes() {
    let space = Space::batching(SEEDS);
    let missing = json!([{"fault": "missing", "phase": "phase3", "item": "S0021"}]);
    space.faults(&missing);
    let ran = space.build(&["-k"]).exits(1);
    let [_, (calls, items), _] = ran.buys(PHASES);
    assert_eq!((calls, items), (4 + 2, SEEDS + 2), "three attempts, two of them for the one item alone");
    space.faults(&json!([]));
    let bought = |args: &[&str], exit: i32| space.build(args).exits(exit).buys(PHASES);
    assert_eq!(bought(&[], 1), NOTHING, "its attempts are exhausted");
    for lost in ["course/lego_pairs.json", "course/coursebuild.lock"] {
        space.remove(lost);
        assert_eq!(bought(&[], 1), NOTHING, "without {lost} the store knows it");
    }
    space.remove(".coursebuild");
    assert_eq!(bought(&[], 1), NOTHING, "a clone does not buy it");
    assert_eq!(bought(&["--retry-failed"], 0), [(0, 0), (1, 1), (1, 3)], "asked for");
    assert_fresh(&space);
    assert_as_clean(&space);
}

#[test]
fn plan_tells_by_its_exit_code_whether_there_is_work() {
    let space = course();
    let exit = |args: &[&str]| space.run(&[&["plan"], args].concat()).code;
    assert_eq!((exit(&[]), exit(&["--exit-code"])), (Some(0), Some(0)));
    teach(&space, DOCUMENTS[0]);
    assert_eq!((exit(&[]), exit(&["--exit-code"])), (Some(0), Some(3)));
    assert_eq!(exit(&["--exit-code", "--phase", "phase5"]), Some(0), "nothing of this phase");
    assert_eq!(space.books().iter().filter(|call| call.state == "asked").count(), 13, "plans buy nothing");
}
