//! What each edit costs, as `plan` and `why` tell it: `docs/incremental.md` is made of it. With `COURSEBUILD_WRITE_DOCS=1` this test writes
//! the page, otherwise it compares.

use crate::failures::{page_is, steady};
use crate::support::Space;
use serde_json::{Value, json};
use std::fmt::Write as _;

const TRANSLATION: &str = "docs/phase_intelligence/phase_1_translation.md";
const BASKETS: &str = "docs/phase_intelligence/phase_5_baskets.md";
const PAIRS: &str = "courses/spa_for_eng/seed_pairs.json";
const LEGOS: &str = "courses/spa_for_eng/lego_pairs.json";
const SCOPED: &str =
    "\n## The first sentences\n<!-- coursebuild: items=S0001-S0005 -->\n\nKeep them short.\n";

const BEGIN: &str = "# What an edit costs

What `plan` and `why` say after each kind of edit, taken from real runs by a test. [accepted.md](accepted.md) is about `accept`, [cli.md](cli.md) about every column, and
[benchmarks.md](benchmarks.md) counts the same edits on courses of 668 and 10,000 sentences, beside make and ninja.

The course is the one that `coursebuild init` writes: 20 sentences, which give 69 LEGOs. A call takes 5 sentences, 5 pairs or 20 LEGOs, so that there are some to count; the phase-1 document
has one section more, *The first sentences*, for `S0001-S0005` alone; and the manifest names a `model`. All of it is built; each chapter begins from there.
";

fn example() -> Space {
    let space = Space::new();
    space.run(&["init", "--yes"]).exits(0);
    let manifest =
        space.read("coursebuild.toml").replace("[generate]\n", "[generate]\nmodel = \"old-model\"\n");
    let sizes = [("phase1", 5), ("phase3", 5), ("phase5", 20)];
    let sizes = sizes.map(|(phase, size)| format!("\n[phase.{phase}]\nbatch = {size}\n"));
    space.write("coursebuild.toml", &(manifest + &sizes.concat()));
    let history = "\n## Version History\n";
    space.replace(TRANSLATION, history, &format!("{SCOPED}{history}"));
    space
}

fn built(space: Space) -> Space {
    space.run(&[]).exits(0);
    space
}

/// The same with the tiling unchecked, and three seeds cut wrongly.
fn unchecked() -> Space {
    let space = example();
    space.run(&["rules", "--copy", "batching", "rules"]).exits(0);
    space.replace("coursebuild.toml", "builtin:batching@1", "rules");
    space.replace("rules/phase3.toml", "use = \"tiling\"\n", "use = \"tiling\"\nseverity = \"off\"\n");
    // What a wrong cut leaves out is taught nowhere.
    ["culminating", "vocabulary"].into_iter().for_each(|check| space.only_warn("phase5", check));
    let wrong = ["S0003", "S0011", "S0018"]
        .map(|id| json!({"phase": "phase3", "item": id, "attempts": [1], "kind": "wrong"}));
    space.write("faults.json", &json!(wrong).to_string());
    let file = "file = \"phrasebook.json\"";
    space.replace("coursebuild.toml", file, &format!("{file}\nfaults = \"faults.json\""));
    let space = built(space);
    space.replace("coursebuild.toml", "\nfaults = \"faults.json\"", "");
    space
}

/// A chapter that is being written: what was typed, and what was shown.
struct Chapter {
    space: Space,
    text: String,
}

impl Chapter {
    /// Runs a command line, words apart by spaces, and shows what it prints.
    fn runs(&mut self, line: &str) {
        let arguments: Vec<&str> = line.split(' ').collect();
        let ran = self.space.run(&arguments).exits(0);
        let _ = write!(self.text, "$ coursebuild {line}\n{}", steady(&ran.stdout));
    }

    /// A note between two commands.
    fn says(&mut self, note: &str) {
        let _ = writeln!(self.text, "# {note}");
    }
}

struct Page {
    text: String,
    course: Space,
}

impl Page {
    fn chapter(&mut self, title: &str, words: &str, tell: impl FnOnce(&mut Chapter)) {
        let space = self.course.copy();
        self.chapter_of(space, title, words, tell);
    }

    fn chapter_of(&mut self, space: Space, title: &str, words: &str, tell: impl FnOnce(&mut Chapter)) {
        let mut chapter = Chapter { space, text: String::new() };
        tell(&mut chapter);
        let _ = write!(self.text, "\n## {title}\n\n{words}\n\n```console\n{}```\n", chapter.text);
    }
}

/// Puts a sentence under a heading.
fn teach(space: &Space, document: &str, heading: &str) {
    space.replace(document, &format!("{heading}\n"), &format!("{heading}\n\nMind the word order.\n"));
}

