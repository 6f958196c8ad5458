//! The self-describing frame that everything in the store is kept in.
//!
//! One frame is a header (magic, format version, kind, lengths, digest of the body), a name, the body (packed with zstd where
//! that helps) and a seal: the BLAKE3 digest of all bytes before it. Nothing is unpacked before the seal has been checked, and
//! nothing is unpacked past the length that the header states. Knows no files and no meaning of a body.

use crate::diag::{Place, Problem, Result, escape};
use crate::digest::Digest;
use std::borrow::Cow;
use std::fmt;
use std::path::Path;

/// The longest body, packed or not, in bytes: what a frame may make this process hold in memory.
pub const MAX_BODY: usize = 64 << 20;

/// The longest raw answer that is journalled, in bytes: its entry, which holds the answer and its results as JSON text, then
/// fits a frame.
pub const MAX_ANSWER: usize = 16 << 20;

const MAGIC: [u8; 4] = *b"cbF\x1a";
const VERSION: u8 = 1;
const HEADER: usize = 60;
const SEAL: usize = 32;
/// Bodies shorter than this are kept as they are.
const WORTH_PACKING: usize = 256;
const LEVEL: i32 = 3;

/// What a frame holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// An entry, as JSON; its name is its [`super::EntryId`].
    Entry,
    /// Plain bytes, named by their digest.
    Blob,
    /// A journal record: a call's intent, as JSON. The names of journal records are calls.
    Intent,
    /// A journal record: a call's answer.
    Answer,
    /// A journal record: a call's entry is written.
    Done,
    /// A journal record: nothing will come of a call.
    Abandoned,
    /// A segment of the index.
    Index,
    /// The stamp of a complete build.
    Stamp,
    /// What a run knew of a phase.
    Table,
    /// The first frame of a packed store: how many frames follow.
    Bundle,
    /// What a shared store holds in one slot, as JSON; its name is the slot.
    Shared,
}

const KINDS: [Kind; 11] = [
    Kind::Entry,
    Kind::Blob,
    Kind::Intent,
    Kind::Answer,
    Kind::Done,
    Kind::Abandoned,
    Kind::Index,
    Kind::Stamp,
    Kind::Table,
    Kind::Bundle,
    Kind::Shared,
];

impl Kind {
    fn tag(self) -> u8 {
        KINDS.iter().position(|kind| *kind == self).and_then(|at| u8::try_from(at + 1).ok()).unwrap_or(0)
    }

    fn of_tag(tag: u8) -> Option<Self> {
        KINDS.get(usize::from(tag).checked_sub(1)?).copied()
    }

    /// Digests do not get shorter; packing them would only cost time.
    fn is_packed(self) -> bool {
        !matches!(self, Self::Index | Self::Stamp | Self::Table | Self::Bundle)
    }
}

/// A frame that was checked whole.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    /// What it holds.
    pub(super) kind: Kind,
    /// Its name.
    pub(super) name: &'a [u8],
    /// Its body, unpacked.
    pub(super) body: Cow<'a, [u8]>,
}

/// Why bytes are no frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Bad {
    /// They end too early: so many bytes are wanted at least.
    Truncated {
        /// Bytes wanted.
        wants: usize,
        /// Bytes there.
        has: usize,
    },
    /// They do not begin like a frame.
    NotAFrame,
    /// A newer coursebuild wrote them, in this format version.
    Newer(u8),
    /// They state a body longer than [`MAX_BODY`].
    TooLong(u64),
    /// They are not what was written: which part shows it.
    Damaged(&'static str),
}

impl fmt::Display for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated { wants, has } => write!(f, "it is cut off: {wants} bytes wanted, {has} there"),
            Self::NotAFrame => f.write_str("it does not begin like a file of coursebuild's store"),
            Self::Newer(version) => {
                write!(f, "a newer coursebuild wrote it (format {version}, known up to {VERSION})")
            }
            Self::TooLong(length) => {
                write!(f, "it states a length of {length} bytes, at most {MAX_BODY} are allowed")
            }
            Self::Damaged(part) => write!(f, "it is damaged: the {part} is not the one that was written"),
        }
    }
}

impl Bad {
    /// The problem that it makes for the file that the bytes came from.
    pub(super) fn problem(&self, path: &Path) -> Problem {
        let name = escape(&path.display().to_string());
        let hint = match self {
            Self::Newer(_) => "use the coursebuild that wrote it, or a newer one",
            _ => "restore the file from a copy of the store, or delete it: what it held will be made again",
        };
        Problem::environment(format!("could not use `{name}`")).at(Place::file(path)).because(self).hint(hint)
    }
}

