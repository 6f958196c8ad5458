//! A store looked over: is every piece whole, what may go, and what goes.
//!
//! Judges no need: what is needed is said by whoever asks. A damaged piece is moved aside, never deleted.

use super::frame::Kind;
use super::{EntryId, Store};
use crate::diag::{Problem, Result};
use crate::digest::Digest;
use crate::fs;
use rayon::prelude::*;
use std::path::PathBuf;

/// What a look at every piece found.
#[derive(Debug, Default)]
pub struct Checked {
    /// Entries and blobs that are whole.
    pub whole: usize,
    /// The files that are not, and why.
    pub damaged: Vec<(PathBuf, Problem)>,
}

impl Store {
    /// Reads every entry and blob, checked whole.
    pub fn verify(&self) -> Result<Checked> {
        let entries = self.entries.list()?.into_iter().map(|id| (Kind::Entry, *id.digest()));
        let blobs = self.entries.list_blobs()?.into_iter().map(|name| (Kind::Blob, name));
        let all: Vec<(Kind, Digest)> = entries.chain(blobs).collect();
        let bad = |(kind, name): &(Kind, Digest)| {
            let problem = match kind {
                Kind::Entry => self.entries.read(EntryId::from_digest(*name)).err(),
                _ => self.entries.body(*kind, *name).err(),
            }?;
            Some((self.entries.place(*kind, name), problem))
        };
        let damaged: Vec<_> = all.par_iter().filter_map(bad).collect();
        Ok(Checked { whole: all.len() - damaged.len(), damaged })
    }

    /// Moves damaged files aside, to `damaged/` in the store, and has the index made again. Gives what was moved.
    pub fn repair(&self) -> Result<Checked> {
        let checked = self.verify()?;
        for (path, _) in &checked.damaged {
            let Some(name) = path.file_name() else { continue };
            fs::move_aside(path, &self.dir.join("damaged").join(name))?;
        }
        if !checked.damaged.is_empty() {
            self.forget_index()?;
        }
        Ok(checked)
    }

    /// The length of an entry's file.
    pub fn size(&self, id: EntryId) -> u64 {
        std::fs::metadata(self.entries.entry_path(id)).map_or(0, |metadata| metadata.len())
    }

    /// Deletes entries for good, and has the index made again. One that cannot be deleted stays, and is told.
    pub fn discard(&self, entries: &[EntryId]) -> Result<()> {
        for id in entries {
            fs::remove_file(&self.entries.entry_path(*id))?;
        }
        self.forget_index()
    }

    fn forget_index(&self) -> Result<()> {
        let _lock = fs::Lock::take(&self.dir.join("index.lock"))?;
        fs::remove_file(&self.dir.join("index"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{asked, entry};
    use super::*;

    #[test]
    fn what_is_damaged_is_found_moved_aside_and_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(dir.path());
        let whole = store.put(&entry("c1", &[asked("S0001", "x")], &["out"])).unwrap();
        let torn = store.put(&entry("c2", &[asked("S0002", "y")], &["out"])).unwrap();
        store.index().unwrap();
        store.flush().unwrap();
        let path = store.entries().entry_path(torn);
        let bytes = std::fs::read(&path).unwrap();
        fs::write_whole(&path, &bytes[..40], false).unwrap();
        let store = Store::open(dir.path());
        let found = store.verify().unwrap();
        assert_eq!((found.whole, found.damaged.len()), (1, 1));
        assert!(path.exists(), "a look moves nothing");
        assert_eq!(store.repair().unwrap().damaged[0].0, path);
        assert!(!path.exists() && dir.path().join("damaged").join(path.file_name().unwrap()).exists());
        let store = Store::open(dir.path());
        assert!(store.index().unwrap().covers(whole) && !store.index().unwrap().covers(torn));
        store.discard(&[whole]).unwrap();
        assert!(Store::open(dir.path()).index().unwrap().sources().is_empty());
    }
}
