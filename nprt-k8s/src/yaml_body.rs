//! The body of a server-side apply: JSON, which the API server reads as YAML 1.1.

/// Escapes what YAML 1.1 reads as a line break or refuses, and JSON does not: in a value it would become a space.
/// Such characters stand within strings alone.
pub(crate) fn escape(json: Vec<u8>) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(&json) else { return json };
    if !text.contains(differs) {
        return json;
    }
    let mut escaped = String::with_capacity(text.len() + 64);
    for character in text.chars() {
        if differs(character) {
            escaped.push_str(&format!("\\u{:04x}", u32::from(character)));
        } else {
            escaped.push(character);
        }
    }
    escaped.into_bytes()
}

fn differs(character: char) -> bool {
    matches!(character, '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn a_line_break_of_yaml_stays_what_it_is() {
        let value = serde_json::json!({"a": "x\u{85}y\u{2028}\u{2029}\u{7f}\u{feff}", "b": "ü😀\n\\u0085"});
        let body = escape(serde_json::to_vec(&value).unwrap());
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&body).unwrap(), value);
        let text = String::from_utf8(body).unwrap();
        assert!(text.contains(r"x\u0085y\u2028\u2029\u007f\ufeff") && text.contains("ü😀"), "{text}");
    }
}
