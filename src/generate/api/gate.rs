//! How many requests may be under way at a service, and how soon the next one may leave.
//!
//! The declared limits of a minute hold; a service that says "too many" halves what may be under way, answers raise it again, one
//! at a time; and a pause that it asks for holds for all requests to it.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// A minute's allowance may be used up so far ahead, so that a few requests can leave together.
const AHEAD: Duration = Duration::from_secs(10);
const MINUTE: f64 = 60.0;

/// The way into one service.
#[derive(Debug)]
pub(super) struct Gate {
    state: Mutex<State>,
    changed: Notify,
}

/// A request under way; the place is free again when it is dropped.
#[derive(Debug)]
pub(super) struct Permit<'g> {
    gate: &'g Gate,
    since: Instant,
}

#[derive(Debug)]
struct State {
    requests: Option<Rate>,
    tokens: Option<Rate>,
    /// How many may be under way.
    limit: f64,
    under_way: usize,
    paused_until: Option<Instant>,
    cut_at: Option<Instant>,
}

/// A rate: the moment up to which its allowance is used.
#[derive(Debug, Clone, Copy)]
struct Rate {
    per_minute: f64,
    used_until: Option<Instant>,
}

/// Whether a request may leave.
#[derive(Debug, PartialEq)]
enum Turn {
    Now,
    In(Duration),
    /// When one that is under way has come back.
    Later,
}

impl Gate {
    #[expect(clippy::cast_precision_loss, reason = "a limit is no count that has to be exact")]
    pub(super) fn new(requests_per_minute: Option<u64>, tokens_per_minute: Option<u64>) -> Self {
        let rate = |limit: u64| Rate { per_minute: limit as f64, used_until: None };
        Self {
            state: Mutex::new(State {
                requests: requests_per_minute.map(rate),
                tokens: tokens_per_minute.map(rate),
                limit: f64::INFINITY,
                under_way: 0,
                paused_until: None,
                cut_at: None,
            }),
            changed: Notify::new(),
        }
    }

    /// Waits until a request with a prompt of about so many tokens may leave.
    pub(super) async fn admit(&self, tokens: f64) -> Permit<'_> {
        loop {
            let changed = self.changed.notified();
            let now = Instant::now();
            let turn = self.with(|state| state.turn(now, tokens));
            match turn {
                Turn::Now => return Permit { gate: self, since: now },
                Turn::In(wait) => tokio::select! {
                    () = tokio::time::sleep(wait) => {}
                    () = changed => {}
                },
                Turn::Later => changed.await,
            }
        }
    }

    /// Nothing leaves for so long.
    pub(super) fn pause(&self, wait: Duration) {
        let until = Instant::now() + wait;
        self.with(|state| state.paused_until = state.paused_until.max(Some(until)));
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Permit<'_> {
    /// The service said "too many". What left before it was last heeded says nothing new.
    pub(super) fn refused(&self) {
        self.gate.with(|state| state.refused(self.since, Instant::now()));
    }

    /// The service answered.
    pub(super) fn answered(&self) {
        self.gate.with(State::answered);
        self.gate.changed.notify_waiters();
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.gate.with(|state| state.under_way = state.under_way.saturating_sub(1));
        self.gate.changed.notify_waiters();
    }
}

impl State {
    #[expect(clippy::cast_precision_loss, reason = "a few requests")]
    fn turn(&mut self, now: Instant, tokens: f64) -> Turn {
        if let Some(until) = self.paused_until.filter(|until| *until > now) {
            return Turn::In(until - now);
        }
        if self.under_way as f64 >= self.limit {
            return Turn::Later;
        }
        let wait = [self.requests, self.tokens].into_iter().flatten().map(|rate| rate.wait(now)).max();
        if let Some(wait) = wait.filter(|wait| !wait.is_zero()) {
            return Turn::In(wait);
        }
        if let Some(rate) = &mut self.requests {
            rate.take(now, 1.0);
        }
        if let Some(rate) = &mut self.tokens {
            rate.take(now, tokens);
        }
        self.under_way += 1;
        Turn::Now
    }

    #[expect(clippy::cast_precision_loss, reason = "a few requests")]
    fn refused(&mut self, since: Instant, now: Instant) {
        if self.cut_at.is_none_or(|cut| cut <= since) {
            self.limit = (self.limit.min(self.under_way as f64) / 2.0).max(1.0);
            self.cut_at = Some(now);
        }
    }

    fn answered(&mut self) {
        self.limit += 1.0 / self.limit;
    }
}

impl Rate {
    fn wait(&self, now: Instant) -> Duration {
        self.used_until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now + AHEAD))
    }

    fn take(&mut self, now: Instant, amount: f64) {
        let span = Duration::try_from_secs_f64(amount / self.per_minute * MINUTE).unwrap_or(AHEAD);
        self.used_until = Some(self.used_until.map_or(now, |until| until.max(now)) + span);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(requests: Option<u64>, tokens: Option<u64>) -> State {
        Gate::new(requests, tokens).state.into_inner().unwrap()
    }

    #[test]
    fn a_minutes_allowance_holds() {
        let mut limited = state(Some(30), None);
        let now = Instant::now();
        let leave =
            |state: &mut State, now| (0..100).take_while(|_| state.turn(now, 0.0) == Turn::Now).count();
        // Ten seconds ahead are five requests; the sixth begins what lies behind.
        assert_eq!(leave(&mut limited, now), 6);
        assert_eq!(limited.turn(now, 0.0), Turn::In(Duration::from_secs(2)));
        assert_eq!(leave(&mut limited, now + Duration::from_secs(60)), 6);
        let mut tokens = state(None, Some(6000));
        assert_eq!(tokens.turn(now, 60_000.0), Turn::Now, "a prompt beyond the limit leaves alone");
        assert_eq!(tokens.turn(now, 1.0), Turn::In(Duration::from_secs(590)));
    }

    #[test]
    fn refusals_halve_and_answers_raise() {
        let mut state = state(None, None);
        let now = Instant::now();
        (0..8).for_each(|_| assert_eq!(state.turn(now, 0.0), Turn::Now));
        let later = now + Duration::from_secs(1);
        (0..8).for_each(|_| state.refused(now, later));
        assert!(
            (state.limit - 4.0).abs() < 1e-9,
            "eight refusals of the same moment count once: {}",
            state.limit
        );
        assert_eq!(state.turn(later, 0.0), Turn::Later);
        state.under_way = 3;
        assert_eq!(state.turn(later, 0.0), Turn::Now);
        (0..4).for_each(|_| state.answered());
        assert!(state.limit > 4.9 && state.limit < 5.0);
        (0..50).for_each(|turn| {
            state.refused(later + Duration::from_secs(turn), later + Duration::from_secs(turn));
        });
        assert!(state.limit >= 1.0);
        state.paused_until = Some(later + Duration::from_secs(9));
        assert_eq!(state.turn(later, 0.0), Turn::In(Duration::from_secs(9)));
    }
}
