//! Answers from a phrasebook file: embedded, offline, the same bytes for the same call.
//!
//! It reads what it is asked from the shape of an item's input (a source, a sentence pair, a LEGO with its seed), never from a
//! phase's name, and finds everything by text. A fault list makes it err on purpose, so that retries can be seen. It knows
//! no checks and no rules; its language is the one of its file.

mod basket;
mod book;
mod cut;
mod faults;
mod words;

use super::located::{self, Source};
use super::{Asked, Generator, Outcome, Pending, Reply, Request, Stop};
use crate::diag::Result;
use crate::json::Value;
use basket::Wanted;
use book::{Book, Pair, is_fed};
use faults::{Fault, Faults};
use serde_json::json;
use std::collections::HashSet;
use std::path::Path;
use words::{cover, fold};

/// A generator that composes translations, LEGOs and baskets from a phrasebook file.
#[derive(Debug)]
pub struct Phrasebook {
    book: Book,
    faults: Faults,
}

/// What a planned time-out says that it waited: the time that a batch is given.
const TIMED_OUT_AFTER_S: u64 = 600;

impl Phrasebook {
    /// Reads a phrasebook and, if there is one, the list of mistakes to make. Errors point at the line.
    pub fn load(path: &Path, faults: Option<&Path>) -> Result<Self> {
        let text = located::read(path, "phrasebook")?;
        let book = Book::read(&Source { path, text: &text })?;
        let faults = match faults {
            Some(path) => {
                let text = located::read(path, "fault list")?;
                Faults::read(&Source { path, text: &text })?
            }
            None => Faults::default(),
        };
        Ok(Self { book, faults })
    }

    fn reply(&self, request: &Request) -> Outcome {
        let fault = self.faults.of_call(&request.phase, request.attempt, &request.items);
        match fault {
            Some(Fault::Timeout) => return Outcome::TimedOut(TIMED_OUT_AFTER_S),
            Some(Fault::Exit) => return Outcome::Failed("exit status 1".to_owned()),
            Some(Fault::Empty) => return Outcome::Answered(Vec::new()),
            Some(Fault::Prose) => {
                let text =
                    format!("I have completed {} ({}) and saved the result.\n", request.label, request.scope);
                return Outcome::Answered(text.into_bytes());
            }
            _ => {}
        }
        let Some(answer) = self.answer(request) else {
            return Outcome::Unusable {
                what: format!("the phrasebook cannot answer phase `{}`", request.phase),
                hint: "an item's input has to hold `source`, `target` with `known`, or `lego` with `seed`"
                    .to_owned(),
            };
        };
        let text = if fault == Some(Fault::NotJson) { answer.replace('"', "'") } else { answer };
        Outcome::Answered(text.into_bytes())
    }

    /// The answer's text; `None` if an item's input has none of the known shapes.
    fn answer(&self, request: &Request) -> Option<String> {
        let mut earlier = vocabulary(&request.input);
        let mut parts: Vec<String> = Vec::new();
        let mut is_array = false;
        let mut torn = None;
        for item in &request.items {
            let question = Question::of(&item.input)?;
            is_array = matches!(question, Question::Cut(_));
            let value = self.solve(&item.id, &question, &earlier);
            if let Question::Basket { lego, .. } = &question {
                earlier.insert(fold(&lego.0));
            }
            match self.faults.of_item(&request.phase, request.attempt, &item.id) {
                Some((Fault::Missing, _)) => {}
                Some((Fault::Doubled, _)) => {
                    parts.extend([entry(item, &value, is_array), entry(item, &value, is_array)]);
                }
                Some((Fault::Wrong, given)) => {
                    let wrong = given.cloned().unwrap_or_else(|| self.spoilt(value, &question, &earlier));
                    parts.push(entry(item, &wrong, is_array));
                }
                Some((Fault::Extra, _)) => {
                    let other = Asked { id: format!("{}-extra", item.id), input: item.input.clone() };
                    let unasked = self.solve(&other.id, &question, &earlier);
                    parts.extend([entry(item, &value, is_array), entry(&other, &unasked, is_array)]);
                }
                Some((Fault::Truncated, _)) => {
                    torn = Some(half(&entry(item, &value, is_array)).to_owned());
                    break;
                }
                _ => parts.push(entry(item, &value, is_array)),
            }
        }
        let (open, close) = if is_array { ('[', "]") } else { ('{', "}") };
        let close = if torn.is_some() { "" } else { close };
        parts.extend(torn);
        Some(format!("{open}\n{}\n{close}", parts.join(",\n")))
    }

