//! The plan as numbers: what the boards say, counted, with the calls that the schedule would make of it.

use super::board::{Board, Cell, State};
use super::dry::Dry;
use super::memory::Memory;
use super::reasons::{Reasons, reasons, sums};
use super::report::{Bounds, CoursePlan, Expected, OutOfReach, PhasePlan, Plan, Submitted};
use super::small;
use super::verdict::{Counts, Verdict};
use crate::course::{Feed, Role};
use crate::diag::{Problem, Result};
use crate::digest::{Digest, Hasher};
use crate::key::Part;
use crate::schedule::{Cut, PhaseNo, Place, Schedule, Want};
use std::collections::{BTreeSet, HashMap, HashSet};

/// Plans a run over these courses, each with its memory.
pub fn outline(courses: &[(&Board<'_>, &Memory<'_>)]) -> Result<Plan> {
    let mut plan = Plan {
        version: 1,
        courses: Vec::new(),
        calls: Bounds::default(),
        items: Bounds::default(),
        expected: Expected::default(),
        out_of_reach: OutOfReach::default(),
        submitted: Submitted::default(),
    };
    for (board, memory) in courses {
        let phases: Vec<PhasePlan> =
            (0..board.phases.len()).map(|phase| phase_plan(board, phase, memory)).collect::<Result<_>>()?;
        for phase in &phases {
            add(&mut plan.calls, phase.calls);
            add(&mut plan.items, phase.buys);
        }
        plan.courses.push(CoursePlan { course: board.course.code.clone(), phases });
    }
    Ok(plan)
}

fn add(total: &mut Bounds, part: Bounds) {
    total.min += part.min;
    total.max += part.max;
}

fn phase_plan(board: &Board<'_>, phase: usize, memory: &Memory<'_>) -> Result<PhasePlan> {
    let rule = board.rule(phase);
    let mut counts = Counts::default();
    let mut unselected = 0;
    for (.., cell) in board.cells(phase) {
        counts.add(&cell.decision.verdict);
        unselected += usize::from(cell.decision.verdict.is_to_buy() && !cell.chosen);
    }
    let adopting = board.wishes.adopt != super::Adopt::No;
    let surely = !adopting && memory.knows_nothing_of(&board.course.code, &rule.name)?;
    let dry = Dry::new(board, phase)?;
    let buy = |left_out: &dyn Fn(Place) -> bool| {
        let at_least = |root| if surely { pending_items(board, phase, root).min } else { 0 };
        let at_most = |root| pending_items(board, phase, root).max;
        [dry.calls(false, &at_least, left_out), dry.calls(true, &at_most, left_out)]
    };
    let bought = buy(&|_| false);
    let (calls, buys) = sums(&bought);
    let Reasons { counted, acceptable, if_accepted } = reasons(board, phase, memory, &bought, &buy)?;
    let mut judging: HashMap<usize, usize> = HashMap::new();
    judging.extend(board.unjudged(phase).iter().map(|case| (case.number, case.items)));
    let unjudged = judging.into_values().sum();
    Ok(PhasePlan {
        phase: rule.name.clone(),
        title: rule.title.clone(),
        batches: board.phases[phase].batches.count(counts.items()),
        items: counts.items(),
        recheck: memory.rechecks(board, phase).max(unjudged),
        unjudged,
        calls,
        buys,
        unselected,
        acceptable,
        if_accepted,
        reasons: counted,
        counts,
    })
}

/// How many items a pending root may have that are to be bought.
fn pending_items(board: &Board<'_>, phase: usize, root: usize) -> Bounds {
    let slot = &board.phases[phase].slots[root];
    match slot.state {
        State::Open | State::Settled => {
            let wanted = slot.cells.iter().filter(|cell| cell.is_wanted()).count();
            Bounds { min: wanted, max: wanted }
        }
        State::Claiming => Bounds { min: 0, max: slot.cells.iter().filter(|cell| cell.is_wanted()).count() },
        State::Pending if slot.possible.is_some() => {
            Bounds { min: 0, max: slot.possible.unwrap_or_default() as usize }
        }
        State::Pending => {
            let chosen = board.wishes.chosen.get(phase).is_none_or(|chosen| {
                chosen.has(root, "", 0) || !chosen.ids.is_empty() || !chosen.batches.is_empty()
            });
            if chosen { item_bounds(board, phase, root) } else { Bounds::default() }
        }
    }
}

