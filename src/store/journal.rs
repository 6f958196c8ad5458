//! The journal: what was asked and what came back, durable before the next step of a call.
//!
//! Each writing process has a file of its own, locked as long as it lives (see [`super::writer`]). Here is what the records
//! are, how a file is read (up to its first bad byte, never past it), and what is left to do after a crash: the calls of dead
//! writers that no entry came of. Makes no entry itself; that takes the reading of answers.

use super::frame::{self, Kind};
use super::pack::{Packer, Unpacker};
use super::{Ended, EntryId, Intent};
use crate::diag::{Place, Problem, Result, escape};
use crate::digest::Digest;
use crate::generate::{Meters, Outcome, Reply};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{File, Metadata, TryLockError};
use std::path::{Path, PathBuf};

/// What came back from a call, before it is read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// How the call ended; [`Ended::Answered`] says only that there are bytes.
    pub ended: Ended,
    /// The answer, byte for byte.
    #[serde(skip)]
    pub raw: Option<Vec<u8>>,
    /// What the generator said beside it.
    pub stderr: String,
    /// What it cost in tokens.
    pub meters: Meters,
    /// What it cost in US dollars.
    pub money_usd: Option<f64>,
    /// The model that answered.
    pub model: Option<String>,
    /// When it came: milliseconds since 1970, UTC.
    pub ended_ms: u64,
}

impl Answer {
    /// The answer that a reply is; `None` for one that is no attempt (a transport fault, an interrupt, an unusable generator).
    pub fn of(reply: Reply, ended_ms: u64) -> Option<Self> {
        let Reply { outcome, stderr, meters, money_usd, model, wait: _, unfinished: _ } = reply;
        let (ended, raw) = match outcome {
            Outcome::Answered(bytes) => (Ended::Answered, Some(bytes)),
            Outcome::Truncated { answer, why } => (Ended::Truncated(why), Some(answer)),
            Outcome::TimedOut(seconds) => (Ended::TimedOut(seconds), None),
            Outcome::Failed(why) => (Ended::Failed(why), None),
            Outcome::Transport(_)
            | Outcome::Unusable { .. }
            | Outcome::Interrupted
            | Outcome::Unreached(_)
            | Outcome::Pending(_) => return None,
        };
        Some(Self { ended, raw, stderr, meters, money_usd, model, ended_ms })
    }
}

/// One record of a journal.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Record {
    /// A call is about to be made.
    Intent(Box<Intent>),
    /// It came back.
    Answer {
        /// The call.
        call: String,
        /// What came.
        answer: Box<Answer>,
    },
    /// Its entry is written.
    Done {
        /// The call.
        call: String,
        /// The entry.
        entry: EntryId,
    },
    /// Nothing will come of it, and it was no attempt.
    Abandoned {
        /// The call.
        call: String,
    },
}

impl Record {
    /// The call that it is about.
    pub(super) fn call(&self) -> &str {
        match self {
            Self::Intent(intent) => &intent.call,
            Self::Answer { call, .. } | Self::Done { call, .. } | Self::Abandoned { call } => call,
        }
    }

    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Intent(_) => Kind::Intent,
            Self::Answer { .. } => Kind::Answer,
            Self::Done { .. } => Kind::Done,
            Self::Abandoned { .. } => Kind::Abandoned,
        }
    }

    /// Its frame. Errors when an answer is longer than [`frame::MAX_ANSWER`].
    pub(super) fn encode(&self) -> Result<Vec<u8>> {
        let json = |e: serde_json::Error| Problem::internal("could not write a journal record").because(e);
        let body = match self {
            Self::Intent(intent) => serde_json::to_vec(intent).map_err(json)?,
            Self::Answer { answer, .. } => {
                let raw = answer.raw.as_deref();
                if raw.is_some_and(|raw| raw.len() > frame::MAX_ANSWER) {
                    return Err(Problem::environment("an answer is too long to be kept")
                        .because(format!("at most {} bytes are", frame::MAX_ANSWER)));
                }
                let mut body = Packer::default();
                body.bytes(&serde_json::to_vec(answer).map_err(json)?);
                body.byte(u8::from(raw.is_some()));
                body.bytes(raw.unwrap_or_default());
                body.0
            }
            Self::Done { entry, .. } => entry.digest().as_bytes().to_vec(),
            Self::Abandoned { .. } => Vec::new(),
        };
        frame::encode(self.kind(), self.call().as_bytes(), &body)
    }

    fn decode(frame: &frame::Frame<'_>) -> Option<Self> {
        let call = || String::from_utf8(frame.name.to_vec()).ok();
        Some(match frame.kind {
            Kind::Intent => Self::Intent(Box::new(serde_json::from_slice(&frame.body).ok()?)),
            Kind::Answer => {
                let mut body = Unpacker(&frame.body);
                let mut answer: Answer = serde_json::from_slice(body.bytes()?).ok()?;
                let answered = body.byte()? == 1;
                let raw = body.bytes()?;
                answer.raw = answered.then(|| raw.to_vec());
                Self::Answer { call: call()?, answer: Box::new(answer) }
            }
            Kind::Done => {
                let digest: [u8; 32] = frame.body.as_ref().try_into().ok()?;
                Self::Done { call: call()?, entry: EntryId::from_digest(Digest::from_bytes(digest)) }
            }
            Kind::Abandoned => Self::Abandoned { call: call()? },
            Kind::Entry
            | Kind::Blob
            | Kind::Index
            | Kind::Stamp
            | Kind::Table
            | Kind::Bundle
            | Kind::Shared => return None,
        })
    }
}

