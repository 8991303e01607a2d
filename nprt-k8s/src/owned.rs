//! What we have applied of an object, by the server's own book-keeping (`managedFields`), and the way back to
//! it.

use nprt_core::Result;
use nprt_core::model::Object;
use serde_json::{Value, json};

use crate::client::Client;
use crate::fields::{extract, is_item, key, steps};
use crate::object::live;
use crate::owners::{Taking, entries, is_ours};
use crate::resource::Place;
use crate::text::with_text;

impl Client {
    /// The part of the object, which was read as `live`, that we have applied; `None` where there is no such
    /// object any more, or nothing of ours in it.
    pub(crate) async fn applied(&self, place: &Place, live: Value) -> Result<Option<Object>> {
        let Some(entry) = entry(&live) else { return Ok(None) };
        // The fields are kept by the names of the version in which they were applied.
        let api = &place.resource.api;
        let version = entry.get("apiVersion").and_then(Value::as_str).unwrap_or(&api.api_version);
        if version == api.api_version {
            return self::live(part(&with_text(&live))).map(Some);
        }
        let place = Place { resource: self.resource(version, &api.kind).await?, ..place.clone() };
        let converted = self.get(&place).await;
        let converted = converted.map_err(|failure| failure.into_error().with("object", &place))?;
        converted.map(|converted| self::live(part(&with_text(&converted)))).transpose()
    }
}

/// `former` without the fields that others have set otherwise in `now`.
pub(crate) fn former_of(former: &Object, now: &Value) -> Object {
    let now = with_text(now);
    let mut former = former.clone();
    for entry in entries(&now).filter(|entry| !is_ours(entry)) {
        let (former, fields) = (former.as_value_mut(), &entry["fieldsV1"]);
        leave(former, &now, fields);
        // One value by two names.
        for (ours, theirs) in [("stringData", "f:data"), ("data", "f:stringData")] {
            if let (Some(former), Some(fields)) = (former.get_mut(ours), fields.get(theirs)) {
                leave(former, &now[ours], fields);
            }
        }
    }
    former
}

/// What the server keeps of our applies, once we have adopted what others made: an apply begins with that.
fn entry(object: &Value) -> Option<Value> {
    Taking::of(object, None).owners.into_iter().find(is_ours)
}

/// What identifies an object of which nothing is ours.
pub(crate) fn nothing_of(object: &Value) -> Value {
    part(&with_text(object))
}

/// The fields of `object` that are ours, and what identifies it.
fn part(object: &Value) -> Value {
    let mut part = entry(object).map_or_else(|| json!({}), |entry| extract(object, &entry["fieldsV1"]));
    for field in ["apiVersion", "kind"] {
        part[field] = object[field].clone();
    }
    for field in ["name", "namespace"] {
        if let Some(value) = object["metadata"].get(field) {
            part["metadata"][field] = value.clone();
        }
    }
    part
}

/// Takes out of `former` the fields of somebody else that are otherwise in `now`.
fn leave(former: &mut Value, now: &Value, fields: &Value) {
    for (step, fields) in steps(fields).into_iter().flatten() {
        if let Some(field) = step.strip_prefix("f:") {
            let (Some(map), Some(now)) = (former.as_object_mut(), now.get(field)) else { continue };
            match (map.get_mut(field), steps(fields)) {
                (Some(old), Some(_)) => leave(old, now, fields),
                (Some(old), None) if old != now => _ = map.shift_remove(field),
                _ => {}
            }
        } else if key(step).is_some()
            && let Some(now) = now.as_array().and_then(|items| items.iter().find(|item| is_item(item, step)))
            && let Some(old) = former.as_array_mut().and_then(|items| item_of(items, now, step))
        {
            leave(old, now, fields);
        }
    }
}

/// The item of `items` to which `step` goes, where a part of its key may be left to its default.
fn item_of<'a>(items: &'a mut [Value], now: &Value, step: &str) -> Option<&'a mut Value> {
    let key = key(step)?;
    items.iter_mut().find(|item| {
        key.keys().any(|field| item.get(field).is_some())
            && key.keys().all(|field| item.get(field).is_none_or(|value| Some(value) == now.get(field)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// We own a label, an atomic list, an item of a list by a part of its key, and an item of a set.
    fn object() -> Value {
        json!({
            "apiVersion": "v1", "kind": "X", "status": {"ready": 1},
            "metadata": {"name": "a", "namespace": "n", "uid": "1", "finalizers": ["x", "y"],
                "labels": {"ours": "1", "theirs": "2"}, "managedFields": [
                    {"manager": "kubectl-edit", "operation": "Update", "fieldsV1": {
                        "f:metadata": {"f:labels": {"f:theirs": {}}},
                        "f:spec": {"f:ports": {"k:{\"port\":80,\"protocol\":\"TCP\"}": {"f:name": {}}}}}},
                    {"manager": "nprt", "operation": "Apply", "fieldsV1": {
                        "f:metadata": {"f:finalizers": {"v:\"x\"": {}}, "f:labels": {".": {}, "f:ours": {}}},
                        "f:spec": {"f:args": {}, "f:empty": {}, "f:gone": {},
                            "f:ports": {"k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:port": {}, "f:name": {}}}}}}]},
            "spec": {"args": ["b", "a"], "empty": {}, "ports": [{"port": 1, "protocol": "TCP"},
                {"port": 80, "protocol": "TCP", "name": "http", "targetPort": 80}]},
        })
    }

    #[test]
    fn what_we_applied_is_found_by_the_book_of_the_server() {
        let expected = json!({
            "apiVersion": "v1", "kind": "X",
            "metadata": {"name": "a", "namespace": "n", "finalizers": ["x"], "labels": {"ours": "1"}},
            "spec": {"args": ["b", "a"], "empty": {}, "ports": [{"port": 80, "name": "http"}]},
        });
        assert_eq!(part(&object()), expected);
    }

    #[test]
    fn what_others_made_otherwise_is_left_to_them() {
        let mut former = part(&object());
        former["spec"]["ports"][0]["name"] = json!("web");
        former["spec"]["args"] = json!(["c"]);
        former["metadata"]["labels"]["theirs"] = json!("2");
        let mut expected = former.clone();
        expected["spec"]["ports"][0].as_object_mut().unwrap().shift_remove("name");
        leave(&mut former, &object(), &entries(&object()).next().unwrap()["fieldsV1"]);
        assert_eq!(former, expected, "the label is as they have it, the arguments are ours");
    }
}
