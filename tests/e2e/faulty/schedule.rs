//! Which mistakes are made, and where: drawn from a number, so that a run can be made again.
//!
//! Every batch of the first two phases has one mistake that spoils a whole answer, turn by turn of all kinds that its way
//! knows, and about every sixth item one of its own. Of baskets nobody knows the ids before the LEGOs are cut, only that every
//! seed has a first one; so seeds stand so far apart that no call meets two that spoil the whole.

use super::{Row, Way};
use crate::faulty::batching::{self, tongue::Tongue};
use crate::support::synth::{Dice, Seed};
use serde_json::{Value, json};
use std::path::Path;

/// More than is read of an answer.
const TOO_LONG: usize = 17 << 20;
const FLOOD: usize = 100 << 20;
const LONG: usize = 8 << 20;

/// What spoils a whole answer of a program. Those that take the time-out stand together, so that they wait together.
const OF_COMMAND: [&str; 14] = [
    "prose",
    "cut",
    "hang",
    "deaf and hang",
    "deaf",
    "flood",
    "too long",
    "not JSON",
    "UTF-16",
    "Latin-1",
    "exit",
    "exit without an answer",
    "fenced",
    "to a file",
];
/// What spoils a whole answer of an agent at a folder.
const OF_DROP: [&str; 12] = [
    "prose", "cut", "hang", "late", "slow", "again", "unasked", "too long", "not JSON", "UTF-16", "Latin-1",
    "fenced",
];
/// What spoils one item, or only looks as if it did.
const OF_ITEMS: [&str; 6] = ["wrong", "missing", "shape", "twice_otherwise", "twice", "extra"];

/// Draws the faults of a run. `pids`, `prompts`: folders for what the program keeps.
pub(super) fn draw(row: &Row, seeds: &[Seed], pids: &Path, prompts: &Path) -> Vec<Value> {
    let kinds = match row.way {
        Way::Command => &OF_COMMAND[..],
        Way::Drop => &OF_DROP[..],
    };
    let mut schedule = Schedule {
        dice: Dice::new(row.seeds as u64),
        pids,
        kinds,
        turn: 0,
        item_turn: 0,
        items: Vec::new(),
        whole: Vec::new(),
    };
    for phase in ["phase1", "phase3"] {
        for batch in seeds.chunks(row.batches()[0]) {
            schedule.batch(phase, batch);
        }
    }
    schedule.baskets(seeds, row.batches()[2] + 1);
    schedule.of_the_course(row.tongue(), seeds);
    assert!(
        schedule.turn >= kinds.len() && schedule.item_turn >= OF_ITEMS.len(),
        "not everything goes wrong"
    );
    // Whole answers are spoilt last: what is doubled in a text has to be JSON still.
    let keep = json!({"fault": "keep_prompt", "to": prompts});
    schedule.items.into_iter().chain(schedule.whole).chain([keep]).collect()
}

struct Schedule<'s> {
    dice: Dice,
    pids: &'s Path,
    kinds: &'s [&'s str],
    turn: usize,
    item_turn: usize,
    items: Vec<Value>,
    whole: Vec<Value>,
}

