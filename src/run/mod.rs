//! The conductor: brings about what a plan says, and answers questions about it.
//!
//! Prints nothing and reads no environment: what it needs comes in [`Options`], what it says leaves as events and views.

mod adopt;
mod cache;
mod accept;
mod account;
mod caches;
mod call;
mod check;
mod chunks;
mod clock;
mod conduct;
mod cost;
mod diff;
mod exchange;
mod drift;
mod doctor;
mod decisions;
mod finish;
mod forecast;
mod generations;
mod gc;
mod graph;
mod harvest;
mod history;
mod judging;
mod label;
mod log;
mod look;
mod looks;
mod made;
mod mix;
mod merge_driver;
mod noop;
mod options;
mod outside;
mod outlet;
mod past;
mod permit;
mod programs;
mod progress;
mod recover;
mod refresh;
mod refusal;
mod request;
#[cfg(test)]
mod round_trip;
mod resolve;
mod services;
mod session;
mod sharing;
mod signals;
mod spending;
mod spared;
mod standing;
mod tables;
mod tally;
mod trial;
mod views;
mod why;

pub use crate::plan::Selection;
pub use accept::{
    AcceptOptions, OutstandingEdit, OutstandingEdits, accept, outstanding_edits, revoke_accepted,
    revoke_waived,
};
pub use account::account;
pub use adopt::{Adoption, CourseAdoption, EnvelopeChange, HeldItem, PhaseAdoption, WayOn, adopt};
pub use cache::{Blame, PhaseStats, Stats, blame, export, import, repair, stats, verify};
pub use check::{CheckCount, CheckStats, Checked, CheckedCourse, CheckedPhase, check};
pub use cost::{Cost, Costs, cost};
pub use decisions::{Effect, accepted, pin, unpin, waive};
pub use diff::diff;
pub use doctor::{Diagnosis, Grade, Symptom, doctor};
pub use exchange::{Examined, Pulled, examine, pull, push_all};
pub use gc::{Collected, Limits, gc};
pub use generations::{ItemGeneration, ItemHistory, generations};
pub use graph::{EdgeRole, GraphEdge, GraphNode, GraphView, NodeKind, graph};
pub use log::log;
pub use look::{plan, prompt, show, status};
pub use merge_driver::{DriverFiles, Installed, Merging, install_merge_driver, merge_driver};
pub use options::{Confirm, Options};
pub use resolve::{Choice, Decidable, Resolved, decidable, resolve};
pub use sharing::Pushed;
pub use trial::{drop_trial, keep};
pub use views::{
    Account, BatchShare, BatchStatus, CourseStatus, Diff, DiffSide, Kept, LogItem, LogLine, LogOutcome,
    LogSection, MadeOf, ModelCount, PhaseAccount, PhaseStatus, Refused, Status, Troubled, Why, WhyReason,
};
pub use why::why;

use crate::course::{Course, Phase};
use crate::diag::{Problem, Result};
use crate::event::{Event, PhaseStart, Summary};
use crate::generate::Notices;
use crate::plan::{Board, Plan, Verdict, outline};
use crate::prompt::Prompts;
use conduct::{Conductor, End};
use history::History;
use past::Known;
use session::{Session, hold};
use spending::Spending;
use std::sync::Arc;
use std::time::Instant;
use tally::Tally;

