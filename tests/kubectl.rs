//! The transformer beside kubectl and a real API server: both read what it writes, and what did not change
//! is not taken for changed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]

use nprt::manifest::to_yaml;
use nprt_testkit::{ControlPlane, need};
use serde_json::{Value, json};

/// Texts that a writer of YAML may get wrong: what another reader would take for something else, or cut.
const AWKWARD: &[&str] = &[
    "",
    " ",
    "  a",
    "a  ",
    "\n",
    "\n\n",
    "a\n",
    "a\n\n",
    "\na",
    " a\nb",
    "a\n b\n",
    "a\r\nb\r\n",
    "a\rb",
    "\t",
    "\ta",
    "a\t",
    "a\n\tb\n",
    "---",
    "--- a",
    "a\n---\nb",
    "...",
    "a\n...\n",
    "null",
    "Null",
    "~",
    "true",
    "False",
    "yes",
    "No",
    "on",
    "OFF",
    "y",
    "N",
    "0",
    "-0",
    "0644",
    "0o17",
    "0x1F",
    "0b11",
    "1_000",
    "1e3",
    "12e5",
    "1.0",
    ".5",
    "5.",
    "+1",
    ".inf",
    "-.INF",
    ".nan",
    "1:30",
    "190:20:30",
    "2026-11-23",
    "2026-11-23T10:00:00Z",
    "9223372036854775808",
    "3f2a91c",
    "0123456e7",
    "*a",
    "&a",
    "!a",
    "!!str a",
    "|",
    ">",
    "|-",
    "%a",
    "@a",
    "`a`",
    "-",
    "- a",
    "-a",
    "?",
    "? a",
    ":",
    "a:",
    "a: b",
    ": a",
    "a:b",
    "#",
    "a #b",
    "a#b",
    "'",
    "''",
    "it's",
    "\"",
    "\"a\"",
    "a\"b",
    "\\",
    "a\\nb",
    "[",
    "[a]",
    "{",
    "{a: b}",
    "a, b",
    "]",
    "}",
    "=",
    "<<",
    "${A}",
    "$(A)",
    "{{ .Values.a }}",
    "é",
    "😀",
    "\u{a0}",
    "\u{feff}a",
    "\u{2028}",
    "\u{85}",
    "\u{7f}",
    "\u{1}",
    "\u{1b}[0m",
    "\u{0}",
    "\u{fffd}",
    "\u{d7ff}\u{e000}",
];

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_reads_back_what_is_written() {
    let Some(plane) = need(ControlPlane::shared().await) else { return };
    let mut data: serde_json::Map<String, Value> =
        AWKWARD.iter().enumerate().map(|(index, text)| (format!("k{index}"), json!(text))).collect();
    data.insert("long".to_owned(), json!("word ".repeat(500)));
    data.insert("lines".to_owned(), json!("  indented\n\n\tline  \n# no comment\n---\n".repeat(30)));
    let keys: serde_json::Map<String, Value> =
        AWKWARD.iter().map(|text| ((*text).to_owned(), json!("x"))).collect();
    let object = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "awkward"},
        "data": data,
        "other": {
            "keys": keys,
            "numbers": [0, -1, 1.5, 0.1, 1e300, 1e-7, -2.5e-300, i64::MAX, i64::MIN, 123_456_789_012_345_u64],
            "empty": [[], {}, [[]], [{}], null, true, false],
        },
    });
    let written = to_yaml([&object]).unwrap();
    let create = ["create", "--dry-run=client", "--validate=false", "-o", "json", "-f", "-"];
    let read: Value =
        serde_json::from_str(&plane.kubectl().run_with_input(&create, &written).await.unwrap()).unwrap();
    for field in ["data", "other"] {
        for (key, wanted) in object[field].as_object().unwrap() {
            assert_eq!(&read[field][key], wanted, "{field} {key}");
        }
    }
}