/// Makes a frame. Errors when the body is longer than [`MAX_BODY`].
pub(super) fn encode(kind: Kind, name: &[u8], body: &[u8]) -> Result<Vec<u8>> {
    let too_long = || {
        Problem::environment(format!("{} bytes are too many for one piece of the store", body.len()))
            .because(format!("at most {MAX_BODY} are kept in one"))
    };
    if body.len() > MAX_BODY {
        return Err(too_long());
    }
    let name_length = u32::try_from(name.len()).map_err(|_| too_long())?;
    let packed = if kind.is_packed() && body.len() >= WORTH_PACKING {
        zstd::bulk::compress(body, LEVEL).ok().filter(|packed| packed.len() < body.len())
    } else {
        None
    };
    let stored = packed.as_deref().unwrap_or(body);
    let mut out = Vec::with_capacity(HEADER + name.len() + stored.len() + SEAL);
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&[VERSION, kind.tag(), u8::from(packed.is_some()), 0]);
    out.extend_from_slice(&name_length.to_le_bytes());
    out.extend_from_slice(&(body.len() as u64).to_le_bytes());
    out.extend_from_slice(&(stored.len() as u64).to_le_bytes());
    out.extend_from_slice(Digest::of(body).as_bytes());
    out.extend_from_slice(name);
    out.extend_from_slice(stored);
    let seal = Digest::of(&out);
    out.extend_from_slice(seal.as_bytes());
    Ok(out)
}

/// The first frame of `bytes`, checked whole, and how many bytes it takes.
pub(super) fn decode(bytes: &[u8]) -> std::result::Result<(Frame<'_>, usize), Bad> {
    let header = Header::read(bytes)?;
    let end = header.end();
    if bytes.len() < end {
        return Err(Bad::Truncated { wants: end, has: bytes.len() });
    }
    let sealed = end - SEAL;
    if bytes[sealed..end] != *Digest::of(&bytes[..sealed]).as_bytes() {
        return Err(Bad::Damaged("seal"));
    }
    let kind = Kind::of_tag(header.kind).ok_or(Bad::Damaged("kind"))?;
    let (name, stored) = bytes[HEADER..sealed].split_at(header.name);
    let body = match header.form {
        // The seal covers both the digest in the header and these very bytes.
        0 if header.raw == header.stored => Cow::Borrowed(stored),
        1 => Cow::Owned(unpack(stored, &header)?),
        _ => return Err(Bad::Damaged("form")),
    };
    Ok((Frame { kind, name, body }, end))
}

/// The one frame that `bytes` hold, of the kind and with the name that are expected.
pub(super) fn decode_only<'a>(
    bytes: &'a [u8],
    kind: Kind,
    name: &[u8],
) -> std::result::Result<Cow<'a, [u8]>, Bad> {
    let (frame, end) = decode(bytes)?;
    if end != bytes.len() {
        return Err(Bad::Damaged("length"));
    }
    if frame.kind != kind {
        return Err(Bad::Damaged("kind"));
    }
    if frame.name != name {
        return Err(Bad::Damaged("name"));
    }
    Ok(frame.body)
}

/// Where bytes that begin like a frame stand first.
pub(super) fn begins(bytes: &[u8]) -> Option<usize> {
    bytes.windows(MAGIC.len()).position(|window| window == MAGIC)
}

/// Whether a whole frame starts anywhere in `bytes`: tells damage in the middle of a file from a torn end.
pub(super) fn any_frame_in(bytes: &[u8]) -> bool {
    bytes.windows(MAGIC.len()).enumerate().any(|(at, window)| window == MAGIC && decode(&bytes[at..]).is_ok())
}

fn unpack(stored: &[u8], header: &Header) -> std::result::Result<Vec<u8>, Bad> {
    let body = zstd::bulk::decompress(stored, header.raw).map_err(|_| Bad::Damaged("packed body"))?;
    if body.len() != header.raw {
        return Err(Bad::Damaged("body's length"));
    }
    if Digest::of(&body) != header.digest {
        return Err(Bad::Damaged("body's digest"));
    }
    Ok(body)
}

/// A header that states possible lengths; nothing else of it is checked yet.
struct Header {
    kind: u8,
    form: u8,
    name: usize,
    raw: usize,
    stored: usize,
    digest: Digest,
}

