//! The writer of a process's journal: a thread that writes what has gathered, syncs once, and then wakes all who wait.
//!
//! The file is made by the first record and locked while the process lives. It holds what is open: once everything in it is
//! finished it is removed, and when it has grown large the open calls move to a new one. A write that failed is told to
//! everyone from then on, for nobody can know what of it has reached the disk.

use super::entries::Entries;
use super::frame::Kind;
use super::journal::{Record, is_at};
use crate::diag::{Problem, Result};
use crate::fs::{self, Appender};
use std::collections::BTreeMap;
use std::fs::TryLockError;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread::JoinHandle;

/// A journal that grows past this many bytes is begun anew with what is open.
const ROTATE_AT: u64 = 64 << 20;

/// A promise that something has reached the disk: awaited, or waited for with [`Durable::wait`].
#[must_use = "nothing is durable before this says so"]
#[derive(Debug)]
pub struct Durable(Arc<Promise>);

#[derive(Debug, Default)]
struct Promise {
    state: Mutex<State>,
    kept: Condvar,
}

#[derive(Debug, Default)]
struct State {
    outcome: Option<Result<()>>,
    waker: Option<Waker>,
}

impl Durable {
    /// One that is decided already.
    pub(super) fn decided(outcome: Result<()>) -> Self {
        let state = State { outcome: Some(outcome), waker: None };
        Self(Arc::new(Promise { state: Mutex::new(state), kept: Condvar::new() }))
    }

