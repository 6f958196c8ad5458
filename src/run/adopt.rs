//! Adoption: existing main files are taken as results of the present inputs, checked, filed and linked. Nothing is bought; what each
//! way on would cost is told.

use super::options::Options;
use super::session::Session;
use super::{finish, hold};
use crate::check::Finding;
use crate::diag::Result;
use crate::event::{Event, MainFile as Told};
use crate::json::Value;
use crate::link::envelope_changes;
use crate::plan::{Board, Bounds, Cell, Current, Detail, Difference, Held, Memory, Verdict, outline};
use crate::store::{Entry, Provenance, Store};
use rayon::prelude::*;
use serde::Serialize;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// Items in one entry: few files, and one torn file loses little.
const TOGETHER: usize = 1000;

/// What came of an adoption, or would come of it.
#[derive(Debug, Clone, Serialize)]
pub struct Adoption {
    /// Nothing was changed.
    pub dry_run: bool,
    /// The courses, in the order of the manifest.
    pub courses: Vec<CourseAdoption>,
    /// Items adopted in all.
    pub adopted: usize,
    /// Of these, how many are held because they fail a check.
    pub held: usize,
    /// The ways on, each with what it would cost.
    pub ways_on: Vec<WayOn>,
    /// What people should know.
    pub warnings: Vec<String>,
    /// The main files; empty when nothing was changed.
    pub main_files: Vec<Told>,
}

/// A course's part of an [`Adoption`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CourseAdoption {
    /// The course's code.
    pub course: String,
    /// Its phases, in order.
    pub phases: Vec<PhaseAdoption>,
}

/// A phase's part of an [`Adoption`]. Lists are whole.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PhaseAdoption {
    /// The phase's name.
    pub phase: String,
    /// Its main file, relative to the workspace where it is inside.
    pub main_file: String,
    /// Items that stand in the main file.
    pub found: usize,
    /// Items that were adopted.
    pub adopted: usize,
    /// Items that need no adoption: fresh before.
    pub known: usize,
    /// Items that are out of date and were not named.
    pub out_of_date: usize,
    /// Items that are held, adopted now or before.
    pub held: Vec<HeldItem>,
    /// Items of the course that have no result.
    pub missing: Vec<String>,
    /// Items that wait for what they are made from, and cannot be adopted before it is there.
    pub pending: Vec<String>,
    /// What stands in the main file and is no item of the course: it leaves the file and stays in the store.
    pub orphaned: Vec<String>,
    /// What stands beside the items, not among them, under the name of one: kept there, and not read as an item.
    pub stray: Vec<String>,
    /// Derived fields that stand as found and would be computed otherwise.
    pub derived: Vec<Difference>,
    /// Computed fields around the items that are written otherwise than they were found.
    pub envelope: Vec<EnvelopeChange>,
}

/// An item that is held.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HeldItem {
    /// Its id.
    pub item: String,
    /// Why, in words.
    pub why: String,
    /// The errors that its checks found.
    pub findings: Vec<Finding>,
}

/// A computed field of an envelope that was found otherwise.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EnvelopeChange {
    /// Its name.
    pub field: String,
    /// What was found; null if nothing was.
    pub found: Option<Value>,
    /// What is written.
    pub written: Value,
}

/// A way on, and what it would cost.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WayOn {
    /// What to type.
    pub command: String,
    /// What it does, in words.
    pub does: String,
    /// Calls.
    pub calls: Bounds,
    /// Items to be bought.
    pub items: Bounds,
}

/// Takes the main files' items as results of the present inputs. `dry_run` only tells what would be done.
pub fn adopt(options: &mut Options, dry_run: bool) -> Result<Adoption> {
    options.adopt = true;
    let _held = if dry_run { None } else { Some(hold(options)?) };
    let mut warnings = Vec::new();
    let mut session = if dry_run {
        Session::open(options, None)?
    } else {
        Session::open(
            options,
            Some(&mut |found| super::tell_found(found, &mut |event| note(event, &mut warnings))),
        )?
    };
    let mut adoption = carry_out(&session, options, dry_run)?;
    if let Some(store) = Arc::get_mut(&mut session.store) {
        store.flush()?;
    }
    adoption.warnings.splice(0..0, warnings);
    Ok(adoption)
}

fn note(event: &Event, warnings: &mut Vec<String>) {
    if let Event::Warning { message } = event {
        warnings.push(message.clone());
    }
}