fn seeds(space: &Space, edit: impl FnOnce(&mut Vec<Value>)) {
    space.edit_json("seeds.json", |seeds| edit(seeds.as_array_mut().unwrap()));
}

fn sentence(space: &Space, id: &str, old: &str, new: &str) {
    seeds(space, |seeds| {
        let seed = seeds.iter_mut().find(|seed| seed["seed_id"] == id).unwrap();
        let text = seed["source"].as_str().unwrap();
        assert!(text.contains(old), "{text}");
        seed["source"] = text.replace(old, new).into();
    });
}

/// Cuts one LEGO of a seed into two, and numbers all of them anew.
fn split(space: &Space, seed: usize, lego: usize, halves: [Value; 2]) {
    space.edit_json(LEGOS, |all| {
        let id = all[seed][0].as_str().unwrap().to_owned();
        let legos = all[seed][2].as_array_mut().unwrap();
        legos.splice(lego..=lego, halves);
        for (at, lego) in legos.iter_mut().enumerate() {
            lego[0] = format!("{id}L{:02}", at + 1).into();
        }
    });
}

fn inputs(page: &mut Page) {
    page.chapter("Nothing", "The second build after a first one.", |chapter| {
        chapter.runs("plan");
        chapter.runs("why phase1/S0015");
    });
    page.chapter("Every input touched", "Times are in no key.", |chapter| {
        for (path, bytes) in chapter.space.files() {
            chapter.space.write_bytes(&path, &bytes);
        }
        chapter.runs("plan");
    });
    page.chapter("Line ends of Windows, and reformatted JSON", "The same texts and values.", |chapter| {
        let document = chapter.space.read(TRANSLATION).replace('\n', "\r\n");
        chapter.space.write(TRANSLATION, &document);
        seeds(&chapter.space, |_| {});
        chapter.runs("plan");
    });
    let word = "`S0015` is now \"Because I need to rest tomorrow.\" What is made from its translation waits for it: if that comes out the same, 1 call is all.";
    page.chapter("A word in one seed", word, |chapter| {
        sentence(&chapter.space, "S0015", "to work", "to rest");
        chapter.runs("plan");
        chapter.runs("why phase1/S0015");
        chapter.runs("why phase3/S0015");
    });
    let word = "`to write` stands in no other sentence; `to work` neither, any more, so that four baskets of later sentences, which use it, are refused and asked for again. Then the edit is undone: the first results are in the store.";
    page.chapter("A word new to the course, and the edit undone", word, |chapter| {
        let before = chapter.space.read("seeds.json");
        sentence(&chapter.space, "S0015", "to work", "to write");
        chapter.runs("build");
        chapter.says("the old words are put back");
        chapter.space.write("seeds.json", &before);
        chapter.runs("plan");
    });
    page.chapter("A seed inserted", "Before `S0011`. No neighbour is in a key.", |chapter| {
        let new = json!({"seed_id": "S0021", "source": "I prefer to cook."});
        seeds(&chapter.space, |seeds| seeds.insert(10, new));
        chapter.runs("plan");
        chapter.runs("why phase1/S0021");
        chapter.runs("why phase1/S0011");
    });
    let gone = "`S0013`. What was made of it is in the store, should it come back. Two later baskets use words that it taught: `vocabulary` refuses them now.";
    page.chapter("A seed deleted", gone, |chapter| {
        seeds(&chapter.space, |seeds| drop(seeds.remove(12)));
        chapter.runs("plan");
    });
    page.chapter("A seed moved", "`S0017` comes last. Positions are in no key; but four baskets of sentences that stand before it now use its words, and `vocabulary` refuses them.", |chapter| {
        seeds(&chapter.space, |seeds| {
            let seed = seeds.remove(16);
            seeds.push(seed);
        });
        chapter.runs("plan");
    });
    let packed = "Four sentences all over the course. Calls are packed across batches; `S0002` is sent a section that the others are not, so it goes by itself.";
    page.chapter("Scattered seeds", packed, |chapter| {
        for (id, old, new) in [
            ("S0002", "speak", "learn"),
            ("S0007", "slowly", "here"),
            ("S0013", "word", "family"),
            ("S0019", "patience", "fear"),
        ] {
            sentence(&chapter.space, id, old, new);
        }
        chapter.runs("plan");
    });
}

