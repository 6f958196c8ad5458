//! JSON pointers (RFC 6901) with `*` for every element or field.

use serde_json::Value;
use std::fmt::{self, Write};
use std::str::FromStr;

/// A parsed pointer: `""` is the value itself, `/2/*/0` the first field of every element of the third. `*` as a whole step
/// stands for all elements of an array or all fields of an object; `~2` writes a literal star (as `~0` and `~1` write `~`, `/`).
#[derive(Debug, Clone, PartialEq, Eq, Default, Hash)]
pub struct Pointer(Vec<Step>);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Step {
    Name(String),
    Every,
}

/// The text was not a pointer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotAPointer(String);

impl fmt::Display for NotAPointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a JSON pointer: it is empty or starts with `/`", self.0)
    }
}

impl FromStr for Pointer {
    type Err = NotAPointer;

    fn from_str(text: &str) -> Result<Self, NotAPointer> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let Some(rest) = text.strip_prefix('/') else { return Err(NotAPointer(text.to_owned())) };
        Ok(Self(
            rest.split('/')
                .map(|step| match step {
                    "*" => Step::Every,
                    name => Step::Name(name.replace("~2", "*").replace("~1", "/").replace("~0", "~")),
                })
                .collect(),
        ))
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|step| match step {
            Step::Every => f.write_str("/*"),
            Step::Name(name) => {
                let mut text = String::new();
                push_name(&mut text, name);
                f.write_str(&text)
            }
        })
    }
}

impl Pointer {
    /// True for the pointer to the value itself.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// True when a step stands for every element.
    pub fn has_wildcard(&self) -> bool {
        self.0.contains(&Step::Every)
    }

    /// The names of its steps, when it has no wildcard.
    pub fn names(&self) -> Option<Vec<&str>> {
        self.0
            .iter()
            .map(|step| match step {
                Step::Name(name) => Some(name.as_str()),
                Step::Every => None,
            })
            .collect()
    }

    /// The pointer with one more step: a field of what it points at.
    pub fn join(&self, name: &str) -> Self {
        let mut steps = self.0.clone();
        steps.push(Step::Name(name.to_owned()));
        Self(steps)
    }

    /// The pointer to what holds the field that it points at, and the field's name; `None` for the root and after a `*`.
    pub fn split_last(&self) -> Option<(Self, &str)> {
        match self.0.split_last() {
            Some((Step::Name(name), holder)) => Some((Self(holder.to_vec()), name)),
            _ => None,
        }
    }

    /// The first value it points at, if there is one.
    pub fn get<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        let mut found = None;
        visit(&self.0, value, &mut |hit| {
            if found.is_none() {
                found = Some(hit);
            }
        });
        found
    }

    /// All values it points at, in order.
    pub fn all<'v>(&self, value: &'v Value) -> Vec<&'v Value> {
        let mut found = Vec::new();
        visit(&self.0, value, &mut |hit| found.push(hit));
        found
    }

    /// Calls `hit` on every value it points at, in order, with the plain pointer to that very value. Behind a `*` an
    /// element that lacks what the rest of the pointer asks for is a hit without a value, and so is a `*` on what has no
    /// elements; a name that is missing before the first `*` is no hit at all.
    pub fn walk<'v>(&self, value: &'v Value, hit: &mut dyn FnMut(&str, Option<&'v Value>)) {
        walk(&self.0, value, false, &mut String::new(), hit);
    }

    /// Calls `change` on every value it points at.
    pub fn change(&self, value: &mut Value, change: &mut dyn FnMut(&mut Value)) {
        visit_mut(&self.0, value, change);
    }
}

fn visit<'v>(steps: &[Step], value: &'v Value, hit: &mut dyn FnMut(&'v Value)) {
    let Some((step, rest)) = steps.split_first() else { return hit(value) };
    match (step, value) {
        (Step::Every, Value::Array(items)) => items.iter().for_each(|item| visit(rest, item, hit)),
        (Step::Every, Value::Object(fields)) => fields.values().for_each(|field| visit(rest, field, hit)),
        (Step::Name(name), Value::Object(fields)) => {
            if let Some(field) = fields.get(name) {
                visit(rest, field, hit);
            }
        }
        (Step::Name(name), Value::Array(items)) => {
            if let Some(item) = index(name).and_then(|at| items.get(at)) {
                visit(rest, item, hit);
            }
        }
        _ => {}
    }
}

