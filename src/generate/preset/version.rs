//! Versions of programs, as far as they are compared.

/// A version of three numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::generate) struct Version(pub(in crate::generate) [u64; 3]);

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [major, minor, patch] = self.0;
        write!(f, "{major}.{minor}.{patch}")
    }
}

/// The first version in what a program says of itself: `2.1.330 (Claude Code)`, `llm, version 0.36`.
pub(in crate::generate) fn version_in(text: &str) -> Option<Version> {
    let words = text.split(|c: char| !(c.is_ascii_digit() || c == '.'));
    words.filter(|word| word.contains('.')).find_map(|word| {
        let mut numbers = word.split('.').map(str::parse::<u64>);
        let (major, minor) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
        Some(Version([major, minor, numbers.next().and_then(Result::ok).unwrap_or_default()]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_programs_say_of_themselves_is_understood() {
        assert_eq!(version_in("2.1.330 (Claude Code)\n"), Some(Version([2, 1, 330])));
        assert_eq!(version_in("codex-cli 0.169.0"), Some(Version([0, 169, 0])));
        assert_eq!(version_in("llm, version 0.36"), Some(Version([0, 36, 0])));
        assert_eq!(version_in("..."), None);
        assert!(Version([2, 1, 49]) < Version([2, 1, 330]));
    }
}
