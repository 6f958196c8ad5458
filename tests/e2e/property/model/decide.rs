//! What people decide about an item that has more than one result, or one that fails a check.

use super::super::edit::Choice;
use super::Model;
use crate::support::Ran;
use crate::support::expect::plan_of;
use serde_json::{Value, json};

/// An item: the number of its main file, and its id.
type Place = (usize, String);

impl Model {
    /// An item that has a result of a person's hand, beside what was generated; with a turn, from other inputs than the present ones.
    pub(super) fn two_generations(&mut self, number: usize, at: usize, turn: Option<u64>) -> Option<Place> {
        let (number, id) = self.some_item(number, at)?;
        if self.pinned.contains_key(&(number, id.clone())) || self.has_twin(&id) {
            return None;
        }
        if !self.by_hand.contains_key(&(number, id.clone())) {
            self.write_item(number, &id, at);
            self.build(&[]);
        }
        if let Some(turn) = turn {
            self.edit_section(if self.digests { number * 2 } else { number }, turn);
            self.build(&[]);
        }
        Some((number, id))
    }

    /// A decision stands at once, costs nothing, and is a person's word: it stays until another one is taken.
    pub(super) fn resolve(&mut self, choice: Choice, place: &Place, back: bool) {
        let (number, id) = (place.0, &place.1);
        let target = format!("{}/{id}", self.pack.phases[number]);
        let stood = self.items(number).remove(id);
        let (args, wanted) = match choice {
            Choice::Mine => (vec!["--mine".to_owned()], stood.clone()),
            Choice::Theirs => (vec!["--theirs".to_owned()], None),
            Choice::Revoke => (vec!["--revoke".to_owned()], None),
            Choice::Generation(at) => {
                let chosen = (at % self.generations(&target).max(1) + 1).to_string();
                let shown = self.space.run(&["show", &target, "--at", &chosen]).exits(0);
                let shown: Value = serde_json::from_str(&shown.stdout).unwrap();
                let item = if shown.is_array() { &shown[0] } else { &shown[id] };
                (vec!["--generation".to_owned(), chosen], Some(item.clone()))
            }
        };
        if wanted.as_ref().is_some_and(|item| self.is_said_elsewhere(number, id, item)) {
            return;
        }
        let before = self.space.files();
        let can_fail = matches!(choice, Choice::Theirs | Choice::Revoke);
        if !self.decide(place, &target, &args, wanted.as_ref(), can_fail) {
            assert!(before == self.space.files(), "what cannot be decided changes something");
        } else if back && choice != Choice::Revoke {
            self.decide(place, &target, &["--revoke".to_owned()], stood.as_ref(), false);
        }
    }

    /// Takes a decision; false if it cannot be taken.
    fn decide(
        &mut self,
        place: &Place,
        target: &str,
        args: &[String],
        wanted: Option<&Value>,
        can_fail: bool,
    ) -> bool {
        let mut command = vec!["resolve", target, "--format", "json"];
        command.extend(args.iter().map(String::as_str));
        let ran = self.space.run(&command);
        assert!(ran.books.is_empty(), "a decision buys: {ran:#?}");
        if can_fail && ran.code == Some(2) {
            return false;
        }
        let ran = ran.exits(0);
        let stands = self.items(place.0).remove(&place.1);
        assert!(
            wanted.is_none_or(|item| stands.as_ref() == Some(item)),
            "{target}: {stands:?}, not {wanted:?}"
        );
        let Some(stands) = stands else { panic!("nothing stands for {target}: {ran:#?}") };
        let told = told(&ran);
        let why = self.space.run(&["why", target, "--format", "json"]).exits(0);
        let why: Value = serde_json::from_str(&why.stdout).unwrap();
        assert_eq!(
            told["verdict"], why["items"][0]["verdict"],
            "{target}: the decision told, and what is: {why:#}"
        );
        self.touched.insert(self.root_of(&place.1));
        if told["provenance"] == "edited" {
            self.by_hand.insert(place.clone(), stands);
        } else {
            self.by_hand.remove(place);
        }
        true
    }

    /// An output that fails a check is held for it, until that is waived; taken back, it is held as before.
    pub(super) fn waive(&mut self, at: usize, keep: bool) {
        let number = self.pack.files.len() - 1;
        let ids: Vec<String> = self.items(number).into_keys().collect();
        let Some(id) = ids.get(at % ids.len().max(1)).cloned() else { return };
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

    /// An item of a main file; half of the time one that was written by hand, if there is any.
    fn some_item(&self, number: usize, at: usize) -> Option<Place> {
        let by_hand: Vec<_> =
            self.by_hand.keys().filter(|(number, id)| self.items(*number).contains_key(id)).collect();
        if at.is_multiple_of(2) && !by_hand.is_empty() {
            return Some(by_hand[at / 2 % by_hand.len()].clone());
        }
        let ids: Vec<String> = self.items(number).into_keys().collect();
        ids.get(at % ids.len().max(1)).map(|id| (number, id.clone()))
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

/// What a decision says of the one item.
fn told(ran: &Ran) -> Value {
    let told: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|e| panic!("{e}: {ran:#?}"));
    told["items"][0].clone()
}
