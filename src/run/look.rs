//! Questions about a workspace. They take no lock and change nothing.

use super::finish::shown;
use super::generations;
use super::made::made_of;
use super::mix::{is_pinned, is_waived, models};
use super::options::Options;
use super::request::{Seat, draft};
use super::session::Session;
use super::spending::Spending;
use super::views::{BatchStatus, CourseStatus, PhaseStatus, Status};
use super::{clock, forecast, past, sharing};
use crate::course::Course;
use crate::diag::{Problem, Result};
use crate::json::{Kind, Value};
use crate::plan::{
    Board, Cell, Chosen, Counts, Memory, Names, Plan, Selection, Target, Verdict, What, choose, outline,
    read_target,
};
use crate::prompt::Prompts;
use std::collections::BTreeMap;

/// What [`super::build`] would do with the same options. Changes nothing.
pub fn plan(options: &Options) -> Result<Plan> {
    let mut session = Session::open(options, None)?;
    session.share(options)?;
    sharing::gather(&mut session, options, false)?;
    let memories = session.memories();
    let boards = session.boards(options, &options.selection, &memories)?;
    let prompts = super::prompts(&boards)?;
    let mut plan = outline(&boards.iter().zip(&memories).collect::<Vec<_>>())?;
    let known = past::known(&boards, &session.store)?;
    let spending = Spending::new(session.workspace.prices.clone(), &session.state, options, clock::now_ms());
    plan.expected = forecast::forecast(&plan, &boards, &prompts, &known, &spending, options.jobs)?;
    if let Some(sharing) = &session.sharing {
        plan.out_of_reach = sharing::out_of_reach(&boards, &session)?;
        plan.out_of_reach.trouble = sharing.trouble(&plan.out_of_reach);
    }
    Ok(plan)
}

/// A workspace with all its boards, whatever is selected.
pub(super) fn with_boards<T>(
    options: &Options,
    look: impl FnOnce(&Session, &[Board<'_>], &[Memory<'_>]) -> Result<T>,
) -> Result<T> {
    let session = Session::open(options, None)?;
    let memories = session.memories();
    let boards = session.boards(options, &Selection::default(), &memories)?;
    look(&session, &boards, &memories)
}

/// How every phase and batch stands. Changes nothing.
pub fn status(options: &Options) -> Result<Status> {
    with_boards(options, |session, boards, _| status_of(session, boards))
}

/// How every phase and batch of these boards stands.
pub(super) fn status_of(session: &Session, boards: &[Board<'_>]) -> Result<Status> {
    let course = |board: &Board<'_>| {
        let phases = (0..board.phases.len()).map(|phase| phase_status(board, phase, session));
        Ok(CourseStatus { course: board.course.code.clone(), phases: phases.collect::<Result<_>>()? })
    };
    Ok(Status { courses: boards.iter().map(course).collect::<Result<_>>()? })
}

fn phase_status(board: &Board<'_>, phase: usize, session: &Session) -> Result<PhaseStatus> {
    let rule = board.rule(phase);
    let cells: Vec<&Cell> = board.cells(phase).map(|(.., cell)| cell).collect();
    let count = |cells: &[&Cell]| {
        let mut counts = Counts::default();
        cells.iter().for_each(|cell| counts.add(&cell.decision.verdict));
        counts
    };
    let mut by_batch: BTreeMap<usize, Vec<&Cell>> = BTreeMap::new();
    for (position, (root, _, cell)) in board.cells(phase).enumerate() {
        by_batch.entry(board.phases[phase].batches.batch_of(root, position)).or_default().push(cell);
    }
    let batches = by_batch.iter().map(|(batch, cells)| BatchStatus {
        batch: *batch,
        first: cells[0].id.to_string(),
        last: cells[cells.len() - 1].id.to_string(),
        items: cells.len(),
        counts: count(cells),
    });
    Ok(PhaseStatus {
        phase: rule.name.clone(),
        title: rule.title.clone(),
        main_file: shown(&board.main_path(phase), &session.workspace.root),
        items: cells.len(),
        counts: count(&cells),
        waived: cells.iter().filter(|cell| is_waived(board, phase, cell)).count(),
        pinned: cells.iter().filter(|cell| is_pinned(board, phase, cell)).count(),
        models: models(board, phase, &session.store)?,
        made: made_of(board, phase, &session.store)?,
        batches: batches.collect(),
    })
}

/// The items that a target names: root, number in its slot, cell.
pub(super) type Named<'b> = Vec<(usize, usize, &'b Cell)>;

/// The items of one phase that a target names, without what they are made from.
pub(super) fn named<'b>(board: &'b Board<'_>, phase: usize, what: &What) -> Result<Named<'b>> {
    let batches = &board.phases[phase].batches;
    let chosen = match what {
        What::All => Chosen { all: true, ..Chosen::default() },
        What::Batch(number) => Chosen { batches: [*number].into(), ..Chosen::default() },
        What::Items(range) => {
            let names = Names {
                roots: &|phase| &board.phases[phase].roots,
                has_item: &|phase, id| board.cells(phase).any(|(.., cell)| *cell.id == *id),
            };
            let selection = Selection { items: vec![range.clone()], ..Selection::default() };
            choose(&selection, &[board.course], 0, &board.graph, &names)?.swap_remove(phase)
        }
    };
    let hits = board.cells(phase).enumerate();
    Ok(hits
        .filter(|(position, (root, _, cell))| chosen.has(*root, &cell.id, batches.batch_of(*root, *position)))
        .map(|(_, hit)| hit)
        .collect())
}

