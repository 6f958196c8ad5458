//! A table from 64-bit keys, which are pieces of digests, to rows.
//!
//! Keys need no hashing and are not proof: whoever follows a chain compares the whole value. Half a million rows load in a
//! blink because an insertion touches one small list and the end of another.

use super::index::number;

/// Rows by one kind of key.
#[derive(Debug, Default)]
pub(super) struct Chains {
    /// For each range of keys the last link of its chain, plus one; a power of two of them, or none.
    heads: Vec<u32>,
    links: Vec<Link>,
}

#[derive(Debug, Clone, Copy)]
struct Link {
    key: u64,
    row: u32,
    /// The link before it in its chain, plus one.
    before: u32,
}

impl Chains {
    /// Adds a row.
    pub(super) fn push(&mut self, key: u64, row: usize) {
        if self.links.len() >= self.heads.len() {
            self.reserve(self.links.len() + 1);
        }
        self.links.push(Link { key, row: number(row), before: 0 });
        self.hang(self.links.len() - 1);
    }

    /// The rows with a key, the last one added first.
    pub(super) fn iter(&self, key: u64) -> impl Iterator<Item = usize> {
        let link = |number: u32| (number as usize).checked_sub(1).map(|at| self.links[at]);
        let head = if self.heads.is_empty() { None } else { link(self.heads[self.range(key)]) };
        let chain = std::iter::successors(head, move |at| link(at.before));
        chain.filter(move |link| link.key == key).map(|link| link.row as usize)
    }

    /// Makes room for so many more rows.
    pub(super) fn reserve(&mut self, rows: usize) {
        let wanted = (self.links.len() + rows).next_power_of_two().max(16);
        self.links.reserve(rows);
        if wanted > self.heads.len() {
            self.heads = vec![0; wanted];
            (0..self.links.len()).for_each(|at| self.hang(at));
        }
    }

    fn hang(&mut self, at: usize) {
        let range = self.range(self.links[at].key);
        self.links[at].before = std::mem::replace(&mut self.heads[range], number(at + 1));
    }

    /// The low bits of a key, of which every bit is as good as any other. Wants `heads`.
    fn range(&self, key: u64) -> usize {
        let low = key & (self.heads.len() as u64 - 1);
        usize::try_from(low).unwrap_or(0)
    }
}

/// The key of a digest: its first 64 bits.
pub(super) fn key_of(digest: &[u8]) -> u64 {
    digest.iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found_however_many_there_are() {
        let mut chains = Chains::default();
        assert_eq!(chains.iter(7).count(), 0);
        // Keys that differ in their high bits only, so that chains hold several of them.
        let key = |row: usize| ((row as u64 % 100) << 40) | (row as u64 % 3);
        for row in 0..1000 {
            chains.push(key(row), row);
        }
        for wanted in 0..300 {
            let expected: Vec<usize> = (0..1000).rev().filter(|row| key(*row) == key(wanted)).collect();
            assert_eq!(chains.iter(key(wanted)).collect::<Vec<_>>(), expected);
        }
        assert_eq!(chains.iter(99).count(), 0);
    }
}
