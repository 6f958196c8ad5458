//! Mistakes on purpose, so that checks, retries and failures can be seen and tested without a model.

use crate::diag::Result;
use crate::generate::Asked;
use crate::generate::located::Source;
use crate::json::Value;
use serde::Deserialize;
use serde_json::value::RawValue;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Fault {
    /// The item's answer does not satisfy the checks, or is the one given as `answer`.
    Wrong,
    /// The item is left out.
    Missing,
    /// An item that was not asked for stands after it.
    Extra,
    /// The item stands there twice.
    Doubled,
    /// The answer breaks off inside the item.
    Truncated,
    /// The call is answered with words about the work instead of the work.
    Prose,
    /// The call is answered with nothing.
    Empty,
    /// The call is answered with something that only looks like JSON.
    NotJson,
    /// The call takes too long.
    Timeout,
    /// The call ends with an error.
    Exit,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Planned {
    phase: String,
    item: Option<String>,
    attempts: Vec<u32>,
    kind: Fault,
    answer: Option<Value>,
}

/// The planned mistakes, in the order of the file.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<Planned>);

impl Faults {
    /// Reads a fault list.
    pub(super) fn read(source: &Source<'_>) -> Result<Self> {
        let entries: Vec<&RawValue> = source.parse(source.text)?;
        entries.into_iter().map(|raw| read_one(source, raw.get())).collect::<Result<_>>().map(Self)
    }

    /// What goes wrong with a call as a whole.
    pub(super) fn of_call(&self, phase: &str, attempt: u32, items: &[Asked]) -> Option<Fault> {
        self.at(phase, attempt)
            .filter(|planned| planned.kind.is_of_call())
            .find(|planned| planned.item.as_ref().is_none_or(|id| items.iter().any(|item| item.id == *id)))
            .map(|planned| planned.kind)
    }

    /// What goes wrong with one item, and the answer to give instead, if one is planned.
    pub(super) fn of_item(&self, phase: &str, attempt: u32, item: &str) -> Option<(Fault, Option<&Value>)> {
        self.at(phase, attempt)
            .filter(|planned| !planned.kind.is_of_call())
            .find(|planned| planned.item.as_deref().is_none_or(|id| id == item))
            .map(|planned| (planned.kind, planned.answer.as_ref()))
    }

    fn at(&self, phase: &str, attempt: u32) -> impl Iterator<Item = &Planned> {
        self.0.iter().filter(move |planned| planned.phase == phase && planned.attempts.contains(&attempt))
    }
}

impl Fault {
    fn is_of_call(self) -> bool {
        matches!(self, Self::Prose | Self::Empty | Self::NotJson | Self::Timeout | Self::Exit)
    }
}

fn read_one(source: &Source<'_>, raw: &str) -> Result<Planned> {
    let planned: Planned = source.parse(raw)?;
    if planned.attempts.is_empty() || planned.attempts.contains(&0) {
        return Err(source
            .problem(raw, "`attempts` needs one attempt or more")
            .hint("attempts are counted from 1: write `\"attempts\": [1]`"));
    }
    if planned.answer.is_some() && planned.kind != Fault::Wrong {
        return Err(source.problem(raw, "`answer` goes with the kind `wrong` only"));
    }
    Ok(planned)
}
