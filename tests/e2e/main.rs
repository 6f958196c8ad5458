//! Edit, build, expect: the tool as its users meet it, through the binary.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::cast_possible_truncation,
    reason = "tests: a failure may panic anywhere, and they make the files and children that the tool then meets"
)]

mod answers;
mod cli;
#[cfg(feature = "crash-points")]
mod crash;
mod edits;
mod kills;
mod laws;
mod pipelines;
mod supervisor;
mod support;