/// Brings the selected targets up to date, telling `emit` of everything that happens. The last event is the summary, which is
/// also returned; its `exit` is the exit code. An error means that the run could not begin or had to be given up.
pub fn build(options: &mut Options, emit: &mut dyn FnMut(&Event)) -> Result<Summary> {
    if options.trial && options.selection == Selection::default() {
        return Err(Problem::author("nothing was named to be tried")
            .hint("name a phase, a batch or an item: `coursebuild build phase3/7 --trial`"));
    }
    let started = Instant::now();
    if let Some(mut summary) = noop::nothing_to_do(options) {
        summary.seconds = started.elapsed().as_secs_f64();
        emit(&Event::Summary(summary.clone()));
        return Ok(summary);
    }
    let _held = hold(options)?;
    let began_ns = clock::now_ns();
    let mut session = Session::open(options, Some(&mut |found| tell_found(found, emit)))?;
    session.register()?;
    let mut history = History::new(&session.store);
    let emit = &mut |event: &Event| {
        history.note(event);
        emit(event);
    };
    session.share(options)?;
    sharing::push(&mut session)?;
    sharing::gather(&mut session, options, true)?;
    let (mut summary, problem, lacking) = carry_out(&session, options, emit)?;
    flush(&mut session)?;
    // What could not be offered when it came is offered once more, as far as there is hope.
    sharing::push(&mut session)?;
    chunks::leave(lacking, &session)?;
    if must_be_pushed(options, &session, &mut summary)? && summary.exit == 0 {
        summary.exit = 7;
    }
    flush(&mut session)?;
    if let Some(problem) = problem {
        return Err(problem);
    }
    summary.seconds = started.elapsed().as_secs_f64();
    if !options.trial {
        noop::remember(options, &session, &summary, began_ns)?;
    }
    emit(&Event::Summary(summary.clone()));
    Ok(summary)
}

/// Plans, buys and links. An interrupted or failed run links as well: what was paid for is seen at once.
fn carry_out(
    session: &Session,
    options: &mut Options,
    emit: &mut dyn FnMut(&Event),
) -> Result<(Summary, Option<Problem>, Vec<chunks::Lacking>)> {
    let memories = session.memories();
    let mut boards = judging::judged_boards(session, options, &memories, emit)?;
    for board in &mut boards {
        finish::file_edits(board, &session.store)?;
        board.forget_filed();
    }
    let prompts = prompts(&boards)?;
    let mut plan = outline(&boards.iter().zip(&memories).collect::<Vec<_>>())?;
    let known = past::known(&boards, &session.store)?;
    let spending = Spending::new(session.workspace.prices.clone(), &session.state, options, clock::now_ms());
    plan.expected = forecast::forecast(&plan, &boards, &prompts, &known, &spending, options.jobs)?;
    if let Some(sharing) = &session.sharing {
        let trouble = sharing.trouble(&sharing::out_of_reach(&boards, session)?);
        trouble.into_iter().for_each(|message| emit(&Event::Warning { message }));
        sharing.warnings().iter().for_each(&mut *emit);
    }
    permit::services(options, &boards, &plan, &session.workspace.prices)?;
    permit::permit(options, &plan, session.workspace.confirm_above)?;
    emit(&started_event(&plan, &known, options.jobs));
    boards
        .iter()
        .filter_map(|board| left_out(board.course))
        .for_each(|message| emit(&Event::Warning { message }));
    for board in &boards {
        let stray = |phase| adopt::stray_words(&board.rule(phase).output.file, &adopt::stray(board, phase));
        let told = (0..board.phases.len()).filter_map(stray);
        told.for_each(|message| emit(&Event::Warning { message }));
    }
    let mut tally = Tally::new(&known);
    let mut end = End::default();
    if plan.calls.max > 0 {
        let (notices, heard) = Notices::new();
        let generators = session.generators(options, &notices)?;
        let mut run = Conductor {
            prompts,
            generators,
            notices,
            heard,
            boards: &mut boards,
            memories: &memories,
            store: session.store.clone(),
            options,
            emit,
            tally,
            spending,
            outlet: session.sharing.as_ref().and_then(|sharing| sharing.outlet(&session.store)),
            judging: judging::Judging::new(session),
        };
        end = run.conduct()?;
        run.spending.keep(&session.state)?;
        tally = run.tally;
    }
    if options.trial {
        let mut summary = trial::summary(&tally, &boards, options);
        summary.exit = exit_code(&end, &summary);
        return Ok((summary, end.problem, Vec::new()));
    }
    let mut summary = tally.summary(&boards, fresh(&boards));
    (summary.expected_seconds, summary.expected_at_least) = (plan.expected.seconds, plan.expected.at_least);
    for ((board, memory), lock) in boards.iter().zip(&memories).zip(&session.locks) {
        finish::file_edits(board, &session.store)?;
        finish::keep_orphans(board, memory, lock, &session.store, emit)?;
        summary.main_files.extend(finish::link(board, lock, &session.workspace.root, &session.state)?);
    }
    finish::tell_state(&boards, &mut summary);
    if options.price_reused {
        summary.not_spent_usd = spared::not_spent(&boards, &session.store)?;
    }
    tally.batch_events(&boards).iter().for_each(&mut *emit);
    if let Some(sharing) = &session.sharing {
        summary.items_fetched += sharing.fetched;
        sharing.warnings().iter().for_each(&mut *emit);
    }
    summary.exit = exit_code(&end, &summary);
    Ok((summary, end.problem, chunks::lacking(&boards, session)))
}

