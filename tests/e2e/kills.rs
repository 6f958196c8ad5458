//! The tool is killed while calls are in flight: what they answer is kept, and nothing is bought twice.
//!
//! An ordinary run kills a few builds; `COURSEBUILD_TEST_KILLS=500` kills so many.

use crate::support::Space;

const ORDINARY_KILLS: usize = 20;
const SEEDS: usize = 60;
/// A build of so many seeds writes more lines into the books than that.
const LINES: usize = 16;

#[test]
fn killed_builds_buy_each_item_once() {
    let kills = std::env::var("COURSEBUILD_TEST_KILLS").ok();
    let kills = kills.map_or(ORDINARY_KILLS, |kills| kills.parse().unwrap());
    let reference = Space::batching(SEEDS);
    reference.build(&[]).exits(0);
    for turn in 0..kills {
        let space = Space::batching(SEEDS);
        // Some builds are killed early and some late, some soon after a call is asked and some soon after an answer.
        let lines = 1 + turn * 7 % LINES;
        let mut running = space.start(space.tool(&["build", "-j", "3"]));
        running.until(|books| books.len() >= lines);
        running.kill();
        space.build(&["-j", "3"]).exits(0);
        assert!(space.answered() == reference.answered(), "turn {turn}: {:#?}", space.books());
        assert!(space.outputs() == reference.outputs(), "turn {turn}: another course than without the kill");
    }
}
