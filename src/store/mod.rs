//! What was paid for, kept: entries, the journal of calls under way, the derived index, the stamp of a complete build.
//!
//! A store is a folder. Any number of processes may use one at once: files are named by what is in them or locked by who
//! writes them, so that nobody overwrites anybody. Opening one writes nothing. Knows what was asked and what came, but not
//! what is current or valid: that is for `plan` and `check`.

mod bundle;
mod chains;
mod entries;
mod entry;
mod frame;
mod index;
mod journal;
mod judgements;
mod known;
mod pack;
mod portable;
mod roots;
#[cfg(test)]
mod samples;
mod segment;
mod stamp;
mod table;
mod upkeep;
mod workspace;
mod writer;

pub use bundle::{Packed, Unpacked};
pub use entries::{Entries, EntryId};
pub use entry::*;
pub use frame::{MAX_ANSWER, MAX_BODY};
pub use index::Index;
pub use journal::{Answer, OpenCall, Unfinished};
pub use judgements::Judgements;
pub use known::{Asked, Known, Source};
pub use portable::{
    MAX_OBJECT, decode_chunk, decode_portion, encode_chunk, encode_portion, portions, together,
};
pub use roots::Root;
pub use stamp::{RACY_NS, Shape, Stamp, Stat};
pub use table::{Compared, Row, Table};
pub use upkeep::Checked;
pub use workspace::{Held, Holder, Note, hold_waiting, try_hold};
pub use writer::Durable;

use crate::diag::{Problem, Result};
use crate::digest::Digest;
use crate::fs;
use crate::json::Value;
use crate::path::file_name;
use journal::{Calls, Record};
use rayon::prelude::*;
use segment::IndexFile;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use writer::Journal;

/// How many entries' results are kept decoded: neighbours in a main file come from few entries.
const RECENT: usize = 64;

/// A store, used by one process.
#[derive(Debug)]
pub struct Store {
    dir: PathBuf,
    entries: Arc<Entries>,
    journal: Journal,
    index: OnceLock<(IndexFile, Index)>,
    recent: Mutex<VecDeque<(EntryId, Results)>>,
    /// Entries written since the index was read, without their texts: it learns of them at the next flush.
    kept: Mutex<Vec<(EntryId, Entry)>>,
    /// Entries that are known and written nowhere.
    imagined: HashMap<EntryId, (Entry, Results)>,
}

type Results = Arc<[Stored]>;

/// The results of an [`Entry`] without the rest of it.
#[derive(serde::Deserialize)]
struct ResultsOnly {
    results: Vec<Stored>,
}

/// Of an [`Entry`], with what and whom its items were asked.
#[derive(serde::Deserialize)]
struct AskingOnly {
    intent: Asking,
}

#[derive(serde::Deserialize)]
struct Asking {
    recipe: Vec<crate::key::Part>,
    generator: String,
    model: Option<String>,
}

impl Store {
    /// The store at `dir`. Nothing is read or made before it is needed.
    pub fn open(dir: impl Into<PathBuf>) -> Self {
        let dir = dir.into();
        let entries = Arc::new(Entries::new(&dir));
        let journal = Journal::new(dir.join("journal"), Arc::clone(&entries));
        Self {
            dir,
            entries,
            journal,
            index: OnceLock::new(),
            recent: Mutex::default(),
            kept: Mutex::default(),
            imagined: HashMap::new(),
        }
    }

    /// Its folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Says that a call is about to be made. The call may leave once that is durable.
    pub fn intend(&self, intent: &Intent) -> Durable {
        self.journal.append(&Record::Intent(Box::new(intent.clone())))
    }

    /// Says what came back from a call. Fails for an answer longer than [`MAX_ANSWER`].
    pub fn answered(&self, call: &str, answer: &Answer) -> Durable {
        self.journal.append(&Record::Answer { call: call.to_owned(), answer: Box::new(answer.clone()) })
    }

    /// Says that nothing will come of a call and that it was no attempt.
    pub fn abandon(&self, call: &str) {
        self.journal.close_call(&Record::Abandoned { call: call.to_owned() });
    }

    /// Keeps an entry; its call, if it had one, is done. The contents have reached the disk when this returns; until its
    /// name has, at [`Self::flush`], a crash finds the answer in the journal.
    pub fn put(&mut self, entry: &Entry) -> Result<EntryId> {
        let id = self.entries.write(entry)?;
        self.learn(id, entry);
        Ok(id)
    }

