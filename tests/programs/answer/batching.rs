//! Answers for the phases of `builtin:batching@1`, word by word: in the made-up language each word of the seed, in small letters,
//! with an `o` at its end. One known text has one target text, so the checks hold over any course, however it is cut.

#[path = "tongue.rs"]
pub(crate) mod tongue;

use serde_json::{Map, Value, json};
use tongue::Tongue;

/// The answer for the items asked, in the shape of the phase.
pub(crate) fn answer<'a>(
    tongue: Tongue,
    phase: &str,
    items: impl Iterator<Item = (&'a str, &'a Value)>,
) -> Result<Value, String> {
    let text = |value: &'a Value, name: &str| value[name].as_str().unwrap_or_default();
    match phase {
        "phase1" => Ok(object(items.map(|(id, input)| (id, translation(tongue, text(input, "source")))))),
        "phase3" => Ok(items
            .map(|(id, input)| decomposition(tongue, id, text(input, "target"), text(input, "known")))
            .collect::<Vec<_>>()
            .into()),
        "phase5" => Ok(object(items.map(|(id, input)| (id, basket(tongue, input))))),
        _ => Err(format!("no answers for phase `{phase}`")),
    }
}

fn object<'a>(items: impl Iterator<Item = (&'a str, Value)>) -> Value {
    Value::Object(items.map(|(id, value)| (id.to_owned(), value)).collect::<Map<_, _>>())
}

/// One item of phase 1: the pair.
pub(crate) fn translation(tongue: Tongue, source: &str) -> Value {
    json!([translate(tongue, source), source.trim()])
}

/// One item of phase 3: the seed with its LEGOs.
pub(crate) fn decomposition(tongue: Tongue, id: &str, target: &str, known: &str) -> Value {
    let legos: Vec<Value> = cut(tongue, target, known)
        .iter()
        .enumerate()
        .map(|(at, lego)| {
            let id = format!("{id}L{:02}", at + 1);
            if lego.parts.len() == 1 {
                json!([id, "B", lego.target, lego.known])
            } else {
                json!([id, "C", lego.target, lego.known, lego.parts])
            }
        })
        .collect();
    json!([id, [target, known], legos])
}

/// One item of phase 5. Every phrase is a piece of the LEGO's own seed up to the LEGO, so it uses nothing that comes later.
pub(crate) fn basket(tongue: Tongue, input: &Value) -> Value {
    let text = |at: &str| input.pointer(at).and_then(Value::as_str).unwrap_or_default();
    let (target, known) = (text("/lego/target"), text("/lego/known"));
    let legos = cut(tongue, text("/seed/target"), text("/seed/known"));
    let here = legos.iter().position(|lego| lego.target == target && lego.known == known);
    // The `size` LEGOs that end with this one; nothing if the seed has no such run, or was cut differently.
    let window = |size: usize| -> Option<Value> {
        let end = here? + 1;
        let run = &legos[end.checked_sub(size)?..end];
        let join = |side: fn(&Lego) -> &str| run.iter().map(side).collect::<Vec<_>>().join(" ");
        Some(json!([join(|lego| &lego.target), join(|lego| &lego.known)]))
    };
    let windows: Map<String, Value> =
        (2..=5).map(|size| (size.to_string(), window(size).into_iter().collect::<Vec<_>>().into())).collect();
    let whole = if input["culminating"] == true {
        json!([text("/seed/target"), text("/seed/known")])
    } else {
        json!([target, known])
    };
    json!({"e": [whole], "d": windows})
}

/// A LEGO of a cut.
pub(crate) struct Lego {
    pub(crate) target: String,
    pub(crate) known: String,
    /// Its words: target and known.
    parts: Vec<[String; 2]>,
}

/// Cuts a seed into 1 to 6 LEGOs, 4.2 on average where it has the words. A target that is not this program's own (somebody
/// edited it) stays one LEGO: its words mean whatever the editor meant.
pub(crate) fn cut(tongue: Tongue, target: &str, known: &str) -> Vec<Lego> {
    let words = words(tongue, known);
    let targets: Vec<String> = words.iter().map(|word| translate_word(tongue, word)).collect();
    if targets.join(" ") != target || words.is_empty() {
        let parts = vec![[target.to_owned(), known.to_owned()]; 2];
        return vec![Lego { target: target.to_owned(), known: known.to_owned(), parts }];
    }
    // In hundredths: how many seeds have at most 1, 2, 3, 4, 5 LEGOs.
    let draw = fingerprint(known.as_bytes()) % 100;
    let wanted = 1 + [4, 14, 31, 54, 78].iter().filter(|&&bound| draw >= bound).count();
    let count = wanted.min(words.len());
    let edge = |at: usize| at * words.len() / count;
    (0..count)
        .map(|at| {
            let run = edge(at)..edge(at + 1);
            let parts =
                run.clone().map(|word| [targets[word].clone(), words[word].clone()]).collect::<Vec<_>>();
            Lego { target: targets[run.clone()].join(" "), known: words[run].join(" "), parts }
        })
        .collect()
}

/// The seed in the language.
pub(crate) fn translate(tongue: Tongue, known: &str) -> String {
    let words = words(tongue, known);
    if words.is_empty() { "o".to_owned() } else { join(tongue, &words) }
}

fn join(tongue: Tongue, words: &[String]) -> String {
    words.iter().map(|word| translate_word(tongue, word)).collect::<Vec<_>>().join(" ")
}

/// The words of a text. A piece without a letter or digit (a dash) goes with the word before it; a word that cannot stand alone
/// with the one behind it, or before it where none is.
fn words(tongue: Tongue, known: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut held: Option<String> = None;
    for piece in known.split_whitespace() {
        match words.last_mut() {
            Some(last) if held.is_none() && !piece.contains(char::is_alphanumeric) => {
                last.push(' ');
                last.push_str(piece);
            }
            None if held.is_none() && !piece.contains(char::is_alphanumeric) => {}
            _ => {
                let word = held.take().map_or_else(|| piece.to_owned(), |before| format!("{before} {piece}"));
                if tongue.clings(&core(piece)) { held = Some(word) } else { words.push(word) }
            }
        }
    }
    match (held, words.last_mut()) {
        (Some(rest), Some(last)) => *last = format!("{last} {rest}"),
        (Some(rest), None) => words.push(rest),
        (None, _) => {}
    }
    words
}

fn core(piece: &str) -> String {
    piece.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase()
}

fn translate_word(tongue: Tongue, word: &str) -> String {
    let pieces = word.split(' ').map(core).filter(|core| !core.is_empty());
    pieces.map(|core| tongue.word(&core)).collect::<Vec<_>>().join(" ")
}

/// FNV-1a: the same on every machine and for every version of the standard library.
pub(crate) fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
