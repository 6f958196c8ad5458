//! Where a check reads: a pointer into the output, or into the item's input.

use super::Subject;
use super::found::{quote, short};
use crate::json::{Pointer, Value};
use std::fmt;

/// A pointer with what it points into. Written `/1/0` or `input:/lego/target`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Source {
    /// Into the item's input instead of its output.
    pub(super) input: bool,
    /// Where.
    pub(super) at: Pointer,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`{}", self.at, if self.input { " of the input" } else { "" })
    }
}

impl Source {
    /// The value that stands there.
    pub(super) fn value<'v>(&self, subject: &Subject<'v>) -> Option<&'v Value> {
        self.at.get(if self.input { subject.input } else { subject.output })
    }

    /// The text that stands there; otherwise what stands there instead, in words.
    pub(super) fn text<'v>(&self, subject: &Subject<'v>) -> Result<&'v str, String> {
        text(self, self.value(subject))
    }
}

/// The text of a value found at a place; otherwise what is wrong, in words.
pub(super) fn text(place: impl fmt::Display, value: Option<&Value>) -> Result<&str, String> {
    match value {
        Some(Value::String(text)) => Ok(text),
        Some(other) => Err(format!("at {place} stands {} and not a text", describe(other))),
        None => Err(format!("nothing stands at {place}, where a text is wanted")),
    }
}

/// A place found by walking, which holds names that an answer has made up, fit for a message.
pub(super) fn place(path: &str) -> Place<'_> {
    Place(path)
}

/// A [`place`], put into words only where somebody is told of it: most values are as they should be.
#[derive(Clone, Copy)]
pub(super) struct Place<'p>(&'p str);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(path) = self;
        if path.is_empty() { f.write_str("the top of the item") } else { write!(f, "`{}`", short(path, 60)) }
    }
}

/// A value's type with a look at it.
pub(super) fn describe(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) | Value::Number(_) => quote(value),
        Value::String(text) => format!("the text {}", quote(text)),
        Value::Array(items) => format!("a list of {} ({})", items.len(), quote(value)),
        Value::Object(fields) => format!("an object with {} fields ({})", fields.len(), quote(value)),
    }
}
