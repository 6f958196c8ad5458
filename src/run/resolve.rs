//! A person decides what stands for an item: the edit, what was generated since, the two merged by hand, or an earlier generation.
//!
//! A decision is a result that is filed anew: so it is kept, listed, and taken back by another one. Nothing is bought.

use super::generations::{ItemGeneration, numbered, of_item};
use super::look::{Named, named, phases_of, targets};
use super::options::Options;
use super::session::Session;
use super::{finish, hold};
use crate::diag::{Problem, Result};
use crate::digest::Digest;
use crate::fs;
use crate::json::{Ids, Value, read_collection};
use crate::link::Text;
use crate::plan::{Board, Cell, Current, Decision, Held, Memory, Selection, Verdict, output_digest};
use crate::store::{Provenance, RESOLVED, Store};
use serde::Serialize;
use std::path::PathBuf;
use std::sync::Arc;

/// What is to stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// What stands now: the edit.
    Mine,
    /// What was generated from the present inputs.
    Theirs,
    /// The item's JSON in a file (absolute).
    Merged(PathBuf),
    /// An earlier result, by its number in the item's history.
    Generation(usize),
    /// What stood before the last decision.
    Revoke,
}

/// A decision that was taken.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Resolved {
    /// The item, as a target.
    pub target: String,
    /// The digest of what stands now.
    pub digest: Digest,
    /// Where that comes from.
    pub provenance: Provenance,
    /// What the item is now: `fresh`, `held` or `stale`.
    pub verdict: String,
    /// Why it is held or stale, in words.
    pub why: Option<String>,
}

/// An item about which there is something to decide, or was.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Decidable {
    /// The item, as a target.
    pub target: String,
    /// `conflict`, `moved` (a held edit whose key moved), or `resolved`.
    pub state: &'static str,
    /// In words.
    pub what: String,
}

/// Decides over the items that the targets name.
pub fn resolve(options: &Options, choice: &Choice) -> Result<Vec<Resolved>> {
    let _held = hold(options)?;
    let mut session = Session::open(options, Some(&mut |_| ()))?;
    let resolved = decide(&session, options, choice)?;
    if let Some(store) = Arc::get_mut(&mut session.store) {
        store.flush()?;
    }
    Ok(resolved)
}

fn decide(session: &Session, options: &Options, choice: &Choice) -> Result<Vec<Resolved>> {
    let memories = session.memories();
    let mut boards = session.boards(options, &Selection::default(), &memories)?;
    for board in &mut boards {
        finish::file_edits(board, &session.store)?;
        board.forget_filed();
    }
    let mut told = Vec::new();
    for target in targets(options, &boards)? {
        let memory = &memories[target.course];
        for phase in phases_of(&boards[target.course], &target) {
            let board = &mut boards[target.course];
            let places = chosen(board, phase, named(board, phase, &target.what)?, choice)?;
            for (root, at) in places {
                told.push(one(board, memory, &session.store, phase, (root, at), choice)?);
            }
        }
    }
    if told.is_empty() {
        return Err(Problem::author("there is nothing to decide about these items")
            .hint("`coursebuild resolve --list` names those that wait for a decision"));
    }
    for ((board, memory), lock) in boards.iter().zip(&memories).zip(&session.locks) {
        finish::keep_orphans(board, memory, lock, &session.store, &mut |_| ())?;
        finish::link(board, lock, &session.workspace.root, &session.state)?;
    }
    Ok(told)
}

/// Of several items, those that wait for a decision; a single one as it is. A pin is a decision already, and goes before any other:
/// what is pinned waits for none, and is not decided about before it is let go.
fn chosen(board: &Board<'_>, phase: usize, items: Named<'_>, choice: &Choice) -> Result<Vec<(usize, usize)>> {
    let all = items.len() == 1 || matches!(choice, Choice::Generation(_) | Choice::Revoke);
    if let Some((.., cell)) = items.iter().find(|(.., cell)| all && is_pinned(board, phase, &cell.id)) {
        let target = format!("{}/{}/{}", board.course.code, board.rule(phase).name, cell.id);
        return Err(Problem::author(format!("`{target}` is pinned"))
            .because("a pinned result stands whatever is decided about its item")
            .hint(format!(
                "let it go first: `coursebuild unpin {target}`; what is to stand can be pinned again then"
            )));
    }
    let waits = |cell: &Cell| {
        matches!(&cell.decision.verdict, Verdict::Held(Held::Moved(_) | Held::Conflict(_)))
            && !is_pinned(board, phase, &cell.id)
    };
    let wanted = items.into_iter().filter(|(.., cell)| all || waits(cell));
    Ok(wanted.map(|(root, at, _)| (root, at)).collect())
}

