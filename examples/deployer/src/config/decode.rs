//! Decodes a value and finds every field that is wrong. Serde stops at the first: that field is left out then,
//! and the rest is tried again.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use serde_path_to_error::{Path, Segment};

use super::problems::Problems;

/// A file with more wrong fields than this is no configuration.
const MOST: usize = 100;

/// What `value` says, as far as it can be read; what cannot is told to `problems`.
pub(crate) fn decode<T: DeserializeOwned>(mut value: Value, problems: &mut Problems) -> Option<T> {
    for _ in 0..MOST {
        let error = match serde_path_to_error::deserialize(&value) {
            Ok(decoded) => return Some(decoded),
            Err(error) => error,
        };
        let path = error.path().clone();
        problems.add(text_of(&path), without_values(&error.into_inner().to_string()));
        if !leave_out(&mut value, &path) {
            return None;
        }
    }
    None
}

fn text_of(path: &Path) -> String {
    let text = path.to_string();
    if text == "." { String::new() } else { text }
}

/// Leaves out what is at `path`; `false` where that is all of it. An item of a list becomes an empty map, so that
/// others keep their numbers; if that does not help, the list goes.
fn leave_out(value: &mut Value, path: &Path) -> bool {
    let mut steps: Vec<&Segment> = path.iter().collect();
    while let Some(last) = steps.pop() {
        let Some(parent) = find(value, &steps) else { continue };
        match (last, parent) {
            (Segment::Map { key } | Segment::Enum { variant: key }, Value::Object(map)) => {
                let removed = map.remove(key);
                if removed.is_some() {
                    return true;
                }
            }
            (Segment::Seq { index }, Value::Array(items)) => {
                let empty = Value::Object(Map::new());
                if let Some(item) = items.get_mut(*index).filter(|item| **item != empty) {
                    *item = empty;
                    return true;
                }
            }
            _ => {}
        }
    }
    false
}

fn find<'a>(value: &'a mut Value, steps: &[&Segment]) -> Option<&'a mut Value> {
    steps.iter().try_fold(value, |value, step| match step {
        Segment::Map { key } | Segment::Enum { variant: key } => value.get_mut(key),
        Segment::Seq { index } => value.get_mut(index),
        _ => None,
    })
}

/// Serde's message without the value that it quotes: that may be a secret.
fn without_values(message: &str) -> String {
    let Some(rest) =
        message.strip_prefix("invalid type: ").or_else(|| message.strip_prefix("invalid value: "))
    else {
        return message.to_owned();
    };
    let kind = rest.split([' ', ',']).next().unwrap_or_default();
    match rest.rsplit_once(", expected ") {
        Some((_, expected)) => format!("expected {expected}, found {kind}"),
        None => format!("not a value of the right type, found {kind}"),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        name: Option<String>,
        #[serde(default)]
        items: Vec<Item>,
    }

    #[derive(Debug, Default, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Item {
        count: u32,
        names: Vec<String>,
    }

    #[test]
    fn every_wrong_field_is_found_and_no_value_shown() {
        let value = json!({"name": 5, "extra": 1, "items": [
            {"count": "hunter2"}, {"names": ["a", 7], "count": 1}, "hunter2", {"more": 1}
        ]});
        let mut problems = Problems::default();
        let file: File = decode(value, &mut problems).unwrap();
        let said = problems.to_string();
        assert!(file.name.is_none());
        for path in
            ["name: ", "extra: ", "items[0].count: ", "items[1].names[1]: ", "items[2]: ", "items[3].more: "]
        {
            assert!(said.lines().any(|line| line.starts_with(path)), "{path} in {said}");
        }
        assert!(
            !said.contains("hunter2") && said.contains("items[0].count: expected u32, found string"),
            "{said}"
        );
        assert_eq!((file.items.len(), file.items[1].count), (4, 1));
    }

    #[test]
    fn what_is_no_map_is_one_problem() {
        let mut problems = Problems::default();
        assert!(decode::<File>(json!("hunter2"), &mut problems).is_none());
        assert!(!problems.is_empty() && !problems.to_string().contains("hunter2"));
    }
}
