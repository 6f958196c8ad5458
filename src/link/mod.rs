//! Results into main files, and the lock that says where they came from.
//!
//! Knows collections and ids, nothing of checks, calls or how a result was chosen.

mod lock;
mod main_file;
mod write;

pub use lock::{Failed, Line, Lock, LockFile, PhaseLines, PhaseLock, read_lock, write_lock};
pub use main_file::{Found, Item, MainFile, Text, Written};
pub use write::{envelope_changes, write_main_file};
