//! A course under edits, with what has to be true after each build: `docs/model.md` in code. It shares nothing with the tool.

mod decide;

use super::edit::{Edit, What, change_seeds};
use crate::support::{Ran, Space};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What differs between the packs.
struct Pack {
    phases: &'static [&'static str],
    /// Main files, in the order of their phases.
    files: &'static [&'static str],
    /// Documents: path, and where something can be put in.
    sections: &'static [(&'static str, &'static str)],
}

const BATCHING: Pack = Pack {
    phases: &["phase1", "phase3", "phase5"],
    files: &["course/seed_pairs.json", "course/lego_pairs.json", "course/lego_baskets.json"],
    sections: &[
        ("docs/phase_intelligence/phase_1_translation.md", "\n### Rule 1.1\n"),
        ("docs/phase_intelligence/phase_3_legos.md", "\n### Rule 2.1\n"),
        ("docs/phase_intelligence/phase_5_baskets.md", "\n### Rule 1.3\n"),
        ("docs/phase_intelligence/phase_5_baskets.md", "\n## Version History\n"),
    ],
};
const DIGESTS: Pack = Pack {
    phases: &["first", "second"],
    files: &["course/first.json", "course/second.json"],
    sections: &[
        ("docs/first.md", "\n## Care\n"),
        ("docs/first.md", "\nTake more care.\n"),
        ("docs/second.md", "# Second\n"),
        ("docs/first.md", "\n## Version History\n"),
    ],
};
const LOCK: &str = "course/coursebuild.lock";
const ACCEPTED: &str = "coursebuild.accepted.toml";

/// The items of a main file, by id.
type Items = BTreeMap<String, Value>;

pub(super) struct Model {
    space: Space,
    pack: &'static Pack,
    digests: bool,
    /// What was written by hand: main file and id → text. It has to stay as it is.
    by_hand: BTreeMap<(usize, String), Value>,
    /// What is pinned, in the same way. It has to stay until it is unpinned.
    pinned: BTreeMap<(usize, String), Value>,
    /// Seeds of which something was written by hand or pinned: what comes of them is as the hand made it, not as a clean build would.
    touched: BTreeSet<String>,
    /// Seeds that were touched and have left: whether a hand edit comes back with its seed is not asked here.
    left: bool,
    /// The store was deleted: it knows neither what stands in the main files nor what was bought before.
    store_lost: bool,
}

impl Model {
    pub(super) fn new(seeds: usize, digests: bool) -> Self {
        let space = if digests { Space::digests(seeds) } else { Space::batching(seeds) };
        let pack = if digests { &DIGESTS } else { &BATCHING };
        mend_scope(&space);
        let mut model = Self {
            space,
            pack,
            digests,
            by_hand: BTreeMap::new(),
            pinned: BTreeMap::new(),
            touched: BTreeSet::new(),
            left: false,
            store_lost: false,
        };
        model.build(&["-j", "4"]);
        model.check();
        model
    }

    /// One edit, the build after it, and what has to be true then.
    pub(super) fn after(&mut self, edit: &Edit) {
        let before = self.inputs();
        self.apply(&edit.what);
        let jobs = edit.jobs.to_string();
        let faults: Vec<Value> = edit.fault.iter().map(|fault| fault.value(&self.space)).collect();
        self.space.faults(&json!(faults));
        if let Some((from, more)) = edit.some_first {
            self.build_some(from, more, &jobs, edit.fault.is_none());
        }
        if let Some(calls) = edit.stop_after {
            let ran = self.space.build(&["-j", &jobs, "--max-calls", &calls.to_string()]);
            assert!(matches!(ran.code, Some(0 | 4)), "{ran:#?}");
            assert!(ran.calls() <= calls, "{ran:#?}");
        }
        if let Some(calls) = edit.canary {
            self.canary(calls, &jobs, edit.fault.is_none());
        }
        let plan = self.space.plan(&[]);
        let ran = self.build(&["-j", &jobs]);
        if edit.fault.is_none() {
            assert_as_planned(&plan, &ran);
        }
        assert!(!edit.what.means_nothing() || ran.calls() == 0, "nothing changed, and it buys: {ran:#?}");
        self.space.faults(&json!([]));
        self.check();
        if edit.undo && edit.what.is_of_inputs() {
            for (path, bytes) in before {
                self.space.write_bytes(&path, &bytes);
            }
            let ran = self.build(&["-j", &jobs]);
            let deleted_with_its_edits = self.left;
            if !self.store_lost && !deleted_with_its_edits {
                assert_eq!(ran.calls(), 0, "an edit undone is bought again: {ran:#?}");
            }
            self.check();
        }
    }

