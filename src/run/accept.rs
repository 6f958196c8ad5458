//! `accept`: which edits are outstanding, and one of them declared to be without effect.

use super::decisions::{Effect, NamedItems, change, whole_plan};
use super::options::Options;
use super::session::Session;
use crate::course::{Accepted, Edit};
use crate::diag::{Problem, Result};
use crate::plan::{Bounds, Change, Outstanding, Selection, outline, outstanding, part_words};
use serde::Serialize;

/// What `accept` is to do.
#[derive(Debug, Clone, Default)]
pub struct AcceptOptions {
    /// Parts, or what their names begin with.
    pub parts: Vec<String>,
    /// Only in these phases.
    pub phases: Vec<String>,
    /// Why.
    pub reason: String,
}

/// Edits that nobody has accepted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OutstandingEdits {
    /// One a part and phase of a course.
    pub edits: Vec<OutstandingEdit>,
    /// Items that would be kept if all were accepted.
    pub all: usize,
    /// Items of which nothing here knows what they were made from.
    pub unknown: usize,
    /// Calls that a build would make now.
    pub calls: Bounds,
}

/// One edit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OutstandingEdit {
    /// The course's code.
    pub course: String,
    /// The phase.
    pub phase: String,
    /// The key part, as `accept` takes it.
    pub part: String,
    /// The same in words, with what happened to it.
    pub text: String,
    /// Items that it holds up.
    pub items: usize,
    /// Those of them that nothing else does: accepting it alone keeps them.
    pub alone: usize,
}

/// The edits that hold up items and that nobody has accepted. Changes nothing.
pub fn outstanding_edits(options: &Options) -> Result<OutstandingEdits> {
    let session = Session::open(options, None)?;
    let memories = session.memories();
    let boards = session.boards(options, &Selection::default(), &memories)?;
    let plan = outline(&boards.iter().zip(&memories).collect::<Vec<_>>())?;
    let mut told = OutstandingEdits { edits: Vec::new(), all: 0, unknown: 0, calls: plan.calls };
    for (board, memory) in boards.iter().zip(&memories) {
        for phase in 0..board.phases.len() {
            let Outstanding { changes, all, unknown } = outstanding(board, phase, memory)?;
            told.all += all;
            told.unknown += unknown;
            told.edits.extend(changes.into_iter().map(|(change, (items, alone))| OutstandingEdit {
                course: board.course.code.clone(),
                phase: board.rule(phase).name.clone(),
                text: words(&change),
                part: change.part,
                items,
                alone,
            }));
        }
    }
    Ok(told)
}

fn words(change: &Change) -> String {
    let did = match (change.old, change.new) {
        (None, _) => "was added",
        (_, None) => "was removed",
        _ => "changed",
    };
    format!("{} {did}", part_words(&change.part))
}

/// Declares outstanding edits to be without effect.
pub fn accept(options: &Options, wanted: &AcceptOptions) -> Result<Effect> {
    let session = Session::open(options, None)?;
    let memories = session.memories();
    let boards = session.boards(options, &Selection::default(), &memories)?;
    let before = outline(&boards.iter().zip(&memories).collect::<Vec<_>>())?;
    let known = &session.workspace.accepted;
    let (mut edits, mut others) = (Vec::new(), Vec::new());
    for (board, memory) in boards.iter().zip(&memories) {
        for phase in 0..board.phases.len() {
            let name = &board.rule(phase).name;
            let number = known.edits_of(name).iter().map(|edit| edit.number).max().unwrap_or_default() + 1;
            for change in outstanding(board, phase, memory)?.changes.into_keys() {
                let chosen = wanted.phases.is_empty() || wanted.phases.contains(name);
                if !chosen || !wanted.parts.iter().any(|part| is_named(part, &change.part)) {
                    others.push(change.part);
                    continue;
                }
                let Change { part, old, new, after } = change;
                let (phase, reason) = (name.clone(), wanted.reason.clone());
                edits.push(Edit { phase, number, part, old, new, after, reason });
            }
        }
    }
    if edits.is_empty() {
        return Err(no_such_edit(&wanted.parts, others));
    }
    let added = Accepted::new(edits, Vec::new(), Vec::new());
    let what = added.edits().iter().map(|edit| format!("{} of {}", part_words(&edit.part), edit.phase));
    let what: Vec<String> = what.collect();
    let all = (**known).clone().union(added);
    change(options, &session.workspace, &all, what, Some(&before))
}

