//! The conductor: brings about what a plan says, and answers questions about it.
//!
//! Prints nothing and reads no environment: what it needs comes in [`Options`], what it says leaves as events and views.

mod caches;
mod call;
mod clock;
mod conduct;
mod cost;
mod finish;
mod forecast;
mod harvest;
mod history;
mod look;
mod noop;
mod options;
mod recover;
mod refusal;
mod request;
#[cfg(test)]
mod round_trip;
mod services;
mod session;
mod signals;
mod spending;
mod tables;
mod tally;
mod views;

pub use crate::plan::Selection;
pub use cost::{Cost, Costs, cost};
pub use look::{log, plan, prompt, show, status, why};
pub use options::{Confirm, Options};
pub use views::{
    BatchStatus, CourseStatus, LogItem, LogLine, LogOutcome, LogSection, PhaseStatus, Status, Why, WhyReason,
};

use crate::course::{ConfirmAbove, Course, Phase};
use crate::diag::{Kind, Problem, Result};
use crate::event::{Event, PhaseStart, Summary};
use crate::money::Prices;
use crate::plan::{Board, Plan, Verdict, outline};
use crate::prompt::Prompts;
use crate::store::{Held, Note, hold_waiting, try_hold};
use conduct::{Conductor, End};
use history::History;
use session::{Session, state_dir};
use spending::Spending;
use std::sync::Arc;
use std::time::Instant;
use tally::Tally;

/// Brings the selected targets up to date, telling `emit` of everything that happens. The last event is the summary, which is
/// also returned; its `exit` is the exit code. An error means that the run could not begin or had to be given up.
pub fn build(options: &mut Options, emit: &mut dyn FnMut(&Event)) -> Result<Summary> {
    let started = Instant::now();
    if let Some(mut summary) = noop::nothing_to_do(options) {
        summary.seconds = started.elapsed().as_secs_f64();
        emit(&Event::Summary(summary.clone()));
        return Ok(summary);
    }
    let _held = hold(options)?;
    let began_ns = clock::now_ns();
    let mut session = Session::open(options, Some(&mut |found| tell_found(found, emit)))?;
    let mut history = History::new(&session.store);
    let emit = &mut |event: &Event| {
        history.note(event);
        emit(event);
    };
    let (mut summary, problem) = carry_out(&session, options, emit)?;
    // Nobody else holds the store any more: all calls have come back.
    if let Some(store) = Arc::get_mut(&mut session.store) {
        store.flush()?;
    }
    if let Some(problem) = problem {
        return Err(problem);
    }
    summary.seconds = started.elapsed().as_secs_f64();
    noop::remember(options, &session, &summary, began_ns)?;
    emit(&Event::Summary(summary.clone()));
    Ok(summary)
}

/// Plans, buys and links. An interrupted or failed run links as well: what was paid for is seen at once.
fn carry_out(
    session: &Session,
    options: &mut Options,
    emit: &mut dyn FnMut(&Event),
) -> Result<(Summary, Option<Problem>)> {
    let memories = session.memories();
    let mut boards = session.boards(options, &options.selection, &memories)?;
    for board in &boards {
        finish::file_edits(board, &session.store)?;
    }
    let prompts = prompts(&boards)?;
    let mut plan = outline(&boards.iter().zip(&memories).collect::<Vec<_>>())?;
    let today = clock::day_of(clock::now_ms());
    let spending = Spending::new(session.workspace.prices.clone(), &session.state, options, today);
    forecast::forecast(&mut plan, &boards, &prompts, &spending, options)?;
    permit_services(options, &boards, &plan, &session.workspace.prices)?;
    permit(options, &plan, session.workspace.confirm_above)?;
    emit(&started_event(&plan));
    boards
        .iter()
        .filter_map(|board| left_out(board.course))
        .for_each(|message| emit(&Event::Warning { message }));
    let expected_seconds = plan.expected.seconds.filter(|seconds| *seconds >= 1.0);
    let mut tally = Tally { reused: fresh(&boards), expected_seconds, ..Tally::default() };
    let mut end = End::default();
    if plan.calls.max > 0 {
        let mut run = Conductor {
            prompts,
            generators: session.generators(options)?,
            boards: &mut boards,
            memories: &memories,
            store: session.store.clone(),
            options,
            emit,
            tally,
            spending,
        };
        end = run.conduct()?;
        run.spending.keep(&session.state)?;
        tally = run.tally;
    }
    let mut summary = tally.summary();
    for ((board, memory), lock) in boards.iter().zip(&memories).zip(&session.locks) {
        finish::keep_orphans(board, memory, lock, &session.store, emit)?;
        summary.main_files.extend(finish::link(board, lock, &session.workspace.root, &session.state)?);
    }
    finish::tell_state(&boards, &mut summary);
    tally.batch_events(&boards).iter().for_each(&mut *emit);
    summary.exit = exit_code(&end, &summary);
    Ok((summary, end.problem))
}

