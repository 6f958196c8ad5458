//! Items compared with those before them and with an earlier phase: the checks that no item can be judged by alone.
//!
//! What an item counts with for the others: its current result; what is stale or waits, with the last linked one; what was
//! refused is absent. The later of two that do not go together is blamed, and then decided over again by the same table as
//! ever, with a judge that knows of the blame. So refused results, attempts, hand edits and the store's other results need no
//! rules of their own.

use super::board::{Board, Cell, Detail};
use super::decide::decide;
use super::facts::{Current, Decision};
use super::memory::Memory;
use super::small;
use super::verdict::Verdict;
use crate::check::{Finding, Ledger, Lexicon, Position, Subject};
use crate::course::{Feed, ItemDraft};
use crate::diag::{Problem, Result};
use crate::json::{Ids, Value, normalize};
use crate::link::Text;
use rayon::prelude::*;
use std::ops::Range;

/// How many roots are read at a time, in parallel, before they are judged one after the other.
pub(super) const AT_A_TIME: usize = 1024;

/// What items are compared with.
#[derive(Debug, Default)]
pub(super) struct Against {
    pub(super) ledger: Ledger,
    pub(super) lexicon: Lexicon,
}

/// An item's input and output, as checks read them.
pub(super) struct Read {
    input: Value,
    output: Value,
}

/// What an item counts with for those after it.
pub(super) fn counted(decision: &Decision) -> Option<&Current> {
    match decision.verdict {
        Verdict::Stale(_) | Verdict::Missing | Verdict::Pending(_) => {
            decision.current.as_ref().or(decision.linked.as_ref())
        }
        _ => decision.current.as_ref(),
    }
}

impl Cell {
    /// The decision over the item by itself.
    pub(super) fn by_itself(&self) -> &Decision {
        self.doubt.as_deref().unwrap_or(&self.decision)
    }
}

