//! Trials: answers that were bought to be looked at. They are in the store and stand for nothing until they are kept.
//!
//! A trial's entry says so itself, and the index gives its results to no decision. What was kept or forgotten is noted in a file beside
//! the stamp; without that file the trials are there again, and nothing that was paid for is lost.

use super::clock::now_ms;
use super::look::{Named, named, phases_of, targets};
use super::options::Options;
use super::session::Session;
use super::tally::Tally;
use super::views::{Kept, Refused};
use crate::check::Finding;
use crate::diag::{Problem, Result};
use crate::digest::Digest;
use crate::event::Summary;
use crate::fs;
use crate::generate::Meters;
use crate::plan::{Board, Cell, Decision, Selection, Verdict};
use crate::store::{AskedItem, Ended, Entry, Intent, Provenance, Store, Stored};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A trial's answer for an item that nobody has kept or forgotten yet.
#[derive(Debug, Clone)]
pub(super) struct Trial {
    /// The content key that it was bought under.
    pub(super) content: Digest,
    pub(super) digest: Digest,
    /// In lifted form.
    pub(super) output: String,
    pub(super) ended_ms: u64,
    intent: Arc<Intent>,
}

/// The trials of a course, by phase and item: the newest of each.
pub(super) type Trials = HashMap<(String, Arc<str>), Trial>;

/// An item whose trial is kept, and its output.
type KeptItem = (AskedItem, Stored);

/// When the trials of an item were last kept or forgotten, by target.
type Decided = BTreeMap<String, u64>;

fn decided_path(state: &Path) -> PathBuf {
    state.join("trials")
}

fn read_decided(state: &Path) -> Result<Decided> {
    let Some(bytes) = fs::read(&decided_path(state))? else { return Ok(Decided::new()) };
    // A torn file forgets what was decided: trials show up again, and nothing is lost.
    Ok(serde_json::from_slice(&bytes).unwrap_or_default())
}

fn target(course: &str, phase: &str, id: &str) -> String {
    format!("{course}/{phase}/{id}")
}

/// The trials of a course that wait for a decision.
pub(super) fn waiting(store: &Store, state: &Path, course: &str) -> Result<Trials> {
    let mut sources: Vec<_> = store
        .index()?
        .sources()
        .iter()
        .filter(|source| source.provenance == Provenance::Trial && *source.course == *course)
        .collect();
    if sources.is_empty() {
        return Ok(Trials::new());
    }
    let decided = read_decided(state)?;
    sources.sort_unstable_by_key(|source| (source.ended_ms, source.entry));
    let mut trials = Trials::new();
    for source in sources {
        let Ok(entry) = store.entry(source.entry) else { continue };
        let intent = Arc::new(entry.intent);
        for stored in entry.results {
            let Some(item) = intent.items.get(stored.item) else { continue };
            let late =
                decided.get(&target(course, &intent.phase, &item.id)).is_none_or(|at| entry.ended_ms > *at);
            if late {
                let trial = Trial {
                    content: item.content,
                    digest: stored.digest,
                    output: stored.output,
                    ended_ms: entry.ended_ms,
                    intent: intent.clone(),
                };
                trials.insert((intent.phase.clone(), item.id.clone()), trial);
            }
        }
    }
    Ok(trials)
}

/// After an item's trial is over, it stands in memory as it stood before: what depends on it is asked for as if there had been none.
pub(super) fn stands_as_before(cell: &mut Cell) {
    cell.decision = match cell.decision.linked.take() {
        Some(before) => Decision::fresh(before),
        None => Decision::pending(Verdict::Failed(Vec::new()), None),
    };
}

