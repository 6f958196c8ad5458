//! What a run counted: for its summary, and for the batches that it touched.

use super::drift::FirstAnswers;
use super::past::Known;
use crate::event::{Event, Summary};
use crate::generate::Meters;
use crate::plan::{Board, Verdict};
use crate::store::Entry;
use std::collections::BTreeMap;

/// The counts of a run.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) calls: usize,
    pub(super) generated: usize,
    pub(super) rejected: usize,
    /// Results fetched from the shared store on the way.
    pub(super) fetched: usize,
    /// Items whose attempts are exhausted.
    pub(super) gave_up: usize,
    /// Tokens, as far as calls tell them: one that tells of no cache says nothing of what the others had from it.
    pub(super) usage: Meters,
    pub(super) money_usd: Option<f64>,
    pub(super) expected_seconds: Option<f64>,
    /// Calls that told what the provider's cache served, and those that it served anything.
    pub(super) cache: (usize, usize),
    /// By course, phase and batch number.
    pub(super) batches: BTreeMap<(usize, usize, usize), Touched>,
    /// By course and phase: items to be bought, as far as they are known, the bought ones included.
    to_buy: Vec<Vec<usize>>,
    /// By course and phase: how first answers did.
    first: BTreeMap<(usize, usize), FirstAnswers>,
}

#[derive(Debug, Default)]
pub(super) struct Touched {
    passed: usize,
    calls: usize,
}

impl Tally {
    /// That of a run of which so much is known when it begins.
    pub(super) fn new(known: &[Vec<Known>]) -> Self {
        let to_buy = known.iter().map(|phases| phases.iter().map(|known| known.to_buy).collect()).collect();
        Self { to_buy, ..Self::default() }
    }

    /// So many more items are to be bought.
    pub(super) fn opened(&mut self, course: usize, phase: usize, wanted: usize) {
        self.to_buy[course][phase] += wanted;
    }

    /// Items to be bought in a phase, as far as they are known, the bought ones included.
    pub(super) fn to_buy(&self, course: usize, phase: usize) -> usize {
        self.to_buy[course][phase]
    }

    /// The first answer for an item of a source item passed, or not.
    pub(super) fn first_answer(&mut self, course: usize, phase: usize, root: usize, passed: bool) {
        self.first.entry((course, phase)).or_default().note(root, passed);
    }

    pub(super) fn call_started(&mut self, course: usize, phase: usize, batch: usize) {
        self.calls += 1;
        self.batches.entry((course, phase, batch)).or_default().calls += 1;
    }

    pub(super) fn call_ended(
        &mut self,
        course: usize,
        phase: usize,
        batch: usize,
        entry: &Entry,
        passed: usize,
    ) {
        self.generated += passed;
        self.rejected += entry.results.len().saturating_sub(passed);
        self.batches.entry((course, phase, batch)).or_default().passed += passed;
        self.usage.and_tried(&entry.meters);
        if let Some(read) = entry.meters.cache_read {
            self.cache.0 += 1;
            self.cache.1 += usize::from(read > 0);
        }
        if let Some(money) = entry.money_usd {
            *self.money_usd.get_or_insert(0.0) += money;
        }
    }

    /// An answer that had passed by itself was refused after all.
    pub(super) fn took_back(&mut self, course: usize, phase: usize, batch: usize) {
        self.generated = self.generated.saturating_sub(1);
        self.rejected += 1;
        let touched = self.batches.entry((course, phase, batch)).or_default();
        touched.passed = touched.passed.saturating_sub(1);
    }

    /// One event for each batch that a call was made for.
    pub(super) fn batch_events(&self, boards: &[Board<'_>]) -> Vec<Event> {
        let mut events = Vec::new();
        for (course, board) in boards.iter().enumerate() {
            for phase in 0..board.phases.len() {
                let batches = &board.phases[phase].batches;
                let mut of_batch: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
                for (position, (root, _, cell)) in board.cells(phase).enumerate() {
                    let (items, failed) = of_batch.entry(batches.batch_of(root, position)).or_default();
                    *items += 1;
                    *failed += usize::from(matches!(cell.decision.verdict, Verdict::Failed(_)));
                }
                for (batch, (items, failed)) in of_batch {
                    let Some(touched) = self.batches.get(&(course, phase, batch)) else { continue };
                    events.push(Event::Batch {
                        course: board.course.code.clone(),
                        phase: board.rule(phase).name.clone(),
                        batch,
                        items,
                        passed: touched.passed,
                        failed,
                        attempts: touched.calls,
                    });
                }
            }
        }
        events
    }

    /// The counts in a summary of a run after which so many items are fresh; the rest of it is filled by whoever ends the run.
    pub(super) fn summary(&self, boards: &[Board<'_>], fresh: usize) -> Summary {
        let drift = self.first.iter().map(|((course, phase), first)| {
            let board = &boards[*course];
            let roots = board.phases[*phase].roots.len();
            first.drift(&board.course.code, &board.rule(*phase).name, roots)
        });
        Summary {
            drift: drift.collect(),
            calls: self.calls,
            items_generated: self.generated,
            items_reused: fresh.saturating_sub(self.generated),
            items_fetched: self.fetched,
            items_rejected: self.rejected,
            usage: self.usage,
            money_usd: self.money_usd,
            expected_seconds: self.expected_seconds,
            cache_calls: self.cache.0,
            cache_hits: self.cache.1,
            ..Summary::default()
        }
    }
}
