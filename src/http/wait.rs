//! How long a server asks to be left alone, in every form in which servers say so.
//!
//! Dates are compared with the server's own `Date`, so that no clock is read here and a wrong one does no harm.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Longer than this is no pause but a refusal; it is told as this.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// How long to wait before asking again. `header` finds a header's value by its name in small letters.
///
/// In this order: `retry-after-ms` and `x-ms-retry-after-ms` (milliseconds); `retry-after` and, behind a LiteLLM proxy,
/// `llm_provider-retry-after` (seconds, also with a fraction, or an HTTP date); else the latest reset of a limit of which nothing
/// remains (`anthropic-ratelimit-…-reset`: RFC 3339; `x-ratelimit-reset-…`: `6m0s`). `None` when the server does not say.
pub fn wait_asked<'h>(header: &dyn Fn(&str) -> Option<&'h str>) -> Option<Duration> {
    let now = header("date").and_then(|text| httpdate::parse_http_date(text).ok());
    let milliseconds =
        ["retry-after-ms", "x-ms-retry-after-ms"].iter().find_map(|name| number(header(name)?, 0.001));
    let plain = || {
        ["retry-after", "llm_provider-retry-after"].iter().find_map(|name| {
            let text = header(name)?.trim();
            number(text, 1.0).or_else(|| {
                let at = httpdate::parse_http_date(text).ok()?;
                Some(at.duration_since(now?).unwrap_or_default())
            })
        })
    };
    milliseconds.or_else(plain).or_else(|| resets(header, now)).map(|wait| wait.min(LONGEST))
}

fn resets<'h>(header: &dyn Fn(&str) -> Option<&'h str>, now: Option<SystemTime>) -> Option<Duration> {
    let spent = |name: &str| header(name).is_some_and(|left| left.trim() == "0");
    let anthropic = ["requests", "tokens", "input-tokens", "output-tokens"].iter().filter_map(|limit| {
        let prefix = format!("anthropic-ratelimit-{limit}");
        let at = spent(&format!("{prefix}-remaining")).then(|| header(&format!("{prefix}-reset")))??;
        Some(date_time(at)?.duration_since(now?).unwrap_or_default())
    });
    let openai = ["requests", "tokens"].iter().filter_map(|limit| {
        let text = spent(&format!("x-ratelimit-remaining-{limit}"))
            .then(|| header(&format!("x-ratelimit-reset-{limit}")))??;
        span(text)
    });
    anthropic.chain(openai).max()
}

fn number(text: &str, unit: f64) -> Option<Duration> {
    let number = text.trim().parse::<f64>().ok().filter(|number| number.is_finite())?;
    Duration::try_from_secs_f64((number * unit).max(0.0)).ok()
}

/// `6m0s`, `1h2m3.5s`, `20ms`, or a plain number of seconds.
fn span(text: &str) -> Option<Duration> {
    if let Some(seconds) = number(text, 1.0) {
        return Some(seconds);
    }
    let mut rest = text.trim();
    let mut sum = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let unit_end = rest[digits..].find(|c: char| c.is_ascii_digit()).map_or(rest.len(), |at| digits + at);
        let unit = match &rest[digits..unit_end] {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 0.001,
            _ => return None,
        };
        sum += number(&rest[..digits], unit)?;
        rest = &rest[unit_end..];
    }
    Some(sum)
}

