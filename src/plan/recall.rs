//! What the last run knew of a phase: which items a result gave, and their keys. Saves making them again from results that have
//! not changed; whatever is not surely the same is made anew.

use super::board::Board;
use crate::digest::{Digest, Hasher, Short};
use crate::store::{Row, Table};
use std::collections::HashMap;
use std::sync::Arc;

/// The items of the last run, by root.
#[derive(Debug, Default)]
pub struct Recall {
    rows: Vec<Row>,
    of_root: HashMap<Arc<str>, (usize, usize)>,
}

impl Recall {
    /// From the table that the last run left.
    pub fn new(table: Option<Table>) -> Self {
        let rows = table.map(|table| table.rows).unwrap_or_default();
        let mut of_root: HashMap<Arc<str>, (usize, usize)> = HashMap::new();
        for (at, row) in rows.iter().enumerate() {
            of_root.entry(row.root.clone()).and_modify(|range| range.1 = at + 1).or_insert((at, at + 1));
        }
        Self { rows, of_root }
    }

    /// The items that were made from this, in order, with their content keys.
    pub(super) fn items(&self, root: &str, made_from: Short) -> Vec<(&Arc<str>, Digest)> {
        let Some(&(from, to)) = self.of_root.get(root) else { return Vec::new() };
        let same = self.rows[from..to]
            .iter()
            .filter(|row| row.made_from == made_from && made_from != Short::default());
        same.map(|row| (&row.id, row.content)).collect()
    }

    /// Its rows.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }
}

impl Board<'_> {
    /// True where the items of a result can be told from the table of the last run.
    pub fn recalls(&self, phase: usize) -> bool {
        self.phases[phase].splitting != Digest::default()
    }

    /// What decides which items an upstream result gives, and their keys: the result, its item, the rule's way of splitting and
    /// showing it, and the recipe. Zero where more than that decides.
    pub fn made_from(&self, phase: usize, root: usize, upstream: &str, digest: Digest) -> Short {
        let board = &self.phases[phase];
        if !self.recalls(phase) {
            return Short::default();
        }
        let mut hasher = Hasher::new("made from");
        hasher
            .field("splitting", board.splitting.as_bytes())
            .field("recipe", board.recipe(root).digest().as_bytes())
            .field("item", upstream.as_bytes())
            .field("root", board.roots[root].as_bytes())
            .field("result", digest.as_bytes());
        hasher.finish().short()
    }
}