fn documents(page: &mut Page) {
    page.chapter("A typo in the version history", "It is not sent.", |chapter| {
        teach(&chapter.space, TRANSLATION, "\n## Version History");
        chapter.runs("plan");
    });
    let scoped = "*The first sentences* is sent to five sentences, and in the key of no other.";
    page.chapter("A section for some items edited", scoped, |chapter| {
        chapter.space.replace(TRANSLATION, "Keep them short.", "Keep them very short.");
        chapter.runs("plan");
        chapter.runs("why phase1/S0001-S0006");
    });
    let same =
        "All translations are asked for again. They come out the same, so nothing that is made from them is.";
    page.chapter("A section edited, with the same answers", same, |chapter| {
        teach(&chapter.space, TRANSLATION, "\n### Contractions");
        chapter.runs("plan");
        chapter.runs("why phase1");
        chapter.runs("build");
    });
    let taken_back =
        "What was made before the edit counts as made after it, for as long as that is accepted.";
    page.chapter("A section edited and accepted, and the acceptance revoked", taken_back, |chapter| {
        teach(&chapter.space, BASKETS, "\n### Fragments have to be sayable");
        chapter.runs("plan");
        chapter.runs("accept docs/phase_intelligence/phase_5_baskets.md --reason typo");
        chapter.runs("plan");
        chapter.runs("accept --revoke docs/phase_intelligence/phase_5_baskets.md");
        chapter.runs("plan");
    });
    let some = "What is not selected stays stale, and stays as it is in the main file.";
    page.chapter("A section edited, some items first, then the rest", some, |chapter| {
        teach(&chapter.space, TRANSLATION, "\n### Contractions");
        chapter.runs("plan --items S0001-S0010");
        chapter.runs("build --items S0001-S0010");
        chapter.runs("plan");
    });
    let keep = "With `on_model_change = \"keep\"` for each phase, what is there stays; what is new is made by the new model.";
    page.chapter("Another model, where results stay", keep, |chapter| {
        let manifest = chapter.space.read("coursebuild.toml").replace("old-model", "new-model");
        let keeping = manifest.replace("batch = ", "on_model_change = \"keep\"\nbatch = ");
        chapter.space.write("coursebuild.toml", &keeping);
        chapter.runs("plan");
        sentence(&chapter.space, "S0015", "to work", "to write");
        chapter.says("and `S0015` is edited");
        chapter.runs("build");
        chapter.runs("status");
    });
    let tight = "`tiling` was switched off, and three seeds were cut wrongly. Switched on, it judges what is in the store, without a call; what fails is asked for again, with its findings.";
    page.chapter_of(unchecked(), "A check tightened", tight, |chapter| {
        chapter.space.replace("rules/phase3.toml", "severity = \"off\"\n", "");
        chapter.runs("plan");
        chapter.runs("why phase3/S0003");
    });
}

fn outputs(page: &mut Page) {
    let more = "`esta palabra`, the last LEGO of `S0013`, becomes two. An edit by hand stands; the two have no baskets yet.";
    page.chapter("One LEGO more in one seed, by hand", more, |chapter| {
        let halves = [json!(["", "B", "esta", "this"]), json!(["", "B", "palabra", "word"])];
        split(&chapter.space, 12, 1, halves);
        chapter.runs("plan");
        chapter.runs("why phase5/S0013L03");
    });
    let shifted = "`llegar tarde`, the second LEGO of `S0004`, becomes two, and all after it get other ids. Baskets follow their LEGO's texts.";
    page.chapter("A seed cut anew, so that ids shift", shifted, |chapter| {
        let halves = [json!(["", "B", "llegar", "to arrive"]), json!(["", "B", "tarde", "late"])];
        split(&chapter.space, 3, 1, halves);
        chapter.runs("plan");
        chapter.runs("why phase5/S0004");
    });
    page.chapter(
        "A batch's output deleted",
        "`S0006` to `S0010` leave `seed_pairs.json`. The store has them.",
        |chapter| {
            chapter.space.edit_json(PAIRS, |pairs| {
                let pairs = pairs.as_object_mut().unwrap();
                (6..=10).for_each(|at| drop(pairs.shift_remove(&format!("S{at:04}"))));
            });
            chapter.runs("plan");
            chapter.runs("build");
        },
    );
    page.chapter("The main files deleted", "And the lock with them. The store has all of it.", |chapter| {
        chapter.space.remove("courses");
        chapter.runs("plan");
    });
    let lost = "Lock and main files are a store, for what they hold: as in a fresh clone. What items were made from is known as a digest only, so `why` can name no part then.";
    page.chapter("`.coursebuild/` deleted", lost, |chapter| {
        chapter.space.remove(".coursebuild");
        chapter.runs("plan");
        chapter.says("and `S0015` is edited");
        sentence(&chapter.space, "S0015", "to work", "to rest");
        chapter.runs("why phase1/S0015");
    });
}

#[test]
fn the_page_of_edits_is_what_the_tool_says() {
    let mut page = Page { text: BEGIN.to_owned(), course: built(example()) };
    inputs(&mut page);
    documents(&mut page);
    outputs(&mut page);
    page_is("docs/incremental.md", &page.text);
}