    /// A few calls first. As long as there is more to buy, nothing that stands changes; and what is left is less by just these calls.
    fn canary(&self, most: usize, jobs: &str, is_sure: bool) {
        let (planned, before) = (self.space.plan(&[]), self.space.outputs());
        let ran = self.space.build(&["-j", jobs, "--canary", &most.to_string()]);
        assert!(matches!(ran.code, Some(0 | 4)), "{ran:#?}");
        if ran.code == Some(4) {
            assert!((1..=most).contains(&ran.calls()), "{ran:#?}");
            assert_eq!(self.space.outputs(), before, "{ran:#?}");
            let left = self.space.plan(&[]);
            let bound = |plan: &Value, which: &str| plan["calls"][which].as_u64().unwrap();
            let made = ran.calls() as u64;
            let within = bound(&left, "max") + made <= bound(&planned, "max");
            assert!(!is_sure || within, "{planned:#}\n{left:#}\n{ran:#?}");
        }
    }

    fn inputs(&self) -> BTreeMap<String, Vec<u8>> {
        self.space.files().into_iter().filter(|(path, _)| !path.starts_with("course/")).collect()
    }

    fn build(&self, args: &[&str]) -> Ran {
        self.space.build(args).exits(0)
    }

    fn apply(&mut self, what: &What) {
        let file = |number: usize| self.pack.files[number % self.pack.files.len()];
        match *what {
            What::Nothing => {}
            What::EditSection(at, turn) => self.edit_section(at, turn),
            What::SetBatch(phase, size) => {
                let manifest = self.space.read("coursebuild.toml");
                let table = format!("[phase.{}]\nbatch = ", self.pack.phases[phase % self.pack.phases.len()]);
                let without: String = match manifest.split_once(&table) {
                    Some((before, after)) => before.to_owned() + after.split_once("\n").unwrap().1,
                    None => manifest,
                };
                self.space.write("coursebuild.toml", &format!("{}\n{table}{size}\n", without.trim_end()));
            }
            What::BuildSome(at, seed, turn) => {
                self.edit_section(at, turn);
                let seeds = self.space.seeds();
                let seed = &seeds[seed % seeds.len()].id;
                self.build(&["--items", seed]);
            }
            What::EditByHand(number, at) => self.edit_by_hand(number % self.pack.files.len(), at),
            What::DeleteItem(number, at) if !self.store_lost => {
                let ids: Vec<String> = self.items(number % self.pack.files.len()).into_keys().collect();
                let id = &ids[at % ids.len()];
                self.space.edit_json(file(number), |value| match value {
                    Value::Object(items) => drop(items.shift_remove(id)),
                    Value::Array(items) => items.retain(|item| item[0] != id.as_str()),
                    _ => panic!("no collection"),
                });
            }
            What::DeleteMainFile(number) if !self.store_lost => self.space.remove(file(number)),
            What::DeleteOutputs if !self.store_lost => self.space.remove("course"),
            What::DeleteLock if !self.store_lost => self.space.remove(LOCK),
            What::DeleteStore => {
                self.unpin();
                self.space.remove(".coursebuild");
                self.store_lost = true;
            }
            // Two sentences alike, one of them said otherwise by hand: `determinism` would blame the other, and rightly so.
            What::CopySeed(from, to) if self.copies_touched(from, to) => {}
            What::Reformat => self.reformat(),
            What::Accept(at, turn, undo) if !self.store_lost => self.accept(at, turn, undo),
            What::Pin(number, at) => self.pin(number % self.pack.files.len(), at),
            What::Unpin => self.unpin(),
            What::Resolve { choice, number, at, turn, back } if !self.store_lost => {
                let number = number % self.pack.files.len();
                if let Some(place) = self.two_generations(number, at, turn) {
                    self.resolve(choice, &place, back);
                }
            }
            What::Waive(at, keep) => self.waive(at, keep),
            _ => {
                change_seeds(&self.space, what);
                mend_scope(&self.space);
                self.forget_touched(what);
            }
        }
    }

