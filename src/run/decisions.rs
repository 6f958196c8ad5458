//! `waive`, `pin` and `unpin`: what people decide about single results. Only `coursebuild.accepted.toml` is written, and the store
//! where it lacks a pinned result.

use super::finish::file;
use super::look::{named, phases_of, targets};
use super::options::Options;
use super::session::Session;
use crate::check::Finding;
use crate::course::{Accepted, Pin, Waiver, Workspace};
use crate::diag::{Problem, Result};
use crate::plan::{Board, Bounds, Cell, Held, Memory, Plan, Selection, Verdict, outline};
use serde::Serialize;
use std::collections::HashSet;

/// What a decision does to the next build.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Effect {
    /// What was decided, or taken back: one line each.
    pub what: Vec<String>,
    /// The file that was written.
    pub file: String,
    /// Calls that a build would have made before; `None`: nobody could tell.
    pub calls_before: Option<Bounds>,
    /// Calls that a build makes now.
    pub calls: Bounds,
    /// Items that a build would have bought before.
    pub items_before: Option<Bounds>,
    /// Items that a build buys now.
    pub items: Bounds,
}

/// What a build of everything would do.
pub(super) fn whole_plan(options: &Options) -> Result<Plan> {
    let session = Session::open(options, None)?;
    let memories = session.memories();
    let boards = session.boards(options, &Selection::default(), &memories)?;
    outline(&boards.iter().zip(&memories).collect::<Vec<_>>())
}

/// Writes what is decided from now on, and tells what follows.
pub(super) fn change(
    options: &Options,
    workspace: &Workspace,
    all: &Accepted,
    what: Vec<String>,
    before: Option<&Plan>,
) -> Result<Effect> {
    all.write(&workspace.accepted_path)?;
    let now = whole_plan(options)?;
    Ok(Effect {
        what,
        file: super::finish::shown(&workspace.accepted_path, &workspace.root),
        calls_before: before.map(|plan| plan.calls),
        calls: now.calls,
        items_before: before.map(|plan| plan.items),
        items: now.items,
    })
}

/// What was decided so far.
pub fn accepted(options: &Options) -> Result<Accepted> {
    Ok((*crate::course::load(&options.manifest, &options.environment)?.accepted).clone())
}

/// Waives the errors that the selected items are refused or held for; those of one check, if it is named. What is looked at only
/// when an output passes otherwise shows when the rest is waived, and is waived with it.
pub fn waive(options: &Options, check: Option<&str>, reason: &str) -> Result<Effect> {
    let (mut waivers, mut what, mut before) = (Vec::new(), Vec::new(), None);
    loop {
        let session = Session::open(options, None)?;
        let memories = session.memories();
        let boards = session.boards(options, &Selection::default(), &memories)?;
        if before.is_none() {
            before = Some(outline(&boards.iter().zip(&memories).collect::<Vec<_>>())?);
        }
        let known = waivers.len();
        for (waiver, words) in refusals(options, &boards, &memories, check, reason)? {
            if !waivers.contains(&waiver) {
                waivers.push(waiver);
                what.push(words);
            }
        }
        if waivers.is_empty() {
            let of = check.map(|check| format!(" of `{check}`")).unwrap_or_default();
            return Err(Problem::author(format!("there is no error{of} to waive")).hint(
                "`coursebuild why TARGET` shows what an output is refused or held for; warnings stop nothing",
            ));
        }
        let all = Accepted::new(Vec::new(), waivers.clone(), Vec::new());
        let all = (*session.workspace.accepted).clone().union(all);
        if known == waivers.len() {
            return change(options, &session.workspace, &all, what, before.as_ref());
        }
        all.write(&session.workspace.accepted_path)?;
    }
}

