//! Results into main files, and the lock that says where they came from.
//!
//! Knows collections and ids, nothing of checks, calls or how a result was chosen.

mod excerpt;
mod lock;
mod main_file;
mod merge;
mod merge_lock;
mod write;

pub use excerpt::{bare_excerpt, excerpt, surroundings};
pub use lock::{Failed, Line, Lock, LockFile, PhaseLines, PhaseLock, read_lock, write_lock};
pub use main_file::{Found, Item, MainFile, Text, Written};
pub use merge::{Locks, MergedFile, Sides, merge_blocks, merge_main_files};
pub use merge_lock::{lock_of_text, merge_locks};
pub use write::{envelope_changes, write_main_file};
