//! Submissions to batch endpoints that an earlier build left there: gone on with before anything is planned.
//!
//! What they bring is filed under the keys that were asked, so the plan finds what is still wanted; the rest is kept. While it is
//! not known what became of one, nothing is planned, for it would be bought twice.

use super::call::cost;
use super::clock::now_ms;
use super::harvest::entry_of;
use super::options::Options;
use super::refusal::{out_of_reach, unusable};
use super::services::{self, Services};
use super::session::Session;
use super::signals::Signals;
use super::spending::terms;
use crate::course::{Generate, Workspace};
use crate::diag::{Kind, Problem, Result};
use crate::event::Event;
use crate::generate::batch::{self, Record, Resumed, Service, Stuck, peek};
use crate::generate::{Notice, Notices, Outcome, Reply, Stopper};
use crate::json::Shape;
use crate::money::{Prices, Terms};
use crate::plan::Submitted;
use crate::store::{Entry, Intent, Store};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Entries that are written at once.
const AT_ONCE: usize = 256;

/// The calls of all submissions in a store.
pub(super) fn calls(store: &Store) -> Result<HashSet<String>> {
    let all = peek(&services::submissions(store))?;
    Ok(all.into_iter().flat_map(|(map, _)| map.calls).map(|listed| listed.call).collect())
}

/// What is at batch endpoints for the courses of a workspace. Asks nobody and changes nothing.
pub(super) fn submitted(store: &Store, workspace: &Workspace) -> Result<Submitted> {
    let mut submitted = Submitted::default();
    let records = peek(&services::submissions(store))?;
    if records.is_empty() {
        return Ok(submitted);
    }
    let calls = store.open_calls()?;
    let waiting: HashSet<&str> =
        calls.iter().filter(|open| open.answer.is_none()).map(|open| &*open.intent.call).collect();
    for (map, _) in records {
        let ours = |code: &str| workspace.courses.iter().any(|course| course.code == code);
        let open = map.calls.iter().filter(|one| ours(&one.course) && waiting.contains(&*one.call));
        let (requests, items) = open.fold((0, 0), |(n, items), one| (n + 1, items + one.items.len()));
        submitted.submissions += usize::from(requests > 0);
        submitted.requests += requests;
        submitted.items += items;
    }
    Ok(submitted)
}

/// One that is gone on with.
struct Going<'w> {
    service: Service,
    record: Record,
    open: HashMap<String, Intent>,
    declared: &'w Generate,
}

/// Goes on with all submissions of the workspace's courses. Errors when that is not possible, or was interrupted.
pub(super) fn resume(session: &mut Session, options: &Options, emit: &mut dyn FnMut(&Event)) -> Result<()> {
    let records = Record::all(&services::submissions(&session.store))?;
    if records.is_empty() {
        return Ok(());
    }
    let Session { workspace, store, .. } = session;
    let store = Arc::get_mut(store).ok_or_else(|| Problem::internal("the store is in use too early"))?;
    let (notices, heard) = Notices::new();
    let mut services = Services::new(&workspace.root, store, options, &notices);
    let mut going = Vec::new();
    for record in records {
        let open = open_in(store, &record)?;
        let of_ours = |intent: &Intent| workspace.courses.iter().any(|course| course.code == intent.course);
        if open.is_empty() {
            record.forget()?;
        } else if open.values().any(of_ours) {
            if options.offline {
                return Err(offline(&record));
            }
            let declared = declared(workspace, &record).ok_or_else(|| nobody_asks(&record))?;
            going.push(Going { service: services.batches(declared)?, record, open, declared });
        }
    }
    if going.is_empty() {
        return Ok(());
    }
    let prices = &workspace.prices;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Problem::environment("could not start the machinery for calls").because(e))?;
    let mut taking = Taking { store, prices, emit, entries: Vec::new(), problem: None };
    runtime.block_on(taking.all(going, heard))?;
    taking.problem.map_or(Ok(()), Err)
}

/// The calls of a submission that have no answer yet.
fn open_in(store: &Store, record: &Record) -> Result<HashMap<String, Intent>> {
    let listed: HashSet<&str> = record.map.calls.iter().map(|listed| &*listed.call).collect();
    let open = store.open_calls()?.into_iter().filter(|open| open.answer.is_none()).map(|open| open.intent);
    Ok(open
        .filter(|intent| listed.contains(&*intent.call))
        .map(|intent| (intent.call.clone(), intent))
        .collect())
}

/// A phase that is asked where the submission is, for its key and its limits; best of all one that it asked for.
fn declared<'w>(workspace: &'w Workspace, record: &Record) -> Option<&'w Generate> {
    let phases =
        || workspace.courses.iter().flat_map(|course| &course.phases).map(|phase| &phase.rule.generate);
    let fits = |generate: &&Generate| {
        let at = generate.api.as_ref().map(|api| api.base_url.as_str());
        generate.kind == record.map.service && at == Some(&*record.map.base_url)
    };
    let same = |generate: &&Generate| generate.model.as_deref() == Some(&*record.map.model);
    phases().filter(fits).find(same).or_else(|| phases().find(fits))
}

/// What takes in replies.
struct Taking<'a> {
    store: &'a mut Store,
    prices: &'a Prices,
    emit: &'a mut dyn FnMut(&Event),
    entries: Vec<Entry>,
    /// The first thing that stops the build.
    problem: Option<Problem>,
}

