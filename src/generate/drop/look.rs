//! When a file that somebody else writes is whole.
//!
//! It is when its text is one JSON value; else when it has rested: a writer that was seen to close it, or a folder that tells
//! nothing (a network file system), decides how long.

use crate::diag::{Problem, Result};
use crate::fs;
use serde::de::IgnoredAny;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

/// So long a file rests that was seen to be closed.
const REST_CLOSED: Duration = Duration::from_secs(1);
/// So long a file rests of which nobody knows whether it is open.
pub(super) const REST: Duration = Duration::from_secs(5);

/// What a look shows.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// No file, or an empty one.
    Nothing,
    /// A file that may still be written.
    Unfinished,
    /// The whole file.
    Whole(Vec<u8>),
    /// A file of so many bytes, which is more than is read.
    TooLong(u64),
}

/// Looks at one file again and again.
#[derive(Debug, Default)]
pub(super) struct Looks {
    stamp: Option<(u64, SystemTime)>,
    since: Option<Instant>,
}

impl Looks {
    /// One look. `closed`: its last writer was seen to close it. `longest`: bytes that are read at most.
    pub(super) fn look(&mut self, path: &Path, closed: bool, longest: usize, now: Instant) -> Result<Seen> {
        let metadata = match std::fs::metadata(path) {
            Ok(metadata) if metadata.is_file() && metadata.len() > 0 => metadata,
            Ok(_) => return Ok(self.nothing()),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(self.nothing()),
            Err(e) => return Err(Problem::io("look at", path, &e)),
        };
        let stamp = (metadata.len(), metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH));
        let moved = self.stamp != Some(stamp);
        if moved {
            (self.stamp, self.since) = (Some(stamp), Some(now));
        }
        let rest = if closed { REST_CLOSED } else { REST };
        let rested = self.since.is_some_and(|since| now.duration_since(since) >= rest);
        if stamp.0 > longest as u64 {
            return Ok(if rested { Seen::TooLong(stamp.0) } else { Seen::Unfinished });
        }
        if !moved && !rested {
            return Ok(Seen::Unfinished);
        }
        let Some(bytes) = fs::read(path)? else { return Ok(self.nothing()) };
        // Read longer than it was: it is growing.
        let grown = bytes.len() as u64 != stamp.0;
        Ok(if !grown && (rested || is_json(&bytes)) { Seen::Whole(bytes) } else { Seen::Unfinished })
    }

    fn nothing(&mut self) -> Seen {
        *self = Self::default();
        Seen::Nothing
    }
}

/// True when a text is one whole array or object.
pub(super) fn is_json(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    matches!(first, Some(b'[' | b'{')) && serde_json::from_slice::<IgnoredAny>(bytes).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_json_text_counts_at_once_and_anything_else_when_it_has_rested() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.json");
        let (mut looks, begun) = (Looks::default(), Instant::now());
        let mut look = |after: Duration, closed| looks.look(&path, closed, 50, begun + after).unwrap();
        let second = Duration::from_secs(1);
        assert_eq!(look(second, false), Seen::Nothing);
        fs::write_whole(&path, b"", false).unwrap();
        assert_eq!(look(second, true), Seen::Nothing, "an empty file is a place for an answer");
        fs::write_whole(&path, b"{\"S0001\": [\"a\"", false).unwrap();
        assert_eq!(look(2 * second, true), Seen::Unfinished);
        assert_eq!(look(2 * second + REST_CLOSED / 2, true), Seen::Unfinished);
        fs::write_whole(&path, b"{\"S0001\": [\"a\", \"b\"", false).unwrap();
        assert_eq!(look(3 * second + REST_CLOSED, true), Seen::Unfinished, "it has grown");
        assert_eq!(look(3 * second + 2 * REST_CLOSED, false), Seen::Unfinished, "it may be open");
        assert_eq!(
            look(3 * second + 2 * REST_CLOSED, true),
            Seen::Whole(b"{\"S0001\": [\"a\", \"b\"".to_vec())
        );
        fs::write_whole(&path, "\u{feff} {\"S0001\": []}\n".as_bytes(), false).unwrap();
        assert!(matches!(look(5 * second, false), Seen::Whole(_)));
        fs::write_whole(&path, &[b'x'; 51], false).unwrap();
        assert_eq!(look(6 * second, false), Seen::Unfinished);
        assert_eq!(look(6 * second + REST, false), Seen::TooLong(51));
    }
}
