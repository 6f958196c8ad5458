//! What would be done, and why: pure decisions over what is known.

mod report;
mod verdict;

pub use report::*;
pub use verdict::*;
