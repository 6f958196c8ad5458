//! Entry and blob files: one frame a file, named by the digest of what it holds.
//!
//! Because names are contents, writing one twice is harmless, folders of two stores merge by copying, and processes need no
//! lock among themselves. A damaged file loses itself only.

use super::Entry;
use super::frame::{self, Kind};
use crate::diag::{Problem, Result};
use crate::digest::Digest;
use crate::fs;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// An entry's name: the digest of its JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EntryId(Digest);

impl EntryId {
    /// The id whose digest is given: for reading a stored one back.
    pub fn from_digest(digest: Digest) -> Self {
        Self(digest)
    }

    /// Its digest.
    pub fn digest(&self) -> &Digest {
        &self.0
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The folders of entries and blobs of one store.
#[derive(Debug)]
pub struct Entries {
    dir: PathBuf,
    /// Folders with names in them that may not have reached the disk.
    unsynced: Mutex<BTreeSet<PathBuf>>,
}

impl Entries {
    /// Those in the store at `dir`. Touches nothing.
    pub fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), unsynced: Mutex::default() }
    }

    /// Writes an entry; its contents have reached the disk when this returns, its name has after [`Self::sync`].
    pub fn write(&self, entry: &Entry) -> Result<EntryId> {
        let body = serde_json::to_vec(entry)
            .map_err(|e| Problem::internal("could not write an entry as JSON").because(e))?;
        let digest = Digest::of(&body);
        self.write_file(Kind::Entry, &self.entry_path(EntryId(digest)), digest, &body)?;
        Ok(EntryId(digest))
    }

    /// Reads an entry, checked whole.
    pub fn read(&self, id: EntryId) -> Result<Entry> {
        self.read_as(id)
    }

    /// Reads some fields of an entry, checked whole.
    pub(super) fn read_as<T: serde::de::DeserializeOwned>(&self, id: EntryId) -> Result<T> {
        let path = self.entry_path(id);
        let body = read_file(Kind::Entry, &path, id.0)?
            .ok_or_else(|| Problem::environment(format!("the entry `{id}` is not in the store")))?;
        serde_json::from_slice(&body).map_err(|e| {
            Problem::environment(format!("could not use `{}`", path.display()))
                .because(e)
                .hint("a newer coursebuild may have written it: use that one")
        })
    }

    /// True if the entry's file is there, whatever is in it.
    pub fn contains(&self, id: EntryId) -> bool {
        self.entry_path(id).is_file()
    }

    /// The names of all entries, sorted. Reads folders only.
    pub fn list(&self) -> Result<Vec<EntryId>> {
        self.list_in("entries", ".cbe")
    }

    fn list_in(&self, room: &str, suffix: &str) -> Result<Vec<EntryId>> {
        let mut ids = Vec::new();
        for folder in names(&self.dir.join(room))?.iter().filter(|folder| is_shard(folder)) {
            let names = names(&self.dir.join(room).join(folder))?;
            let digests = names.iter().filter_map(|name| name.strip_suffix(suffix)?.parse().ok());
            ids.extend(digests.map(EntryId));
        }
        ids.sort_unstable();
        Ok(ids)
    }

    /// Where an entry's file is.
    pub fn entry_path(&self, id: EntryId) -> PathBuf {
        self.path("entries", &id.0, "cbe")
    }

    /// Keeps bytes under their digest: the texts of sections and prefixes, for later diffs.
    pub fn put_blob(&self, bytes: &[u8]) -> Result<Digest> {
        let digest = Digest::of(bytes);
        let path = self.path("blobs", &digest, "cbb");
        if !path.is_file() {
            self.write_file(Kind::Blob, &path, digest, bytes)?;
        }
        Ok(digest)
    }

    /// The bytes kept under a digest, checked whole; `None` if there are none.
    pub fn blob(&self, digest: &Digest) -> Result<Option<Vec<u8>>> {
        read_file(Kind::Blob, &self.path("blobs", digest, "cbb"), *digest)
    }

    /// The names of all blobs, sorted. Reads folders only.
    pub(super) fn list_blobs(&self) -> Result<Vec<Digest>> {
        Ok(self.list_in("blobs", ".cbb")?.into_iter().map(|id| id.0).collect())
    }

    /// The bytes of an entry or a blob, unpacked and checked whole; `None` if there is no such file.
    pub(super) fn body(&self, kind: Kind, name: Digest) -> Result<Option<Vec<u8>>> {
        read_file(kind, &self.place(kind, &name), name)
    }

    /// Takes in an entry or a blob that was checked. True if it was not there, or was there damaged.
    pub(super) fn take_in(&self, kind: Kind, name: Digest, body: &[u8]) -> Result<bool> {
        let path = self.place(kind, &name);
        if matches!(read_file(kind, &path, name), Ok(Some(_))) {
            return Ok(false);
        }
        self.write_file(kind, &path, name, body)?;
        Ok(true)
    }

    /// Where a piece is.
    pub(super) fn place(&self, kind: Kind, name: &Digest) -> PathBuf {
        match kind {
            Kind::Blob => self.path("blobs", name, "cbb"),
            _ => self.path("entries", name, "cbe"),
        }
    }

    /// Waits until the names of all files written have reached the disk.
    pub fn sync(&self) -> Result<()> {
        let mut unsynced = self.unsynced.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(folder) = unsynced.last() {
            // The deepest first; a name stays on the list until it is known to be safe.
            fs::sync_dir(folder)?;
            unsynced.pop_last();
        }
        Ok(())
    }

    /// Has the next [`Self::sync`] cover an entry that another process wrote.
    pub(super) fn sync_later(&self, id: EntryId) {
        self.note_folders(&self.entry_path(id));
    }

    fn note_folders(&self, path: &Path) {
        let inside = path.ancestors().skip(1).take_while(|folder| folder.starts_with(&self.dir));
        // The store's own name stands in the folder above.
        let folders = inside.chain(self.dir.parent());
        self.unsynced
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(folders.filter(|folder| folder.is_dir()).map(Path::to_owned));
    }

    fn write_file(&self, kind: Kind, path: &Path, name: Digest, body: &[u8]) -> Result<()> {
        let bytes = frame::encode(kind, name.as_bytes(), body)?;
        if !fs::write_if_absent(path, &bytes)? && read_file(kind, path, name).is_err() {
            // The name is taken by a damaged file: this one mends it.
            fs::write_whole(path, &bytes, true)?;
        }
        self.note_folders(path);
        Ok(())
    }

    fn path(&self, room: &str, digest: &Digest, extension: &str) -> PathBuf {
        let name = digest.to_string();
        self.dir.join(room).join(&name[..2]).join(format!("{name}.{extension}"))
    }
}

