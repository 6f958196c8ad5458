//! What the last run knew of a phase: which items a result gave, and their keys. Saves making them again from results that have
//! not changed; whatever is not surely the same is made anew.

use super::board::{Board, Cell};
use super::compare::counted;
use super::verdict::Verdict;
use crate::course::Feed;
use crate::digest::{Digest, Hasher, Short};
use crate::store::{Compared, Row, Table};
use std::collections::HashMap;
use std::sync::Arc;

/// The items of the last run, by root.
#[derive(Debug, Default)]
pub struct Recall {
    rows: Vec<Row>,
    of_root: HashMap<Arc<str>, (usize, usize)>,
    /// How many leading roots passed the checks that compare items, and what seals that.
    compared: Compared,
}

impl Recall {
    /// From the table that the last run left.
    pub fn new(table: Option<Table>) -> Self {
        let (rows, compared) = table.map(|table| (table.rows, table.compared)).unwrap_or_default();
        let mut of_root: HashMap<Arc<str>, (usize, usize)> = HashMap::new();
        for (at, row) in rows.iter().enumerate() {
            of_root.entry(row.root.clone()).and_modify(|range| range.1 = at + 1).or_insert((at, at + 1));
        }
        Self { rows, of_root, compared }
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

    /// What it tells of comparisons.
    pub fn compared(&self) -> Compared {
        self.compared
    }

    fn seen(&self) -> impl Iterator<Item = (&Arc<str>, Digest)> {
        self.rows.iter().map(|row| (&row.id, row.digest))
    }
}

impl Board<'_> {
    /// True where the items of a result can be told from the table of the last run.
    pub fn recalls(&self, phase: usize) -> bool {
        self.phases[phase].splitting != Digest::default()
    }

    /// What this run may tell the next one of the items that it compared: the leading roots in which all passed.
    pub fn compared(&self, phase: usize) -> Compared {
        let checks = &self.phases[phase].checks;
        if !checks.blames_others() {
            return Compared::default();
        }
        let passed = |phase: usize| {
            let fresh = |cell: &Cell| cell.decision.verdict == Verdict::Fresh && cell.doubt.is_none();
            let slots = self.phases[phase].slots.iter();
            slots.take(self.settled(phase)).take_while(|slot| slot.cells.iter().all(fresh)).count()
        };
        let reads = checks.reads().filter(|_| checks.blames_by_lexicon()).map(|spec| spec.phase);
        let taught = reads.map_or(usize::MAX, |reads| self.as_far(phase, reads, passed(reads)));
        let roots = passed(phase).min(taught);
        let seen = reads.map(|reads| {
            self.cells(reads).map(|(.., cell)| {
                let linked = cell.decision.linked.as_ref();
                (&cell.id, linked.map_or(Digest::default(), |linked| linked.digest))
            })
        });
        Compared { roots: super::small(roots), seal: self.seal(phase, roots, seen) }
    }

    /// The number of leading roots that surely pass the checks that compare items, for nothing in them or in what they are
    /// compared with is another than when the last run found that out.
    pub(super) fn unchanged(&self, phase: usize) -> usize {
        let board = &self.phases[phase];
        let told = board.recall.compared;
        let roots = (told.roots as usize).min(board.slots.len());
        let reads = board.checks.reads().filter(|_| board.checks.blames_by_lexicon()).map(|spec| spec.phase);
        let seen = reads.map(|reads| self.phases[reads].recall.seen());
        if roots == 0 || told.roots as usize != roots || told.seal != self.seal(phase, roots, seen) {
            return 0;
        }
        let taught = reads.map_or(usize::MAX, |reads| self.as_far(phase, reads, self.same(reads)));
        self.same(phase).min(roots).min(taught)
    }

    /// How far what is known of `other` reaches in a phase that reads it.
    fn as_far(&self, phase: usize, other: usize, roots: usize) -> usize {
        match self.graph.node(other).source == self.graph.node(phase).source {
            _ if roots == self.phases[other].slots.len() => usize::MAX,
            true => roots,
            false => 0,
        }
    }

    /// The number of leading roots whose items count with what they were in the last run: fresh ones, and those of which
    /// nobody knows yet what they will be.
    fn same(&self, phase: usize) -> usize {
        let board = &self.phases[phase];
        let mut rows = board.recall.rows.iter().peekable();
        let same = |root: usize| {
            let id = &board.roots[root];
            board.slots[root].cells.iter().all(|cell| {
                let counts = counted(cell.by_itself());
                rows.next().is_some_and(|row| {
                    row.id == cell.id
                        && row.root == *id
                        && self.is_made_from_the_same(phase, root, cell, row)
                        && counts.is_some_and(|counts| counts.digest == row.digest)
                })
            }) && rows.peek().is_none_or(|row| row.root != *id)
        };
        let mut same = same;
        (0..board.slots.len()).take_while(|root| same(*root)).count()
    }

    /// Whether an item's input is what it was in the last run. An item that waits has no key yet: it is made from what is linked
    /// before it.
    fn is_made_from_the_same(&self, phase: usize, root: usize, cell: &Cell, row: &Row) -> bool {
        if self.phases[phase].slots[root].is_decided() {
            return row.content == cell.content;
        }
        let Feed::Phase { phase: feed, .. } = self.rule(phase).feed else { return false };
        let upstream = self.phases[feed].slots[root].cells.get(cell.from as usize);
        let linked = upstream.and_then(|upstream| Some((&upstream.id, upstream.decision.linked.as_ref()?)));
        linked.is_some_and(|(id, linked)| {
            let made_from = self.made_from(phase, root, id, linked.digest);
            made_from == row.made_from && made_from != Short::default()
        })
    }

    fn seal<'a>(
        &self,
        phase: usize,
        roots: usize,
        seen: Option<impl Iterator<Item = (&'a Arc<str>, Digest)>>,
    ) -> Digest {
        let mut hasher = Hasher::new("compared");
        hasher.field("checks", self.phases[phase].checks.digest().as_bytes());
        for waiver in self.course.accepted.waivers() {
            hasher.field("waived", waiver.output.as_bytes()).field("check", waiver.check.as_bytes());
        }
        for root in &self.phases[phase].roots[..roots] {
            hasher.field("root", root.as_bytes());
        }
        for (id, digest) in seen.into_iter().flatten() {
            hasher.field("id", id.as_bytes()).field("seen", digest.as_bytes());
        }
        hasher.finish()
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
        if board.batches.cohorts().is_some() {
            hasher.field("cohort", self.cohort_made_from(phase, root).as_bytes());
        }
        hasher.finish().short()
    }
}
