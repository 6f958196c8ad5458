//! The end of a run: main files and locks are linked, and what stands is told.

use super::clock::now_ms;
use super::session::LOCK_NAME;
use super::tables;
use crate::course::Course;
use crate::diag::{Problem, Result};
use crate::digest::{Digest, Short};
use crate::event::{Event, MainFile as Told, Summary};
use crate::generate::Meters;
use crate::json::{Ids, Value};
use crate::link::{Failed, Item, Line, LockFile, PhaseLines, Text, write_lock, write_main_file};
use crate::plan::{Adopt, Board, Cell, Current, Held, Memory, Reason, Verdict, output_digest};
use crate::store::{AnswerShape, AskedItem, Ended, Entry, Intent, Provenance, Store, Stored};
use std::collections::{BTreeSet, HashSet};
use std::path::Path;
use std::sync::Arc;

/// Puts into the store what people wrote into main files, before anything else is done: a hand edit is kept whatever follows.
/// What was taken over from another id is filed under its new one as well.
pub(super) fn file_edits(board: &Board<'_>, store: &Store) -> Result<()> {
    for phase in 0..board.phases.len() {
        let edited = board.cells(phase).filter_map(|(root, _, cell)| {
            let current = cell.decision.file.as_ref()?;
            let adopted = board.wishes.adopt != Adopt::No && current.key == cell.content.short();
            (!adopted).then_some((root, cell, current))
        });
        let edits: Vec<_> = edited
            .map(|(root, cell, current)| (&*cell.id, root, full_key(cell.content, current), current))
            .collect();
        file(board, phase, Provenance::Edited, &edits, store)?;
        let claimed = board.cells(phase).filter(|(.., cell)| cell.decision.claimed);
        let mut moved: Vec<(Provenance, &str, usize, Digest, &Current)> = claimed
            .filter_map(|(root, _, cell)| {
                cell.decision
                    .current
                    .as_ref()
                    .map(|current| (current.provenance, &*cell.id, root, made_under(cell, current), current))
            })
            .collect();
        moved.sort_by_key(|(provenance, ..)| *provenance as u8);
        for group in moved.chunk_by(|a, b| a.0 == b.0) {
            let items: Vec<_> = group
                .iter()
                .map(|(_, id, root, content, current)| (*id, *root, *content, *current))
                .collect();
            file(board, phase, group[0].0, &items, store)?;
        }
    }
    Ok(())
}

/// The whole key that a result was made under: the item's own, or one that counts as it.
fn made_under(cell: &Cell, current: &Current) -> Digest {
    let same = cell.decision.same.iter().find(|same| same.short() == current.key);
    same.copied().filter(|_| cell.content.short() != current.key).unwrap_or(cell.content)
}

/// A whole key for an edit's short one: the item's own where they agree, else the short one with zeros behind it.
pub(super) fn full_key(content: Digest, current: &Current) -> Digest {
    if content.short() == current.key {
        return content;
    }
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(current.key.as_bytes());
    Digest::from_bytes(bytes)
}

pub(super) fn file(
    board: &Board<'_>,
    phase: usize,
    provenance: Provenance,
    items: &[(&str, usize, Digest, &Current)],
    store: &Store,
) -> Result<()> {
    if !items.is_empty() {
        store.keep(&filed(board, phase, provenance, items)?)?;
    }
    Ok(())
}

/// The entry of results that no call brought: each with its id, root, content key and output. Wants at least one.
pub(super) fn filed(
    board: &Board<'_>,
    phase: usize,
    provenance: Provenance,
    items: &[(&str, usize, Digest, &Current)],
) -> Result<Entry> {
    let (Some(first), Some(last)) = (items.first(), items.last()) else {
        return Err(Problem::internal("nothing was to be filed"));
    };
    let rule = board.rule(phase);
    let now = now_ms();
    let asked = items.iter().map(|(id, root, content, _)| AskedItem {
        id: (*id).into(),
        root: board.phases[phase].roots[*root].clone(),
        content: *content,
        parts: Vec::new(),
        refused: Vec::new(),
        supersedes: None,
        input: Value::Null,
    });
    let results = items
        .iter()
        .enumerate()
        .map(|(item, (id, root, _, current))| {
            let output = board.lifted(phase, id, &board.phases[phase].roots[*root], &current.text)?;
            Ok(Stored { item, digest: current.digest, output: output.to_string() })
        })
        .collect::<Result<_>>()?;
    Ok(Entry {
        intent: Intent {
            call: String::new(),
            course: board.course.code.clone(),
            phase: rule.name.clone(),
            label: rule.name.clone(),
            scope: if items.len() == 1 { first.0.to_owned() } else { format!("{}-{}", first.0, last.0) },
            attempt: 0,
            generator: String::new(),
            model: None,
            asked_ms: now,
            shape: AnswerShape { object: true, ..AnswerShape::default() },
            recipe: Vec::new(),
            hints: Vec::new(),
            checks: board.phases[phase].checks.digest(),
            texts: None,
            trial: false,
            items: asked.collect(),
        },
        provenance,
        ended: Ended::Filed,
        ended_ms: now,
        meters: Meters::default(),
        money_usd: None,
        model: None,
        stderr: String::new(),
        raw: None,
        results,
    })
}

