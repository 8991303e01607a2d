//! The YAML reader against kubectl, case by case: `tests/data/yaml`.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::yaml;

/// Where we refuse what kubectl reads, and why. Nothing may be read as another value.
const REFUSED: &[(&str, &str)] = &[
    ("dup", DUPLICATE),
    ("dup_nested", DUPLICATE),
    ("dup_quoted", DUPLICATE),
    ("merge_twice", "`<<` given twice: likewise, one of them would be lost in part"),
];

const DUPLICATE: &str = "a key given twice: kubectl takes the last and drops what somebody wrote";

/// What kubectl refuses and we read, and why that is harmless. The parser does not tell the form in which a
/// text stood: to refuse these would take a scanner of our own, one that also knows a literal block, in which
/// the same characters (of JSON, of a Makefile) are right.
const READ: &[(&str, &str)] = &[
    ("dq_esc", "a surrogate pair written as two escapes: the character, as in JSON"),
    ("tabs_in_val", "a tab after the indentation of a literal block: part of the text, as YAML says"),
];

/// `F:1.5` in kubectl's answers is a float.
fn same(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        (ours, Value::String(text)) if text.starts_with("F:") => {
            ours.is_f64() && ours.as_f64() == text[2..].parse().ok()
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Number(a), Value::Number(b)) => a == b || (a.is_f64() && a.as_f64() == b.as_f64()),
        (a, b) => a == b,
    }
}

#[test]
fn agrees_with_kubectl() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/yaml");
    let text = std::fs::read_to_string(data.join("kubectl.json")).unwrap();
    let kubectl: BTreeMap<String, Value> = serde_json::from_str(&text).unwrap();
    assert_eq!(kubectl.len(), 78);
    let mut wrong = Vec::new();
    for (case, answer) in &kubectl {
        let text = std::fs::read_to_string(data.join(format!("{case}.yaml"))).unwrap();
        let ours = yaml::read(&text)
            .map(|documents| documents.iter().map(|parsed| parsed.value["spec"].clone()).collect::<Vec<_>>());
        let refused = answer["rc"] != 0;
        let known = |list: &[(&str, &str)]| list.iter().any(|(name, _)| name == case);
        let fine = match &ours {
            Err(_) => refused || known(REFUSED),
            Ok(_) if refused => known(READ),
            Ok(values) => !known(REFUSED) && same(&Value::Array(values.clone()), &answer["vals"]),
        };
        if !fine || (ours.is_err() && refused && known(READ)) || (ours.is_err() && refused && known(REFUSED))
        {
            wrong.push(format!("{case}: ours {ours:?}, kubectl {answer}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