/// How many items a root has or may come to have.
fn item_bounds(board: &Board<'_>, phase: usize, root: usize) -> Bounds {
    let slot = &board.phases[phase].slots[root];
    match &board.rule(phase).feed {
        Feed::Phase { phase: feed, explode } if slot.state == State::Pending => {
            let upstream = item_bounds(board, *feed, root);
            match explode {
                Some(explode) => Bounds { min: upstream.min * explode.min, max: upstream.max * explode.max },
                None => upstream,
            }
        }
        Feed::Groups { phase: feed, .. } if slot.state == State::Pending => group_bounds(board, phase, *feed),
        _ => Bounds { min: slot.cells.len(), max: slot.cells.len() },
    }
}

/// How many groups there may come to be: each result may be a group of its own, or all of them one. None while something that
/// will not be bought in this run is lacking.
fn group_bounds(board: &Board<'_>, phase: usize, feed: usize) -> Bounds {
    let waits = |cell: &Cell| cell.is_wanted() || matches!(cell.decision.verdict, Verdict::Pending(_));
    let lacks = |cell: &Cell| cell.decision.current.is_none() && !waits(cell);
    if !board.wishes.with_stale_inputs && board.cells(feed).any(|(.., cell)| lacks(cell)) {
        return Bounds::default();
    }
    let members = (0..board.phases[feed].slots.len()).map(|root| item_bounds(board, feed, root));
    let all = members.fold(Bounds::default(), |a, b| Bounds { min: a.min + b.min, max: a.max + b.max });
    let everything = board.wishes.chosen.get(phase).is_none_or(|chosen| chosen.all);
    Bounds { min: usize::from(everything && all.min > 0), max: all.max }
}

/// The place of an item in the schedule.
pub fn place(root: usize, at: usize) -> Place {
    (small(root), small(at))
}

/// How a phase's calls are cut: items by the rule, bytes by what its prefix leaves.
pub(super) fn cut(board: &Board<'_>, phase: usize) -> Cut {
    let rule = board.rule(phase);
    let bytes = match rule.batch.max_prompt_bytes {
        Some(most) => {
            let sent = rule
                .prompt
                .sections
                .iter()
                .chain(&rule.prompt.scoped)
                .map(|section| section.text.len())
                .sum::<usize>();
            let templates = rule.prompt.system.text.len() + rule.prompt.batch.text.len();
            Some(most.saturating_sub(sent + templates))
        }
        None => None,
    };
    Cut { size: rule.batch.size, bytes }
}

/// Adds so many leading roots of a phase to a schedule.
pub(super) fn add_phase(schedule: &mut Schedule, board: &Board<'_>, phase: usize, roots: usize) -> PhaseNo {
    match board.phases[phase].batches.cohorts() {
        Some(cohorts) => schedule.add_cohorts(&cohorts.of_roots()[..roots]),
        None => schedule.add_phase(cut(board, phase), small(roots)),
    }
}

/// A cohort is never split, so one that is too large for a call is the author's to cut smaller. Adds up the bytes by cohort.
pub(super) fn check_size(
    board: &Board<'_>,
    phase: usize,
    root: usize,
    wants: &[Want],
    bytes: &mut HashMap<u32, (usize, usize)>,
) -> Result<()> {
    let Some(cohorts) = board.phases[phase].batches.cohorts() else { return Ok(()) };
    let Some(most) = cut(board, phase).bytes else { return Ok(()) };
    let (items, sum) = bytes.entry(cohorts.of(root)).or_default();
    *items += wants.len();
    *sum += wants.iter().map(|want| want.bytes).sum::<usize>();
    if *items < 2 || *sum <= most {
        return Ok(());
    }
    let (rule, roots) = (board.rule(phase), cohorts.with(root));
    let id = |root: Option<&usize>| root.map_or("", |root| &board.phases[phase].roots[*root]);
    let (first, last) = (id(roots.first()), id(roots.last()));
    Err(Problem::author(format!("the cohort `{first}` to `{last}` of `{}` is too large for a call", rule.name))
        .because(format!("its items have {sum} bytes or more, and `max_prompt_bytes` leaves {most} beside documents and templates"))
        .hint("raise `max_prompt_bytes`, which makes nothing stale; or cut smaller cohorts with `size`, which makes all of them anew"))
}

