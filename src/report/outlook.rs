//! What is expected of one phase's calls: how many, and how long each.

use crate::event::PhaseStart;

/// How many calls of earlier runs count as much as one of this run each: with this many back, both weigh the same.
const PAST: f64 = 3.0;

/// How sure a number of calls is, from sure to unsure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sureness {
    /// So many, if nothing is refused.
    Exact,
    /// Judged by the part of the phase that is known.
    Judged,
    /// The phase waits for others, and nothing of it is known yet.
    AtLeast,
}

/// What is expected of a phase, and what has come of it.
#[derive(Debug, Default)]
pub(super) struct Outlook {
    least: usize,
    most: usize,
    batch_size: usize,
    /// Items to be bought, and source items that the phase waits for: at the start, and now.
    start: (usize, usize),
    now: (usize, usize),
    /// Seconds that a call took in earlier runs.
    past: Option<f64>,
    firsts_left: usize,
    firsts_back: usize,
    retries_back: usize,
    /// Of all calls that are back.
    seconds: f64,
}

impl Outlook {
    /// That of a phase as a run finds it.
    pub(super) fn new(start: &PhaseStart) -> Self {
        let known = (start.to_buy, start.pending);
        Self {
            least: start.calls_min,
            most: start.calls_max,
            batch_size: start.batch_size,
            start: known,
            now: known,
            past: start.seconds_per_call,
            ..Self::default()
        }
    }

    /// More of it is known.
    pub(super) fn learn(&mut self, to_buy: usize, pending: usize) {
        self.now = (to_buy, pending);
    }

    /// A call has left.
    pub(super) fn left(&mut self, retry: bool) {
        self.firsts_left += usize::from(!retry);
    }

    /// A call is back.
    pub(super) fn back(&mut self, retry: bool, seconds: f64) {
        self.firsts_back += usize::from(!retry);
        self.retries_back += usize::from(retry);
        self.seconds += seconds;
    }

    /// First attempts that are back.
    pub(super) fn done(&self) -> usize {
        self.firsts_back
    }

    /// Retries that are back, which nobody expected.
    pub(super) fn retries(&self) -> usize {
        self.retries_back
    }

    /// First attempts that have not left yet, as far as they are foreseen.
    pub(super) fn to_come(&self) -> usize {
        self.calls().0.saturating_sub(self.firsts_left)
    }

    /// First attempts in all, and how sure that is.
    pub(super) fn calls(&self) -> (usize, Sureness) {
        let ((bought, waited), (to_buy, pending)) = (self.start, self.now);
        let opened = waited.saturating_sub(pending);
        let (calls, sure) = if waited == 0 || self.batch_size == 0 || self.least == self.most {
            (self.most, Sureness::Exact)
        } else if pending == 0 {
            (to_buy.div_ceil(self.batch_size), Sureness::Exact)
        } else if let Some(more) = (to_buy.saturating_sub(bought) * pending).checked_div(opened) {
            ((to_buy + more).div_ceil(self.batch_size).clamp(self.least, self.most), Sureness::Judged)
        } else {
            (self.least, Sureness::AtLeast)
        };
        (calls.max(self.firsts_left), sure)
    }

    /// Seconds that a call takes, if anything is known: what calls of this run took, and the less of them are back, the more what
    /// they took in earlier runs.
    #[expect(clippy::cast_precision_loss, reason = "numbers of calls are far below 2^52")]
    pub(super) fn typical(&self) -> Option<f64> {
        let back = (self.firsts_back + self.retries_back) as f64;
        match self.past {
            Some(past) => Some((self.seconds + PAST * past) / (back + PAST)),
            None => (back > 0.0).then(|| self.seconds / back),
        }
    }
}
