//! A whole store in one file, for the caches of CI systems, for mail, for machines without a network.
//!
//! A head frame that says how many follow, then the frames of all entries and blobs, sorted: the same entries give the same
//! bytes. Taking one in is a union: every frame is checked by itself, is filed under the digest of what it holds and never
//! under a name that it states, and one bad frame loses only itself. What is derived (index, stamp, tables) is left out.

use super::frame::{self, Bad, Kind};
use super::{Entry, EntryId, Store};
use crate::diag::{Place, Problem, Result, escape};
use crate::digest::Digest;
use crate::fs::WholeFile;
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

/// Names the form of the head.
const FORM: &[u8] = b"coursebuild pack 1";
/// Bytes read from a packed store at once.
const CHUNK: usize = 1 << 20;

/// What was packed.
#[derive(Debug, Default)]
pub struct Packed {
    /// Entries and blobs.
    pub pieces: usize,
    /// The length of the file.
    pub bytes: u64,
    /// Pieces that could not be read, and were left out.
    pub left_out: Vec<Problem>,
}

/// What was taken in.
#[derive(Debug, Default)]
pub struct Unpacked {
    /// Pieces that were not there.
    pub added: usize,
    /// Pieces that were there already.
    pub known: usize,
    /// What was passed over, in words.
    pub bad: Vec<String>,
}

impl Store {
    /// Packs all entries and blobs into one file, those that are [imagined](Self::imagine) as well.
    pub fn export(&self, path: &Path) -> Result<Packed> {
        let mut entries: Vec<EntryId> = self.entries.list()?;
        entries.extend(self.imagined.keys());
        entries.sort_unstable();
        entries.dedup();
        let blobs = self.entries.list_blobs()?;
        let entries = entries.into_iter().map(|id| (Kind::Entry, *id.digest()));
        let names: Vec<(Kind, Digest)> =
            entries.chain(blobs.into_iter().map(|name| (Kind::Blob, name))).collect();
        let mut packed = Packed::default();
        // A first pass counts: the head says how many follow, so that a file that lost its end is noticed.
        for (kind, name) in &names {
            match self.body_of(*kind, *name) {
                Ok(_) => packed.pieces += 1,
                Err(problem) => packed.left_out.push(problem),
            }
        }
        let failed = |e: std::io::Error| Problem::io("write", path, &e);
        let mut out = WholeFile::new(path)?;
        let head = frame::encode(Kind::Bundle, FORM, &(packed.pieces as u64).to_le_bytes())?;
        out.write_all(&head).map_err(failed)?;
        packed.bytes = head.len() as u64;
        for (kind, name) in names {
            let Ok(body) = self.body_of(kind, name) else { continue };
            let bytes = frame::encode(kind, name.as_bytes(), &body)?;
            out.write_all(&bytes).map_err(failed)?;
            packed.bytes += bytes.len() as u64;
        }
        out.commit(true)?;
        Ok(packed)
    }

    fn body_of(&self, kind: Kind, name: Digest) -> Result<Vec<u8>> {
        if let Some((entry, _)) = self.imagined.get(&EntryId::from_digest(name)) {
            return serde_json::to_vec(entry)
                .map_err(|e| Problem::internal("an entry could not be written").because(e));
        }
        let gone =
            || Problem::environment(format!("the piece `{name}` went away while the store was packed"));
        self.entries.body(kind, name)?.ok_or_else(gone)
    }

    /// Takes in a packed store. Errors only when the file cannot be read or is no packed store at all, or nothing can be written.
    pub fn import(&mut self, path: &Path) -> Result<Unpacked> {
        let file = File::open(path).map_err(|e| Problem::io("open", path, &e))?;
        let mut pieces = Pieces { file, path, buffer: Vec::new(), offset: 0, ended: false };
        let mut unpacked = Unpacked::default();
        let (mut stated, mut seen) = (None, 0);
        while let Some(piece) = pieces.next()? {
            match piece {
                Piece::Whole(Kind::Bundle, name, body) if name == FORM => {
                    stated = <[u8; 8]>::try_from(body.as_slice()).ok().map(u64::from_le_bytes);
                }
                Piece::Whole(kind @ (Kind::Entry | Kind::Blob), _, body) => {
                    let name = Digest::of(&body);
                    if kind == Kind::Entry && serde_json::from_slice::<Entry>(&body).is_err() {
                        unpacked
                            .bad
                            .push(format!("the entry `{name}` is none that this coursebuild can read"));
                        continue;
                    }
                    seen += 1;
                    let added = self.entries.take_in(kind, name, &body)?;
                    *(if added { &mut unpacked.added } else { &mut unpacked.known }) += 1;
                }
                Piece::Whole(..) => unpacked.bad.push("a piece that belongs into no pack".to_owned()),
                Piece::Bad(at, why) => unpacked.bad.push(format!("what stands at byte {at}: {why}")),
            }
        }
        if stated.is_none() && seen == 0 {
            return Err(Problem::environment(format!(
                "`{}` is no packed store",
                escape(&path.display().to_string())
            ))
            .at(Place::file(path))
            .hint("`coursebuild cache export FILE` makes one; nothing was taken in"));
        }
        let lacking = stated.unwrap_or(seen).saturating_sub(seen);
        if lacking > 0 && unpacked.bad.is_empty() {
            unpacked.bad.push(format!("{lacking} pieces are missing: the file lost its end"));
        }
        self.flush()?;
        Ok(unpacked)
    }
}

