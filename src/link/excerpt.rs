//! What a main file would hold if it had these items only: for programs that read main files.

use super::main_file::{Item, MainFile};
use super::write::{Around, Finish, item_bytes, totals};
use crate::course::Output;
use crate::diag::Result;
use crate::digest::{Digest, Hasher};
use crate::json::{Envelope, Kind, Pointer};

/// The bytes of a main file with these items, what stands around the collection included. `finish` puts derived fields into the
/// item with a number.
pub fn excerpt(found: &MainFile, output: &Output, items: &[Item], finish: Finish<'_>) -> Result<Vec<u8>> {
    let around = Around::new(&found.envelope, output, &totals(found, output, items, finish)?);
    collection(found, output, items, finish, &around)
}

/// The same items in a collection with nothing around it.
pub fn bare_excerpt(
    found: &MainFile,
    output: &Output,
    items: &[Item],
    finish: Finish<'_>,
) -> Result<Vec<u8>> {
    let mut bare = output.clone();
    bare.shape.at = Pointer::default();
    bare.envelope.clear();
    let around = Around::new(&Envelope::default(), &bare, &[]);
    collection(found, &bare, items, finish, &around)
}

fn collection(
    found: &MainFile,
    output: &Output,
    items: &[Item],
    finish: Finish<'_>,
    around: &Around,
) -> Result<Vec<u8>> {
    let (open, close) = if output.shape.kind == Kind::Array { ("[", "]") } else { ("{", "}") };
    let mut bytes = [&around.before, open].concat().into_bytes();
    for (at, item) in items.iter().enumerate() {
        bytes.extend_from_slice(if at == 0 { b"\n" } else { b",\n" });
        let (part, _) = item_bytes(item, found, output, around.depth, &|value| finish(at, value))?;
        bytes.extend_from_slice(&part);
    }
    if !items.is_empty() {
        bytes.push(b'\n');
        bytes.extend_from_slice("  ".repeat(around.depth).as_bytes());
    }
    bytes.extend_from_slice([close, &around.after, "\n"].concat().as_bytes());
    Ok(bytes)
}

/// What an excerpt has beside its items: the file's name, how it holds items, which fields are derived or computed, and what was
/// found around them.
pub fn surroundings(found: &MainFile, output: &Output) -> Digest {
    let mut hasher = Hasher::new("surroundings of items");
    hasher.field("file", output.file.as_bytes());
    hasher.field("shape", format!("{:?} {:?}", output.shape, output.ids).as_bytes());
    hasher.field("made", format!("{:?} {:?}", output.derived, output.envelope).as_bytes());
    for (level, fields) in found.envelope.0.iter().enumerate() {
        for (name, raw) in fields {
            let computed = level == 0 && output.envelope.iter().any(|(own, _)| own == name);
            if let Some(raw) = raw.as_deref().filter(|_| !computed) {
                hasher.field("level", level.to_string().as_bytes());
                hasher.field("name", name.as_bytes()).field("value", raw.as_bytes());
            }
        }
    }
    hasher.finish()
}
