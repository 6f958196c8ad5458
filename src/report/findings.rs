//! Findings in words, for every text that shows some.

use super::look::Look;
use super::words::flat;
use crate::check::Finding;
use crate::course::Severity;

/// How many findings of one call are shown unless everything is asked for.
pub(super) const FEW: usize = 3;

/// One or two lines a finding, each after `indent`; at most `most` findings, and how many more there are.
pub(super) fn findings(findings: &[Finding], most: usize, indent: &str, look: Look) -> String {
    let mut out = String::new();
    for finding in findings.iter().take(most) {
        let kind = flat(&finding.kind);
        let kind = match finding.severity {
            Severity::Error => look.bad(&kind),
            Severity::Waived => look.dim(&format!("{kind} (waived)")),
            Severity::Warning | Severity::Off => look.odd(&format!("{kind} (warning)")),
        };
        out += &format!("{indent}{} {kind}: {}\n", flat(&finding.item), flat(&finding.message));
        if let Some(suggestion) = &finding.suggestion {
            out += &format!("{indent}  {} {}\n", look.dim("try:"), flat(suggestion));
        }
    }
    if findings.len() > most {
        out += &format!("{indent}and {} more\n", findings.len() - most);
    }
    out
}

#[cfg(test)]
pub(super) fn example(item: &str, message: &str) -> Finding {
    Finding {
        kind: "tiling".into(),
        item: item.into(),
        severity: Severity::Error,
        message: message.into(),
        suggestion: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_are_shown_and_the_rest_counted() {
        let mut first = example("S0001", "missing `x`\nextra \u{1b}[31m");
        first.suggestion = Some("write `x`".into());
        let mut second = example("S0002", "odd");
        second.severity = Severity::Warning;
        let all = [first, second, example("S0003", "c"), example("S0004", "d")];
        assert_eq!(
            findings(&all, 2, "  ", Look::default()),
            "  S0001 tiling: missing `x` extra \\u{1b}[31m\n    try: write `x`\n  S0002 tiling (warning): odd\n  and 2 more\n"
        );
    }
}
