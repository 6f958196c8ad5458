//! The wall clock, and names that nothing else has.

#![expect(
    clippy::disallowed_methods,
    reason = "attempts are dated, stamps compare times, and call ids are made of the time; no key depends on it"
)]

use crate::digest::Hasher;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// The time of day.
pub(super) fn now() -> SystemTime {
    SystemTime::now()
}

/// Nanoseconds since 1970, UTC.
pub(super) fn now_ns() -> i64 {
    let passed = now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(passed.as_nanos()).unwrap_or(i64::MAX)
}

/// Milliseconds since 1970, UTC.
pub(super) fn now_ms() -> u64 {
    u64::try_from(now_ns() / 1_000_000).unwrap_or_default()
}

/// An id that no other call of any process has: 16 hexadecimal digits.
pub(super) fn new_call_id() -> String {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let mut hasher = Hasher::new("call id");
    hasher.field("time", &now_ns().to_le_bytes());
    hasher.field("process", &std::process::id().to_le_bytes());
    hasher.field("number", &NUMBER.fetch_add(1, Ordering::Relaxed).to_le_bytes());
    hasher.finish().to_string()[..16].to_owned()
}

/// A moment in UTC as people write it: `2026-03-01 12:00:00 UTC`.
pub(super) fn in_words(ms: u64) -> String {
    let seconds = ms / 1000;
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Civil date from days since 1970 (Howard Hinnant, "chrono-compatible low-level date algorithms").
    let z = days + 719_468;
    let era = z / 146_097;
    let doe = z % 146_097;
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let (day, month) = (doy - (153 * mp + 2) / 5 + 1, if mp < 10 { mp + 3 } else { mp - 9 });
    let year = yoe + era * 400 + u64::from(month <= 2);
    format!("{year}-{month:02}-{day:02} {:02}:{:02}:{:02} UTC", rest / 3600, rest % 3600 / 60, rest % 60)
}

/// The day of a moment, in UTC: `2026-03-01`.
pub(super) fn day_of(ms: u64) -> String {
    in_words(ms).chars().take(10).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn days_are_dates() {
        assert_eq!(super::in_words(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(super::in_words(951_782_400_000), "2000-02-29 00:00:00 UTC");
        assert_eq!(super::in_words(1_772_366_399_000), "2026-03-01 11:59:59 UTC");
    }
}
