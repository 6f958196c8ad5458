//! Edit, build, expect: the tool as its users meet it, through the binary.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::cast_possible_truncation,
    reason = "tests: a failure may panic anywhere, and they make the files and children that the tool then meets"
)]

mod adopt;
mod accepted;
mod agreement;
mod answers;
mod check_command;
mod branches;
mod checks;
mod chinese;
mod ci;
mod cli;
mod cohort;
mod coursewide;
#[cfg(feature = "crash-points")]
mod crash;
mod damaged;
mod docs;
mod docs_incremental;
mod doctor;
mod drops;
mod edits;
mod edits_merge;
mod faulty;
mod graph;
mod failures;
mod held;
mod kills;
mod laws;
mod least_calls;
mod outside;
mod odd_answers;
mod partial;
mod pipelines;
mod presets;
mod property;
mod real_course;
mod reasons;
mod screens;
mod servers;
mod services;
mod shared;
mod sources;
mod upkeep;
mod starting;
mod supervisor;
mod support;
mod trial;
mod tutorial;
mod two_builds;
mod why;
