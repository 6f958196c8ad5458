//! Which batch an item is in: a run of so many items, or, where items influence each other, its root's cohort.
//!
//! Cohorts are cut by the ids of roots, never by their position, so that a root that comes, goes or moves changes no cohort but
//! those that it leaves or joins. An id that ends in a number (`S0015`, `S0015b`, `S0015.2`) is in a range of numbers: with a size of 20 in
//! S0001 to S0020. The other ids are sorted and cut where the digest of an id says so.

use crate::course::{Rule, Section};
use crate::digest::Digest;
use std::collections::{BTreeMap, HashMap};

/// How the items of a phase fall into batches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Batches {
    /// Runs of so many items, in source order.
    Runs(usize),
    /// One batch for each cohort of roots.
    Cohorts(Cohorts),
}

/// The roots of a phase, cut into cohorts. Cohorts are numbered by their first roots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cohorts {
    of_root: Vec<u32>,
    roots: Vec<Vec<usize>>,
    /// Of each root: the last root that shares a cohort with it or with one before it.
    reach: Vec<usize>,
}

impl Batches {
    /// The batches of a phase with these roots, in source order.
    pub fn of(rule: &Rule, roots: &[impl AsRef<str>]) -> Self {
        if !rule.batch.cohort {
            return Self::Runs(rule.batch.size);
        }
        Self::Cohorts(Cohorts::cut(rule.batch.size, roots, &rule.prompt.scoped))
    }

    /// The number of the batch, from 1, of the item at a position (from 0) of its phase, which descends from a root.
    pub fn batch_of(&self, root: usize, position: usize) -> usize {
        match self {
            Self::Runs(size) => super::batch_of(position, *size),
            Self::Cohorts(cohorts) => cohorts.of(root) as usize + 1,
        }
    }

    /// How many batches so many items make.
    pub fn count(&self, items: usize) -> usize {
        match self {
            Self::Runs(size) => super::batches(items, *size),
            Self::Cohorts(cohorts) => cohorts.roots.len(),
        }
    }

    /// The cohorts, where there are any.
    pub fn cohorts(&self) -> Option<&Cohorts> {
        match self {
            Self::Runs(_) => None,
            Self::Cohorts(cohorts) => Some(cohorts),
        }
    }
}