/// An RFC 3339 moment: `2026-11-22T10:00:00Z`, also with a fraction or an offset.
fn date_time(text: &str) -> Option<SystemTime> {
    let text = text.trim();
    let field = |from: usize, to: usize| text.get(from..to)?.parse::<u64>().ok();
    let (year, month, day) = (field(0, 4)?, field(5, 7)?, field(8, 10)?);
    let (hour, minute, second) = (field(11, 13)?, field(14, 16)?, field(17, 19)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || year < 1970 {
        return None;
    }
    // Days since 1970 (Howard Hinnant, "chrono-compatible low-level date algorithms").
    let y = if month <= 2 { year - 1 } else { year };
    let (era, yoe) = (y / 400, y % 400);
    let doy = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468;
    let local = UNIX_EPOCH + Duration::from_secs(days * 86_400 + hour * 3600 + minute * 60 + second);
    let zone = text.get(19..)?.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
    let (ahead, behind) = (zone.strip_prefix('+'), zone.strip_prefix('-'));
    let minutes = |zone: &str| {
        let (hours, minutes) = zone.split_once(':')?;
        Some(Duration::from_secs(hours.parse::<u64>().ok()? * 3600 + minutes.parse::<u64>().ok()? * 60))
    };
    match (zone, ahead, behind) {
        ("Z" | "z", ..) => Some(local),
        (_, Some(zone), _) => local.checked_sub(minutes(zone)?),
        (_, _, Some(zone)) => Some(local + minutes(zone)?),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Headers = &'static [(&'static str, &'static str)];

    fn asked(headers: Headers) -> Option<f64> {
        let find = |name: &str| headers.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        wait_asked(&find).map(|wait| wait.as_secs_f64())
    }

    #[test]
    fn every_form_of_a_pause_is_read() {
        const NOW: (&str, &str) = ("date", "Sun, 22 Nov 2026 10:00:00 GMT");
        let table: [(Headers, Option<f64>); 16] = [
            (&[("retry-after", "7")], Some(7.0)),
            (&[("retry-after", "0.5")], Some(0.5)),
            (&[("retry-after", "-3")], Some(0.0)),
            (&[("retry-after", "Sun, 22 Nov 2026 10:01:30 GMT"), NOW], Some(90.0)),
            (&[("retry-after", "Sun, 22 Nov 2026 09:00:00 GMT"), NOW], Some(0.0)),
            (&[("retry-after", "Sun, 22 Nov 2026 10:01:30 GMT")], None),
            (&[("retry-after-ms", "250"), ("retry-after", "9")], Some(0.25)),
            (&[("x-ms-retry-after-ms", "1500")], Some(1.5)),
            (&[("llm_provider-retry-after", "60")], Some(60.0)),
            (&[("retry-after", "soon")], None),
            (&[("retry-after", "inf")], None),
            (&[("retry-after", "9999999999")], Some(86_400.0)),
            (
                &[
                    ("anthropic-ratelimit-tokens-remaining", "0"),
                    ("anthropic-ratelimit-tokens-reset", "2026-11-22T10:00:12Z"),
                    ("anthropic-ratelimit-requests-remaining", "3"),
                    ("anthropic-ratelimit-requests-reset", "2026-11-22T10:05:00Z"),
                    NOW,
                ],
                Some(12.0),
            ),
            (&[("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "6m0s")], Some(360.0)),
            (&[("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "20ms")], Some(0.02)),
            (&[], None),
        ];
        for (headers, wanted) in table {
            assert_eq!(asked(headers), wanted, "{headers:?}");
        }
    }

    #[test]
    fn moments_and_spans() {
        let seconds = |text: &str| Some(date_time(text)?.duration_since(UNIX_EPOCH).unwrap().as_secs());
        assert_eq!(seconds("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(seconds("2000-02-29T00:00:00.25Z"), Some(951_782_400));
        assert_eq!(seconds("2000-02-29T02:00:00+02:00"), Some(951_782_400));
        assert_eq!(seconds("2000-02-28T22:30:00-01:30"), Some(951_782_400));
        for bad in
            ["", "2000-02-29", "2000-13-01T00:00:00Z", "x000-01-01T00:00:00Z", "2000-01-01T00:00:00", "é"]
        {
            assert_eq!(seconds(bad), None, "{bad}");
        }
        assert_eq!(span("1h2m3.5s"), Some(Duration::from_millis(3_723_500)));
        assert_eq!(span("6 minutes"), None);
    }
}
