//! One item made again from what feeds it: its input, its key parts, and the judgement of an output.

use super::board::{Board, Detail};
use super::verdict::Verdict;
use crate::check::{Finding, Subject};
use crate::course::{ItemDraft, Role};
use crate::diag::{Problem, Result};
use crate::json::{Ids, Value, lift, normalize, put_back};
use crate::key::own_parts;
use crate::link::Text;
use std::sync::Arc;

impl Board<'_> {
    /// An output with the item's ids put back.
    pub fn full_output(&self, phase: usize, id: &str, root: &str, lifted: &str) -> Result<Value> {
        let mut value: Value = serde_json::from_str(lifted)
            .map_err(|e| Problem::internal(format!("the result of `{id}` is not JSON")).because(e))?;
        put_back(&mut value, &self.rule(phase).output.ids, Ids { id, root });
        Ok(value)
    }

    /// An output, wherever its text is, ids in it.
    pub fn output(&self, phase: usize, id: &str, root: &str, text: &Text) -> Result<Value> {
        match text {
            Text::Lifted(lifted) => self.full_output(phase, id, root, lifted),
            Text::InMain(found) => {
                let main = &self.phases[phase].main;
                serde_json::from_str(main.raw(*found)).map_err(|e| {
                    Problem::author(format!("`{id}` in `{}` is not JSON", main.path.display())).because(e)
                })
            }
        }
    }

    /// An output in lifted form, wherever its text is.
    pub fn lifted(&self, phase: usize, id: &str, root: &str, text: &Text) -> Result<Arc<str>> {
        if let Text::Lifted(lifted) = text {
            return Ok(lifted.clone());
        }
        let mut value = self.output(phase, id, root, text)?;
        lift(&mut value, &self.rule(phase).output.ids, Ids { id, root });
        Ok(value.to_string().into())
    }

    /// The findings of an output in lifted form.
    pub fn judge(&self, phase: usize, detail: &Detail, lifted: &str) -> Vec<Finding> {
        let ids = Ids { id: &detail.id, root: &detail.root };
        match self.full_output(phase, ids.id, ids.root, lifted) {
            Ok(mut output) => {
                normalize(&mut output);
                let board = &self.phases[phase];
                let position = board.numbers.get(&detail.root).copied().unwrap_or_default();
                board.checks.item(&Subject { ids, position, input: &detail.input, output: &output })
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
        let cell = &self.phases[phase].slots[root].cells[cell];
        if matches!(cell.decision.verdict, Verdict::Pending(_)) {
            return Ok(None);
        }
        let draft = match self.graph.node(phase).feed {
            None => self
                .source_drafts(phase, &self.course.phases[phase].source[root])?
                .into_iter()
                .nth(cell.index as usize),
            Some(feed) => {
                let upstream = &self.phases[feed].slots[root].cells[cell.from as usize];
                let text = upstream
                    .decision
                    .current
                    .as_ref()
                    .or(upstream.decision.linked.as_ref())
                    .map(|current| current.text.clone());
                let drafts = text.map(|text| self.drafts(phase, root, &upstream.id, &text)).transpose()?;
                drafts.and_then(|drafts| drafts.into_iter().nth(cell.index as usize))
            }
        };
        draft.map(|draft| self.detail(phase, root, &draft)).transpose()
    }
}
