//! The shape of a message to people: what is wrong, where, why, and what to do.
//!
//! No I/O and no wording of its own; the rooms that find a problem word it, `report` prints it.

use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// What every fallible function of the tool returns.
pub type Result<T, E = Problem> = std::result::Result<T, E>;

/// Whose problem it is; decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The caller or the author of a file has to change something (exit 2).
    Author,
    /// Something of the surroundings failed: a disk, a permission, a program (exit 1).
    Environment,
    /// Work is needed and was forbidden (exit 3).
    WorkNeeded,
    /// A budget or a confirmation stopped the run (exit 4).
    Budget,
    /// What may have been bought already cannot be asked about, and is not bought again (exit 6).
    OutOfReach,
    /// Another build holds the workspace (exit 5).
    Busy,
    /// A bug of coursebuild itself (exit 70).
    Internal,
    /// The user interrupted the run (exit 130).
    Interrupted,
}

/// A place in a text file: one-based line and column (in characters), with the line itself for the caret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, as the user would name it.
    pub file: PathBuf,
    /// One-based line; 0 when the place is the file as a whole.
    pub line: usize,
    /// One-based column in characters.
    pub column: usize,
    /// The text of that line, without its newline.
    pub excerpt: String,
    /// How many characters the caret underlines; at least 1.
    pub width: usize,
}

impl Place {
    /// The file as a whole.
    pub fn file(file: impl Into<PathBuf>) -> Self {
        Self { file: file.into(), line: 0, column: 0, excerpt: String::new(), width: 0 }
    }

    /// The place of a byte range in a file's text. Ranges beyond the text point at its end.
    pub fn span(file: impl Into<PathBuf>, text: &str, range: std::ops::Range<usize>) -> Self {
        let floor = |mut at: usize| {
            at = at.min(text.len());
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let (start, end) = (floor(range.start), floor(range.end));
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        Self {
            file: file.into(),
            line: text[..start].matches('\n').count() + 1,
            column: text[line_start..start].chars().count() + 1,
            excerpt: text[line_start..line_end].trim_end_matches('\r').to_owned(),
            width: text[start..end.clamp(start, line_end)].chars().count().max(1),
        }
    }
}

/// One problem, for people: lower-case fragments, names in backticks, no full stop at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Whose problem it is.
    pub kind: Kind,
    /// What is wrong.
    pub what: String,
    /// Where it is, if it is in a file.
    pub place: Option<Box<Place>>,
    /// Why: the reason that a lower layer gave.
    pub cause: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Problem {
    /// A problem of a given kind.
    pub fn new(kind: Kind, what: impl Into<String>) -> Self {
        Self { kind, what: what.into(), place: None, cause: None, hint: None }
    }

    /// Something that the author of a file or the caller has to change.
    pub fn author(what: impl Into<String>) -> Self {
        Self::new(Kind::Author, what)
    }

    /// Something of the surroundings that failed.
    pub fn environment(what: impl Into<String>) -> Self {
        Self::new(Kind::Environment, what)
    }

    /// A bug of ours.
    pub fn internal(what: impl Into<String>) -> Self {
        Self::new(Kind::Internal, what)
            .hint("this is a bug of coursebuild: please report it with the command that you ran")
    }

    /// A file operation that failed: `verb` fits "could not …".
    pub fn io(verb: &str, path: &Path, error: &std::io::Error) -> Self {
        let problem =
            Self::environment(format!("could not {verb} `{}`", escape(&path.display().to_string())))
                .because(error);
        match what_to_do(error.kind()) {
            Some(hint) => problem.hint(hint),
            None => problem,
        }
    }

    /// The same, at a place.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(Box::new(place));
        self
    }

    /// The same, with the reason.
    #[must_use]
    pub fn because(mut self, cause: impl fmt::Display) -> Self {
        self.cause = Some(cause.to_string());
        self
    }

    /// The same, with what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// What to do about a file operation that failed, where that is plain.
fn what_to_do(kind: ErrorKind) -> Option<&'static str> {
    Some(match kind {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            "make room on that disk (or raise the limit that is in force) and run it again: what was answered is kept"
        }
        ErrorKind::PermissionDenied => {
            "give your user the right to it (`ls -ld` shows whose it is) and run it again: what was answered is kept"
        }
        ErrorKind::ReadOnlyFilesystem => "make that disk writable, or move the workspace to one that is",
        ErrorKind::NotFound => {
            "something took a folder away meanwhile: bring it back, or run it again to make it anew"
        }
        ErrorKind::AlreadyExists | ErrorKind::NotADirectory => {
            "a file stands where a folder has to be: move it away and run it again"
        }
        _ => return None,
    })
}