impl Board<'_> {
    /// Reads what the items of a root count with by themselves.
    pub(super) fn read_root(&self, phase: usize, root: usize) -> Result<Vec<Option<Read>>> {
        let cells = &self.phases[phase].slots[root].cells;
        // Items that come from one result are made from it at once.
        let mut drafts: Vec<(u32, ItemDraft)> = Vec::new();
        let mut reads = Vec::with_capacity(cells.len());
        for (at, cell) in cells.iter().enumerate() {
            let Some(current) = counted(cell.by_itself()) else {
                reads.push(None);
                continue;
            };
            let is_own =
                |(from, draft): &(u32, ItemDraft)| *from == cell.from && draft.index == cell.index as usize;
            if !drafts.iter().any(is_own) {
                let made = self.drafts_for(phase, root, at)?;
                drafts = made.into_iter().map(|draft| (cell.from, draft)).collect();
            }
            let input = drafts.iter().find(|draft| is_own(draft)).map(|(_, draft)| draft.input.clone());
            let input = input.unwrap_or_default();
            reads.push(Some(Read { input, output: self.read_output(phase, root, at, &current.text)? }));
        }
        Ok(reads)
    }

    pub(super) fn read_text(&self, phase: usize, root: usize, at: usize, text: &Text) -> Result<Read> {
        let input = self.draft_of(phase, root, at)?.map(|draft| draft.input).unwrap_or_default();
        Ok(Read { input, output: self.read_output(phase, root, at, text)? })
    }

    fn read_output(&self, phase: usize, root: usize, at: usize, text: &Text) -> Result<Value> {
        let board = &self.phases[phase];
        let mut output = self.output(phase, &board.slots[root].cells[at].id, &board.roots[root], text)?;
        normalize(&mut output);
        Ok(output)
    }

    /// The item's place in the phase that its vocabulary comes from.
    fn place_of(&self, phase: usize, root: usize, at: usize) -> Position {
        let Some(spec) = self.phases[phase].checks.reads() else { return (small(root), u32::MAX) };
        if self.graph.node(spec.phase).source != self.graph.node(phase).source {
            return (u32::MAX, u32::MAX);
        }
        let same_list = matches!(&self.rule(phase).feed,
            Feed::Phase { phase: feed, explode: Some(explode) } if *feed == spec.phase && explode.at == spec.each);
        let index = self.phases[phase].slots[root].cells[at].index;
        (small(root), if same_list { index } else { u32::MAX })
    }

    pub(super) fn subject<'a>(&'a self, phase: usize, root: usize, at: usize, read: &'a Read) -> Subject<'a> {
        let board = &self.phases[phase];
        let ids = Ids { id: &board.slots[root].cells[at].id, root: &board.roots[root] };
        let position = board.numbers.get(&board.roots[root]).copied().unwrap_or_default();
        Subject { ids, position, input: &read.input, output: &read.output }
    }

    /// The errors that an output has beside others.
    pub(super) fn compare(
        &self,
        phase: usize,
        (root, at): (usize, usize),
        read: &Read,
        against: &Against,
    ) -> Vec<Finding> {
        let checks = &self.phases[phase].checks;
        let subject = self.subject(phase, root, at, read);
        let mut findings = Vec::new();
        if checks.blames_in_order() {
            findings.extend(checks.in_order(&against.ledger, &subject));
        }
        if checks.blames_by_lexicon() {
            let own = self.place_of(phase, root, at);
            findings.extend(checks.with_lexicon(&against.lexicon, own, &subject));
        }
        findings.retain(Finding::is_error);
        if !findings.is_empty() {
            let mut lifted = read.output.clone();
            self.rule(phase).output.take_in(&mut lifted, subject.ids);
            self.waive(phase, subject.ids.id, &lifted.to_string(), &mut findings);
            findings.retain(Finding::is_error);
        }
        findings
    }

    /// Lets an output count for those after it.
    pub(super) fn admit(&self, phase: usize, (root, at): (usize, usize), read: &Read, ledger: &mut Ledger) {
        self.phases[phase].checks.admit(ledger, &self.subject(phase, root, at, read));
    }

    /// Lets all that stands in these roots count.
    pub(super) fn admit_roots(&self, phase: usize, roots: Range<usize>, ledger: &mut Ledger) -> Result<()> {
        self.in_order(phase, roots, &mut |root, reads| {
            for (at, read) in reads.iter().enumerate() {
                if let Some(read) = read {
                    self.admit(phase, (root, at), read, ledger);
                }
            }
            Ok(())
        })
    }

    /// Reads roots in parallel and hands them over in order.
    pub(super) fn in_order(
        &self,
        phase: usize,
        roots: Range<usize>,
        each: &mut dyn FnMut(usize, Vec<Option<Read>>) -> Result<()>,
    ) -> Result<()> {
        for from in roots.clone().step_by(AT_A_TIME) {
            let some = from..(from + AT_A_TIME).min(roots.end);
            let read: Vec<_> = some
                .clone()
                .into_par_iter()
                .map(|root| self.read_root(phase, root))
                .collect::<Result<_>>()?;
            for (root, read) in some.zip(read) {
                each(root, read)?;
            }
        }
        Ok(())
    }

    /// Adds what these roots of the phase that a vocabulary comes from teach. What is refused and to be bought again teaches what
    /// is linked until then: most of it will be taught again, and nothing is bought before that is certain. So does what
    /// failed, for its main file goes on showing that.
    pub(super) fn teach(&self, phase: usize, roots: Range<usize>, lexicon: &mut Lexicon) -> Result<()> {
        let Some(spec) = self.phases[phase].checks.reads() else { return Ok(()) };
        let from = spec.phase;
        for root in roots {
            for cell in &self.phases[from].slots[root].cells {
                let shows = cell.is_wanted() || matches!(cell.decision.verdict, Verdict::Failed(_));
                let stands_in = cell.decision.linked.as_ref().filter(|_| shows);
                if let Some(current) = counted(&cell.decision).or(stands_in) {
                    let mut result =
                        self.output(from, &cell.id, &self.phases[from].roots[root], &current.text)?;
                    normalize(&mut result);
                    spec.teach(lexicon, small(root), &result);
                }
            }
        }
        Ok(())
    }

    /// The findings of an answer as far as they can be told when it comes: by itself, and with the vocabulary where that is all that
    /// the phase compares its items with.
    pub fn judge_answer(
        &mut self,
        phase: usize,
        place: (usize, usize),
        detail: &Detail,
        lifted: &str,
    ) -> Result<Vec<Finding>> {
        let mut findings = self.judge(phase, detail, lifted);
        let fails = findings.iter().any(Finding::is_error);
        let checks = &self.phases[phase].checks;
        if !fails && checks.blames_by_lexicon() && !checks.blames_in_order() {
            let against = self.taught(phase, 0)?;
            let read = self.read_text(phase, place.0, place.1, &Text::Lifted(lifted.into()))?;
            findings.extend(self.compare(phase, place, &read, &against));
            self.give_back(phase, against);
        }
        Ok(findings)
    }

    /// Decides again over an item that was blamed.
    pub(super) fn decide_blamed(
        &self,
        phase: usize,
        (root, at): (usize, usize),
        against: &Against,
        memory: &Memory<'_>,
    ) -> Result<Decision> {
        let cell = &self.phases[phase].slots[root].cells[at];
        let detail = self
            .detail_of(phase, root, at)?
            .ok_or_else(|| Problem::internal("an item that waits was blamed"))?;
        let facts = memory.all_facts(self, phase, &detail, cell.content, cell.chosen)?;
        Ok(decide(&facts, &|lifted| {
            let mut findings = self.judge(phase, &detail, lifted);
            if !findings.iter().any(Finding::is_error)
                && let Ok(read) = self.read_text(phase, root, at, &Text::Lifted(lifted.into()))
            {
                findings.extend(self.compare(phase, (root, at), &read, against));
                let output = Some(super::output_digest_of_text(lifted));
                findings.extend(self.blame_on(phase, (root, at), output).iter().cloned());
            }
            findings
        }))
    }

    /// Decides over an item beside those before it. Gives the decision where it is another one than the item has, and what the
    /// item counts with.
    pub(super) fn decide_beside(
        &self,
        phase: usize,
        place: (usize, usize),
        read: Option<Read>,
        against: &Against,
        memory: &Memory<'_>,
    ) -> Result<(Option<Decision>, Option<Read>)> {
        let cell = &self.phases[phase].slots[place.0].cells[place.1];
        let own = cell.by_itself();
        let output = own.current.as_ref().map(|current| current.digest);
        let is_blamed = own.verdict == Verdict::Fresh && !self.blame_on(phase, place, output).is_empty();
        let passes = own.verdict != Verdict::Fresh
            || !is_blamed
                && read.as_ref().is_none_or(|read| self.compare(phase, place, read, against).is_empty());
        if passes {
            return Ok((cell.doubt.as_deref().cloned(), read));
        }
        let decision = self.decide_blamed(phase, place, against, memory)?;
        let counts = counted(&decision).map(|current| current.text.clone());
        let read = counts.map(|text| self.read_text(phase, place.0, place.1, &text)).transpose()?;
        Ok((Some(decision), read))
    }

    /// Compares all items of a phase as it stands when it has been opened: what is still to be bought counts with what is
    /// linked. A blame that a purchase could undo is in doubt. What a program is remembered to blame is compared again, for
    /// something else may stand for it.
    pub(super) fn compare_all(&mut self, phase: usize, memory: &Memory<'_>) -> Result<()> {
        let checks = &self.phases[phase].checks;
        let compares = checks.blames_others();
        let all = self.phases[phase].slots.len();
        let from = if compares { self.unchanged(phase) } else { all };
        self.compare_from(phase, from, memory)?;
        self.hear_all(phase, from, memory)
    }

    pub(super) fn compare_from(&mut self, phase: usize, from: usize, memory: &Memory<'_>) -> Result<()> {
        let checks = &self.phases[phase].checks;
        let (ordered, reads) = (checks.blames_in_order(), checks.reads().map(|spec| spec.phase));
        let reads = reads.filter(|_| checks.blames_by_lexicon());
        if ordered && reads.is_none() && !checks.reads_course() {
            return self.decide_what_is_blamed(phase, memory);
        }
        let all = self.phases[phase].slots.len();
        let bound = self.bound(phase);
        if !ordered {
            self.phases[phase].slots[..bound].iter_mut().for_each(|slot| slot.compared = slot.is_decided());
        }
        if from == all {
            return Ok(());
        }
        let checks = &self.phases[phase].checks;
        let mut against = Against { ledger: checks.ledger(), lexicon: Lexicon::default() };
        if let Some(reads) = reads {
            self.teach(phase, 0..self.phases[reads].slots.len(), &mut against.lexicon)?;
        }
        if !ordered {
            return self
                .gate_roots(phase, &(from..all).collect::<Vec<_>>(), &against, true, memory)
                .map(drop);
        }
        self.admit_roots(phase, 0..from, &mut against.ledger)?;
        let (mut firm, mut changes) = (true, Vec::new());
        self.in_order(phase, from..all, &mut |root, reads| {
            let slot = &self.phases[phase].slots[root];
            firm &= slot.is_decided();
            for (at, read) in reads.into_iter().enumerate() {
                firm &= !is_bought_anew(&slot.cells[at]);
                let (decision, counts) = if slot.is_decided() {
                    self.decide_beside(phase, (root, at), read, &against, memory)?
                } else {
                    (None, read)
                };
                if let Some(read) = counts {
                    self.admit(phase, (root, at), &read, &mut against.ledger);
                }
                if let Some(decision) = decision {
                    changes.push(((root, at), decision, !firm || root >= bound));
                }
            }
            Ok(())
        })?;
        self.put(phase, changes);
        Ok(())
    }

    /// Compares roots of a phase with its vocabulary alone, in parallel. Gives the roots in which something changed.
    pub(super) fn gate_roots(
        &mut self,
        phase: usize,
        roots: &[usize],
        against: &Against,
        opening: bool,
        memory: &Memory<'_>,
    ) -> Result<Vec<usize>> {
        let this = &*self;
        let bound = this.bound(phase);
        let judged: Vec<Vec<_>> = roots
            .par_iter()
            .filter(|root| this.phases[phase].slots[**root].is_decided())
            .map(|&root| {
                let mut changed = Vec::new();
                for (at, read) in this.read_root(phase, root)?.into_iter().enumerate() {
                    let (decision, _) = this.decide_beside(phase, (root, at), read, against, memory)?;
                    let doubtful = opening && root >= bound;
                    changed.extend(decision.map(|decision| ((root, at), decision, doubtful)));
                }
                Ok(changed)
            })
            .collect::<Result<_>>()?;
        let changes: Vec<_> = judged.into_iter().flatten().collect();
        let mut changed: Vec<usize> = changes.iter().map(|((root, _), ..)| *root).collect();
        changed.dedup();
        self.put(phase, changes);
        Ok(changed)
    }

    /// Puts decisions in their places; one that is in doubt beside what the item is by itself.
    pub(super) fn put(&mut self, phase: usize, changes: Vec<((usize, usize), Decision, bool)>) {
        for ((root, at), decision, doubtful) in changes {
            let slot = &mut self.phases[phase].slots[root];
            let cell = &mut slot.cells[at];
            let before = std::mem::replace(&mut cell.decision, decision);
            let by_itself = cell.doubt.take().map_or(before, |doubt| *doubt);
            cell.doubt = doubtful.then(|| Box::new(by_itself));
            slot.find_state();
        }
    }
}

/// A purchase whose result nobody knows: it may undo a blame behind it.
pub(super) fn is_bought_anew(cell: &Cell) -> bool {
    cell.chosen && matches!(cell.decision.verdict, Verdict::Missing | Verdict::Stale(_))
}