    /// Waits for it, blocking this thread.
    pub fn wait(self) -> Result<()> {
        let mut state = self.0.lock();
        loop {
            if let Some(outcome) = state.outcome.take() {
                return outcome;
            }
            state = self.0.kept.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Future for Durable {
    type Output = Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let mut state = self.0.lock();
        match state.outcome.clone() {
            Some(outcome) => Poll::Ready(outcome),
            None => {
                state.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Promise {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The writer's side of a [`Durable`]. Dropped undecided, it tells that the writer is gone.
struct Waiter(Arc<Promise>);

impl Waiter {
    fn pair() -> (Self, Durable) {
        let promise = Arc::new(Promise::default());
        (Self(Arc::clone(&promise)), Durable(promise))
    }

    fn decide(&self, outcome: Result<()>) {
        let mut state = self.0.lock();
        if state.outcome.is_none() {
            state.outcome = Some(outcome);
            self.0.kept.notify_all();
            let waker = state.waker.take();
            drop(state);
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.decide(Err(Problem::internal("the journal's writer ended early")));
    }
}

enum Command {
    Append { kind: Kind, call: String, bytes: Vec<u8>, waiter: Waiter },
    Retire(Waiter),
}

/// This process's journal. Makes no file and no thread before the first record.
#[derive(Debug)]
pub(super) struct Journal {
    dir: PathBuf,
    entries: Arc<Entries>,
    rotate_at: u64,
    path: Arc<Mutex<Option<PathBuf>>>,
    thread: Mutex<Option<(Sender<Command>, JoinHandle<()>)>>,
}

impl Journal {
    /// The journal that this process will write in `dir`.
    pub(super) fn new(dir: PathBuf, entries: Arc<Entries>) -> Self {
        Self { dir, entries, rotate_at: ROTATE_AT, path: Arc::default(), thread: Mutex::default() }
    }

    /// Where it is, if it is.
    pub(super) fn path(&self) -> Option<PathBuf> {
        self.path.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Adds a record.
    pub(super) fn append(&self, record: &Record) -> Durable {
        let bytes = match record.encode() {
            Ok(bytes) => bytes,
            Err(problem) => return Durable::decided(Err(problem)),
        };
        let (waiter, durable) = Waiter::pair();
        self.send(Command::Append { kind: record.kind(), call: record.call().to_owned(), bytes, waiter });
        durable
    }

    /// Adds a record that says that a call is over; not waited for, as reading the journal does not rely on it.
    pub(super) fn close_call(&self, record: &Record) {
        if self.thread.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
            drop(self.append(record));
        }
    }

    /// Removes the file if all its calls are over; the entries' names reach the disk before that.
    pub(super) fn retire(&self) -> Durable {
        if self.thread.lock().unwrap_or_else(PoisonError::into_inner).is_none() {
            return Durable::decided(Ok(()));
        }
        let (waiter, durable) = Waiter::pair();
        self.send(Command::Retire(waiter));
        durable
    }

    /// A command that cannot be sent is dropped, which tells its waiter.
    fn send(&self, command: Command) {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.is_none() {
            let (sender, inbox) = channel();
            let writer = Writer {
                dir: self.dir.clone(),
                entries: Arc::clone(&self.entries),
                rotate_at: self.rotate_at,
                path: Arc::clone(&self.path),
                file: None,
                open: BTreeMap::new(),
                failed: None,
            };
            let started =
                std::thread::Builder::new().name("journal".into()).spawn(move || writer.run(&inbox));
            *thread = started.ok().map(|handle| (sender, handle));
        }
        if let Some((sender, _)) = &*thread {
            let _ = sender.send(command);
        }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        let thread = self.thread.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((sender, handle)) = thread {
            drop(sender);
            let _ = handle.join();
        }
    }
}

struct Writer {
    dir: PathBuf,
    entries: Arc<Entries>,
    rotate_at: u64,
    path: Arc<Mutex<Option<PathBuf>>>,
    file: Option<OpenFile>,
    /// The frames of the calls that are not over: what a new file begins with.
    open: BTreeMap<String, Vec<u8>>,
    failed: Option<Problem>,
}

struct OpenFile {
    path: PathBuf,
    out: Appender,
    length: u64,
}

impl Writer {
    fn run(mut self, inbox: &Receiver<Command>) {
        while let Ok(first) = inbox.recv() {
            let group: Vec<Command> = std::iter::once(first).chain(inbox.try_iter()).collect();
            let outcome = match self.failed.clone() {
                Some(problem) => Err(problem),
                None => self.commit(&group),
            };
            self.failed = outcome.clone().err();
            for command in group {
                let (Command::Append { waiter, .. } | Command::Retire(waiter)) = command;
                waiter.decide(outcome.clone());
            }
        }
    }

    fn commit(&mut self, group: &[Command]) -> Result<()> {
        let mut gathered = Vec::new();
        let mut name = None;
        let mut retire = false;
        for command in group {
            let Command::Append { kind, call, bytes, .. } = command else {
                retire = true;
                continue;
            };
            if self.note(*kind, call, bytes) {
                gathered.extend_from_slice(bytes);
                name.get_or_insert(call.as_str());
            }
        }
        if let Some(name) = name {
            self.write(name, &gathered)?;
        }
        if retire && self.open.is_empty() {
            return self.replace(None);
        }
        let open: usize = self.open.values().map(Vec::len).sum();
        match &self.file {
            Some(file) if file.length > self.rotate_at && file.length > 2 * open as u64 => self.rotate(),
            _ => Ok(()),
        }
    }

    /// Takes a record into account; false if it says nothing here (the end of a call of somebody else).
    fn note(&mut self, kind: Kind, call: &str, bytes: &[u8]) -> bool {
        if matches!(kind, Kind::Done | Kind::Abandoned) {
            return self.open.remove(call).is_some();
        }
        self.open.entry(call.to_owned()).or_default().extend_from_slice(bytes);
        true
    }

    fn write(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        if self.file.is_none() {
            let file = create(&self.dir, name)?;
            self.show(Some(file.path.clone()));
            self.file = Some(file);
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        file.out.append(bytes)?;
        file.out.sync()?;
        file.length += bytes.len() as u64;
        Ok(())
    }

    fn rotate(&mut self) -> Result<()> {
        let Some((name, _)) = self.open.first_key_value() else { return self.replace(None) };
        let mut file = create(&self.dir, name)?;
        let bytes = self.open.values().flatten().copied().collect::<Vec<u8>>();
        file.out.append(&bytes)?;
        file.out.sync()?;
        file.length = bytes.len() as u64;
        self.replace(Some(file))
    }

    /// Goes on with another file or none. What the old one alone made safe is made safe first.
    fn replace(&mut self, new: Option<OpenFile>) -> Result<()> {
        self.entries.sync()?;
        self.show(new.as_ref().map(|file| file.path.clone()));
        match std::mem::replace(&mut self.file, new) {
            Some(old) => fs::remove_file(&old.path),
            None => Ok(()),
        }
    }

    fn show(&self, path: Option<PathBuf>) {
        *self.path.lock().unwrap_or_else(PoisonError::into_inner) = path;
    }
}

/// Makes a journal named after a call, locks it, and makes its name durable.
fn create(dir: &Path, call: &str) -> Result<OpenFile> {
    let stem = crate::path::file_name(call);
    let mut number = 0_u32;
    loop {
        number += 1;
        let path = if number == 1 {
            dir.join(format!("{stem}.cbj"))
        } else {
            dir.join(format!("{stem}-{number}.cbj"))
        };
        if path.exists() {
            continue;
        }
        let out = Appender::open(&path)?;
        match out.file().try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => continue,
            Err(TryLockError::Error(e)) => return Err(Problem::io("lock", &path, &e)),
        }
        // Another process may have made, finished or removed the same name in between.
        if is_at(out.file(), &path) && out.file().metadata().is_ok_and(|metadata| metadata.len() == 0) {
            for folder in dir.ancestors().take(3).filter(|folder| folder.is_dir()) {
                fs::sync_dir(folder)?;
            }
            return Ok(OpenFile { path, out, length: 0 });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::EntryId;
    use crate::store::journal::{Scan, peek, read_records, scan};
    use crate::store::samples::{answer, asked, intent};

    fn journal(dir: &Path) -> Journal {
        Journal::new(dir.join("journal"), Arc::new(Entries::new(dir)))
    }

    fn intent_of(call: &str) -> Record {
        Record::Intent(Box::new(intent(call, &[asked("S0001", "x")])))
    }

    fn done(call: &str) -> Record {
        Record::Done { call: call.into(), entry: EntryId::from_digest(crate::digest::Digest::of(b"e")) }
    }

    fn calls(dir: &Path) -> Vec<String> {
        let open = peek(&dir.join("journal")).unwrap().open(|_, done| done.is_some());
        open.into_iter().map(|open| open.intent.call).collect()
    }

    fn scanned(dir: &Path) -> Scan {
        scan(&dir.join("journal"), None).unwrap()
    }

    #[test]
    fn what_was_said_to_be_durable_is_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let journal = journal(dir.path());
        let waiting: Vec<Durable> =
            (0..50).map(|n| journal.append(&intent_of(&format!("c{n:02}")))).collect();
        waiting.into_iter().for_each(|durable| durable.wait().unwrap());
        assert_eq!(calls(dir.path()).len(), 50);
        assert!(scanned(dir.path()).dead.is_empty(), "its writer lives");
        assert_eq!(scanned(dir.path()).alive.len(), 50);
        drop(journal);
        assert_eq!(scanned(dir.path()).dead[0].read.records.len(), 50);
    }

    #[test]
    fn it_can_be_awaited() {
        let dir = tempfile::tempdir().unwrap();
        let journal = journal(dir.path());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(journal.append(&intent_of("c1"))).unwrap();
        // Blocking is allowed inside of a runtime too.
        runtime.block_on(async { journal.append(&intent_of("c2")).wait() }).unwrap();
        assert_eq!(calls(dir.path()), ["c1", "c2"]);
    }

    #[test]
    fn it_is_removed_once_all_calls_are_over() {
        let dir = tempfile::tempdir().unwrap();
        let journal = journal(dir.path());
        journal.append(&intent_of("c1")).wait().unwrap();
        journal.append(&intent_of("c2")).wait().unwrap();
        journal.close_call(&done("c1"));
        journal.retire().wait().unwrap();
        assert_eq!(calls(dir.path()), ["c2"]);
        journal.close_call(&Record::Abandoned { call: "c2".into() });
        journal.retire().wait().unwrap();
        assert_eq!(journal.path(), None);
        assert_eq!(std::fs::read_dir(dir.path().join("journal")).unwrap().count(), 0);
        journal.append(&intent_of("c3")).wait().unwrap();
        assert_eq!(calls(dir.path()), ["c3"]);
    }

    #[test]
    fn a_long_one_is_begun_anew_with_what_is_open() {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = journal(dir.path());
        journal.rotate_at = 3000;
        journal.append(&intent_of("stays")).wait().unwrap();
        let said = Record::Answer { call: "stays".into(), answer: Box::new(answer(Some(b"answer"))) };
        journal.append(&said).wait().unwrap();
        for n in 0..30 {
            let call = format!("c{n}");
            journal.append(&intent_of(&call)).wait().unwrap();
            journal.append(&done(&call)).wait().unwrap();
        }
        assert_eq!(calls(dir.path()), ["stays"]);
        let bytes = std::fs::read(journal.path().unwrap()).unwrap();
        assert!(bytes.len() < 6000, "{}", bytes.len());
        assert!(read_records(&bytes).records.contains(&said));
        assert_eq!(std::fs::read_dir(dir.path().join("journal")).unwrap().count(), 1);
    }

    #[test]
    fn a_failure_reaches_everyone() {
        let dir = tempfile::tempdir().unwrap();
        fs::write_whole(&dir.path().join("journal"), b"in the way", false).unwrap();
        let journal = journal(dir.path());
        let waiting = [journal.append(&intent_of("c1")), journal.append(&intent_of("c2")), journal.retire()];
        for durable in waiting {
            let told = durable.wait().unwrap_err().to_string();
            assert!(told.contains("could not make the folder"), "{told}");
        }
    }
}