/// Keeps what stands in main files for items that are no more: what nobody knows is filed as an edit before it goes.
pub(super) fn keep_orphans(
    board: &Board<'_>,
    memory: &Memory<'_>,
    lock: &LockFile,
    store: &Store,
    emit: &mut dyn FnMut(&Event),
) -> Result<()> {
    for phase in 0..board.phases.len() {
        let rule = board.rule(phase);
        let present: HashSet<&str> = board.cells(phase).map(|(.., cell)| &*cell.id).collect();
        let lines = lock.lock().and_then(|lock| lock.phases.get(&rule.name));
        let (mut gone, mut kept) = (0, Vec::new());
        for id in board.phases[phase].main.ids().filter(|id| !present.contains(id)) {
            gone += 1;
            let Some(Ok(mut value)) = board.phases[phase].main.get(id).map(serde_json::from_str::<Value>)
            else {
                continue;
            };
            let root = board.phases[phase]
                .roots
                .iter()
                .filter(|root| id.starts_with(&***root))
                .max_by_key(|root| root.len());
            let root = root.map_or(id, |root| root);
            rule.output.take_in(&mut value, Ids { id, root });
            let digest = output_digest(&value);
            let locked =
                lines.and_then(|lines| lines.lines.get(id)).is_some_and(|line| line.digest == digest.short());
            if !locked && !memory.knows(board, phase, id, digest)? {
                let current = Current {
                    digest,
                    text: Text::Lifted(value.to_string().into()),
                    provenance: Provenance::Edited,
                    key: Short::default(),
                    unchecked: true,
                };
                kept.push((id.to_owned(), current));
            }
        }
        let edits: Vec<_> =
            kept.iter().map(|(id, current)| (id.as_str(), 0, Digest::default(), current)).collect();
        if !board.phases[phase].roots.is_empty() {
            file(board, phase, Provenance::Edited, &edits, store)?;
        }
        if gone > 0 {
            let unknown = if kept.is_empty() {
                String::new()
            } else {
                format!("; {} of them written by hand: kept in the store", kept.len())
            };
            let (items, are, leave) =
                if gone == 1 { ("item", "is", "leaves") } else { ("items", "are", "leave") };
            let file = &rule.output.file;
            emit(&Event::Warning {
                message: format!(
                    "{gone} {items} of `{file}` {are} no more in the course and {leave} it{unknown}"
                ),
            });
        }
    }
    Ok(())
}

/// Writes the main files and the lock of a course, where their bytes change, and the tables that save the next run work.
pub(super) fn link(board: &Board<'_>, lock: &LockFile, root: &Path, state: &Path) -> Result<Vec<Told>> {
    let mut told = Vec::new();
    let mut lines = Vec::new();
    for phase in 0..board.phases.len() {
        let main = &board.phases[phase].main;
        let (places, items) = linked_items(board, phase);
        let mut changed = false;
        if !items.is_empty() || !main.is_absent() {
            let firsts = board.linked_firsts(phase);
            let derive = |number: usize, value: &mut Value| {
                let (root, at) = places[number];
                board.derive(phase, root, at, value, &firsts);
            };
            let written = write_main_file(main, &board.rule(phase).output, &items, &derive)?;
            changed = written.changed;
            tables::write(board, phase, &written, state)?;
        }
        told.push(Told { path: shown(&main.path, root), items: items.len(), written: changed });
        lines.push(lock_lines(board, phase));
    }
    let phases: Vec<PhaseLines<'_>> = (0..board.phases.len())
        .map(|phase| {
            let checks =
                Some(board.phases[phase].checks.digest().short()).filter(|_| !lines[phase].is_empty());
            (board.rule(phase).name.as_str(), checks, lines[phase].as_slice())
        })
        .collect();
    let old = match lock {
        LockFile::Readable(_, bytes) => Some(bytes.as_slice()),
        _ => None,
    };
    if old.is_some() || lines.iter().any(|lines| !lines.is_empty()) {
        let authors: Vec<_> = (0..board.phases.len()).map(|phase| board.linked_authors(phase)).collect();
        write_lock(&board.course.dir.join(LOCK_NAME), &phases, &authors, old)?;
    }
    Ok(told)
}

