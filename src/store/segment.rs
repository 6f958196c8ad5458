//! The index on disk: a file of framed segments, each covering some entries, appended to under a lock.
//!
//! A hint, never the truth: entries that it does not cover are read, those that are gone are dropped, a torn end is passed
//! over, and a file that is deleted is made again.

use super::entries::Entries;
use super::frame::{self, Kind};
use super::index::{Index, Row, number};
use super::known::Source;
use super::pack::{Packer, Unpacker};
use super::{Entry, EntryId, Provenance};
use crate::diag::Result;
use crate::digest::Digest;
use crate::fs::{self, Appender, Lock, WholeFile};
use crate::generate::Meters;
use rayon::prelude::*;
use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Names the binary form: a file of another form is made again.
const FORM: &[u8] = b"rows 1";
/// Sources in one segment at most: a segment stays far below the longest frame.
const SOURCES: usize = 2000;
/// Segments above which the file is written anew as few.
const SEGMENTS: usize = 64;

/// Where the index is kept and what of it is.
#[derive(Debug)]
pub(super) struct IndexFile {
    path: PathBuf,
    /// Sources of the loaded index that are in the file.
    saved: usize,
    /// The length up to which the file is known to be whole.
    whole: u64,
    segments: usize,
    /// It covers entries that are gone.
    outdated: bool,
}

impl IndexFile {
    /// Loads the index of the store at `dir` and brings it up to date with the entries that are there.
    pub(super) fn load(dir: &Path, entries: &Entries) -> Result<(Self, Index)> {
        let mut file = Self { path: dir.join("index"), saved: 0, whole: 0, segments: 0, outdated: false };
        let present: HashSet<EntryId> = entries.list()?.into_iter().collect();
        let bytes = fs::read(&file.path)?.unwrap_or_default();
        let mut index = file.read(&bytes, &present).unwrap_or_else(|| {
            file.outdated = true;
            Index::default()
        });
        file.saved = index.sources.len();
        read_missing(entries, &present, &mut index);
        Ok((file, index))
    }

    /// What the whole segments say; `None` if one of them is of another form or makes no sense.
    fn read(&mut self, bytes: &[u8], present: &HashSet<EntryId>) -> Option<Index> {
        let mut index = Index::default();
        index.reserve(bytes.len() / ROW);
        let mut rest = bytes;
        while let Ok((frame, length)) = frame::decode(rest) {
            if frame.kind != Kind::Index || frame.name != FORM {
                return None;
            }
            self.outdated |= unpack(&frame.body, present, &mut index)?;
            rest = &rest[length..];
            self.whole += length as u64;
            self.segments += 1;
        }
        Some(index)
    }

    /// Adds to the file what the index has learnt since.
    pub(super) fn save(&mut self, index: &Index) -> Result<()> {
        if self.saved == index.sources.len() && !self.outdated {
            return Ok(());
        }
        let _lock = Lock::take(&self.path.with_extension("lock"))?;
        if self.outdated || self.segments >= SEGMENTS {
            self.write_anew(index)?;
        } else {
            self.append(index)?;
        }
        self.saved = index.sources.len();
        Ok(())
    }

    fn append(&mut self, index: &Index) -> Result<()> {
        let mut out = Appender::open(&self.path)?;
        let length = out.file().metadata().map_or(0, |metadata| metadata.len());
        if length != self.whole {
            // Another process has added something, or died while it did.
            self.whole = whole_length(&fs::read(&self.path)?.unwrap_or_default());
            out.truncate(self.whole)?;
        }
        for from in (self.saved..index.sources.len()).step_by(SOURCES) {
            let segment = segment(index, from..(from + SOURCES).min(index.sources.len()))?;
            out.append(&segment)?;
            self.whole += segment.len() as u64;
            self.segments += 1;
        }
        Ok(())
    }

    fn write_anew(&mut self, index: &Index) -> Result<()> {
        let mut out = WholeFile::new(&self.path)?;
        (self.whole, self.segments, self.outdated) = (0, 0, false);
        for from in (0..index.sources.len()).step_by(SOURCES) {
            let segment = segment(index, from..(from + SOURCES).min(index.sources.len()))?;
            out.write_all(&segment).map_err(|e| crate::diag::Problem::io("write", &self.path, &e))?;
            self.whole += segment.len() as u64;
            self.segments += 1;
        }
        out.commit(false)
    }
}