enum Piece {
    Whole(Kind, Vec<u8>, Vec<u8>),
    /// Where, and why.
    Bad(u64, Bad),
}

/// The frames of a file, of which no more than one has to fit into memory.
struct Pieces<'a> {
    file: File,
    path: &'a Path,
    buffer: Vec<u8>,
    /// Where in the file the buffer begins.
    offset: u64,
    ended: bool,
}

impl Pieces<'_> {
    fn next(&mut self) -> Result<Option<Piece>> {
        if self.buffer.is_empty() && !self.fill(1)? {
            return Ok(None);
        }
        let at = self.offset;
        Ok(Some(match self.look()? {
            Ok((length, piece)) => {
                self.drop_front(length);
                piece
            }
            Err(why) => {
                self.drop_front(1);
                self.skip_to_a_frame()?;
                Piece::Bad(at, why)
            }
        }))
    }

    /// The frame that the buffer begins with, and its length; reads on as far as it wants.
    fn look(&mut self) -> Result<std::result::Result<(usize, Piece), Bad>> {
        loop {
            let wants = match frame::decode(&self.buffer) {
                Ok((frame, length)) => {
                    let whole = Piece::Whole(frame.kind, frame.name.to_vec(), frame.body.into_owned());
                    return Ok(Ok((length, whole)));
                }
                Err(Bad::Truncated { wants, .. }) => wants,
                Err(why) => return Ok(Err(why)),
            };
            if !self.fill(wants)? {
                return Ok(Err(Bad::Truncated { wants, has: self.buffer.len() }));
            }
        }
    }

    /// Goes on to where the next whole frame begins, or to the end.
    fn skip_to_a_frame(&mut self) -> Result<()> {
        loop {
            match frame::begins(&self.buffer) {
                Some(at) => {
                    self.drop_front(at);
                    if self.look()?.is_ok() {
                        return Ok(());
                    }
                    self.drop_front(1);
                }
                None => {
                    // The last bytes may be the first ones of a frame.
                    let keep = self.buffer.len().min(3);
                    self.drop_front(self.buffer.len() - keep);
                    if !self.fill(keep + 1)? {
                        self.drop_front(keep);
                        return Ok(());
                    }
                }
            }
        }
    }

    fn drop_front(&mut self, length: usize) {
        self.buffer.drain(..length);
        self.offset += length as u64;
    }

    /// Reads on until the buffer holds so many bytes; false if the file ends before.
    fn fill(&mut self, wanted: usize) -> Result<bool> {
        while self.buffer.len() < wanted && !self.ended {
            let before = self.buffer.len();
            self.buffer.resize(before + CHUNK.max(wanted - before), 0);
            let read =
                self.file.read(&mut self.buffer[before..]).map_err(|e| Problem::io("read", self.path, &e))?;
            self.buffer.truncate(before + read);
            self.ended = read == 0;
        }
        Ok(self.buffer.len() >= wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{asked, entry};
    use super::*;
    use crate::fs;
    use std::path::PathBuf;

    struct Pack {
        dir: tempfile::TempDir,
    }

    impl Pack {
        fn new() -> Self {
            Self { dir: tempfile::tempdir().unwrap() }
        }
        fn path(&self, name: &str) -> PathBuf {
            self.dir.path().join(name)
        }
        fn store(&self, name: &str, calls: &[&str]) -> Store {
            let mut store = Store::open(self.path(name));
            for call in calls {
                store.put(&entry(call, &[asked("S0001", call)], &["out"])).unwrap();
            }
            store.flush().unwrap();
            store
        }
        fn bytes(&self, name: &str) -> Vec<u8> {
            std::fs::read(self.path(name)).unwrap()
        }
    }

    #[test]
    fn a_store_goes_through_a_file_whatever_the_order() {
        let at = Pack::new();
        let a = at.store("a", &["c1", "c2"]);
        a.entries().put_blob(b"a section").unwrap();
        assert_eq!(a.export(&at.path("a.pack")).unwrap().pieces, 3);
        at.store("b", &["c3", "c2"]).export(&at.path("b.pack")).unwrap();
        let merged = |name: &str, packs: [&str; 2]| {
            let mut store = Store::open(at.path(name));
            let took = packs.map(|pack| store.import(&at.path(pack)).unwrap());
            assert!(took.iter().all(|took| took.bad.is_empty()));
            assert_eq!(took.iter().map(|took| took.added).sum::<usize>(), 4);
            store.export(&at.path(&format!("{name}.pack"))).unwrap();
            at.bytes(&format!("{name}.pack"))
        };
        assert!(merged("x", ["a.pack", "b.pack"]) == merged("y", ["b.pack", "a.pack"]));
    }

    /// The digests of the whole pieces in a file, and how many places are bad.
    fn pieces(path: &Path) -> (Vec<Digest>, usize) {
        let file = File::open(path).unwrap();
        let mut pieces = Pieces { file, path, buffer: Vec::new(), offset: 0, ended: false };
        let (mut whole, mut bad) = (Vec::new(), 0);
        while let Some(piece) = pieces.next().unwrap() {
            match piece {
                Piece::Whole(_, _, body) => whole.push(Digest::of(&body)),
                Piece::Bad(..) => bad += 1,
            }
        }
        (whole, bad)
    }

    #[test]
    fn a_pack_cut_anywhere_gives_what_is_whole_in_it_and_says_so() {
        let at = Pack::new();
        at.store("a", &["c1", "c2"]).export(&at.path("a.pack")).unwrap();
        let (all, bytes) = (pieces(&at.path("a.pack")).0, at.bytes("a.pack"));
        let mut ends = vec![0];
        for end in 1..bytes.len() {
            fs::write_whole(&at.path("cut.pack"), &bytes[..end], false).unwrap();
            let (whole, bad) = pieces(&at.path("cut.pack"));
            assert_eq!(whole, all[..whole.len()], "cut at {end}");
            // Cut between two pieces, only the head tells.
            assert!(whole.len() < all.len() && bad <= 1, "cut at {end}");
            if bad == 0 {
                ends.push(end);
            }
        }
        assert_eq!(ends.len(), 3);
        for end in ends {
            fs::write_whole(&at.path("cut.pack"), &bytes[..end], false).unwrap();
            let took = Store::open(at.path(&format!("cut{end}"))).import(&at.path("cut.pack"));
            assert!(took.map_or(end == 0, |took| took.bad.len() == 1), "cut at {end}");
        }
    }

    #[test]
    fn a_byte_that_changed_loses_one_piece() {
        let at = Pack::new();
        at.store("a", &["c1", "c2", "c3"]).export(&at.path("a.pack")).unwrap();
        let (all, bytes) = (pieces(&at.path("a.pack")).0, at.bytes("a.pack"));
        for place in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[place] ^= 0x55;
            fs::write_whole(&at.path("bad.pack"), &changed, false).unwrap();
            let (whole, bad) = pieces(&at.path("bad.pack"));
            assert!(whole.len() == all.len() - 1 && bad == 1, "byte {place}: {} {bad}", whole.len());
            assert!(whole.iter().all(|piece| all.contains(piece)), "byte {place}");
        }
    }

    #[test]
    fn a_name_that_lies_is_not_believed() {
        let at = Pack::new();
        let body = serde_json::to_vec(&entry("c1", &[asked("S0001", "x")], &["out"])).unwrap();
        let mut bytes = frame::encode(Kind::Bundle, FORM, &2_u64.to_le_bytes()).unwrap();
        bytes.extend(frame::encode(Kind::Entry, b"../../../etc/passwd", &body).unwrap());
        bytes.extend(frame::encode(Kind::Entry, &[0; 32], b"{\"no\": \"entry\"}").unwrap());
        fs::write_whole(&at.path("lies.pack"), &bytes, false).unwrap();
        let mut store = Store::open(at.path("s"));
        let took = store.import(&at.path("lies.pack")).unwrap();
        assert_eq!((took.added, took.bad.len()), (1, 1), "{took:?}");
        assert_eq!(store.entries().list().unwrap(), [EntryId::from_digest(Digest::of(&body))]);
    }

    #[test]
    fn what_is_no_pack_is_refused() {
        let at = Pack::new();
        for text in [&b""[..], b"PK\x03\x04 something else", &[0; 3000]] {
            fs::write_whole(&at.path("x"), text, false).unwrap();
            assert!(Store::open(at.path("s")).import(&at.path("x")).is_err());
        }
    }
}
