//! Two branches' locks made one, line by line: the line goes with the side whose result the main file keeps.
//!
//! Never a conflict: a lock tells what was made from what, and a line that tells wrong is found out by its digests.

use super::lock::{Failed, Line, Lock, PhaseLock, lock_text, parse};
use super::merge::order;
use crate::store::Provenance;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// One of the two sides of a merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Ours,
    Theirs,
}

/// Whose result stands where both sides have another one than before: a hand edit goes on top of what was generated; of two
/// generated ones the one that was made from something new.
pub(super) fn pick(base: Option<&Line>, ours: &Line, theirs: &Line) -> Side {
    match (ours.provenance == Provenance::Edited, theirs.provenance == Provenance::Edited) {
        (true, false) => Side::Theirs,
        (false, true) => Side::Ours,
        _ => newer(base, ours, theirs),
    }
}

fn newer(base: Option<&Line>, ours: &Line, theirs: &Line) -> Side {
    let moved = |line: &Line| base.is_none_or(|base| base.key != line.key);
    if moved(theirs) && !moved(ours) { Side::Theirs } else { Side::Ours }
}

fn side(base: Option<&Line>, ours: &Line, theirs: &Line) -> Side {
    let same = |line: &Line| base.is_some_and(|base| base.digest == line.digest);
    if ours == theirs || base == Some(theirs) {
        Side::Ours
    } else if base == Some(ours) {
        Side::Theirs
    } else if ours.digest == theirs.digest {
        newer(base, ours, theirs)
    } else {
        match (same(ours), same(theirs)) {
            (true, false) => Side::Theirs,
            (false, true) => Side::Ours,
            _ => pick(base, ours, theirs),
        }
    }
}

/// Merges the texts of three locks. The base may be empty; an error says which side is no lock.
pub fn merge_locks(base: &str, ours: &str, theirs: &str) -> Result<String, String> {
    let read = |text: &str, whose: &str| parse(text).map_err(|why| format!("{whose} side is no lock: {why}"));
    // A base that cannot be read only makes more of the lines look new.
    let base = parse(base).unwrap_or_default();
    let (our, their) = (read(ours, "our")?, read(theirs, "their")?);
    let names = order(&phases(ours), &phases(theirs));
    let none = PhaseLock::default();
    let (mut merged, mut authors) = (Vec::new(), Vec::new());
    for name in &names {
        let of = |lock: &Lock| lock.phases.get(name).cloned();
        let (base, our, their) = (
            of(&base).unwrap_or(none.clone()),
            of(&our).unwrap_or(none.clone()),
            of(&their).unwrap_or(none.clone()),
        );
        let lines = order(&ids(ours, name), &ids(theirs, name))
            .into_iter()
            .map(|id| {
                let id: Arc<str> = id.into();
                let line = merged_line(base.lines.get(&id), our.lines.get(&id), their.lines.get(&id));
                let failed = merged_failed(base.failed.get(&id), our.failed.get(&id), their.failed.get(&id));
                (id, line, failed)
            })
            .filter(|(_, line, failed)| line.is_some() || failed.is_some())
            .collect::<Vec<_>>();
        let new = their.authors.iter().filter(|author| !our.authors.contains(author));
        authors.push(our.authors.iter().chain(new).cloned().collect());
        // Where the sides were checked otherwise, nothing is known to have passed: everything is checked again.
        merged.push((name.as_str(), our.checks.filter(|checks| their.checks == Some(*checks)), lines));
    }
    let phases: Vec<_> =
        merged.iter().map(|(name, checks, lines)| (*name, *checks, lines.as_slice())).collect();
    lock_text(&phases, &authors).map_err(|problem| problem.to_string())
}

fn merged_line(base: Option<&Line>, ours: Option<&Line>, theirs: Option<&Line>) -> Option<Line> {
    match (ours, theirs) {
        (Some(ours), Some(theirs)) => Some(match side(base, ours, theirs) {
            Side::Ours => *ours,
            Side::Theirs => *theirs,
        }),
        // What one side took out and the other left as it was is gone; what the other changed stays.
        (Some(one), None) | (None, Some(one)) => (base != Some(one)).then_some(*one),
        (None, None) => None,
    }
}

