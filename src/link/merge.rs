//! Two branches' main files made one, item by item.
//!
//! What one side changed is taken. Where both changed an item, of two generated results one is taken whole, and a hand edit is put
//! together with the other side field by field; what clashes is left for people, between markers that nobody reads as data.

use super::lock::{Line, PhaseLock};
use super::main_file::NamedElements;
use super::merge_lock::{Side, pick};
use super::write::{Around, push_indented};
use crate::course::Output;
use crate::digest::Digest;
use crate::json::{Clash, Envelope, Ids, Kind, Merged, Value, canonical, merge, strip};
use crate::store::Provenance;
use std::collections::{HashMap, HashSet};

/// The three texts of a merge; the base may be empty.
#[derive(Debug, Clone, Copy)]
pub struct Sides<'a> {
    /// What both sides come from.
    pub base: &'a str,
    /// Ours.
    pub ours: &'a str,
    /// Theirs.
    pub theirs: &'a str,
}

/// What the locks of the three sides say of a phase, as far as they are at hand.
#[derive(Debug, Clone, Copy, Default)]
pub struct Locks<'a> {
    /// Of what both sides come from.
    pub base: Option<&'a PhaseLock>,
    /// Ours.
    pub ours: Option<&'a PhaseLock>,
    /// Theirs.
    pub theirs: Option<&'a PhaseLock>,
}

/// A merged main file.
#[derive(Debug, Clone, PartialEq)]
pub struct MergedFile {
    /// Its text; with conflict markers where there are conflicts.
    pub text: String,
    /// The items (or fields around them) that clash, and where.
    pub conflicts: Vec<(String, Vec<Clash>)>,
}

/// Ours, with what only theirs has put in after what it follows there.
pub(super) fn order(ours: &[String], theirs: &[String]) -> Vec<String> {
    let known: HashSet<&str> = ours.iter().map(String::as_str).collect();
    let mut after: HashMap<Option<&str>, Vec<&String>> = HashMap::new();
    let mut last = None;
    for id in theirs {
        if known.contains(id.as_str()) {
            last = Some(id.as_str());
        } else {
            after.entry(last).or_default().push(id);
        }
    }
    let mut merged: Vec<String> = Vec::new();
    merged.extend(after.remove(&None).into_iter().flatten().cloned());
    for id in ours {
        merged.push(id.clone());
        merged.extend(after.remove(&Some(id.as_str())).into_iter().flatten().cloned());
    }
    merged
}

/// One item of the merged file.
enum Piece {
    Plain(Value),
    Clash { ours: Value, theirs: Value },
}

/// Merges main files. An error says which side cannot be read, and why.
pub fn merge_main_files(output: &Output, sides: Sides<'_>, locks: Locks<'_>) -> Result<MergedFile, String> {
    let read = |text, whose: &str| {
        NamedElements::read(text, output).map_err(|why| format!("{whose} side cannot be read: {why}"))
    };
    // Without a base everything looks new on both sides.
    let base = NamedElements::read(sides.base, output).unwrap_or_default();
    let (ours, theirs) = (read(sides.ours, "our")?, read(sides.theirs, "their")?);
    let mut conflicts = Vec::new();
    let mut pieces = Vec::new();
    for id in order(&ours.order, &theirs.order) {
        let [base, our, their] = [&base, &ours, &theirs].map(|side| side.items.get(&id).copied());
        let piece = match (our, their) {
            (Some(our), Some(their)) if our == their => Some(Piece::Plain(value(our))),
            (Some(our), Some(their)) => Some(both(
                output,
                &id,
                base.map(value).as_ref(),
                value(our),
                value(their),
                locks,
                &mut conflicts,
            )),
            // Taken out on one side: gone, unless the other side changed it.
            (Some(one), None) | (None, Some(one)) => {
                let gone = base.is_some_and(|base| bare(output, &value(base)) == bare(output, &value(one)));
                (!gone).then(|| Piece::Plain(value(one)))
            }
            (None, None) => None,
        };
        pieces.extend(piece.map(|piece| (id, piece)));
    }
    let (envelope, clashing) = envelopes(&base.envelope, &ours.envelope, &theirs.envelope, output);
    for (name, clash) in &clashing {
        conflicts.push((name.clone(), vec![clash.clone()]));
    }
    Ok(MergedFile { text: text(output, &envelope, &clashing, &pieces), conflicts })
}

fn value(raw: &str) -> Value {
    serde_json::from_str(raw).unwrap_or_default()
}

