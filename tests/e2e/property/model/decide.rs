//! What people decide about an item that has more than one result, or one that fails a check.

use super::super::edit::Choice;
use super::Model;
use crate::support::Ran;
use crate::support::expect::plan_of;
use serde_json::{Value, json};

impl Model {
    /// A decision stands at once, costs nothing, and is a person's word: it stays until another one is taken.
    pub(super) fn resolve(&mut self, choice: Choice, of_hand: bool, number: usize, at: usize) {
        let Some((number, id)) = self.some_item(of_hand, number, at) else { return };
        if self.pinned.contains_key(&(number, id.clone())) || self.has_twin(&id) {
            return;
        }
        let target = format!("{}/{id}", self.pack.phases[number]);
        let generations = self.generations(&target);
        let (args, wanted) = match choice {
            Choice::Mine => (vec!["--mine".to_owned()], self.items(number).remove(&id)),
            Choice::Theirs => (vec!["--theirs".to_owned()], None),
            Choice::Revoke => (vec!["--revoke".to_owned()], None),
            Choice::Generation(at) => {
                let chosen = at % generations.max(1) + 1;
                let shown = self.space.run(&["show", &target, "--at", &chosen.to_string()]).exits(0);
                let shown: Value = serde_json::from_str(&shown.stdout).unwrap();
                let item = if shown.is_array() { &shown[0] } else { &shown[&id] };
                (vec!["--generation".to_owned(), chosen.to_string()], Some(item.clone()))
            }
        };
        if wanted.as_ref().is_some_and(|item| self.is_said_elsewhere(number, &id, item)) {
            return;
        }
        let before = self.space.files();
        let mut command = vec!["resolve", &target, "--format", "json"];
        command.extend(args.iter().map(String::as_str));
        let ran = self.space.run(&command);
        assert!(ran.books.is_empty(), "a decision buys: {ran:#?}");
        if wanted.is_none() && ran.code == Some(2) {
            assert!(before == self.space.files(), "what cannot be decided changes something: {ran:#?}");
            return;
        }
        let ran = ran.exits(0);
        let stands = self.items(number).remove(&id);
        assert!(wanted.is_none() || stands == wanted, "{target}: {stands:?} stands, not {wanted:?}");
        let Some(stands) = stands else { panic!("nothing stands for {target}: {ran:#?}") };
        self.touched.insert(self.root_of(&id));
        if provenance(&ran) == "edited" {
            self.by_hand.insert((number, id), stands);
        } else {
            self.by_hand.remove(&(number, id));
        }
    }

    /// An output that fails a check is held for it, until that is waived; taken back, it is held as before.
    pub(super) fn waive(&mut self, at: usize, keep: bool) {
        let number = self.pack.files.len() - 1;
        let Some((number, id)) = self.some_item(false, number, at) else { return };
        if self.pinned.contains_key(&(number, id.clone())) {
            return;
        }
        let phase = self.pack.phases[number];
        let held = |model: &Self| plan_of(&model.space.plan(&[]), phase)["held"].as_u64().unwrap();
        self.build(&[]);
        let held_at_first = held(self);
        let Some(mut item) = self.items(number).remove(&id) else { return };
        let text = if self.digests { &mut item["digest"] } else { &mut item["e"][0][0] };
        *text = json!(format!("zzz {}", at % 7));
        self.write_by_hand(number, &id, item);
        assert_eq!(self.build(&[]).calls(), 0, "what fails a check by a person's hand is bought");
        let (plan, outputs) = (self.space.plan(&[]), self.space.outputs());
        let target = format!("{phase}/{id}");
        self.space.run(&["waive", &target, "--reason", "it may"]).exits(0);
        // One that had been held for another reason before is held for that still.
        let stays_held = held_at_first == plan_of(&plan, phase)["held"];
        let now = plan_of(&plan, phase)["held"].as_u64().unwrap() - u64::from(!stays_held);
        assert_eq!(held(self), now, "{target} is waived");
        assert_eq!(self.build(&[]).calls(), 0, "a waiver buys");
        let main_files = |outputs: &std::collections::BTreeMap<String, Vec<u8>>| {
            self.pack.files.iter().map(|file| outputs[*file].clone()).collect::<Vec<_>>()
        };
        assert_eq!(main_files(&outputs), main_files(&self.space.outputs()), "a waiver changes a main file");
        if !keep {
            self.space.run(&["waive", "--revoke", &target]).exits(0);
            assert_eq!(self.space.plan(&[]), plan, "taken back, the plan is another one than before");
            assert_eq!(self.build(&[]).calls(), 0);
            assert!(outputs == self.space.outputs(), "taken back, a main file or the lock is another one");
        }
    }

    /// An item of a main file, or one that was written by hand.
    fn some_item(&self, of_hand: bool, number: usize, at: usize) -> Option<(usize, String)> {
        let by_hand: Vec<_> =
            self.by_hand.keys().filter(|(number, id)| self.items(*number).contains_key(id)).collect();
        if of_hand && !by_hand.is_empty() {
            return Some(by_hand[at % by_hand.len()].clone());
        }
        let items = self.items(number);
        items.into_keys().nth(at % self.items(number).len().max(1)).map(|id| (number, id))
    }

    /// How many results an item had.
    fn generations(&self, target: &str) -> usize {
        let log = self.space.run(&["log", target, "--format", "json"]).exits(0);
        let log: Value = serde_json::from_str(&log.stdout).unwrap();
        log["items"][0]["generations"].as_array().map_or(0, Vec::len)
    }

    /// An earlier result may be of a sentence that another seed has by now: `determinism` would blame one of the two.
    fn is_said_elsewhere(&self, number: usize, id: &str, item: &Value) -> bool {
        let known = match (self.digests, number) {
            (false, 0) => &item[1],
            (false, 1) => &item[1][1],
            _ => return false,
        };
        let root = self.root_of(id);
        self.space.seeds().iter().any(|seed| seed.id != root && known == seed.source.trim())
    }
}

fn provenance(ran: &Ran) -> String {
    let told: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|e| panic!("{e}: {ran:#?}"));
    told["items"][0]["provenance"].as_str().unwrap_or_default().to_owned()
}
