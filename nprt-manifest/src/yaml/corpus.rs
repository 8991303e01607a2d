//! The YAML reader against kubectl, case by case: `tests/data/yaml`, which says how kubectl's answers were made.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use nprt_core::model::Budget;
use serde_json::Value;

use super::read;

/// Files that we refuse and kubectl reads: it takes the last of two values and drops the other.
const REFUSED: &[&str] = &["dup", "dup_nested", "dup_num", "dup_quoted", "merge_twice"];

/// Spellings that we refuse and kubectl reads, each with the reason. Nothing may be read as another value.
const REFUSED_SPELLINGS: &[(&str, &str)] = &[
    (".nan: 1\n", "JSON has no infinity"),
    (".inf: 1\n", "JSON has no infinity"),
    ("-.INF: 1\n", "JSON has no infinity"),
    ("+.Inf: 1\n", "JSON has no infinity"),
    ("v: !!timestamp 2001-01-01\n", "remove the tag !!timestamp"),
    ("<<: {a: 1}\n<<: {b: 2}\n", "<< is given twice"),
    ("1: a\n'1': b\n", "the key 1 is given twice"),
    ("yes: a\ntrue: b\n", "the key true is given twice"),
    ("{\"a\": 1, \"a\": 2}\n", "a key is given twice"),
    ("a: 1\n...\nb: 2\n", "kubectl drops what follows"),
    ("{a: 1} b\n", "bad YAML"),
    ("---\n%TAG ! x\n---\na: 1\n", "directives are disallowed"),
    ("a: 1\n---\n\u{feff}b: 2\n", "byte order mark"),
    ("a: \u{feff}b\n", "byte order mark"),
    ("a: b\u{85}c: d\n", "line break"),
    ("a: |\n  b\u{85}  c\n", "line break"),
    ("a: 'b\u{2028}c'\n", "line break"),
    ("# c\u{85}a: 1\n", "line break"),
    ("# c\u{2029}a: 1\n", "line break"),
    ("a: b\rc: d\n", "carriage return"),
    ("a: 'b\rc'\n", "carriage return"),
    ("a: \"\\'\"\n", "unknown escape"),
    ("a: [b:, c]\n", "expected a space after `:`"),
    ("a: {b:, c: d}\n", "expected a space after `:`"),
    ("a: [?b]\n", "quote the string"),
    ("a: {?b: c}\n", "quote the string"),
    ("a: [-, b]\n", "bad YAML"),
    ("a: [!, b]\n", "a space follows it"),
    ("a: [!x, b]\n", "a space follows it"),
    ("a: |#c\n", "bad YAML"),
];

fn data(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/yaml").join(name);
    std::fs::read_to_string(path).unwrap()
}

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
fn agrees_with_kubectl_or_refuses() {
    let kubectl: BTreeMap<String, Value> = serde_json::from_str(&data("kubectl.json")).unwrap();
    assert_eq!(kubectl.len(), 78);
    let mut wrong = Vec::new();
    for (case, answer) in &kubectl {
        let ours = read(&data(&format!("{case}.yaml")), &Budget::default())
            .map(|documents| documents.iter().map(|parsed| parsed.value["spec"].clone()).collect::<Vec<_>>());
        let expect_error = answer["rc"] != 0 || REFUSED.contains(&case.as_str());
        let fine = match &ours {
            Err(_) => expect_error,
            Ok(values) => !expect_error && same(&Value::Array(values.clone()), &answer["vals"]),
        };
        if !fine {
            wrong.push(format!("{case}: ours {ours:?}, kubectl {answer}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn reads_each_spelling_as_kubectl_does_or_says_what_to_write() {
    let lines = data("spellings.jsonl");
    let cases: Vec<(String, Option<Value>)> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(cases.len() > 400, "{}", cases.len());
    let mut refused = BTreeSet::new();
    for (text, kubectl) in &cases {
        let ours = read(text, &Budget::default())
            .map(|documents| documents.into_iter().map(|parsed| parsed.value).collect());
        match (ours, kubectl) {
            (Ok(ours), Some(theirs)) => {
                let ours = Value::Array(ours);
                assert!(same(&ours, theirs), "{text:?}: ours {ours}, kubectl {theirs}");
            }
            (Ok(ours), None) => panic!("{text:?}: kubectl refuses it, ours {ours:?}"),
            (Err(error), Some(theirs)) => {
                let known = REFUSED_SPELLINGS.iter().find(|(known, _)| known == text);
                let (known, why) = known.unwrap_or_else(|| panic!("{text:?}: {error}, kubectl {theirs}"));
                assert!(error.to_string().contains(why), "{text:?}: {error}");
                refused.insert(*known);
            }
            (Err(error), None) => assert!(error.is_invalid()),
        }
    }
    assert_eq!(refused.len(), REFUSED_SPELLINGS.len());
}
