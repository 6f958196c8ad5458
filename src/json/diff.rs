//! What differs between two values: by path for their fields, by word for texts.

use super::Value;
use similar::{Algorithm, DiffTag, capture_diff_slices};
use std::hash::Hash;

/// One place where two values differ.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Change {
    /// Where, as a JSON pointer: into the new value, or into the old one where the new one has nothing.
    pub path: String,
    /// What stood there; `None`: nothing.
    pub old: Option<Value>,
    /// What stands there; `None`: nothing.
    pub new: Option<Value>,
}

/// A run of words that is in both texts, or in one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Words<'a> {
    /// In both.
    Same(Vec<&'a str>),
    /// In the old one only.
    Gone(Vec<&'a str>),
    /// In the new one only.
    New(Vec<&'a str>),
}

/// Every place where two values differ, in the order of the new one.
pub fn changes(old: &Value, new: &Value) -> Vec<Change> {
    let mut found = Vec::new();
    walk(String::new(), old, new, &mut found);
    found
}

fn walk(path: String, old: &Value, new: &Value, found: &mut Vec<Change>) {
    match (old, new) {
        _ if old == new => {}
        (Value::Object(a), Value::Object(b)) => {
            for (name, value) in b {
                let path = format!("{path}/{}", escaped(name));
                match a.get(name) {
                    Some(old) => walk(path, old, value, found),
                    None => found.push(Change { path, old: None, new: Some(value.clone()) }),
                }
            }
            for (name, value) in a.iter().filter(|(name, _)| !b.contains_key(*name)) {
                let path = format!("{path}/{}", escaped(name));
                found.push(Change { path, old: Some(value.clone()), new: None });
            }
        }
        (Value::Array(a), Value::Array(b)) => lists(&path, a, b, found),
        _ => found.push(Change { path, old: Some(old.clone()), new: Some(new.clone()) }),
    }
}

/// Elements that are in both lists hold them together; between two of them the others are paired in order.
fn lists(path: &str, a: &[Value], b: &[Value], found: &mut Vec<Change>) {
    let texts = |list: &[Value]| list.iter().map(Value::to_string).collect::<Vec<_>>();
    let (mut i, mut j) = (0, 0);
    for (x, y) in common(&texts(a), &texts(b)).into_iter().chain([(a.len(), b.len())]) {
        while i < x || j < y {
            match (i < x, j < y) {
                (true, true) => walk(format!("{path}/{j}"), &a[i], &b[j], found),
                (true, false) => {
                    found.push(Change { path: format!("{path}/{i}"), old: Some(a[i].clone()), new: None });
                }
                _ => found.push(Change { path: format!("{path}/{j}"), old: None, new: Some(b[j].clone()) }),
            }
            i += usize::from(i < x);
            j += usize::from(j < y);
        }
        (i, j) = (x + 1, y + 1);
    }
}

/// The places of what both have in the same order, ascending.
fn common<T: Hash + Ord>(a: &[T], b: &[T]) -> Vec<(usize, usize)> {
    let ops = capture_diff_slices(Algorithm::Myers, a, b);
    let same = ops.into_iter().filter(|op| op.tag() == DiffTag::Equal);
    same.flat_map(|op| op.old_range().zip(op.new_range())).collect()
}

/// True where the words of two texts are set off by spaces.
pub fn are_spaced(old: &str, new: &str) -> bool {
    old.contains(' ') || new.contains(' ') || (old.is_ascii() && new.is_ascii())
}

/// Two texts as runs of words. Where words are not set off by spaces, characters stand for them.
pub fn words<'a>(old: &'a str, new: &'a str) -> Vec<Words<'a>> {
    let spaced = are_spaced(old, new);
    let cut = |text: &'a str| -> Vec<&'a str> {
        if spaced {
            text.split(' ').collect()
        } else {
            text.char_indices().map(|(at, c)| &text[at..at + c.len_utf8()]).collect()
        }
    };
    let (a, b) = (cut(old), cut(new));
    let (mut i, mut j, mut runs) = (0, 0, Vec::new());
    for (x, y) in common(&a, &b).into_iter().chain([(a.len(), b.len())]) {
        if i < x {
            runs.push(Words::Gone(a[i..x].to_vec()));
        }
        if j < y {
            runs.push(Words::New(b[j..y].to_vec()));
        }
        if x < a.len() {
            match runs.last_mut() {
                Some(Words::Same(same)) => same.push(a[x]),
                _ => runs.push(Words::Same(vec![a[x]])),
            }
        }
        (i, j) = (x + 1, y + 1);
    }
    runs
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(old: &Value, new: &Value) -> Vec<String> {
        let side = |value: Option<Value>| value.map_or("-".to_owned(), |value| value.to_string());
        changes(old, new)
            .into_iter()
            .map(|change| format!("{} {} {}", change.path, side(change.old), side(change.new)))
            .collect()
    }

    #[test]
    fn changes_are_told_by_their_path() {
        assert!(told(&json!({"a": [1, 2]}), &json!({"a": [1, 2]})).is_empty());
        assert_eq!(
            told(
                &json!({"a/b": 1, "c": {"d": "x"}, "gone": 1}),
                &json!({"a/b": 2, "c": {"d": "y"}, "e": []})
            ),
            ["/a~1b 1 2", "/c/d \"x\" \"y\"", "/e - []", "/gone 1 -"]
        );
        assert_eq!(told(&json!(1), &json!("1")), [" 1 \"1\""]);
    }

    #[test]
    fn an_element_put_in_does_not_move_the_others() {
        let old = json!([["a", 1], ["b", 2], ["c", 3]]);
        assert_eq!(told(&old, &json!([["x", 9], ["a", 1], ["b", 2], ["c", 3]])), ["/0 - [\"x\",9]"]);
        assert_eq!(told(&old, &json!([["a", 1], ["c", 3]])), ["/1 [\"b\",2] -"]);
        assert_eq!(told(&old, &json!([["a", 1], ["b", 5], ["c", 3]])), ["/1/1 2 5"]);
    }

    #[test]
    fn texts_are_compared_by_words_and_by_characters_where_there_are_none() {
        assert_eq!(
            words("I want to speak now", "I want to talk now"),
            [
                Words::Same(vec!["I", "want", "to"]),
                Words::Gone(vec!["speak"]),
                Words::New(vec!["talk"]),
                Words::Same(vec!["now"])
            ]
        );
        assert_eq!(
            words("我想说", "我要说"),
            [
                Words::Same(vec!["我"]),
                Words::Gone(vec!["想"]),
                Words::New(vec!["要"]),
                Words::Same(vec!["说"])
            ]
        );
        assert_eq!(words("a", "b"), [Words::Gone(vec!["a"]), Words::New(vec!["b"])]);
        assert_eq!(words("", ""), [Words::Same(vec![""])]);
    }
}