impl Cohorts {
    /// Cuts roots into cohorts of about `size`. Roots that are sent other sections are in other cohorts.
    fn cut(size: usize, roots: &[impl AsRef<str>], scoped: &[Section]) -> Self {
        let starts = starts(size, roots);
        let mut numbers: HashMap<(Vec<usize>, Range<'_>), u32> = HashMap::new();
        let (mut of_root, mut cohorts): (Vec<u32>, Vec<Vec<usize>>) = (Vec::new(), Vec::new());
        let sent = sent(roots, scoped);
        for (root, id) in roots.iter().map(AsRef::as_ref).enumerate() {
            let range = numbered(id, size).unwrap_or_else(|| Range::From(starts[id]));
            let sections = sent.get(&root).cloned().unwrap_or_default();
            let number = *numbers.entry((sections, range)).or_insert_with(|| {
                cohorts.push(Vec::new());
                u32::try_from(cohorts.len() - 1).unwrap_or(u32::MAX)
            });
            cohorts[number as usize].push(root);
            of_root.push(number);
        }
        let last = |number: &u32| cohorts[*number as usize].last().copied().unwrap_or_default();
        let reach = of_root.iter().map(last).scan(0, |most: &mut usize, last| {
            *most = last.max(*most);
            Some(*most)
        });
        Self { reach: reach.collect(), of_root, roots: cohorts }
    }

    /// The number, from 0, of a root's cohort.
    pub fn of(&self, root: usize) -> u32 {
        self.of_root.get(root).copied().unwrap_or_default()
    }

    /// The number of the cohort of each root.
    pub fn of_roots(&self) -> &[u32] {
        &self.of_root
    }

    /// The roots of a cohort, in source order.
    pub fn roots(&self, cohort: u32) -> &[usize] {
        &self.roots[cohort as usize]
    }

    /// The roots that share a root's cohort, itself among them, in source order.
    pub fn with(&self, root: usize) -> &[usize] {
        self.roots(self.of(root))
    }

    /// How many leading roots have all of their cohorts among the first `roots`.
    pub fn whole(&self, roots: usize) -> usize {
        self.reach.partition_point(|last| *last < roots)
    }
}

/// What ids of one cohort have in common.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Range<'a> {
    /// What stands before the number, and which range of numbers.
    Numbers(&'a str, u64),
    /// The first id of a run of sorted ids.
    From(&'a str),
}

/// The range of an id that has a number: what stands before its last digits, and which so many numbers they are among. What
/// follows a number after a full stop is a part of it: `S0015.2` stands between `S0015` and `S0016`.
fn numbered(id: &str, size: usize) -> Option<Range<'_>> {
    let is_digit = |c: char| c.is_ascii_digit();
    let mut end = id.rfind(is_digit)? + 1;
    let mut before = id[..end].trim_end_matches(is_digit);
    while let Some(whole) = before.strip_suffix('.').filter(|whole| whole.ends_with(is_digit)) {
        (end, before) = (whole.len(), whole.trim_end_matches(is_digit));
    }
    let number: u64 = id[before.len()..end].parse().ok()?;
    Some(Range::Numbers(before, number.saturating_sub(1) / (size.max(1) as u64)))
}

/// Of each id without a number: the first id of its run. Where a run ends is for its own ids to say, by their digests; and it has at
/// most twice the size.
fn starts(size: usize, roots: &[impl AsRef<str>]) -> BTreeMap<&str, &str> {
    let ids = roots.iter().map(AsRef::as_ref).filter(|id| numbered(id, size).is_none());
    let mut starts: BTreeMap<&str, &str> = ids.map(|id| (id, id)).collect();
    let mut run: Option<(&str, usize)> = None;
    for (id, start) in &mut starts {
        let (first, length) = match run {
            Some((first, length)) if length < 2 * size && !opens(id, size) => (first, length + 1),
            _ => (*id, 1),
        };
        *start = first;
        run = Some((first, length));
    }
    starts
}

fn opens(id: &str, size: usize) -> bool {
    let digest = Digest::of(id.as_bytes());
    let number = digest.as_bytes()[..8].iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    number.is_multiple_of(size.max(1) as u64)
}

/// By root that is sent scoped sections: their numbers.
fn sent(roots: &[impl AsRef<str>], scoped: &[Section]) -> HashMap<usize, Vec<usize>> {
    let mut sent: HashMap<usize, Vec<usize>> = HashMap::new();
    for (number, section) in scoped.iter().enumerate() {
        let Some((first, last)) = &section.scope else { continue };
        let find = |id: &String| roots.iter().position(|root| root.as_ref() == id);
        if let (Some(first), Some(last)) = (find(first), find(last)) {
            (first..=last).for_each(|root| sent.entry(root).or_default().push(number));
        }
    }
    sent
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cohorts(size: usize, ids: &[&str]) -> Vec<Vec<String>> {
        let cut = Cohorts::cut(size, ids, &[]);
        let named = |roots: &Vec<usize>| roots.iter().map(|root| ids[*root].to_owned()).collect();
        cut.roots.iter().map(named).collect()
    }

    #[test]
    fn ids_with_numbers_are_cut_by_ranges_of_numbers() {
        assert_eq!(
            cohorts(3, &["S0001", "S0003", "S0003.2.1", "S0003b", "S0004", "S0006", "T1", "S0002", "S0007"]),
            [
                vec!["S0001", "S0003", "S0003.2.1", "S0003b", "S0002"],
                vec!["S0004", "S0006"],
                vec!["T1"],
                vec!["S0007"]
            ]
        );
        assert_eq!(
            cohorts(2, &["第1課", "第2課", "第3課", "0"]),
            [vec!["第1課", "第2課"], vec!["第3課"], vec!["0"]]
        );
        // A number that fits nowhere is no number.
        assert_eq!(cohorts(5, &["99999999999999999999999", "1"]).len(), 2);
    }

    #[test]
    fn a_root_that_comes_or_goes_changes_no_other_cohort() {
        let words: Vec<String> = (0..400_u32)
            .map(|n| n.to_string().chars().map(|c| char::from(b'a' + (c as u8 - b'0'))).collect())
            .collect();
        let all: Vec<&str> = words.iter().map(String::as_str).collect();
        let before = cohorts(10, &all);
        assert!(before.iter().all(|cohort| cohort.len() <= 20));
        assert!((20..=80).contains(&before.len()), "{}", before.len());
        let mut worst = 0;
        for gone in 0..all.len() {
            let mut rest = all.clone();
            rest.remove(gone);
            let after = cohorts(10, &rest);
            let other = after.iter().filter(|cohort| !before.contains(cohort)).count();
            worst = worst.max(other);
        }
        assert!(worst <= 3, "{worst} cohorts changed when one root went");
        let mut moved = all.clone();
        let first = moved.remove(0);
        moved.push(first);
        let sorted = |mut cohorts: Vec<Vec<String>>| {
            cohorts.iter_mut().for_each(|cohort| cohort.sort());
            cohorts.sort();
            cohorts
        };
        assert_eq!(sorted(cohorts(10, &moved)), sorted(before), "a move changes no cohort's members");
    }

    #[test]
    fn a_frontier_passes_whole_cohorts_only() {
        let cut = Cohorts::cut(2, &["S1", "S2", "S3", "S4", "S5", "S7", "S6"], &[]);
        let whole: Vec<usize> = (0..=7).map(|roots| cut.whole(roots)).collect();
        assert_eq!(whole, [0, 0, 2, 2, 4, 4, 4, 7]);
    }

    #[test]
    fn roots_that_are_sent_other_sections_are_in_other_cohorts() {
        let section = Section {
            document: "a.md".into(),
            name: "Past".into(),
            text: "…".into(),
            scope: Some(("S2".into(), "S3".into())),
        };
        let cut = Cohorts::cut(4, &["S1", "S2", "S3", "S4"], &[section]);
        assert_eq!(cut.of_roots(), [0, 1, 1, 0]);
    }
}