/// The name that a mistyped one was probably meant to be: the nearest, if at most a third of the letters typed are wrong, or one. Letters
/// left out, put in, replaced or swapped with their neighbour count as one each; upper and lower case are the same.
pub fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let letters = |text: &str| text.to_lowercase().chars().take(64).collect::<Vec<char>>();
    let typed = letters(typed);
    let bound = (typed.len() / 3).max(1);
    let near = |name: &'a str| {
        let wrong = slips(&typed, &letters(name));
        (wrong <= bound && wrong < typed.len()).then_some((wrong, name))
    };
    known.into_iter().filter_map(near).min_by_key(|(wrong, _)| *wrong).map(|(_, name)| name)
}

/// `did you mean` with the nearest name, in front of what else there is to say.
pub fn did_you_mean<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>, hint: &str) -> String {
    nearest(typed, known)
        .map_or_else(|| hint.to_owned(), |name| format!("did you mean `{}`? {hint}", escape(name)))
}

/// How many slips turn one text into the other (optimal string alignment).
fn slips(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let differ = usize::from(a[i - 1] != b[j - 1]);
            row[j] = (last[j] + 1).min(row[j - 1] + 1).min(last[j - 1] + differ);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&escape(&self.what))?;
        if let Some(place) = &self.place {
            let file = escape(&place.file.display().to_string());
            if place.line == 0 {
                write!(f, "\n  --> {file}")?;
            } else {
                let gutter = place.line.to_string().len();
                write!(f, "\n  --> {file}:{}:{}", place.line, place.column)?;
                write!(f, "\n  {:gutter$} |\n  {} | {}", "", place.line, escape(&place.excerpt))?;
                let before: usize =
                    place.excerpt.chars().take(place.column.saturating_sub(1)).map(escaped_width).sum();
                write!(f, "\n  {:gutter$} | {:before$}{}", "", "", "^".repeat(place.width))?;
            }
        }
        if let Some(cause) = &self.cause {
            write!(f, "\n  because: {}", escape(cause))?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {}", escape(hint))?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}

/// Text that came from outside, made safe for a terminal: control characters (but newline and tab), bidirectional
/// overrides and zero-width marks are shown as `\u{…}`.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_harmful(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

fn is_harmful(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn escaped_width(c: char) -> usize {
    if is_harmful(c) { c.escape_unicode().count() } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_shows_line_caret_cause_and_hint() {
        let text = "a = 1\nbé = tru\n";
        let at = text.find("tru").unwrap();
        let problem = Problem::author("`bé` wants `true` or `false`")
            .at(Place::span("x.toml", text, at..at + 3))
            .because("found `tru`")
            .hint("write `true`");
        assert_eq!(
            problem.to_string(),
            "`bé` wants `true` or `false`\n  --> x.toml:2:6\n    |\n  2 | bé = tru\n    |      ^^^\n  because: found `tru`\n  hint: write `true`"
        );
    }

    #[test]
    fn places_never_panic() {
        let text = "é\nü";
        for start in 0..8 {
            for end in 0..8 {
                Place::span("x", text, start..end);
            }
        }
    }

    #[test]
    fn a_slip_finds_its_name() {
        let known = ["phase1", "phase3", "phase5", "spa_for_eng"];
        for (typed, meant) in [
            ("phsae3", Some("phase3")),
            ("Phase5", Some("phase5")),
            ("phase", Some("phase1")),
            ("spa_fro_eng", Some("spa_for_eng")),
            ("spaforeng", Some("spa_for_eng")),
            ("cmn_for_deu", None),
            ("x", None),
            ("", None),
            ("tragte", None),
        ] {
            assert_eq!(nearest(typed, known), meant, "{typed}");
        }
        assert_eq!(slips(&['k', 'i'], &[]), 2);
        assert_eq!(did_you_mean("phsae3", known, "more"), "did you mean `phase3`? more");
        assert_eq!(did_you_mean("zzz", known, "more"), "more");
    }

    #[test]
    fn terminal_escapes_are_shown_not_sent() {
        assert_eq!(escape("a\u{1b}[31mb\u{202e}c\td\n"), "a\\u{1b}[31mb\\u{202e}c\td\n");
    }
}