fn is_pinned(board: &Board<'_>, phase: usize, id: &str) -> bool {
    let course = board.course;
    course.accepted.pin_of(&course.code, &board.rule(phase).name, id).is_some()
}

fn one(
    board: &mut Board<'_>,
    memory: &Memory<'_>,
    store: &Store,
    phase: usize,
    (root, at): (usize, usize),
    choice: &Choice,
) -> Result<Resolved> {
    let cell = &board.phases[phase].slots[root].cells[at];
    let target = format!("{}/{}/{}", board.course.code, board.rule(phase).name, cell.id);
    if let Verdict::Pending(on) = &cell.decision.verdict {
        return Err(Problem::author(format!("`{target}` waits for `{}`", on.join("`, `")))
            .hint("decide about it once what it is made from is there"));
    }
    let history = of_item(board, memory, phase, (root, cell))?;
    let stood = history.iter().find(|generation| generation.stands).map(|generation| generation.digest);
    let (text, provenance, content) = picked(board, memory, phase, (root, at), choice, history, &target)?;
    let cell = &board.phases[phase].slots[root].cells[at];
    let (id, counts) = (cell.id.clone(), cell.contents().any(|own| own == content));
    let value: Value = serde_json::from_str(&text)
        .map_err(|e| Problem::internal(format!("a result of `{target}` is not JSON")).because(e))?;
    let detail = board
        .detail_of(phase, root, at)?
        .ok_or_else(|| Problem::internal("an item that waits was decided about"))?;
    let errors: Vec<_> =
        board.judge(phase, &detail, &text).into_iter().filter(crate::check::Finding::is_error).collect();
    // A person stands for what fails a check: it is held, never bought over.
    let provenance = if errors.is_empty() { provenance } else { Provenance::Edited };
    let current = Current {
        digest: output_digest(&value),
        text: Text::Lifted(text),
        provenance,
        key: content.short(),
        unchecked: false,
    };
    file(board, store, phase, (root, &id), content, &current, stood)?;
    let decision = Decision::fresh(current.clone());
    let verdict = match (counts, errors.is_empty()) {
        (true, true) => Verdict::Fresh,
        (true, false) => Verdict::Held(Held::Findings(errors)),
        (false, _) => Verdict::Held(Held::Moved(Vec::new())),
    };
    // It is shown until a build comes; nobody holds what nobody wrote.
    let is_stale = !counts && provenance == Provenance::Generated;
    let told = Resolved {
        target,
        digest: current.digest,
        provenance,
        verdict: if is_stale { "stale" } else { verdict.name() }.to_owned(),
        why: match &verdict {
            _ if is_stale => Some("it was generated from other inputs; a build asks for it again".to_owned()),
            Verdict::Held(held) => Some(finish::held_words(held)),
            _ => None,
        },
    };
    board.phases[phase].slots[root].cells[at].decision = Decision { verdict, ..decision };
    Ok(told)
}

/// What is chosen: its lifted text, its provenance, and the content key that it is to stand under.
fn picked(
    board: &Board<'_>,
    memory: &Memory<'_>,
    phase: usize,
    (root, at): (usize, usize),
    choice: &Choice,
    history: Vec<ItemGeneration>,
    target: &str,
) -> Result<(Arc<str>, Provenance, Digest)> {
    let cell = &board.phases[phase].slots[root].cells[at];
    let root_id = &board.phases[phase].roots[root];
    match choice {
        Choice::Mine => {
            let standing = cell.decision.current.as_ref().or(cell.decision.linked.as_ref());
            let standing = standing.ok_or_else(|| nothing(target, "stands"))?;
            Ok((board.lifted(phase, &cell.id, root_id, &standing.text)?, Provenance::Edited, cell.content))
        }
        Choice::Theirs => {
            let results: Vec<_> = memory.store().index()?.results(&cell.content).collect();
            let mut own = results.into_iter().rev().filter(|known| *known.id == *cell.id);
            let known = own.find(|known| known.provenance == Provenance::Generated);
            let known = known.ok_or_else(|| {
                nothing(target, "was generated from the present inputs")
                    .hint("`coursebuild build --refresh-edited` buys it and merges what can be merged")
            })?;
            Ok((memory.store().output(&known)?.into(), Provenance::Generated, cell.content))
        }
        Choice::Merged(path) => {
            let text = fs::read_text(path)?
                .ok_or_else(|| Problem::author(format!("there is no file `{}`", path.display())))?;
            let mut value = item_value(board, phase, &cell.id, &text, path)?;
            board.rule(phase).output.take_in(&mut value, Ids { id: &cell.id, root: root_id });
            Ok((value.to_string().into(), Provenance::Edited, cell.content))
        }
        Choice::Generation(number) => {
            let generation = numbered(history, *number, &cell.id)?;
            // What was made from other inputs stands by a person's word.
            let provenance = if generation.present_key { generation.provenance } else { Provenance::Edited };
            Ok((generation.text, provenance, cell.content))
        }
        Choice::Revoke => before(board, memory, phase, &cell.id, target),
    }
}

