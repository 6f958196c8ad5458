//! What was paid for, kept: entries, the journal of calls under way, the derived index.

mod entry;

pub use entry::*;
