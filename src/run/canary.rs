//! A canary: a few calls of a plan that are bought before the others, so that somebody can see what an edit does.
//!
//! Here is which calls, and what is kept of them until the report; how they leave and who is asked is the loop's
//! (`conduct/canary.rs`).

use super::options::{First, GoOn};
use crate::link::Text;
use std::cmp::Reverse;

/// A canary, and how far it is.
pub(super) struct Canary {
    /// How many calls are wanted.
    pub(super) wanted: usize,
    pub(super) go_on: GoOn,
    /// The calls, once they are chosen.
    pub(super) calls: Option<Vec<Chosen>>,
}

/// A call of a canary.
pub(super) struct Chosen {
    pub(super) course: usize,
    pub(super) phase: usize,
    pub(super) failed_before: usize,
    pub(super) members: Vec<Member>,
}

/// An item of such a call.
pub(super) struct Member {
    /// The number of its root, and its own.
    pub(super) place: (usize, usize),
    /// What its main file shows.
    pub(super) before: Option<Text>,
    /// What was answered, in lifted form.
    pub(super) after: Option<String>,
}

/// A call that may be chosen.
pub(super) struct Candidate {
    /// Its course and phase.
    pub(super) group: (usize, usize),
    /// How many of its items failed before.
    pub(super) failed_before: usize,
}

impl Canary {
    pub(super) fn new(first: First) -> Self {
        Self { wanted: first.calls, go_on: first.go_on, calls: None }
    }
}

/// A command line without `--canary`: what goes on.
pub(super) fn without(command: &str) -> String {
    let mut words = command.split(' ');
    let mut kept = Vec::new();
    while let Some(word) = words.next() {
        match word {
            "--canary" => drop(words.next()),
            _ if word.starts_with("--canary=") => {}
            _ => kept.push(word),
        }
    }
    kept.join(" ")
}

/// Which calls, by number, in order: so many at most, some of each phase, spread over all that a phase has. Where an early,
/// middle or late stretch has calls whose items failed before, the one with the most of them.
pub(super) fn choose(candidates: &[Candidate], wanted: usize) -> Vec<usize> {
    let groups: Vec<&[Candidate]> = candidates.chunk_by(|a, b| a.group == b.group).collect();
    let shares = shares(&groups.iter().map(|group| group.len()).collect::<Vec<_>>(), wanted);
    let mut chosen = Vec::new();
    let mut begin = 0;
    for (group, share) in groups.into_iter().zip(shares) {
        let border = |part: usize| (group.len() * part + share / 2) / share;
        for part in 0..share {
            let (from, to) = (border(part), border(part + 1));
            let point = match part {
                0 => from,
                last if last + 1 == share => to - 1,
                _ => usize::midpoint(from, to - 1),
            };
            let best = (from..to).min_by_key(|at| (Reverse(group[*at].failed_before), at.abs_diff(point)));
            chosen.extend(best.map(|at| begin + at));
        }
        begin += group.len();
    }
    chosen
}

/// How many of each group: one of each as far as that goes, then by their sizes.
fn shares(sizes: &[usize], wanted: usize) -> Vec<usize> {
    let mut shares = vec![0; sizes.len()];
    for _ in 0..wanted.min(sizes.iter().sum()) {
        let room = (0..sizes.len()).filter(|at| shares[*at] < sizes[*at]);
        // The size for each call that it would have: compared crosswise, without fractions. Of equals the first.
        let next = room.reduce(|best, at| {
            let better = match (shares[best], shares[at]) {
                (0, 0) => false,
                (_, 0) => true,
                (0, _) => false,
                (b, a) => sizes[at] * (b + 1) > sizes[best] * (a + 1),
            };
            if better { at } else { best }
        });
        if let Some(next) = next {
            shares[next] += 1;
        }
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phase(number: usize, failed: &[usize]) -> Vec<Candidate> {
        failed.iter().map(|n| Candidate { group: (0, number), failed_before: *n }).collect()
    }

    #[test]
    fn early_middle_and_late_ones_are_chosen() {
        let calls = phase(1, &[0; 34]);
        assert_eq!(choose(&calls, 3), [0, 16, 33]);
        assert_eq!(choose(&calls, 1), [0]);
        assert_eq!(choose(&calls, 2), [0, 33]);
        assert_eq!(choose(&calls, 5), [0, 10, 16, 23, 33]);
        assert_eq!(choose(&phase(1, &[0; 7]), 3), [0, 3, 6]);
        for (all, wanted) in (1..40).flat_map(|all| (1..=all).map(move |wanted| (all, wanted))) {
            let mut chosen = choose(&phase(1, &vec![0; all]), wanted);
            chosen.dedup();
            assert_eq!(chosen.len(), wanted, "of {all}");
        }
        assert_eq!(choose(&calls, 99).len(), 34);
        assert_eq!(choose(&[], 3), [0_usize; 0]);
    }

    #[test]
    fn those_that_failed_before_go_first() {
        let mut failed = [0; 30];
        (failed[4], failed[7], failed[12], failed[28]) = (1, 3, 2, 1);
        assert_eq!(choose(&phase(1, &failed), 3), [7, 12, 28]);
        assert_eq!(choose(&phase(1, &failed), 1), [7]);
    }

    #[test]
    fn the_command_that_goes_on_has_no_canary() {
        for typed in ["coursebuild --canary 3 -j 8 phase3", "coursebuild -j 8 --canary=3 phase3"] {
            assert_eq!(without(typed), "coursebuild -j 8 phase3");
        }
    }

    #[test]
    fn each_phase_has_its_share() {
        let mut calls = phase(1, &[0; 2]);
        calls.extend(phase(3, &[0; 30]));
        assert_eq!(choose(&calls, 1), [0]);
        assert_eq!(choose(&calls, 2), [0, 2]);
        assert_eq!(choose(&calls, 4), [0, 2, 16, 31]);
        assert_eq!(shares(&[2, 30], 32), [2, 30]);
        assert_eq!(shares(&[2, 30], 8), [1, 7]);
    }
}
