//! Two texts, as the lines that went and came.

use super::look::Look;
use crate::diag::escape;
use similar::{ChangeTag, TextDiff};

/// Lines around a change that are shown with it.
const AROUND: usize = 1;

/// The changed lines, each after `indent`, with `- ` or `+ ` before it and a line around; at most `most` lines, and how many more there
/// are.
pub(super) fn diff(before: &str, now: &str, most: usize, indent: &str, look: Look) -> String {
    let diff = TextDiff::from_lines(before, now);
    let mut lines = Vec::new();
    for (number, group) in diff.grouped_ops(AROUND).iter().enumerate() {
        if number > 0 {
            lines.push(look.dim("…"));
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let text = escape(change.value().trim_end_matches(['\n', '\r']));
            lines.push(match change.tag() {
                ChangeTag::Delete => look.bad(&format!("- {text}")),
                ChangeTag::Insert => look.good(&format!("+ {text}")),
                ChangeTag::Equal => look.dim(&format!("  {text}")),
            });
        }
    }
    let more = lines.len().saturating_sub(most);
    lines.truncate(most);
    let mut out: String =
        lines.iter().map(|line| format!("{indent}{line}").trim_end().to_owned() + "\n").collect();
    if more > 0 {
        out += &format!("{indent}and {more} more lines (`-v` shows them)\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changed_is_shown_and_is_safe_for_a_terminal() {
        let before = "a\nb\nc\nd\ne\nf\ng\n";
        let now = "a\nB\u{1b}[2J\nc\nd\ne\nf\ng\nh\n";
        assert_eq!(
            diff(before, now, 9, "> ", Look::default()),
            ">   a\n> - b\n> + B\\u{1b}[2J\n>   c\n> …\n>   g\n> + h\n"
        );
        assert_eq!(
            diff(before, now, 2, "", Look::default()),
            "  a\n- b\nand 5 more lines (`-v` shows them)\n"
        );
        assert_eq!(diff("x", "x", 9, "", Look::default()), "");
        assert_eq!(diff("", "x", 9, "", Look::default()), "+ x\n");
    }
}