fn carry_out(session: &Session, options: &mut Options, dry_run: bool) -> Result<Adoption> {
    let memories = session.memories();
    let memories: Vec<_> = memories.into_iter().map(Memory::for_several_boards).collect();
    let boards = session.boards(options, &options.selection, &memories)?;
    let courses: Vec<CourseAdoption> =
        boards.iter().map(|board| course(board, session)).collect::<Result<_>>()?;
    let phases = || courses.iter().flat_map(|course| &course.phases);
    let adopted: usize = phases().map(|phase| phase.adopted).sum();
    let held =
        boards.iter().flat_map(adopted_now).filter(|cell| cell.decision.verdict != Verdict::Fresh).count();
    let differs = phases().any(|phase| !phase.derived.is_empty());
    let any_held = phases().any(|phase| !phase.held.is_empty());
    let mut ways_on = Vec::new();
    let plan = outline(&boards.iter().zip(&memories).collect::<Vec<_>>())?;
    ways_on.push(way_on(
        "coursebuild build",
        "buys what is missing or out of date",
        (plan.calls, plan.items),
    ));
    if any_held {
        options.fix = true;
        let fixed = session.boards(options, &options.selection, &memories);
        options.fix = false;
        let plan = outline(&fixed?.iter().zip(&memories).collect::<Vec<_>>())?;
        ways_on.push(way_on(
            "coursebuild build --fix",
            "and what is held for its findings",
            (plan.calls, plan.items),
        ));
    }
    if differs {
        let asked = std::mem::replace(&mut options.recompute_derived, true);
        let computed = session.boards(options, &options.selection, &memories);
        options.recompute_derived = asked;
        let plan = outline(&computed?.iter().zip(&memories).collect::<Vec<_>>())?;
        let does = "computes derived fields anew, and buys what comes of them";
        ways_on.push(way_on("coursebuild build --recompute-derived", does, (plan.calls, plan.items)));
    }
    let (mut warnings, mut main_files) = (Vec::new(), Vec::new());
    if !dry_run {
        for ((board, memory), lock) in boards.iter().zip(&memories).zip(&session.locks) {
            file_adopted(board, &session.store)?;
            finish::file_edits(board, &session.store)?;
            finish::keep_orphans(board, memory, lock, &session.store, &mut |event| {
                note(event, &mut warnings);
            })?;
            main_files.extend(finish::link(board, lock, &session.workspace.root, &session.state)?);
        }
    }
    Ok(Adoption { dry_run, courses, adopted, held, ways_on, warnings, main_files })
}

fn way_on(command: &str, does: &str, (calls, items): (Bounds, Bounds)) -> WayOn {
    WayOn { command: command.to_owned(), does: does.to_owned(), calls, items }
}

/// The items that are adopted in this run.
fn adopted_now<'b>(board: &'b Board<'_>) -> impl Iterator<Item = &'b Cell> {
    (0..board.phases.len())
        .flat_map(|phase| board.cells(phase))
        .map(|(.., cell)| cell)
        .filter(|cell| taken(cell).is_some())
}

/// What is adopted of an item.
fn taken(cell: &Cell) -> Option<&Current> {
    cell.decision.file.as_ref().filter(|current| current.key == cell.content.short())
}

fn course(board: &Board<'_>, session: &Session) -> Result<CourseAdoption> {
    let phases =
        (0..board.phases.len()).map(|number| phase(board, number, session)).collect::<Result<_>>()?;
    Ok(CourseAdoption { course: board.course.code.clone(), phases })
}

fn phase(board: &Board<'_>, phase: usize, session: &Session) -> Result<PhaseAdoption> {
    let main = &board.phases[phase].main;
    let mut told = PhaseAdoption {
        phase: board.rule(phase).name.clone(),
        main_file: finish::shown(&board.main_path(phase), &session.workspace.root),
        found: main.len(),
        adopted: 0,
        known: 0,
        out_of_date: 0,
        held: Vec::new(),
        missing: Vec::new(),
        pending: Vec::new(),
        orphaned: Vec::new(),
        stray: stray(board, phase),
        derived: board.found_otherwise(phase)?,
        envelope: envelope(board, phase)?,
    };
    let present: HashSet<&str> = board.cells(phase).map(|(.., cell)| &*cell.id).collect();
    told.orphaned = main.ids().filter(|id| !present.contains(id)).map(str::to_owned).collect();
    for (.., cell) in board.cells(phase) {
        let now = taken(cell).is_some();
        told.adopted += usize::from(now);
        match &cell.decision.verdict {
            Verdict::Fresh => told.known += usize::from(!now),
            Verdict::Held(held) => told.held.push(HeldItem {
                item: cell.id.to_string(),
                why: finish::held_words(held),
                findings: if let Held::Findings(findings) = held { findings.clone() } else { Vec::new() },
            }),
            Verdict::Missing | Verdict::Rejected(_) | Verdict::Failed(_) => {
                told.missing.push(cell.id.to_string());
            }
            Verdict::Stale(_) => told.out_of_date += 1,
            Verdict::Pending(_) => told.pending.push(cell.id.to_string()),
        }
    }
    Ok(told)
}