/// Without what the tool computes.
fn bare(output: &Output, value: &Value) -> Value {
    let mut value = value.clone();
    strip(&mut value, &output.derived_fields());
    value
}

/// An item that stands on both sides and is not the same.
fn both(
    output: &Output,
    id: &str,
    base: Option<&Value>,
    ours: Value,
    theirs: Value,
    locks: Locks<'_>,
    conflicts: &mut Vec<(String, Vec<Clash>)>,
) -> Piece {
    let [was, our, their] =
        [base, Some(&ours), Some(&theirs)].map(|side| side.map(|side| bare(output, side)));
    if our == their || their == was {
        return Piece::Plain(ours);
    }
    if our == was {
        return Piece::Plain(theirs);
    }
    let line = |lock: Option<&PhaseLock>| lock.and_then(|lock| lock.lines.get(id)).copied();
    let made = |lock, value: &Value| line(lock).filter(|line| is_made(output, id, line, value));
    if let (Some(our_line), Some(their_line)) = (made(locks.ours, &ours), made(locks.theirs, &theirs)) {
        return Piece::Plain(match pick(line(locks.base).as_ref(), &our_line, &their_line) {
            Side::Ours => ours,
            Side::Theirs => theirs,
        });
    }
    let Merged { clashes, .. } = merge(was.as_ref(), &our.unwrap_or_default(), &their.unwrap_or_default());
    if clashes.is_empty() {
        return Piece::Plain(merge(base, &ours, &theirs).value);
    }
    conflicts.push((id.to_owned(), clashes));
    Piece::Clash { ours, theirs }
}

/// True when a lock line tells that this very output was made by no person's hand. The root of an item is a name that its own
/// begins with: which one, the digest tells.
fn is_made(output: &Output, id: &str, line: &Line, value: &Value) -> bool {
    let roots = id.char_indices().map(|(at, c)| &id[..at + c.len_utf8()]);
    line.provenance != Provenance::Edited
        && roots.rev().any(|root| {
            let mut value = value.clone();
            output.take_in(&mut value, Ids { id, root });
            Digest::of(&canonical(&value)).short() == line.digest
        })
}

/// The fields around the items, level by level; and those that both sides changed otherwise, by the text that stands for each.
fn envelopes(
    base: &Envelope,
    ours: &Envelope,
    theirs: &Envelope,
    output: &Output,
) -> (Envelope, Vec<(String, Clash)>) {
    let mut clashing = Vec::new();
    let mut levels = Vec::new();
    for (at, our) in ours.0.iter().enumerate() {
        let field = |envelope: &Envelope, name: &str| -> Option<Value> {
            let raw = envelope
                .0
                .get(at)?
                .iter()
                .find(|(field, raw)| field == name && raw.is_some())?
                .1
                .as_deref()?;
            serde_json::from_str(raw).ok()
        };
        let names = |level: &[(String, Option<String>)]| {
            level.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>()
        };
        let both = order(&names(our), &names(theirs.0.get(at).map_or(&[][..], Vec::as_slice)));
        let mut level: Vec<(String, Option<String>)> = Vec::new();
        for name in both {
            if our.iter().any(|(field, raw)| *field == name && raw.is_none()) {
                level.push((name, None));
                continue;
            }
            let (was, mine, their) = (field(base, &name), field(ours, &name), field(theirs, &name));
            let computed = at == 0 && output.envelope.iter().any(|(field, _)| *field == name);
            let kept = if mine == their || their == was || (computed && mine.is_some()) {
                mine
            } else if mine == was {
                their
            } else {
                let merged = merge_fields(was.as_ref(), mine.as_ref(), their.as_ref());
                if let Some(clash) = merged.1 {
                    clashing.push((name.clone(), clash));
                    // A text that no field has stands for the two until all is written.
                    level.push((name, Some(Value::String(placeholder(clashing.len() - 1)).to_string())));
                    continue;
                }
                merged.0
            };
            level.extend(kept.map(|kept| (name, Some(kept.to_string()))));
        }
        levels.push(level);
    }
    (Envelope(levels), clashing)
}

fn merge_fields(
    was: Option<&Value>,
    mine: Option<&Value>,
    theirs: Option<&Value>,
) -> (Option<Value>, Option<Clash>) {
    if let (Some(mine), Some(theirs)) = (mine, theirs) {
        let merged = merge(was, mine, theirs);
        if merged.clashes.is_empty() {
            return (Some(merged.value), None);
        }
    }
    let clash = Clash { at: String::new(), base: was.cloned(), mine: mine.cloned(), theirs: theirs.cloned() };
    (None, Some(clash))
}

