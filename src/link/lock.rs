//! `coursebuild.lock`: one line an item, so that a clone without any store knows what its main files were made from.
//!
//! ```text
//! # coursebuild.lock 1
//! [phase1] checks 5d41402abc4b2a76b9719d911017c592
//! [phase1] author model=<digest>
//! phase1 S0001 <key> <output digest> generated
//! phase1 S0002 <key> <digest of the checks> failed
//! ```
//!
//! The key column is the content key; with the id beside it, it is the generate key, and without it a result is found again
//! under another id. Lines stand by phase and position, so that merges and diffs stay small.

use crate::diag::{Problem, Result};
use crate::digest::Short;
use crate::fs;
use crate::key::Part;
use crate::store::Provenance;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

const HEADER: &str =
    "# coursebuild.lock 1: what the main files beside it were made from. Written by coursebuild; commit it.";

/// The lock of one course.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Lock {
    /// By phase.
    pub phases: BTreeMap<String, PhaseLock>,
}

/// One phase's part of a [`Lock`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PhaseLock {
    /// The digest of the checks that its generated results passed.
    pub checks: Option<Short>,
    /// Who made them: the key parts that say so, one list for each author; whoever answers now first.
    pub authors: Vec<Vec<Part>>,
    /// What stands in the main file, by id.
    pub lines: HashMap<Arc<str>, Line>,
    /// The items whose attempts are exhausted, by id.
    pub failed: HashMap<Arc<str>, Failed>,
}

/// What stands in a main file for one item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// The content key it was made under.
    pub key: Short,
    /// The digest of the output.
    pub digest: Short,
    /// Where it comes from.
    pub provenance: Provenance,
    /// It is not known to pass the checks of now: it stands there for want of a better one.
    pub unchecked: bool,
    /// Its derived fields stand as they were found when it was adopted.
    pub as_found: bool,
}

/// An item whose attempts are exhausted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failed {
    /// The content key it was asked under.
    pub key: Short,
    /// The digest of the checks' definitions and data.
    pub checks: Short,
}

/// A lock file as it was found.
#[derive(Debug)]
pub enum LockFile {
    /// There is none.
    Absent,
    /// It holds conflict markers: not read as data.
    Conflict,
    /// It could not be read: why.
    Broken(String),
    /// It was read; with its bytes, to see whether they change.
    Readable(Lock, Vec<u8>),
}

impl LockFile {
    /// The lock, if it could be read.
    pub fn lock(&self) -> Option<&Lock> {
        match self {
            Self::Readable(lock, _) => Some(lock),
            _ => None,
        }
    }
}

/// True when a text holds the markers of an unfinished merge.
pub(super) fn has_conflict_markers(text: &[u8]) -> bool {
    let mut starts = text.split(|byte| *byte == b'\n');
    starts.any(|line| {
        line.starts_with(b"<<<<<<< ")
            || line.starts_with(b">>>>>>> ")
            || line == b"======="
            || line == b"=======\r"
    })
}

/// Reads a lock file.
pub fn read_lock(path: &Path) -> Result<LockFile> {
    let Some(bytes) = fs::read(path)? else { return Ok(LockFile::Absent) };
    if has_conflict_markers(&bytes) {
        return Ok(LockFile::Conflict);
    }
    let read = match std::str::from_utf8(&bytes) {
        Ok(text) => parse(text),
        Err(_) => Err("it is not UTF-8 text".to_owned()),
    };
    Ok(match read {
        Ok(lock) => LockFile::Readable(lock, bytes),
        Err(why) => LockFile::Broken(why),
    })
}

