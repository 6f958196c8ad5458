//! The only door to disk writes.
//!
//! Every step that changes the disk passes a *write point*. Under the feature `crash-points` the points are numbered and the
//! process can be made to die at any one of them, in the middle of a write too: that is how the tests show that a crash at
//! any moment loses nothing and tears nothing.

#![expect(clippy::disallowed_methods, reason = "this is the door that the bans point to")]

mod disk;
mod place;

pub use disk::{free_bytes, is_executable, is_writable};

use crate::diag::{Problem, Result};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

static POINTS: AtomicU64 = AtomicU64::new(0);
static CRASH_AT: AtomicU64 = AtomicU64::new(0);

/// Makes the process die at its `n`-th write point, counted from 1 (0: never). Does nothing without the feature `crash-points`.
pub fn crash_at(n: u64) {
    CRASH_AT.store(n, Ordering::SeqCst);
}

/// The number of write points passed so far.
pub fn points_passed() -> u64 {
    POINTS.load(Ordering::SeqCst)
}

fn point() {
    if cfg!(feature = "crash-points") {
        let now = POINTS.fetch_add(1, Ordering::SeqCst) + 1;
        if now == CRASH_AT.load(Ordering::SeqCst) {
            let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
            std::thread::park();
        }
    }
}

/// Writes with a write point before, in the middle and after, so that a crash can leave half of it.
fn write_in_steps(file: &mut File, bytes: &[u8]) -> std::io::Result<()> {
    point();
    if cfg!(feature = "crash-points") {
        let (first, rest) = bytes.split_at(bytes.len() / 2);
        file.write_all(first)?;
        point();
        file.write_all(rest)?;
    } else {
        file.write_all(bytes)?;
    }
    point();
    Ok(())
}

/// Makes a folder and those above it.
pub fn create_dir(path: &Path) -> Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    point();
    std::fs::create_dir_all(path).map_err(|e| Problem::io("make the folder", path, &e))
}

/// Reads a file; `None` if it is not there.
pub fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Problem::io("read", path, &e)),
    }
}

/// Reads a file as UTF-8; `None` if it is not there.
pub fn read_text(path: &Path) -> Result<Option<String>> {
    let Some(bytes) = read(path)? else { return Ok(None) };
    String::from_utf8(bytes).map(Some).map_err(|e| {
        Problem::author(format!("`{}` is not UTF-8 text", path.display()))
            .because(format!("byte {} is no part of a character", e.utf8_error().valid_up_to()))
            .hint("save it as UTF-8")
    })
}

/// Removes a file; fine if it is not there.
pub fn remove_file(path: &Path) -> Result<()> {
    point();
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Problem::io("remove", path, &e)),
        _ => Ok(()),
    }
}

/// Moves a file to a place of its own: with its folder made if need be.
pub fn move_aside(path: &Path, to: &Path) -> Result<()> {
    create_dir(to.parent().unwrap_or(Path::new(".")))?;
    point();
    std::fs::rename(path, to).map_err(|e| Problem::io("move aside", path, &e))
}

/// Gives a file another name, over what is there.
pub fn move_file(from: &Path, to: &Path) -> Result<()> {
    point();
    std::fs::rename(from, to).map_err(|e| Problem::io("move", from, &e))
}

/// Removes a folder with all that is in it; fine if it is not there.
pub fn remove_dir(path: &Path) -> Result<()> {
    point();
    match std::fs::remove_dir_all(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Problem::io("remove", path, &e)),
        _ => Ok(()),
    }
}

/// Makes a folder's entries (new, renamed, removed names) durable.
pub fn sync_dir(path: &Path) -> Result<()> {
    File::open(path).and_then(|dir| dir.sync_all()).map_err(|e| Problem::io("sync the folder", path, &e))
}

/// Writes a whole file so that its readers see the old contents or the new, never a part. `durable`: it has reached the disk
/// before this returns.
pub fn write_whole(path: &Path, bytes: &[u8], durable: bool) -> Result<()> {
    let mut file = WholeFile::new(path)?;
    file.write_all(bytes).map_err(|e| Problem::io("write", path, &e))?;
    file.commit(durable)
}

/// Writes a whole file under a name that may be taken: true if this one is there now, false if another one was there first.
/// The contents have reached the disk when it returns; the name has after [`sync_dir`].
pub fn write_if_absent(path: &Path, bytes: &[u8]) -> Result<bool> {
    let mut file = WholeFile::new(path)?;
    file.write_all(bytes).map_err(|e| Problem::io("write", path, &e))?;
    file.commit_if_absent()
}

/// A file being written beside its final place. Dropped without commit, it leaves nothing.
pub struct WholeFile {
    path: PathBuf,
    temporary: PathBuf,
    out: Option<BufWriter<Steps>>,
}

struct Steps(File);

