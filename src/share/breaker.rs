//! When a store that fails is left alone, and when it is tried again: a state machine without a clock.
//!
//! One fault is nothing. So many in a row open the breaker: nothing is asked, so that hundreds of items do not wait for a
//! time-out each. After a pause one request goes through; it closes the breaker, or doubles the pause.

use super::backend::Trouble;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Faults in a row that open it.
const BUDGET: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The state of one store.
#[derive(Debug, Default)]
struct Breaker {
    faults: u32,
    open: Option<Open>,
}

/// A breaker that tasks share, with the clock of this machine.
#[derive(Debug, Default)]
pub(super) struct Gate(Mutex<Breaker>);

impl Gate {
    /// See [`Breaker::admits`].
    pub(super) fn admits(&self) -> bool {
        self.breaker().admits(Instant::now())
    }

    /// See [`Breaker::answered`].
    pub(super) fn answered(&self) {
        self.breaker().answered();
    }

    /// See [`Breaker::failed`].
    pub(super) fn failed(&self) {
        self.breaker().failed(Instant::now());
    }

    /// See [`Breaker::pause`].
    pub(super) fn pause(&self) -> Option<Duration> {
        self.breaker().pause(Instant::now())
    }

    /// Takes note of how a request went; `None`: trying it again is idle. Else how long the store wants to be left alone.
    pub(super) fn noted<T>(&self, done: &Result<T, Trouble>) -> Option<Option<Duration>> {
        match done {
            Ok(_) | Err(Trouble::Denied(_) | Trouble::Refused(_)) => {
                self.answered();
                None
            }
            Err(Trouble::Busy(wait)) => {
                self.answered();
                Some(Some(*wait))
            }
            Err(Trouble::Unreachable(_)) => {
                self.failed();
                Some(None)
            }
        }
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
struct Open {
    until: Instant,
    pause: Duration,
    /// A request is on its way to find out.
    trying: bool,
}

impl Breaker {
    /// Whether a request may go now.
    fn admits(&mut self, now: Instant) -> bool {
        match &mut self.open {
            None => true,
            Some(open) if now >= open.until && !open.trying => {
                open.trying = true;
                true
            }
            Some(_) => false,
        }
    }

    /// A request came back, with whatever answer.
    fn answered(&mut self) {
        *self = Self::default();
    }

    /// A request brought no answer.
    fn failed(&mut self, now: Instant) {
        self.faults += 1;
        match &mut self.open {
            Some(open) if open.trying => {
                let pause = (open.pause * 2).min(LONGEST_PAUSE);
                *open = Open { until: now + pause, pause, trying: false };
            }
            Some(_) => {}
            None if self.faults >= BUDGET => {
                self.open = Some(Open { until: now + FIRST_PAUSE, pause: FIRST_PAUSE, trying: false });
            }
            None => {}
        }
    }

    /// How long until it may be tried again; `None` while it is closed.
    fn pause(&self, now: Instant) -> Option<Duration> {
        self.open.as_ref().map(|open| open.until.saturating_duration_since(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_after_its_budget_lets_one_through_and_closes_again() {
        let mut breaker = Breaker::default();
        let start = Instant::now();
        for _ in 1..BUDGET {
            breaker.failed(start);
            assert!(breaker.admits(start));
        }
        breaker.answered();
        for _ in 0..BUDGET {
            assert!(breaker.admits(start), "an answer gives the whole budget back");
            breaker.failed(start);
        }
        assert!(!breaker.admits(start));
        let later = start + FIRST_PAUSE;
        assert!(breaker.admits(later) && !breaker.admits(later), "one at a time");
        breaker.failed(later);
        assert_eq!(breaker.pause(later), Some(FIRST_PAUSE * 2));
        assert!(!breaker.admits(later + FIRST_PAUSE));
        let again = later + FIRST_PAUSE * 2;
        assert!(breaker.admits(again));
        breaker.answered();
        assert!(breaker.admits(again) && breaker.admits(again) && breaker.pause(again).is_none());
    }
}