/// Whether a call with these members is small enough; only a cohort's can be too large.
pub fn fits(board: &Board<'_>, phase: usize, members: &[(usize, usize)]) -> Result<()> {
    let mut bytes = HashMap::new();
    let places: HashSet<Place> = members.iter().map(|(root, at)| place(*root, *at)).collect();
    let mut roots: Vec<usize> = members.iter().map(|(root, _)| *root).collect();
    roots.dedup();
    for root in roots.into_iter().filter(|_| board.phases[phase].batches.cohorts().is_some()) {
        let mut wants = wants(board, phase, root)?;
        wants.retain(|want| places.contains(&want.place));
        check_size(board, phase, root, &wants, &mut bytes)?;
    }
    Ok(())
}

/// What is to be bought of a root. Items with other key contexts never share a call: each is sent what it is keyed by, and no more.
pub fn wants(board: &Board<'_>, phase: usize, root: usize) -> Result<Vec<Want>> {
    wants_of(board, phase, root, &|cell| cell.doubt.is_none())
}

/// The same of what is chosen among it.
pub(super) fn wants_of(
    board: &Board<'_>,
    phase: usize,
    root: usize,
    which: &dyn Fn(&Cell) -> bool,
) -> Result<Vec<Want>> {
    let measured = board.rule(phase).batch.max_prompt_bytes.is_some();
    let keyed = board.rule(phase).contexts.iter().any(|context| context.role == Role::Key);
    let slot = &board.phases[phase].slots[root];
    let wanted = slot.cells.iter().enumerate().filter(|(_, cell)| cell.is_wanted() && which(cell));
    wanted
        .map(|(at, cell)| {
            let detail = if measured || keyed { board.detail_of(phase, root, at)? } else { None };
            let size =
                detail.as_ref().map_or(0, |detail| detail.input.to_string().len() + detail.id.len() + 32);
            let shown = detail.filter(|_| keyed).map(|detail| context_digest(&detail.own));
            let lane = board.phases[phase].lane(root, cell.decision.attempts > 0, shown);
            Ok(Want { place: place(root, at), lane, bytes: if measured { size } else { 0 } })
        })
        .collect()
}

fn context_digest(own: &[Part]) -> Digest {
    let mut hasher = Hasher::new("contexts");
    for part in own.iter().filter(|part| part.name.starts_with("context/")) {
        hasher.field(&part.name, part.digest.as_bytes());
    }
    hasher.finish()
}

/// Adds a board's phases to a schedule, with nothing known of them. Gives the number of each.
pub fn enlist(schedule: &mut Schedule, board: &Board<'_>) -> Vec<PhaseNo> {
    (0..board.phases.len())
        .map(|phase| {
            let slots = board.phases[phase].slots.len();
            add_phase(schedule, board, phase, slots)
        })
        .collect()
}

/// Items that are to be asked for again, cut into calls.
pub fn pack(board: &Board<'_>, phase: usize, items: &[(usize, usize)]) -> Result<Vec<Vec<Place>>> {
    let mut schedule = Schedule::new(usize::MAX);
    let roots: BTreeSet<usize> = items.iter().map(|(root, _)| *root).collect();
    let wanted: HashSet<Place> = items.iter().map(|(root, at)| place(*root, *at)).collect();
    let last = roots.last().map_or(0, |last| last + 1);
    let number = add_phase(&mut schedule, board, phase, last);
    for root in 0..last {
        let mut wants = if roots.contains(&root) { wants(board, phase, root)? } else { Vec::new() };
        wants.retain(|want| wanted.contains(&want.place));
        wants.iter_mut().for_each(|want| want.lane.1 = true);
        schedule.settle(number, small(root), &wants);
    }
    Ok(std::iter::from_fn(|| schedule.next_call()).map(|ready| ready.items).collect())
}
