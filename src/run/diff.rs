//! What changed in an item: between two generations of its output, or between the present one and a trial.

use super::generations::{ItemGeneration, of_item};
use super::look::{named, phases_of, targets, with_boards};
use super::options::Options;
use super::trial::{Trials, waiting};
use super::views::{Diff, DiffSide};
use crate::diag::{Problem, Result};
use crate::json::{Value, changes};
use crate::link::Text;
use crate::plan::{Board, Cell, Memory};
use crate::store::Provenance;
use std::sync::Arc;

/// An output that an item had.
struct Output {
    told: DiffSide,
    text: Arc<str>,
}

impl Output {
    fn of(generation: ItemGeneration) -> Self {
        let ItemGeneration { number, digest, provenance, at_ms, stands, text, .. } = generation;
        let at_ms = at_ms.unwrap_or_default();
        Self { told: DiffSide { number: Some(number), present: stands, provenance, at_ms, digest }, text }
    }
}

/// The changes of the selected items: from generation `from` to `to` (counted from 1, oldest first) where they are named; else from the present
/// one to a trial where one waits; else from the one before to the present one. Items with nothing to compare are left out.
pub fn diff(options: &Options, from: Option<usize>, to: Option<usize>) -> Result<Vec<Diff>> {
    with_boards(options, |session, boards, memories| {
        let mut diffs = Vec::new();
        for target in targets(options, boards)? {
            let board = &boards[target.course];
            let trials = waiting(&session.store, &session.state, &board.course.code)?;
            for phase in phases_of(board, &target) {
                for place in named(board, phase, &target.what)? {
                    diffs.extend(changed(
                        board,
                        phase,
                        place,
                        &memories[target.course],
                        &trials,
                        (from, to),
                    )?);
                }
            }
        }
        Ok(diffs)
    })
}

fn changed(
    board: &Board<'_>,
    phase: usize,
    (root, at, cell): (usize, usize, &Cell),
    memory: &Memory<'_>,
    trials: &Trials,
    wanted: (Option<usize>, Option<usize>),
) -> Result<Option<Diff>> {
    let mut outputs: Vec<Output> =
        of_item(board, memory, phase, (root, cell))?.into_iter().map(Output::of).collect();
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
