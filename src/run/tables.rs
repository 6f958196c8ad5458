//! The tables that a run leaves for the next one, in the workspace's own folder.

use crate::course::{Course, Output};
use crate::diag::Result;
use crate::digest::{Digest, Short};
use crate::link::Written;
use crate::path::file_name;
use crate::plan::{Board, State, Verdict};
use crate::store::{Row, Table};
use std::path::{Path, PathBuf};

/// Where a phase's table is. Two codes may give one tame name: the digest keeps them apart.
fn path(state: &Path, course: &Course, phase: usize) -> PathBuf {
    let digest = Digest::of(course.code.as_bytes()).short().to_string();
    let folder = format!("{}-{}", file_name(&course.code), &digest[..8]);
    state.join("tables").join(folder).join(&course.phases[phase].rule.name)
}

/// Whether what stands in the main file can be told without reading it. Derived fields are no part of a result and may change when
/// the result does not, so with them no digest and no place is remembered: every value is read and written anew.
pub(super) fn relies_on_main(output: &Output) -> bool {
    output.derived.is_empty()
}

/// Reads a phase's table, if there is one.
pub(super) fn read(state: &Path, course: &Course, phase: usize) -> Option<Table> {
    Table::read(&path(state, course, phase))
}

/// Writes a phase's table, if it is another one than the last run left.
pub(super) fn write(board: &Board<'_>, phase: usize, written: &Written, state: &Path) -> Result<()> {
    let relies = relies_on_main(&board.rule(phase).output);
    let mut spans = written.spans.iter().filter(|_| relies);
    let rows: Vec<Row> = board
        .cells(phase)
        .map(|(root, _, cell)| {
            let linked = cell.decision.linked.as_ref();
            let made_from = match board.graph.node(phase).feed {
                Some(feed) if board.recalls(phase) && is_settled(&cell.decision.verdict) => {
                    let upstream = &board.phases[feed].slots[root].cells[cell.from as usize];
                    let current = upstream.decision.current.as_ref();
                    let of = |digest| board.made_from(phase, root, &upstream.id, digest);
                    current
                        .filter(|_| is_whole(board, phase, root))
                        .map_or(Short::default(), |current| of(current.digest))
                }
                _ => Short::default(),
            };
            Row {
                id: cell.id.clone(),
                root: board.phases[phase].roots[root].clone(),
                made_from,
                content: cell.content,
                digest: linked.map_or(Digest::default(), |current| current.digest),
                span: linked.and_then(|_| spans.next().copied()).unwrap_or_default(),
            }
        })
        .collect();
    let known = board.phases[phase].main.is_ours() || !relies;
    let (recall, compared) = (&board.phases[phase].recall, board.compared(phase));
    if !written.changed && known && recall.rows() == rows && recall.compared() == compared {
        return Ok(());
    }
    let file = if relies { written.file } else { Digest::default() };
    Table { file, compared, rows }.write(&path(state, board.course, phase))
}

fn is_settled(verdict: &Verdict) -> bool {
    !matches!(verdict, Verdict::Pending(_))
}

/// All items of a root are known: a row for each of them will be there.
fn is_whole(board: &Board<'_>, phase: usize, root: usize) -> bool {
    let slot = &board.phases[phase].slots[root];
    slot.state != State::Pending && slot.cells.iter().all(|cell| is_settled(&cell.decision.verdict))
}
