//! Why items stand as they do: from the verdict to the part of the key that changed, to the edit itself, and to the item of the
//! phase before where the change comes from.

use super::finish::held_words;
use super::look::{named, phases_of, targets, with_boards};
use super::options::Options;
use super::views::{Why, WhyReason};
use crate::check::Finding;
use crate::diag::Result;
use crate::json::Value;
use crate::plan::{
    Board, Cell, Current, Held, Memory, PartTexts, Reason, Verdict, explain, part_texts, words,
};
use crate::store::Provenance;
use std::collections::BTreeMap;

/// Why each item of the selected targets stands as it does. Changes nothing.
pub fn why(options: &Options) -> Result<Vec<Why>> {
    with_boards(options, |_, boards, memories| {
        let mut whys = Vec::new();
        for target in targets(options, boards)? {
            let (board, memory) = (&boards[target.course], &memories[target.course]);
            for phase in phases_of(board, &target) {
                for (root, at, cell) in named(board, phase, &target.what)? {
                    whys.push(why_of(board, (phase, root, at), cell, memory)?);
                }
            }
        }
        Ok(whys)
    })
}

fn why_of(
    board: &Board<'_>,
    (phase, root, at): (usize, usize, usize),
    cell: &Cell,
    memory: &Memory<'_>,
) -> Result<Why> {
    let mut texts = part_texts(board, phase, root, at, memory)?;
    let mut reasons: Vec<WhyReason> = explain(board, phase, root, at, memory)?
        .into_iter()
        .map(|reason| told(&reason, &mut texts))
        .collect();
    let mut upstream = Vec::new();
    let findings = match &cell.decision.verdict {
        Verdict::Missing => {
            reasons = plain("it was never built".to_owned());
            Vec::new()
        }
        Verdict::Pending(on) => {
            let on: Vec<String> = on.iter().map(|id| format!("`{id}`")).collect();
            reasons = plain(format!("it waits for {}", on.join(", ")));
            upstream = waits_for(board, phase, root, cell, memory)?;
            Vec::new()
        }
        Verdict::Rejected(findings) | Verdict::Failed(findings) | Verdict::Held(Held::Findings(findings)) => {
            findings.clone()
        }
        Verdict::Held(held) => {
            reasons.splice(0..0, plain(held_words(held)));
            reasons.extend(conflict_words(held).into_iter().flat_map(plain));
            Vec::new()
        }
        Verdict::Fresh => warnings(board, phase, root, at, cell)?,
        Verdict::Stale(_) => Vec::new(),
    };
    let by_input = |why: &WhyReason| why.part.as_deref().is_some_and(|part| part.starts_with("input"));
    if reasons.iter().any(by_input) {
        upstream.extend(made_from(board, phase, root, cell));
    }
    Ok(Why { target: target(board, phase, cell), verdict: name(cell), reasons, findings, upstream })
}

fn told(reason: &Reason, texts: &mut BTreeMap<String, PartTexts>) -> WhyReason {
    let text = words(reason);
    let Reason::Part { name, old, new } = reason else { return WhyReason { text, ..WhyReason::default() } };
    let PartTexts { before, now } = texts.remove(name).unwrap_or_default();
    let short = |digest: &Option<crate::digest::Digest>| digest.map(|digest| digest.short().to_string());
    WhyReason { text, part: Some(name.clone()), old: short(old), new: short(new), before, now }
}

fn plain(text: String) -> Vec<WhyReason> {
    vec![WhyReason { text, ..WhyReason::default() }]
}

fn target(board: &Board<'_>, phase: usize, cell: &Cell) -> String {
    format!("{}/{}/{}", board.course.code, board.rule(phase).name, cell.id)
}

fn name(cell: &Cell) -> String {
    cell.decision.verdict.name().to_owned()
}

/// The items of the phase before that an item waits for, and why they stand as they do.
fn waits_for(
    board: &Board<'_>,
    phase: usize,
    root: usize,
    cell: &Cell,
    memory: &Memory<'_>,
) -> Result<Vec<Why>> {
    let Some(feed) = board.graph.node(phase).feed else { return Ok(Vec::new()) };
    let Some((at, upstream)) = fed_by(board, feed, root, cell) else { return Ok(Vec::new()) };
    if upstream.decision.verdict == Verdict::Fresh {
        return Ok(Vec::new());
    }
    Ok(vec![why_of(board, (feed, root, at), upstream, memory)?])
}

/// The item of the phase before that an input comes from, and how its result came to be.
fn made_from(board: &Board<'_>, phase: usize, root: usize, cell: &Cell) -> Option<Why> {
    let feed = board.graph.node(phase).feed?;
    let (_, upstream) = fed_by(board, feed, root, cell)?;
    let how = came_from(board, feed, upstream.decision.current.as_ref()?);
    Some(Why {
        target: target(board, feed, upstream),
        verdict: name(upstream),
        reasons: plain(format!("its result {how}")),
        findings: Vec::new(),
        upstream: Vec::new(),
    })
}

fn fed_by<'b>(board: &'b Board<'_>, feed: usize, root: usize, cell: &Cell) -> Option<(usize, &'b Cell)> {
    let at = cell.from as usize;
    Some((at, board.phases[feed].slots.get(root)?.cells.get(at)?))
}

fn came_from(board: &Board<'_>, phase: usize, current: &Current) -> String {
    let file = &board.rule(phase).output.file;
    match current.provenance {
        Provenance::Generated | Provenance::Trial => "was generated anew".to_owned(),
        Provenance::Adopted => format!("was adopted from `{file}`"),
        Provenance::Edited => format!("was edited by hand in `{file}`"),
        Provenance::Accepted => "stands for an accepted edit".to_owned(),
    }
}

/// What clashes, and what the two together fail.
fn conflict_words(held: &Held) -> Vec<String> {
    let Held::Conflict(conflict) = held else { return Vec::new() };
    let text = |value: &Option<Value>| value.as_ref().map_or("nothing".to_owned(), Value::to_string);
    let clashes = conflict.fields.iter().map(|clash| {
        let (base, mine, theirs) = (text(&clash.base), text(&clash.mine), text(&clash.theirs));
        format!("at `{}`: made from {base}, by hand {mine}, generated {theirs}", clash.at)
    });
    let fails = conflict
        .findings
        .iter()
        .map(|finding| format!("merged, it fails `{}`: {}", finding.kind, finding.message));
    let ways = "`coursebuild resolve TARGET --mine`, `--theirs` or `--merged FILE` decides".to_owned();
    clashes.chain(fails).chain([ways]).collect()
}

fn warnings(board: &Board<'_>, phase: usize, root: usize, at: usize, cell: &Cell) -> Result<Vec<Finding>> {
    Ok(match (board.detail_of(phase, root, at)?, &cell.decision.current) {
        (Some(detail), Some(current)) => {
            board.judge(phase, &detail, &board.lifted(phase, &detail.id, &detail.root, &current.text)?)
        }
        _ => Vec::new(),
    })
}
