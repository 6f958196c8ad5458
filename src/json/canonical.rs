//! One byte form for every JSON value and every text, so that formatting never counts.

use serde_json::Value;
use std::borrow::Cow;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// The canonical bytes of a value: object keys sorted by their UTF-8 bytes, no white space, strings with the shortest
/// escapes. Two values have the same bytes exactly when they are equal as JSON.
pub fn canonical(value: &Value) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Array(items) => {
            out.push(b'[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write(item, out);
            }
            out.push(b']');
        }
        Value::Object(fields) => {
            let mut sorted: Vec<_> = fields.iter().collect();
            sorted.sort_unstable_by(|a, b| a.0.as_bytes().cmp(b.0.as_bytes()));
            out.push(b'{');
            for (at, (name, field)) in sorted.into_iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                scalar(name, out);
                out.push(b':');
                write(field, out);
            }
            out.push(b'}');
        }
        plain => scalar(plain, out),
    }
}

fn scalar<T: serde::Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    // A string, number, boolean or null has no way to fail when it is written to memory.
    let written = serde_json::to_writer(out, value);
    debug_assert!(written.is_ok());
}

/// Brings every string in a value, keys included, to Unicode NFC with `\n` as its newline.
pub fn normalize(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Cow::Owned(normal) = normal_string(text) {
                *text = normal;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(normalize),
        Value::Object(fields) => {
            if fields.keys().any(|name| matches!(normal_string(name), Cow::Owned(_))) {
                *fields = std::mem::take(fields)
                    .into_iter()
                    .map(|(name, field)| (normal_string(&name).into_owned(), field))
                    .collect();
            }
            fields.values_mut().for_each(normalize);
        }
        _ => {}
    }
}

fn normal_string(text: &str) -> Cow<'_, str> {
    let unix = if text.contains('\r') { Cow::Owned(unix_newlines(text)) } else { Cow::Borrowed(text) };
    if is_surely_normal(&unix) || is_nfc_quick(unix.chars()) == IsNormalized::Yes {
        unix
    } else {
        Cow::Owned(unix.nfc().collect())
    }
}

/// True when a text is in NFC beyond doubt and without a look at Unicode's tables: it has only characters before U+0300, the
/// first that combines. (In UTF-8 that one begins with the byte CC, and all before it with a lower one.)
pub fn is_surely_normal(text: &str) -> bool {
    text.bytes().all(|byte| byte < 0xcc)
}

fn unix_newlines(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// Brings a text file's contents to one form: no byte-order mark, `\n` newlines, no space at a line's end, no empty lines at
/// the end, NFC. What is sent to a generator is rendered from this form, so what is hashed is what is sent.
pub fn normalize_text(text: &str) -> String {
    let text = unix_newlines(text.trim_start_matches('\u{feff}'));
    let mut out = String::with_capacity(text.len());
    for line in text.split('\n') {
        let line = line.trim_end_matches([' ', '\t']);
        match is_surely_normal(line) {
            true => out.push_str(line),
            false => out.extend(line.nfc()),
        }
        out.push('\n');
    }
    out.truncate(out.trim_end_matches('\n').len());
    if !out.is_empty() {
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_have_equal_bytes() {
        let a: Value = serde_json::from_str(r#"{ "b" : [1, 2.5, null], "a": "\u00e9\/" }"#).unwrap();
        let b: Value = serde_json::from_str("{\"a\":\"é/\",\"b\":[1,2.5,null]}").unwrap();
        assert_eq!(canonical(&a), canonical(&b));
        assert_eq!(String::from_utf8(canonical(&a)).unwrap(), r#"{"a":"é/","b":[1,2.5,null]}"#);
    }

    #[test]
    fn noise_in_text_never_counts() {
        let plain = "# Título\n\ntext\n";
        assert_eq!(normalize_text(plain), plain);
        assert_eq!(normalize_text("\u{feff}# Ti\u{301}tulo  \r\n\t\r\ntext\r\n\r\n\n"), plain);
        assert_eq!(normalize_text(""), "");
        assert_eq!(normalize_text("\n \n"), "");
    }

    #[test]
    fn strings_and_keys_are_brought_to_nfc() {
        let mut value = serde_json::json!({"cafe\u{301}": ["e\u{301}\r\n", 1]});
        normalize(&mut value);
        assert_eq!(value, serde_json::json!({"café": ["é\n", 1]}));
    }
}