impl Header {
    fn read(bytes: &[u8]) -> std::result::Result<Self, Bad> {
        let begins = bytes.len().min(MAGIC.len());
        if bytes[..begins] != MAGIC[..begins] {
            return Err(Bad::NotAFrame);
        }
        let Some((fixed, _)) = bytes.split_first_chunk::<HEADER>() else {
            return Err(Bad::Truncated { wants: HEADER + SEAL, has: bytes.len() });
        };
        match fixed[4] {
            VERSION => {}
            0 => return Err(Bad::Damaged("format version")),
            newer => return Err(Bad::Newer(newer)),
        }
        let (name, raw, stored) = (word::<4>(fixed, 8), word::<8>(fixed, 12), word::<8>(fixed, 20));
        let mut digest = [0; 32];
        digest.copy_from_slice(&fixed[28..HEADER]);
        Ok(Self {
            kind: fixed[5],
            form: fixed[6],
            name: length(name)?,
            raw: length(raw)?,
            stored: length(stored)?,
            digest: Digest::from_bytes(digest),
        })
    }

    fn end(&self) -> usize {
        HEADER + self.name + self.stored + SEAL
    }
}

fn word<const N: usize>(bytes: &[u8; HEADER], at: usize) -> u64 {
    bytes[at..at + N].iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

fn length(stated: u64) -> std::result::Result<usize, Bad> {
    usize::try_from(stated).ok().filter(|length| *length <= MAX_BODY).ok_or(Bad::TooLong(stated))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<u8> {
        let body = "the same words again and again; ".repeat(20);
        encode(Kind::Entry, b"a name", body.as_bytes()).unwrap()
    }

    #[test]
    fn a_frame_goes_out_and_comes_back() {
        for body in [&b""[..], b"short", &[7; 5000]] {
            let bytes = encode(Kind::Blob, b"n", body).unwrap();
            let (frame, end) = decode(&bytes).unwrap();
            assert_eq!(
                (frame.kind, frame.name, &*frame.body, end),
                (Kind::Blob, &b"n"[..], body, bytes.len())
            );
        }
        assert!(sample().len() < 300, "long bodies are packed");
    }

    #[test]
    fn a_frame_cut_anywhere_is_refused() {
        let bytes = sample();
        for end in 0..bytes.len() {
            assert!(matches!(decode(&bytes[..end]), Err(Bad::Truncated { .. })), "cut at {end}");
        }
    }

    #[test]
    fn a_frame_with_any_byte_changed_is_refused() {
        for bytes in [sample(), encode(Kind::Done, b"call", b"small").unwrap()] {
            for at in 0..bytes.len() {
                for flip in [1, 0x80, 0xff] {
                    let mut bad = bytes.clone();
                    bad[at] ^= flip;
                    assert!(decode(&bad).is_err(), "byte {at} changed by {flip}");
                }
            }
        }
    }

    #[test]
    fn a_length_that_lies_makes_nothing_large() {
        let lying = |raw: u64| {
            let mut bytes = sample();
            let sealed = bytes.len() - SEAL;
            bytes[12..20].copy_from_slice(&raw.to_le_bytes());
            let seal = Digest::of(&bytes[..sealed]);
            bytes[sealed..].copy_from_slice(seal.as_bytes());
            decode(&bytes).map(|_| ()).unwrap_err()
        };
        assert_eq!(lying(10), Bad::Damaged("packed body"));
        assert_eq!(lying(700), Bad::Damaged("body's length"));
        assert_eq!(lying(u64::MAX), Bad::TooLong(u64::MAX));
    }

    #[test]
    fn errors_are_told_apart() {
        let mut newer = sample();
        newer[4] = 9;
        assert_eq!(decode(&newer), Err(Bad::Newer(9)));
        assert_eq!(decode(b"{\"json\": true}"), Err(Bad::NotAFrame));
        assert_eq!(decode_only(&sample(), Kind::Blob, b"a name"), Err(Bad::Damaged("kind")));
        assert_eq!(decode_only(&sample(), Kind::Entry, b"another"), Err(Bad::Damaged("name")));
        let two = [sample(), sample()].concat();
        assert_eq!(decode_only(&two, Kind::Entry, b"a name"), Err(Bad::Damaged("length")));
        assert!(any_frame_in(&two[1..]) && !any_frame_in(&two[sample().len() + 1..]));
        assert!(encode(Kind::Blob, b"", &vec![0; MAX_BODY + 1]).is_err());
    }
}