    fn solve(&self, id: &str, question: &Question<'_>, earlier: &HashSet<String>) -> Value {
        match question {
            Question::Translate(source) => {
                let Pair(target, known) = self.book.translate(source);
                json!([target, known])
            }
            Question::Cut(Pair(target, known)) => self.lego_pairs(id, target, known),
            Question::Basket { lego, seed, culminating } => self.book.basket(&Wanted {
                lego: lego.clone(),
                seed: seed.clone(),
                culminating: *culminating,
                earlier,
            }),
        }
    }

    fn lego_pairs(&self, seed: &str, target: &str, known: &str) -> Value {
        let cut = self.book.cut(target, known);
        let id = |at: usize| format!("{seed}L{:02}", at + 1);
        let legos = cut.iter().enumerate().map(|(at, lego)| {
            let mut shown =
                vec![json!(id(at)), json!(format!("{:?}", lego.kind)), json!(lego.target), json!(lego.known)];
            if !lego.components.is_empty() {
                let parts = lego.components.iter().map(|part| {
                    let feeder =
                        cut.iter().position(|other| other.kind == book::Kind::F && is_fed(part, other));
                    feeder.map_or_else(|| json!([part.0, part.1]), |at| json!([part.0, part.1, id(at)]))
                });
                shown.push(parts.collect());
            }
            Value::from(shown)
        });
        json!([seed, [target, known], legos.collect::<Value>()])
    }

    /// A good answer made bad in a way that its checks notice: one text only, a cut with a gap, words not taught yet.
    fn spoilt(&self, mut value: Value, question: &Question<'_>, earlier: &HashSet<String>) -> Value {
        match question {
            Question::Translate(source) => json!([source]),
            Question::Cut(_) => {
                if let Some(legos) = value.get_mut(2).and_then(Value::as_array_mut) {
                    legos.pop();
                }
                value
            }
            Question::Basket { .. } => {
                let unmet =
                    self.book.sentences.iter().rev().find(|one| cover(&fold(&one.pair.0), earlier).is_none());
                match unmet {
                    Some(one) => json!({ "e": [[one.pair.0, one.pair.1]], "d": value["d"] }),
                    None => json!({ "d": value["d"] }),
                }
            }
        }
    }
}

impl Generator for Phrasebook {
    fn ask(&self, request: Request, _stop: Stop) -> Pending<'_> {
        Box::pin(async move { Reply::of(self.reply(&request)) })
    }
}

/// What one item asks for.
enum Question<'a> {
    Translate(&'a str),
    Cut(Pair),
    Basket { lego: Pair, seed: Pair, culminating: bool },
}

impl<'a> Question<'a> {
    fn of(input: &'a Value) -> Option<Self> {
        if let Some(source) = input.get("source") {
            return source.as_str().map(Question::Translate);
        }
        match (input.get("lego"), input.get("seed")) {
            (Some(lego), Some(seed)) => Some(Self::Basket {
                lego: pair(lego)?,
                seed: pair(seed)?,
                culminating: input.get("culminating").and_then(Value::as_bool).unwrap_or(false),
            }),
            _ => pair(input).map(Self::Cut),
        }
    }
}

fn pair(value: &Value) -> Option<Pair> {
    let text = |name: &str| value.get(name)?.as_str().map(str::to_owned);
    Some(Pair(text("target")?, text("known")?))
}

/// The folded target texts of the LEGOs that the call's context `vocabulary` lists.
fn vocabulary(input: &Value) -> HashSet<String> {
    let listed = input.get("context").and_then(|context| context.get("vocabulary"));
    let listed = listed.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    listed.iter().filter_map(|lego| lego.get("target")?.as_str()).map(fold).collect()
}

/// One item as it stands in the answer.
fn entry(item: &Asked, value: &Value, is_array: bool) -> String {
    if is_array { value.to_string() } else { format!("{}: {value}", json!(item.id)) }
}

fn half(text: &str) -> &str {
    let mut at = text.len() / 2;
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    &text[..at]
}

#[cfg(test)]
mod example;
#[cfg(test)]
mod tests;
