//! What would be done, and why: pure decisions over what is known.

mod adopt;
mod accepted;
mod attempts;
mod blame;
mod board;
mod claim;
mod cohort;
mod compare;
mod context;
mod decide;
mod derived;
mod dry;
mod explain;
mod facts;
mod found;
mod grouping;
mod items;
mod judge_course;
mod memory;
mod once;
mod opening;
mod order;
mod outline;
mod outside;
mod outstanding;
mod pinned;
mod reasons;
mod recall;
mod refresh;
mod refuse;
mod registry;
mod report;
mod scope;
mod select;
mod texts;
mod together;
mod trouble;
mod verdict;

pub use adopt::Adopt;
pub use board::*;
pub use context::Entries;
pub use decide::decide;
pub use derived::Firsts;
pub use explain::{explain, part_words, words};
pub use facts::*;
pub use found::Difference;
pub use judge_course::{COVERAGE, JudgedItem, JudgedPhase, judge_course};
pub use memory::Memory;
pub use order::Step;
pub use outline::{enlist, fits, outline, pack, place, wants};
pub use outside::{Case, Chain, Material, batch_file, judgement_key};
pub use outstanding::{Change, Outstanding, outstanding};
pub use recall::Recall;
pub use refresh::refreshed;
pub use report::*;
pub use select::*;
pub use texts::{PartTexts, part_texts, recipe_texts};
pub use trouble::{extras, trouble};
pub use verdict::*;

use crate::digest::Digest;
use crate::json::{Value, canonical};

/// The digest of an output in lifted form: over its canonical bytes.
pub fn output_digest(lifted: &Value) -> Digest {
    Digest::of(&canonical(lifted))
}

/// The same, of its text. Text that is not JSON has the digest of its bytes: it is no result that anybody stored.
pub fn output_digest_of_text(lifted: &str) -> Digest {
    serde_json::from_str(lifted)
        .map_or_else(|_| Digest::of(lifted.as_bytes()), |value: Value| output_digest(&value))
}

/// A dense number; a course has far fewer than four billion of anything.
fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