/// What a journal's bytes hold.
#[derive(Debug, Default)]
pub(super) struct Records {
    pub(super) records: Vec<Record>,
    /// Whole records stand behind a bad one: no torn end, but damage.
    pub(super) damaged_at: Option<usize>,
}

/// Reads records up to the first bad one.
pub(super) fn read_records(bytes: &[u8]) -> Records {
    let mut read = Records::default();
    let mut rest = bytes;
    while let Ok((frame, length)) = frame::decode(rest) {
        let Some(record) = Record::decode(&frame) else { break };
        read.records.push(record);
        rest = &rest[length..];
    }
    if !rest.is_empty() && (frame::decode(rest).is_ok() || frame::any_frame_in(&rest[1..])) {
        read.damaged_at = Some(bytes.len() - rest.len());
    }
    read
}

/// A call that no entry came of yet, with all that is needed to make one.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenCall {
    /// What was asked.
    pub intent: Intent,
    /// What came back, if that was journalled; if not, the call's folder may tell.
    pub answer: Option<Answer>,
}

/// What the journals say of calls that are not finished.
#[derive(Debug, Default)]
pub struct Unfinished {
    /// Calls of writers that are dead, in the order in which they were asked; now this process's to finish or abandon.
    pub calls: Vec<OpenCall>,
    /// Calls of writers that live: in a shared store, another build waits for them.
    pub elsewhere: Vec<Intent>,
    /// Journals with damage in their middle; each was kept aside.
    pub damaged: Vec<Problem>,
}

/// A journal's state, call by call. Records of several journals can be added in any order.
#[derive(Default)]
pub(super) struct Calls(BTreeMap<String, State>);

#[derive(Default)]
struct State {
    intent: Option<Box<Intent>>,
    answer: Option<Box<Answer>>,
    done: Option<EntryId>,
    abandoned: bool,
}

impl Calls {
    pub(super) fn add(&mut self, records: Vec<Record>) {
        for record in records {
            let state = self.0.entry(record.call().to_owned()).or_default();
            match record {
                Record::Intent(intent) => state.intent = Some(intent),
                Record::Answer { answer, .. } => state.answer = Some(answer),
                Record::Done { entry, .. } => state.done = Some(entry),
                Record::Abandoned { .. } => state.abandoned = true,
            }
        }
    }

    /// The open calls, in the order in which they were asked. `finished` says whether a call's entry is really there: a
    /// record that says so may have reached the disk before the entry's name did.
    pub(super) fn open(self, finished: impl Fn(&str, Option<EntryId>) -> bool) -> Vec<OpenCall> {
        let mut open: Vec<OpenCall> = self
            .0
            .into_iter()
            .filter(|(call, state)| !state.abandoned && !finished(call, state.done))
            .filter_map(|(_, state)| {
                Some(OpenCall { intent: *state.intent?, answer: state.answer.map(|answer| *answer) })
            })
            .collect();
        open.sort_by(|a, b| (a.intent.asked_ms, &a.intent.call).cmp(&(b.intent.asked_ms, &b.intent.call)));
        open
    }
}

/// A dead writer's journal, held by its lock so that no other process finishes the same calls.
pub(super) struct Dead {
    pub(super) path: PathBuf,
    pub(super) read: Records,
    pub(super) bytes: Vec<u8>,
    _lock: File,
}

impl Dead {
    /// What to tell of it when it is damaged.
    pub(super) fn problem(&self, kept: &Path) -> Option<Problem> {
        let at = self.read.damaged_at?;
        Some(
            Problem::environment(format!(
                "the journal `{}` is damaged at byte {at}",
                escape(&self.path.display().to_string())
            ))
            .at(Place::file(kept))
            .because("what stands behind that byte was not used")
            .hint("it is kept aside; delete it when nothing in it is missed"),
        )
    }
}

/// The journals in a folder, but for this process's own.
#[derive(Default)]
pub(super) struct Scan {
    pub(super) dead: Vec<Dead>,
    pub(super) alive: Vec<Record>,
}

/// Takes the lock of every journal whose writer is dead, and reads them all.
pub(super) fn scan(dir: &Path, own: Option<&Path>) -> Result<Scan> {
    loop {
        let mut scan = Scan::default();
        let mut vanished = false;
        for path in journals(dir)?.into_iter().filter(|path| Some(path.as_path()) != own) {
            vanished |= !scan.add(path)?;
        }
        // Where one went away meanwhile, its calls may stand in one that came.
        if !vanished {
            return Ok(scan);
        }
    }
}