/// What the selected items are refused or held for: as waivers, and in words.
fn refusals(
    options: &Options,
    boards: &[Board<'_>],
    memories: &[Memory<'_>],
    check: Option<&str>,
    reason: &str,
) -> Result<Vec<(Waiver, String)>> {
    let mut found = Vec::new();
    for target in targets(options, boards)? {
        let (board, memory) = (&boards[target.course], &memories[target.course]);
        for phase in phases_of(board, &target) {
            for (root, at, cell) in named(board, phase, &target.what)? {
                let Some((output, errors)) = errors_of(board, phase, (root, at), cell, memory)? else {
                    continue;
                };
                let root = root_of(board, phase, root, &cell.id);
                let (course, phase) = (&board.course.code, &board.rule(phase).name);
                for finding in errors.iter().filter(|error| check.is_none_or(|check| *check == *error.kind)) {
                    let waiver = Waiver {
                        course: course.clone(),
                        phase: phase.clone(),
                        item: cell.id.to_string(),
                        root: root.clone(),
                        check: finding.kind.clone(),
                        output: output.short(),
                        reason: reason.to_owned(),
                    };
                    let words =
                        format!("{course}/{phase}/{}: {}: {}", cell.id, finding.kind, finding.message);
                    found.push((waiver, words));
                }
            }
        }
    }
    Ok(found)
}

/// The source item that an item descends from, if that is another one; groups have none.
fn root_of(board: &Board<'_>, phase: usize, root: usize, id: &str) -> Option<String> {
    let root = &board.phases[phase].roots[root];
    (!root.is_empty() && **root != *id).then(|| root.to_string())
}

/// The output of an item that fails its checks, and its errors.
fn errors_of(
    board: &Board<'_>,
    phase: usize,
    (root, at): (usize, usize),
    cell: &Cell,
    memory: &Memory<'_>,
) -> Result<Option<(crate::digest::Digest, Vec<Finding>)>> {
    match &cell.decision.verdict {
        Verdict::Held(Held::Findings(findings)) => {
            Ok(cell.decision.current.as_ref().map(|current| (current.digest, findings.clone())))
        }
        Verdict::Rejected(beside) | Verdict::Failed(beside) => {
            let Some((digest, text)) = memory.last_refused(board, phase, root, at)? else { return Ok(None) };
            let Some(detail) = board.detail_of(phase, root, at)? else { return Ok(None) };
            let mut errors = board.judge(phase, &detail, &text);
            errors.retain(Finding::is_error);
            if errors.is_empty() {
                // It passes by itself, and is refused beside others.
                errors = beside.iter().filter(|finding| finding.is_error()).cloned().collect();
            }
            Ok(Some((digest, errors)))
        }
        _ => Ok(None),
    }
}

/// Pins the results that stand for the selected items, or that their main file shows.
pub fn pin(options: &Options, reason: Option<&str>) -> Result<Effect> {
    let mut session = Session::open(options, None)?;
    let (mut pins, mut what, before);
    {
        let memories = session.memories();
        let boards = session.boards(options, &Selection::default(), &memories)?;
        before = outline(&boards.iter().zip(&memories).collect::<Vec<_>>())?;
        (pins, what) = (Vec::new(), Vec::new());
        for target in targets(options, &boards)? {
            let board = &boards[target.course];
            for phase in phases_of(board, &target) {
                for (root, _, cell) in named(board, phase, &target.what)? {
                    let decision = &cell.decision;
                    let Some(current) = decision.current.as_ref().or(decision.linked.as_ref()) else {
                        continue;
                    };
                    if session.store.index()?.by_short(&current.digest.short()).is_none() {
                        let key = super::finish::full_key(cell.content, current);
                        let one = (&*cell.id, root, key, current);
                        file(board, phase, current.provenance, &[one], &session.store)?;
                    }
                    let root = root_of(board, phase, root, &cell.id);
                    let (course, phase) = (board.course.code.clone(), board.rule(phase).name.clone());
                    what.push(format!("{course}/{phase}/{}", cell.id));
                    let (output, key) = (current.digest.short(), current.key);
                    let (item, reason) = (cell.id.to_string(), reason.map(str::to_owned));
                    pins.push(Pin { course, phase, item, root, output, key, reason });
                }
            }
        }
    }
    if pins.is_empty() {
        return Err(Problem::author("there is no result to pin")
            .hint("`coursebuild status` shows what there is; an item can be pinned once it has a result"));
    }
    if let Some(store) = std::sync::Arc::get_mut(&mut session.store) {
        store.flush()?;
    }
    let known = &session.workspace.accepted;
    let pinned = |old: &&Pin| {
        pins.iter().any(|new| (&new.course, &new.phase, &new.item) == (&old.course, &old.phase, &old.item))
    };
    let kept = known.pins().iter().filter(|old| !pinned(old)).cloned();
    let all = kept.chain(pins.iter().cloned()).collect();
    let all = Accepted::new(known.edits().to_vec(), known.waivers().to_vec(), all);
    change(options, &session.workspace, &all, what, Some(&before))
}

/// Lets go what is pinned of these targets.
pub fn unpin(options: &Options, named: &[String]) -> Result<Effect> {
    let workspace = crate::course::load(&options.manifest, &options.environment)?;
    let known = &workspace.accepted;
    let named_items = NamedItems::of(options);
    let (gone, kept): (Vec<Pin>, Vec<Pin>) = known.pins().iter().cloned().partition(|pin| {
        named_items.covers(named, (&pin.course, &pin.phase, &pin.item), pin.root.as_deref())
    });
    if gone.is_empty() {
        return Err(Problem::author(format!("nothing is pinned of `{}`", named.join("`, `")))
            .hint("`coursebuild pin --list` lists what is"));
    }
    let what = gone.iter().map(|pin| format!("{}/{}/{}", pin.course, pin.phase, pin.item)).collect();
    // A pinned result that is lost stops every plan: then nobody can tell what it would have been.
    let before = whole_plan(options).ok();
    let all = Accepted::new(known.edits().to_vec(), known.waivers().to_vec(), kept);
    change(options, &workspace, &all, what, before.as_ref())
}

/// The items that targets name on boards, where these can be made: then batches and ranges are understood too.
pub(super) struct NamedItems(HashSet<(String, String, String)>);

impl NamedItems {
    /// Those of the options' targets. What was decided may stand in the way of boards, or be about items that are no more: then
    /// names alone have to do.
    pub(super) fn of(options: &Options) -> Self {
        Self(Self::on_boards(options).unwrap_or_default())
    }

    fn on_boards(options: &Options) -> Result<HashSet<(String, String, String)>> {
        let session = Session::open(options, None)?;
        let memories = session.memories();
        let boards = session.boards(options, &Selection::default(), &memories)?;
        let mut found = HashSet::new();
        for target in targets(options, &boards)? {
            let board = &boards[target.course];
            for phase in phases_of(board, &target) {
                let (course, name) = (&board.course.code, &board.rule(phase).name);
                let items = named(board, phase, &target.what)?.into_iter();
                found.extend(items.map(|(.., cell)| (course.clone(), name.clone(), cell.id.to_string())));
            }
        }
        Ok(found)
    }

    /// Whether the targets name this item of a course and phase.
    pub(super) fn covers(&self, targets: &[String], item: (&str, &str, &str), root: Option<&str>) -> bool {
        let (course, phase, id) = item;
        let by_root = |target: &String| root.is_some_and(|root| covers(target, (course, phase, root)));
        self.0.contains(&(course.to_owned(), phase.to_owned(), id.to_owned()))
            || targets.iter().any(|target| covers(target, item) || by_root(target))
    }
}

/// Whether a target names this item, with or without its course and phase, or something that holds it, by names
/// alone.
fn covers(target: &str, (course, phase, item): (&str, &str, &str)) -> bool {
    let target = target.trim_end_matches('/');
    [course.to_owned(), format!("{course}/{phase}"), phase.to_owned()].contains(&target.to_owned())
        || [format!("{course}/{phase}/{item}"), format!("{phase}/{item}"), item.to_owned()]
            .contains(&target.to_owned())
}

#[cfg(test)]
mod tests {
    use super::covers;

    #[test]
    fn a_target_names_an_item_with_or_without_what_holds_it() {
        let item = ("c", "phase3", "S1");
        for target in ["c", "c/", "c/phase3", "phase3", "c/phase3/S1", "phase3/S1", "S1"] {
            assert!(covers(target, item), "{target}");
        }
        for target in ["", "d", "c/phase1", "c/phase3/S10", "S", "phase3/S"] {
            assert!(!covers(target, item), "{target}");
        }
    }
}
