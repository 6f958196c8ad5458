//! One item made again from what feeds it: its input, its key parts, and the judgement of an output.

use super::board::{Board, Detail};
use super::verdict::Verdict;
use crate::check::{Finding, Subject};
use crate::course::{Feed, ItemDraft, Role};
use crate::diag::Result;
use crate::json::Value;
use crate::json::{Ids, lift, normalize};
use crate::key::own_parts;

impl Board<'_> {
    /// The findings of an output in lifted form.
    pub fn judge(&self, phase: usize, detail: &Detail, lifted: &str) -> Vec<Finding> {
        let ids = Ids { id: &detail.id, root: &detail.root };
        match self.with_ids(phase, ids.id, ids.root, lifted) {
            Ok(mut output) => {
                normalize(&mut output);
                self.phases[phase].checks.item(&Subject { ids, input: &detail.input, output: &output })
            }
            Err(problem) => crate::check::missing_output(&[ids.id], &problem.what),
        }
    }

    pub(super) fn detail(&self, phase: usize, root: usize, draft: &ItemDraft) -> Result<Detail> {
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

    /// An item's input and key parts, made again from what feeds it. `None` for one that is pending.
    pub fn detail_of(&self, phase: usize, root: usize, cell: usize) -> Result<Option<Detail>> {
        let (slot, at) = (&self.phases[phase].slots[root], cell);
        let cell = &slot.cells[at];
        if matches!(cell.decision.verdict, Verdict::Pending(_)) {
            return Ok(None);
        }
        let draft = match self.rule(phase).feed {
            Feed::Source => self.source_drafts(phase, &self.course.phases[phase].source[root])?.pop(),
            Feed::Groups { .. } => {
                Some(self.group(phase, cell.index as usize, &cell.id, &slot.members[at])?)
            }
            Feed::Phase { phase: feed, .. } => {
                let upstream = &self.phases[feed].slots[root].cells[cell.from as usize];
                let text = upstream
                    .decision
                    .current
                    .as_ref()
                    .or(upstream.decision.linked.as_ref())
                    .map(|current| current.text.clone());
                let drafts =
                    text.map(|text| self.drafts(phase, root, cell.from as usize, &text)).transpose()?;
                let found = |draft: &ItemDraft| draft.index == cell.index as usize;
                drafts.and_then(|drafts| drafts.into_iter().find(found))
            }
        };
        draft.map(|draft| self.detail(phase, root, &draft)).transpose()
    }
}
