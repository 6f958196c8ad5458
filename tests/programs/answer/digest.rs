//! Answers each item with a digest of what was sent for it: whatever byte is sent and not in the key makes an incremental
//! build differ from a clean one.
//!
//! The four declared exceptions are taken out by marks that the test's own templates put around them:
//! `<<exception>>…<<end>>` around the label, hint contexts and a retry's findings; `<<item ID>>…<<end>>` around whatever is
//! said of one item only, so that an item's digest leaves out its siblings. Marks do not nest; the white space around one
//! belongs to it, or the number of siblings would show. In what is left the item's id becomes `{id}`, for a result may move
//! to another id. Beside the prompt, the item's input and every context that is not named as a hint count: the call's
//! input file is sent too.

use serde_json::{Map, Value, json};

/// The answer: `{id: {"digest": "…", "parts": [{"id", "text"}, …]}}`, one to three parts an item, for a phase that splits.
pub(crate) fn answer<'a>(
    prompt: &str,
    context: Option<&Value>,
    hints: &[&str],
    items: impl Iterator<Item = (&'a str, &'a Value)>,
) -> Value {
    let context: Map<String, Value> = context
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter(|(name, _)| !hints.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let context = Value::Object(context).to_string();
    let pieces = pieces(prompt);
    let answers = items.map(|(id, input)| {
        let mut sent: String =
            pieces.iter().filter(|piece| piece.is_for(id)).map(|piece| piece.text).collect();
        sent.push_str(&context);
        sent.push_str(&input.to_string());
        let digest = format!("{:032x}", fingerprint(lift(&sent, id).as_bytes()));
        let parts: Vec<Value> = (1..=parts(input, id))
            .map(|part| json!({"id": format!("{id}P{part:02}"), "text": format!("{digest}-{part}")}))
            .collect();
        (id.to_owned(), json!({"digest": digest, "parts": parts}))
    });
    Value::Object(answers.collect())
}

/// How many parts an item gets: decided by its input, not by the prompt, so that an edit of a template moves nothing else, and
/// not by its name.
fn parts(input: &Value, id: &str) -> u128 {
    1 + fingerprint(lift(&input.to_string(), id).as_bytes()) % 3
}

/// A stretch of the prompt.
struct Piece<'p> {
    /// `None`: for all items. `Some("")`: for none, an exception.
    item: Option<&'p str>,
    text: &'p str,
}

impl Piece<'_> {
    fn is_for(&self, id: &str) -> bool {
        self.item.is_none_or(|item| item == id)
    }
}

/// Cuts the prompt at its marks. What looks like a mark and has no end is text.
fn pieces(prompt: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = prompt;
    while let Some((before, item, inside, after)) = next_mark(rest) {
        pieces.push(Piece { item: None, text: before });
        pieces.push(Piece { item: Some(item), text: inside });
        rest = after;
    }
    pieces.push(Piece { item: None, text: rest });
    pieces
}

/// What stands before the next mark, whose it is, what is inside, and what follows.
fn next_mark(text: &str) -> Option<(&str, &str, &str, &str)> {
    let (exception, item) = (text.find("<<exception>>"), text.find("<<item "));
    let start = exception.into_iter().chain(item).min()?;
    let (name, body) = text[start + 2..].split_once(">>")?;
    let (inside, after) = body.split_once("<<end>>")?;
    Some((text[..start].trim_end(), name.strip_prefix("item ").unwrap_or(""), inside, after.trim_start()))
}

/// Puts `{id}` where the item's id stands, also as the beginning of a longer name (`S0001L01`), but not inside one (`S00012`).
fn lift(text: &str, id: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(id).filter(|_| !id.is_empty()) {
        let (before, from) = rest.split_at(at);
        let after = &from[id.len()..];
        let joined = |a: Option<char>, b: Option<char>| {
            a.zip(b).is_some_and(|(a, b)| {
                (a.is_numeric() && b.is_numeric()) || (a.is_alphabetic() && b.is_alphabetic())
            })
        };
        let inside = joined(id.chars().next_back(), after.chars().next())
            || before.chars().next_back().is_some_and(char::is_alphanumeric);
        out.push_str(before);
        out.push_str(if inside { id } else { "{id}" });
        rest = after;
    }
    out + rest
}

/// FNV-1a in 128 bits: the same on every machine.
fn fingerprint(bytes: &[u8]) -> u128 {
    bytes.iter().fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d, |hash, byte| {
        (hash ^ u128::from(*byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
    })
}