    /// Keeps an entry while others read the index, which learns of it at the next [`Self::flush`]. Otherwise as [`Self::put`].
    pub fn keep(&self, entry: &Entry) -> Result<EntryId> {
        let id = self.entries.write(entry)?;
        self.journal_done(id, entry);
        let mut slim = Entry { raw: None, stderr: String::new(), ..entry.clone() };
        slim.results.iter_mut().for_each(|stored| stored.output.clear());
        slim.intent.items.iter_mut().for_each(|item| item.input = Value::Null);
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).push((id, slim));
        Ok(id)
    }

    /// Knows an entry without writing it: what a run would find, told without changing anything.
    pub fn imagine(&mut self, entry: Entry) -> Result<()> {
        self.index()?;
        let text = serde_json::to_vec(&entry)
            .map_err(|e| Problem::internal("an entry could not be written").because(e))?;
        let id = EntryId::from_digest(Digest::of(&text));
        if let Some((_, index)) = self.index.get_mut() {
            index.learn(id, &entry);
        }
        let results = entry.results.clone().into();
        self.imagined.insert(id, (entry, results));
        Ok(())
    }

    /// Keeps many entries; faster than one after another.
    pub fn put_many(&mut self, entries: &[Entry]) -> Result<Vec<EntryId>> {
        let ids: Vec<EntryId> =
            entries.par_iter().map(|entry| self.entries.write(entry)).collect::<Result<_>>()?;
        for (id, entry) in ids.iter().zip(entries) {
            self.learn(*id, entry);
        }
        Ok(ids)
    }

    fn learn(&mut self, id: EntryId, entry: &Entry) {
        if let Some((_, index)) = self.index.get_mut() {
            index.learn(id, entry);
        }
        self.journal_done(id, entry);
    }

    fn journal_done(&self, id: EntryId, entry: &Entry) {
        if !entry.intent.call.is_empty() {
            self.journal.close_call(&Record::Done { call: entry.intent.call.clone(), entry: id });
        }
    }

    /// What the store knows: loaded when first asked for, then kept current with what is put.
    pub fn index(&self) -> Result<&Index> {
        if let Some((_, index)) = self.index.get() {
            return Ok(index);
        }
        let loaded = IndexFile::load(&self.dir, &self.entries)?;
        Ok(&self.index.get_or_init(|| loaded).1)
    }

    /// Reads an entry, checked whole.
    pub fn entry(&self, id: EntryId) -> Result<Entry> {
        match self.imagined.get(&id) {
            Some((entry, _)) => Ok(entry.clone()),
            None => self.entries.read(id),
        }
    }

    /// Keeps the texts behind a recipe, by the names of its parts, and returns under what they are found.
    pub fn put_texts(&self, texts: &BTreeMap<Arc<str>, String>) -> Result<Digest> {
        let bytes = serde_json::to_vec(texts)
            .map_err(|e| Problem::internal("the texts of a recipe could not be written").because(e))?;
        self.entries.put_blob(&bytes)
    }

    /// The texts behind a recipe; `None` if they are not there or cannot be read: they only serve to explain.
    pub fn texts(&self, digest: &Digest) -> Option<BTreeMap<Arc<str>, String>> {
        serde_json::from_slice(&self.entries.blob(digest).ok()??).ok()
    }

    /// The entry and blob files themselves.
    pub fn entries(&self) -> &Entries {
        &self.entries
    }

    /// The output of a known result: JSON text of the lifted form.
    pub fn output(&self, known: &Known) -> Result<String> {
        pick(&self.results_of(known.entry)?, known)
    }

    /// The shared key parts that an entry's items were asked under.
    pub fn recipe(&self, id: EntryId) -> Result<Vec<crate::key::Part>> {
        match self.imagined.get(&id) {
            Some((entry, _)) => Ok(entry.intent.recipe.clone()),
            None => Ok(self.entries.read_as::<AskingOnly>(id)?.intent.recipe),
        }
    }

    /// Who was asked: the declared model, else the generator's kind.
    pub fn author(&self, id: EntryId) -> Result<String> {
        let (generator, model) = match self.imagined.get(&id) {
            Some((entry, _)) => (entry.intent.generator.clone(), entry.intent.model.clone()),
            None => {
                let asking = self.entries.read_as::<AskingOnly>(id)?.intent;
                (asking.generator, asking.model)
            }
        };
        Ok(model.unwrap_or(generator))
    }

    fn results_of(&self, id: EntryId) -> Result<Results> {
        if let Some((_, results)) = self.imagined.get(&id) {
            return Ok(Arc::clone(results));
        }
        let lock = || self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, results)) = lock().iter().find(|(known, _)| *known == id) {
            return Ok(Arc::clone(results));
        }
        let results: Results = self.entries.read_as::<ResultsOnly>(id)?.results.into();
        let mut recent = lock();
        recent.truncate(RECENT - 1);
        recent.push_front((id, Arc::clone(&results)));
        Ok(results)
    }

    /// Takes over the calls that dead processes left behind: they are in this process's journal afterwards, so that no
    /// other process finishes them too. Each is to be ended by [`Self::put`] or [`Self::abandon`].
    pub fn unfinished(&self) -> Result<Unfinished> {
        let index = self.index()?;
        let mut scan = journal::scan(&self.journal_dir(), self.journal.path().as_deref())?;
        let mut calls = Calls::default();
        scan.dead.iter_mut().for_each(|dead| calls.add(std::mem::take(&mut dead.read.records)));
        let mut unfinished = Unfinished { calls: self.open_of(calls, index), ..Unfinished::default() };
        self.take_over(&unfinished.calls)?;
        // What the dead journals alone made safe is safe now without them.
        self.entries.sync()?;
        for dead in &scan.dead {
            let kept = self.journal_dir().join("damaged").join(dead.path.file_name().unwrap_or_default());
            if let Some(problem) = dead.problem(&kept) {
                fs::write_whole(&kept, &dead.bytes, true)?;
                unfinished.damaged.push(problem);
            }
            fs::remove_file(&dead.path)?;
        }
        let mut alive = Calls::default();
        alive.add(scan.alive);
        unfinished.elsewhere = self.open_of(alive, index).into_iter().map(|open| open.intent).collect();
        Ok(unfinished)
    }

    /// The calls that are open in any journal, their writers dead or alive; takes nothing over and writes nothing.
    pub fn open_calls(&self) -> Result<Vec<OpenCall>> {
        Ok(self.open_of(journal::peek(&self.journal_dir())?, self.index()?))
    }

    fn open_of(&self, calls: Calls, index: &Index) -> Vec<OpenCall> {
        calls.open(|call, done| {
            let readable = |id: &EntryId| index.covers(*id) || self.entries.read(*id).is_ok();
            let entry = index.call(call).or_else(|| done.filter(readable));
            entry.inspect(|id| self.entries.sync_later(*id)).is_some()
        })
    }

    fn take_over(&self, calls: &[OpenCall]) -> Result<()> {
        let said = calls.iter().flat_map(|open| {
            let answer = open.answer.as_ref().map(|answer| self.answered(&open.intent.call, answer));
            [Some(self.intend(&open.intent)), answer]
        });
        let waiting: Vec<Durable> = said.flatten().collect();
        waiting.into_iter().try_for_each(Durable::wait)
    }

    /// Makes all that was put durable by name, removes the journal if nothing in it is open, and saves the index.
    pub fn flush(&mut self) -> Result<()> {
        self.entries.sync()?;
        self.journal.retire().wait()?;
        let kept = std::mem::take(&mut *self.kept.lock().unwrap_or_else(PoisonError::into_inner));
        if let Some((_, index)) = self.index.get_mut() {
            kept.iter().for_each(|(id, entry)| index.learn(*id, entry));
        }
        match self.index.get_mut() {
            Some((file, index)) => file.save(index),
            None => Ok(()),
        }
    }

    /// The folder of a call: its prompt, its input, what its process wrote.
    pub fn call_dir(&self, call: &str) -> PathBuf {
        self.dir.join("calls").join(file_name(call))
    }

    /// Removes the folder of a call, once its entry is durable.
    pub fn forget_call(&self, call: &str) -> Result<()> {
        fs::remove_dir(&self.call_dir(call))
    }

    /// Where the log of a run is kept.
    pub fn run_log(&self, name: &str) -> PathBuf {
        self.dir.join("runs").join(file_name(name))
    }

    fn journal_dir(&self) -> PathBuf {
        self.dir.join("journal")
    }
}

