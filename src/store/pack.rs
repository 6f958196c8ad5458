//! Little-endian numbers, digests and texts in a row: the binary form inside index segments, stamps and journal records.
//!
//! Reading never panics and never reserves more than the bytes there could hold.

use crate::digest::{Digest, Short};

/// Writes.
#[derive(Default)]
pub(super) struct Packer(pub(super) Vec<u8>);

impl Packer {
    pub(super) fn byte(&mut self, value: u8) {
        self.0.push(value);
    }

    pub(super) fn u32(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(super) fn u64(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(super) fn i64(&mut self, value: i64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    /// A number that may be unknown.
    pub(super) fn maybe(&mut self, value: Option<u64>) {
        self.byte(u8::from(value.is_some()));
        self.u64(value.unwrap_or(0));
    }

    pub(super) fn digest(&mut self, value: &Digest) {
        self.0.extend_from_slice(value.as_bytes());
    }

    /// Bytes after their length.
    pub(super) fn bytes(&mut self, value: &[u8]) {
        self.u64(value.len() as u64);
        self.0.extend_from_slice(value);
    }
}

/// Reads what [`Packer`] wrote; `None` where the bytes end or are no such value.
pub(super) struct Unpacker<'a>(pub(super) &'a [u8]);

impl<'a> Unpacker<'a> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (value, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*value)
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        self.array::<1>().map(|[value]| value)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub(super) fn i64(&mut self) -> Option<i64> {
        self.array().map(i64::from_le_bytes)
    }

    pub(super) fn maybe(&mut self) -> Option<Option<u64>> {
        let known = self.byte()? == 1;
        let value = self.u64()?;
        Some(known.then_some(value))
    }

    pub(super) fn digest(&mut self) -> Option<Digest> {
        self.array().map(Digest::from_bytes)
    }

    pub(super) fn short(&mut self) -> Option<Short> {
        self.array().map(Short::from_bytes)
    }

    pub(super) fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.u64()?).ok()?;
        let (value, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(value)
    }

    pub(super) fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes()?).ok()
    }
}
