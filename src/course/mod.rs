//! What the author wrote, read and validated: manifest, rules, documents, sources.
//!
//! The other rooms see only the types below. They hold no dangling name, no cycle and no unchecked path, so nothing after this
//! room carries an error for those.

mod computing;
mod document;
mod gather;
mod generator;
mod items;
mod language;
mod load;
mod manifest;
mod order;
mod output;
mod pack;
mod pointing;
mod raw_rule;
mod rule;
mod schema;
mod service;
mod severity;
mod source;
mod text;
mod types;

pub use items::{ItemDraft, Names, NoItems, Shown, Upstream, draft_group, draft_items, group_of, project};
pub use language::BUILTIN_LANGUAGES;
pub use load::load;
pub use output::*;
pub use pack::{BUILTIN_PACKS, BuiltinPack, PackPhase, builtin_pack};
pub use schema::{manifest_schema, rule_schema};
pub use service::{Api, ApiKey, CacheLife};
pub use types::*;
