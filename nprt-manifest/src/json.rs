//! Reads JSON as kubectl does, value after value, and refuses a key given twice.

use nprt_core::model::{Budget, Limit, StrictJson};
use nprt_core::{Error, Result};
use serde::de::IgnoredAny;

use super::yaml::{Parsed, normalise};

/// Reads all values of `text`, as far as `budget` goes. An error says document and line.
pub(super) fn read(text: &str, budget: &Budget) -> Result<Vec<Parsed>> {
    budget.spend(Limit::Nodes, values_in(text))?;
    let mut documents = Vec::new();
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<StrictJson>();
    let (mut line, mut counted) = (1, 0);
    loop {
        let rest = &text[values.byte_offset()..];
        let begins = text.len() - rest.trim_start().len();
        line += text[counted..begins].bytes().filter(|&byte| byte == b'\n').count();
        counted = begins;
        let Some(value) = values.next() else { return Ok(documents) };
        let StrictJson(mut value) = value.map_err(|error| {
            // Its text may quote the input, which may be a Secret's.
            let what = match error.classify() {
                serde_json::error::Category::Data => "a key is given twice",
                serde_json::error::Category::Eof => "bad JSON: it ends too early",
                _ => "bad JSON",
            };
            Error::invalid("manifest.read", what)
                .with("document", documents.len() + 1)
                .with("line", error.line())
                .with("column", error.column())
        })?;
        normalise(&mut value);
        documents.push(Parsed { line, value });
    }
}

/// How many values and keys there are at most: each but the first follows one of these characters.
fn values_in(text: &str) -> u64 {
    let (mut count, mut quoted, mut escaped) = (1, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            b',' | b':' | b'[' | b'{' if !quoted => count += 1,
            _ => {}
        }
    }
    count
}

/// Whether `text` is JSON values and nothing else.
pub(super) fn is_json(text: &str) -> bool {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    values.all(|value| value.is_ok())
}
