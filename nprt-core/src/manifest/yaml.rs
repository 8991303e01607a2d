//! The one place that knows the YAML library. It reads what kubectl reads, by the same rules: documents
//! are split at `---` before they are parsed, `y`, `no` and `0644` mean what they meant in YAML 1.1, `<<`
//! merges. What differs on purpose is refused, never read as something else: see the corpus test.

use serde_json::{Map, Number, Value};
use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::{DuplicateKeyPolicy, MergeKeyPolicy, NonFiniteFloatPolicy, Options};

use crate::{Error, Result};

/// How deep maps and lists may be nested.
const DEEPEST: usize = 64;

/// One document of a text.
pub(super) struct Parsed {
    /// The line on which it begins, from 1.
    pub(super) line: usize,
    /// What it says.
    pub(super) value: Value,
}

/// Reads all documents of `text`, without the empty ones. An error says document and line.
pub(super) fn read(text: &str) -> Result<Vec<Parsed>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut documents = Vec::new();
    for Chunk { first_line, text } in split(text) {
        let Some(line) = begins(text).map(|offset| first_line + offset) else { continue };
        let value = decode(text).map_err(|error| {
            // Once more with the lines before it, so that the message tells the line in the file.
            let whole = "\n".repeat(first_line - 1) + text;
            let error = decode(&whole).err().unwrap_or(error);
            failure(&error, documents.len() + 1, line)
        })?;
        let value =
            merge(value).map_err(|error| error.with("document", documents.len() + 1).with("line", line))?;
        if !value.is_null() {
            documents.push(Parsed { line, value: normalise(value) });
        }
    }
    Ok(documents)
}

/// Writes `values` as documents that kubectl reads back as they are.
///
/// # Errors
/// `Unexpected` where the library cannot write a value.
pub fn to_yaml<'a>(values: impl IntoIterator<Item = &'a Value>) -> Result<String> {
    let mut text = String::new();
    for value in values {
        let document = serde_saphyr::to_string(value)
            .map_err(|error| Error::new(crate::ErrorKind::Unexpected, "manifest.write", error.to_string()))?;
        text.push_str("---\n");
        text.push_str(&document);
        if !text.ends_with('\n') {
            text.push('\n');
        }
    }
    Ok(text)
}

struct Chunk<'a> {
    first_line: usize,
    text: &'a str,
}

/// Splits at each line that begins with `---`, which stays at the head of what follows it. Inside a block
/// or a quoted text such a line would be indented, or an error.
fn split(text: &str) -> Vec<Chunk<'_>> {
    let mut chunks = Vec::new();
    let (mut start, mut first_line, mut offset) = (0, 1, 0);
    for (number, line) in (1..).zip(text.split_inclusive('\n')) {
        if offset > start && is_separator(line) {
            chunks.push(Chunk { first_line, text: &text[start..offset] });
            (start, first_line) = (offset, number);
        }
        offset += line.len();
    }
    chunks.push(Chunk { first_line, text: &text[start..] });
    chunks
}

fn is_separator(line: &str) -> bool {
    line.strip_prefix("---").is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

/// How many lines precede the first one that says something; `None` where none does.
fn begins(text: &str) -> Option<usize> {
    text.lines().position(|line| {
        let line = if is_separator(line) { &line[3..] } else { line }.trim();
        !line.is_empty() && !line.starts_with('#')
    })
}

fn decode(text: &str) -> std::result::Result<Value, serde_saphyr::Error> {
    serde_saphyr::from_str_with_options(text, options())
}

fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            // Manifests come from the user's own repository: a generated file with many dashboards or
            // custom resource definitions is no attack, nor is one anchor with hundreds of aliases. What
            // aliases expand to stays bounded; so does the depth: the library takes some 20 kB of stack a
            // level in a debug build, and a thread has 2 MB.
            max_nodes: 5_000_000,
            max_events: 20_000_000,
            max_depth: DEEPEST,
            enforce_alias_anchor_ratio: false,
        },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: 100_000 },
        legacy_octal_numbers: true,
        duplicate_keys: DuplicateKeyPolicy::Error,
        // `merge` does it as kubectl does.
        merge_keys: MergeKeyPolicy::AsOrdinary,
        non_finite_float_policy: NonFiniteFloatPolicy::Reject,
        // A snippet of the text could show a Secret's value.
        with_snippet: false,
    }
}

fn failure(error: &serde_saphyr::Error, document: usize, begins: usize) -> Error {
    let line = error.location().and_then(|location| usize::try_from(location.line()).ok());
    let what = match error {
        serde_saphyr::Error::DuplicateMappingKey { key: Some(key), .. } => {
            format!("the key {key} is given twice")
        }
        serde_saphyr::Error::Budget { breach: BudgetBreach::Depth { .. }, .. } => {
            format!("nested deeper than {DEEPEST} levels")
        }
        other => format!("bad YAML: {}", other.without_snippet()),
    };
    Error::invalid("manifest.read", what).with("document", document).with("line", line.unwrap_or(begins))
}

/// Replaces each `<<` by the entries that it names. As for kubectl, what comes later wins: also a `<<` over a
/// key that stands before it, which YAML's own rule would have otherwise. In a list of maps the first wins.
fn merge(value: Value) -> Result<Value> {
    match value {
        Value::Array(values) => values.into_iter().map(merge).collect(),
        Value::Object(map) => {
            let mut merged = Map::with_capacity(map.len());
            for (key, value) in map {
                match (key.as_str(), merge(value)?) {
                    ("<<", Value::Object(entries)) => merged.extend(entries),
                    ("<<", Value::Array(maps)) if maps.iter().all(Value::is_object) => {
                        merged.extend(maps.into_iter().rev().filter_map(into_map).flatten());
                    }
                    ("<<", _) => {
                        return Err(Error::invalid(
                            "manifest.read",
                            "expected `<<` with a map or a list of maps",
                        ));
                    }
                    (_, value) => drop(merged.insert(key, value)),
                }
            }
            Ok(Value::Object(merged))
        }
        other => Ok(other),
    }
}

fn into_map(value: Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(map) => Some(map),
        _ => None,
    }
}

/// Gives numbers the form in which kubectl sends them: `1.0` is `1`, and what an `i64` cannot hold is a
/// float.
pub(super) fn normalise(value: Value) -> Value {
    match value {
        Value::Number(number) => Value::Number(normal_number(number)),
        Value::Array(values) => values.into_iter().map(normalise).collect(),
        Value::Object(map) => map.into_iter().map(|(key, value)| (key, normalise(value))).collect(),
        other => other,
    }
}

fn normal_number(number: Number) -> Number {
    if number.is_i64() {
        return number;
    }
    let Some(float) = number.as_f64() else { return number };
    // `Display` writes the shortest digits and no exponent, as Go does for these.
    match format!("{float}").parse::<i64>() {
        Ok(integer) => integer.into(),
        Err(_) => Number::from_f64(float).unwrap_or(number),
    }
}
