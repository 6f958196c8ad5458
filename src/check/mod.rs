//! What an output must satisfy: the closed set of checks, one file a family.

mod finding;

pub use finding::*;
