//! coursebuild: a make-style incremental build tool for content that LLM agents write in batches.
//!
//! The layout is the pipeline; a room imports only from rooms above it in this list.

pub mod diag;
pub mod digest;
pub mod json;
pub mod path;

pub mod fs;
pub mod process;

pub mod check;
pub mod cli;
pub mod course;
pub mod event;
pub mod generate;
pub mod graph;
pub mod key;
pub mod link;
pub mod plan;
pub mod prompt;
pub mod report;
pub mod run;
pub mod schedule;
pub mod store;
