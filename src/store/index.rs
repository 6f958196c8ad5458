//! Which results the store knows, found by content, by output and by item.
//!
//! Derived from entries and deletable; how it is kept on disk is [`super::segment`]'s. A row is one item that one entry asked
//! for, with its result if one came; that is enough to count attempts too. What an index says depends on the set of entries
//! alone, never on the order in which they were read. Judges nothing: which result is current is for `plan` to say.

use super::chains::{Chains, key_of};
use super::entry::is_shared_call;
use super::known::{Asked, Known, Source};
use super::{Ended, Entry, EntryId, Provenance, RESOLVED};
use crate::diag::Problem;
use crate::digest::{Digest, Short};
use std::collections::{BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, OnceLock};

/// One item of one entry. Texts and the source by their numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub(super) id: u32,
    pub(super) root: u32,
    pub(super) source: u32,
    pub(super) item: u32,
    /// Position of the result, if one came.
    pub(super) at: Option<u32>,
    /// False for a second result for the same item: it is known, and no attempt of its own.
    pub(super) asked: bool,
    pub(super) content: Digest,
    pub(super) slot: Digest,
    /// The result's digest; of no meaning without one.
    pub(super) digest: Digest,
}

/// All that is known. Made by [`super::Store::index`].
#[derive(Debug, Default)]
pub struct Index {
    pub(super) texts: Vec<Arc<str>>,
    pub(super) sources: Vec<Source>,
    pub(super) rows: Vec<Row>,
    /// The first row of each source; its rows follow each other.
    pub(super) first_rows: Vec<usize>,
    pub(super) supersedes: HashMap<u32, Digest>,
    by_content: Chains,
    edits: Chains,
    /// These two are made when they are first asked for: a build of which all is fresh never does.
    by_output: OnceLock<Chains>,
    by_name: OnceLock<Chains>,
    by_entry: HashMap<EntryId, u32>,
    by_call: HashMap<Arc<str>, u32>,
    pub(super) damaged: Vec<Problem>,
}

