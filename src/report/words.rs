//! Numbers, spans of time and amounts in words, the same everywhere.

use crate::diag::escape;
use crate::generate::Meters;
use crate::plan::{Bounds, Counts, Expected};

/// Foreign text on one line, safe for a terminal.
pub(super) fn flat(text: &str) -> String {
    let lines: Vec<&str> = text.split(['\n', '\t']).map(str::trim).filter(|line| !line.is_empty()).collect();
    escape(&lines.join(" "))
}

/// `2,796`.
pub(super) fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 call`, `2,796 items`, `3 batches`.
pub(super) fn count(n: usize, one: &str) -> String {
    let ending = match n {
        1 => "",
        _ if one.ends_with("ch") => "es",
        _ if one.ends_with("ry") => return format!("{} {}ies", number(n as u64), &one[..one.len() - 1]),
        _ => "s",
    };
    format!("{} {one}{ending}", number(n as u64))
}

/// `3`, or `3..5`.
pub(super) fn between(bounds: Bounds) -> String {
    if bounds.min == bounds.max {
        number(bounds.min as u64)
    } else {
        format!("{}..{}", number(bounds.min as u64), number(bounds.max as u64))
    }
}

/// `3 calls`, or `3..5 calls`.
pub(super) fn count_between(bounds: Bounds, one: &str) -> String {
    if bounds.min == bounds.max { count(bounds.min, one) } else { format!("{} {one}s", between(bounds)) }
}

/// `640 fresh, 28 stale`: what is not zero.
pub(super) fn partition(counts: &Counts) -> String {
    let parts: Vec<String> = named(counts)
        .into_iter()
        .filter(|(_, n)| *n > 0)
        .map(|(name, n)| format!("{} {name}", number(n as u64)))
        .collect();
    parts.join(", ")
}

/// The partition by name, in the order in which it is always shown.
pub(super) fn named(counts: &Counts) -> [(&'static str, usize); 7] {
    let Counts { fresh, missing, stale, rejected, held, failed, pending } = *counts;
    [
        ("fresh", fresh),
        ("missing", missing),
        ("stale", stale),
        ("rejected", rejected),
        ("held", held),
        ("failed", failed),
        ("pending", pending),
    ]
}

/// `0.4s`, `42s`, `3m 05s`, `10h 04m`. Seconds that are no number are `?`.
pub(super) fn duration(seconds: f64) -> String {
    if (0.0..9.95).contains(&seconds) { format!("{seconds:.1}s") } else { whole_seconds(seconds) }
}

/// The same in whole seconds, for what changes while people look at it.
pub(super) fn whole_seconds(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "?".into();
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "finite, not negative; `as` saturates"
    )]
    let whole = seconds.round() as u64;
    match whole {
        0..60 => format!("{whole}s"),
        60..3600 => format!("{}m {:02}s", whole / 60, whole % 60),
        _ => format!("{}h {:02}m", whole / 3600, whole % 3600 / 60),
    }
}

/// `$1.25`; four digits below ten cents.
pub(super) fn money(usd: f64) -> String {
    if usd.abs() < 0.1 && usd != 0.0 { format!("${usd:.4}") } else { format!("${usd:.2}") }
}

/// `about $1.20..$6.90, at least 3m 05s`: what a plan is expected to cost and to take; `None` where nothing is known, or it
/// costs nothing.
pub(super) fn price(expected: &Expected) -> Option<String> {
    let usd = expected.usd.filter(|usd| usd.max > 0.0).map(|usd| {
        let (least, most) = (money(usd.min), money(usd.max));
        if least == most { format!("about {most}") } else { format!("about {least}..{most}") }
    });
    let word = if expected.at_least { "at least" } else { "about" };
    let time = expected.seconds.map(|seconds| format!("{word} {}", duration(seconds)));
    let parts: Vec<String> = usd.into_iter().chain(time).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// `1,200 tokens in (1,000 from cache), 300 out`; `None` where nothing is known.
pub(super) fn tokens(usage: &Meters) -> Option<String> {
    let Meters { input, cache_write, cache_read, output } = *usage;
    let sent = [input, cache_write, cache_read].into_iter().flatten().reduce(u64::saturating_add);
    let mut text = match (sent, cache_read) {
        (Some(sent), Some(read)) if read > 0 => {
            format!("{} tokens in ({} from cache)", number(sent), number(read))
        }
        (Some(sent), _) => format!("{} tokens in", number(sent)),
        (None, _) => String::new(),
    };
    if let Some(output) = output {
        text += if text.is_empty() { "" } else { ", " };
        text += &number(output);
        text += if sent.is_some() { " out" } else { " tokens out" };
    }
    (!text.is_empty()).then_some(text)
}

/// `2025-11-22 21:14:13Z` for milliseconds since 1970, UTC.
pub(super) fn moment(ms: u64) -> String {
    let seconds = ms / 1000;
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Days are counted in eras of 400 years that begin on 1 March, so that the leap day is the last one of its year.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}Z",
        second / 3600,
        second % 3600 / 60,
        second % 60
    )
}

/// The first part of a digest: enough for people. All of it with `-v`.
pub(super) fn digest(text: &str, verbose: bool) -> &str {
    let short = text.char_indices().nth(12).map_or(text, |(at, _)| &text[..at]);
    if verbose { text } else { short }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_things_counted() {
        assert_eq!(number(0), "0");
        assert_eq!(number(999), "999");
        assert_eq!(number(1000), "1,000");
        assert_eq!(number(1_234_567), "1,234,567");
        assert_eq!(count(1, "batch"), "1 batch");
        assert_eq!(count(2, "batch"), "2 batches");
        assert_eq!(count(0, "call"), "0 calls");
        assert_eq!(count_between(Bounds { min: 1, max: 1 }, "call"), "1 call");
        assert_eq!(count_between(Bounds { min: 1, max: 1200 }, "call"), "1..1,200 calls");
    }

    #[test]
    fn spans_of_time_are_short() {
        for (seconds, text) in [
            (0.0, "0.0s"),
            (9.94, "9.9s"),
            (9.96, "10s"),
            (59.6, "1m 00s"),
            (185.0, "3m 05s"),
            (36_250.0, "10h 04m"),
            (f64::NAN, "?"),
        ] {
            assert_eq!(duration(seconds), text);
        }
    }

    #[test]
    fn moments_are_utc() {
        assert_eq!(moment(0), "1970-01-01 00:00:00Z");
        assert_eq!(moment(951_782_400_000), "2000-02-29 00:00:00Z");
        assert_eq!(moment(1_763_846_053_999), "2025-11-22 21:14:13Z");
    }

    #[test]
    fn unknown_meters_are_not_zero() {
        assert_eq!(tokens(&Meters::default()), None);
        let some = Meters { output: Some(3), ..Meters::default() };
        assert_eq!(tokens(&some).unwrap(), "3 tokens out");
        let all = Meters { input: Some(200), cache_write: Some(0), cache_read: Some(1000), output: Some(30) };
        assert_eq!(tokens(&all).unwrap(), "1,200 tokens in (1,000 from cache), 30 out");
    }

    #[test]
    fn money_shows_small_amounts() {
        assert_eq!(money(0.0123), "$0.0123");
        assert_eq!(money(12.5), "$12.50");
        assert_eq!(money(0.0), "$0.00");
    }

    #[test]
    fn foreign_text_is_flat_and_safe() {
        assert_eq!(flat("a\n  b\u{1b}[2J\tc\n"), "a b\\u{1b}[2J c");
    }
}
