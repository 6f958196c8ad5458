//! What changed in an item: between two generations of its output, or between the present one and a trial.

use super::look::{named, phases_of, targets, with_boards};
use super::options::Options;
use super::trial::{Trials, waiting};
use super::views::{Diff, DiffSide};
use crate::diag::{Problem, Result};
use crate::digest::Digest;
use crate::json::{Value, changes};
use crate::link::Text;
use crate::plan::{Board, Cell};
use crate::store::{Provenance, Store};
use std::sync::Arc;

/// An output that an item had.
struct Output {
    told: DiffSide,
    text: Arc<str>,
}

/// The changes of the selected items: from generation `from` to `to` (counted from 1, oldest first) where they are named; else from the present
/// one to a trial where one waits; else from the one before to the present one. Items with nothing to compare are left out.
pub fn diff(options: &Options, from: Option<usize>, to: Option<usize>) -> Result<Vec<Diff>> {
    with_boards(options, |session, boards, _| {
        let mut diffs = Vec::new();
        for target in targets(options, boards)? {
            let board = &boards[target.course];
            let trials = waiting(&session.store, &session.state, &board.course.code)?;
            for phase in phases_of(board, &target) {
                for place in named(board, phase, &target.what)? {
                    diffs.extend(of_item(board, phase, place, &session.store, &trials, (from, to))?);
                }
            }
        }
        Ok(diffs)
    })
}

fn of_item(
    board: &Board<'_>,
    phase: usize,
    (root, at, cell): (usize, usize, &Cell),
    store: &Store,
    trials: &Trials,
    wanted: (Option<usize>, Option<usize>),
) -> Result<Option<Diff>> {
    let mut outputs = generations(board, phase, root, cell, store)?;
    let present = outputs.iter().position(|output| output.told.present);
    let rule = &board.rule(phase).name;
    let target = format!("{}/{rule}/{}", board.course.code, cell.id);
    let (old, new) = match wanted {
        (None, None) => match trials.get(&(rule.clone(), cell.id.clone())) {
            Some(trial) => {
                let told = DiffSide {
                    number: None,
                    present: false,
                    provenance: Provenance::Trial,
                    at_ms: trial.ended_ms,
                    digest: trial.digest,
                };
                outputs.push(Output { told, text: trial.output.as_str().into() });
                (present, outputs.len() - 1)
            }
            None => match present {
                Some(present) if present > 0 => (Some(present - 1), present),
                _ => return Ok(None),
            },
        },
        (from, to) => {
            let to = to.map_or_else(
                || Ok(present.unwrap_or(outputs.len().saturating_sub(1))),
                |to| number(to, &outputs, &target),
            )?;
            let from =
                from.map_or_else(|| Ok(to.saturating_sub(1)), |from| number(from, &outputs, &target))?;
            if outputs.is_empty() {
                return Ok(None);
            }
            (Some(from), to)
        }
    };
    let shown = |output: &Output| board.full_output(phase, root, at, &Text::Lifted(output.text.clone()));
    let before = old.map(|old| shown(&outputs[old])).transpose()?.unwrap_or(Value::Null);
    Ok(Some(Diff {
        target,
        from: old.map(|old| outputs[old].told.clone()),
        to: outputs[new].told.clone(),
        changes: changes(&before, &shown(&outputs[new])?),
    }))
}

fn number(wanted: usize, outputs: &[Output], target: &str) -> Result<usize> {
    wanted.checked_sub(1).filter(|at| *at < outputs.len()).ok_or_else(|| {
        Problem::author(format!("`{target}` has no generation {wanted}"))
            .hint(format!("it has {}, counted from 1, the oldest first", outputs.len()))
    })
}

/// Every output that an item had, each once, the oldest first; what stands now and is in no store yet comes last.
fn generations(
    board: &Board<'_>,
    phase: usize,
    root: usize,
    cell: &Cell,
    store: &Store,
) -> Result<Vec<Output>> {
    let current = cell.decision.current.as_ref().or(cell.decision.linked.as_ref());
    let is_present = |digest: Digest| current.is_some_and(|current| current.digest == digest);
    let mut outputs: Vec<Output> = Vec::new();
    let history = store.index()?.history(&board.course.code, &board.rule(phase).name, &cell.id);
    for known in history.into_iter().filter_map(|asked| asked.result) {
        let again = outputs.iter().any(|output| output.told.digest == known.digest);
        // A torn entry is a generation that is not there.
        let Some(text) = (!again).then(|| store.output(&known).ok()).flatten() else { continue };
        let told = DiffSide {
            number: Some(outputs.len() + 1),
            present: is_present(known.digest),
            provenance: known.provenance,
            at_ms: known.ended_ms,
            digest: known.digest,
        };
        outputs.push(Output { told, text: text.into() });
    }
    if let Some(current) = current.filter(|_| outputs.iter().all(|output| !output.told.present)) {
        let text = board.lifted(phase, &cell.id, &board.phases[phase].roots[root], &current.text)?;
        let told = DiffSide {
            number: Some(outputs.len() + 1),
            present: true,
            provenance: current.provenance,
            at_ms: 0,
            digest: current.digest,
        };
        outputs.push(Output { told, text });
    }
    Ok(outputs)
}
