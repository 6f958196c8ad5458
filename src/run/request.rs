//! A call's members into what is sent and what is recorded of it.

use super::clock::{new_call_id, now_ms};
use crate::check::Finding;
use crate::course::{GeneratorKind, Role, Section};
use crate::diag::{Problem, Result};
use crate::generate::{Asked, Request};
use crate::json::{Kind, Value};
use crate::plan::{Board, Detail, Entries, fits};
use crate::prompt::{BodyFacts, FindingFacts, ItemFacts, Prompts, RetryFacts};
use crate::store::{AnswerShape, AskedItem, Hint, Intent, Store};
use serde_json::json;

/// A call that is ready to be made.
pub(super) struct Draft {
    pub(super) intent: Intent,
    pub(super) request: Request,
}

/// Where a call stands.
pub(super) struct Seat<'a> {
    pub(super) phase: usize,
    /// The members: root and number within its slot.
    pub(super) members: &'a [(usize, usize)],
    /// The number of the first one's batch.
    pub(super) batch: usize,
    pub(super) label: String,
}

/// Makes the request of a call, and its intent.
pub(super) fn draft(board: &Board<'_>, prompts: &Prompts, store: &Store, seat: &Seat<'_>) -> Result<Draft> {
    let (phase, rule) = (seat.phase, board.rule(seat.phase));
    fits(board, phase, seat.members)?;
    let details: Vec<Detail> = seat
        .members
        .iter()
        .map(|(root, at)| {
            board
                .detail_of(phase, *root, *at)?
                .ok_or_else(|| Problem::internal("an item that waits was about to be bought"))
        })
        .collect::<Result<_>>()?;
    let (Some(first), Some(last), Some(front)) = (details.first(), details.last(), seat.members.first())
    else {
        return Err(Problem::internal("a call without items was about to be made"));
    };
    let scope = if details.len() == 1 { first.id.to_string() } else { format!("{}-{}", first.id, last.id) };
    let cells = || seat.members.iter().map(|(root, at)| &board.phases[phase].slots[*root].cells[*at]);
    let attempt = cells().map(|cell| cell.decision.attempts).max().unwrap_or_default() + 1;
    let findings: Vec<&Finding> = cells().flat_map(|cell| &cell.decision.findings).collect();
    let asked: Vec<(usize, &Value)> =
        seat.members.iter().zip(&details).map(|((root, _), detail)| (*root, &detail.input)).collect();
    let contexts: Vec<(&str, Role, Entries)> = rule
        .contexts
        .iter()
        .filter(|context| context.role != Role::Check)
        .map(|context| {
            let index = board.phases[phase].slots[front.0].cells[front.1].index as usize;
            let entries = match &context.registry {
                Some(_) => board.registered(phase, context, &asked)?,
                None => board.context(phase, context, front.0, index)?,
            };
            Ok((context.name.as_str(), context.role, entries))
        })
        .collect::<Result<_>>()?;
    let scoped: Vec<&Section> = board.phases[phase].scopes[board.phases[phase].scope_of[front.0] as usize]
        .sections
        .iter()
        .map(|number| &rule.prompt.scoped[*number])
        .collect();
    let told: Vec<FindingFacts<'_>> = findings
        .iter()
        .map(|finding| FindingFacts {
            item: &finding.item,
            kind: &finding.kind,
            message: &finding.message,
            suggestion: finding.suggestion.as_deref(),
        })
        .collect();
    let items: Vec<ItemFacts<'_>> =
        details.iter().map(|detail| ItemFacts { id: &detail.id, input: &detail.input }).collect();
    let shown: Vec<(&str, &[Value])> =
        contexts.iter().map(|(name, _, entries)| (*name, &entries.values[..])).collect();
    let body = prompts.body(&BodyFacts {
        label: &seat.label,
        batch: seat.batch,
        scope: &scope,
        sections: &scoped,
        items: &items,
        context: &shown,
        retry: (attempt > 1).then_some(RetryFacts { attempt, findings: &told }),
    })?;
    let call = new_call_id();
    let input = json!({
        "phase": rule.name,
        "course": board.course.code,
        "attempt": attempt,
        "items": details.iter().map(|detail| json!({"id": *detail.id, "input": detail.input})).collect::<Vec<_>>(),
        "context": contexts.iter().map(|(name, _, entries)| ((*name).to_owned(), entries.value())).collect::<serde_json::Map<_, _>>(),
        "findings": findings,
    });
    let hints = contexts.iter().filter(|(_, role, _)| *role == Role::Hint);
    let hints = hints
        .map(|(name, _, entries)| Hint {
            name: (*name).to_owned(),
            digest: entries.digest(),
            range: entries.range.clone(),
        })
        .collect();
    let request = Request {
        dir: store.call_dir(&call),
        call: call.clone(),
        course: board.course.code.clone(),
        course_dir: board.course.dir.clone(),
        phase: rule.name.clone(),
        batch: seat.batch,
        label: seat.label.clone(),
        scope: scope.clone(),
        attempt,
        prefix: prompts.prefix(),
        body,
        input: input.into(),
        items: details
            .iter()
            .map(|detail| Asked { id: detail.id.to_string(), input: detail.input.clone() })
            .collect(),
    };
    let shape = &rule.output.shape;
    let intent = Intent {
        call,
        course: board.course.code.clone(),
        phase: rule.name.clone(),
        label: seat.label.clone(),
        scope,
        attempt,
        generator: kind_name(rule.generate.kind).to_owned(),
        model: rule.generate.model.clone(),
        asked_ms: now_ms(),
        shape: AnswerShape {
            object: shape.kind == Kind::Object,
            at: shape.at.to_string(),
            id: shape.id.to_string(),
            ids: rule.output.ids.iter().map(ToString::to_string).collect(),
            derived: rule.output.derived_fields().iter().map(ToString::to_string).collect(),
        },
        recipe: board.phases[phase].recipe(front.0).parts().to_vec(),
        hints,
        checks: board.phases[phase].checks.digest(),
        texts: None,
        trial: board.wishes.trial,
        items: details
            .into_iter()
            .zip(cells())
            .map(|(detail, cell)| AskedItem {
                input: board.lifted_input(phase, &detail),
                id: detail.id,
                root: detail.root,
                content: cell.content,
                parts: detail.own,
                refused: cell.decision.refused.clone(),
                supersedes: cell.decision.supersedes,
            })
            .collect(),
    };
    Ok(Draft { intent, request })
}

/// A generator kind's name, as the manifest spells it.
pub(super) fn kind_name(kind: GeneratorKind) -> &'static str {
    match kind {
        GeneratorKind::Phrasebook => "phrasebook",
        GeneratorKind::Replay => "replay",
        GeneratorKind::Command => "command",
        GeneratorKind::Anthropic => "anthropic",
        GeneratorKind::Openai => "openai",
        GeneratorKind::Drop => "drop",
    }
}