    /// Builds what comes of a range of seeds, and buys nothing else.
    fn build_some(&self, from: usize, more: usize, jobs: &str, as_planned: bool) {
        let seeds = self.space.seeds();
        let from = from % seeds.len();
        let chosen = &seeds[from..(from + more + 1).min(seeds.len())];
        let range = format!("{}-{}", chosen[0].id, chosen[chosen.len() - 1].id);
        let plan = self.space.plan(&["--items", &range]);
        let ran = self.build(&["-j", jobs, "--items", &range]);
        if as_planned {
            assert_as_planned(&plan, &ran);
        }
        for item in ran.asked().flat_map(|call| &call.items) {
            let root = self.root_of(item);
            assert!(chosen.iter().any(|seed| seed.id == root), "{item} is not of {range}: {ran:#?}");
        }
    }

    fn edit_section(&self, at: usize, turn: u64) {
        let (path, after) = self.pack.sections[at % self.pack.sections.len()];
        self.space.replace(path, after, &format!("{after}\nMind this, {turn}.\n"));
    }

    /// The same inputs: other line ends and a mark before documents, other white space and another order of fields in JSON.
    fn reformat(&self) {
        for path in self.space.files().keys().filter(|path| path.ends_with(".md")) {
            let text = self.space.read(path).trim_start_matches('\u{feff}').replace("\r\n", "\n");
            self.space.write(path, &format!("\u{feff}{text}"));
        }
        self.space.edit_json("seeds.json", |seeds| {
            for seed in seeds.as_array_mut().unwrap() {
                *seed = json!({"note": "for nobody", "source": seed["source"], "seed_id": seed["seed_id"]});
            }
        });
    }

    /// While an edit is accepted nothing is bought, and nothing that stands changes.
    fn accept(&self, at: usize, turn: u64, undo: bool) {
        let (path, _) = self.pack.sections[at % self.pack.sections.len()];
        let (document, before) = (self.space.read(path), self.space.outputs());
        self.edit_section(at, turn);
        let plan = self.space.plan(&[]);
        if plan["items"]["max"] != 0 {
            self.space.run(&["accept", path, "--reason", "it means nothing"]).exits(0);
            let ran = self.build(&[]);
            assert_eq!(ran.calls(), 0, "an accepted edit buys: {ran:#?}");
            assert!(before == self.space.outputs(), "an accepted edit changes a main file or the lock");
            self.space.run(&["accept", "--revoke", path]).exits(0);
            assert_eq!(self.space.plan(&[]), plan, "revoked, the plan is another one than before");
        }
        if undo {
            self.space.write(path, &document);
            assert_eq!(self.build(&[]).calls(), 0, "an edit that was accepted, revoked and undone buys");
            assert!(before == self.space.outputs());
        }
    }

    /// Whether the seed that is copied to a place is a touched one. Its position counts as it is when the copy is there.
    fn copies_touched(&self, from: usize, to: usize) -> bool {
        let seeds = self.space.seeds();
        let (from, to) = (from % (seeds.len() + 1), to % (seeds.len() + 1));
        from != to && self.touched.contains(&seeds[from - usize::from(from > to)].id)
    }

    fn has_twin(&self, id: &str) -> bool {
        let (root, seeds) = (self.root_of(id), self.space.seeds());
        let text = seeds.iter().find(|seed| seed.id == root).map(|seed| &seed.source);
        seeds.iter().filter(|seed| Some(&seed.source) == text).count() > 1
    }