fn no_such_edit(parts: &[String], mut others: Vec<String>) -> Problem {
    let named: Vec<String> = parts.iter().map(|part| format!("`{part}`")).collect();
    others.sort();
    others.dedup();
    let hint = match &others[..] {
        [] => {
            "nothing that could be accepted has changed; `coursebuild plan` tells why items are to be bought"
                .to_owned()
        }
        others => {
            let named: Vec<String> = others.iter().take(8).map(|part| format!("`{part}`")).collect();
            format!("what has changed: {}", named.join(", "))
        }
    };
    Problem::author(format!("no outstanding edit is called {}", named.join(" or "))).hint(hint)
}

/// Whether a part is what was typed, or inside of it: a document for all its sections, with or without `document/`.
fn is_named(typed: &str, part: &str) -> bool {
    let inside = |whole: &str| {
        let rest = part.strip_prefix(whole.trim_end_matches('/'));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    !typed.is_empty() && (inside(typed) || inside(&format!("document/{}", typed.trim_start_matches("./"))))
}

/// Takes acceptances back.
pub fn revoke_accepted(options: &Options, wanted: &AcceptOptions) -> Result<Effect> {
    let workspace = crate::course::load(&options.manifest, &options.environment)?;
    let named = |edit: &Edit| {
        (wanted.phases.is_empty() || wanted.phases.contains(&edit.phase))
            && wanted.parts.iter().any(|part| is_named(part, &edit.part))
    };
    let known = &workspace.accepted;
    let (gone, kept): (Vec<Edit>, Vec<Edit>) = known.edits().iter().cloned().partition(named);
    if gone.is_empty() {
        return Err(Problem::author(format!("no accepted edit is called `{}`", wanted.parts.join("` or `")))
            .hint("`coursebuild accept --list` lists them"));
    }
    let what = gone.iter().map(|edit| format!("{} of {}", part_words(&edit.part), edit.phase)).collect();
    let all = Accepted::new(kept, known.waivers().to_vec(), known.pins().to_vec());
    let before = whole_plan(options)?;
    change(options, &workspace, &all, what, Some(&before))
}

/// Takes waivers back that a target names.
pub fn revoke_waived(options: &Options, targets: &[String], check: Option<&str>) -> Result<Effect> {
    let workspace = crate::course::load(&options.manifest, &options.environment)?;
    let known = &workspace.accepted;
    let items = NamedItems::of(options);
    let (gone, kept): (Vec<_>, Vec<_>) = known.waivers().iter().cloned().partition(|waiver| {
        items.covers(targets, (&waiver.course, &waiver.phase, &waiver.item), waiver.root.as_deref())
            && check.is_none_or(|check| *check == *waiver.check)
    });
    if gone.is_empty() {
        return Err(Problem::author(format!("nothing is waived of `{}`", targets.join("`, `")))
            .hint("`coursebuild waive --list` lists what is"));
    }
    let what =
        gone.iter().map(|gone| format!("{}/{}/{}: {}", gone.course, gone.phase, gone.item, gone.check));
    let what = what.collect();
    let all = Accepted::new(known.edits().to_vec(), kept, known.pins().to_vec());
    let before = whole_plan(options)?;
    change(options, &workspace, &all, what, Some(&before))
}

#[cfg(test)]
mod tests {
    use super::is_named;

    #[test]
    fn parts_are_named_whole_or_by_what_holds_them() {
        let part = "document/docs/x.md/Guide / Tiling";
        for typed in
            [part, "document/docs/x.md", "docs/x.md", "./docs/x.md", "docs", "docs/x.md/Guide / Tiling"]
        {
            assert!(is_named(typed, part), "{typed}");
        }
        for typed in ["docs/x", "x.md", "document/docs/x.md/Guide", "model", ""] {
            assert!(!is_named(typed, part), "{typed}");
        }
        assert!(is_named("model", "model") && !is_named("model", "model parameters"));
    }
}