fn placeholder(number: usize) -> String {
    format!("\u{1}coursebuild merge {number}\u{1}")
}

const OURS: &str = "<<<<<<< ours\n";
const MIDDLE: &str = "=======\n";
const THEIRS: &str = ">>>>>>> theirs\n";

fn text(
    output: &Output,
    envelope: &Envelope,
    clashing: &[(String, Clash)],
    pieces: &[(String, Piece)],
) -> String {
    let around = Around::new(envelope, output, &[]);
    let indent = "  ".repeat(around.depth + 1);
    let array = output.shape.kind == Kind::Array;
    let item = |id: &str, value: &Value, last: bool| {
        let mut bytes = indent.clone().into_bytes();
        if !array {
            bytes.extend_from_slice(Value::from(id).to_string().as_bytes());
            bytes.extend_from_slice(b": ");
        }
        push_indented(&mut bytes, &format!("{value:#}"), &indent);
        bytes.extend_from_slice(if last { b"\n" } else { b",\n" });
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let mut text = around.before.clone();
    text.push_str(if array { "[" } else { "{" });
    if !pieces.is_empty() {
        text.push('\n');
    }
    for (at, (id, piece)) in pieces.iter().enumerate() {
        let last = at + 1 == pieces.len();
        match piece {
            Piece::Plain(value) => text.push_str(&item(id, value, last)),
            Piece::Clash { ours, theirs } => {
                let (ours, theirs) = (item(id, ours, last), item(id, theirs, last));
                text.push_str(&[OURS, &ours, MIDDLE, &theirs, THEIRS].concat());
            }
        }
    }
    if !pieces.is_empty() {
        text.push_str(&"  ".repeat(around.depth));
    }
    text.push_str(if array { "]" } else { "}" });
    text.push_str(&around.after);
    text.push('\n');
    if clashing.is_empty() { text } else { with_clashing_fields(&text, clashing) }
}

/// Puts both sides of each clashing field where its line stands.
fn with_clashing_fields(text: &str, clashing: &[(String, Clash)]) -> String {
    let mut out = String::with_capacity(text.len());
    'lines: for line in text.split_inclusive('\n') {
        for (number, (name, clash)) in clashing.iter().enumerate() {
            let stands = Value::String(placeholder(number)).to_string();
            if line.contains(&stands) {
                let field = Value::from(name.as_str()).to_string();
                let side = |value: &Option<Value>| match value {
                    Some(value) => line.replace(&stands, &value.to_string()),
                    None => line
                        .replace(&format!("{field}: {stands}"), "")
                        .trim_start()
                        .trim_start_matches(',')
                        .to_owned(),
                };
                out.push_str(&[OURS, &side(&clash.mine), MIDDLE, &side(&clash.theirs), THEIRS].concat());
                continue 'lines;
            }
        }
        out.push_str(line);
    }
    out
}

/// Merges files that are blocks of lines, each beginning with `[[`: what either side has, without what one of them took out.
pub fn merge_blocks(sides: Sides<'_>) -> String {
    let blocks = |text: &str| -> Vec<String> {
        let parts = text.split("\n[[").skip(usize::from(!text.starts_with("[[")));
        parts.map(|block| format!("[[{}\n", block.trim_start_matches("[[").trim_end())).collect()
    };
    let [base, ours, theirs] = [sides.base, sides.ours, sides.theirs].map(blocks);
    let head =
        [sides.ours, sides.theirs].map(|text| text.split("\n[[").next().unwrap_or_default().trim_end());
    let head = head.into_iter().find(|head| !head.is_empty() && !head.starts_with("[[")).unwrap_or_default();
    let taken_out =
        |block: &String| base.contains(block) && !(ours.contains(block) && theirs.contains(block));
    let mut text = if head.is_empty() { String::new() } else { format!("{head}\n") };
    let merged = order(&ours, &theirs);
    // Blocks of one kind stay together, in the order in which the kinds first come.
    let kind = |block: &str| block.lines().next().unwrap_or_default().to_owned();
    let kinds = |blocks: &[String]| {
        let mut kinds: Vec<String> = blocks.iter().map(|block| kind(block)).collect();
        kinds.dedup();
        kinds
    };
    for wanted in order(&kinds(&ours), &kinds(&theirs)) {
        for block in merged.iter().filter(|block| kind(block) == wanted && !taken_out(block)) {
            text.push_str(&format!("\n{block}"));
        }
    }
    text
}