    fn pin(&mut self, number: usize, at: usize) {
        let items = self.items(number);
        let Some((id, item)) = items.iter().nth(at % items.len().max(1)) else { return };
        self.space.run(&["pin", &format!("{}/{id}", self.pack.phases[number])]).exits(0);
        self.touched.insert(self.root_of(id));
        self.pinned.insert((number, id.clone()), item.clone());
    }

    fn unpin(&mut self) {
        for ((number, id), item) in std::mem::take(&mut self.pinned) {
            self.space.run(&["unpin", &format!("{}/{id}", self.pack.phases[number])]).exits(0);
            // What was written by hand stays that, unless something newer stood while it was pinned.
            self.by_hand.retain(|place, by_hand| *place != (number, id.clone()) || *by_hand == item);
        }
    }

    /// A seed that was touched and is no more, or whose id another one has now, takes the promises over its edits with it.
    fn forget_touched(&mut self, what: &What) {
        let present: BTreeSet<String> = self.space.seeds().into_iter().map(|seed| seed.id).collect();
        let gone = |id: &String| !present.contains(id);
        let swapped = matches!(what, What::SwapIds(..));
        if let What::SwapIds(a, b) = *what {
            // What was decided of a sentence follows it to its other id.
            let seeds = self.space.seeds();
            let ids = [a, b].map(|at| seeds[at % seeds.len()].id.clone());
            if ids.iter().any(|id| self.touched.contains(id)) {
                self.touched.extend(ids);
            }
        }
        if swapped && !self.touched.is_empty() || self.touched.iter().any(gone) {
            self.left = true;
        }
        for kept in [&mut self.by_hand, &mut self.pinned] {
            kept.retain(|(_, id), _| present.iter().any(|root| id.starts_with(root.as_str())) && !swapped);
        }
    }

    fn edit_by_hand(&mut self, number: usize, at: usize) {
        let items = self.items(number);
        let Some(id) = items.keys().nth(at % items.len().max(1)) else { return };
        if !self.has_twin(id) {
            self.write_item(number, id, at);
        }
    }

    /// Says something of an item otherwise.
    fn write_item(&mut self, number: usize, id: &str, at: usize) {
        let mut item = self.items(number)[id].clone();
        let text = match (self.digests, number) {
            (true, 0) => &mut item["parts"][0]["text"],
            (true, _) => &mut item["digest"],
            (false, 0) => &mut item[0],
            (false, 1) => &mut item[2][0][3],
            (false, _) => &mut item["e"][0][1],
        };
        *text = json!(format!("by hand, {at}, {}", text.as_str().unwrap_or_default()));
        self.write_by_hand(number, id, item);
    }

    fn write_by_hand(&mut self, number: usize, id: &str, item: Value) {
        self.space.edit_json(self.pack.files[number], |value| match value {
            Value::Object(items) => items[id] = item.clone(),
            Value::Array(items) => {
                items.iter_mut().filter(|old| old[0] == id).for_each(|old| *old = item.clone());
            }
            _ => panic!("no collection"),
        });
        self.touched.insert(self.root_of(id));
        self.by_hand.insert((number, id.to_owned()), item);
    }

    fn root_of(&self, id: &str) -> String {
        let mut roots: Vec<String> = self.space.seeds().into_iter().map(|seed| seed.id).collect();
        roots.retain(|root| id.starts_with(root.as_str()));
        roots.pop().unwrap()
    }

    fn items(&self, number: usize) -> Items {
        items_of(&self.space, self.pack.files[number])
    }

    /// What has to be true after every build.
    fn check(&mut self) {
        let clean = Space::inputs_of(&self.space);
        if clean.path(ACCEPTED).exists() {
            clean.remove(ACCEPTED);
        }
        clean.build(&["-j", "8"]).exits(0);
        if self.touched.is_empty() {
            for (path, bytes) in clean.outputs() {
                assert_same(&path, &self.space.read(&path), &String::from_utf8(bytes).unwrap());
            }
        } else {
            self.compare_untouched(&clean);
        }
        let before = self.space.files();
        let ran = self.build(&[]);
        assert_eq!(ran.calls(), 0, "a second build buys: {ran:#?}");
        assert!(before == self.space.files(), "a second build changes a file");
    }