impl Taking<'_> {
    async fn all(&mut self, going: Vec<Going<'_>>, mut heard: crate::generate::Heard) -> Result<()> {
        let (stopper, stop) = Stopper::new();
        let mut signals = Signals::new()?;
        let (sender, mut replies) = mpsc::unbounded_channel::<(String, Reply)>();
        let mut tasks: JoinSet<(Record, Resumed)> = JoinSet::new();
        let mut asked: HashMap<String, (Intent, Terms<'static>)> = HashMap::new();
        for Going { service, mut record, open, declared } in going {
            let structured: HashMap<&str, bool> =
                record.map.calls.iter().map(|listed| (&*listed.call, listed.structured)).collect();
            let shape = |intent: &Intent| -> Option<Shape> {
                intent.shape.shape().filter(|_| structured.get(&*intent.call) == Some(&true))
            };
            let shapes = open.iter().map(|(call, intent)| (call.clone(), shape(intent))).collect();
            let terms = terms(declared, true);
            asked.extend(open.into_iter().map(|(call, intent)| (call, (intent, terms))));
            let (sender, mut stop) = (sender.clone(), stop.clone());
            tasks.spawn(async move {
                let mut give = |call: &str, reply| {
                    let _ = sender.send((call.to_owned(), reply));
                };
                let came = batch::resume(&service, &mut record, shapes, &mut stop, &mut give).await;
                (record, came)
            });
        }
        drop(sender);
        loop {
            tokio::select! {
                biased;
                () = signals.next() => {
                    (self.emit)(&Event::Interrupted { in_flight: 0 });
                    stopper.stop();
                }
                Some((call, reply)) = replies.recv() => {
                    if let Some((intent, terms)) = asked.remove(&call) {
                        self.take(&intent, reply, terms)?;
                    }
                }
                Some(joined) = tasks.join_next() => {
                    let (record, came) = joined.map_err(|e| Problem::internal("a submission's task ended badly").because(e))?;
                    while let Ok((call, reply)) = replies.try_recv() {
                        if let Some((intent, terms)) = asked.remove(&call) {
                            self.take(&intent, reply, terms)?;
                        }
                    }
                    self.end(record, came)?;
                }
                notice = heard.next() => self.tell(notice),
            }
            if tasks.is_empty() {
                break;
            }
        }
        while let Some(notice) = heard.now() {
            self.tell(notice);
        }
        Ok(())
    }

    fn tell(&mut self, notice: Notice) {
        if let Notice::Submission(progress) = notice {
            (self.emit)(&Event::Submission(progress));
        }
    }

    /// Takes a reply in. What is paid for becomes an entry; the submission's record stands for it until that is durable.
    fn take(&mut self, intent: &Intent, mut reply: Reply, terms: Terms<'_>) -> Result<()> {
        let ended_ms = now_ms();
        if reply.money_usd.is_none() {
            reply.money_usd =
                cost(self.prices, [&reply.model, &intent.model], &reply.meters, ended_ms, terms);
        }
        let (reply, _) = super::call::bounded(reply);
        match entry_of(intent, &reply, ended_ms)? {
            Some(entry) => self.entries.push(entry),
            None => {
                self.store.abandon(&intent.call);
                self.store.forget_call(&intent.call)?;
                if !matches!(reply.outcome, Outcome::Unreached(_)) {
                    self.problem.get_or_insert_with(|| unusable(&intent.label, reply.outcome));
                }
            }
        }
        if self.entries.len() >= AT_ONCE { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> Result<()> {
        let entries = std::mem::take(&mut self.entries);
        self.store.put_many(&entries)?;
        for entry in &entries {
            self.store.forget_call(&entry.intent.call)?;
            (self.emit)(&Event::Recovered {
                call: entry.intent.call.clone(),
                label: entry.intent.label.clone(),
                items: entry.results.len(),
            });
        }
        Ok(())
    }

    fn end(&mut self, record: Record, came: Resumed) -> Result<()> {
        self.write()?;
        match came {
            Resumed::Over => {
                self.store.flush()?;
                record.forget()
            }
            Resumed::NeverTaken => {
                let message = format!(
                    "the submission `{}` of {} was never taken by the service: what is still wanted of it is asked for anew",
                    record.map.name,
                    batch::requests(record.map.calls.len())
                );
                (self.emit)(&Event::Warning { message });
                for listed in &record.map.calls {
                    self.store.abandon(&listed.call);
                    self.store.forget_call(&listed.call)?;
                }
                self.store.flush()?;
                record.forget()
            }
            Resumed::Left(stuck) => {
                let problem = match stuck {
                    Some(stuck) => out_of_reach(stuck),
                    None => Problem::new(Kind::Interrupted, "interrupted while waiting for a submission")
                        .hint("it stays at the service: build again to go on with it"),
                };
                self.problem.get_or_insert(problem);
                self.store.flush()
            }
        }
    }
}

fn offline(record: &Record) -> Problem {
    out_of_reach(Stuck {
        what: format!(
            "the submission `{}` of an earlier build is at `{}`, and `--offline` forbids asking there",
            record.map.name, record.map.base_url
        ),
        hint: "build without `--offline`; nothing was asked".to_owned(),
    })
}

fn nobody_asks(record: &Record) -> Problem {
    out_of_reach(Stuck {
        what: format!(
            "the submission `{}` of {} is at `{}`, and no phase is asked there any more",
            record.map.name,
            batch::requests(record.map.calls.len()),
            record.map.base_url
        ),
        hint: format!(
            "bring the `[generate]` back that it was made with, and build; or give it up: delete `{}`, and what it asked for is asked, and paid for, again",
            record.dir().display()
        ),
    })
}
