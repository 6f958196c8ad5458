//! Drops that stand: prompts that were laid into a folder and have not been answered in time, each with the intent of its call.
//!
//! Somebody may be at work on one, and his answer is paid for. So it is taken whenever it comes, filed under what was asked; and
//! a later call for the very same items waits in the same place instead of asking a second time.

use super::clock::{now, now_ms};
use super::harvest;
use super::recover::Found;
use crate::course::Workspace;
use crate::diag::{Problem, Result};
use crate::digest::Digest;
use crate::fs;
use crate::generate::drop::{Spot, answered_spots, arrived, course_folder};
use crate::generate::{Outcome, Reply};
use crate::store::{Entry, Intent, MAX_ANSWER, Store};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// One of them.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Standing {
    pub(super) intent: Intent,
    spot: Spot,
}

fn records(store: &Store) -> PathBuf {
    store.dir().join("drops")
}

fn record(store: &Store, call: &str) -> PathBuf {
    records(store).join(format!("{}.json", crate::path::file_name(call)))
}

/// All of them, by call. One that cannot be read is none: its answer is then one that nobody asked for, and kept.
pub(super) fn load(store: &Store) -> Result<Vec<Standing>> {
    let Ok(entries) = std::fs::read_dir(records(store)) else { return Ok(Vec::new()) };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "json"));
    paths.sort_unstable();
    let mut all = Vec::new();
    for path in paths {
        all.extend(fs::read(&path)?.and_then(|text| serde_json::from_slice(&text).ok()));
    }
    Ok(all)
}

/// Notes that a call is over and that its drop, if it has one, stands on. `dir`: the call's own folder.
pub(super) fn leave(store: &Store, intent: &Intent, dir: &Path) -> Result<()> {
    let Some(spot) = Spot::of_call(dir)? else { return Ok(()) };
    let standing = Standing { intent: intent.clone(), spot };
    let text = serde_json::to_vec(&standing)
        .map_err(|e| Problem::internal("the record of a drop cannot be written").because(e))?;
    fs::write_whole(&record(store, &intent.call), &text, true)?;
    forget_others(store, &standing.spot, &intent.call)
}

/// Takes away what a call's drop left in its folder, now that its answer is kept. `dir`: the call's own folder.
pub(super) fn end(store: &Store, dir: &Path, answer: Option<&[u8]>) -> Result<()> {
    let Some(spot) = Spot::of_call(dir)? else { return Ok(()) };
    finish(store, &spot, answer)
}

fn finish(store: &Store, spot: &Spot, answer: Option<&[u8]>) -> Result<()> {
    spot.clear(answer)?;
    forget_others(store, spot, "")
}

/// Forgets the records of a spot but for one call's.
fn forget_others(store: &Store, spot: &Spot, call: &str) -> Result<()> {
    for other in load(store)?.iter().filter(|other| other.spot == *spot && other.intent.call != call) {
        fs::remove_file(&record(store, &other.intent.call))?;
    }
    Ok(())
}

/// What a call would ask: its course, its phase, and its items with their content keys, in order.
pub(super) struct Wanted<'a> {
    pub(super) course: &'a str,
    pub(super) phase: &'a str,
    pub(super) items: Vec<(&'a str, Digest)>,
}

impl Standing {
    /// True when it asks for exactly what is wanted.
    pub(super) fn asks(&self, wanted: &Wanted<'_>) -> bool {
        let items = self.intent.items.iter().map(|item| (&*item.id, item.content));
        self.is_of(wanted) && items.eq(wanted.items.iter().copied())
    }

    fn is_of(&self, wanted: &Wanted<'_>) -> bool {
        (self.intent.course.as_str(), self.intent.phase.as_str()) == (wanted.course, wanted.phase)
    }

    /// True when a label is taken by a drop for something else than what is wanted.
    pub(super) fn holds(&self, label: &str, wanted: &Wanted<'_>) -> bool {
        self.is_of(wanted) && self.intent.label == label && !self.asks(wanted)
    }

