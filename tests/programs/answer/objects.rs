//! Answers for the phases of `builtin:objects@1`, in the made-up language of the other pack. LEGOs overlap: every second one
//! begins with the last word of the one before it.

use crate::batching::tongue::Tongue;
use crate::batching::{cut, translation};
use serde_json::{Map, Value, json};

/// The answer for the items asked, in the shape of the phase.
pub(crate) fn answer<'a>(
    phase: &str,
    items: impl Iterator<Item = (&'a str, &'a Value)>,
) -> Result<Value, String> {
    let text = |value: &'a Value, name: &str| value[name].as_str().unwrap_or_default();
    match phase {
        "phase1" => Ok(json!({"translations": object(items.map(|(id, input)| {
            let pair = translation(Tongue::MadeUp, text(input, "source"));
            (id, json!({"known": pair[1], "target": pair[0]}))
        }))})),
        "phase3" => Ok(json!({"seeds": items
            .map(|(id, input)| seed(id, text(input, "target"), text(input, "known")))
            .collect::<Vec<_>>()})),
        "phase5" => Ok(json!({"baskets": object(items.map(|(id, input)| (id, basket(input))))})),
        _ => Err(format!("no answers for phase `{phase}`")),
    }
}

fn object<'a>(items: impl Iterator<Item = (&'a str, Value)>) -> Value {
    Value::Object(items.map(|(id, value)| (id.to_owned(), value)).collect::<Map<_, _>>())
}

/// One item of phase 3. It says of every LEGO that it is new, which is not for it to know.
fn seed(id: &str, target: &str, known: &str) -> Value {
    let mut before: Option<[String; 2]> = None;
    let mut legos = Vec::new();
    for (at, lego) in cut(Tongue::MadeUp, target, known).into_iter().enumerate() {
        let with = |start: Option<&String>, text: &str| match start {
            Some(start) if at % 2 == 1 => format!("{start} {text}"),
            _ => text.to_owned(),
        };
        let [start_target, start_known] = match &before {
            Some([target, known]) => [Some(target), Some(known)],
            None => [None, None],
        };
        let pair =
            json!({"known": with(start_known, &lego.known), "target": with(start_target, &lego.target)});
        let id = format!("{id}L{:02}", at + 1);
        legos.push(if at % 2 == 1 {
            json!({"id": id, "type": "M", "new": true, "lego": pair, "components": [pair]})
        } else {
            json!({"id": id, "type": "A", "new": true, "lego": pair})
        });
        let last = |text: &str| text.rsplit(' ').next().unwrap_or_default().to_owned();
        before = Some([last(&lego.target), last(&lego.known)]);
    }
    json!({"seed_id": id, "seed_pair": {"known": known, "target": target}, "legos": legos})
}

/// One item of phase 5.
fn basket(input: &Value) -> Value {
    let pair = |of: &str| json!({"known": input[of]["known"], "target": input[of]["target"]});
    let mut phrases = vec![pair("lego")];
    if input["final"] == true {
        phrases.push(pair("seed"));
    }
    json!({"lego": pair("lego"), "practice_phrases": phrases})
}
