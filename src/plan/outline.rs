//! The plan as numbers: what the boards say, counted, with the calls that the schedule would make of it.

use super::board::{Board, Cell, State};
use super::explain::{explain, words};
use super::memory::Memory;
use super::outstanding::could_be_accepted;
use super::report::{Bounds, CoursePlan, Estimate, OutOfReach, PhasePlan, Plan, ReasonCount};
use super::verdict::{Counts, Verdict};
use crate::course::{Feed, Role};
use crate::diag::Result;
use crate::digest::{Digest, Hasher};
use crate::graph::batches;
use crate::key::Part;
use crate::schedule::{Cut, PhaseNo, Place, Schedule, Want};
use rayon::prelude::*;
use std::collections::{BTreeSet, HashMap, HashSet};

/// Plans a run over these courses, each with its memory.
pub fn outline(courses: &[(&Board<'_>, &Memory<'_>)]) -> Result<Plan> {
    let mut plan = Plan {
        version: 1,
        courses: Vec::new(),
        calls: Bounds::default(),
        items: Bounds::default(),
        estimate: Estimate::default(),
        out_of_reach: OutOfReach::default(),
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
    let (least, least_calls) = count_calls(board, phase, false, &|root| {
        if surely { pending_items(board, phase, root).min } else { 0 }
    })?;
    let (most, most_calls) = count_calls(board, phase, true, &|root| pending_items(board, phase, root).max)?;
    let (reasons, acceptable) = reasons(board, phase, memory)?;
    let mut judging: HashMap<usize, usize> = HashMap::new();
    judging.extend(board.unjudged(phase).iter().map(|case| (case.number, case.items)));
    let unjudged = judging.into_values().sum();
    Ok(PhasePlan {
        phase: rule.name.clone(),
        title: rule.title.clone(),
        batches: batches(counts.items(), rule.batch.size),
        items: counts.items(),
        recheck: memory.rechecks(board, phase).max(unjudged),
        unjudged,
        calls: Bounds { min: least_calls, max: most_calls },
        buys: Bounds { min: least, max: most },
        unselected,
        acceptable,
        reasons,
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

/// Runs the schedule dry: what is known, with so many items from each root that is pending. What is in doubt is bought, if at
/// all, when all before it is settled: together with no more than lies between two purchases.
fn count_calls(
    board: &Board<'_>,
    phase: usize,
    doubtful: bool,
    pending: &dyn Fn(usize) -> usize,
) -> Result<(usize, usize)> {
    let mut schedule = Schedule::new(usize::MAX);
    let slots = &board.phases[phase].slots;
    let number = schedule.add_phase(cut(board, phase)?, u32::try_from(slots.len()).unwrap_or(u32::MAX));
    let (mut items, mut purchases) = (0, 0_u64);
    for (root, slot) in slots.iter().enumerate() {
        let wants = match slot.state {
            State::Open | State::Settled => {
                let mut wants = wants(board, phase, root)?;
                purchases += u64::from(!wants.is_empty());
                if doubtful {
                    let later = wants_of(board, phase, root, &|cell| cell.doubt.is_some())?;
                    wants.extend(later.into_iter().map(|mut want| {
                        want.lane.2 = Digest::of(&purchases.to_le_bytes());
                        want
                    }));
                }
                wants
            }
            State::Pending | State::Claiming => {
                let lane = board.phases[phase].lane(root, false, None);
                (0..pending(root)).map(|at| Want { place: place(root, at), lane, bytes: 0 }).collect()
            }
        };
        items += wants.len();
        schedule.settle(number, u32::try_from(root).unwrap_or(u32::MAX), &wants);
    }
    Ok((items, std::iter::from_fn(|| schedule.next_call()).count()))
}

/// The place of an item in the schedule.
pub fn place(root: usize, at: usize) -> Place {
    let small = |number| u32::try_from(number).unwrap_or(u32::MAX);
    (small(root), small(at))
}

/// How a phase's calls are cut: items by the rule, bytes by what its prefix leaves.
fn cut(board: &Board<'_>, phase: usize) -> Result<Cut> {
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
    Ok(Cut { size: rule.batch.size, bytes })
}

/// What is to be bought of a root. Items with other key contexts never share a call: each is sent what it is keyed by, and no more.
pub fn wants(board: &Board<'_>, phase: usize, root: usize) -> Result<Vec<Want>> {
    wants_of(board, phase, root, &|cell| cell.doubt.is_none())
}

fn wants_of(
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
pub fn enlist(schedule: &mut Schedule, board: &Board<'_>) -> Result<Vec<PhaseNo>> {
    (0..board.phases.len())
        .map(|phase| {
            let slots = board.phases[phase].slots.len();
            Ok(schedule.add_phase(cut(board, phase)?, u32::try_from(slots).unwrap_or(u32::MAX)))
        })
        .collect()
}

/// Items that are to be asked for again, cut into calls.
pub fn pack(board: &Board<'_>, phase: usize, items: &[(usize, usize)]) -> Result<Vec<Vec<Place>>> {
    let mut schedule = Schedule::new(usize::MAX);
    let roots: BTreeSet<usize> = items.iter().map(|(root, _)| *root).collect();
    let wanted: HashSet<Place> = items.iter().map(|(root, at)| place(*root, *at)).collect();
    let last = roots.last().map_or(0, |last| last + 1);
    let number = schedule.add_phase(cut(board, phase)?, u32::try_from(last).unwrap_or(u32::MAX));
    for root in 0..last {
        let mut wants = if roots.contains(&root) { wants(board, phase, root)? } else { Vec::new() };
        wants.retain(|want| wanted.contains(&want.place));
        wants.iter_mut().for_each(|want| want.lane.1 = true);
        schedule.settle(number, u32::try_from(root).unwrap_or(u32::MAX), &wants);
    }
    Ok(std::iter::from_fn(|| schedule.next_call()).map(|ready| ready.items).collect())
}

/// Why items are to be bought, and how many are only for edits that could be accepted.
fn reasons(board: &Board<'_>, phase: usize, memory: &Memory<'_>) -> Result<(Vec<ReasonCount>, usize)> {
    let wanted: Vec<(usize, usize)> =
        board.cells(phase).filter(|(.., cell)| cell.is_wanted()).map(|(root, at, _)| (root, at)).collect();
    let told: Vec<(Vec<String>, bool)> = wanted
        .par_iter()
        .map(|(root, at)| {
            Ok(match &board.phases[phase].slots[*root].cells[*at].decision.verdict {
                Verdict::Missing => (vec!["never built".to_owned()], false),
                Verdict::Rejected(findings) => {
                    let mut kinds: Vec<String> =
                        findings.iter().map(|finding| format!("refused: `{}`", finding.kind)).collect();
                    kinds.sort();
                    kinds.dedup();
                    (kinds, false)
                }
                _ => {
                    let why = explain(board, phase, *root, *at, memory)?;
                    (why.iter().map(words).collect(), !why.is_empty() && why.iter().all(could_be_accepted))
                }
            })
        })
        .collect::<Result<_>>()?;
    let mut counted: HashMap<String, usize> = HashMap::new();
    let acceptable = told.iter().filter(|(_, acceptable)| *acceptable).count();
    for reason in told.into_iter().flat_map(|(reasons, _)| reasons) {
        *counted.entry(reason).or_default() += 1;
    }
    let mut counted: Vec<ReasonCount> =
        counted.into_iter().map(|(reason, items)| ReasonCount { reason, items }).collect();
    counted.sort_by(|a, b| b.items.cmp(&a.items).then_with(|| a.reason.cmp(&b.reason)));
    Ok((counted, acceptable))
}
