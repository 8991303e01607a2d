//! Sets of fields as the server keeps them for their owners (`fieldsV1`): `f:` and a field, `k:` and the key
//! of a list's item, `v:` and the item itself; `.` is the map or item as such.

use serde_json::{Map, Value};

/// Goes one step of a set into a value. `.` has no value of its own: its fields have steps of theirs.
pub(crate) fn at<'a>(value: Option<&'a Value>, step: &str) -> Option<&'a Value> {
    let is_it = |key: &Map<String, Value>, item: &Value| {
        key.iter().all(|(field, value)| item.get(field) == Some(value))
    };
    step_into(value?, step, is_it)
}

fn step_into<'a>(
    value: &'a Value,
    step: &str,
    is_it: impl Fn(&Map<String, Value>, &Value) -> bool,
) -> Option<&'a Value> {
    match step.split_once(':')? {
        ("f", field) => value.get(field),
        ("k", key) => {
            let key: Map<String, Value> = serde_json::from_str(key).ok()?;
            value.as_array()?.iter().find(|item| is_it(&key, item))
        }
        ("v", item) => {
            let item: Value = serde_json::from_str(item).ok()?;
            value.as_array()?.iter().find(|present| **present == item)
        }
        _ => None,
    }
}

/// Whether `step` goes to this item of a list.
pub(crate) fn is_item(item: &Value, step: &str) -> bool {
    match step.split_once(':') {
        Some(("k", _)) => {
            key(step).is_some_and(|key| key.iter().all(|(field, value)| item.get(field) == Some(value)))
        }
        Some(("v", value)) => serde_json::from_str(value).is_ok_and(|value: Value| value == *item),
        _ => false,
    }
}

/// The key of the list's item to which `step` goes.
pub(crate) fn key(step: &str) -> Option<Map<String, Value>> {
    serde_json::from_str(step.strip_prefix("k:")?).ok()
}

/// The part of `value` that `fields` names. Items of a list keep their order.
pub(crate) fn extract(value: &Value, fields: &Value) -> Value {
    let Some(steps) = steps(fields) else { return value.clone() };
    match value {
        Value::Object(map) => {
            let part = steps.iter().filter_map(|(step, fields)| {
                let field = step.strip_prefix("f:")?;
                Some((field.to_owned(), extract(map.get(field)?, fields)))
            });
            Value::Object(part.collect())
        }
        Value::Array(items) => {
            let part = items.iter().filter_map(|item| {
                let (step, fields) = steps.iter().find(|(step, _)| is_item(item, step))?;
                let mut part = extract(item, fields);
                // An item is nothing without its key; a part of the key that we left to its default stays so.
                if let (Some(part), Some(key)) = (part.as_object_mut(), key(step))
                    && !key.keys().any(|field| part.contains_key(field))
                {
                    part.extend(key);
                }
                Some(part)
            });
            Value::Array(part.collect())
        }
        _ => value.clone(),
    }
}

/// The steps below, or nothing where the field is owned as a whole.
pub(crate) fn steps(fields: &Value) -> Option<&Map<String, Value>> {
    fields.as_object().filter(|steps| !steps.is_empty())
}

/// Adds the fields of `more`.
pub(crate) fn unite(fields: &mut Value, more: &Value) {
    let (Value::Object(fields), Value::Object(more)) = (fields, more) else { return };
    for (step, more) in more {
        unite(fields.entry(step).or_insert_with(|| Value::Object(Map::new())), more);
    }
}

/// The fields of `whole` that are not in `part`, as the server writes them in a conflict: `.spec.replicas`.
pub(crate) fn missing(part: Option<&Value>, whole: &Value) -> Vec<String> {
    let Some(steps) = steps(whole) else { return Vec::new() };
    let missing = steps.iter().filter(|(step, _)| *step != ".").flat_map(|(step, inner)| {
        let name = match step.split_once(':') {
            Some(("f", field)) => format!(".{field}"),
            Some((_, key)) => format!("[{key}]"),
            None => String::new(),
        };
        match part.and_then(|part| part.get(step)) {
            None if self::steps(inner).is_none_or(|inner| inner.contains_key(".")) => vec![name],
            part => missing(part, inner).into_iter().map(|below| format!("{name}{below}")).collect(),
        }
    });
    missing.collect()
}

