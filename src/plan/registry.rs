//! What a prompt is told of the words that concepts have already: a context that shows the registry of a check.
//!
//! Told is what counts when the prompt is made: outputs that stand, and that no purchase under way can undo. It waits for nothing
//! and is in no key; so it changes neither which calls there are nor what they are for.

use super::board::{Board, Cell, State};
use super::compare::{AT_A_TIME, Read};
use super::context::Entries;
use super::verdict::Verdict;
use crate::check::{Registry, Word, Words};
use crate::course::{Context, Shown, Window, project};
use crate::diag::Result;
use crate::json::Value;
use serde_json::json;
use std::collections::BTreeSet;

/// An item that a prompt is made for: its root's number, and its input.
pub(super) type Asked<'a> = (usize, &'a Value);

impl Board<'_> {
    /// What a context with a registry shows to the items of a call, in source order: the words of the concepts that these items
    /// hold. `all earlier` counts what stands before the first of them, `whole phase` also what stands behind.
    pub fn registered(&self, phase: usize, context: &Context, asked: &[Asked<'_>]) -> Result<Entries> {
        let checks = &self.phases[phase].checks;
        let Some((shown, registry)) =
            context.registry.as_ref().and_then(|shown| Some((shown, checks.registry(&shown.check)?)))
        else {
            return Ok(Entries::default());
        };
        let held = asked.iter().filter(|(root, _)| self.position(phase, *root) < registry.first());
        let mentioned: BTreeSet<usize> = held
            .filter_map(|(_, input)| shown.text.get(input).and_then(Value::as_str))
            .flat_map(|text| registry.mentioned(text))
            .collect();
        let first = asked.iter().map(|(root, _)| *root).min().unwrap_or_default();
        let order = &self.phases[phase].order;
        // What is settled for good is remembered already, unless a look goes back behind it.
        let ledger = (order.admitted <= first).then(|| order.ledger());
        let mut words = Words::default();
        let lacks = |words: &Words| mentioned.iter().any(|it| registry.word(*it, ledger, words).is_none());
        let end = if context.window == Window::WholePhase { self.phases[phase].slots.len() } else { first };
        let mut from = if ledger.is_some() { order.admitted } else { 0 };
        while from < end && self.position(phase, from) < registry.first() && lacks(&words) {
            let to = (from + AT_A_TIME).min(end);
            self.in_order(phase, from..to, &mut |root, reads| {
                if !asked.iter().any(|(own, _)| *own == root) {
                    self.remember(phase, root, root < first, &reads, registry, &mut words);
                }
                Ok(())
            })?;
            from = to;
        }
        let mut told: Vec<Word<'_>> =
            mentioned.iter().filter_map(|concept| registry.word(*concept, ledger, &words)).collect();
        told.sort_by_key(|word| word.position);
        Ok(self.shown_words(context, &told))
    }

    fn position(&self, phase: usize, root: usize) -> usize {
        let board = &self.phases[phase];
        board.numbers.get(&board.roots[root]).copied().unwrap_or_default()
    }

    /// Remembers what stands of a root.
    fn remember(
        &self,
        phase: usize,
        root: usize,
        before: bool,
        reads: &[Option<Read>],
        registry: Registry<'_>,
        words: &mut Words,
    ) {
        let board = &self.phases[phase];
        let slot = &board.slots[root];
        // An answer of this run may still be refused beside those before it.
        let is_judged = |at: usize| !board.order.before.contains_key(&(root, at));
        // What is out of date counts for those behind it, and is no reason for those before it to be said like it.
        let lasts =
            |cell: &Cell| before || matches!(cell.decision.verdict, Verdict::Fresh | Verdict::Held(_));
        for (at, (cell, read)) in slot.cells.iter().zip(reads).enumerate() {
            let counts = slot.state == State::Settled && cell.doubt.is_none() && is_judged(at) && lasts(cell);
            if let Some(read) = read.as_ref().filter(|_| counts) {
                registry.remember(words, &self.subject(phase, root, at, read));
            }
        }
    }

    fn shown_words(&self, context: &Context, told: &[Word<'_>]) -> Entries {
        let mut bytes_left = context.max_bytes.unwrap_or(usize::MAX).saturating_sub(2);
        let mut entries = Entries::default();
        for word in told {
            let whole = json!({"concept": word.concept, "word": word.word, "item": word.item});
            let looked = Shown { item: &whole, parent: &whole, last: false, id: word.item };
            let value = project(&context.show, &looked, self.course.into());
            let size = serde_json::to_string(&value).map_or(0, |text| text.len()) + 1;
            if size > bytes_left {
                break;
            }
            bytes_left -= size;
            let begins = entries.range.take().map_or_else(|| word.item.to_owned(), |(first, _)| first);
            entries.range = Some((begins, word.item.to_owned()));
            entries.values.push(value);
        }
        entries
    }
}
