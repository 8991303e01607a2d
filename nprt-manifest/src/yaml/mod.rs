//! The one place that knows the YAML libraries. It reads a file exactly as kubectl does, by kubectl's rules: documents
//! are split at `---` before they are parsed, `y`, `no` and `0644` mean what they meant in YAML 1.1, keys become
//! strings, `<<` merges. Everything else is refused, never read differently: see the corpus test.

mod characters;
mod compose;
#[cfg(test)]
mod corpus;
mod documents;
mod scalar;
mod spelling;

use std::borrow::Cow;

use nprt_core::model::Budget;
use nprt_core::{Error, Result};
use serde_json::{Number, Value};

use self::compose::Problem;
use self::documents::Chunk;
use super::json;

const OPERATION: &str = "manifest.read";

/// One document of a text.
pub(super) struct Parsed {
    /// The line on which it begins, from 1.
    pub(super) line: usize,
    /// What it says.
    pub(super) value: Value,
}

/// Reads all documents of `text`, without the empty ones. An error says document and line.
pub(super) fn read(text: &str, budget: &Budget) -> Result<Vec<Parsed>> {
    // A file that begins with `{` is JSON to kubectl, and YAML only where it is not.
    let may_be_json = text.trim_start().starts_with('{');
    let text = whole_lines(text.strip_prefix('\u{feff}').unwrap_or(text));
    let mut documents = Vec::new();
    for (number, chunk) in (0..).zip(documents::split(&text)) {
        let document = documents.len() + 1;
        if chunk.is_badly_separated() {
            let why =
                "expected only a comment after `---`, as kubectl does: start the document on the next line";
            return Err(Error::invalid(OPERATION, why)
                .with("document", document)
                .with("line", chunk.first_line - 1));
        }
        if number == 0 && may_be_json && json::is_json(chunk.text) {
            documents = json::read(chunk.text, budget)?;
            continue;
        }
        let value = decode(&chunk, budget);
        let value =
            value.map_err(|Problem { line, error }| error.with("document", document).with("line", line))?;
        let line = chunk.begins().unwrap_or(chunk.first_line);
        documents.extend(value.map(|mut value| {
            normalise(&mut value);
            Parsed { line, value }
        }));
    }
    Ok(documents)
}

/// The text with a line feed, and no other, at the end of each line.
fn whole_lines(text: &str) -> Cow<'_, str> {
    let mut text =
        if text.contains("\r\n") { text.replace("\r\n", "\n").into() } else { Cow::Borrowed(text) };
    if !text.is_empty() && !text.ends_with('\n') {
        text.to_mut().push('\n');
    }
    text
}

/// What a part of a file says; `None` where that is nothing, or `null`.
fn decode(chunk: &Chunk<'_>, budget: &Budget) -> Result<Option<Value>, Problem> {
    let in_file = |line: usize| chunk.first_line - 1 + line;
    // Also in comments: some of these characters end a line for kubectl.
    characters::check(chunk.text)
        .map_err(|(line, what)| Problem { line: in_file(line), error: Error::invalid(OPERATION, what) })?;
    if chunk.begins().is_none() {
        return Ok(None);
    }
    let value = compose::document(chunk.text, budget);
    let value = value.map_err(|problem| Problem { line: in_file(problem.line), ..problem })?;
    Ok(value.filter(|value| !value.is_null()))
}

/// Writes `values` as documents that kubectl reads back as they are.
///
/// # Errors
/// `Unexpected` where the library cannot write a value.
pub fn to_yaml<'a>(values: impl IntoIterator<Item = &'a Value>) -> Result<String> {
    let mut text = String::new();
    for value in values {
        let mut options = serde_saphyr::SerializerOptions::default();
        options.prefer_block_scalars = !begins_with_tab(value);
        let document = serde_saphyr::to_string_with_options(value, options).map_err(|error| {
            Error::new(nprt_core::ErrorKind::Unexpected, "manifest.write", error.to_string())
        })?;
        text.push_str("---\n");
        text.push_str(&document);
        if !text.ends_with('\n') {
            text.push('\n');
        }
    }
    Ok(text)
}

/// Whether a block scalar would begin with a tab, which kubectl refuses.
fn begins_with_tab(value: &Value) -> bool {
    match value {
        Value::String(text) => text.trim_start_matches('\n').starts_with('\t'),
        Value::Array(values) => values.iter().any(begins_with_tab),
        Value::Object(map) => map.values().any(begins_with_tab),
        _ => false,
    }
}

/// Gives numbers the form in which kubectl sends them: `1.0` is `1`, and what an `i64` cannot hold is a
/// float.
pub(super) fn normalise(value: &mut Value) {
    match value {
        Value::Number(number) => *number = normal_number(number),
        Value::Array(values) => values.iter_mut().for_each(normalise),
        Value::Object(map) => map.values_mut().for_each(normalise),
        _ => {}
    }
}

fn normal_number(number: &Number) -> Number {
    let Some(float) = number.as_f64().filter(|_| !number.is_i64()) else { return number.clone() };
    // `Display` writes the shortest digits and no exponent, as Go does for these.
    match format!("{float}").parse::<i64>() {
        Ok(integer) => integer.into(),
        Err(_) => Number::from_f64(float).unwrap_or_else(|| number.clone()),
    }
}