/// Reads the entries that the index does not cover; those that cannot be read are told.
fn read_missing(entries: &Entries, present: &HashSet<EntryId>, index: &mut Index) {
    let mut missing: Vec<EntryId> = present.iter().copied().filter(|id| !index.covers(*id)).collect();
    missing.sort_unstable();
    for some in missing.chunks(SOURCES) {
        let read: Vec<Result<Entry>> = some.par_iter().map(|id| entries.read(*id)).collect();
        for (id, read) in some.iter().zip(read) {
            match read {
                Ok(entry) => index.learn(*id, &entry),
                Err(problem) => index.damaged.push(problem),
            }
        }
    }
}

fn whole_length(bytes: &[u8]) -> u64 {
    let mut rest = bytes;
    while let Ok((_, length)) = frame::decode(rest) {
        rest = &rest[length..];
    }
    (bytes.len() - rest.len()) as u64
}

const PROVENANCES: [Provenance; 5] =
    [Provenance::Generated, Provenance::Adopted, Provenance::Edited, Provenance::Accepted, Provenance::Trial];
/// The length of a row with a result and without anything superseded, in bytes.
const ROW: usize = 113;
const BROUGHT: u8 = 1;
const ASKED: u8 = 2;
const SUPERSEDES: u8 = 4;

/// The texts of a segment: each once, numbered in the order of first use.
#[derive(Default)]
struct Texts<'a> {
    numbers: HashMap<&'a str, u32>,
    all: Vec<&'a str>,
}

impl<'a> Texts<'a> {
    fn number(&mut self, text: &'a str) -> u32 {
        *self.numbers.entry(text).or_insert_with(|| {
            self.all.push(text);
            number(self.all.len() - 1)
        })
    }
}

fn segment(index: &Index, sources: std::ops::Range<usize>) -> Result<Vec<u8>> {
    let mut texts = Texts::default();
    let mut body = Packer::default();
    for at in sources.clone() {
        let source = &index.sources[at];
        pack_source(&mut body, &mut texts, source);
        let rows = index.rows_of_source(at);
        body.u32(number(rows.len()));
        for at in rows {
            let superseded = index.supersedes.get(&number(at));
            pack_row(&mut body, &mut texts, index, &index.rows[at], superseded);
        }
    }
    let mut head = Packer::default();
    head.u32(number(texts.all.len()));
    texts.all.iter().for_each(|text| head.u32(number(text.len())));
    texts.all.iter().for_each(|text| head.0.extend_from_slice(text.as_bytes()));
    head.u32(number(sources.len()));
    head.0.append(&mut body.0);
    frame::encode(Kind::Index, FORM, &head.0)
}

fn pack_source<'a>(body: &mut Packer, texts: &mut Texts<'a>, source: &'a Source) {
    body.digest(source.entry.digest());
    body.digest(&source.checks);
    for text in [&source.call, &source.course, &source.phase, &source.label, &source.generator] {
        body.u32(texts.number(text));
    }
    let provenance = PROVENANCES.iter().position(|provenance| *provenance == source.provenance);
    body.u32(number(provenance.unwrap_or_default()));
    for value in [source.attempt, source.items, source.results] {
        body.u32(value);
    }
    body.u64(source.asked_ms);
    body.u64(source.ended_ms);
    let Meters { input, cache_write, cache_read, output } = source.meters;
    for value in [input, cache_write, cache_read, output, source.money_usd.map(f64::to_bits)] {
        body.maybe(value);
    }
}

fn pack_row<'a>(
    body: &mut Packer,
    texts: &mut Texts<'a>,
    index: &'a Index,
    row: &Row,
    superseded: Option<&Digest>,
) {
    body.u32(texts.number(&index.texts[row.id as usize]));
    body.u32(texts.number(&index.texts[row.root as usize]));
    body.u32(row.item);
    let flag = |set: bool, flag: u8| if set { flag } else { 0 };
    body.byte(
        flag(row.at.is_some(), BROUGHT) | flag(row.asked, ASKED) | flag(superseded.is_some(), SUPERSEDES),
    );
    body.digest(&row.content);
    body.digest(&row.slot);
    if let Some(at) = row.at {
        body.u32(at);
        body.digest(&row.digest);
    }
    if let Some(digest) = superseded {
        body.digest(digest);
    }
}