pub(super) fn parse(text: &str) -> Result<Lock, String> {
    let mut lock = Lock::default();
    let mut lines = text.lines().enumerate();
    match lines.next() {
        Some((_, header)) if header.starts_with("# coursebuild.lock 1") => {}
        Some((_, header)) if header.starts_with("# coursebuild.lock ") => {
            return Err("it was written by a newer coursebuild".to_owned());
        }
        _ => return Err("it does not begin with `# coursebuild.lock 1`".to_owned()),
    }
    let mut phase: (&str, PhaseLock) = ("", PhaseLock::default());
    for (at, line) in lines {
        let fields: Vec<&str> = line.split(' ').collect();
        let name = fields[0].strip_prefix('[').map_or(fields[0], |name| name.trim_end_matches(']'));
        if name != phase.0 {
            let next = lock.phases.remove(name).unwrap_or_default();
            let (old, done) = std::mem::replace(&mut phase, (name, next));
            lock.phases.insert(old.to_owned(), done);
        }
        add_line(&mut phase.1, &fields)
            .ok_or_else(|| format!("line {} is not one of a lock: `{line}`", at + 1))?;
    }
    lock.phases.insert(phase.0.to_owned(), phase.1);
    lock.phases.remove("");
    Ok(lock)
}

fn add_line(phase: &mut PhaseLock, fields: &[&str]) -> Option<()> {
    match *fields {
        [""] => {}
        [name, "checks", digest] if name.starts_with('[') => phase.checks = Some(digest.parse().ok()?),
        [name, "author", ref parts @ ..] if name.starts_with('[') => {
            let part = |word: &&str| {
                let (name, digest) = word.rsplit_once('=')?;
                Some(Part { name: decode(name)?.into(), digest: digest.parse().ok()? })
            };
            phase.authors.push(parts.iter().map(part).collect::<Option<_>>()?);
        }
        [_, id, key, checks, "failed"] => {
            phase
                .failed
                .insert(decode(id)?.into(), Failed { key: key.parse().ok()?, checks: checks.parse().ok()? });
        }
        [_, id, key, digest, word] => {
            let (word, unchecked) =
                word.strip_suffix("-unchecked").map_or((word, false), |word| (word, true));
            let (word, as_found) = word.strip_suffix("-as-found").map_or((word, false), |word| (word, true));
            let provenance = match word {
                "generated" => Provenance::Generated,
                "adopted" => Provenance::Adopted,
                "edited" => Provenance::Edited,
                "accepted" => Provenance::Accepted,
                _ => return None,
            };
            let line = Line {
                key: key.parse().ok()?,
                digest: digest.parse().ok()?,
                provenance,
                unchecked,
                as_found,
            };
            phase.lines.insert(decode(id)?.into(), line);
        }
        _ => return None,
    }
    Some(())
}

/// A phase to be written: its name, and its items in order.
pub type PhaseLines<'a> = (&'a str, Option<Short>, &'a [(Arc<str>, Option<Line>, Option<Failed>)]);

/// Writes a lock; true if its bytes changed. `authors` are those of each phase, as far as they are known; `old` are the bytes
/// that stand there now.
pub fn write_lock(
    path: &Path,
    phases: &[PhaseLines<'_>],
    authors: &[Vec<Vec<Part>>],
    old: Option<&[u8]>,
) -> Result<bool> {
    let text = lock_text(phases, authors)?;
    if old == Some(text.as_bytes()) {
        return Ok(false);
    }
    fs::write_whole(path, text.as_bytes(), true)?;
    Ok(true)
}

/// The text of a lock. `authors` are those of each phase, as far as they are known.
pub(super) fn lock_text(phases: &[PhaseLines<'_>], authors: &[Vec<Vec<Part>>]) -> Result<String> {
    use std::fmt::Write;
    let mut text =
        String::with_capacity(phases.iter().map(|(.., lines)| lines.len() * 100).sum::<usize>() + 200);
    text.push_str(HEADER);
    text.push('\n');
    for (number, (phase, checks, lines)) in phases.iter().enumerate() {
        let mut add = |args: std::fmt::Arguments<'_>| {
            text.write_fmt(args).map_err(|_| Problem::internal("a lock line could not be written"))
        };
        if let Some(checks) = checks {
            add(format_args!("[{phase}] checks {checks}\n"))?;
        }
        for author in authors.get(number).into_iter().flatten().filter(|_| !lines.is_empty()) {
            let parts = author.iter().map(|part| format!(" {}={}", encode(&part.name), part.digest));
            add(format_args!("[{phase}] author{}\n", parts.collect::<String>()))?;
        }
        for (id, line, failed) in *lines {
            let id = encode(id);
            if let Some(Line { key, digest, provenance, unchecked, as_found }) = line {
                let word = match provenance {
                    // A trial stands in no main file; kept, it is generated.
                    Provenance::Generated | Provenance::Trial => "generated",
                    Provenance::Adopted => "adopted",
                    Provenance::Edited => "edited",
                    Provenance::Accepted => "accepted",
                };
                let as_found = if *as_found { "-as-found" } else { "" };
                let unchecked = if *unchecked { "-unchecked" } else { "" };
                add(format_args!("{phase} {id} {key} {digest} {word}{as_found}{unchecked}\n"))?;
            }
            if let Some(Failed { key, checks }) = failed {
                add(format_args!("{phase} {id} {key} {checks} failed\n"))?;
            }
        }
    }
    Ok(text)
}

/// An id as one word: white space, control characters and `%` as `%XX` of their UTF-8 bytes.
fn encode(id: &str) -> Cow<'_, str> {
    let plain = |c: char| !(c.is_whitespace() || c.is_control() || c == '%');
    if id.chars().all(plain) && !id.is_empty() {
        return Cow::Borrowed(id);
    }
    let mut out = String::new();
    for c in id.chars() {
        if plain(c) {
            out.push(c);
        } else {
            c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| out.push_str(&format!("%{byte:02x}")));
        }
    }
    Cow::Owned(out)
}

