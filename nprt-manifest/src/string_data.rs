//! `stringData` of a Secret as `data`. The API server writes the one into the other, and nobody owns a key that came
//! so: one that the manifest no longer has would stay for ever.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nprt_core::model::Object;
use nprt_core::{Error, Result};
use serde_json::{Map, Value};

use super::fields::map_at;

const FIELD: &str = "stringData";

/// Moves the keys of `stringData` to `data`, where they replace those of the same name, as the API server does.
///
/// # Errors
/// `Invalid`, with the key and never its value, for what is not text.
pub(super) fn encode(object: &mut Value, original: &Object) -> Result<()> {
    if original.kind() != "Secret" || !original.id().group().is_empty() {
        return Ok(());
    }
    let Some(text) = object.as_object_mut().and_then(|object| object.shift_remove(FIELD)) else {
        return Ok(());
    };
    let text = match text {
        Value::Null => Map::new(),
        Value::Object(text) => text,
        _ => return Err(Error::invalid("manifest.render", "expected a map").with("field", FIELD)),
    };
    let mut encoded = Vec::with_capacity(text.len());
    for (key, value) in text {
        let Value::String(value) = value else {
            let expected = "expected text, in quotes where it looks like a number or a boolean";
            return Err(Error::invalid("manifest.render", expected).with("field", format!("{FIELD}.{key}")));
        };
        encoded.push((key, Value::String(STANDARD.encode(value))));
    }
    if !encoded.is_empty() {
        map_at(object, &["data"])?.extend(encoded);
    }
    Ok(())
}