/// What stood before the last decision, under the key that it stood under.
fn before(
    board: &Board<'_>,
    memory: &Memory<'_>,
    phase: usize,
    id: &str,
    target: &str,
) -> Result<(Arc<str>, Provenance, Digest)> {
    let index = memory.store().index()?;
    let mut results: Vec<_> = index
        .history(&board.course.code, &board.rule(phase).name, id)
        .into_iter()
        .filter_map(|asked| asked.result)
        .collect();
    let decided = |known: &crate::store::Known| {
        index.source_of(known.entry).is_some_and(|source| &*source.generator == RESOLVED)
    };
    let last = results.iter().rposition(decided).ok_or_else(|| nothing(target, "was decided"))?;
    let stood = results[last].supersedes;
    results.truncate(last);
    let known = results.into_iter().rev().find(|known| Some(known.digest) == stood);
    let known =
        known.ok_or_else(|| nothing(target, "stood before the last decision, as far as the store knows,"))?;
    Ok((memory.store().output(&known)?.into(), known.provenance, known.content))
}

fn nothing(target: &str, what: &str) -> Problem {
    Problem::author(format!("nothing {what} for `{target}`"))
}

/// An item's value from a file: as it stands in the main file, or alone in the collection's shape as `show` prints it.
fn item_value(
    board: &Board<'_>,
    phase: usize,
    id: &str,
    text: &str,
    path: &std::path::Path,
) -> Result<Value> {
    let shape = &board.rule(phase).output.shape;
    let bare = crate::json::Shape { at: crate::json::Pointer::default(), ..shape.clone() };
    for shape in [shape, &bare] {
        let Ok(read) = read_collection(text, shape) else { continue };
        if let [element] = &read.elements[..] {
            let value: Value = serde_json::from_str(element.raw).unwrap_or_default();
            let own = element.key.as_deref().or_else(|| shape.id.get(&value).and_then(Value::as_str));
            if own == Some(id) {
                return Ok(value);
            }
        }
    }
    serde_json::from_str(text).map_err(|e| {
        Problem::author(format!("`{}` is not JSON", path.display()))
            .because(e)
            .hint(format!("write the item as `coursebuild show` prints it for `{id}`"))
    })
}

fn file(
    board: &Board<'_>,
    store: &Store,
    phase: usize,
    (root, id): (usize, &str),
    content: Digest,
    current: &Current,
    stood: Option<Digest>,
) -> Result<()> {
    let mut entry = finish::filed(board, phase, current.provenance, &[(id, root, content, current)])?;
    entry.intent.generator = RESOLVED.to_owned();
    // No attempt: it is counted under no checks.
    entry.intent.checks = Digest::default();
    entry.intent.items.iter_mut().for_each(|item| item.supersedes = stood);
    store.keep(&entry)?;
    Ok(())
}

/// What waits for a decision, and what was decided. Changes nothing.
pub fn decidable(options: &Options) -> Result<Vec<Decidable>> {
    let session = Session::open(options, None)?;
    let memories = session.memories();
    let boards = session.boards(options, &Selection::default(), &memories)?;
    let mut told = Vec::new();
    for (board, memory) in boards.iter().zip(&memories) {
        for phase in 0..board.phases.len() {
            let name = &board.rule(phase).name;
            let decided = super::generations::decided(memory, &board.course.code, name)?;
            for (.., cell) in board.cells(phase) {
                if is_pinned(board, phase, &cell.id) {
                    continue;
                }
                let (state, what) = match &cell.decision.verdict {
                    Verdict::Held(held @ Held::Conflict(_)) => ("conflict", finish::held_words(held)),
                    Verdict::Held(held @ Held::Moved(_)) => ("moved", finish::held_words(held)),
                    _ if decided.contains(&cell.id) => ("resolved", "stands by a decision".to_owned()),
                    _ => continue,
                };
                let target = format!("{}/{name}/{}", board.course.code, cell.id);
                told.push(Decidable { target, state, what });
            }
        }
    }
    Ok(told)
}
