//! Requests to a service that are no calls: what is asked of its batches and files, whole or line by line.
//!
//! Beside what a fault means, it tells whether the service may have done what was asked of it all the same: whoever made
//! something that costs money has to know. The trying again is measured here, and done by whoever asks.

use super::exchange::{Endpoint, Trouble, of_fault};
use crate::generate::Stop;
use crate::http::{Fault, FaultKind, Request, Response};
use std::time::{Duration, Instant};

/// Nothing that a service says of a batch is longer; results come line by line.
const LONGEST: usize = 64 << 20;
/// What is sent is tried so often, or so long: as with calls.
const TRIES: (u32, Duration) = (8, Duration::from_secs(600));
/// What is only looked at, and goes on without us, is tried longer: a night's outage of an hour ends no wait.
const LOOKS: (u32, Duration) = (200, Duration::from_secs(3600));
const LONGEST_BACKOFF: Duration = Duration::from_secs(60);

/// A request that brought no answer that can be used.
#[derive(Debug, PartialEq)]
pub(super) struct Missed {
    pub(super) trouble: Trouble,
    /// The service may have taken it.
    pub(super) perhaps_taken: bool,
}

impl Missed {
    /// Of an answer that came and says nothing that can be understood.
    pub(super) fn odd(what: &str) -> Self {
        Self { trouble: Trouble::Transport(what.to_owned(), None), perhaps_taken: true }
    }

    fn of(fault: &Fault) -> Self {
        let perhaps_taken =
            matches!(fault.kind, FaultKind::Reset | FaultKind::TimedOut | FaultKind::Protocol);
        Self { trouble: of_fault(fault), perhaps_taken }
    }
}

impl Endpoint {
    /// The whole answer to a request.
    pub(super) async fn fetch(&self, request: Request, stop: &mut Stop) -> Result<Vec<u8>, Missed> {
        let asking = async {
            let response = self.answered(request).await?;
            response.whole(LONGEST).await.map_err(|fault| Missed::of(&fault))
        };
        tokio::select! {
            done = tokio::time::timeout(self.timeout, asking) => done.unwrap_or_else(|_| {
                let what = format!("no answer came within {} s", self.timeout.as_secs());
                Err(Missed { trouble: Trouble::Transport(what, None), perhaps_taken: true })
            }),
            () = stop.stopped() => Err(Missed { trouble: Trouble::Interrupted, perhaps_taken: true }),
        }
    }

    /// Gives the lines of an answer to `hear`, which says when it has heard enough. Silence is bounded, the length is not.
    pub(super) async fn lines(
        &self,
        request: Request,
        stop: &mut Stop,
        hear: &mut (dyn FnMut(&[u8]) -> bool + Send),
    ) -> Result<(), Missed> {
        let reading = async {
            let mut response = self.answered(request).await?;
            let mut line = Vec::new();
            while let Some(piece) = response.chunk().await.map_err(|fault| Missed::of(&fault))? {
                let mut rest = &piece[..];
                while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                    line.extend_from_slice(&rest[..end]);
                    rest = &rest[end + 1..];
                    if hear(&line) {
                        return Ok(());
                    }
                    line.clear();
                }
                line.extend_from_slice(rest);
                if line.len() > LONGEST {
                    return Err(Missed::odd("the results do not end a line"));
                }
            }
            if !line.is_empty() {
                hear(&line);
            }
            Ok(())
        };
        tokio::select! {
            done = reading => done,
            () = stop.stopped() => Err(Missed { trouble: Trouble::Interrupted, perhaps_taken: false }),
        }
    }

    async fn answered(&self, request: Request) -> Result<Response, Missed> {
        let permit = self.gate.admit(0.0).await;
        let response = self.client.send(request).await.map_err(|fault| Missed::of(&fault))?;
        let status = response.status;
        if status == 200 || status == 201 {
            permit.answered();
            return Ok(response);
        }
        let trouble = self.of_status(response).await;
        if let Trouble::Transport(_, wait) = &trouble {
            permit.refused();
            wait.iter().for_each(|wait| self.gate.pause(*wait));
        }
        // 529 is "busy": refused at the door. Of other errors of a server nobody knows when they happened.
        Err(Missed {
            trouble,
            perhaps_taken: (status >= 500 && status != 529) || matches!(status, 408 | 409),
        })
    }
}

/// How often and how long faults of the way are borne.
pub(super) struct Patience {
    tries: u32,
    most: u32,
    longest: Duration,
    since: Option<Instant>,
    backoff: Duration,
}

impl Patience {
    /// With what is sent.
    pub(super) fn sending() -> Self {
        Self::of(TRIES)
    }

    /// With what is only looked at.
    pub(super) fn looking() -> Self {
        Self::of(LOOKS)
    }

    fn of((most, longest): (u32, Duration)) -> Self {
        Self { tries: 0, most, longest, since: None, backoff: Duration::from_millis(500) }
    }

    /// Waits before the next try; gives the trouble back if there is to be none.
    pub(super) async fn bear(&mut self, trouble: Trouble, stop: &mut Stop) -> Result<(), Trouble> {
        self.tries += 1;
        let Trouble::Transport(_, wait) = &trouble else { return Err(trouble) };
        let wait = *wait;
        let pause = wait.unwrap_or(self.backoff);
        let waited = self.since.get_or_insert_with(Instant::now).elapsed();
        if self.tries >= self.most || waited + pause > self.longest {
            return Err(trouble);
        }
        if wait.is_none() {
            self.backoff = (self.backoff * 2).min(LONGEST_BACKOFF);
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => Ok(()),
            () = stop.stopped() => Err(Trouble::Interrupted),
        }
    }
}
