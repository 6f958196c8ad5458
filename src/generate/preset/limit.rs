//! Limits of an account that lift by themselves: what a program says of one, and in how long.

use std::time::Duration;

/// Such a limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::generate) struct Limit {
    /// What the program said.
    pub(in crate::generate) what: String,
    /// In how long it lifts, where that was said.
    pub(in crate::generate) lifts_in: Option<Duration>,
}

/// The limit that a message tells of: `You've hit your session limit · resets 5:10pm (Europe/Paris)`.
pub(super) fn limit_in(message: &str) -> Option<Limit> {
    let text = message.to_lowercase().replace('’', "'");
    let told =
        ["hit your", "usage limit", "session limit", "weekly limit", "limit will reset", "limit reached"];
    let is_one = text.contains("limit") && told.iter().any(|words| text.contains(words));
    is_one.then(|| Limit { what: message.trim().to_owned(), lifts_in: lifts_in(&text) })
}

/// `… try again in 3 hours 42 minutes`: the numbers with units that follow an `in`. A time of day says too little, for nobody knows whose.
fn lifts_in(text: &str) -> Option<Duration> {
    let (_, rest) = text.split_once(" in ")?;
    let mut seconds = 0;
    let mut words = rest.split([' ', '.', ',', '(', ')']).filter(|word| !word.is_empty());
    while let (Some(Ok(number)), Some(unit)) = (words.next().map(str::parse::<u64>), words.next()) {
        seconds += number.checked_mul(match unit.trim_end_matches('s') {
            "second" | "sec" => 1,
            "minute" | "min" => 60,
            "hour" | "hr" => 3600,
            "day" => 86_400,
            _ => break,
        })?;
    }
    (seconds > 0).then(|| Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_told_from_overload() {
        let lifts = |message: &str| limit_in(message).map(|limit| limit.lifts_in.map(|time| time.as_secs()));
        assert_eq!(lifts("You've hit your session limit · resets 5:10pm (Europe/Paris)"), Some(None));
        assert_eq!(
            lifts("You’ve hit your usage limit. Upgrade to Pro (https://x) or try again later."),
            Some(None)
        );
        assert_eq!(
            lifts(
                "You've hit your usage limit. Upgrade to Pro (https://x) or try again in 5 days 22 hours 11 minutes."
            ),
            Some(Some(5 * 86_400 + 22 * 3600 + 11 * 60))
        );
        assert_eq!(lifts("You've hit your usage limit. Try again in 1 second."), Some(Some(1)));
        assert_eq!(lifts("API Error: Request rejected (429) · The usage limit has been reached"), Some(None));
        assert_eq!(
            lifts("API Error: Request rejected (429) · This request would exceed your rate limit"),
            None
        );
        assert_eq!(lifts("exceeded retry limit, last status: 429 Too Many Requests"), None);
    }
}
