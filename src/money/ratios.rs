//! What past calls teach about coming ones: how many tokens a byte makes, how many an item answers, how long a call takes.

use super::Meters;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Bytes of a prompt for each token, where nothing is known.
const BYTES_PER_TOKEN: f64 = 4.0;
/// Calls that are remembered of a phase; older ones fade, so that a change of document or model is soon forgotten.
const REMEMBERED: f64 = 50.0;

/// What calls of one phase with one model came to: sums, from which ratios are made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Ratio {
    /// Calls.
    pub calls: f64,
    /// Items asked for.
    pub items: f64,
    /// Seconds that they took.
    pub seconds: f64,
    /// Calls of which the tokens are known.
    pub metered: f64,
    /// Bytes of their prompts.
    pub bytes: f64,
    /// Input tokens, cached ones too.
    pub input: f64,
    /// Output tokens.
    pub output: f64,
    /// Items of the metered calls.
    pub metered_items: f64,
}

/// One call, as it is learned from.
#[derive(Debug, Clone, Copy, Default)]
pub struct Work {
    /// Bytes of its prompt.
    pub bytes: usize,
    /// Items asked for.
    pub items: usize,
    /// Seconds that it took.
    pub seconds: f64,
    /// What it cost in tokens.
    pub meters: Meters,
}

/// What is known of all phases, by `COURSE/PHASE MODEL`. Derived: losing it loses nothing but precision.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Ratios {
    /// The sums.
    pub of: BTreeMap<String, Ratio>,
}

/// What a call is expected to come to.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Estimate {
    /// Input tokens, whoever serves them.
    pub input: f64,
    /// Output tokens.
    pub output: f64,
    /// Seconds; `None` where no call was ever made.
    pub seconds: Option<f64>,
    /// Learned from calls, and not only from the length of the prompt.
    pub learned: bool,
}

/// How many tokens so many bytes are thought to make, where nothing is known.
#[expect(clippy::cast_precision_loss, reason = "no prompt has 2^53 bytes")]
pub fn bytes_as_tokens(bytes: usize) -> f64 {
    bytes as f64 / BYTES_PER_TOKEN
}

impl Ratios {
    /// The name under which a phase's calls are remembered.
    pub fn name(course: &str, phase: &str, model: Option<&str>) -> String {
        format!("{course}/{phase} {}", model.unwrap_or_default())
    }

    /// Learns from a call.
    #[expect(clippy::cast_precision_loss, reason = "sums of a phase's calls stay far below 2^53")]
    pub fn learn(&mut self, name: &str, work: &Work) {
        let ratio = self.of.entry(name.to_owned()).or_default();
        if ratio.calls >= REMEMBERED {
            ratio.fade();
        }
        ratio.calls += 1.0;
        ratio.items += work.items as f64;
        ratio.seconds += work.seconds;
        if let (Some(input), Some(output)) = (work.meters.prompt(), work.meters.output) {
            ratio.metered += 1.0;
            ratio.metered_items += work.items as f64;
            ratio.bytes += work.bytes as f64;
            ratio.input += input as f64;
            ratio.output += output as f64;
        }
    }

    /// How many bytes an item adds to a prompt behind a prefix of so many; `None` where nothing was learned.
    #[expect(clippy::cast_precision_loss, reason = "no prompt has 2^53 bytes")]
    pub fn item_bytes(&self, name: &str, prefix: usize) -> Option<f64> {
        let ratio = self.of.get(name).filter(|ratio| ratio.metered_items > 0.0)?;
        Some(((ratio.bytes - ratio.metered * prefix as f64) / ratio.metered_items).max(1.0))
    }

    /// What a call with a prompt of so many bytes for so many items is expected to come to. Without experience, as many tokens are
    /// expected to be answered as its own part, the bytes of `body`, asks.
    #[expect(clippy::cast_precision_loss, reason = "no prompt has 2^53 bytes")]
    pub fn expect(&self, name: &str, bytes: usize, body: usize, items: usize) -> Estimate {
        let ratio = self.of.get(name).copied().unwrap_or_default();
        let seconds = (ratio.calls > 0.0).then(|| ratio.seconds / ratio.calls);
        let learned = ratio.metered > 0.0 && ratio.bytes > 0.0 && ratio.metered_items > 0.0;
        if learned {
            let output = ratio.output / ratio.metered_items * items as f64;
            return Estimate { input: bytes as f64 * ratio.input / ratio.bytes, output, seconds, learned };
        }
        Estimate { input: bytes_as_tokens(bytes), output: bytes_as_tokens(body), seconds, learned }
    }
}

impl Ratio {
    fn fade(&mut self) {
        let Self { calls, items, seconds, metered, bytes, input, output, metered_items } = self;
        for sum in [calls, items, seconds, metered, bytes, input, output, metered_items] {
            *sum /= 2.0;
        }
    }
}

impl Estimate {
    /// As meters: `shared` is the part of the input that a cache can serve; a call that `leads` writes it, others read it.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "never negative; `as` saturates"
    )]
    pub fn meters(&self, shared: f64, leads: bool) -> Meters {
        let whole = |tokens: f64| tokens.max(0.0).ceil() as u64;
        let kept = whole(self.input * shared);
        Meters {
            input: Some(whole(self.input * (1.0 - shared))),
            cache_write: Some(if leads { kept } else { 0 }),
            cache_read: Some(if leads { 0 } else { kept }),
            output: Some(whole(self.output)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_calls_came_to_is_expected_of_the_next() {
        let mut ratios = Ratios::default();
        let name = Ratios::name("c", "phase3", Some("m"));
        let guess = ratios.expect(&name, 4000, 400, 20);
        assert_eq!((guess.input, guess.output, guess.seconds, guess.learned), (1000.0, 100.0, None, false));
        let meters =
            Meters { input: Some(500), cache_write: None, cache_read: Some(1500), output: Some(600) };
        for _ in 0..200 {
            ratios.learn(&name, &Work { bytes: 4000, items: 20, seconds: 60.0, meters });
        }
        assert!(ratios.of[&name].calls <= REMEMBERED + 1.0);
        assert!(ratios.item_bytes(&name, 3000).is_some_and(|bytes| (bytes - 50.0).abs() < 1e-6));
        let learned = ratios.expect(&name, 2000, 200, 10);
        assert!((learned.input - 1000.0).abs() < 1e-6 && (learned.output - 300.0).abs() < 1e-6);
        assert!(learned.seconds.is_some_and(|seconds| (seconds - 60.0).abs() < 1e-6) && learned.learned);
        let priced = learned.meters(0.75, false);
        assert_eq!((priced.input, priced.cache_read, priced.output), (Some(250), Some(750), Some(300)));
    }
}