impl Scan {
    /// Adds a journal; false if it is gone.
    fn add(&mut self, path: PathBuf) -> Result<bool> {
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            Err(e) => return Err(Problem::io("open", &path, &e)),
        };
        let dead = match file.try_lock() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock) => false,
            Err(TryLockError::Error(e)) => return Err(Problem::io("lock", &path, &e)),
        };
        if !is_at(&file, &path) {
            return Ok(false);
        }
        let Some(bytes) = crate::fs::read(&path)? else { return Ok(false) };
        let read = read_records(&bytes);
        if dead {
            self.dead.push(Dead { path, read, bytes, _lock: file });
        } else {
            self.alive.extend(read.records);
        }
        Ok(true)
    }
}

/// Reads all journals without taking a lock: for those who only look.
pub(super) fn peek(dir: &Path) -> Result<Calls> {
    let mut calls = Calls::default();
    for path in journals(dir)? {
        if let Some(bytes) = crate::fs::read(&path)? {
            calls.add(read_records(&bytes).records);
        }
    }
    Ok(calls)
}

fn journals(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut names = super::entries::names(dir)?;
    names.retain(|name| name.ends_with(".cbj") && !name.starts_with('.'));
    names.sort_unstable();
    Ok(names.into_iter().map(|name| dir.join(name)).collect())
}

/// True if the open file is the one that stands at `path` now.
pub(super) fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(open), Ok(there)) => same_file(&open, &there),
        _ => false,
    }
}

#[cfg(unix)]
fn same_file(a: &Metadata, b: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

#[cfg(not(unix))]
fn same_file(_: &Metadata, _: &Metadata) -> bool {
    // Elsewhere an open file keeps its name.
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::samples::{answer, asked, intent};

    fn records() -> Vec<Record> {
        let call = || "c1".to_owned();
        vec![
            Record::Intent(Box::new(intent("c1", &[asked("S0001", "x")]))),
            Record::Answer { call: call(), answer: Box::new(answer(Some(b"\xff\0raw"))) },
            Record::Intent(Box::new(intent("c2", &[]))),
            Record::Answer { call: "c2".into(), answer: Box::new(answer(None)) },
            Record::Done { call: call(), entry: EntryId::from_digest(Digest::of(b"e")) },
            Record::Abandoned { call: "c2".into() },
        ]
    }

    fn bytes(records: &[Record]) -> Vec<u8> {
        records.iter().flat_map(|record| record.encode().unwrap()).collect()
    }

    #[test]
    fn records_go_out_and_come_back() {
        let read = read_records(&bytes(&records()));
        assert_eq!((read.records, read.damaged_at), (records(), None));
    }

    #[test]
    fn a_journal_cut_anywhere_gives_a_prefix() {
        let (all, bytes) = (records(), bytes(&records()));
        let mut seen = 0;
        for end in 0..=bytes.len() {
            let read = read_records(&bytes[..end]);
            assert!(read.records.len() >= seen && all.starts_with(&read.records), "cut at {end}");
            assert_eq!(read.damaged_at, None, "cut at {end}");
            seen = read.records.len();
        }
        assert_eq!(seen, all.len());
    }

    #[test]
    fn nothing_behind_a_bad_record_is_used_and_the_damage_is_told() {
        let (all, mut bytes) = (records(), bytes(&records()));
        let second = all[0].encode().unwrap().len();
        bytes[second + 70] ^= 1;
        let read = read_records(&bytes);
        assert_eq!((read.records.as_slice(), read.damaged_at), (&all[..1], Some(second)));
    }

    #[test]
    fn a_call_is_open_until_it_is_done_or_abandoned() {
        let open = |upto: usize, entries: bool| {
            let mut calls = Calls::default();
            calls.add(records()[..upto].to_vec());
            let open = calls.open(|_, done| done.is_some() && entries);
            open.into_iter().map(|open| (open.intent.call, open.answer.is_some())).collect::<Vec<_>>()
        };
        assert_eq!(open(1, true), [("c1".to_owned(), false)]);
        assert_eq!(open(4, true), [("c1".to_owned(), true), ("c2".to_owned(), true)]);
        assert_eq!(open(6, true), []);
        assert_eq!(open(6, false), [("c1".to_owned(), true)], "done, but the entry is not there");
    }

    #[test]
    fn an_answer_that_is_too_long_is_refused() {
        let long = answer(Some(&vec![b'x'; frame::MAX_ANSWER + 1]));
        let record = Record::Answer { call: "c".into(), answer: Box::new(long) };
        assert!(record.encode().unwrap_err().to_string().contains("too long"));
    }

    #[test]
    fn a_transport_fault_is_no_answer() {
        assert_eq!(Answer::of(Reply::of(Outcome::Transport("x".into())), 1), None);
        let answer = Answer::of(Reply::of(Outcome::Answered(b"x".to_vec())), 1).unwrap();
        assert_eq!((answer.ended, answer.raw), (Ended::Answered, Some(b"x".to_vec())));
    }
}
