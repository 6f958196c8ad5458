//! Closes a JSON answer whose end is missing behind its last whole item, so that what was paid for can be read.
//!
//! Nothing is invented: an item counts as whole only when its value has ended. What follows is dropped.

use crate::json::Shape;

/// The answer up to its last whole item, closed; `None` if no item is whole.
pub fn closed(answer: &[u8], shape: &Shape) -> Option<String> {
    let text = std::str::from_utf8(&answer[..valid_length(answer)]).ok()?;
    // Items stand inside the collection, which stands inside as many objects as its pointer has names.
    let depth = shape.at.names().unwrap_or_default().len() + 1;
    let start = text.find(['[', '{'])?;
    let text = &text[start..];
    let mut open = Vec::new();
    let mut whole = None;
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in text.char_indices() {
        if quoted {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => quoted = false,
                _ => {}
            }
            continue;
        }
        match c {
            '"' => quoted = true,
            '[' => open.push(']'),
            '{' => open.push('}'),
            ']' | '}' => {
                if open.pop() != Some(c) {
                    return None;
                }
                if open.len() == depth {
                    whole = Some((at + 1, open.clone()));
                }
            }
            ',' if open.len() == depth => whole = Some((at, open.clone())),
            _ => {}
        }
    }
    let (end, open) = whole?;
    let mut closed = text[..end].to_owned();
    closed.extend(open.iter().rev());
    Some(closed)
}

/// How much of it is UTF-8: the end may stand inside a character.
fn valid_length(bytes: &[u8]) -> usize {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.len(),
        Err(error) => error.valid_up_to(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Kind;

    fn shape(kind: Kind, at: &str) -> Shape {
        Shape { kind, at: at.parse().unwrap(), id: "".parse().unwrap() }
    }

    #[test]
    fn whole_items_stay_and_the_rest_goes() {
        let object = shape(Kind::Object, "");
        let close = |text: &str, shape: &Shape| closed(text.as_bytes(), shape);
        assert_eq!(
            close("```json\n{\"A\": [\"x, }\\\"\"], \"B\": [\"y\", \"z", &object).unwrap(),
            "{\"A\": [\"x, }\\\"\"]}"
        );
        assert_eq!(close("{\"A\": [1], \"B\": [2]", &object).unwrap(), "{\"A\": [1], \"B\": [2]}");
        assert_eq!(close("{\"A\": 1, \"B\": 2", &object).unwrap(), "{\"A\": 1}", "a number may go on");
        let inside = shape(Kind::Array, "/items");
        assert_eq!(
            close("{\"v\": 1, \"items\": [[1], [2], [3", &inside).unwrap(),
            "{\"v\": 1, \"items\": [[1], [2]]}"
        );
        for nothing in ["", "{\"A\": [1", "no json", "{\"A\": ]"] {
            assert_eq!(close(nothing, &object), None, "{nothing}");
        }
        let cut = "{\"A\": [1], \"é".as_bytes();
        assert_eq!(closed(&cut[..cut.len() - 1], &object).unwrap(), "{\"A\": [1]}");
    }
}
