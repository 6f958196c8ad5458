//! Two changes of one value put together, field by field.
//!
//! What one side changed is taken; what both changed alike is taken once; what both changed otherwise is a clash, and nobody guesses.
//! Lists are merged element by element where all have the same length: else the list is one field.

use super::Value;
use serde_json::Map;

/// Two changes put together.
#[derive(Debug, Clone, PartialEq)]
pub struct Merged {
    /// The value; at a clash it holds what the first side has.
    pub value: Value,
    /// Where the sides clash.
    pub clashes: Vec<Clash>,
}

/// A field that both sides changed, and not alike.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Clash {
    /// Where: a JSON pointer.
    pub at: String,
    /// What both were made from; `None`: nothing, or nobody knows.
    pub base: Option<Value>,
    /// What the first side has; `None`: nothing.
    pub mine: Option<Value>,
    /// What the second side has; `None`: nothing.
    pub theirs: Option<Value>,
}

/// Merges two values that were made from `base`. Without a base every field in which they differ is a clash.
pub fn merge(base: Option<&Value>, mine: &Value, theirs: &Value) -> Merged {
    let mut clashes = Vec::new();
    let value = one(base, Some(mine), Some(theirs), "", &mut clashes);
    Merged { value: value.unwrap_or_default(), clashes }
}

fn one(
    base: Option<&Value>,
    mine: Option<&Value>,
    theirs: Option<&Value>,
    at: &str,
    clashes: &mut Vec<Clash>,
) -> Option<Value> {
    if mine == theirs || theirs == base {
        return mine.cloned();
    }
    if mine == base {
        return theirs.cloned();
    }
    match (base, mine, theirs) {
        (_, Some(Value::Object(mine)), Some(Value::Object(theirs))) if base.is_none_or(Value::is_object) => {
            let base = base.and_then(Value::as_object);
            Some(Value::Object(fields(base, mine, theirs, at, clashes)))
        }
        (_, Some(Value::Array(mine)), Some(Value::Array(theirs)))
            if mine.len() == theirs.len()
                && base.is_none_or(|base| base.as_array().is_some_and(|base| base.len() == mine.len())) =>
        {
            let pairs = mine.iter().zip(theirs).enumerate();
            let merged = pairs.map(|(number, (mine, theirs))| {
                let base = base.and_then(|base| base.get(number));
                one(base, Some(mine), Some(theirs), &format!("{at}/{number}"), clashes).unwrap_or_default()
            });
            Some(Value::Array(merged.collect()))
        }
        _ => {
            clashes.push(Clash {
                at: at.to_owned(),
                base: base.cloned(),
                mine: mine.cloned(),
                theirs: theirs.cloned(),
            });
            mine.cloned()
        }
    }
}

/// The fields of both, in the order of the first, then those that only the second has.
fn fields(
    base: Option<&Map<String, Value>>,
    mine: &Map<String, Value>,
    theirs: &Map<String, Value>,
    at: &str,
    clashes: &mut Vec<Clash>,
) -> Map<String, Value> {
    let added = theirs.keys().filter(|name| !mine.contains_key(*name));
    let mut merged = Map::new();
    for name in mine.keys().chain(added) {
        let at = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
        let base = base.and_then(|base| base.get(name));
        if let Some(value) = one(base, mine.get(name), theirs.get(name), &at, clashes) {
            merged.insert(name.clone(), value);
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_one_side_changed_is_taken_and_what_both_changed_clashes() {
        let base = json!({"a": 1, "b": [1, 2], "c": {"x": 1, "y": 2}, "gone": 1, "d/e": 0});
        for (mine, theirs, expected, clashes) in [
            (base.clone(), json!({"a": 2}), json!({"a": 2}), vec![]),
            (
                json!({"a": 2, "b": [1, 2], "c": {"x": 1, "y": 2}, "gone": 1, "d/e": 0}),
                json!({"a": 1, "b": [1, 3], "c": {"x": 5, "y": 2}, "d/e": 0, "new": 7}),
                json!({"a": 2, "b": [1, 3], "c": {"x": 5, "y": 2}, "d/e": 0, "new": 7}),
                vec![],
            ),
            (
                json!({"a": 2, "b": [1], "c": {"x": 1, "y": 2}, "gone": 2, "d/e": 1}),
                json!({"a": 3, "b": [1, 3], "c": {"x": 1, "y": 2}, "d/e": 2}),
                json!({"a": 2, "b": [1], "c": {"x": 1, "y": 2}, "gone": 2, "d/e": 1}),
                vec!["/a", "/b", "/gone", "/d~1e"],
            ),
            (
                json!({"a": 2, "b": [1, 2], "c": 1, "gone": 1, "d/e": 0}),
                json!({"a": 2, "b": [1, 2], "c": {"x": 1, "y": 3}, "gone": 1, "d/e": 0}),
                json!({"a": 2, "b": [1, 2], "c": 1, "gone": 1, "d/e": 0}),
                vec!["/c"],
            ),
        ] {
            let merged = merge(Some(&base), &mine, &theirs);
            assert_eq!(merged.value, expected);
            assert_eq!(merged.clashes.iter().map(|clash| clash.at.as_str()).collect::<Vec<_>>(), clashes);
        }
    }

    #[test]
    fn without_a_base_every_difference_clashes() {
        let merged = merge(None, &json!({"a": 1, "b": 2}), &json!({"a": 1, "b": 3}));
        assert_eq!((merged.clashes.len(), &*merged.clashes[0].at), (1, "/b"));
        assert_eq!(merge(None, &json!([1]), &json!([1])).clashes, []);
    }
}
