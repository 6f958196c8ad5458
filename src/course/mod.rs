//! What the author wrote, read and validated: manifest, rules, documents, sources.
//!
//! The other rooms see only the types below. They hold no dangling name, no cycle and no unchecked path, so nothing after this
//! room carries an error for those.

mod document;
mod generator;
mod items;
mod language;
mod load;
mod manifest;
mod order;
mod pack;
mod pointing;
mod raw_rule;
mod rule;
mod severity;
mod source;
mod text;
mod types;

pub use items::{ItemDraft, Names, NoItems, Upstream, draft_items, project};
pub use language::BUILTIN_LANGUAGES;
pub use load::load;
pub use pack::{BUILTIN_PACKS, BuiltinPack};
pub use types::*;
