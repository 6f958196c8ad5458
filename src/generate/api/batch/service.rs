//! One service's batch endpoint: a submission is sent there, found again, looked at until it has ended, and its results are read.
//!
//! Sending is the dangerous step: neither service knows a key by which a second sending would be seen as the first. So wherever
//! it is not known whether a submission was taken, it is looked for before anything else is sent.

use super::super::exchange::{Endpoint, Trouble};
use super::super::fetch::{Missed, Patience};
use super::record::{Mark, Record, peek};
use super::seen::{Counts, Part, Seen, Standing};
use super::{Progress, Stuck, anthropic, openai};
use crate::course::GeneratorKind;
use crate::diag::Problem;
use crate::generate::{Notices, Stop, Stopper};
use crate::http::Request;
use crate::json::Value;
use std::collections::HashSet;
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

/// What a service knows of a submission that it may have.
enum Found {
    Yes(String),
    No,
    /// Batches are under way that may be it.
    Perhaps,
    /// A batch that may be it keeps no results any more.
    Hidden(String),
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
            record.save().map_err(kept)?;
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

    fn taken(&self, record: &mut Record, batch: String) -> Result<(), Refusal> {
        record.state.batch = Some(batch);
        record.save().map_err(kept)?;
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

    /// Finds out whether the service has a submission; true if it has, and then its name is known. Waits as long as that takes.
    pub(super) async fn settle(&self, record: &mut Record, stop: &mut Stop) -> Result<bool, Option<Stuck>> {
        let mut absent = 0;
        let mut pause = self.first_pause();
        loop {
            match self.find(record, stop).await.map_err(|trouble| self.stuck(record, trouble))? {
                Found::Yes(batch) => {
                    return self.taken(record, batch).map(|()| true).map_err(|refusal| match refusal {
                        Refusal::Unknown(stuck) => stuck,
                        Refusal::NotTaken(_) => None,
                    });
                }
                // What is being taken in may be listed a moment later.
                Found::No if absent == 1 => return Ok(false),
                Found::No => absent += 1,
                Found::Perhaps => {
                    absent = 0;
                    self.tell(record, "looked_for", Counts::default());
                }
                Found::Hidden(batch) => return Err(Some(self.hidden(record, &batch))),
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => pause = self.next_pause(pause),
                () = stop.stopped() => return Err(None),
            }
        }
    }

    async fn find(&self, record: &Record, stop: &mut Stop) -> Result<Found, Trouble> {
        if self.kind == GeneratorKind::Openai {
            self.find_by_name(record, stop).await
        } else {
            self.find_by_results(record, stop).await
        }
    }

    async fn find_by_name(&self, record: &Record, stop: &mut Stop) -> Result<Found, Trouble> {
        let mut after = String::new();
        loop {
            let page = self.look_up(&format!("{}?limit=100{after}", openai::PATH), stop).await?;
            let data = page["data"].as_array().map_or(&[][..], Vec::as_slice);
            let file = record.state.file.as_deref();
            let ours = data.iter().find(|value| openai::is_ours(value, &record.map.name, file));
            if let Some(seen) = ours.and_then(openai::batch) {
                return Ok(Found::Yes(seen.id));
            }
            let last = data.last().and_then(|value| super::seen::id_of(&value["id"]));
            match last.filter(|_| page["has_more"] == true) {
                Some(last) => after = format!("&after={last}"),
                None => return Ok(Found::No),
            }
        }
    }

    async fn find_by_results(&self, record: &Record, stop: &mut Stop) -> Result<Found, Trouble> {
        let of_others: HashSet<String> = peek(&self.folder)
            .unwrap_or_default()
            .into_iter()
            .filter(|(map, _)| map.name != record.map.name)
            .filter_map(|(_, state)| state.batch)
            .collect();
        let calls: HashSet<&str> = record.map.calls.iter().map(|listed| &*listed.call).collect();
        let (mut perhaps, mut hidden) = (false, None);
        for seen in self.since(record.map.mark.as_ref(), stop).await? {
            if of_others.contains(&seen.id) || seen.counts.all() != calls.len() {
                continue;
            }
            match seen.standing {
                Standing::Ended => match self.holds(&seen, &calls, stop).await? {
                    Some(true) => return Ok(Found::Yes(seen.id)),
                    Some(false) => {}
                    None => hidden = Some(seen.id),
                },
                Standing::Gone => hidden = Some(seen.id),
                Standing::Working | Standing::Failed(_) => perhaps = true,
            }
        }
        Ok(match hidden {
            _ if perhaps => Found::Perhaps,
            Some(batch) => Found::Hidden(batch),
            None => Found::No,
        })
    }

    /// The batches that are listed before a mark, newest first.
    async fn since(&self, mark: Option<&Mark>, stop: &mut Stop) -> Result<Vec<Seen>, Trouble> {
        let mut all: Vec<Seen> = Vec::new();
        let mut after = String::new();
        loop {
            let page = self.look_up(&format!("{}?limit=1000{after}", anthropic::PATH), stop).await?;
            let data = page["data"].as_array().map_or(&[][..], Vec::as_slice);
            for seen in data.iter().filter_map(anthropic::batch) {
                // The mark itself may have been deleted meanwhile.
                if mark.is_some_and(|mark| mark.id == seen.id || seen.created < mark.created) {
                    return Ok(all);
                }
                all.push(seen);
            }
            match all.last().filter(|_| page["has_more"] == true && !data.is_empty()) {
                Some(last) => after = format!("&after_id={}", last.id),
                None => return Ok(all),
            }
        }
    }

    /// Whether a batch that has ended holds these calls; `None` if its results cannot be read any more.
    async fn holds(
        &self,
        seen: &Seen,
        calls: &HashSet<&str>,
        stop: &mut Stop,
    ) -> Result<Option<bool>, Trouble> {
        let mut patience = Patience::looking();
        loop {
            let mut held = false;
            let mut hear = |line: &[u8]| match self.result(line) {
                Some((call, _)) => {
                    held = calls.contains(&*call);
                    true
                }
                None => false,
            };
            let path = seen.results.first().map(String::as_str).unwrap_or_default();
            match self.endpoint.lines(self.to("GET", path), stop, &mut hear).await {
                Ok(()) => return Ok(Some(held)),
                Err(Missed { trouble: Trouble::Unusable(..) | Trouble::Refused(_), .. }) => return Ok(None),
                Err(missed) => patience.bear(missed.trouble, stop).await?,
            }
        }
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

    fn result(&self, line: &[u8]) -> Option<(String, Part)> {
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

    async fn look_up(&self, path: &str, stop: &mut Stop) -> Result<Value, Trouble> {
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

    fn to(&self, method: &'static str, path: &str) -> Request {
        match self.kind {
            GeneratorKind::Openai => super::super::openai::to(method, &self.endpoint, path),
            _ => super::super::anthropic::to(method, &self.endpoint, &self.version, path),
        }
    }

    fn first_pause(&self) -> Duration {
        self.poll.unwrap_or(FIRST_LOOK)
    }

    fn next_pause(&self, pause: Duration) -> Duration {
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
                self.way_out(record)
            ),
        })
    }

    fn hidden(&self, record: &Record, batch: &str) -> Stuck {
        Stuck {
            what: format!(
                "whether the service took the submission `{}` of {} requests cannot be found out: `{batch}` may be it, and its results are not kept any more",
                record.map.name,
                record.map.calls.len()
            ),
            hint: format!("nothing of it is asked again before that is decided; {}", self.way_out(record)),
        }
    }

    #[expect(clippy::unused_self, reason = "said beside the others")]
    fn way_out(&self, record: &Record) -> String {
        format!(
            "to give it up, delete `{}`: what it asked for is then asked, and paid for, again",
            record.dir().display()
        )
    }
}

/// What could not be written down stays open: the map is there.
fn kept(problem: Problem) -> Refusal {
    let hint = problem.hint.clone().unwrap_or_else(|| "build again to go on".to_owned());
    Refusal::Unknown(Some(Stuck { what: problem.to_string(), hint }))
}
