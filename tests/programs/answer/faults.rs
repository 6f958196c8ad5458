//! Mistakes to make, named in a file, so that a test can see what becomes of each.
//!
//! The file is an array of `{"fault": NAME, "phase"?, "item"?, "attempts"?: [1, …], …}`; a fault is made in every call that
//! fits all that it says. Of one item: `missing`, `shape`, `wrong` (a content that the checks refuse), `extra` (another id
//! beside it: `"id"`), `twice`, `twice_otherwise` (with another content), `set` (what stands at `"at"` becomes `"to"`; without an item, in all), `say` (this answer: `"output"`), `known` (one LEGO with this known text: `"text"`). Of the whole answer: `prose`, `fenced`, `truncated`, `cut` (in the middle of what follows the item), `empty`, `not_json`, `pad` (white space
//! before it: `"bytes"`), `utf16`, `latin1`, `salt` (no mistake: `"text"` behind every text of mode `digest`). Of the program: `exit` (`"code"`, after answering), `hang` (until the file `"until"` is there, or for ever),
//! `deaf` (leaves a child that ignores signals and holds its pipes, its number in the folder `"pids"`), `keep_prompt` (no mistake: the prompt goes to the folder `"to"`), `flood` (`"bytes"` to standard error), `tell` (the variable `"name"` to standard error), `to_file` (the
//! answer goes to `COURSEBUILD_OUTPUT`). Of an agent at a drop folder (`watch.rs`): `late`, `again`, `slow`, `unasked`.

use crate::{Call, read_json};
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
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
        let fits = |fault: &Value| {
            let item = &fault["item"];
            let attempts = fault["attempts"].as_array();
            (fault["phase"].is_null() || fault["phase"] == call.phase.as_str())
                && (item.is_null() || call.items().any(|(id, _)| *item == id))
                && attempts.is_none_or(|attempts| attempts.contains(&call.attempt.into()))
        };
        Ok(Self(faults.into_iter().filter(fits).collect()))
    }

    /// For the books: what was done wrong.
    pub(crate) fn made(&self) -> &[Value] {
        &self.0
    }

    /// Whether one of this name is among them.
    pub(crate) fn has(&self, wanted: &str) -> bool {
        self.0.iter().any(|fault| name(fault) == wanted)
    }

    /// Keeps the prompt where that is asked for.
    pub(crate) fn keep_prompt(&self, call: &str, prompt: &Path) -> Result<(), String> {
        for fault in self.0.iter().filter(|fault| name(fault) == "keep_prompt") {
            let to = Path::new(fault["to"].as_str().unwrap_or_default()).join(format!("{call}.md"));
            std::fs::copy(prompt, &to).map_err(|e| format!("{}: {e}", to.display()))?;
        }
        Ok(())
    }

    /// What goes wrong before the answer.
    pub(crate) fn before(&mut self) -> Result<(), String> {
        // First of all, for the program may never come further.
        for fault in self.0.iter().filter(|fault| name(fault) == "deaf") {
            leave_a_deaf_child(Path::new(fault["pids"].as_str().unwrap_or_default()))?;
        }
        for fault in &self.0 {
            match name(fault) {
                "hang" => hang_until(fault["until"].as_str().map(Path::new)),
                "flood" => flood(bytes(fault)).map_err(|e| e.to_string())?,
                "tell" => {
                    let variable = std::env::var(fault["name"].as_str().unwrap_or_default());
                    eprintln!("it is {}", variable.unwrap_or_default());
                }
                "missing" | "shape" | "salt" | "wrong" | "say" | "known" | "extra" | "twice" | "set"
                | "twice_otherwise" | "prose" | "fenced" | "truncated" | "cut" | "empty" | "not_json"
                | "utf16" | "latin1" | "pad" | "exit" | "to_file" | "deaf" | "keep_prompt" | "late"
                | "again" | "slow" | "unasked" => {}
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
                "twice" => doubled(&text, &whole, fault["item"].as_str().unwrap_or_default(), &|_| ()),
                "twice_otherwise" => {
                    doubled(&text, &whole, fault["item"].as_str().unwrap_or_default(), &worsen)
                }
                "cut" => cut_behind(&whole, fault["item"].as_str().unwrap_or_default()),
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
        if self.has("utf16") {
            return format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
        }
        if self.has("latin1") {
            // As an agent on an old system would write it: one byte a letter.
            return text.replacen('o', "\u{f3}", 1).chars().map(|c| c as u8).collect();
        }
        text.into_bytes()
    }

    /// Whether the answer goes to `COURSEBUILD_OUTPUT`, not to standard output.
    pub(crate) fn to_file(&self) -> bool {
        self.has("to_file")
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

/// The answer's text with one of its items a second time at its end, changed.
fn doubled(text: &str, whole: &Value, id: &str, how: &dyn Fn(&mut Value)) -> String {
    let changed = |item: &Value| {
        let mut item = item.clone();
        how(&mut item);
        item
    };
    let again = match whole {
        Value::Object(items) => items.get(id).map(|item| format!("{}:{}", json!(id), changed(item))),
        Value::Array(items) => items.iter().find(|item| item[0] == id).map(|item| changed(item).to_string()),
        _ => None,
    };
    let (body, close) = text.split_at(text.len() - 1);
    again.map_or_else(|| text.to_owned(), |again| format!("{body},{again}{close}"))
}

/// The answer's text up to the middle of what follows an item.
fn cut_behind(whole: &Value, id: &str) -> String {
    let (open, pieces): (_, Vec<(&str, String)>) = match whole {
        Value::Object(items) => {
            ('{', items.iter().map(|(id, item)| (&**id, format!("{}:{item}", json!(id)))).collect())
        }
        Value::Array(items) => {
            ('[', items.iter().map(|item| (item[0].as_str().unwrap_or_default(), item.to_string())).collect())
        }
        _ => return whole.to_string(),
    };
    let whole_ones = pieces.iter().position(|(found, _)| *found == id).map_or(0, |at| at + 1);
    let (before, behind) = pieces.split_at(whole_ones);
    let mut text = String::from(open);
    before.iter().for_each(|(_, piece)| text += &format!("{piece},"));
    let next = behind.first().map_or("", |(_, piece)| piece);
    text.extend(next.chars().take(next.chars().count() / 2));
    text
}

/// Waits for the file by looking, for the standard library knows no other way.
fn hang_until(path: Option<&Path>) {
    let begun = Instant::now();
    while !path.is_some_and(Path::exists) && begun.elapsed() < LONGEST_HANG {
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Starts a shell that ignores every request to end, in this process group and with these pipes, and waits until it does so.
fn leave_a_deaf_child(pids: &Path) -> Result<(), String> {
    let script = "trap '' TERM INT HUP; echo $$ > \"$1/$$.new\"; mv \"$1/$$.new\" \"$1/$$\"; \
                  while :; do sleep 1; done";
    let child = Command::new("/bin/sh").args(["-c", script, "sh"]).arg(pids).stdin(Stdio::null()).spawn();
    let child = child.map_err(|e| format!("/bin/sh: {e}"))?;
    hang_until(Some(&pids.join(child.id().to_string())));
    let own = pids.join(std::process::id().to_string());
    std::fs::write(&own, "").map_err(|e| format!("{}: {e}", own.display()))
}

fn flood(bytes: usize) -> std::io::Result<()> {
    let mut err = std::io::stderr().lock();
    let line = [b'x'; 1024];
    (0..bytes.div_ceil(line.len())).try_for_each(|_| err.write_all(&line))
}
