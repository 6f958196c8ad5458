//! A problem as people read it: `error: what`, where, why, what to do.

use super::look::Look;
use crate::diag::Problem;

/// The text of a problem, with a newline at its end. [`Problem`]'s own words are safe for a terminal already.
pub(super) fn problem_text(problem: &Problem, look: Look) -> String {
    let text = problem.to_string();
    let mut out = String::new();
    for (at, line) in text.split('\n').enumerate() {
        if at == 0 {
            out += &format!("{} {}", look.bad("error:"), look.bold(line));
        } else if let Some(hint) = line.strip_prefix("  hint: ") {
            out += &format!("  {} {hint}", look.good("hint:"));
        } else {
            out += line;
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_plain_or_coloured() {
        let problem = Problem::author("no such file").because("it is not there").hint("make it");
        let plain = problem_text(&problem, Look::default());
        assert_eq!(plain, "error: no such file\n  because: it is not there\n  hint: make it\n");
        let colored = problem_text(&problem, Look { color: true, ..Look::default() });
        assert!(colored.starts_with("\u{1b}[31m"), "{colored:?}");
        assert_eq!(strip(&colored), plain);
    }

    fn strip(text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('\u{1b}') {
            out += before;
            rest = after.split_once('m').unwrap().1;
        }
        out + rest
    }
}