/// Adds a segment's entries that are present; true if some are gone, `None` if the segment makes no sense.
fn unpack(body: &[u8], present: &HashSet<EntryId>, index: &mut Index) -> Option<bool> {
    let mut body = Unpacker(body);
    let before = index.texts.len();
    unpack_texts(&mut body, &mut index.texts)?;
    let after = index.texts.len();
    let mut gone = false;
    for _ in 0..body.u32()? {
        let source = unpack_source(&mut body, &index.texts[before..])?;
        let there = present.contains(&source.entry);
        let wanted = there && !index.covers(source.entry);
        gone |= !there;
        if wanted {
            index.begin(source);
        }
        for _ in 0..body.u32()? {
            let (row, superseded) = unpack_row(&mut body, before, after)?;
            if wanted {
                index.push(row, superseded);
            }
        }
    }
    Some(gone)
}

fn unpack_texts(body: &mut Unpacker<'_>, texts: &mut Vec<Arc<str>>) -> Option<()> {
    let count = body.u32()? as usize;
    let (lengths, rest) = body.0.split_at_checked(count.checked_mul(4)?)?;
    let mut lengths = Unpacker(lengths);
    body.0 = rest;
    for _ in 0..count {
        let (text, rest) = body.0.split_at_checked(lengths.u32()? as usize)?;
        texts.push(std::str::from_utf8(text).ok()?.into());
        body.0 = rest;
    }
    Some(())
}

fn unpack_source(body: &mut Unpacker<'_>, texts: &[Arc<str>]) -> Option<Source> {
    let (entry, checks) = (EntryId::from_digest(body.digest()?), body.digest()?);
    let mut text = || texts.get(body.u32()? as usize).cloned();
    Some(Source {
        entry,
        checks,
        call: text()?,
        course: text()?,
        phase: text()?,
        label: text()?,
        generator: text()?,
        provenance: *PROVENANCES.get(body.u32()? as usize)?,
        attempt: body.u32()?,
        items: body.u32()?,
        results: body.u32()?,
        asked_ms: body.u64()?,
        ended_ms: body.u64()?,
        meters: Meters {
            input: body.maybe()?,
            cache_write: body.maybe()?,
            cache_read: body.maybe()?,
            output: body.maybe()?,
        },
        money_usd: body.maybe()?.map(f64::from_bits),
    })
}

