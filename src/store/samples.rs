//! Small made-up entries for this room's tests.

use super::{Answer, AnswerShape, AskedItem, Ended, Entry, Intent, Provenance, Stored};
use crate::digest::Digest;
use crate::generate::Meters;
use crate::key::Part;

pub(crate) fn digest(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

pub(crate) fn asked(id: &str, content: &str) -> AskedItem {
    AskedItem {
        id: id.into(),
        root: id.into(),
        content: digest(content),
        parts: vec![Part { name: "input/source".into(), digest: digest(content) }],
        refused: Vec::new(),
        supersedes: None,
        input: crate::json::Value::Null,
    }
}

pub(crate) fn intent(call: &str, items: &[AskedItem]) -> Intent {
    Intent {
        call: call.into(),
        course: "spa".into(),
        phase: "phase1".into(),
        label: "phase1_batch_1".into(),
        scope: "S0001-S0020".into(),
        attempt: 1,
        generator: "command".into(),
        model: None,
        asked_ms: 1,
        shape: AnswerShape { object: true, ..AnswerShape::default() },
        recipe: vec![Part { name: "template/system".into(), digest: digest("system") }],
        hints: Vec::new(),
        checks: digest("checks"),
        texts: None,
        trial: false,
        items: items.to_vec(),
    }
}

pub(crate) fn answer(raw: Option<&[u8]>) -> Answer {
    Answer {
        ended: if raw.is_some() { Ended::Answered } else { Ended::TimedOut(600) },
        raw: raw.map(<[u8]>::to_vec),
        stderr: "said".into(),
        meters: Meters { output: Some(7), ..Meters::default() },
        money_usd: Some(0.25),
        model: Some("m".into()),
        ended_ms: 5,
    }
}

/// An entry whose results are for its items in order.
pub(crate) fn entry(call: &str, items: &[AskedItem], outputs: &[&str]) -> Entry {
    let stored =
        |(item, text): (usize, &&str)| Stored { item, digest: digest(text), output: format!("\"{text}\"") };
    let Answer { ended, ended_ms, meters, money_usd, model, stderr, .. } = answer(Some(b""));
    Entry {
        intent: intent(call, items),
        provenance: Provenance::Generated,
        ended,
        ended_ms,
        meters,
        money_usd,
        model,
        stderr,
        raw: Some("raw".into()),
        results: outputs.iter().enumerate().map(stored).collect(),
    }
}
