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

/// Adds the fields of `more`.
pub(crate) fn unite(fields: &mut Value, more: &Value) {
    let (Value::Object(fields), Value::Object(more)) = (fields, more) else { return };
    for (step, more) in more {
        unite(fields.entry(step).or_insert_with(|| Value::Object(Map::new())), more);
    }
}

/// Whether all of `part` is in `fields`.
pub(crate) fn contains(fields: &Value, part: &Value) -> bool {
    let (Value::Object(fields), Value::Object(part)) = (fields, part) else { return true };
    part.iter().all(|(step, part)| fields.get(step).is_some_and(|fields| contains(fields, part)))
}

/// The fields that `value` names, and the others. An item may leave out a part of its key, which the server
/// fills in: a port its protocol.
pub(crate) fn split(fields: &Value, value: &Value) -> (Value, Value) {
    let is_it = |key: &Map<String, Value>, item: &Value| {
        let named = key.keys().any(|field| item.get(field).is_some());
        named && key.iter().all(|(field, value)| item.get(field).is_none_or(|present| present == value))
    };
    let (mut named, mut others) = (Map::new(), Map::new());
    for (step, inner) in fields.as_object().into_iter().flatten() {
        let is_leaf = inner.as_object().is_none_or(Map::is_empty);
        let (yes, no) = match step_into(value, step, is_it) {
            Some(_) if is_leaf => (Some(inner.clone()), None),
            Some(value) => {
                let (yes, no) = split(inner, value);
                let some =
                    |part: Value| part.as_object().is_some_and(|part| !part.is_empty()).then_some(part);
                (some(yes), some(no))
            }
            None if step == "." => (Some(inner.clone()), None),
            None => (None, Some(inner.clone())),
        };
        named.extend(yes.map(|yes| (step.clone(), yes)));
        others.extend(no.map(|no| (step.clone(), no)));
    }
    (Value::Object(named), Value::Object(others))
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