    /// Takes back the prompt of a drop when its items are about to be asked for in another way; what still comes is kept.
    pub(super) fn withdraw_if_asked_anew(&self, wanted: &Wanted<'_>) -> Result<()> {
        let asks_one =
            || self.intent.items.iter().any(|item| wanted.items.iter().any(|(id, _)| *id == &*item.id));
        if self.is_of(wanted) && !self.asks(wanted) && asks_one() { self.spot.withdraw() } else { Ok(()) }
    }

    /// The entry of its answer, if that has come, with the answer's bytes.
    fn answered(&self) -> Result<Option<(Entry, Vec<u8>)>> {
        let Some(bytes) = arrived(&self.spot, MAX_ANSWER, now())? else { return Ok(None) };
        let reply = Reply::of(Outcome::Answered(bytes.clone()));
        Ok(harvest::entry_of(&self.intent, &reply, now_ms())?.map(|entry| (entry, bytes)))
    }
}

/// Takes in the answers that came when nobody waited for them any more. What was taken is cleared away once it is durable.
pub(super) fn take_late(store: &mut Store, tell: &mut dyn FnMut(Found)) -> Result<()> {
    let mut taken = Vec::new();
    for standing in load(store)? {
        let Some((entry, bytes)) = standing.answered()? else { continue };
        store.put(&entry)?;
        tell(Found::Answered {
            call: standing.intent.call.clone(),
            label: standing.intent.label.clone(),
            items: entry.results.len(),
        });
        taken.push((standing.spot, bytes));
    }
    if taken.is_empty() {
        return Ok(());
    }
    store.flush()?;
    taken.iter().try_for_each(|(spot, bytes)| finish(store, spot, Some(bytes)))
}

/// The same for a question: in memory.
pub(super) fn imagine_late(store: &mut Store) -> Result<()> {
    for standing in load(store)? {
        if let Some((entry, _)) = standing.answered()? {
            store.imagine(entry)?;
        }
    }
    Ok(())
}

/// Tidies the folders of a workspace, which holds it and has taken in everything else: what a crash left of answered drops goes,
/// answers that nobody asked for are moved aside and told.
pub(super) fn sweep(store: &Store, workspace: &Workspace, tell: &mut dyn FnMut(Found)) -> Result<()> {
    let mut folders: Vec<(PathBuf, Vec<&str>)> = Vec::new();
    let by_course = workspace.courses.len() > 1;
    for course in &workspace.courses {
        for phase in &course.phases {
            let Some(folder) = &phase.rule.generate.folder else { continue };
            let folder = course_folder(folder, by_course, &course.code);
            match folders.iter_mut().find(|(known, _)| *known == folder) {
                Some((_, phases)) => phases.push(&phase.rule.name),
                None => folders.push((folder, vec![&phase.rule.name])),
            }
        }
    }
    if folders.is_empty() {
        return Ok(());
    }
    clear_finished(store)?;
    let standing = load(store)?;
    for (folder, phases) in folders {
        for spot in answered_spots(&folder, &phases) {
            if standing.iter().all(|standing| standing.spot != spot) {
                let aside = spot.set_aside()?;
                tell(Found::Warning(format!(
                    "`{}` answers nothing that was asked: it is kept as `{}`",
                    spot.answer().display(),
                    aside.display()
                )));
            }
        }
    }
    Ok(())
}

/// Clears away what answered calls left when they were killed just then.
fn clear_finished(store: &Store) -> Result<()> {
    let Ok(entries) = std::fs::read_dir(store.dir().join("calls")) else { return Ok(()) };
    for dir in entries.flatten() {
        let call = dir.file_name().to_string_lossy().into_owned();
        let Some(spot) = Spot::of_call(&dir.path())? else { continue };
        let Some(known) = store.index()?.call(&call) else { continue };
        if store.open_calls()?.iter().any(|open| open.intent.call == call) {
            continue;
        }
        let raw = store.entry(known)?.raw;
        finish(store, &spot, raw.as_ref().map(String::as_bytes))?;
        store.forget_call(&call)?;
    }
    Ok(())
}
