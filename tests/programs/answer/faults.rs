//! Mistakes to make, named in a file, so that a test can see what becomes of each.
//!
//! The file is an array of `{"fault": NAME, "phase"?, "item"?, "attempts"?: [1, …], "unless_told"?, …}`; a fault is made in every
//! call that fits all that it says, and whose prompt does not hold the text `unless_told`. Of one item: `missing`, `shape`, `wrong` (a content that the checks refuse), `extra` (another id
//! beside it: `"id"`), `twice`, `set` (what stands at `"at"` becomes `"to"`; without an item, in all), `say` (this answer: `"output"`), `known` (one LEGO with this known text: `"text"`). Of the whole answer: `prose`, `fenced`, `truncated`, `empty`, `not_json`, `pad` (white space
//! before it: `"bytes"`), `utf16`, `latin1`, `salt` (no mistake: `"text"` behind every text of mode `digest`). Of the program: `exit` (`"code"`, after answering), `hang` (until the file `"until"` is there),
//! `flood` (`"bytes"` to standard error), `tell` (the variable `"name"` to standard error), `to_file` (the
//! answer goes to `COURSEBUILD_OUTPUT`).

use crate::{Call, read_json};
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// A hanging call gives up then, so that a failed test leaves no process for ever.
const LONGEST_HANG: Duration = Duration::from_secs(120);

/// The faults that one call makes.
pub(crate) struct Faults(Vec<Value>);

impl Faults {
    /// Those of the file that fit the call; none if there is no file.
    pub(crate) fn read(path: &Path, call: &Call) -> Result<Self, String> {
        if !path.exists() {
            return Ok(Self(Vec::new()));
        }
        let Value::Array(faults) = read_json(path)? else {
            return Err(format!("{} is no array", path.display()));
        };
        let told = |text: &str| {
            crate::env("PROMPT")
                .and_then(|path| crate::read_text(Path::new(&path)))
                .is_ok_and(|prompt| prompt.contains(text))
        };
        let fits = |fault: &Value| {
            let item = &fault["item"];
            let attempts = fault["attempts"].as_array();
            (fault["phase"].is_null() || fault["phase"] == call.phase.as_str())
                && (item.is_null() || call.items().any(|(id, _)| *item == id))
                && attempts.is_none_or(|attempts| attempts.contains(&call.attempt.into()))
                && !fault["unless_told"].as_str().is_some_and(told)
        };
        Ok(Self(faults.into_iter().filter(fits).collect()))
    }

    /// What goes wrong before the answer.
    pub(crate) fn before(&mut self) -> Result<(), String> {
        for fault in &self.0 {
            match name(fault) {
                "hang" => hang_until(Path::new(fault["until"].as_str().unwrap_or_default())),
                "flood" => flood(bytes(fault)).map_err(|e| e.to_string())?,
                "tell" => {
                    let variable = std::env::var(fault["name"].as_str().unwrap_or_default());
                    eprintln!("it is {}", variable.unwrap_or_default());
                }
                "missing" | "shape" | "salt" | "wrong" | "say" | "known" | "extra" | "twice" | "set"
                | "prose" | "fenced" | "truncated" | "empty" | "not_json" | "utf16" | "latin1" | "pad"
                | "exit" | "to_file" => {}
                other => return Err(format!("no such fault: `{other}`")),
            }
        }
        Ok(())
    }

    /// The answer's bytes, spoilt. Doubled keys cannot be held in a JSON value, so text is what is spoilt last.
    pub(crate) fn spoil(&self, mut whole: Value) -> Vec<u8> {
        for fault in &self.0 {
            spoil_items(fault, &mut whole);
        }
        let mut text = whole.to_string();
        for fault in &self.0 {
            text = match name(fault) {
                "twice" => doubled(&text, &whole, fault["item"].as_str().unwrap_or_default()),
                "prose" => {
                    format!("Here is what you asked for:\n\n{text}\n\nTell me if it should be shorter.")
                }
                "fenced" => format!("Done.\n\n```json\n{text}\n```\n"),
                "truncated" => text.chars().take(text.chars().count() * 2 / 3).collect(),
                "empty" => String::new(),
                "not_json" => "I cannot do that.".to_owned(),
                "pad" => " ".repeat(bytes(fault)) + &text,
                _ => text,
            };
        }
        let is = |wanted| self.0.iter().any(|fault| name(fault) == wanted);
        if is("utf16") {
            return format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
        }
        if is("latin1") {
            // As an agent on an old system would write it: one byte a letter.
            return text.replacen('o', "\u{f3}", 1).chars().map(|c| c as u8).collect();
        }
        text.into_bytes()
    }

    /// Whether the answer goes to `COURSEBUILD_OUTPUT`, not to standard output.
    pub(crate) fn to_file(&self) -> bool {
        self.0.iter().any(|fault| name(fault) == "to_file")
    }

