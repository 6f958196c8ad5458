//! Batches that programs judge (checks with `use = "command"`): which they are, under what their judgements are remembered, and
//! what follows for items.
//!
//! A program sees its batch, and what stands before the batch's last item in source order; so a judgement is certain as soon as
//! all before it is, and no later item changes it. What it is given is told by ids and digests, which costs no reading. Runs
//! nothing: what is not remembered is listed.

use super::board::{Board, Slot};
use super::compare::counted;
use super::order::At;
use super::verdict::Verdict;
use crate::check::{Finding, Sees, Validator};
use crate::course::Severity;
use crate::diag::Result;
use crate::digest::{Digest, Hasher};
use crate::graph::batch_of;
use crate::json::Value;
use crate::link::{Item, bare_excerpt, excerpt, surroundings};
use std::ops::Range;
use std::sync::Arc;

/// A batch and a program whose judgement on it is not known.
#[derive(Debug, Clone)]
pub struct Case {
    /// The phase.
    pub phase: usize,
    /// The batch's number, from 1.
    pub number: usize,
    /// The program.
    pub validator: Validator,
    /// What the judgement is to be remembered under.
    pub key: Digest,
    /// How many items the batch has.
    pub items: usize,
    /// Nothing that is still to be bought could change what the program is given.
    pub firm: bool,
    /// The batch's items.
    members: Vec<At>,
}

/// What a program is given.
#[derive(Debug)]
pub struct Material {
    /// The batch's items: id, root's id.
    pub items: Vec<(Arc<str>, Arc<str>)>,
    /// The main files by their names, and the batch.
    pub files: Vec<(String, Vec<u8>)>,
    /// The name of the batch's file among them.
    pub batch_file: String,
}

/// A digest of items in order, by their ids and outputs.
#[derive(Debug, Clone, Copy, Default)]
pub struct Chain(Digest);

impl Chain {
    /// Adds an item: its id and the digest of its output.
    pub fn add(&mut self, id: &str, output: Digest) {
        let mut hasher = Hasher::new("items in order");
        hasher.field("before", self.0.as_bytes()).field("id", id.as_bytes());
        hasher.field("output", output.as_bytes());
        self.0 = hasher.finish();
    }
}

/// What a judgement is remembered under: the program, the batch, and each main file by what is around its items and the items.
pub fn judgement_key(
    validator: &Validator,
    (course, phase, number): (&str, &str, usize),
    files: &[(Digest, Chain)],
) -> Digest {
    let mut hasher = Hasher::new("coursebuild judgement 2");
    hasher.field("check", validator.key.as_bytes());
    hasher.field("course", course.as_bytes()).field("phase", phase.as_bytes());
    hasher.field("batch", number.to_string().as_bytes());
    for (around, items) in files {
        hasher.field("around", around.as_bytes()).field("items", items.0.as_bytes());
    }
    hasher.finish()
}

/// The name of the file that holds a batch beside the main files.
pub fn batch_file(phase: &str, number: usize) -> String {
    format!("{phase}_batch_{number}.json")
}

/// A result that a program finds fault with.
pub(super) struct Blame {
    pub(super) place: At,
    pub(super) output: Digest,
    pub(super) findings: Vec<Finding>,
}

/// What the remembered judgements on the batches of a phase come to.
#[derive(Default)]
pub(super) struct Heard {
    /// Results that were not known to be at fault. What follows from their absence is to be heard again.
    pub(super) blames: Vec<Blame>,
    /// What is not remembered.
    pub(super) unknown: Vec<Case>,
    /// So many leading roots stand in batches that are judged for good.
    pub(super) judged: usize,
}

/// How far a main file of an earlier phase has been followed.
struct Followed {
    phase: usize,
    around: Digest,
    /// The next root; `None` where the whole file is given, whichever batch it is.
    next: Option<usize>,
    chain: Chain,
}

