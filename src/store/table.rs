//! What a run knew of a phase when it ended: where each item stands in the main file, and which items each result gave.
//!
//! Derived and deletable: it saves parsing what has not changed. The half about the main file counts only while that file has the
//! digest that the table names; the half about keys is named by what it was made from.

use super::frame::{self, Kind};
use super::pack::{Packer, Unpacker};
use crate::diag::Result;
use crate::digest::{Digest, Short};
use crate::fs;
use std::path::Path;
use std::sync::Arc;

const NAME: &[u8] = b"table 2";

/// The table of one phase.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    /// The digest of the main file's bytes.
    pub file: Digest,
    /// What is known of the checks that compare items.
    pub compared: Compared,
    /// One row an item, in source order.
    pub rows: Vec<Row>,
}

/// What a run found out by comparing items, so that the next one need not do it again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Compared {
    /// So many leading roots passed, every item of them.
    pub roots: u32,
    /// The digest of the checks, these roots, and all that they read of another phase.
    pub seal: Digest,
}

/// One item of a [`Table`].
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its id.
    pub id: Arc<str>,
    /// The id of its root.
    pub root: Arc<str>,
    /// What the upstream result, the rule and the names were that it was made from; zero where that is not to be relied on.
    pub made_from: Short,
    /// Its content key.
    pub content: Digest,
    /// The digest of the output that stands in the main file.
    pub digest: Digest,
    /// Where its value stands there: bytes from and to; the same where it has none.
    pub span: (u64, u64),
}

impl Table {
    /// Writes it. Not durable: it is only a saving.
    pub fn write(&self, path: &Path) -> Result<()> {
        let mut body = Packer::default();
        body.digest(&self.file);
        body.u64(self.compared.roots.into());
        body.digest(&self.compared.seal);
        let mut root: Option<&Arc<str>> = None;
        for row in &self.rows {
            let Row { id, root: own, made_from, content, digest, span } = row;
            body.bytes(id.as_bytes());
            // Rows of one root stand together: its name is written once.
            body.byte(u8::from(root == Some(own)));
            if root != Some(own) {
                body.bytes(own.as_bytes());
                root = Some(own);
            }
            body.0.extend_from_slice(made_from.as_bytes());
            body.digest(content);
            body.digest(digest);
            body.u64(span.0);
            body.u64(span.1);
        }
        if body.0.len() > frame::MAX_BODY {
            // A course so large does without: its next run makes everything again.
            return fs::remove_file(path);
        }
        fs::write_whole(path, &frame::encode(Kind::Table, NAME, &body.0)?, false)
    }

    /// Reads it; `None` if there is none that can be used.
    pub fn read(path: &Path) -> Option<Self> {
        let bytes = fs::read(path).ok()??;
        let body = frame::decode_only(&bytes, Kind::Table, NAME).ok()?;
        let mut body = Unpacker(&body);
        let file = body.digest()?;
        let compared = Compared { roots: u32::try_from(body.u64()?).ok()?, seal: body.digest()? };
        let mut rows: Vec<Row> = Vec::new();
        while !body.0.is_empty() {
            let id = body.text()?.into();
            let root = match (body.byte()?, rows.last()) {
                (1, Some(last)) => last.root.clone(),
                _ => body.text()?.into(),
            };
            let made_from = body.short()?;
            let (content, digest, span) = (body.digest()?, body.digest()?, (body.u64()?, body.u64()?));
            rows.push(Row { id, root, made_from, content, digest, span });
        }
        Some(Self { file, compared, rows })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_goes_out_and_comes_back_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("table");
        let row = |id: &str, root: &str| Row {
            id: id.into(),
            root: root.into(),
            made_from: Digest::of(b"m").short(),
            content: Digest::of(id.as_bytes()),
            digest: Digest::of(root.as_bytes()),
            span: (3, 9),
        };
        let compared = Compared { roots: 2, seal: Digest::of(b"s") };
        let rows = vec![row("a1", "a"), row("a2", "a"), row("b", "b")];
        let table = Table { file: Digest::of(b"f"), compared, rows };
        assert_eq!(Table::read(&path), None);
        table.write(&path).unwrap();
        assert_eq!(Table::read(&path), Some(table));
        let bytes = fs::read(&path).unwrap().unwrap();
        for cut in 0..bytes.len() {
            fs::write_whole(&path, &bytes[..cut], false).unwrap();
            assert_eq!(Table::read(&path), None);
        }
    }
}