fn tell_found(found: recover::Found, emit: &mut dyn FnMut(&Event)) {
    emit(&match found {
        recover::Found::Running { label } => Event::Warning {
            message: format!("`{label}` was asked by an earlier build and is still running: waiting for it"),
        },
        recover::Found::Answered { call, label, items } => Event::Recovered { call, label, items },
        recover::Found::Warning(message) => Event::Warning { message },
    });
}

/// Makes all that was put durable. Nobody else holds the store any more: all calls have come back.
fn flush(session: &mut Session) -> Result<()> {
    match Arc::get_mut(&mut session.store) {
        Some(store) => store.flush(),
        None => Ok(()),
    }
}

/// Counts what the shared store may not have yet; true if that must not stay so.
fn must_be_pushed(options: &Options, session: &Session, summary: &mut Summary) -> Result<bool> {
    summary.unpushed = session.left_unpushed()?;
    Ok(options.must_push && summary.unpushed > 0)
}

fn started_event(plan: &Plan, known: &[Vec<Known>], jobs: usize) -> Event {
    Event::Started {
        jobs,
        calls_min: plan.calls.min,
        calls_max: plan.calls.max,
        items_min: plan.items.min,
        items_max: plan.items.max,
        phases: plan
            .courses
            .iter()
            .zip(known)
            .flat_map(|(course, known)| {
                course.phases.iter().zip(known).map(|(phase, known)| PhaseStart {
                    course: course.course.clone(),
                    phase: phase.phase.clone(),
                    batches: phase.batches,
                    items: phase.items,
                    calls_min: phase.calls.min,
                    calls_max: phase.calls.max,
                    batch_size: known.batch_size,
                    to_buy: known.to_buy,
                    pending: known.pending,
                    seconds_per_call: known.past.seconds,
                })
            })
            .collect(),
    }
}

/// The checks that a course goes without because its language has no pack, in words.
fn left_out(course: &Course) -> Option<String> {
    let named = |phase: &Phase| {
        let labels: Vec<String> = phase.left_out.iter().map(|label| format!("`{label}`")).collect();
        (!labels.is_empty()).then(|| format!("{} of {}", labels.join(", "), phase.rule.name))
    };
    let phases: Vec<String> = course.phases.iter().filter_map(named).collect();
    (!phases.is_empty()).then(|| {
        format!(
            "`{}` has no language pack for `{}`: left out are the checks {}",
            course.code,
            course.target,
            phases.join("; ")
        )
    })
}

/// The templates of all phases, tried: a mistake in one is told before anything is planned.
fn prompts(boards: &[Board<'_>]) -> Result<Vec<Vec<Prompts>>> {
    boards
        .iter()
        .map(|board| {
            board.course.phases.iter().map(|phase| Prompts::new(&phase.rule, board.course)).collect()
        })
        .collect()
}

fn fresh(boards: &[Board<'_>]) -> usize {
    boards
        .iter()
        .map(|board| {
            (0..board.phases.len())
                .map(|phase| {
                    board.cells(phase).filter(|(.., cell)| cell.decision.verdict == Verdict::Fresh).count()
                })
                .sum::<usize>()
        })
        .sum()
}

/// The exit code of a run that was carried out. Where several hold, the gravest.
fn exit_code(end: &End, summary: &Summary) -> u8 {
    if end.interrupted {
        130
    } else if end.bounded {
        4
    } else if summary.items_out_of_reach > 0 {
        6
    } else if summary.items_failed > 0 {
        1
    } else {
        0
    }
}