/// The summary of a build that only tried.
pub(super) fn summary(tally: &Tally, boards: &[Board<'_>], options: &Options) -> Summary {
    let tried =
        options.selection.targets.iter().chain(&options.selection.items).chain(&options.selection.phases);
    Summary { items_failed: tally.gave_up, tried: tried.cloned().collect(), ..tally.summary(boards, 0) }
}

/// Makes trials current: what they replace is superseded, and stays in the store. Those that do not fit any more, or that fail a check, are
/// told and stay trials.
pub fn keep(options: &Options) -> Result<Kept> {
    let _held = super::hold(options)?;
    let session = Session::open(options, Some(&mut |_| ()))?;
    let memories = session.memories();
    let boards = session.boards(options, &Selection::default(), &memories)?;
    let mut done = Kept::default();
    let mut entries = Vec::new();
    for chosen in chosen(options, &boards)? {
        let board = &boards[chosen.course];
        let trials = waiting(&session.store, &session.state, &board.course.code)?;
        let mut of_intent: Vec<(Arc<Intent>, Vec<KeptItem>)> = Vec::new();
        for (root, at, cell) in chosen.items {
            let rule = &board.rule(chosen.phase).name;
            let Some(trial) = trials.get(&(rule.clone(), cell.id.clone())) else { continue };
            let target = target(&board.course.code, rule, &cell.id);
            if let Some(why) = hindrance(board, chosen.phase, (root, at, cell), trial)? {
                done.refused.push(Refused { target, why });
                continue;
            }
            let number = of_intent.iter().position(|(intent, _)| Arc::ptr_eq(intent, &trial.intent));
            let number = number.unwrap_or_else(|| {
                of_intent.push((trial.intent.clone(), Vec::new()));
                of_intent.len() - 1
            });
            let items = &mut of_intent[number].1;
            let before = cell.decision.current.as_ref().or(cell.decision.linked.as_ref());
            let supersedes = before
                .filter(|before| before.key == cell.content.short() && before.digest != trial.digest)
                .map(|before| before.digest);
            let asked = AskedItem {
                id: cell.id.clone(),
                root: board.phases[chosen.phase].roots[root].clone(),
                content: cell.content,
                parts: Vec::new(),
                refused: cell.decision.refused.clone(),
                supersedes,
                input: crate::json::Value::Null,
            };
            let stored = Stored { item: items.len(), digest: trial.digest, output: trial.output.clone() };
            items.push((asked, stored));
            done.kept.push(target);
        }
        entries.extend(of_intent.into_iter().map(|(intent, items)| kept_entry(&intent, items)));
    }
    if !entries.is_empty() {
        super::noop::forget(&options.manifest)?;
    }
    for entry in &entries {
        session.store.keep(entry)?;
    }
    decide(&session, &done.kept)?;
    Ok(done)
}

/// Why a trial cannot become current, if it cannot.
fn hindrance(
    board: &Board<'_>,
    phase: usize,
    (root, at, cell): (usize, usize, &Cell),
    trial: &Trial,
) -> Result<Option<String>> {
    if cell.decision.current.as_ref().is_some_and(|current| current.provenance != Provenance::Generated) {
        return Ok(Some("a hand edit stands there, and nothing is put over it".into()));
    }
    let Some(detail) = board.detail_of(phase, root, at)? else {
        return Ok(Some("what it is made from is not settled: build first".into()));
    };
    if trial.content != cell.content {
        return Ok(Some("it was asked for with other inputs or instructions than those of now".into()));
    }
    let error = board.judge(phase, &detail, &trial.output).into_iter().find(Finding::is_error);
    Ok(error.map(|finding| format!("it fails `{}`: {}", finding.kind, finding.message)))
}

fn kept_entry(of: &Intent, items: Vec<KeptItem>) -> Entry {
    let now = now_ms();
    let (asked, results): (Vec<AskedItem>, Vec<Stored>) = items.into_iter().unzip();
    let intent = Intent {
        // No call: that was the trial's, and is paid for and counted there.
        call: String::new(),
        attempt: 0,
        asked_ms: now,
        hints: Vec::new(),
        trial: false,
        items: asked,
        ..of.clone()
    };
    Entry {
        intent,
        provenance: Provenance::Generated,
        ended: Ended::Filed,
        ended_ms: now,
        meters: Meters::default(),
        money_usd: None,
        model: of.model.clone(),
        stderr: String::new(),
        raw: None,
        results,
    }
}

/// Forgets trials: they stay in the store and are shown no more. Gives their targets.
pub fn drop_trial(options: &Options) -> Result<Vec<String>> {
    let _held = super::hold(options)?;
    let session = Session::open(options, Some(&mut |_| ()))?;
    let memories = session.memories();
    let boards = session.boards(options, &Selection::default(), &memories)?;
    let mut gone = Vec::new();
    for chosen in chosen(options, &boards)? {
        let board = &boards[chosen.course];
        let trials = waiting(&session.store, &session.state, &board.course.code)?;
        let rule = &board.rule(chosen.phase).name;
        let tried =
            chosen.items.iter().filter(|(.., cell)| trials.contains_key(&(rule.clone(), cell.id.clone())));
        gone.extend(tried.map(|(.., cell)| target(&board.course.code, rule, &cell.id)));
    }
    decide(&session, &gone)?;
    Ok(gone)
}

fn decide(session: &Session, targets: &[String]) -> Result<()> {
    if targets.is_empty() {
        return Ok(());
    }
    let mut decided = read_decided(&session.state)?;
    let now = now_ms();
    decided.extend(targets.iter().map(|target| (target.clone(), now)));
    let text = serde_json::to_vec(&decided)
        .map_err(|e| Problem::internal("decisions over trials could not be written").because(e))?;
    fs::write_whole(&decided_path(&session.state), &text, true)
}

/// What the targets name of one phase.
struct ChosenItems<'b> {
    course: usize,
    phase: usize,
    items: Named<'b>,
}

fn chosen<'b>(options: &Options, boards: &'b [Board<'_>]) -> Result<Vec<ChosenItems<'b>>> {
    let mut all = Vec::new();
    for target in targets(options, boards)? {
        let board = &boards[target.course];
        for phase in phases_of(board, &target) {
            let items = named(board, phase, &target.what)?;
            all.push(ChosenItems { course: target.course, phase, items });
        }
    }
    Ok(all)
}