fn pick(results: &[Stored], known: &Known) -> Result<String> {
    let stored = results.get(known.at as usize).filter(|stored| stored.digest == known.digest);
    stored.map(|stored| stored.output.clone()).ok_or_else(|| {
        Problem::environment(format!(
            "the entry `{}` does not hold the result that the index names",
            known.entry
        ))
        .hint("delete the file `index` in the store: it will be made again")
    })
}

#[cfg(test)]
mod tests {
    use super::samples::{answer, asked, digest, entry, intent};
    use super::*;

    fn one(call: &str, content: &str, output: &str) -> Entry {
        entry(call, &[asked("S0001", content)], &[output])
    }

    fn outputs(store: &Store, content: &str) -> Vec<String> {
        let known = store.index().unwrap().results(&digest(content));
        known.map(|known| store.output(&known).unwrap()).collect()
    }

    fn copy(from: &Path, to: &Path) {
        for entry in walkdir::WalkDir::new(from).into_iter().map(|entry| entry.unwrap()) {
            let target = to.join(entry.path().strip_prefix(from).unwrap());
            if entry.file_type().is_file() {
                fs::write_whole(&target, &std::fs::read(entry.path()).unwrap(), false).unwrap();
            }
        }
    }

    fn journals(dir: &Path) -> usize {
        std::fs::read_dir(dir.join("journal")).map_or(0, |names| names.count())
    }