fn walk<'v>(
    steps: &[Step],
    value: &'v Value,
    starred: bool,
    path: &mut String,
    hit: &mut dyn FnMut(&str, Option<&'v Value>),
) {
    let Some((step, rest)) = steps.split_first() else { return hit(path, Some(value)) };
    let end = path.len();
    match (step, value) {
        (Step::Every, Value::Array(items)) => {
            for (at, item) in items.iter().enumerate() {
                // Writing to a string has no way to fail.
                let _ = write!(path, "/{at}");
                walk(rest, item, true, path, hit);
                path.truncate(end);
            }
        }
        (Step::Every, Value::Object(fields)) => {
            for (name, field) in fields {
                push_name(path, name);
                walk(rest, field, true, path, hit);
                path.truncate(end);
            }
        }
        (Step::Every, _) => {
            path.push_str("/*");
            hit(path, None);
        }
        (Step::Name(name), _) => {
            push_name(path, name);
            match (child(value, name), starred) {
                (Some(field), _) => walk(rest, field, starred, path, hit),
                (None, true) => hit(path, None),
                (None, false) => {}
            }
        }
    }
    path.truncate(end);
}

fn child<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    match value {
        Value::Object(fields) => fields.get(name),
        Value::Array(items) => index(name).and_then(|at| items.get(at)),
        _ => None,
    }
}

fn push_name(path: &mut String, name: &str) {
    path.push('/');
    if !name.contains(['~', '/', '*']) {
        return path.push_str(name);
    }
    path.push_str(&name.replace('~', "~0").replace('/', "~1").replace('*', "~2"));
}

fn visit_mut(steps: &[Step], value: &mut Value, change: &mut dyn FnMut(&mut Value)) {
    let Some((step, rest)) = steps.split_first() else { return change(value) };
    match (step, value) {
        (Step::Every, Value::Array(items)) => items.iter_mut().for_each(|item| visit_mut(rest, item, change)),
        (Step::Every, Value::Object(fields)) => {
            fields.values_mut().for_each(|field| visit_mut(rest, field, change));
        }
        (Step::Name(name), Value::Object(fields)) => {
            if let Some(field) = fields.get_mut(name) {
                visit_mut(rest, field, change);
            }
        }
        (Step::Name(name), Value::Array(items)) => {
            if let Some(item) = index(name).and_then(|at| items.get_mut(at)) {
                visit_mut(rest, item, change);
            }
        }
        _ => {}
    }
}

fn index(name: &str) -> Option<usize> {
    (name == "0" || !name.starts_with(['0', '+'])).then(|| name.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn pointers_point() {
        let value = json!([{"a/b": [1, 2, 3]}, {"a/b": [4], "*": 9}]);
        let get = |text: &str| {
            text.parse::<Pointer>().unwrap().all(&value).into_iter().cloned().collect::<Vec<_>>()
        };
        assert_eq!(get("/0/a~1b/2"), [json!(3)]);
        assert_eq!(get("/*/a~1b/0"), [json!(1), json!(4)]);
        assert_eq!(get("/1/~2"), [json!(9)]);
        assert_eq!(get(""), std::slice::from_ref(&value));
        assert!(get("/7").is_empty() && get("/00").is_empty() && get("/0/x/y").is_empty());
        assert!("a".parse::<Pointer>().is_err());
        for text in ["", "/0/a~1b/*", "/~2/~0"] {
            assert_eq!(text.parse::<Pointer>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn pointers_come_apart_and_together() {
        let pointer: Pointer = "/legos/*/ne~1w".parse().unwrap();
        let (holder, name) = pointer.split_last().unwrap();
        assert_eq!((holder.to_string().as_str(), name), ("/legos/*", "ne/w"));
        assert_eq!(holder.join(name), pointer);
        assert!(holder.split_last().is_none() && Pointer::default().split_last().is_none());
    }

    #[test]
    fn walking_names_every_place_and_what_lacks() {
        let value = json!({"d": {"2": [["a", 1], []], "x/*": [["b"]], "3": "text"}, "e": []});
        let hits = |text: &str| {
            let mut hits = Vec::new();
            text.parse::<Pointer>().unwrap().walk(&value, &mut |path, value| {
                hits.push(format!("{path} {}", value.map_or("-".to_owned(), Value::to_string)));
            });
            hits
        };
        assert_eq!(hits("/d/*/*/0"), ["/d/2/0/0 \"a\"", "/d/2/1/0 -", "/d/x~1~2/0/0 \"b\"", "/d/3/* -"]);
        assert_eq!(hits("/e"), ["/e []"]);
        for nothing in ["/e/*", "/f/*", "/f", "/e/0/*"] {
            assert!(hits(nothing).is_empty(), "{nothing}");
        }
        assert_eq!(hits("/*/2/0/1"), ["/d/2/0/1 1", "/e/2 -"]);
    }
}
