//! Edit, build, expect: the tool as its users meet it, through the binary.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::cast_possible_truncation,
    reason = "tests: a failure may panic anywhere, and they make the files and children that the tool then meets"
)]

mod agreement;
mod answers;
mod checks;
mod cli;
#[cfg(feature = "crash-points")]
mod crash;
mod docs;
mod edits;
mod held;
mod kills;
mod laws;
mod least_calls;
mod pipelines;
mod property;
mod real_course;
mod services;
mod sources;
mod supervisor;
mod support;
mod two_builds;