impl Index {
    /// The results bought under a content key, for whatever item: first those that a shared store has, for everybody else goes by
    /// them too, and then by (time, digest).
    pub fn results<'a>(&'a self, content: &Digest) -> impl Iterator<Item = Known> + use<'a> {
        let rows = self.by_content.iter(key_of(content.as_bytes()));
        let mut found: Vec<usize> =
            rows.filter(|at| self.rows[*at].content == *content && self.rows[*at].at.is_some()).collect();
        found.sort_unstable_by_key(|at| {
            let (row, source) = (&self.rows[*at], self.source(*at));
            (!is_shared_call(&source.call), source.ended_ms, row.digest, source.entry, row.at)
        });
        found.into_iter().filter_map(|at| self.known(at))
    }

    /// The earliest result whose output has a digest that begins so, as a lock knows it.
    pub fn by_short(&self, short: &Short) -> Option<Known> {
        self.earliest(key_of(short.as_bytes()), |row| row.digest.short() == *short)
    }

    /// The digests of results that later purchases replaced, for an item of a content. One that a purchase as late as that
    /// brought again is not among them.
    pub fn superseded(&self, content: &Digest, id: &str) -> BTreeSet<Digest> {
        let brought: Vec<usize> =
            self.rows_of(content, id).filter(|at| self.rows[*at].at.is_some()).collect();
        let replaces = |at: &usize| Some((*self.supersedes.get(&number(*at))?, self.age(*at)));
        let replaced = brought.iter().filter_map(replaces);
        let stands = |digest: Digest, age| {
            brought.iter().any(|at| self.rows[*at].digest == digest && self.age(*at) >= age)
        };
        replaced.filter(|(digest, age)| !stands(*digest, *age)).map(|(digest, _)| digest).collect()
    }

    /// True if any purchase was made to replace a result.
    pub fn has_superseded(&self) -> bool {
        !self.supersedes.is_empty()
    }

    /// How often an item of a content was asked for under these checks, whatever came.
    pub fn attempts(&self, content: &Digest, id: &str, checks: &Digest) -> u32 {
        number(self.attempts_of(content, id, checks).count())
    }

    /// The last of those attempts.
    pub fn last_attempt(&self, content: &Digest, id: &str, checks: &Digest) -> Option<Asked> {
        self.attempts_of(content, id, checks).max_by_key(|at| self.age(*at)).map(|at| self.asked(at))
    }

    /// Every time that an item was asked for, under whatever key, the oldest first.
    pub fn history(&self, course: &str, phase: &str, id: &str) -> Vec<Asked> {
        let mut rows: Vec<usize> = self.named(course, phase, id).collect();
        rows.sort_unstable_by_key(|at| self.age(*at));
        rows.into_iter().map(|at| self.asked(at)).collect()
    }

    /// The entries that name an item of a content, whatever its id, with the item's position there; those of calls first. What calls
    /// were sent for it is the same, for a content is made of that.
    pub fn named_under(&self, content: Short) -> Vec<(EntryId, usize)> {
        let rows = self.by_content.iter(key_of(content.as_bytes()));
        let mut rows: Vec<usize> = rows.filter(|at| self.rows[*at].content.short() == content).collect();
        rows.sort_by_key(|at| self.source(*at).call.is_empty());
        rows.into_iter().map(|at| (self.source(at).entry, self.rows[at].item as usize)).collect()
    }

    /// The newest entry that asked for an item, and its position there: to explain a key by its parts.
    pub fn newest(&self, course: &str, phase: &str, id: &str) -> Option<(EntryId, usize)> {
        let at = self.named(course, phase, id).max_by_key(|at| self.age(*at))?;
        Some((self.source(at).entry, self.rows[at].item as usize))
    }

    /// The newest hand edit of an item, whatever its key was; none once a person decided for what is no edit.
    pub fn edit(&self, course: &str, phase: &str, id: &str) -> Option<Known> {
        let rows = self.edits.iter(name_key(course, phase, id));
        let at = rows.filter(|at| self.is_named(*at, course, phase, id)).max_by_key(|at| self.age(*at))?;
        self.known(at).filter(|known| known.provenance == Provenance::Edited)
    }

    /// What an entry says of itself.
    pub fn source_of(&self, entry: EntryId) -> Option<&Source> {
        self.by_entry.get(&entry).map(|at| &self.sources[*at as usize])
    }

    /// The entry of a call.
    pub fn call(&self, call: &str) -> Option<EntryId> {
        self.by_call.get(call).map(|at| self.sources[*at as usize].entry)
    }

    /// True if it covers an entry.
    pub fn covers(&self, entry: EntryId) -> bool {
        self.by_entry.contains_key(&entry)
    }

    /// What each entry says of itself, in no order.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// Entries that could not be read; each loses itself only.
    pub fn damaged(&self) -> &[Problem] {
        &self.damaged
    }

    /// What an entry asked for and brought, item by item: content key, slot, and the digest of the result if one came.
    pub fn asked_by(&self, entry: EntryId) -> impl Iterator<Item = (Digest, Digest, Option<Digest>)> {
        let source = self.by_entry.get(&entry).map(|at| *at as usize);
        let rows = source.map_or(0..0, |at| self.rows_of_source(at));
        rows.map(|at| {
            let row = &self.rows[at];
            (row.content, row.slot, row.at.map(|_| row.digest))
        })
    }

    /// Adds an entry; does nothing if it is there.
    pub(super) fn learn(&mut self, entry: EntryId, value: &Entry) {
        if self.covers(entry) {
            return;
        }
        self.begin(Source::of(entry, value));
        // Who wants trials reads their entries: nothing that decides can find one by mistake.
        if value.provenance == Provenance::Trial {
            return;
        }
        let mut numbers = HashMap::new();
        let mut text = |texts: &mut Vec<Arc<str>>, text: &Arc<str>| {
            *numbers.entry(Arc::clone(text)).or_insert_with(|| {
                texts.push(Arc::clone(text));
                number(texts.len() - 1)
            })
        };
        for (item, asked) in value.intent.items.iter().enumerate() {
            let row = Row {
                id: text(&mut self.texts, &asked.id),
                root: text(&mut self.texts, &asked.root),
                source: 0,
                item: number(item),
                at: None,
                asked: true,
                content: asked.content,
                slot: asked.slot(),
                digest: Digest::default(),
            };
            let results = value.results.iter().enumerate().filter(|(_, stored)| stored.item == item);
            let mut asked_already = false;
            for (at, stored) in results {
                let brought =
                    Row { at: Some(number(at)), asked: !asked_already, digest: stored.digest, ..row };
                self.push(brought, asked.supersedes);
                asked_already = true;
            }
            // What a cut-off answer did not reach was not attempted.
            if !asked_already && !matches!(value.ended, Ended::Truncated(_)) {
                self.push(row, asked.supersedes);
            }
        }
    }

    /// Adds a source that it does not cover; its rows are pushed next.
    pub(super) fn begin(&mut self, source: Source) {
        let at = number(self.sources.len());
        self.by_entry.insert(source.entry, at);
        if !source.call.is_empty() {
            self.by_call.insert(Arc::clone(&source.call), at);
        }
        self.first_rows.push(self.rows.len());
        self.sources.push(source);
    }

    /// Adds a row, whose texts are there already, to the source begun last.
    pub(super) fn push(&mut self, row: Row, supersedes: Option<Digest>) {
        let at = self.rows.len();
        let source = self.sources.len().saturating_sub(1);
        self.rows.push(Row { source: number(source), ..row });
        self.by_content.push(key_of(row.content.as_bytes()), at);
        let source = self.source(at);
        let by_hand = source.provenance == Provenance::Edited || &*source.generator == RESOLVED;
        if row.at.is_some() && by_hand {
            self.edits.push(self.name_key_of(at), at);
        }
        if let Some(digest) = supersedes {
            self.supersedes.insert(number(at), digest);
        }
        let output = self.output_key_of(at);
        if let (Some(outputs), Some(key)) = (self.by_output.get_mut(), output) {
            outputs.push(key, at);
        }
        if self.by_name.get().is_some() {
            let name = self.name_key_of(at);
            self.by_name.get_mut().into_iter().for_each(|names| names.push(name, at));
        }
    }

    pub(super) fn reserve(&mut self, rows: usize) {
        self.rows.reserve(rows);
        self.by_content.reserve(rows);
    }

    /// The rows of a source.
    pub(super) fn rows_of_source(&self, source: usize) -> std::ops::Range<usize> {
        self.first_rows[source]..self.first_rows.get(source + 1).copied().unwrap_or(self.rows.len())
    }

    fn source(&self, row: usize) -> &Source {
        &self.sources[self.rows[row].source as usize]
    }

    fn age(&self, row: usize) -> (u64, EntryId, u32) {
        let source = self.source(row);
        (source.ended_ms, source.entry, self.rows[row].item)
    }

    fn known(&self, at: usize) -> Option<Known> {
        let (row, source) = (&self.rows[at], self.source(at));
        Some(Known {
            id: Arc::clone(&self.texts[row.id as usize]),
            root: Arc::clone(&self.texts[row.root as usize]),
            content: row.content,
            digest: row.digest,
            provenance: source.provenance,
            ended_ms: source.ended_ms,
            entry: source.entry,
            at: row.at?,
            slot: row.slot,
            checks: source.checks,
            supersedes: self.supersedes.get(&number(at)).copied(),
        })
    }

    fn asked(&self, at: usize) -> Asked {
        Asked { entry: self.source(at).entry, item: self.rows[at].item as usize, result: self.known(at) }
    }

    fn earliest(&self, key: u64, is: impl Fn(&Row) -> bool) -> Option<Known> {
        let outputs = self.by_output.get_or_init(|| self.table(Self::output_key_of));
        let rows = outputs.iter(key).filter(|at| is(&self.rows[*at]));
        self.known(rows.min_by_key(|at| self.age(*at))?)
    }

    fn table(&self, key: impl Fn(&Self, usize) -> Option<u64>) -> Chains {
        let mut table = Chains::default();
        table.reserve(self.rows.len());
        for at in 0..self.rows.len() {
            if let Some(key) = key(self, at) {
                table.push(key, at);
            }
        }
        table
    }

    fn rows_of(&self, content: &Digest, id: &str) -> impl Iterator<Item = usize> {
        self.by_content.iter(key_of(content.as_bytes())).filter(move |at| {
            let row = &self.rows[*at];
            row.content == *content && &*self.texts[row.id as usize] == id
        })
    }

    fn attempts_of(&self, content: &Digest, id: &str, checks: &Digest) -> impl Iterator<Item = usize> {
        self.rows_of(content, id).filter(move |at| {
            let source = self.source(*at);
            self.rows[*at].asked && source.provenance == Provenance::Generated && source.checks == *checks
        })
    }

    /// The rows that asked for an item.
    fn named(&self, course: &str, phase: &str, id: &str) -> impl Iterator<Item = usize> {
        let names = self.by_name.get_or_init(|| self.table(|index, at| Some(index.name_key_of(at))));
        let asked = names.iter(name_key(course, phase, id)).filter(|at| self.rows[*at].asked);
        asked.filter(move |at| self.is_named(*at, course, phase, id))
    }

    fn is_named(&self, at: usize, course: &str, phase: &str, id: &str) -> bool {
        let source = self.source(at);
        (&*source.course, &*source.phase, &*self.texts[self.rows[at].id as usize]) == (course, phase, id)
    }

    /// The key of a row's output, if it has one.
    fn output_key_of(&self, at: usize) -> Option<u64> {
        let row = &self.rows[at];
        row.at.map(|_| key_of(row.digest.as_bytes()))
    }

    fn name_key_of(&self, at: usize) -> u64 {
        let source = self.source(at);
        name_key(&source.course, &source.phase, &self.texts[self.rows[at].id as usize])
    }
}