    fn compare_untouched(&self, clean: &Space) {
        for (number, path) in self.pack.files.iter().enumerate() {
            let (here, there) = (items_of(&self.space, path), items_of(clean, path));
            let untouched = |items: &Items| -> Items {
                let is_touched = |id: &str| self.touched.iter().any(|root| id.starts_with(root.as_str()));
                items
                    .iter()
                    .filter(|(id, _)| !is_touched(id))
                    .map(|(id, item)| (id.clone(), item.clone()))
                    .collect()
            };
            let [here_untouched, there_untouched] =
                [&here, &there].map(|items| format!("{:#}", json!(untouched(items))));
            assert_same(path, &here_untouched, &there_untouched);
            let own = |place: &&(usize, String)| place.0 == number;
            let by_hand = self.by_hand.keys().filter(|place| !self.pinned.contains_key(place)).filter(own);
            let by_hand = by_hand.map(|place| (&place.1, &self.by_hand[place]));
            let pinned = self.pinned.keys().filter(own).map(|place| (&place.1, &self.pinned[place]));
            for (id, item) in by_hand.chain(pinned) {
                // A part of something that was cut otherwise by a later hand or edit is an orphan, and goes.
                let stands = here.get(id);
                let is_root = self.space.seeds().iter().any(|seed| seed.id == *id);
                assert!(
                    stands == Some(item) || (stands.is_none() && !is_root),
                    "{path}: {id}: {stands:?}, by hand or pinned {item}"
                );
            }
        }
    }
}

/// The calls and items of a build lie within the bounds of the plan before it.
fn assert_as_planned(plan: &Value, ran: &Ran) {
    let items = ran.asked().map(|call| call.items.len()).sum();
    for (name, count) in [("calls", ran.calls()), ("items", items)] {
        let bound = |which: &str| plan[name][which].as_u64().unwrap() as usize;
        assert!(
            (bound("min")..=bound("max")).contains(&count),
            "{count} {name} are not as planned: {plan:#}\n{ran:#?}"
        );
    }
}

/// Fails with the lines that only one of the two has.
fn assert_same(path: &str, here: &str, clean: &str) {
    let [own, others] = [here, clean].map(|text| text.lines().collect::<BTreeSet<_>>());
    let [only_here, only_clean] = [own.difference(&others), others.difference(&own)].map(Vec::from_iter);
    assert!(
        here == clean,
        "{path} is not as a clean build makes it: {only_here:#?} here, {only_clean:#?} there"
    );
}

/// A scope that names a seed that is no more, or runs backwards, is an author's mistake: it gets other ends.
fn mend_scope(space: &Space) {
    let path = "docs/first.md";
    if !space.path(path).exists() {
        return;
    }
    let text = space.read(path);
    let (_, rest) = text.split_once("items=").unwrap();
    let (scope, _) = rest.split_once(" -->").unwrap();
    let (first, last) = scope.split_once('-').unwrap();
    let ids: Vec<String> = space.seeds().into_iter().map(|seed| seed.id).collect();
    let find = |id: &str| ids.iter().position(|other| other == id);
    if !matches!((find(first), find(last)), (Some(first), Some(last)) if first <= last) {
        let (first, last) = (&ids[ids.len() / 3], &ids[ids.len() * 2 / 3]);
        space.replace(path, scope, &format!("{first}-{last}"));
    }
}

fn items_of(space: &Space, path: &str) -> Items {
    if !space.path(path).exists() {
        return Items::new();
    }
    match space.json(path) {
        Value::Object(items) => items.into_iter().collect(),
        Value::Array(items) => {
            items.into_iter().map(|item| (item[0].as_str().unwrap().to_owned(), item)).collect()
        }
        other => panic!("{path}: {other}"),
    }
}
