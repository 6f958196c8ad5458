//! What a prompt or check reads beside the item: the results of a phase, seen through a window.

use super::board::{Board, Cell, State};
use super::verdict::Verdict;
use crate::course::{Context, Explode, Feed, Shown, Window, project};
use crate::diag::Result;
use crate::digest::Digest;
use crate::json::{Value, canonical};
use crate::link::Text;

/// The entries of a context, in source order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Entries {
    /// What is shown of each.
    pub values: Vec<Value>,
    /// The items that the first and the last come from.
    pub range: Option<(String, String)>,
}

impl Entries {
    /// As it is sent.
    pub fn value(&self) -> Value {
        Value::Array(self.values.clone())
    }

    /// The digest of what is sent: of the canonical bytes of the array.
    pub fn digest(&self) -> Digest {
        let mut bytes = Digest::builder();
        bytes.add(b"[");
        for (at, value) in self.values.iter().enumerate() {
            if at > 0 {
                bytes.add(b",");
            }
            bytes.add(&canonical(value));
        }
        bytes.add(b"]");
        bytes.finish()
    }
}

/// Walks back from the item, so that a limit keeps the newest entries and costs no more than it keeps.
pub(super) fn entries(
    board: &Board<'_>,
    phase: usize,
    context: &Context,
    root: usize,
    index: usize,
) -> Result<Entries> {
    let from = context.phase;
    let aligned = board.graph.node(from).source == board.graph.node(phase).source;
    let whole = context.window == Window::WholePhase || !aligned;
    let slots = &board.phases[from].slots;
    let same_list = matches!(&board.rule(phase).feed, Feed::Phase { phase: feed, explode: Some(Explode { at, .. }) } if *feed == from && Some(at) == context.each.as_ref());
    let last_root = if whole {
        slots.len().checked_sub(1)
    } else if same_list {
        Some(root)
    } else {
        root.checked_sub(1)
    };
    let Some(last_root) = last_root else { return Ok(Entries::default()) };
    let mut results_left = match context.window {
        Window::Before(count) => count,
        _ => usize::MAX,
    };
    let mut bytes_left = context.max_bytes.unwrap_or(usize::MAX).saturating_sub(2);
    let (mut values, mut first, mut last) = (Vec::new(), None, None);
    'walk: for at in (0..=last_root).rev() {
        let slot = &slots[at];
        for (place, cell) in slot.cells.iter().enumerate().rev() {
            let Some(text) = shown(cell, slot.state) else { continue };
            if results_left == 0 {
                break 'walk;
            }
            results_left -= 1;
            let output = board.full_output(from, at, place, text)?;
            let elements: Vec<&Value> = match &context.each {
                Some(each) => each
                    .get(&output)
                    .and_then(Value::as_array)
                    .map_or_else(Vec::new, |list| list.iter().collect()),
                None => vec![&output],
            };
            let end =
                if same_list && at == root && !whole { index.min(elements.len()) } else { elements.len() };
            for (number, element) in elements[..end].iter().enumerate().rev() {
                let ends = number + 1 == elements.len();
                let looked = Shown { item: element, parent: &output, last: ends, id: &cell.id };
                let value = project(&context.show, &looked, board.course.into());
                let size = serde_json::to_string(&value).map_or(0, |text| text.len()) + 1;
                if size > bytes_left {
                    break 'walk;
                }
                bytes_left -= size;
                last.get_or_insert_with(|| cell.id.to_string());
                first = Some(cell.id.to_string());
                values.push(value);
            }
        }
    }
    values.reverse();
    Ok(Entries { values, range: first.zip(last) })
}

/// What a context may show of an item: its result; the last linked one where it is stale and is not bought in this run. Items
/// whose attempts are exhausted are absent.
fn shown(cell: &Cell, state: State) -> Option<&Text> {
    let decision = &cell.decision;
    let stands_in = match decision.verdict {
        Verdict::Stale(_) | Verdict::Rejected(_) => state == State::Settled,
        Verdict::Pending(_) => state == State::Settled,
        _ => false,
    };
    decision.current.as_ref().or(decision.linked.as_ref().filter(|_| stands_in)).map(|current| &current.text)
}
