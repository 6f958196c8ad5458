//! Edits in any order: after every build the main files are those of a clean build of the same inputs, a second build buys
//! nothing, and an edit undone buys nothing; `docs/model.md` says all of it.
//!
//! A sequence is drawn from a number. One that fails is made shorter as long as it still fails, and printed.
//! `COURSEBUILD_TEST_SEQUENCES=500` tries so many; `COURSEBUILD_TEST_SEQUENCE=17` that one.

mod edit;
mod model;

use edit::{Dice, Edit};
use model::Model;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

const ORDINARY_SEQUENCES: u64 = 12;
/// Most of the time goes into processes that wait for each other.
const THREADS: usize = 4;

/// A course, and what happens to it.
#[derive(Debug, Clone)]
struct Sequence {
    seeds: usize,
    /// The pack whose answers are digests of the prompts; else `builtin:batching@1`.
    digests: bool,
    edits: Vec<Edit>,
}

impl Sequence {
    fn draw(number: u64) -> Self {
        let mut dice = Dice::new(number);
        let (seeds, digests) = (5 + dice.below(11), dice.below(2) == 0);
        let edits: Vec<Edit> = (0..3 + dice.below(4)).map(|_| Edit::draw(&mut dice)).collect();
        // Dice of their own, so that the sequence of a number stays what it was.
        let mut dice = Dice::new(!number);
        let edits = edits.into_iter().map(|edit| edit.with_canary(&mut dice)).collect();
        Self { seeds, digests, edits }
    }

    /// What goes wrong with it, if something does.
    fn trouble(&self) -> Option<String> {
        let run = || {
            let mut model = Model::new(self.seeds, self.digests);
            self.edits.iter().for_each(|edit| model.after(edit));
        };
        let panic = catch_unwind(AssertUnwindSafe(run)).err()?;
        let text = panic.downcast_ref::<String>().cloned();
        Some(text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default())
    }

    /// The same sequence without the edits that the trouble does not need.
    fn shortest(mut self) -> Self {
        let mut at = 0;
        while at < self.edits.len() {
            let mut shorter = self.clone();
            shorter.edits.remove(at);
            if shorter.trouble().is_some() {
                self = shorter;
            } else {
                at += 1;
            }
        }
        self
    }
}

fn number_from(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

#[test]
fn any_edits_in_any_order() {
    let numbers = match number_from("COURSEBUILD_TEST_SEQUENCE") {
        Some(number) => number..number + 1,
        None => 1..number_from("COURSEBUILD_TEST_SEQUENCES").unwrap_or(ORDINARY_SEQUENCES) + 1,
    };
    let next = AtomicU64::new(numbers.start);
    let failed = std::thread::scope(|scope| {
        let work = || {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= numbers.end {
                    return None;
                }
                if Sequence::draw(number).trouble().is_some() {
                    next.store(numbers.end, Ordering::Relaxed);
                    return Some(number);
                }
            }
        };
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(work)).collect();
        threads.into_iter().filter_map(|thread| thread.join().unwrap()).min()
    });
    if let Some(number) = failed {
        let shortest = Sequence::draw(number).shortest();
        let trouble = shortest.trouble().unwrap_or_else(|| "it did not fail again".to_owned());
        panic!(
            "COURSEBUILD_TEST_SEQUENCE={number} fails; at least this of it is needed:\n{shortest:#?}\n{trouble}"
        );
    }
}
