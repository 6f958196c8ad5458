//! One service's batch endpoint: a submission is sent there, found again, looked at until it has ended, and its results are read.
//!
//! Sending is the dangerous step: neither service knows a key by which a second sending would be seen as the first. So wherever
//! it is not known whether a submission was taken, it is looked for before anything else is sent.

use super::super::exchange::{Endpoint, Trouble};
use super::super::fetch::{Missed, Patience};
use super::record::{Mark, Record};
use super::seen::{Counts, Part, Seen, Standing};
use super::{Progress, Stuck, anthropic, openai};
use crate::course::GeneratorKind;
use crate::diag::Problem;
use crate::generate::{Notices, Stop, Stopper};
use crate::http::Request;
use crate::json::Value;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Between two looks, where nothing else is said: from the first to the longest.
const FIRST_LOOK: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// A service's batch endpoint.
#[derive(Debug)]
pub struct Service {
    pub(super) endpoint: Arc<Endpoint>,
    pub(super) kind: GeneratorKind,
    /// `anthropic`: the version of the API.
    pub(super) version: String,
    pub(super) model: String,
    /// Between two looks at a submission.
    pub(super) poll: Option<Duration>,
    /// Where the records are.
    pub(super) folder: PathBuf,
    pub(super) notices: Notices,
}

/// Why a submission is not at the service.
#[derive(Debug)]
pub(super) enum Refusal {
    /// It was not taken, that is certain.
    NotTaken(Trouble),
    /// It is not known, and the record stays. `None`: the run was interrupted.
    Unknown(Option<Stuck>),
}

impl Service {
    /// The most requests and bytes of a submission.
    pub(super) fn limits(&self) -> (usize, usize) {
        match self.kind {
            GeneratorKind::Openai => (openai::MOST_REQUESTS, openai::MOST_BYTES),
            _ => (anthropic::MOST_REQUESTS, anthropic::MOST_BYTES),
        }
    }

    /// The newest batch that the service lists.
    pub(super) async fn mark(&self, stop: &mut Stop) -> Result<Option<Mark>, Trouble> {
        if self.kind == GeneratorKind::Openai {
            // Its batches are told apart by what was sent with them.
            return Ok(None);
        }
        let listed = self.look_up(&format!("{}?limit=1", anthropic::PATH), stop).await?;
        let newest = listed["data"].as_array().and_then(|all| all.first()).and_then(anthropic::batch);
        Ok(newest.map(|seen| Mark { id: seen.id, created: seen.created }))
    }

    /// Sends a submission. Once it is begun it is not broken off; what is not known afterwards is found out, as long as `stop` lets it.
    pub(super) async fn submit(
        &self,
        record: &mut Record,
        lines: &[u8],
        stop: &mut Stop,
    ) -> Result<(), Refusal> {
        let (_never, mut on) = Stopper::new();
        let mut patience = Patience::sending();
        if self.kind == GeneratorKind::Openai {
            let file = self.upload(record, lines, &mut on).await.map_err(Refusal::NotTaken)?;
            record.state.file = Some(file);
            record.save().map_err(|problem| kept(&problem))?;
        }
        loop {
            let missed = match self.endpoint.fetch(self.creation(record, lines), &mut on).await {
                Ok(bytes) => match serde_json::from_slice(&bytes).ok().and_then(|value| self.batch(&value)) {
                    Some(seen) => return self.taken(record, seen.id),
                    None => Missed::odd("what came back is no batch"),
                },
                Err(missed) => missed,
            };
            if missed.perhaps_taken && self.settle(record, stop).await.map_err(Refusal::Unknown)? {
                return Ok(());
            }
            patience.bear(missed.trouble, stop).await.map_err(Refusal::NotTaken)?;
        }
    }

    pub(super) fn taken(&self, record: &mut Record, batch: String) -> Result<(), Refusal> {
        record.state.batch = Some(batch);
        record.save().map_err(|problem| kept(&problem))?;
        self.tell(record, "submitted", Counts { processing: record.map.calls.len(), ..Counts::default() });
        Ok(())
    }

    async fn upload(&self, record: &Record, lines: &[u8], on: &mut Stop) -> Result<String, Trouble> {
        let mut patience = Patience::sending();
        loop {
            let (kind, form) = openai::form(&record.map.name, lines);
            let sent = self.to("POST", openai::FILES).header("content-type", &*kind).body(form);
            let missed = match self.endpoint.fetch(sent, on).await {
                Ok(bytes) => {
                    let value: Value = serde_json::from_slice(&bytes).unwrap_or_default();
                    match super::seen::id_of(&value["id"]) {
                        Some(file) => return Ok(file),
                        None => Missed::odd("what came back is no file"),
                    }
                }
                Err(missed) => missed,
            };
            // A file by itself costs nothing: it may be sent twice.
            patience.bear(missed.trouble, on).await?;
        }
    }

    fn creation(&self, record: &Record, lines: &[u8]) -> Request {
        let (path, body) = match self.kind {
            GeneratorKind::Openai => {
                let file = record.state.file.as_deref().unwrap_or_default();
                (openai::PATH, openai::creation(&record.map.name, file))
            }
            _ => (anthropic::PATH, lines.to_vec()),
        };
        self.to("POST", path).header("content-type", "application/json").body(body)
    }