impl Schedule<'_> {
    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.dice.next() % bound as u64).unwrap()
    }

    fn kind(&mut self) -> &str {
        self.turn += 1;
        self.kinds[(self.turn - 1) % self.kinds.len()]
    }

    fn batch(&mut self, phase: &str, batch: &[Seed]) {
        let kind = self.kind().to_owned();
        let whole = self.below(batch.len());
        self.spoil_whole(&kind, phase, &batch[whole].id);
        for (at, seed) in batch.iter().enumerate() {
            // What is kept back and comes later, and what is cut, is to be simple to foresee.
            let possible = match kind.as_str() {
                "late" => &[][..],
                "cut" => &["wrong"],
                _ => &OF_ITEMS,
            };
            if self.below(6) == 0 && at != whole && !possible.is_empty() {
                self.spoil_item(possible[self.item_turn % possible.len()], phase, &seed.id);
                self.item_turn += usize::from(possible.len() > 1);
            }
        }
    }

    fn baskets(&mut self, seeds: &[Seed], apart: usize) {
        for (at, seed) in seeds.iter().enumerate() {
            let first = format!("{}L01", seed.id);
            if at % apart == 0 {
                let kind = match self.kind() {
                    "late" => "hang",
                    other => other,
                };
                let kind = kind.to_owned();
                self.spoil_whole(&kind, "phase5", &first);
            } else if self.below(6) == 0 {
                let fault = ["wrong", "missing", "shape"][self.below(3)];
                self.spoil_item(fault, "phase5", &first);
            }
        }
    }

    /// An item goes wrong at its first attempt, one in four at the second too, and then otherwise: the same answer again would
    /// end its attempts.
    fn spoil_item(&mut self, fault: &str, phase: &str, item: &str) {
        self.items.push(json!({"fault": fault, "phase": phase, "item": item, "attempts": [1]}));
        if self.below(4) == 0 {
            let other = if fault == "missing" { "wrong" } else { "missing" };
            self.items.push(json!({"fault": other, "phase": phase, "item": item, "attempts": [2]}));
        }
    }

    fn spoil_whole(&mut self, kind: &str, phase: &str, item: &str) {
        // The first time for all that it is worth; later a little of it shows as much.
        let first = self.turn <= self.kinds.len();
        let faults = match kind {
            "hang" => vec![json!({"fault": "hang"})],
            "deaf and hang" => vec![json!({"fault": "deaf", "pids": self.pids}), json!({"fault": "hang"})],
            "deaf" => vec![json!({"fault": "deaf", "pids": self.pids})],
            "flood" => vec![
                json!({"fault": "flood", "bytes": if first { FLOOD } else { LONG }}),
                json!({"fault": "pad", "bytes": LONG}),
            ],
            "too long" => vec![json!({"fault": "pad", "bytes": if first { FLOOD } else { TOO_LONG }})],
            "not JSON" => vec![json!({"fault": "not_json"})],
            "UTF-16" => vec![json!({"fault": "utf16"})],
            "Latin-1" => vec![json!({"fault": "latin1"})],
            "exit" => vec![json!({"fault": "exit", "code": 7})],
            "exit without an answer" => vec![json!({"fault": "empty"}), json!({"fault": "exit", "code": 1})],
            "to a file" => vec![json!({"fault": "to_file"})],
            plain => vec![json!({"fault": plain})],
        };
        for mut fault in faults {
            fault["phase"] = json!(phase);
            fault["item"] = json!(item);
            fault["attempts"] = json!([1]);
            self.whole.push(fault);
        }
    }

    /// What passes by itself and is refused beside what stands before it, and what only a language's own checks refuse.
    fn of_the_course(&mut self, tongue: Tongue, seeds: &[Seed]) {
        let plain = seeds.iter().position(|seed| !seed.source.contains('{')).unwrap();
        let (base, last) = (&seeds[plain].source, seeds.last().unwrap());
        let lego = &batching::cut(tongue, &batching::translate(tongue, base), base)[0];
        self.instead("phase3", &last.id, &json!({"fault": "known", "text": lego.known}));
        let of_language = match tongue {
            Tongue::MadeUp => return,
            Tongue::Spanish => ["quiero que sepas algo", "tengo un poco tiempo", "puedo decir algo"],
            Tongue::Italian => ["voglio che tu sia qui", "ho un pò di tempo", "posso dire qualcosa"],
        };
        let [subjunctive, slip, variation] =
            of_language.map(|text| json!({"fault": "set", "at": "/0", "to": text}));
        self.instead("phase1", &seeds[seeds.len().min(50) - 2].id, &subjunctive);
        self.instead("phase1", &seeds[seeds.len() / 2].id, &slip);
        let speaks = |seed: &&Seed| seed.source.split(' ').any(|word| word == "speak");
        // The last that has to vary with none: a wrong word that stands while the one before it is asked again would be the first.
        let last = seeds.iter().take(100).rfind(speaks).unwrap();
        self.instead("phase1", &last.id, &variation);
    }

    /// This at the first attempt, and no other fault of the item.
    fn instead(&mut self, phase: &str, item: &str, fault: &Value) {
        self.items.retain(|other| other["phase"] != phase || other["item"] != item);
        let mut fault = fault.clone();
        fault["phase"] = json!(phase);
        fault["item"] = json!(item);
        fault["attempts"] = json!([1]);
        self.items.push(fault);
    }
}
