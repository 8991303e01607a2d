//! Decodes a value and finds every field that is wrong. Serde stops at the first: that field is left out then,
//! and the rest is tried again.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use serde_path_to_error::{Path, Segment};

use super::problems::Problems;
use super::quoted;

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
        let steps: Vec<&Segment> = path.iter().collect();
        let message = quoted::without(&error.inner().to_string(), find(&mut value, &steps).as_deref());
        problems.add(text_of(&steps, &message), message);
        if !leave_out(&mut value, &path) {
            return None;
        }
    }
    None
}

/// The path as a person writes it, without a last key that may be no name.
fn text_of(steps: &[&Segment], message: &str) -> String {
    let is_unknown = message.starts_with("unknown ");
    let mut text = String::new();
    for (index, step) in steps.iter().enumerate() {
        match step {
            Segment::Seq { index } => text += &format!("[{index}]"),
            Segment::Map { key } | Segment::Enum { variant: key } => {
                if is_unknown && index + 1 == steps.len() && !quoted::is_name(key) {
                    break;
                }
                text += if text.is_empty() { "" } else { "." };
                text += key;
            }
            Segment::Unknown => text += "?",
        }
    }
    text
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
