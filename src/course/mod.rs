//! What the author wrote, read and validated: manifest, rules, documents, sources.
//!
//! The other rooms see only the types below. They hold no dangling name, no cycle and no unchecked path, so nothing after this
//! room carries an error for those.

mod accepted;
mod cohort;
mod computing;
mod context;
mod document;
mod gather;
mod generate;
mod generator;
mod items;
mod language;
mod load;
mod main_files;
mod manifest;
mod order;
mod output;
mod outside;
mod pack;
mod pointing;
mod proposal;
mod raw_rule;
mod recognise;
mod rule;
mod schema;
mod service;
mod severity;
mod shared;
mod source;
mod starter;
mod text;
mod types;

pub use accepted::{Accepted, Edit, Pin, Waiver};
pub use generate::{Generate, GeneratorKind, Preset};
pub use items::{ItemDraft, Names, NoItems, Shown, Upstream, draft_group, draft_items, group_of, project};
pub use language::BUILTIN_LANGUAGES;
pub use load::load;
pub use main_files::{PhaseFile, builtin_files, main_files};
pub use output::*;
pub use pack::{BUILTIN_PACKS, BuiltinPack, PackPhase, builtin_pack};
pub use proposal::Proposal;
pub use recognise::{
    FoundDocuments, FoundFile, FoundSource, Holds, Recognised, documents, recognise, source_of, sources,
};
pub use schema::{manifest_schema, rule_schema};
pub use service::{Api, ApiKey, Batches, CacheLife};
pub use shared::{OnRemoteDown, SharedMode, SharedPlace, SharedStore};
pub use starter::*;
pub use types::*;