impl Write for Steps {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        write_in_steps(&mut self.0, bytes)?;
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl WholeFile {
    /// Starts a file; its folder is made if need be.
    pub fn new(path: &Path) -> Result<Self> {
        let folder = path.parent().unwrap_or(Path::new("."));
        create_dir(folder)?;
        point();
        let (temporary, file) = place::temporary_beside(path).map_err(|e| Problem::io("write", path, &e))?;
        Ok(Self {
            path: path.to_owned(),
            temporary,
            out: Some(BufWriter::with_capacity(1 << 18, Steps(file))),
        })
    }

    fn finish(&mut self, durable: bool) -> std::io::Result<()> {
        if let Some(out) = self.out.take() {
            let Steps(file) = out.into_inner().map_err(std::io::IntoInnerError::into_error)?;
            if durable {
                file.sync_all()?;
            }
            point();
        }
        Ok(())
    }

    /// Puts it in its place, over what is there.
    pub fn commit(mut self, durable: bool) -> Result<()> {
        self.finish(durable).map_err(|e| Problem::io("write", &self.path, &e))?;
        std::fs::rename(&self.temporary, &self.path).map_err(|e| Problem::io("write", &self.path, &e))?;
        point();
        if durable { sync_dir(self.path.parent().unwrap_or(Path::new("."))) } else { Ok(()) }
    }

    /// Puts it in its place if that is free; true if it was.
    fn commit_if_absent(mut self) -> Result<bool> {
        self.finish(true).map_err(|e| Problem::io("write", &self.path, &e))?;
        let placed = place::put_if_free(&self.temporary, &self.path);
        point();
        placed.map_err(|e| Problem::io("write", &self.path, &e))
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match &mut self.out {
            Some(out) => out.write(bytes),
            None => Err(std::io::Error::other("already committed")),
        }
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Drop for WholeFile {
    fn drop(&mut self) {
        // After a rename the name is gone, after a link it is a second one; either way it has done its work.
        let _ = std::fs::remove_file(&self.temporary);
    }
}

/// A file that only grows.
pub struct Appender {
    path: PathBuf,
    file: File,
}

impl Appender {
    /// Opens a file to append to it, making it if need be.
    pub fn open(path: &Path) -> Result<Self> {
        create_dir(path.parent().unwrap_or(Path::new(".")))?;
        point();
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .map_err(|e| Problem::io("open", path, &e))?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Adds bytes at its end.
    pub fn append(&mut self, bytes: &[u8]) -> Result<()> {
        write_in_steps(&mut self.file, bytes).map_err(|e| Problem::io("write", &self.path, &e))
    }

    /// Waits until all that was added has reached the disk.
    pub fn sync(&self) -> Result<()> {
        self.file.sync_data().map_err(|e| Problem::io("sync", &self.path, &e))?;
        point();
        Ok(())
    }

    /// Cuts the file to `len` bytes: drops a torn end.
    pub fn truncate(&self, len: u64) -> Result<()> {
        point();
        self.file.set_len(len).map_err(|e| Problem::io("cut", &self.path, &e))
    }

    /// The open file: to lock it.
    pub fn file(&self) -> &File {
        &self.file
    }
}

/// A lock that the operating system holds for this process and gives up when it ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock on a file (made if need be); `None` if another process holds it.
    pub fn try_take(path: &Path) -> Result<Option<Self>> {
        let file = Self::open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(e)) => Err(Problem::io("lock", path, &e)),
        }
    }

    /// Takes the lock, waiting as long as another process holds it.
    pub fn take(path: &Path) -> Result<Self> {
        let file = Self::open(path)?;
        file.lock().map_err(|e| Problem::io("lock", path, &e))?;
        Ok(Self { file })
    }

    fn open(path: &Path) -> Result<File> {
        create_dir(path.parent().unwrap_or(Path::new(".")))?;
        let mut options = OpenOptions::new();
        options.create(true).read(true).write(true).truncate(false);
        options.open(path).map_err(|e| Problem::io("open", path, &e))
    }

    /// Replaces the text in the locked file: for people who ask who holds it.
    pub fn note(&mut self, text: &str) -> std::io::Result<()> {
        use std::io::Seek;
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(text.as_bytes())
    }

    /// The locked file. A child that inherits it holds the lock too.
    pub fn into_file(self) -> File {
        self.file
    }
}

/// Opens a file for a child's output: empty, made if need be.
pub fn output_file(path: &Path) -> Result<File> {
    point();
    File::create(path).map_err(|e| Problem::io("write", path, &e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_old_or_new_never_half() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b.json");
        write_whole(&path, b"old", true).unwrap();
        let mut half = WholeFile::new(&path).unwrap();
        half.write_all(b"ne").unwrap();
        drop(half);
        assert_eq!(read(&path).unwrap().unwrap(), b"old");
        write_whole(&path, b"new", false).unwrap();
        assert_eq!(read(&path).unwrap().unwrap(), b"new");
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn the_first_writer_of_a_name_wins() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        assert!(write_if_absent(&path, b"1").unwrap());
        assert!(!write_if_absent(&path, b"2").unwrap());
        assert_eq!(read(&path).unwrap().unwrap(), b"1");
    }

    #[test]
    fn a_lock_is_held_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let lock = Lock::try_take(&path).unwrap().unwrap();
        assert!(Lock::try_take(&path).unwrap().is_none());
        drop(lock);
        assert!(Lock::try_take(&path).unwrap().is_some());
    }
}
