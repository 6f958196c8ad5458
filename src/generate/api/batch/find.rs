//! Looking for a submission of which it is not known whether the service took it.
//!
//! OpenAI lists a batch with what its creator chose. Anthropic does not, so a batch of ours is known only by what is in its results:
//! candidates are waited for. That it is not there counts once two looks, a pause apart, have not found it.

use super::super::exchange::Trouble;
use super::super::fetch::{Missed, Patience};
use super::record::{Mark, Record, peek};
use super::seen::{Counts, Seen, Standing, id_of};
use super::service::{Refusal, Service};
use super::{Stuck, anthropic, openai, requests};
use crate::course::GeneratorKind;
use crate::generate::Stop;
use std::collections::HashSet;

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
    /// Finds out whether the service has a submission; true if it has, and then its name is known. Waits as long as that takes.
    pub(super) async fn settle(&self, record: &mut Record, stop: &mut Stop) -> Result<bool, Option<Stuck>> {
        let (mut absent, mut told) = (0, false);
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
                    if !std::mem::replace(&mut told, true) {
                        self.tell(record, "looked_for", Counts::default());
                    }
                }
                Found::Hidden(batch) => return Err(Some(Self::hidden(record, &batch))),
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
            let last = data.last().and_then(|value| id_of(&value["id"]));
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
                if mark
                    .is_some_and(|mark| mark.id == seen.id || second(&seen.created) < second(&mark.created))
                {
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

    fn hidden(record: &Record, batch: &str) -> Stuck {
        Stuck {
            what: format!(
                "whether the service took the submission `{}` of {} cannot be found out: `{batch}` may be it, and its results are not kept any more",
                record.map.name,
                requests(record.map.calls.len())
            ),
            hint: format!("nothing of it is asked again before that is decided; {}", Self::way_out(record)),
        }
    }
}

/// A moment without fractions of a second, which are not written always: the same second is not before it.
fn second(moment: &str) -> &str {
    moment.get(..19).unwrap_or(moment)
}