    /// Waits until a submission has ended.
    pub(super) async fn wait(&self, record: &Record, stop: &mut Stop) -> Result<Seen, Trouble> {
        let batch = record.state.batch.as_deref().unwrap_or_default();
        let path = match self.kind {
            GeneratorKind::Openai => format!("{}/{batch}", openai::PATH),
            _ => format!("{}/{batch}", anthropic::PATH),
        };
        let (mut pause, mut told) = (self.first_pause(), None);
        loop {
            let value = self.look_up(&path, stop).await?;
            let seen = self.batch(&value).ok_or_else(|| {
                Trouble::Transport("what the service says of the submission cannot be read".to_owned(), None)
            })?;
            if seen.standing != Standing::Working {
                self.tell(record, "ended", seen.counts);
                return Ok(seen);
            }
            if told.replace(seen.counts) != Some(seen.counts) {
                self.tell(record, "in_progress", seen.counts);
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => pause = self.next_pause(pause),
                () = stop.stopped() => return Err(Trouble::Interrupted),
            }
        }
    }

    /// Gives the results of a submission that has ended, in the order in which they come; they may come twice.
    pub(super) async fn results(
        &self,
        seen: &Seen,
        stop: &mut Stop,
        give: &mut (dyn FnMut(String, Part) + Send),
    ) -> Result<(), Trouble> {
        for path in &seen.results {
            let mut patience = Patience::looking();
            loop {
                let mut hear = |line: &[u8]| {
                    if let Some((call, part)) = self.result(line) {
                        give(call, part);
                    }
                    false
                };
                match self.endpoint.lines(self.to("GET", path), stop, &mut hear).await {
                    Ok(()) => break,
                    Err(missed) => patience.bear(missed.trouble, stop).await?,
                }
            }
        }
        Ok(())
    }

    pub(super) fn result(&self, line: &[u8]) -> Option<(String, Part)> {
        let mut value: Value = serde_json::from_slice(line).ok()?;
        match self.kind {
            GeneratorKind::Openai => openai::result(&mut value),
            _ => anthropic::result(&mut value),
        }
    }

    fn batch(&self, value: &Value) -> Option<Seen> {
        match self.kind {
            GeneratorKind::Openai => openai::batch(value),
            _ => anthropic::batch(value),
        }
    }

    pub(super) async fn look_up(&self, path: &str, stop: &mut Stop) -> Result<Value, Trouble> {
        let mut patience = Patience::looking();
        loop {
            let missed = match self.endpoint.fetch(self.to("GET", path), stop).await {
                Ok(bytes) => match serde_json::from_slice(&bytes) {
                    Ok(value) => return Ok(value),
                    Err(_) => Missed::odd("what came back is no JSON"),
                },
                Err(missed) => missed,
            };
            patience.bear(missed.trouble, stop).await?;
        }
    }

    pub(super) fn to(&self, method: &'static str, path: &str) -> Request {
        match self.kind {
            GeneratorKind::Openai => super::super::openai::to(method, &self.endpoint, path),
            _ => super::super::anthropic::to(method, &self.endpoint, &self.version, path),
        }
    }

    pub(super) fn first_pause(&self) -> Duration {
        self.poll.unwrap_or(FIRST_LOOK)
    }

    pub(super) fn next_pause(&self, pause: Duration) -> Duration {
        self.poll.unwrap_or_else(|| pause.mul_f64(1.5).min(LONGEST_PAUSE))
    }

    /// Tells how a submission stands.
    pub(super) fn tell(&self, record: &Record, state: &'static str, counts: Counts) {
        self.notices.submission(Progress {
            name: record.map.name.clone(),
            service: self.kind,
            batch: record.state.batch.clone(),
            state,
            requests: record.map.calls.len(),
            counts,
        });
    }

    /// What stops the wait for a submission that is at the service, or may be.
    pub(super) fn stuck(&self, record: &Record, trouble: Trouble) -> Option<Stuck> {
        let (why, hint) = match trouble {
            Trouble::Interrupted => return None,
            Trouble::TimedOut => ("it does not answer".to_owned(), ""),
            Trouble::Transport(why, _) | Trouble::Refused(why) | Trouble::TooLong(why) => (why, ""),
            Trouble::Unusable(why, hint) => (why, hint),
        };
        let name = record.state.batch.as_deref().map_or_else(
            || format!("`{}`, of which it is not known whether it was taken", record.map.name),
            |batch| format!("`{batch}`"),
        );
        let what = format!("the submission {name} cannot be looked at: {why}");
        let hint = if hint.is_empty() { String::new() } else { format!("{hint}; ") };
        Some(Stuck {
            what,
            hint: format!(
                "{hint}it stays where it is: build again to go on with it; {}",
                Self::way_out(record)
            ),
        })
    }

    pub(super) fn way_out(record: &Record) -> String {
        format!(
            "to give it up, delete `{}`: what it asked for is then asked, and paid for, again",
            record.dir().display()
        )
    }
}

/// What could not be written down stays open: the map is there.
fn kept(problem: &Problem) -> Refusal {
    let hint = problem.hint.clone().unwrap_or_else(|| "build again to go on".to_owned());
    Refusal::Unknown(Some(Stuck { what: problem.to_string(), hint }))
}