fn unpack_row(body: &mut Unpacker<'_>, before: usize, after: usize) -> Option<(Row, Option<Digest>)> {
    let mut text = || {
        let at = before + body.u32()? as usize;
        (at < after).then(|| number(at))
    };
    let (id, root) = (text()?, text()?);
    let item = body.u32()?;
    let flags = body.byte()?;
    let (content, slot) = (body.digest()?, body.digest()?);
    let (at, digest) =
        if flags & BROUGHT != 0 { (Some(body.u32()?), body.digest()?) } else { (None, Digest::default()) };
    let superseded = if flags & SUPERSEDES != 0 { Some(body.digest()?) } else { None };
    Some((
        Row { id, root, source: 0, item, at, asked: flags & ASKED != 0, content, slot, digest },
        superseded,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::samples::{asked, digest, entry};

    struct Bench {
        dir: tempfile::TempDir,
        entries: Entries,
    }

    impl Bench {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            Self { entries: Entries::new(dir.path()), dir }
        }

        fn write(&self, call: &str, content: &str, output: &str) -> EntryId {
            let mut asked = asked("S0001", content);
            asked.supersedes = (call == "c2").then(|| digest("before"));
            self.entries.write(&entry(call, &[asked], &[output])).unwrap()
        }

        fn load(&self) -> (IndexFile, Index) {
            IndexFile::load(self.dir.path(), &self.entries).unwrap()
        }

        fn save(&self) {
            let (mut file, index) = self.load();
            file.save(&index).unwrap();
        }

        fn path(&self) -> PathBuf {
            self.dir.path().join("index")
        }
    }

    fn all(index: &Index) -> (Vec<Source>, Vec<crate::store::Known>) {
        let known = ["x", "y", "z"].iter().flat_map(|content| index.results(&digest(content)));
        let mut sources = index.sources().to_vec();
        sources.sort_by_key(|source| source.entry);
        (sources, known.collect())
    }

    #[test]
    fn what_is_loaded_is_what_the_entries_say() {
        let bench = Bench::new();
        bench.write("c1", "x", "a");
        bench.write("c2", "y", "b");
        let read = all(&bench.load().1);
        bench.save();
        let (file, index) = bench.load();
        assert_eq!((file.saved, file.outdated), (2, false), "nothing had to be read again");
        assert_eq!(all(&index), read);
        assert_eq!(index.superseded(&digest("y"), "S0001").len(), 1);
        assert_eq!(index.newest("spa", "phase1", "S0001").map(|(_, item)| item), Some(0));
    }

    #[test]
    fn new_entries_are_added_and_gone_ones_dropped() {
        let bench = Bench::new();
        let gone = bench.write("c1", "x", "a");
        bench.save();
        bench.write("c2", "y", "b");
        bench.save();
        fs::remove_file(&bench.entries.entry_path(gone)).unwrap();
        let (mut file, index) = bench.load();
        assert!(
            index.by_short(&digest("a").short()).is_none() && index.by_short(&digest("b").short()).is_some()
        );
        file.save(&index).unwrap();
        let (file, index) = bench.load();
        assert_eq!((file.saved, file.outdated, index.sources().len()), (1, false, 1));
    }

    #[test]
    fn a_file_cut_or_changed_anywhere_changes_nothing_that_is_known() {
        let bench = Bench::new();
        bench.write("c1", "x", "a");
        bench.save();
        bench.write("c2", "y", "b");
        bench.save();
        let bytes = std::fs::read(bench.path()).unwrap();
        let expected = all(&bench.load().1);
        for at in (0..bytes.len()).step_by(7) {
            fs::write_whole(&bench.path(), &bytes[..at], false).unwrap();
            assert_eq!(all(&bench.load().1), expected, "cut at {at}");
            let mut changed = bytes.clone();
            changed[at] ^= 0x10;
            fs::write_whole(&bench.path(), &changed, false).unwrap();
            assert_eq!(all(&bench.load().1), expected, "changed at {at}");
        }
    }

    #[test]
    fn a_torn_end_is_cut_off_before_anything_is_added() {
        let bench = Bench::new();
        bench.write("c1", "x", "a");
        bench.save();
        let mut bytes = std::fs::read(bench.path()).unwrap();
        bytes.extend_from_slice(b"cbF torn");
        fs::write_whole(&bench.path(), &bytes, false).unwrap();
        bench.write("c2", "y", "b");
        bench.save();
        let (file, _) = bench.load();
        assert_eq!(file.saved, 2);
        assert_eq!(file.whole, std::fs::metadata(bench.path()).unwrap().len());
    }

    #[test]
    fn two_processes_add_to_one_file() {
        let bench = Bench::new();
        let (mut one, mut first) = bench.load();
        let (mut two, mut second) = bench.load();
        for (index, call, output) in [(&mut first, "c1", "a"), (&mut second, "c3", "b")] {
            let value = entry(call, &[asked("S0001", "x")], &[output]);
            index.learn(bench.entries.write(&value).unwrap(), &value);
        }
        one.save(&first).unwrap();
        two.save(&second).unwrap();
        assert_eq!(bench.load().0.saved, 2);
    }

    #[test]
    fn many_segments_become_few() {
        let bench = Bench::new();
        let (mut file, mut index) = bench.load();
        for n in 0..=SEGMENTS {
            let value = entry(&format!("call {n}"), &[asked("S0001", "x")], &["a"]);
            index.learn(bench.entries.write(&value).unwrap(), &value);
            file.save(&index).unwrap();
        }
        let (file, index) = bench.load();
        assert_eq!((file.segments, file.saved, index.sources().len()), (1, SEGMENTS + 1, SEGMENTS + 1));
    }

    #[test]
    fn a_damaged_entry_is_told_and_loses_itself_only() {
        let bench = Bench::new();
        let bad = bench.write("c1", "x", "a");
        bench.write("c2", "y", "b");
        fs::write_whole(&bench.entries.entry_path(bad), b"torn", false).unwrap();
        let (_, index) = bench.load();
        assert_eq!(index.damaged().len(), 1);
        assert!(index.by_short(&digest("b").short()).is_some());
    }
}
