//! Rows by a 64-bit key; rows with one key hang in a chain, and whoever follows it compares the whole value.
//!
//! One table and one list of numbers, instead of a list a key: half a million rows load in a blink.

use super::index::number;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// The chains of one kind of key.
#[derive(Debug, Default)]
pub(super) struct Chains {
    heads: HashMap<u64, u32, BuildHasherDefault<AsIs>>,
    /// For each row the next one in its chain, plus one.
    next: Vec<u32>,
}

impl Chains {
    /// Adds a row; rows come in ascending order.
    pub(super) fn push(&mut self, key: u64, row: usize) {
        if self.next.len() <= row {
            self.next.resize(row + 1, 0);
        }
        self.next[row] = self.heads.insert(key, number(row + 1)).unwrap_or(0);
    }

    /// The rows with a key, the last one added first.
    pub(super) fn iter(&self, key: u64) -> impl Iterator<Item = usize> {
        let row = |link: u32| (link as usize).checked_sub(1);
        let head = self.heads.get(&key).copied().and_then(row);
        std::iter::successors(head, move |at| row(self.next[*at]))
    }

    pub(super) fn reserve(&mut self, rows: usize) {
        self.heads.reserve(rows);
        self.next.reserve(rows);
    }
}

/// Keys are pieces of digests: they need no hashing.
#[derive(Default)]
struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |sum, byte| sum.rotate_left(8) ^ u64::from(*byte));
    }
}

/// The key of a digest: its first 64 bits.
pub(super) fn key_of(digest: &[u8]) -> u64 {
    digest.iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}
