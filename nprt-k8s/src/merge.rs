//! What an apply makes of an object, worked out here: the server tells only by an apply of its own, under the
//! owners that are there, and the apply that is meant comes after a change of owners.
//!
//! Which lists merge, and by which key, is read off the owners' fields (`managedFields`): the server keeps the
//! items of a list that merges by their keys.

use std::collections::VecDeque;

use serde_json::{Map, Value, json};

use crate::fields::{extract, is_item, is_keyed, key, named, steps, unite};
use crate::owners::{entries_of, is_ours};

/// `live` after an apply of `body` under `owners`: what `body` names, without what it no longer names of ours,
/// and with all that others have.
pub(crate) fn merged(live: &Value, body: &Value, owners: &[Value]) -> Value {
    let (ours, others) = (entries_of(owners, is_ours), entries_of(owners, |entry| !is_ours(entry)));
    let mut all = others.clone();
    unite(&mut all, &ours);
    let mut object = live.clone();
    merge(&mut object, body, Some(&all));
    prune(&mut object, &ours, Some(body), Some(&others));
    object
}

/// The JSON merge patch that makes `new` of `old`.
pub(crate) fn difference(old: &Value, new: &Value) -> Value {
    let (Value::Object(old), Value::Object(new)) = (old, new) else { return new.clone() };
    let gone = old.keys().filter(|field| !new.contains_key(*field)).map(|field| (field.clone(), Value::Null));
    let mut patch: Map<String, Value> = gone.collect();
    for (field, value) in new {
        match old.get(field) {
            Some(present) if present == value => {}
            Some(present) => _ = patch.insert(field.clone(), difference(present, value)),
            None => _ = patch.insert(field.clone(), value.clone()),
        }
    }
    Value::Object(patch)
}

fn merge(live: &mut Value, body: &Value, fields: Option<&Value>) {
    match (&mut *live, body) {
        // A map or list stays where null is named for it, as the server has it.
        (Value::Object(_) | Value::Array(_), Value::Null) => {}
        (Value::Object(map), Value::Object(named)) if fields.is_none_or(|fields| steps(fields).is_some()) => {
            for (field, value) in named {
                let fields = fields.and_then(|fields| fields.get(format!("f:{field}")));
                match map.get_mut(field) {
                    Some(present) => merge(present, value, fields),
                    None => _ = map.insert(field.clone(), value.clone()),
                }
            }
            map.retain(|_, value| !value.is_null());
        }
        (Value::Array(items), Value::Array(named)) => match fields.and_then(steps) {
            Some(fields) if fields.keys().any(|step| step.starts_with("k:")) => {
                *items = merge_items(std::mem::take(items), named, fields);
            }
            Some(fields) if fields.keys().any(|step| step.starts_with("v:")) => {
                let more = named.iter().filter(|item| !items.contains(item)).cloned().collect::<Vec<_>>();
                items.extend(more);
            }
            _ => named.clone_into(items),
        },
        _ => body.clone_into(live),
    }
}

/// The items of both: those of `named` in their order, and each other one before the next that it was before.
fn merge_items(live: Vec<Value>, named: &[Value], fields: &Map<String, Value>) -> Vec<Value> {
    let keys: Vec<String> = fields
        .keys()
        .filter_map(|step| key(step))
        .flat_map(|key| key.into_iter().map(|(key, _)| key))
        .collect();
    let mut new: VecDeque<(Option<usize>, Value)> = named
        .iter()
        .map(|item| {
            let is_it = |live: &Value| {
                let part = |field: &String| Some((field.clone(), live.get(field)?.clone()));
                is_keyed(item, &keys.iter().filter_map(part).collect())
            };
            let Some(at) = live.iter().position(is_it) else { return (None, item.clone()) };
            let mut merged = live[at].clone();
            merge(
                &mut merged,
                item,
                fields.iter().find(|(step, _)| is_item(&live[at], step)).map(|(_, f)| f),
            );
            (Some(at), merged)
        })
        .collect();
    let known: Vec<usize> = new.iter().filter_map(|(at, _)| *at).collect();
    let mut items = Vec::new();
    for (at, item) in live.into_iter().enumerate() {
        match new.iter().position(|(of, _)| *of == Some(at)) {
            Some(next) => items.extend(new.drain(..=next).map(|(_, item)| item)),
            None if known.contains(&at) => {}
            None => items.push(item),
        }
    }
    items.extend(new.into_iter().map(|(_, item)| item));
    items
}

/// Takes out of `value` what `ours` has and `body` does not name, except what `others` have of it.
fn prune(value: &mut Value, ours: &Value, body: Option<&Value>, others: Option<&Value>) {
    for (step, inner) in steps(ours).into_iter().flatten() {
        let theirs = others.and_then(|others| others.get(step));
        if let Some(field) = step.strip_prefix("f:") {
            let named = body.and_then(|body| body.get(field)).filter(|named| !named.is_null());
            let Some(map) = value.as_object_mut() else { continue };
            match (named, theirs, map.get_mut(field)) {
                (Some(named), _, Some(present)) => prune(present, inner, Some(named), theirs),
                (None, Some(theirs), Some(present)) => *present = extract(present, theirs),
                (None, None, Some(_)) => _ = map.shift_remove(field),
                (_, _, None) => {}
            }
        } else if let Some(items) = value.as_array_mut()
            && let Some(at) = items.iter().position(|item| is_item(item, step))
        {
            let named = body.and_then(|body| named(body, step));
            let is_whole = steps(inner).is_none_or(|inner| inner.contains_key("."));
            match (named, theirs) {
                (None, None) if is_whole => _ = items.remove(at),
                (None, Some(theirs)) if is_whole => items[at] = with_key(extract(&items[at], theirs), step),
                _ => prune(&mut items[at], inner, named, theirs),
            }
        }
    }
}

