//! What serde says of a wrong field, without what it quotes of the file: that may be a secret.

use serde_json::Value;

/// What serde calls kinds of values. Any other word in their place is the value itself.
const KINDS: [&str; 12] = [
    "boolean",
    "byte",
    "character",
    "enum",
    "floating",
    "integer",
    "map",
    "newtype",
    "null",
    "sequence",
    "string",
    "unit",
];

/// `message`, which is about `value`, without anything of it.
pub(super) fn without(message: &str, value: Option<&Value>) -> String {
    let (said, expected) = match message.rsplit_once(", expected ") {
        Some((said, expected)) => (said, Some(expected)),
        None => (message, None),
    };
    let of_kind = said.strip_prefix("invalid type: ").or_else(|| said.strip_prefix("invalid value: "));
    let what = match of_kind {
        Some(quoted) => {
            let kind = quoted.split([' ', ',']).next().filter(|kind| KINDS.contains(kind));
            let kind = kind.unwrap_or("something else");
            return match expected {
                Some(expected) => format!("expected {expected}, found {kind}"),
                None => format!("not a value of the right type, found {kind}"),
            };
        }
        None if said.starts_with("unknown variant `") => "unknown variant",
        None if said.starts_with("unknown field `") => "unknown field",
        None => return hidden(message, value),
    };
    match expected {
        Some(expected) => format!("{what}, expected {expected}"),
        None => what.to_owned(),
    }
}

/// Whether a key may be shown that nothing is called like: where a `:` has no space after it, the key is the value too.
pub(super) fn is_name(key: &str) -> bool {
    key.len() <= 40 && key.bytes().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'_' | b'-'))
}

/// What a type of the library says may quote its text, as it is or as in a literal.
fn hidden(message: &str, value: Option<&Value>) -> String {
    let mut texts = Vec::new();
    if let Some(value) = value {
        collect(value, &mut texts);
    }
    // A text may be part of another.
    texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
    texts.iter().fold(message.to_owned(), |message, text| message.replace(text, "…"))
}

fn collect(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) if !text.is_empty() => {
            let literal = format!("{text:?}");
            texts.extend([literal.trim_matches('"').to_owned(), text.clone()]);
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, texts)),
        Value::Object(map) => map.values().for_each(|value| collect(value, texts)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_of_the_value_is_left() {
        for (message, expected) in [
            ("invalid type: string \"hunter2\", expected u32", "expected u32, found string"),
            ("invalid type: string \"hunter2, expected x\", expected u32", "expected u32, found string"),
            ("invalid value: hunter2, expected u32", "expected u32, found something else"),
            ("unknown variant `hunter2`, expected `a` or `b`", "unknown variant, expected `a` or `b`"),
            ("unknown field `hunter2`, expected one of `a`, `b`", "unknown field, expected one of `a`, `b`"),
            ("unknown variant `hunter2`, there are no variants", "unknown variant"),
            ("name: invalid: no label (name: \"hunter2\")", "name: invalid: no label (name: \"…\")"),
            ("missing field `url`", "missing field `url`"),
        ] {
            assert_eq!(without(message, Some(&json!({"name": "hunter2"}))), expected);
        }
        assert_eq!(without(r#"no "hun\"ter""#, Some(&json!(["hun\"ter"]))), "no \"…\"");
        assert!(is_name("prun") && !is_name("webhook_url:https://hooks.example.com/hunter2"));
    }
}
