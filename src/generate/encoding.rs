//! Bytes that should be UTF-8 text, and what to say of those that are not.

/// The text of an answer, without byte-order mark and white space around it. The error says what it is instead, in words for a
/// finding: nothing is decoded by guess.
pub(super) fn text_of(answer: &[u8]) -> Result<&str, String> {
    if let Some(name) = wide(answer) {
        return Err(format!("the answer is {name} text, and UTF-8 is wanted: save it as UTF-8"));
    }
    let text = std::str::from_utf8(answer).map_err(|e| {
        let at = e.valid_up_to();
        let byte = answer.get(at).copied().unwrap_or_default();
        let perhaps = match byte {
            // A letter of Western Europe in the old one-byte alphabets, between two of ASCII.
            0xc0.. if e.error_len() == Some(1) && answer.get(at + 1).is_none_or(u8::is_ascii) => {
                format!("; it looks like Latin-1 (`{}`): save it as UTF-8", char::from(byte))
            }
            _ => String::new(),
        };
        format!("the answer is not UTF-8 text: byte {at} (0x{byte:02x}) is no part of a character{perhaps}")
    })?;
    Ok(text.trim_start_matches(|c: char| c == '\u{feff}' || c.is_whitespace()).trim_end())
}

/// The name of an encoding of two or four bytes a character.
fn wide(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => Some("UTF-32"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some("UTF-16"),
        // Without a mark: the other half of an ASCII character is zero, which no JSON text holds.
        [first, 0, second, 0, ..] | [0, first, 0, second, ..] if *first != 0 && *second != 0 => {
            Some("UTF-16")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(unit).collect()
    }

    #[test]
    fn other_encodings_are_named() {
        let json = "{\"S0001\": [\"ma\u{f1}ana\", \"tomorrow\"]}";
        for bytes in [
            utf16(&format!("\u{feff}{json}"), u16::to_le_bytes),
            utf16(&format!("\u{feff}{json}"), u16::to_be_bytes),
            utf16(json, u16::to_le_bytes),
            utf16(json, u16::to_be_bytes),
        ] {
            assert!(text_of(&bytes).unwrap_err().contains("UTF-16 text, and UTF-8 is wanted"));
        }
        let utf32: Vec<u8> = "\u{feff}{".chars().flat_map(|c| (c as u32).to_le_bytes()).collect();
        assert!(text_of(&utf32).unwrap_err().contains("UTF-32"));
        let latin1: Vec<u8> = json.chars().map(|c| u8::try_from(c).unwrap()).collect();
        let said = text_of(&latin1).unwrap_err();
        assert!(said.contains("byte 14 (0xf1)") && said.contains("Latin-1 (`\u{f1}`)"), "{said}");
        assert!(!text_of(b"{\"a\x80\": 1}").unwrap_err().contains("Latin-1"));
        let cut = &json.as_bytes()[..15];
        assert!(!text_of(cut).unwrap_err().contains("Latin-1"), "a character that was cut in half");
    }

    #[test]
    fn marks_and_white_space_around_do_not_count() {
        assert_eq!(text_of("\u{feff}\r\n {} \n".as_bytes()), Ok("{}"));
        assert_eq!(text_of(b""), Ok(""));
    }
}
