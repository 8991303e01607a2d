//! Reads JSON as kubectl does, value after value, and refuses a key given twice.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::yaml::{Parsed, normalise};
use crate::model::{Budget, Limit};
use crate::{Error, Result};

/// Reads all values of `text`, as far as `budget` goes. An error says document and line.
pub(super) fn read(text: &str, budget: &Budget) -> Result<Vec<Parsed>> {
    budget.spend(Limit::Nodes, values_in(text))?;
    let mut documents = Vec::new();
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Strict>();
    let (mut line, mut counted) = (1, 0);
    loop {
        let rest = &text[values.byte_offset()..];
        let begins = text.len() - rest.trim_start().len();
        line += text[counted..begins].bytes().filter(|&byte| byte == b'\n').count();
        counted = begins;
        let Some(value) = values.next() else { return Ok(documents) };
        let Strict(mut value) = value.map_err(|error| {
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

/// Any value; the one fault that it finds is a key given twice.
struct Strict(Value);

impl<'de> serde::Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        AnyValue.deserialize(deserializer).map(Self)
    }
}

struct AnyValue;

impl<'de> DeserializeSeed<'de> for AnyValue {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = sequence.next_element_seed(Self)? {
            values.push(value);
        }
        Ok(values.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if map.insert(key, entries.next_value_seed(Self)?).is_some() {
                return Err(A::Error::custom("a key is given twice"));
            }
        }
        Ok(map.into())
    }
}