    /// How the program ends.
    pub(crate) fn exit(&self) -> ExitCode {
        let fault = self.0.iter().find(|fault| name(fault) == "exit");
        let code = fault.map_or(0, |fault| fault["code"].as_u64().unwrap_or(1));
        ExitCode::from(u8::try_from(code).unwrap_or(1))
    }
}

fn name(fault: &Value) -> &str {
    fault["fault"].as_str().unwrap_or_default()
}

fn bytes(fault: &Value) -> usize {
    fault["bytes"].as_u64().and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(0)
}

/// Makes the answer another one than any other generator's: in the texts of `digest`, which are nothing else.
fn salt(whole: &mut Value, with: &str) {
    for item in whole.as_object_mut().into_iter().flat_map(|items| items.values_mut()) {
        let salted = |text: &mut Value| *text = json!(format!("{}{with}", text.as_str().unwrap_or_default()));
        salted(&mut item["digest"]);
        let parts = item["parts"].as_array_mut().into_iter().flatten();
        parts.for_each(|part| salted(&mut part["text"]));
    }
}

fn spoil_items(fault: &Value, whole: &mut Value) {
    let id = fault["item"].as_str().unwrap_or_default();
    match name(fault) {
        "missing" => match whole {
            Value::Object(items) => drop(items.shift_remove(id)),
            Value::Array(items) => items.retain(|item| item[0] != id),
            _ => {}
        },
        "shape" => change(whole, id, &|item| *item = json!(["not", {"the": "shape"}])),
        "wrong" => change(whole, id, &worsen),
        "set" => set(whole, id, fault),
        "say" => change(whole, id, &|item| *item = fault["output"].clone()),
        "known" => change(whole, id, &|item| {
            let (target, known) = (item[1][0].clone(), fault["text"].clone());
            let parts = json!([[target, known], [target, known]]);
            item[2] = json!([[format!("{id}L01"), "C", target, known, parts]]);
        }),
        "salt" => salt(whole, fault["text"].as_str().unwrap_or_default()),
        "extra" => {
            let other = fault["id"].as_str().unwrap_or("../../x");
            match whole {
                Value::Object(items) => {
                    let copy = items.get(id).or_else(|| items.values().next()).cloned();
                    items.insert(other.to_owned(), copy.unwrap_or_default());
                }
                Value::Array(items) => {
                    let mut copy = items.first().cloned().unwrap_or_default();
                    copy[0] = other.into();
                    items.push(copy);
                }
                _ => {}
            }
        }
        _ => {}
    }
}

fn change(whole: &mut Value, id: &str, how: &dyn Fn(&mut Value)) {
    match whole {
        Value::Object(items) => items.get_mut(id).into_iter().for_each(how),
        // The id stays readable, so that the item is asked again and not the whole call.
        Value::Array(items) => items.iter_mut().filter(|item| item[0] == id).for_each(|item| {
            let id = item[0].clone();
            how(item);
            item[0] = id;
        }),
        _ => {}
    }
}

/// Writes into one item, or into all.
fn set(whole: &mut Value, id: &str, fault: &Value) {
    let at = fault["at"].as_str().unwrap_or_default();
    let write = |item: &mut Value| {
        if let Some(hit) = item.pointer_mut(at) {
            *hit = fault["to"].clone();
        }
    };
    match whole {
        Value::Object(items) if id.is_empty() => items.values_mut().for_each(write),
        Value::Array(items) if id.is_empty() => items.iter_mut().for_each(write),
        _ => change(whole, id, &write),
    }
}

/// The right shape with a wrong content: an empty translation, LEGOs that do not tile, phrases without their LEGO.
fn worsen(item: &mut Value) {
    if let Some(digest) = item.get_mut("digest") {
        *digest = json!("");
    } else if let Some(windows) = item.get_mut("d") {
        windows["2"] = json!([["nadao", "nothing"]]);
    } else if let Some(Value::Array(legos)) = item.get_mut(2) {
        if let Some(lego) = legos.last_mut() {
            lego[2] = json!("nadao");
        }
    } else {
        item[0] = json!("");
    }
}

/// The answer's text with one of its items a second time at its end.
fn doubled(text: &str, whole: &Value, id: &str) -> String {
    let again = match whole {
        Value::Object(items) => items.get(id).map(|item| format!("{}:{item}", json!(id))),
        Value::Array(items) => items.iter().find(|item| item[0] == id).map(Value::to_string),
        _ => None,
    };
    let (body, close) = text.split_at(text.len() - 1);
    again.map_or_else(|| text.to_owned(), |again| format!("{body},{again}{close}"))
}

/// Waits for the file by looking, for the standard library knows no other way.
fn hang_until(path: &Path) {
    let begun = Instant::now();
    while !path.exists() && begun.elapsed() < LONGEST_HANG {
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn flood(bytes: usize) -> std::io::Result<()> {
    let mut err = std::io::stderr().lock();
    let line = [b'x'; 1024];
    (0..bytes.div_ceil(line.len())).try_for_each(|_| err.write_all(&line))
}
