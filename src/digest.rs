//! Content digests: BLAKE3 over labelled, length-prefixed fields.
//!
//! Knows nothing of keys or files. Every hash of the tool is made here, so that no two fields can run
//! into each other (`"ab","c"` and `"a","bc"` differ) and a field can never be mistaken for its neighbour.

use std::fmt;
use std::str::FromStr;

/// A 256-bit BLAKE3 digest. Ordered by its bytes, which gives ties a winner that every machine agrees on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Digest([u8; 32]);

/// The first 128 bits of a [`Digest`]: what `coursebuild.lock` holds, and enough to tell any two results apart.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Short([u8; 16]);

impl Digest {
    /// The digest of plain bytes, without a label: for file contents and blobs.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// Makes the digest of plain bytes that come piece by piece.
    pub fn builder() -> Builder {
        Builder(blake3::Hasher::new())
    }

    /// The digest whose bytes are given: for reading stored ones back.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes, in the order in which [`fmt::Display`] writes them.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Its first 128 bits.
    pub fn short(&self) -> Short {
        let mut short = [0; 16];
        short.copy_from_slice(&self.0[..16]);
        Short(short)
    }
}

impl Short {
    /// The short digest whose bytes are given.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// Makes a [`Digest::of`] of bytes that come piece by piece.
#[derive(Debug)]
pub struct Builder(blake3::Hasher);

impl Builder {
    /// Adds the next piece.
    pub fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all pieces.
    pub fn finish(&self) -> Digest {
        Digest(*self.0.finalize().as_bytes())
    }
}

/// Hashes labelled fields, in the order given. Label and value are both length-prefixed.
pub struct Hasher(blake3::Hasher);

impl Hasher {
    /// A hasher for one kind of thing; `domain` keeps kinds apart that hash the same fields.
    pub fn new(domain: &str) -> Self {
        let mut hasher = Self(blake3::Hasher::new());
        hasher.bytes(domain.as_bytes());
        hasher
    }

    /// Adds one labelled field.
    pub fn field(&mut self, label: &str, value: &[u8]) -> &mut Self {
        self.bytes(label.as_bytes());
        self.bytes(value);
        self
    }

    /// The digest of what was added.
    pub fn finish(&self) -> Digest {
        Digest(*self.0.finalize().as_bytes())
    }

    fn bytes(&mut self, value: &[u8]) {
        self.0.update(&(value.len() as u64).to_le_bytes());
        self.0.update(value);
    }
}

const HEX: &[u8; 16] = b"0123456789abcdef";

fn write_hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    use fmt::Write;
    bytes.iter().try_for_each(|byte| {
        f.write_char(char::from(HEX[usize::from(byte >> 4)]))?;
        f.write_char(char::from(HEX[usize::from(byte & 15)]))
    })
}

fn read_hex<const N: usize>(text: &str) -> Result<[u8; N], NotADigest> {
    fn nibble(c: u8) -> Option<u8> {
        match c {
            b'0'..=b'9' => Some(c - b'0'),
            b'a'..=b'f' => Some(c - b'a' + 10),
            _ => None,
        }
    }
    let text = text.as_bytes();
    let mut out = [0; N];
    if text.len() != 2 * N {
        return Err(NotADigest);
    }
    for (byte, pair) in out.iter_mut().zip(text.chunks_exact(2)) {
        *byte = nibble(pair[0]).zip(nibble(pair[1])).map(|(high, low)| high << 4 | low).ok_or(NotADigest)?;
    }
    Ok(out)
}

/// The text was not a digest: lower-case hexadecimal, 64 digits (32 for a short one).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotADigest;

impl fmt::Display for NotADigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a digest: wants lower-case hexadecimal digits")
    }
}

macro_rules! hex_text {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_hex(&self.0, f)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_hex(&self.0[..6], f)
            }
        }
        impl FromStr for $name {
            type Err = NotADigest;
            fn from_str(text: &str) -> Result<Self, NotADigest> {
                read_hex(text).map(Self)
            }
        }
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
hex_text!(Digest);
hex_text!(Short);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_never_run_into_each_other() {
        let of = |fields: &[(&str, &str)]| {
            let mut hasher = Hasher::new("test");
            for (label, value) in fields {
                hasher.field(label, value.as_bytes());
            }
            hasher.finish()
        };
        assert_ne!(of(&[("a", "bc")]), of(&[("ab", "c")]));
        assert_ne!(of(&[("a", "b"), ("c", "d")]), of(&[("a", "bcd")]));
        assert_ne!(of(&[]), of(&[("", "")]));
        assert_eq!(of(&[("a", "b")]), of(&[("a", "b")]));
        assert_ne!(Hasher::new("x").finish(), Hasher::new("y").finish());
    }

    #[test]
    fn hex_goes_out_and_comes_back() {
        let digest = Digest::of(b"x");
        assert_eq!(digest.to_string().parse(), Ok(digest));
        assert_eq!(digest.short().to_string().parse(), Ok(digest.short()));
        for bad in ["", "00", "zz", &"0".repeat(63), &"A".repeat(64), &"é".repeat(32)] {
            assert_eq!(bad.parse::<Digest>(), Err(NotADigest), "{bad}");
        }
    }
}
