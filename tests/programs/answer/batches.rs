//! The same work for make and ninja: one process a batch file, one a main file. What the benches measure beside coursebuild.
//!
//! `batch LOG phase1|phase3 OUT IN` (IN: JSON lines of seeds, or a phase-1 output), `batch LOG phase5 OUT SKIP TAKE IN…`
//! (IN: phase-3 outputs; of their LEGOs, SKIP are left out and TAKE are answered), `merge OUT DIR COUNT` (DIR/00001.json …).

use crate::batching::tongue::Tongue;
use crate::{at, batching, read_json, read_text};
use serde_json::{Map, Value, json};
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

/// Answers one batch.
pub(crate) fn batch(args: &[&str]) -> Result<(), String> {
    let (log, phase, out, answer) = match args {
        [log, "phase1", out, input] => (log, "phase1", out, translations(input)?),
        [log, "phase3", out, input] => (log, "phase3", out, decompositions(input)?),
        [log, "phase5", out, skip, take, inputs @ ..] => {
            (log, "phase5", out, baskets(number(skip)?, number(take)?, inputs)?)
        }
        _ => return Err(format!("cannot read `batch {}`", args.join(" "))),
    };
    let items = answer.as_array().map_or_else(|| answer.as_object().map_or(0, Map::len), Vec::len);
    book(log, "asked", phase, items)?;
    write(out, &answer.to_string())?;
    book(log, "answered", phase, items)
}

/// Joins the batches of one phase.
pub(crate) fn merge(args: &[&str]) -> Result<(), String> {
    let [out, dir, count] = args else { return Err(format!("cannot read `merge {}`", args.join(" "))) };
    let mut object = Map::new();
    let mut array = Vec::new();
    for batch in 1..=number(count)? {
        match read_json(&Path::new(dir).join(format!("{batch:05}.json")))? {
            Value::Object(items) => object.extend(items),
            Value::Array(items) => array.extend(items),
            _ => return Err(format!("batch {batch} is neither an object nor an array")),
        }
    }
    let whole = if object.is_empty() { Value::Array(array) } else { Value::Object(object) };
    write(out, &format!("{whole:#}\n"))
}

fn translations(input: &str) -> Result<Value, String> {
    let mut items = Map::new();
    for line in read_text(Path::new(input))?.lines() {
        let seed: Value = serde_json::from_str(line).map_err(|e| at(Path::new(input), &e))?;
        items.insert(
            text(&seed["seed_id"]).to_owned(),
            batching::translation(Tongue::MadeUp, text(&seed["source"])),
        );
    }
    Ok(items.into())
}

fn decompositions(input: &str) -> Result<Value, String> {
    let Value::Object(pairs) = read_json(Path::new(input))? else {
        return Err(format!("{input} is no object"));
    };
    Ok(pairs
        .iter()
        .map(|(id, pair)| batching::decomposition(Tongue::MadeUp, id, text(&pair[0]), text(&pair[1])))
        .collect())
}

fn baskets(skip: usize, take: usize, inputs: &[&str]) -> Result<Value, String> {
    let mut lego_inputs = Vec::new();
    for input in inputs {
        for seed in read_json(Path::new(input))?.as_array().into_iter().flatten() {
            let legos = seed[2].as_array().map_or(&[][..], Vec::as_slice);
            lego_inputs.extend(legos.iter().enumerate().map(|(at, lego)| {
                json!({
                    "lego": {"id": lego[0], "kind": lego[1], "target": lego[2], "known": lego[3]},
                    "seed": {"id": seed[0], "target": seed[1][0], "known": seed[1][1]},
                    "culminating": at + 1 == legos.len(),
                })
            }));
        }
    }
    let asked = lego_inputs.iter().skip(skip).take(take);
    Ok(Value::Object(
        asked
            .map(|input| (text(&input["lego"]["id"]).to_owned(), batching::basket(Tongue::MadeUp, input)))
            .collect(),
    ))
}

fn book(log: &str, state: &str, phase: &str, items: usize) -> Result<(), String> {
    let path = Path::new(log);
    let line = json!({"state": state, "phase": phase, "items": items});
    let mut file = OpenOptions::new().create(true).append(true).open(path).map_err(|e| at(path, &e))?;
    file.write_all(format!("{line}\n").as_bytes()).map_err(|e| at(path, &e))
}

fn write(out: &str, text: &str) -> Result<(), String> {
    std::fs::write(out, text).map_err(|e| at(Path::new(out), &e))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn number(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| format!("`{text}` is no number"))
}