/// What a main file is to hold, with the root and the number of each item.
pub(super) fn linked_items(board: &Board<'_>, phase: usize) -> (Vec<(usize, usize)>, Vec<Item>) {
    let roots = &board.phases[phase].roots;
    let linked = board.cells(phase).filter_map(|(root, at, cell)| {
        let text = cell.decision.linked.as_ref()?.text.clone();
        Some(((root, at), Item { id: cell.id.clone(), root: roots[root].clone(), text }))
    });
    linked.unzip()
}

type LockLine = (Arc<str>, Option<Line>, Option<Failed>);

fn lock_lines(board: &Board<'_>, phase: usize) -> Vec<LockLine> {
    let checks = board.phases[phase].checks.digest().short();
    let line = |current: &Current, fresh: bool, as_found: bool| Line {
        key: current.key,
        digest: current.digest.short(),
        provenance: current.provenance,
        unchecked: (!fresh || current.unchecked)
            && matches!(current.provenance, Provenance::Generated | Provenance::Adopted),
        as_found,
    };
    let compares = board.phases[phase].checks.blames_others();
    board
        .cells(phase)
        .filter_map(|(root, at, cell)| {
            let compared = !compares || root < board.settled(phase);
            let fresh = cell.decision.verdict == Verdict::Fresh && compared;
            let as_found = board.is_as_found(phase, root, at);
            let stands = cell.decision.linked.as_ref().map(|current| line(current, fresh, as_found));
            let failed = matches!(cell.decision.verdict, Verdict::Failed(_))
                .then(|| Failed { key: cell.content.short(), checks });
            (stands.is_some() || failed.is_some()).then(|| (cell.id.clone(), stands, failed))
        })
        .collect()
}

/// A path as people name it: relative to the workspace where it is inside.
pub(super) fn shown(path: &Path, root: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).display().to_string()
}

/// What is left, held and failed, as a summary lists it.
pub(super) fn tell_state(boards: &[Board<'_>], summary: &mut Summary) {
    const MOST: usize = 100;
    let mut failed_batches = BTreeSet::new();
    for (number, board) in boards.iter().enumerate() {
        let course: &Course = board.course;
        for phase in 0..board.phases.len() {
            let rule = board.rule(phase);
            for (position, (root, _, cell)) in board.cells(phase).enumerate() {
                let target = || format!("{}/{}/{}", course.code, rule.name, cell.id);
                match &cell.decision.verdict {
                    Verdict::Fresh => {}
                    Verdict::Held(held) => {
                        summary.items_held += 1;
                        summary.items_out_of_reach += usize::from(*held == Held::OutOfReach);
                        if summary.held.len() < MOST {
                            summary.held.push(format!("{}: {}", target(), held_words(held)));
                        }
                    }
                    Verdict::Failed(_) => {
                        summary.items_failed += 1;
                        let batch = board.phases[phase].batches.batch_of(root, position);
                        failed_batches.insert((number, phase, batch));
                    }
                    verdict => {
                        summary.items_left += 1;
                        if summary.left.len() < MOST {
                            summary.left.push(format!("{}: {}", target(), verdict.name()));
                        }
                    }
                }
            }
        }
    }
    let name = |(course, phase, batch): (usize, usize, usize)| {
        let board = &boards[course];
        format!("{}/{}/{batch}", board.course.code, board.rule(phase).name)
    };
    summary.failed_batches = failed_batches.into_iter().map(name).collect();
}

/// Why an item is held, in words.
pub(super) fn held_words(held: &Held) -> String {
    match held {
        Held::Findings(findings) => match findings.first() {
            Some(finding) => format!("fails `{}`: {}", finding.kind, finding.message),
            None => "fails a check".to_owned(),
        },
        Held::Moved(reasons) if reasons.contains(&Reason::Pinned) => {
            "is pinned, and what it is made from has changed since (`coursebuild unpin` lets it go)"
                .to_owned()
        }
        Held::Moved(_) => "was edited by hand, and what it is made from has changed since".to_owned(),
        Held::Conflict(conflict) if conflict.fields.is_empty() => {
            "was edited by hand, and together with what was generated since it fails a check".to_owned()
        }
        Held::Conflict(conflict) => {
            let fields: Vec<String> = conflict.fields.iter().map(|clash| format!("`{}`", clash.at)).collect();
            format!(
                "was edited by hand, and what was generated since differs from it at {}",
                fields.join(", ")
            )
        }
        Held::OutOfReach => "the shared store may have it, and is out of reach".to_owned(),
        Held::Unexplained => "nothing tells where it comes from".to_owned(),
    }
}