impl Board<'_> {
    /// How many items stand before each root, and at last in all; while that is not known, no number is reached.
    pub(super) fn starts(&self, phase: usize) -> Vec<usize> {
        let slots = &self.phases[phase].slots;
        let mut starts = vec![0];
        for slot in slots {
            starts.push(starts[starts.len() - 1] + slot.cells.len());
        }
        if let Some(all) = starts.last_mut().filter(|_| !slots.iter().all(Slot::is_decided)) {
            *all = usize::MAX;
        }
        starts
    }

    /// True when a batch ends where a root begins.
    pub(super) fn is_aligned(&self, phase: usize, starts: &[usize], root: usize) -> bool {
        let at = starts[root];
        Some(&at) == starts.last() || at.is_multiple_of(self.rule(phase).batch.size.max(1))
    }

    /// Something of the item is still to come, other than in place of what a program blames.
    fn waits(&self, phase: usize, place: At) -> bool {
        let board = &self.phases[phase];
        let slot = &board.slots[place.0];
        !slot.is_decided() || (self.is_wanted(phase, place) && !board.order.blamed.contains(&place))
    }

    /// Hears what is remembered of the batches that lie in these roots.
    pub(super) fn hear(&self, phase: usize, roots: Range<usize>) -> Result<Heard> {
        let board = &self.phases[phase];
        let validators: Vec<Validator> = board.checks.outside().collect();
        let validators: Vec<&Validator> =
            validators.iter().filter(|one| one.severity == Severity::Error).collect();
        let size = self.rule(phase).batch.size.max(1);
        let (starts, bound) = (self.starts(phase), self.bound(phase));
        let mut followed = self.follow(phase);
        let mut own = Chain::default();
        let own_around = surroundings(&board.main, &self.rule(phase).output);
        let mut heard = Heard { judged: roots.start, ..Heard::default() };
        let (mut certain, mut all_judged) = (true, true);
        let mut members: Vec<At> = Vec::with_capacity(size);
        let total = starts[starts.len() - 1];
        let mut position = 0;
        for (root, slot) in board.slots.iter().enumerate().take(roots.end) {
            for (at, cell) in slot.cells.iter().enumerate() {
                if let Some(current) = counted(&cell.decision) {
                    own.add(&cell.id, current.digest);
                }
                members.push((root, at));
                position += 1;
                if members.len() < size && position < total {
                    continue;
                }
                let batch = std::mem::take(&mut members);
                if root < roots.start {
                    continue;
                }
                let ready = batch.iter().all(|place| !self.waits(phase, *place));
                self.follow_to(&mut followed, root);
                let before = certain && root < bound;
                certain &= ready;
                // What was judged with a result that is blamed is not judged once more without it.
                let is_blamed = batch.iter().any(|place| self.lacks_blamed(phase, *place));
                if !ready || is_blamed {
                    all_judged &= ready && before && !batch.iter().any(|place| self.is_wanted(phase, *place));
                    continue;
                }
                let number = batch_of(position - 1, size);
                // Without what is blamed before it, or may be, a program that sees it is given another thing.
                let blamed_before = !heard.blames.is_empty();
                let unsure_before = !heard.unknown.is_empty();
                let (mut blames, mut unknown, mut sure) = (Vec::new(), Vec::new(), true);
                for validator in &validators {
                    let sees_course = validator.sees == Sees::Course;
                    sure &= !sees_course || !(blamed_before || unsure_before);
                    if sees_course && blamed_before {
                        continue;
                    }
                    let files = if sees_course {
                        let earlier = followed.iter().map(|one| (one.around, one.chain));
                        earlier.chain([(own_around, own)]).collect::<Vec<_>>()
                    } else {
                        self.batch_chains(phase, &batch, &followed, own_around)
                    };
                    let name = (self.course.code.as_str(), self.rule(phase).name.as_str(), number);
                    let key = judgement_key(validator, name, &files);
                    match self.judgements.get(key)? {
                        Some(judgement) => blames.extend(self.blames(phase, &batch, &judgement.findings)?),
                        None => unknown.push(Case {
                            phase,
                            number,
                            validator: (*validator).clone(),
                            key,
                            items: batch.len(),
                            firm: if sees_course { before } else { self.is_fed_for_good(phase, &batch) },
                            members: batch.clone(),
                        }),
                    }
                }
                all_judged &= before && sure && blames.is_empty() && unknown.is_empty();
                if sure && unknown.is_empty() {
                    heard.blames.extend(blames);
                }
                heard.unknown.extend(unknown);
                if all_judged && self.is_aligned(phase, &starts, root + 1) {
                    heard.judged = root + 1;
                }
            }
            // Roots without items belong to what stands before them.
            if slot.cells.is_empty() && slot.is_decided() && heard.judged == root && root < bound {
                heard.judged = root + 1;
            }
        }
        Ok(heard)
    }

    fn follow(&self, phase: usize) -> Vec<Followed> {
        let same = |other: usize| self.graph.node(other).source == self.graph.node(phase).source;
        let earlier = (0..phase).map(|other| {
            let mut followed = Followed {
                phase: other,
                around: surroundings(&self.phases[other].main, &self.rule(other).output),
                next: Some(0),
                chain: Chain::default(),
            };
            if !same(other) {
                self.follow_to(std::slice::from_mut(&mut followed), usize::MAX);
                followed.next = None;
            }
            followed
        });
        earlier.collect()
    }

    /// Follows main files of earlier phases up to a root, which is included.
    fn follow_to(&self, followed: &mut [Followed], root: usize) {
        for one in followed {
            let slots = &self.phases[one.phase].slots;
            while let Some(next) = one.next
                && next <= root
                && let Some(slot) = slots.get(next)
            {
                for cell in &slot.cells {
                    if let Some(current) = counted(&cell.decision) {
                        one.chain.add(&cell.id, current.digest);
                    }
                }
                one.next = Some(next + 1);
            }
        }
    }

    /// What a program that sees its batch alone is given: of each earlier phase the items of the same roots.
    fn batch_chains(
        &self,
        phase: usize,
        batch: &[At],
        followed: &[Followed],
        own_around: Digest,
    ) -> Vec<(Digest, Chain)> {
        let chain_of = |of: usize, places: &[At]| {
            let mut chain = Chain::default();
            for (root, at) in places {
                let cell = &self.phases[of].slots[*root].cells[*at];
                if let Some(current) = counted(&cell.decision) {
                    chain.add(&cell.id, current.digest);
                }
            }
            chain
        };
        let earlier = followed.iter().map(|one| match one.next {
            Some(_) => (one.around, chain_of(one.phase, &self.of_same_roots(one.phase, batch))),
            None => (one.around, one.chain),
        });
        earlier.chain([(own_around, chain_of(phase, batch))]).collect()
    }

    /// The items of another phase that have the roots of a batch.
    fn of_same_roots(&self, other: usize, batch: &[At]) -> Vec<At> {
        let mut roots: Vec<usize> = batch.iter().map(|(root, _)| *root).collect();
        roots.dedup();
        let cells = |root: &usize| {
            let root = *root;
            (0..self.phases[other].slots[root].cells.len()).map(move |at| (root, at))
        };
        roots.iter().flat_map(cells).collect()
    }

    /// Nothing of what a batch is made from is still to be bought.
    fn is_fed_for_good(&self, phase: usize, batch: &[At]) -> bool {
        let last = batch.last().map_or(0, |(root, _)| *root);
        let same = |other: usize| self.graph.node(other).source == self.graph.node(phase).source;
        (0..phase).all(|other| match same(other) {
            true => self.of_same_roots(other, batch).iter().all(|place| !self.waits_for(other, *place)),
            false => self.settled(other) == self.phases[other].slots.len(),
        }) && last < self.phases[phase].slots.len()
    }

    fn waits_for(&self, phase: usize, (root, at): At) -> bool {
        let slot = &self.phases[phase].slots[root];
        !slot.is_decided() || slot.cells[at].is_wanted() || slot.cells[at].doubt.is_some()
    }

    /// The errors of a judgement, by the results that they blame; without what is waived.
    fn blames(&self, phase: usize, batch: &[At], findings: &[Finding]) -> Result<Vec<Blame>> {
        let board = &self.phases[phase];
        let mut blames = Vec::new();
        for &(root, at) in batch {
            let cell = &board.slots[root].cells[at];
            let of_item = |finding: &&Finding| finding.is_error() && *finding.item == *cell.id;
            let mut errors: Vec<Finding> = findings.iter().filter(of_item).cloned().collect();
            let Some(current) = &cell.decision.current else { continue };
            let known = !self.blame_on(phase, (root, at), Some(current.digest)).is_empty();
            if errors.is_empty() || known || cell.decision.verdict != Verdict::Fresh {
                continue;
            }
            let lifted = self.lifted(phase, &cell.id, &board.roots[root], &current.text)?;
            self.waive(phase, &cell.id, &lifted, &mut errors);
            errors.retain(Finding::is_error);
            if !errors.is_empty() {
                blames.push(Blame { place: (root, at), output: current.digest, findings: errors });
            }
        }
        Ok(blames)
    }

    /// What a program is given for a case, as the board stands.
    pub fn material(&self, case: &Case) -> Result<Material> {
        let (phase, board) = (case.phase, &self.phases[case.phase]);
        let last = case.members.last().map_or(0, |(root, _)| *root);
        let name = &self.rule(phase).name;
        let mut files = Vec::new();
        for other in 0..=phase {
            let same = self.graph.node(other).source == self.graph.node(phase).source;
            let places: Vec<At> = match (case.validator.sees, other == phase) {
                (Sees::Batch, true) => case.members.clone(),
                (Sees::Batch, false) if same => self.of_same_roots(other, &case.members),
                (Sees::Course, true) => {
                    let end = case.members.last().copied();
                    self.cells(phase).map(|(root, at, _)| (root, at)).filter(|at| Some(*at) <= end).collect()
                }
                _ => {
                    let within = |root: usize| !same || root <= last;
                    self.cells(other).map(|(root, at, _)| (root, at)).filter(|at| within(at.0)).collect()
                }
            };
            let (items, places) = self.shown(other, &places);
            let firsts = self.linked_firsts(other);
            let derive = |number: usize, value: &mut Value| {
                let (root, at) = places[number];
                self.derive(other, root, at, value, &firsts);
            };
            let (main, output) = (&self.phases[other].main, &self.rule(other).output);
            files.push((output.file.clone(), excerpt(main, output, &items, &derive)?));
        }
        let (items, places) = self.shown(phase, &case.members);
        let firsts = self.linked_firsts(phase);
        let derive = |number: usize, value: &mut Value| {
            let (root, at) = places[number];
            self.derive(phase, root, at, value, &firsts);
        };
        let batch_file = batch_file(name, case.number);
        let batch = bare_excerpt(&board.main, &self.rule(phase).output, &items, &derive)?;
        files.push((batch_file.clone(), batch));
        let items = items.into_iter().map(|item| (item.id, item.root)).collect();
        Ok(Material { items, files, batch_file })
    }

    fn shown(&self, phase: usize, places: &[At]) -> (Vec<Item>, Vec<At>) {
        let board = &self.phases[phase];
        let there = places.iter().filter_map(|&(root, at)| {
            let cell = &board.slots[root].cells[at];
            let text = counted(&cell.decision)?.text.clone();
            Some((Item { id: cell.id.clone(), root: board.roots[root].clone(), text }, (root, at)))
        });
        there.unzip()
    }
}