/// An item is nothing without its key.
fn with_key(mut item: Value, step: &str) -> Value {
    if let (Some(item), Some(key)) = (item.as_object_mut(), key(step)) {
        key.into_iter().for_each(|(field, value)| _ = item.entry(field).or_insert(value));
    }
    item
}

/// `fields` at the end of `path`, as a set of that one field.
pub(crate) fn at_path(path: &[String], field: &str) -> Value {
    let leaf = json!({ format!("f:{field}"): {} });
    path.iter().rev().fold(leaf, |inner, step| json!({ step: inner }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const APP: &str = r#"k:{"name":"app"}"#;

    fn port(port: u64, protocol: &str) -> String {
        format!(r#"k:{{"containerPort":{port},"protocol":"{protocol}"}}"#)
    }

    /// A container with two ports, a probe and defaults, of ours; another manager has an annotation and a variable.
    fn live() -> Value {
        json!({"metadata": {"annotations": {"ours": "1", "theirs": "1"}}, "spec": {"containers": [
            {"name": "injected", "image": "x"},
            {"name": "app", "image": "app:1", "imagePullPolicy": "Always",
                "ports": [{"containerPort": 80, "protocol": "TCP", "name": "http"}, {"containerPort": 53, "protocol": "UDP"}],
                "livenessProbe": {"httpGet": {"path": "/", "port": 80, "scheme": "HTTP"}, "periodSeconds": 10},
                "env": [{"name": "A", "value": "1"}, {"name": "THEIRS", "value": "1"}]}]}})
    }

    fn owners() -> Vec<Value> {
        let whole = json!({".": {}, "f:containerPort": {}, "f:protocol": {}, "f:name": {}});
        vec![
            json!({"manager": "nprt", "operation": "Apply", "fieldsV1": {
                "f:metadata": {"f:annotations": {".": {}, "f:ours": {}}},
                "f:spec": {"f:containers": {".": {}, APP: {".": {}, "f:name": {}, "f:image": {}, "f:imagePullPolicy": {},
                    "f:ports": {".": {}, port(80, "TCP"): whole, port(53, "UDP"): whole},
                    "f:livenessProbe": {".": {}, "f:httpGet": {".": {}, "f:path": {}, "f:port": {}, "f:scheme": {}}},
                    "f:env": {".": {}, r#"k:{"name":"A"}"#: {".": {}, "f:name": {}, "f:value": {}}}}}}}}),
            json!({"manager": "other", "operation": "Update", "fieldsV1": {
                "f:metadata": {"f:annotations": {"f:theirs": {}}},
                "f:spec": {"f:containers": {r#"k:{"name":"injected"}"#: {".": {}, "f:name": {}, "f:image": {}},
                    APP: {"f:env": {r#"k:{"name":"THEIRS"}"#: {".": {}, "f:name": {}, "f:value": {}}}}}}}}),
        ]
    }

    #[test]
    fn entries_are_replaced_and_what_others_have_stays() {
        let body = json!({"metadata": {"name": "web"}, "spec": {"containers": [{"name": "app", "image": "app:2",
            "ports": [{"name": "http", "containerPort": 8080}],
            "livenessProbe": {"exec": {"command": ["x"]}}}]}});
        let expected = json!({"metadata": {"name": "web", "annotations": {"theirs": "1"}}, "spec": {"containers": [
            {"name": "injected", "image": "x"},
            {"name": "app", "image": "app:2", "ports": [{"name": "http", "containerPort": 8080}],
                "livenessProbe": {"periodSeconds": 10, "exec": {"command": ["x"]}},
                "env": [{"name": "THEIRS", "value": "1"}]}]}});
        assert_eq!(merged(&live(), &body, &owners()), expected);
    }

    #[test]
    fn a_port_without_a_protocol_is_that_of_tcp() {
        let mut body = live();
        body["spec"]["containers"][1]["ports"] =
            json!([{"containerPort": 53}, {"containerPort": 80, "name": "web"}]);
        let ports = merged(&live(), &body, &owners())["spec"]["containers"][1]["ports"].take();
        let expected = json!([{"containerPort": 53}, {"containerPort": 80, "name": "web"}]);
        assert_eq!(ports, expected);
    }

    #[test]
    fn a_patch_says_what_differs_alone() {
        let old = json!({"a": 1, "b": {"c": 1, "d": [1]}, "e": 1});
        let new = json!({"a": 1, "b": {"c": 2, "d": [2]}, "f": 1});
        assert_eq!(difference(&old, &new), json!({"e": null, "b": {"c": 2, "d": [2]}, "f": 1}));
    }
}