fn hold(options: &Options) -> Result<Held> {
    let note =
        Note { host: None, started: clock::in_words(clock::now_ms()), command: options.command.clone() };
    let dir = state_dir(&options.manifest);
    if options.wait {
        return hold_waiting(&dir, &note);
    }
    try_hold(&dir, &note)?.map_err(|holder| holder.problem())
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

/// Whether the plan may be carried out at all.
fn permit(options: &mut Options, plan: &Plan, above: ConfirmAbove) -> Result<()> {
    if options.locked && plan.calls.max > 0 {
        return Err(Problem::new(
            Kind::WorkNeeded,
            format!("{} items have to be bought, and `--locked` forbids every call", plan.items.max),
        )
        .hint("`coursebuild plan` tells which and why; build without `--locked` to buy them"));
    }
    let calls = above.calls.filter(|above| plan.calls.max as u64 > *above);
    let usd = above.usd.zip(plan.expected.usd).filter(|(above, usd)| usd > above);
    let why = match (calls, usd) {
        (Some(most), _) => {
            format!("up to {} calls are needed, and more than {most} want a confirmation", plan.calls.max)
        }
        (None, Some((most, usd))) => {
            format!("about ${usd:.2} are needed, and more than ${most:.2} want a confirmation")
        }
        (None, None) => return Ok(()),
    };
    let asked = match &mut options.confirm {
        Confirm::Yes => true,
        Confirm::Ask(ask) => ask(plan),
        Confirm::Refuse => false,
    };
    if asked {
        return Ok(());
    }
    Err(Problem::new(Kind::Budget, why)
        .hint("say `--yes`, or raise `confirm_above` in the manifest; nothing was bought"))
}

/// Whether the services that calls are needed of may be asked: before the first call, not at it.
fn permit_services(options: &Options, boards: &[Board<'_>], plan: &Plan, prices: &Prices) -> Result<()> {
    for (board, course) in boards.iter().zip(&plan.courses) {
        for (phase, planned) in course.phases.iter().enumerate().filter(|(_, planned)| planned.calls.max > 0)
        {
            let generate = &board.rule(phase).generate;
            let kind = request::kind_name(generate.kind);
            if options.offline && generate.kind.is_remote() {
                return Err(Problem::new(
                    Kind::WorkNeeded,
                    format!(
                        "`{}` needs calls to `{kind}`, and `--offline` forbids the network",
                        planned.phase
                    ),
                )
                .hint("build without `--offline`; nothing was asked"));
            }
            let model = generate.model.as_deref().unwrap_or_default();
            if options.budget_usd.is_some() && generate.kind.is_remote() && !prices.knows(model) {
                return Err(Problem::author(format!("no price of `{model}` is known, so no budget can be kept"))
                    .hint(format!("add `[prices]` with `\"{model}\" = {{ input = 1.0, output = 5.0 }}` (US dollars for a million tokens) to the manifest, or leave `--budget` out; nothing was asked")));
            }
        }
    }
    Ok(())
}

fn started_event(plan: &Plan) -> Event {
    Event::Started {
        calls_min: plan.calls.min,
        calls_max: plan.calls.max,
        items_min: plan.items.min,
        items_max: plan.items.max,
        phases: plan
            .courses
            .iter()
            .flat_map(|course| {
                course.phases.iter().map(|phase| PhaseStart {
                    course: course.course.clone(),
                    phase: phase.phase.clone(),
                    batches: phase.batches,
                    items: phase.items,
                    calls_min: phase.calls.min,
                    calls_max: phase.calls.max,
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
    } else if summary.items_failed > 0 {
        1
    } else {
        0
    }
}