    #[test]
    fn looking_at_a_store_makes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store");
        let mut store = Store::open(&path);
        assert!(store.index().unwrap().sources().is_empty());
        assert_eq!(store.open_calls().unwrap(), []);
        assert_eq!(store.unfinished().unwrap().calls, []);
        store.flush().unwrap();
        drop(store);
        assert!(!path.exists());
    }

    #[test]
    fn what_is_put_is_known_at_once_and_later() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(dir.path());
        assert_eq!(outputs(&store, "x"), [""; 0]);
        store.put(&one("c1", "x", "a")).unwrap();
        assert_eq!(outputs(&store, "x"), ["\"a\""]);
        store.flush().unwrap();
        assert_eq!(outputs(&Store::open(dir.path()), "x"), ["\"a\""]);
    }

    #[test]
    fn an_adopted_result_needs_no_call() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(dir.path());
        let mut adopted = one("", "x", "a");
        adopted.provenance = Provenance::Adopted;
        let edited = Entry { provenance: Provenance::Edited, ..one("", "x", "b") };
        assert_eq!(store.put_many(&[adopted, edited]).unwrap().len(), 2);
        store.flush().unwrap();
        assert!(!dir.path().join("journal").exists());
        let index = store.index().unwrap();
        assert_eq!(index.attempts(&digest("x"), "S0001", &digest("checks")), 0);
        assert_eq!(index.edit("spa", "phase1", "S0001").unwrap().provenance, Provenance::Edited);
    }

    #[test]
    fn stores_merge_by_copying() {
        let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for (dir, call, output) in [(&a, "c1", "a"), (&b, "c2", "b")] {
            let mut store = Store::open(dir.path());
            store.index().unwrap();
            store.put(&one("same", "x", "same")).unwrap();
            store.put(&one(call, "x", output)).unwrap();
            store.intend(&intent(&format!("open {output}"), &[])).wait().unwrap();
            store.flush().unwrap();
        }
        copy(a.path(), b.path());
        let store = Store::open(b.path());
        let mut found = outputs(&store, "x");
        found.sort();
        assert_eq!(found, ["\"a\"", "\"b\"", "\"same\""]);
        assert_eq!(store.unfinished().unwrap().calls.len(), 2);
    }

    #[test]
    fn an_answer_outlives_its_process() {
        let dir = tempfile::tempdir().unwrap();
        let asked = [asked("S0001", "x")];
        let store = Store::open(dir.path());
        store.intend(&intent("c1", &asked)).wait().unwrap();
        store.intend(&intent("c2", &asked)).wait().unwrap();
        store.intend(&intent("c3", &asked)).wait().unwrap();
        store.answered("c1", &answer(Some(b"\xffpaid"))).wait().unwrap();
        store.abandon("c3");
        drop(store);

        // One process takes the calls over and dies too.
        let open = Store::open(dir.path()).unfinished().unwrap().calls;
        let expected = [
            OpenCall { intent: intent("c1", &asked), answer: Some(answer(Some(b"\xffpaid"))) },
            OpenCall { intent: intent("c2", &asked), answer: None },
        ];
        assert_eq!(open, expected);

        let mut store = Store::open(dir.path());
        assert_eq!(store.open_calls().unwrap(), expected);
        assert_eq!(store.unfinished().unwrap().calls, expected);
        let other = Store::open(dir.path()).unfinished().unwrap();
        assert!(other.calls.is_empty(), "they are this process's now");
        assert_eq!(other.elsewhere.len(), 2);
        store.put(&one("c1", "x", "paid")).unwrap();
        store.abandon("c2");
        store.flush().unwrap();
        assert_eq!((store.open_calls().unwrap(), journals(dir.path())), (vec![], 0));
    }

    #[test]
    fn an_entry_finishes_its_call_whatever_the_journal_says() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path());
        store.intend(&intent("c1", &[])).wait().unwrap();
        drop(store);
        // As if the process had died between writing the entry and saying so.
        Entries::new(dir.path()).write(&one("c1", "x", "a")).unwrap();
        assert_eq!(Store::open(dir.path()).unfinished().unwrap().calls, []);
        assert_eq!(journals(dir.path()), 0);
    }

    #[test]
    fn a_call_that_is_done_is_open_again_if_its_entry_is_lost() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(dir.path());
        store.intend(&intent("c1", &[])).wait().unwrap();
        store.answered("c1", &answer(Some(b"paid"))).wait().unwrap();
        let id = store.put(&one("c1", "x", "a")).unwrap();
        drop(store);
        fs::write_whole(&Entries::new(dir.path()).entry_path(id), b"torn", false).unwrap();
        let calls = Store::open(dir.path()).unfinished().unwrap().calls;
        assert_eq!(calls[0].answer, Some(answer(Some(b"paid"))));
    }

    #[test]
    fn a_damaged_journal_is_told_and_kept_aside() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path());
        for call in ["c1", "c2", "c3"] {
            store.intend(&intent(call, &[])).wait().unwrap();
        }
        drop(store);
        let path = dir.path().join("journal/c1.cbj");
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write_whole(&path, &bytes, false).unwrap();
        let unfinished = Store::open(dir.path()).unfinished().unwrap();
        assert_eq!((unfinished.calls.len(), unfinished.damaged.len()), (1, 1));
        assert_eq!(std::fs::read(dir.path().join("journal/damaged/c1.cbj")).unwrap(), bytes);
    }

    #[test]
    fn writers_at_once_lose_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str| {
            let mut store = Store::open(dir.path());
            for n in 0..20 {
                store.index().unwrap();
                let call = format!("{name}{n}");
                store.intend(&intent(&call, &[])).wait().unwrap();
                store.answered(&call, &answer(Some(b"x"))).wait().unwrap();
                store.put(&one(&call, "x", &call)).unwrap();
                store.put(&entry("both", &[], &[])).unwrap();
                if n % 3 == 0 {
                    store.flush().unwrap();
                }
            }
            store.flush().unwrap();
        };
        std::thread::scope(|scope| {
            for name in ["a", "b", "c"] {
                scope.spawn(move || write(name));
            }
        });
        let store = Store::open(dir.path());
        assert_eq!(outputs(&store, "x").len(), 60);
        assert_eq!(store.index().unwrap().sources().len(), 61);
        assert_eq!((store.unfinished().unwrap().calls, journals(dir.path())), (vec![], 0));
    }

    #[test]
    fn one_lost_entry_fails_alone() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(dir.path());
        store.index().unwrap();
        let lost = store.put(&one("c1", "x", "a")).unwrap();
        store.put(&one("c2", "x", "b")).unwrap();
        fs::remove_file(&store.entries().entry_path(lost)).unwrap();
        let known: Vec<Known> = store.index().unwrap().results(&digest("x")).collect();
        let read: Vec<bool> = known.iter().map(|known| store.output(known).is_ok()).collect();
        let expected: Vec<bool> = known.iter().map(|known| known.entry != lost).collect();
        assert_eq!(read, expected);
    }

    #[test]
    fn foreign_names_stay_inside() {
        let store = Store::open("/s");
        assert_eq!(store.call_dir("../../x"), Path::new("/s/calls/_.._.._x"));
        assert_eq!(store.run_log("2026 a"), Path::new("/s/runs/2026_a"));
    }
}
