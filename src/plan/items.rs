//! One item made again from what feeds it: its input, its key parts, and the judgement of an output.

use super::board::{Board, Detail};
use super::verdict::Verdict;
use crate::check::{Finding, Subject};
use crate::course::{Feed, ItemDraft, Role, SourceItem, Upstream, draft_items};
use crate::diag::{Problem, Result};
use crate::json::{Ids, Value, lift, normalize, put_back, strip};
use crate::key::own_parts;
use crate::link::Text;
use std::sync::Arc;

impl Board<'_> {
    /// An output as a generator answered it, wherever its text is: with the item's ids, without its derived fields.
    pub fn output(&self, phase: usize, id: &str, root: &str, text: &Text) -> Result<Value> {
        match text {
            Text::Lifted(lifted) => self.with_ids(phase, id, root, lifted),
            Text::InMain(found) => {
                let main = &self.phases[phase].main;
                let mut value = serde_json::from_str(main.raw(*found)).map_err(|e| {
                    Problem::author(format!("`{id}` in `{}` is not JSON", main.path.display())).because(e)
                })?;
                // What stands there was derived by the last run, or by nobody.
                strip(&mut value, &self.rule(phase).output.derived_fields());
                Ok(value)
            }
        }
    }

    /// An output in lifted form, wherever its text is.
    pub fn lifted(&self, phase: usize, id: &str, root: &str, text: &Text) -> Result<Arc<str>> {
        if let Text::Lifted(lifted) = text {
            return Ok(lifted.clone());
        }
        let mut value = self.output(phase, id, root, text)?;
        self.rule(phase).output.take_in(&mut value, Ids { id, root });
        Ok(value.to_string().into())
    }

    /// An output in lifted form with the item's ids put back.
    fn with_ids(&self, phase: usize, id: &str, root: &str, lifted: &str) -> Result<Value> {
        let mut value: Value = serde_json::from_str(lifted)
            .map_err(|e| Problem::internal(format!("the result of `{id}` is not JSON")).because(e))?;
        put_back(&mut value, &self.rule(phase).output.ids, Ids { id, root });
        Ok(value)
    }

    /// The findings of an output in lifted form.
    pub fn judge(&self, phase: usize, detail: &Detail, lifted: &str) -> Vec<Finding> {
        let ids = Ids { id: &detail.id, root: &detail.root };
        match self.with_ids(phase, ids.id, ids.root, lifted) {
            Ok(mut output) => {
                normalize(&mut output);
                let board = &self.phases[phase];
                let position = board.numbers.get(&detail.root).copied().unwrap_or_default();
                let mut findings =
                    board.checks.item(&Subject { ids, position, input: &detail.input, output: &output });
                self.waive(phase, &detail.id, lifted, &mut findings);
                findings
            }
            Err(problem) => crate::check::missing_output(&[ids.id], &problem.what),
        }
    }

    /// An item's input with its ids lifted out.
    pub fn lifted_input(&self, phase: usize, detail: &Detail) -> Value {
        let mut lifted = detail.input.clone();
        lift(&mut lifted, &self.rule(phase).input_ids, Ids { id: &detail.id, root: &detail.root });
        lifted
    }

    pub(super) fn detail(&self, phase: usize, root: usize, draft: &ItemDraft) -> Result<Detail> {
        let mut detail = self.alone(phase, root, draft)?;
        detail.own.extend(self.cohort_part(phase, root, &draft.id)?);
        Ok(detail)
    }

    /// An item as it is by itself, whatever its siblings are.
    pub(super) fn alone(&self, phase: usize, root: usize, draft: &ItemDraft) -> Result<Detail> {
        let root_id = &self.phases[phase].roots[root];
        let mut lifted = draft.input.clone();
        lift(&mut lifted, &self.rule(phase).input_ids, Ids { id: &draft.id, root: root_id });
        let keyed: Vec<(&str, Value)> = self
            .rule(phase)
            .contexts
            .iter()
            .filter(|context| context.role == Role::Key)
            .map(|context| {
                Ok((context.name.as_str(), self.context(phase, context, root, draft.index)?.value()))
            })
            .collect::<Result<_>>()?;
        let own = own_parts(&lifted, keyed.iter().map(|(name, value)| (*name, value)));
        Ok(Detail { id: draft.id.clone(), root: root_id.clone(), input: draft.input.clone(), own })
    }

    /// The items that an upstream result gives.
    pub(super) fn drafts(
        &self,
        phase: usize,
        root: usize,
        from: usize,
        text: &Text,
    ) -> Result<Vec<ItemDraft>> {
        let Some(feed) = self.graph.node(phase).feed else { return Ok(Vec::new()) };
        let output = self.full_output(feed, root, from, text)?;
        self.drafts_of(phase, root, &self.phases[feed].slots[root].cells[from].id, &output)
    }

    /// The items that a whole result of the phase before gives.
    pub(super) fn drafts_of(
        &self,
        phase: usize,
        root: usize,
        id: &Arc<str>,
        value: &Value,
    ) -> Result<Vec<ItemDraft>> {
        let upstream = Upstream { id, root: &self.phases[phase].roots[root], value };
        draft_items(self.rule(phase), self.course.into(), &upstream).map_err(|why| {
            let feed = self.graph.node(phase).feed.unwrap_or(phase);
            Problem::author(format!("`{}` of `{}` cannot be split into items of `{}`", id, self.rule(feed).name, self.rule(phase).name))
                .because(why)
                .hint("mend that item in its main file, or add a check to the phase that makes it, so that it is asked for again")
        })
    }

    pub(super) fn source_drafts(&self, phase: usize, item: &SourceItem) -> Result<Vec<ItemDraft>> {
        let upstream = Upstream { id: &item.id, root: &item.id, value: &item.value };
        draft_items(self.rule(phase), self.course.into(), &upstream).map_err(|why| {
            Problem::author(format!("the source item `{}` cannot be used", item.id)).because(why)
        })
    }

    /// An item's input and key parts, made again from what feeds it. `None` for one that is pending.
    pub fn detail_of(&self, phase: usize, root: usize, cell: usize) -> Result<Option<Detail>> {
        let draft = self.draft_of(phase, root, cell)?;
        draft.map(|draft| self.detail(phase, root, &draft)).transpose()
    }

    /// The same of several items of one root; what they come from is taken apart once.
    pub fn details_of(&self, phase: usize, root: usize, cells: &[usize]) -> Result<Vec<Option<Detail>>> {
        let mut drafts: Vec<(u32, ItemDraft)> = Vec::new();
        let mut details = Vec::with_capacity(cells.len());
        for &at in cells {
            let cell = &self.phases[phase].slots[root].cells[at];
            let is_own =
                |(from, draft): &&(u32, ItemDraft)| *from == cell.from && draft.index == cell.index as usize;
            if !drafts.iter().any(|draft| is_own(&draft)) {
                let made = self.drafts_for(phase, root, at)?;
                drafts = made.into_iter().map(|draft| (cell.from, draft)).collect();
            }
            let own = drafts.iter().find(is_own);
            details.push(own.map(|(_, draft)| self.detail(phase, root, draft)).transpose()?);
        }
        Ok(details)
    }

    /// An item made again from what feeds it. `None` for one that is pending.
    pub(super) fn draft_of(&self, phase: usize, root: usize, cell: usize) -> Result<Option<ItemDraft>> {
        let index = self.phases[phase].slots[root].cells[cell].index as usize;
        Ok(self.drafts_for(phase, root, cell)?.into_iter().find(|draft| draft.index == index))
    }

    /// The items that come from the same result as an item, made again. None for one that is pending.
    pub(super) fn drafts_for(&self, phase: usize, root: usize, cell: usize) -> Result<Vec<ItemDraft>> {
        let (slot, at) = (&self.phases[phase].slots[root], cell);
        let cell = &slot.cells[at];
        if matches!(cell.decision.verdict, Verdict::Pending(_)) {
            return Ok(Vec::new());
        }
        match self.rule(phase).feed {
            Feed::Source => self.source_drafts(phase, &self.course.phases[phase].source[root]),
            Feed::Groups { .. } => {
                Ok(vec![self.group(phase, cell.index as usize, &cell.id, &slot.members[at])?])
            }
            Feed::Phase { phase: feed, .. } => {
                let upstream = &self.phases[feed].slots[root].cells[cell.from as usize];
                let text = upstream
                    .decision
                    .current
                    .as_ref()
                    .or(upstream.decision.linked.as_ref())
                    .map(|current| current.text.clone());
                let drafts = text.map(|text| self.drafts(phase, root, cell.from as usize, &text));
                Ok(drafts.transpose()?.unwrap_or_default())
            }
        }
    }
}
