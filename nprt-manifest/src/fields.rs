//! Fields of an object by their path.

use nprt_core::{Error, Result};
use serde_json::{Map, Value};

/// What stands at `path`.
pub(super) fn get<'a, P: AsRef<str>>(value: &'a Value, path: &[P]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, key| value.get(key.as_ref()))
}

/// The value at `path`, which is a map: made where there is none (or `null`).
///
/// # Errors
/// `Invalid`, naming the path, where something else stands there.
pub(super) fn value_at<'a, P: AsRef<str>>(value: &'a mut Value, path: &[P]) -> Result<&'a mut Value> {
    let mut place = value;
    for (depth, key) in path.iter().enumerate() {
        place = as_map(place)
            .ok_or_else(|| not_a("map", &path[..depth]))?
            .entry(key.as_ref())
            .or_insert(Value::Null);
    }
    as_map(place).ok_or_else(|| not_a("map", path))?;
    Ok(place)
}

/// The map at `path`, made where there is none (or `null`).
///
/// # Errors
/// As for [`value_at`].
pub(super) fn map_at<'a, P: AsRef<str>>(
    value: &'a mut Value,
    path: &[P],
) -> Result<&'a mut Map<String, Value>> {
    value_at(value, path)?.as_object_mut().ok_or_else(|| not_a("map", path))
}

/// The same below `value`, which is itself at `place` of its object: errors name the whole path.
pub(super) fn map_within<'a>(
    value: &'a mut Value,
    place: &[String],
    path: &[&str],
) -> Result<&'a mut Map<String, Value>> {
    let mut whole: Vec<&str> = place.iter().map(String::as_str).collect();
    let mut map = as_map(value);
    for key in path {
        let below = map.ok_or_else(|| not_a("map", &whole))?.entry(*key).or_insert(Value::Null);
        map = as_map(below);
        whole.push(key);
    }
    map.ok_or_else(|| not_a("map", &whole))
}

fn as_map(value: &mut Value) -> Option<&mut Map<String, Value>> {
    if value.is_null() {
        *value = Value::Object(Map::new());
    }
    value.as_object_mut()
}

/// The list under `key`, made where there is none (or `null`).
///
/// # Errors
/// `Invalid`, naming the field, where something else stands there.
pub(super) fn list_in<'a>(map: &'a mut Map<String, Value>, key: &str) -> Result<&'a mut Vec<Value>> {
    let value = map.entry(key).or_insert(Value::Null);
    if value.is_null() {
        *value = Value::Array(Vec::new());
    }
    value.as_array_mut().ok_or_else(|| not_a("list", &[key]))
}

pub(super) fn not_a<P: AsRef<str>>(expected: &str, path: &[P]) -> Error {
    let path: Vec<&str> = path.iter().map(AsRef::as_ref).collect();
    Error::invalid("manifest.render", format!("expected a {expected}")).with("field", path.join("."))
}
