//! JSON as the tool needs it: canonical bytes, pointers with wildcards, ids lifted out and put back, collections of any
//! shape read without losing a doubled key.
//!
//! Pure; knows nothing of rules or files.

mod canonical;
mod collection;
mod diff;
mod lift;
mod merge;
mod pointer;

pub use canonical::{canonical, is_surely_normal, normalize, normalize_text};
pub use collection::{Collection, Element, Envelope, Kind, Shape, ShapeError, read_collection};
pub use diff::{Change, Words, are_spaced, changes, words};
pub use lift::{Ids, after_id, lift, put_back, strip};
pub use merge::{Clash, Merged, merge};
pub use pointer::{NotAPointer, Pointer};

pub use serde_json::Value;