pub(super) fn decode(word: &str) -> Option<Cow<'_, str>> {
    if !word.contains('%') {
        return Some(Cow::Borrowed(word));
    }
    let mut bytes = Vec::with_capacity(word.len());
    let mut rest = word.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first == b'%' {
            let digits = std::str::from_utf8(after.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;

    #[test]
    fn a_lock_goes_out_and_comes_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("coursebuild.lock");
        let of = |text: &str| Digest::of(text.as_bytes()).short();
        let line = |provenance, unchecked| {
            Some(Line { key: of("k"), digest: of("d"), provenance, unchecked, as_found: unchecked })
        };
        let gone = Failed { key: of("k2"), checks: of("c") };
        let failed = Some(gone);
        let one = [
            ("S0001".into(), line(Provenance::Generated, false), None),
            ("a b%\n中".into(), line(Provenance::Edited, true), failed),
        ];
        let two = [("S0001L01".into(), None, failed)];
        let phases: [PhaseLines<'_>; 2] = [("phase1", Some(of("c")), &one), ("phase3", None, &two)];
        let part = |name: &str| Part { name: name.into(), digest: Digest::of(name.as_bytes()) };
        let authors = [vec![vec![part("model"), part("model parameters")], vec![part("generator")]]];
        assert!(write_lock(&path, &phases, &authors, None).unwrap());
        let LockFile::Readable(lock, bytes) = read_lock(&path).unwrap() else { panic!("not readable") };
        assert!(!write_lock(&path, &phases, &authors, Some(&bytes)).unwrap());
        assert_eq!(lock.phases.len(), 2);
        let phase = &lock.phases["phase1"];
        assert_eq!(phase.checks, Some(of("c")));
        assert_eq!(phase.authors, authors[0]);
        assert_eq!(phase.lines["S0001"], one[0].1.unwrap());
        assert_eq!((phase.lines["a b%\n中"], phase.failed["a b%\n中"]), (one[1].1.unwrap(), gone));
        assert!(lock.phases["phase3"].lines.is_empty());
    }

    #[test]
    fn what_is_no_lock_is_not_read_as_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("coursebuild.lock");
        let state = |text: &str| {
            fs::write_whole(&path, text.as_bytes(), false).unwrap();
            read_lock(&path).unwrap()
        };
        assert!(matches!(read_lock(&dir.path().join("none")).unwrap(), LockFile::Absent));
        assert!(matches!(state("# coursebuild.lock 1\n<<<<<<< HEAD\n"), LockFile::Conflict));
        assert!(matches!(state("# coursebuild.lock 2\n"), LockFile::Broken(_)));
        assert!(matches!(state(""), LockFile::Broken(_)));
        assert!(matches!(state("# coursebuild.lock 1\nphase1 S1 zz zz generated\n"), LockFile::Broken(_)));
    }
}
