//! What the author wrote, read and validated: manifest, rules, documents, sources.
//!
//! The other rooms see only the types below. They hold no dangling name, no cycle and no unchecked path, so nothing after this
//! room carries an error for those.

mod types;

pub use types::*;