fn name_key(course: &str, phase: &str, id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (course, phase, id).hash(&mut hasher);
    hasher.finish()
}

/// A position as rows keep it. More than four thousand million of anything do not fit in memory.
pub(super) fn number(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::samples::{asked, digest, entry};

    fn learn(index: &mut Index, entry: &Entry) -> EntryId {
        let id = EntryId::from_digest(Digest::of(&serde_json::to_vec(entry).unwrap()));
        index.learn(id, entry);
        id
    }

    fn at(mut entry: Entry, ended_ms: u64) -> Entry {
        entry.ended_ms = ended_ms;
        entry
    }

    fn outputs(index: &Index, content: &str) -> Vec<Digest> {
        index.results(&digest(content)).map(|known| known.digest).collect()
    }

    #[test]
    fn results_come_by_time_whatever_the_order_of_reading() {
        let late = at(entry("c2", &[asked("S0002", "x")], &["late"]), 20);
        let early = at(entry("c1", &[asked("S0001", "x"), asked("S0003", "y")], &["early", "other"]), 10);
        for order in [[&late, &early], [&early, &late]] {
            let mut index = Index::default();
            for entry in order {
                learn(&mut index, entry);
            }
            assert_eq!(outputs(&index, "x"), [digest("early"), digest("late")]);
            assert_eq!(outputs(&index, "y"), [digest("other")]);
            assert_eq!(outputs(&index, "z"), []);
        }
    }

    #[test]
    fn what_a_shared_store_has_goes_before_what_came_earlier_here() {
        let mut index = Index::default();
        learn(&mut index, &at(entry("c1", &[asked("S0001", "x")], &["ours"]), 10));
        learn(&mut index, &at(entry("@c2", &[asked("S0001", "x")], &["theirs"]), 20));
        assert_eq!(outputs(&index, "x"), [digest("theirs"), digest("ours")]);
    }

    #[test]
    fn a_result_is_found_by_its_output() {
        let mut index = Index::default();
        let first = learn(&mut index, &at(entry("c1", &[asked("S0001", "x")], &["same"]), 10));
        learn(&mut index, &at(entry("c2", &[asked("S0002", "y")], &["same"]), 20));
        let known = index.by_short(&digest("same").short()).unwrap();
        assert_eq!((known.entry, &*known.id, known.at), (first, "S0001", 0));
        assert_eq!(index.by_short(&digest("same").short()), Some(known));
        assert_eq!(index.by_short(&digest("x").short()), None);
    }

    #[test]
    fn attempts_count_whatever_came() {
        let mut index = Index::default();
        let (x, checks) = (digest("x"), digest("checks"));
        learn(&mut index, &at(entry("c1", &[asked("S0001", "x")], &["a"]), 1));
        let last = learn(&mut index, &at(entry("c2", &[asked("S0001", "x")], &[]), 2));
        learn(&mut index, &at(entry("c3", &[asked("S0002", "x")], &["b"]), 3));
        let mut adopted = at(entry("", &[asked("S0001", "x")], &["d"]), 4);
        adopted.provenance = Provenance::Adopted;
        learn(&mut index, &adopted);
        let mut others = at(entry("c5", &[asked("S0001", "x")], &["e"]), 5);
        others.intent.checks = digest("other checks");
        learn(&mut index, &others);
        assert_eq!(index.attempts(&x, "S0001", &checks), 2);
        assert_eq!(
            index.last_attempt(&x, "S0001", &checks).unwrap(),
            Asked { entry: last, item: 0, result: None }
        );
        assert_eq!(index.attempts(&x, "S0009", &checks), 0);
    }

    #[test]
    fn what_was_replaced_and_brought_again_stands() {
        let replacing = |call: &str, ended_ms, old: &str, output: &str| {
            let mut asked = asked("S0001", "x");
            asked.supersedes = Some(digest(old));
            at(entry(call, &[asked], &[output]), ended_ms)
        };
        let superseded = |entries: &[Entry]| {
            let mut index = Index::default();
            for entry in entries.iter().rev() {
                learn(&mut index, entry);
            }
            Vec::from_iter(index.superseded(&digest("x"), "S0001"))
        };
        let first = at(entry("c1", &[asked("S0001", "x")], &["a"]), 1);
        assert_eq!(superseded(&[first.clone(), replacing("c2", 2, "a", "b")]), [digest("a")]);
        assert_eq!(superseded(&[first.clone(), replacing("c2", 2, "a", "a")]), [], "the same answer");
        let back = [first, replacing("c2", 2, "a", "b"), replacing("c3", 3, "b", "a")];
        assert_eq!(superseded(&back), [digest("b")], "the first answer came again");
    }

    #[test]
    fn learning_twice_counts_once() {
        let mut index = Index::default();
        let one = entry("c1", &[asked("S0001", "x")], &["a"]);
        assert_eq!(learn(&mut index, &one), learn(&mut index, &one));
        assert_eq!(index.attempts(&digest("x"), "S0001", &digest("checks")), 1);
        assert_eq!(index.call("c1"), Some(index.sources()[0].entry));
    }

    #[test]
    fn newest_history_and_edits_follow_time() {
        let mut index = Index::default();
        let new =
            learn(&mut index, &at(entry("c2", &[asked("S0009", "q"), asked("S0001", "y")], &["q", "b"]), 20));
        assert_eq!(index.newest("spa", "phase1", "S0001"), Some((new, 1)));
        let old = learn(&mut index, &at(entry("c1", &[asked("S0001", "x")], &["a"]), 10));
        assert_eq!(index.newest("spa", "phase1", "S0001"), Some((new, 1)), "the table is kept current");
        let entries: Vec<EntryId> =
            index.history("spa", "phase1", "S0001").iter().map(|asked| asked.entry).collect();
        assert_eq!(entries, [old, new]);
        assert_eq!(index.newest("spa", "phase3", "S0001"), None);
        assert_eq!(index.edit("spa", "phase1", "S0001"), None);
        for (time, text) in [(40, "later"), (30, "sooner")] {
            let mut edit = at(entry("", &[asked("S0001", "x")], &[text]), time);
            edit.provenance = Provenance::Edited;
            learn(&mut index, &edit);
        }
        assert_eq!(index.edit("spa", "phase1", "S0001").unwrap().digest, digest("later"));
    }

    #[test]
    fn only_a_purchase_that_brought_something_supersedes() {
        let mut index = Index::default();
        let mut again = asked("S0001", "x");
        again.supersedes = Some(digest("a"));
        learn(&mut index, &entry("c1", &[asked("S0001", "x")], &["a"]));
        learn(&mut index, &entry("c2", &[again.clone()], &[]));
        assert!(index.superseded(&digest("x"), "S0001").is_empty());
        learn(&mut index, &entry("c3", &[again], &["b"]));
        assert_eq!(index.superseded(&digest("x"), "S0001"), BTreeSet::from([digest("a")]));
        assert!(index.superseded(&digest("x"), "S0002").is_empty());
        let mut back = asked("S0001", "x");
        back.supersedes = Some(digest("b"));
        learn(&mut index, &at(entry("c4", &[back], &["a"]), 99));
        assert_eq!(
            index.superseded(&digest("x"), "S0001"),
            BTreeSet::from([digest("b")]),
            "the last word counts"
        );
    }

    #[test]
    fn an_entry_that_lies_about_its_items_does_no_harm() {
        let mut index = Index::default();
        let mut odd = entry("c1", &[asked("S0001", "x")], &["a", "b", "c"]);
        odd.results[1].item = 0;
        odd.results[2].item = 99;
        learn(&mut index, &odd);
        assert_eq!(outputs(&index, "x").len(), 2);
        assert_eq!(index.attempts(&digest("x"), "S0001", &digest("checks")), 1);
        assert_eq!(index.by_short(&digest("c").short()), None);
    }
}