fn read_file(kind: Kind, path: &Path, name: Digest) -> Result<Option<Vec<u8>>> {
    let Some(bytes) = fs::read(path)? else { return Ok(None) };
    let body = frame::decode_only(&bytes, kind, name.as_bytes()).map_err(|bad| bad.problem(path))?;
    // A frame whose seal is right can still have been filed under a wrong name by whoever wrote it.
    if Digest::of(&body) != name {
        return Err(frame::Bad::Damaged("name").problem(path));
    }
    Ok(Some(body.into_owned()))
}

/// The names in a folder that are text; none if the folder is not there.
pub(super) fn names(dir: &Path) -> Result<Vec<String>> {
    let failed = |e: std::io::Error| Problem::io("read the folder", dir, &e);
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) if matches!(e.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(e) => return Err(failed(e)),
    };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry.map_err(failed)?.file_name().into_string());
    }
    Ok(names)
}

fn is_shard(name: &str) -> bool {
    name.len() == 2 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::samples::{asked, entry};

    #[test]
    fn an_entry_goes_out_and_comes_back_under_its_digest() {
        let dir = tempfile::tempdir().unwrap();
        let entries = Entries::new(dir.path());
        let one = entry("c1", &[asked("S0001", "x")], &["out"]);
        let id = entries.write(&one).unwrap();
        assert_eq!(entries.write(&one).unwrap(), id);
        entries.sync().unwrap();
        assert_eq!(entries.read(id).unwrap(), one);
        assert_eq!(entries.list().unwrap(), [id]);
        assert!(entries.read(EntryId(Digest::of(b"?"))).is_err());
    }

    #[test]
    fn a_damaged_entry_is_told_and_mended_by_writing_it_again() {
        let dir = tempfile::tempdir().unwrap();
        let entries = Entries::new(dir.path());
        let one = entry("c1", &[asked("S0001", "x")], &["out"]);
        let id = entries.write(&one).unwrap();
        let path = entries.entry_path(id);
        let bytes = std::fs::read(&path).unwrap();
        fs::write_whole(&path, &bytes[..bytes.len() - 5], false).unwrap();
        let told = entries.read(id).unwrap_err().to_string();
        assert!(told.contains("cut off"), "{told}");
        assert_eq!(entries.write(&one).unwrap(), id);
        assert_eq!(entries.read(id).unwrap(), one);
    }

    #[test]
    fn an_entry_under_another_ones_name_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let entries = Entries::new(dir.path());
        let id = entries.write(&entry("c1", &[], &[])).unwrap();
        let other = entries.write(&entry("c2", &[], &[])).unwrap();
        let bytes = std::fs::read(entries.entry_path(other)).unwrap();
        fs::write_whole(&entries.entry_path(id), &bytes, false).unwrap();
        assert!(entries.read(id).is_err());
        let lie = frame::encode(Kind::Entry, id.0.as_bytes(), b"{}").unwrap();
        fs::write_whole(&entries.entry_path(id), &lie, false).unwrap();
        assert!(entries.read(id).is_err());
    }

    #[test]
    fn blobs_are_kept_under_their_digest() {
        let dir = tempfile::tempdir().unwrap();
        let entries = Entries::new(dir.path());
        let text = "section ".repeat(100);
        let digest = entries.put_blob(text.as_bytes()).unwrap();
        assert_eq!(entries.blob(&digest).unwrap().unwrap(), text.as_bytes());
        assert_eq!(entries.blob(&Digest::of(b"?")).unwrap(), None);
    }

    #[test]
    fn strangers_in_the_folders_are_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let entries = Entries::new(dir.path());
        assert!(entries.list().unwrap().is_empty());
        let id = entries.write(&entry("c1", &[], &[])).unwrap();
        for name in ["entries/README", "entries/aa/x.cbe", "entries/aa/.x.tmp"] {
            fs::write_whole(&dir.path().join(name), b"x", false).unwrap();
        }
        assert_eq!(entries.list().unwrap(), [id]);
    }
}
