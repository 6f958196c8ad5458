//! coursebuild: a make-style incremental build tool for content that LLM agents write in batches.
//!
//! The layout is the pipeline; a room imports only from rooms above it in this list.

pub mod digest;
pub mod diag;
pub mod path;
pub mod json;

pub mod fs;
pub mod process;
pub mod http;
pub mod money;

pub mod course;
pub mod graph;
pub mod key;
pub mod prompt;
pub mod generate;
pub mod check;
pub mod store;
pub mod share;
pub mod link;
pub mod schedule;
pub mod plan;
pub mod event;
pub mod run;
pub mod report;
pub mod cli;