/// Whether all of `part` is in `fields`.
pub(crate) fn contains(fields: &Value, part: &Value) -> bool {
    let (Value::Object(fields), Value::Object(part)) = (fields, part) else { return true };
    part.iter().all(|(step, part)| fields.get(step).is_some_and(|fields| contains(fields, part)))
}

/// Whether `item` is the one with `key`. It may leave out a part of its key, which the server fills in: a port
/// its protocol.
pub(crate) fn is_keyed(item: &Value, key: &Map<String, Value>) -> bool {
    let default = |field: &str, value: &Value| field != "protocol" || value == "TCP";
    let part = |(field, value): (&String, &Value)| match item.get(field) {
        Some(present) => present == value,
        None => default(field, value),
    };
    key.keys().any(|field| item.get(field).is_some()) && key.iter().all(part)
}

/// What a manifest has at `step`.
pub(crate) fn named<'a>(value: &'a Value, step: &str) -> Option<&'a Value> {
    step_into(value, step, |key, item| is_keyed(item, key))
}

/// The fields that `value` names, and the others.
pub(crate) fn split(fields: &Value, value: &Value) -> (Value, Value) {
    let (mut with, mut without) = (Map::new(), Map::new());
    for (step, inner) in steps(fields).into_iter().flatten() {
        let (yes, no) = match named(value, step) {
            Some(_) if steps(inner).is_none() => (Some(inner.clone()), None),
            Some(value) => {
                let (yes, no) = split(inner, value);
                let some = |part: Value| steps(&part).is_some().then_some(part);
                (some(yes), some(no))
            }
            None if step == "." => (Some(inner.clone()), None),
            None => (None, Some(inner.clone())),
        };
        with.extend(yes.map(|yes| (step.clone(), yes)));
        without.extend(no.map(|no| (step.clone(), no)));
    }
    (Value::Object(with), Value::Object(without))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_set_is_split_by_what_a_configuration_names() {
        let port = r#"k:{"containerPort":80,"protocol":"TCP"}"#;
        let app = r#"k:{"name":"app"}"#;
        let fields = json!({
            "f:metadata": {"f:finalizers": {".": {}, "v:\"x\"": {}}, "f:labels": {".": {}, "f:a": {}, "f:b": {}}},
            "f:spec": {"f:replicas": {}, "f:containers": {
                app: {".": {}, "f:name": {}, "f:image": {}, "f:terminationMessagePath": {},
                    "f:ports": {".": {}, port: {".": {}, "f:containerPort": {}, "f:protocol": {}}}}}}});
        let value = json!({"metadata": {"labels": {"a": "1"}}, "spec": {"replicas": 2, "containers": [
            {"name": "app", "image": "app:1", "ports": [{"containerPort": 80}]}]}});
        let (named, others) = split(&fields, &value);
        let expected = json!({
            "f:metadata": {"f:labels": {".": {}, "f:a": {}}},
            "f:spec": {"f:replicas": {}, "f:containers": {
                app: {".": {}, "f:name": {}, "f:image": {},
                    "f:ports": {".": {}, port: {".": {}, "f:containerPort": {}}}}}}});
        assert_eq!(named, expected);
        assert!(contains(&fields, &named) && contains(&fields, &others) && !contains(&named, &fields));
        let mut whole = others.clone();
        unite(&mut whole, &named);
        assert!(contains(&whole, &fields), "the parts are the whole");
        assert_eq!(others.pointer("/f:metadata/f:finalizers"), fields.pointer("/f:metadata/f:finalizers"));
    }
}
