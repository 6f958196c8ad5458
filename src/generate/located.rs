//! Finds the place of a piece of a JSON text, so that an error about it has a line and a caret.
//!
//! A piece is a slice borrowed from the file's text (`&RawValue` and its like): its address tells where it stands.

use crate::diag::{Place, Problem, Result};
use crate::fs;
use crate::json::normalize_text;
use std::path::Path;

/// A JSON file's name and normalised text.
pub(super) struct Source<'t> {
    /// The file, for messages.
    pub(super) path: &'t Path,
    /// Its text.
    pub(super) text: &'t str,
}

impl Source<'_> {
    /// The place of a slice of the text: its first line, underlined to that line's end at most.
    pub(super) fn place(&self, piece: &str) -> Place {
        let start =
            (piece.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize).min(self.text.len());
        Place::span(self.path, self.text, start..start.saturating_add(piece.len()))
    }

    /// The place of a one-based line and column (in bytes), counted within a slice of the text.
    pub(super) fn place_within(&self, piece: &str, line: usize, column: usize) -> Place {
        let line_start: usize =
            piece.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum::<usize>();
        let mut at = line_start.saturating_add(column.saturating_sub(1)).min(piece.len());
        while !piece.is_char_boundary(at) {
            at -= 1;
        }
        self.place(piece.get(at..).map_or("", |rest| &rest[..rest.chars().next().map_or(0, char::len_utf8)]))
    }

    /// A problem of the file's author at a slice of the text.
    pub(super) fn problem(&self, piece: &str, what: impl Into<String>) -> Problem {
        Problem::author(what).at(self.place(piece))
    }

    /// Parses a slice of the text; a failure points at its place in the file.
    pub(super) fn parse<'p, T: serde::Deserialize<'p>>(&self, piece: &'p str) -> Result<T> {
        serde_json::from_str(piece).map_err(|error| {
            let text = error.to_string();
            let what = text.split(" at line ").next().unwrap_or(&text).to_owned();
            Problem::author(what).at(self.place_within(piece, error.line().max(1), error.column().max(1)))
        })
    }
}

/// Reads a file that has to be there, normalised.
pub(super) fn read(path: &Path, what: &str) -> Result<String> {
    match fs::read_text(path)? {
        Some(text) => Ok(normalize_text(&text)),
        None => Err(Problem::author(format!("the {what} `{}` is not there", path.display())).hint(
            "mend `file` (or `faults`) under `[generate]` in the manifest: it is relative to the manifest",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_is_found_in_its_file() {
        let text = "{\n  \"é\": [1,\n  ü2]}";
        let source = Source { path: Path::new("x.json"), text };
        let piece = &text[text.find('[').unwrap()..];
        let error = source.parse::<Vec<u8>>(piece).unwrap_err();
        let place = error.place.unwrap();
        assert_eq!((place.line, place.column), (3, 3));
        assert_eq!(source.place(piece).column, 8);
        for line in 0..5 {
            for column in 0..9 {
                source.place_within(piece, line, column);
            }
        }
    }
}
