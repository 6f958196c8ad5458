//! How findings are worded and kept short: whatever an answer holds, a finding is about a kilobyte and safe to print.

use super::Finding;
use crate::course::Severity;
use crate::diag::escape;
use std::fmt::{self, Display, Write};

/// So many findings of one check on one item; what is beyond is counted.
const MOST: usize = 8;
/// A message's length in bytes, at most.
const MESSAGE: usize = 760;
/// A suggestion's length in bytes, at most.
const SUGGESTION: usize = 300;
/// A quoted text's length in characters, at most.
const QUOTE: usize = 100;

/// The findings of one check on one item.
pub(super) struct Found<'a> {
    item: &'a str,
    severity: Severity,
    findings: Vec<Finding>,
    beyond: usize,
}

impl<'a> Found<'a> {
    pub(super) fn new(item: &'a str, severity: Severity) -> Self {
        Self { item, severity, findings: Vec::new(), beyond: 0 }
    }

    /// Adds a finding of a kind.
    pub(super) fn add(&mut self, kind: &'static str, message: &str) {
        self.push(kind, message, None);
    }

    /// Adds a finding for which it is known what would be right.
    pub(super) fn suggest(&mut self, kind: &'static str, message: &str, suggestion: &str) {
        self.push(kind, message, Some(suggestion));
    }

    fn push(&mut self, kind: &'static str, message: &str, suggestion: Option<&str>) {
        if self.findings.len() == MOST {
            self.beyond += 1;
        } else {
            self.findings.push(finding(kind, self.item, self.severity, message, suggestion));
        }
    }

    /// The findings, in the order in which they were made.
    pub(super) fn finish(mut self) -> Vec<Finding> {
        if let (Some(last), true) = (self.findings.last(), self.beyond > 0) {
            let more = Finding {
                message: format!("and {} more findings of this check on this item", self.beyond),
                suggestion: None,
                ..last.clone()
            };
            self.findings.push(more);
        }
        self.findings
    }
}

/// One finding, cut to its lengths and made safe.
pub(super) fn finding(
    kind: &'static str,
    item: &str,
    severity: Severity,
    message: &str,
    suggestion: Option<&str>,
) -> Finding {
    Finding {
        kind: kind.to_owned(),
        item: item.to_owned(),
        severity,
        message: cut(escape(message), MESSAGE),
        suggestion: suggestion.map(|text| cut(escape(text), SUGGESTION)),
    }
}

fn cut(mut text: String, limit: usize) -> String {
    if text.len() > limit {
        let mut end = limit - '…'.len_utf8();
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push('…');
    }
    text
}

/// Something that an answer holds, in backticks, on one line, cut to a readable length without being written out whole.
pub(super) fn quote(what: impl Display) -> String {
    format!("`{}`", short(what, QUOTE))
}

/// As [`quote`], without the backticks and with a length in characters.
pub(super) fn short(what: impl Display, limit: usize) -> String {
    struct Start {
        text: String,
        left: usize,
    }
    impl Write for Start {
        fn write_str(&mut self, more: &str) -> fmt::Result {
            if let Some((end, _)) = more.char_indices().nth(self.left) {
                self.text.push_str(&more[..end]);
                self.text.push('…');
                return Err(fmt::Error);
            }
            self.left -= more.chars().count();
            self.text.push_str(more);
            Ok(())
        }
    }
    let mut start = Start { text: String::new(), left: limit };
    // The only error is that of a full measure, and then what there is is what was wanted.
    let _full = write!(start, "{what}");
    escape(&start.text).replace('\n', "\\n").replace('\t', "\\t")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn quotes_are_short_safe_and_on_one_line() {
        assert_eq!(quote("qué"), "`qué`");
        assert_eq!(quote("a\nb\t\u{1b}[31m"), "`a\\nb\\t\\u{1b}[31m`");
        assert_eq!(quote(json!({"a": [1, "é"]})), "`{\"a\":[1,\"é\"]}`");
        assert_eq!(short("é".repeat(5), 5), "ééééé");
        assert_eq!(short("é".repeat(6), 5), "ééééé…");
        assert_eq!(quote(json!(["我".repeat(1 << 20)])).chars().count(), QUOTE + 3);
    }

    #[test]
    fn findings_stay_about_a_kilobyte_and_countable() {
        let mut found = Found::new("S1", Severity::Error);
        for _ in 0..100 {
            found.suggest("echo", &"\u{1b}我".repeat(9999), &"é".repeat(9999));
        }
        let findings = found.finish();
        assert_eq!(findings.len(), MOST + 1);
        for finding in &findings {
            let length = finding.message.len() + finding.suggestion.as_ref().map_or(0, String::len);
            assert!(length <= 1100 && !finding.message.contains('\u{1b}'));
        }
        assert_eq!(findings[MOST].message, "and 92 more findings of this check on this item");
        assert!(Found::new("S1", Severity::Error).finish().is_empty());
    }
}