fn envelope(board: &Board<'_>, phase: usize) -> Result<Vec<EnvelopeChange>> {
    let (places, items) = finish::linked_items(board, phase);
    let firsts = board.linked_firsts(phase);
    let derive = |number: usize, value: &mut Value| {
        let (root, at) = places[number];
        board.derive(phase, root, at, value, &firsts);
    };
    let changes = envelope_changes(&board.phases[phase].main, &board.rule(phase).output, &items, &derive)?;
    Ok(changes.into_iter().map(|(field, found, written)| EnvelopeChange { field, found, written }).collect())
}

/// The fields around the items of a main file that have the name of an item: somebody put them into the wrong place.
pub(super) fn stray(board: &Board<'_>, phase: usize) -> Vec<String> {
    let around: HashSet<&str> = board.phases[phase].main.fields_around().collect();
    if around.is_empty() {
        return Vec::new();
    }
    let ids = board.cells(phase).map(|(.., cell)| &*cell.id).filter(|id| around.contains(id));
    ids.map(str::to_owned).collect()
}

/// What to say of them.
pub(super) fn stray_words(file: &str, stray: &[String]) -> Option<String> {
    let first = stray.first()?;
    Some(format!(
        "{} of `{file}` stand beside the items, not among them (`{first}`, …): they are kept where they are and not read as items; move them in, or take them out",
        stray.len()
    ))
}

/// Puts what is adopted into the store, with the parts of its key: so that a later `why` can tell what changed.
fn file_adopted(board: &Board<'_>, store: &Store) -> Result<()> {
    for phase in 0..board.phases.len() {
        // Items that are sent the same scoped sections share a recipe, and so an entry.
        let mut groups: BTreeMap<(u8, u32), Vec<(usize, usize)>> = BTreeMap::new();
        for (root, at, cell) in board.cells(phase) {
            if let Some(current) = taken(cell) {
                let scope = board.phases[phase].scope_of[root];
                groups.entry((current.provenance as u8, scope)).or_default().push((root, at));
            }
        }
        for group in groups.values().flat_map(|group| group.chunks(TOGETHER)) {
            store.keep(&entry(board, phase, group)?)?;
        }
    }
    Ok(())
}

fn entry(board: &Board<'_>, phase: usize, group: &[(usize, usize)]) -> Result<Entry> {
    let cell = |(root, at): &(usize, usize)| &board.phases[phase].slots[*root].cells[*at];
    let items: Vec<_> = group
        .iter()
        .filter_map(|place| Some((&*cell(place).id, place.0, cell(place).content, taken(cell(place))?)))
        .collect();
    let provenance = items.first().map_or(Provenance::Adopted, |(.., current)| current.provenance);
    let mut entry = finish::filed(board, phase, provenance, &items)?;
    entry.intent.recipe = board.phases[phase].recipe(group[0].0).parts().to_vec();
    let roots: Vec<&[(usize, usize)]> = group.chunk_by(|a, b| a.0 == b.0).collect();
    let details: Vec<Vec<Option<Detail>>> = roots
        .par_iter()
        .map(|places| {
            let cells: Vec<usize> = places.iter().map(|(_, at)| *at).collect();
            board.details_of(phase, places[0].0, &cells)
        })
        .collect::<Result<_>>()?;
    for (detail, asked) in details.into_iter().flatten().zip(&mut entry.intent.items) {
        asked.parts = detail.map(|detail| detail.own).unwrap_or_default();
    }
    if !board.rule(phase).output.derived.is_empty() {
        entry.raw = Some(as_found(board, phase, &items));
    }
    Ok(entry)
}

/// Items as they stood in the main file, by id: with the derived fields that no result has in it.
fn as_found(
    board: &Board<'_>,
    phase: usize,
    items: &[(&str, usize, crate::digest::Digest, &Current)],
) -> String {
    let main = &board.phases[phase].main;
    let stood = items
        .iter()
        .filter_map(|(id, ..)| Some(((*id).to_owned(), serde_json::from_str(main.get(id)?).ok()?)));
    Value::Object(stood.collect()).to_string()
}