pub(super) fn phases_of(board: &Board<'_>, target: &Target) -> Vec<usize> {
    target.phase.map_or_else(|| (0..board.phases.len()).collect(), |phase| vec![phase])
}

pub(super) fn targets(options: &Options, boards: &[Board<'_>]) -> Result<Vec<Target>> {
    let courses: Vec<&Course> = boards.iter().map(|board| board.course).collect();
    options.selection.targets.iter().map(|text| read_target(text, &courses)).collect()
}

/// The current results of at most one target, in the phase's shape; or those of a generation, by its number.
pub fn show(options: &Options, generation: Option<usize>) -> Result<Value> {
    with_boards(options, |_, boards, memories| {
        let (board, target, phase) = one_phase(options, boards)?;
        let items = named(board, phase, &target.what)?;
        let output = &board.rule(phase).output;
        let mut shown = Vec::new();
        for (root, at, cell) in items {
            if let Some(number) = generation {
                let memory = &memories[target.course];
                shown.push((
                    cell.id.to_string(),
                    generations::output(board, memory, phase, (root, cell), number)?,
                ));
                continue;
            }
            let Some(current) = cell.decision.current.as_ref().or(cell.decision.linked.as_ref()) else {
                continue;
            };
            shown.push((cell.id.to_string(), board.full_output(phase, root, at, &current.text)?));
        }
        if shown.is_empty() {
            return Err(Problem::new(crate::diag::Kind::Environment, "there is no result yet")
                .hint("`coursebuild build` makes it; `coursebuild why` tells what it waits for"));
        }
        Ok(match output.shape.kind {
            Kind::Array => Value::Array(shown.into_iter().map(|(_, value)| value).collect()),
            Kind::Object => Value::Object(shown.into_iter().collect()),
        })
    })
}

/// The one phase that a target is in; without a target, or for items of a course, the last phase that has them.
fn one_phase<'b, 'w>(options: &Options, boards: &'b [Board<'w>]) -> Result<(&'b Board<'w>, Target, usize)> {
    let Some(target) = targets(options, boards)?.into_iter().next() else {
        return Err(Problem::author("no target was named")
            .hint("name a phase, a batch or an item: `phase3`, `phase3/7`, `phase3/S0123`"));
    };
    let board = &boards[target.course];
    let phase = match (target.phase, &target.what) {
        (Some(phase), _) => phase,
        (None, What::Items(range)) => {
            let exact = |phase: &usize| board.cells(*phase).any(|(.., cell)| *cell.id == **range);
            (0..board.phases.len()).rev().find(exact).unwrap_or(0)
        }
        (None, _) => {
            let names: Vec<String> =
                board.course.phases.iter().map(|phase| format!("`{}`", phase.rule.name)).collect();
            return Err(Problem::author("a whole course is not shown at once")
                .hint(format!("name one of its phases: {}", names.join(", "))));
        }
    };
    Ok((board, target, phase))
}

/// The exact prompt that a call for the selected target would be sent: for a batch, all its items.
pub fn prompt(options: &Options) -> Result<String> {
    with_boards(options, |session, boards, _| {
        let (board, target, phase) = one_phase(options, boards)?;
        let mut items = named(board, phase, &target.what)?;
        let mut size = board.rule(phase).batch.size;
        if let Some(cohorts) = board.phases[phase].batches.cohorts() {
            // All of the first one's cohort, which is never asked for in part.
            let first = items.first().map(|(root, ..)| cohorts.of(*root));
            items = board.cells(phase).filter(|(root, ..)| Some(cohorts.of(*root)) == first).collect();
            size = items.len();
        }
        let members: Vec<(usize, usize)> = items
            .iter()
            .filter(|(.., cell)| !matches!(cell.decision.verdict, Verdict::Pending(_)))
            .map(|(root, at, _)| (*root, *at))
            .take(size)
            .collect();
        let Some(first) = members.first() else {
            let waits = items.first().map(|(.., cell)| &cell.decision.verdict);
            let why = match waits {
                Some(Verdict::Pending(on)) => format!("its items wait for `{}`", on.join("`, `")),
                _ => "it has no items".to_owned(),
            };
            return Err(Problem::new(crate::diag::Kind::Environment, "there is no prompt yet")
                .because(why)
                .hint("build what it is made from first"));
        };
        let position = board.cells(phase).position(|(root, at, _)| (root, at) == *first).unwrap_or_default();
        let batch = board.phases[phase].batches.batch_of(first.0, position);
        let label = format!("{}_batch_{batch}", board.rule(phase).name);
        let prompts = Prompts::new(board.rule(phase), board.course)?;
        let seat = Seat { phase, members: &members, batch, label };
        Ok(draft(board, &prompts, &session.store, &seat)?.request.prompt())
    })
}