fn merged_failed(base: Option<&Failed>, ours: Option<&Failed>, theirs: Option<&Failed>) -> Option<Failed> {
    if ours == base { theirs.copied() } else { ours.copied() }
}

fn words(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines().skip(1).map(|line| line.split(' ').collect())
}

/// The phases of a lock's text, in its order.
fn phases(text: &str) -> Vec<String> {
    let mut seen = HashSet::new();
    let names = words(text).map(|words| words[0].trim_matches(['[', ']']).to_owned());
    names.filter(|name| !name.is_empty() && seen.insert(name.clone())).collect()
}

/// The ids of a phase in a lock's text, in its order.
fn ids(text: &str, phase: &str) -> Vec<String> {
    let mut seen: HashMap<String, ()> = HashMap::new();
    let of_phase = words(text).filter(|words| words.len() == 5 && words[0] == phase);
    of_phase
        .filter_map(|words| super::lock::decode(words[1]).map(std::borrow::Cow::into_owned))
        .filter(|id| seen.insert(id.clone(), ()).is_none())
        .collect()
}

/// Reads a lock that is not on disk; `None` if it is none.
pub fn lock_of_text(text: &str) -> Option<Lock> {
    parse(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;

    fn hex(text: &str) -> String {
        Digest::of(text.as_bytes()).short().to_string()
    }

    fn lock(lines: &[(&str, &str, &str, &str)]) -> String {
        let mut text = format!("# coursebuild.lock 1\n[p] checks {}\n", hex("c"));
        for (id, key, digest, word) in lines {
            text += &format!("p {id} {} {} {word}\n", hex(key), hex(digest));
        }
        text
    }

    fn told(text: &str, id: &str) -> Option<(String, String, Provenance)> {
        let line = *parse(text).unwrap().phases["p"].lines.get(id)?;
        Some((line.key.to_string(), line.digest.to_string(), line.provenance))
    }

    #[test]
    fn the_line_goes_with_the_side_that_changed() {
        let generated = |id, key, digest| (id, key, digest, "generated");
        let base = lock(&[
            generated("same", "k", "d"),
            generated("ours", "k", "d"),
            generated("theirs", "k", "d"),
            generated("again", "k", "d"),
            generated("gone", "k", "d"),
            generated("over", "k", "d"),
            generated("bumped", "k", "d"),
        ]);
        let ours = lock(&[
            generated("same", "k", "d"),
            generated("ours", "k1", "d1"),
            generated("theirs", "k", "d"),
            generated("again", "k", "d1"),
            ("over", "k", "e", "edited"),
            generated("bumped", "k1", "d"),
            generated("mine", "k1", "d1"),
        ]);
        let theirs = lock(&[
            generated("same", "k", "d"),
            generated("new", "k2", "d2"),
            generated("ours", "k", "d"),
            generated("theirs", "k2", "d2"),
            generated("again", "k2", "d2"),
            generated("gone", "k", "d"),
            generated("over", "k2", "d2"),
            generated("bumped", "k2", "d2"),
        ]);
        let merged = merge_locks(&base, &ours, &theirs).unwrap();
        for (id, key, digest) in [
            ("same", "k", "d"),
            ("new", "k2", "d2"),
            ("ours", "k1", "d1"),
            ("theirs", "k2", "d2"),
            ("again", "k2", "d2"),
            ("over", "k2", "d2"),
            ("bumped", "k2", "d2"),
            ("mine", "k1", "d1"),
        ] {
            assert_eq!(told(&merged, id), Some((hex(key), hex(digest), Provenance::Generated)), "{id}");
        }
        assert_eq!(told(&merged, "gone"), None);
        assert_eq!(ids(&merged, "p"), ["same", "new", "ours", "theirs", "again", "over", "bumped", "mine"]);
        assert!(merged.contains(&format!("[p] checks {}", hex("c"))));
        let other = theirs.replace(&hex("c"), &hex("other"));
        assert!(!merge_locks(&base, &ours, &other).unwrap().contains("checks"));
        assert!(merge_locks("", &ours, "<<<<<<< x").unwrap_err().contains("their side"));
    }
}
