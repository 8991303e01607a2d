//! An object's fields as server-side apply sees them: paths that managers own, lists whose items merge by key.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;

use serde_json::{Map, Value};

/// One step into an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Field(String),
    /// An item of a list, by its key, such as `name=app`.
    Item(String),
}

/// The path of a field that is owned as a whole: a scalar, an empty map, or a list that does not merge.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Path(Vec<Step>);

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, step) in self.0.iter().enumerate() {
            match step {
                Step::Field(field) if i == 0 => f.write_str(field)?,
                Step::Field(field) => write!(f, ".{field}")?,
                Step::Item(key) => write!(f, "[{key}]")?,
            }
        }
        Ok(())
    }
}

/// The fields that `object` names, without those that identify it.
pub(super) fn owned(object: &Value) -> BTreeSet<Path> {
    let mut paths = BTreeSet::new();
    collect(object, &mut Path::default(), &mut paths);
    let identity = ["apiVersion", "kind", "metadata.name", "metadata.namespace"];
    paths.retain(|path| !identity.contains(&path.to_string().as_str()));
    paths
}

fn collect(value: &Value, at: &mut Path, paths: &mut BTreeSet<Path>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (field, value) in map {
                at.0.push(Step::Field(field.clone()));
                collect(value, at, paths);
                at.0.pop();
            }
        }
        Value::Array(items) => match keys(at.0.last(), items) {
            Some(keys) => {
                for (key, value) in keys.into_iter().zip(items) {
                    at.0.push(Step::Item(key));
                    collect(value, at, paths);
                    at.0.pop();
                }
            }
            None => _ = paths.insert(at.clone()),
        },
        _ => _ = paths.insert(at.clone()),
    }
}

/// The keys of a list whose items merge: the lists of Kubernetes' own kinds that are maps by a key.
fn keys(list: Option<&Step>, items: &[Value]) -> Option<Vec<String>> {
    let Some(Step::Field(list)) = list else { return None };
    let keys: Option<Vec<String>> = items.iter().map(|item| key(list, item)).collect();
    keys.filter(|keys| !keys.is_empty() && keys.iter().collect::<BTreeSet<_>>().len() == keys.len())
}

fn key(list: &str, item: &Value) -> Option<String> {
    let field = match list {
        "containers" | "initContainers" | "ephemeralContainers" | "env" | "volumes" | "imagePullSecrets" => {
            "name"
        }
        "volumeMounts" => "mountPath",
        "ports" if item.get("containerPort").is_some() => "containerPort",
        "ports" => "port",
        "hostAliases" => "ip",
        "ownerReferences" => "uid",
        _ => return None,
    };
    let text = |field: &str| match item.get(field)? {
        Value::String(text) => Some(text.clone()),
        value @ Value::Number(_) => Some(value.to_string()),
        _ => None,
    };
    let key = format!("{field}={}", text(field)?);
    if list != "ports" {
        return Some(key);
    }
    Some(format!("{key},protocol={}", text("protocol").unwrap_or_else(|| "TCP".to_owned())))
}

/// Makes the fields that `new` names so in `live`, and leaves all others.
pub(super) fn merge(live: &mut Value, new: &Value) {
    merge_at(None, live, new);
}

fn merge_at(at: Option<&Step>, live: &mut Value, new: &Value) {
    match (&mut *live, new) {
        (Value::Object(live), Value::Object(new)) => {
            for (field, value) in new {
                match live.get_mut(field) {
                    Some(present) => merge_at(Some(&Step::Field(field.clone())), present, value),
                    None => _ = live.insert(field.clone(), value.clone()),
                }
            }
        }
        (Value::Array(old), Value::Array(items)) => match (keys(at, old), keys(at, items)) {
            (Some(old_keys), Some(keys)) => {
                let old_items = old_keys.into_iter().zip(std::mem::take(old)).collect();
                *old = merge_items(old_items, keys.into_iter().zip(items));
            }
            _ => items.clone_into(old),
        },
        _ => new.clone_into(live),
    }
}

/// The items of both by their keys: the new ones in their order, and the others before the next that they were
/// before.
fn merge_items<'a>(old: Vec<(String, Value)>, new: impl Iterator<Item = (String, &'a Value)>) -> Vec<Value> {
    let mut present: BTreeMap<String, Value> = old.iter().cloned().collect();
    let merged = |(key, item): (String, &Value)| {
        let mut value = present.remove(&key).unwrap_or_else(|| item.clone());
        merge_at(Some(&Step::Item(key.clone())), &mut value, item);
        (key, value)
    };
    let mut new: VecDeque<(String, Value)> = new.map(merged).collect();
    let mut items = Vec::new();
    for (key, value) in old {
        match new.iter().position(|(new, _)| *new == key) {
            Some(at) => items.extend(new.drain(..=at).map(|(_, value)| value)),
            None if present.contains_key(&key) => items.push(value),
            None => {}
        }
    }
    items.extend(new.into_iter().map(|(_, value)| value));
    items
}

/// The value at `path`.
pub(super) fn at<'a>(object: &'a Value, path: &Path) -> Option<&'a Value> {
    let mut value = object;
    let mut list = None;
    for step in &path.0 {
        value = match step {
            Step::Field(field) => value.get(field)?,
            Step::Item(key) => {
                let items = value.as_array()?;
                let index = keys(list, items)?.iter().position(|other| other == key)?;
                items.get(index)?
            }
        };
        list = Some(step);
    }
    Some(value)
}

/// Removes the fields at `paths`, and the maps and items that are empty without them.
pub(super) fn remove(object: &mut Value, paths: &BTreeSet<Path>) {
    keep(object, &mut Path::default(), paths);
}

/// Removes the fields of `value` that are in `paths`; false when nothing of it is left. An item's key is one
/// of its fields, so that the keys of a list are read before anything goes.
fn keep(value: &mut Value, at: &mut Path, paths: &BTreeSet<Path>) -> bool {
    if paths.contains(at) {
        return false;
    }
    let list = at.0.last().cloned();
    let mut keep_at = |step: Step, value: &mut Value| {
        at.0.push(step);
        let kept = keep(value, at, paths);
        at.0.pop();
        kept
    };
    match value {
        Value::Object(map) if !map.is_empty() => {
            map.retain(|field, value| keep_at(Step::Field(field.clone()), value));
            !map.is_empty()
        }
        Value::Array(items) => {
            let Some(keys) = keys(list.as_ref(), items) else { return true };
            let mut keys = keys.into_iter();
            items.retain_mut(|item| keys.next().is_none_or(|key| keep_at(Step::Item(key), item)));
            !items.is_empty()
        }
        _ => true,
    }
}

/// `object` without nulls, its status and what the server alone sets.
pub(super) fn without_server_fields(object: &Value) -> Value {
    let mut value = object.clone();
    drop_nulls(&mut value);
    if let Some(map) = value.as_object_mut() {
        map.shift_remove("status");
    }
    if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
        for field in ["uid", "resourceVersion", "generation", "creationTimestamp", "managedFields"] {
            metadata.shift_remove(field);
        }
    }
    value
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

/// The object's metadata, made where it is missing.
pub(super) fn metadata(object: &mut Value) -> Option<&mut Map<String, Value>> {
    object.as_object_mut()?.entry("metadata").or_insert_with(|| Value::Object(Map::new())).as_object_mut()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn items_merge_by_their_key() {
        let mut live = json!({"containers": [
            {"name": "app", "image": "app:1", "env": [{"name": "A", "value": "1"}]}, {"name": "sidecar"}]});
        merge(&mut live, &json!({"containers": [{"name": "app", "image": "app:2"}], "args": ["x"]}));
        let expected = json!({"containers": [
            {"name": "app", "image": "app:2", "env": [{"name": "A", "value": "1"}]}, {"name": "sidecar"}],
            "args": ["x"]});
        assert_eq!(live, expected);
    }

    #[test]
    fn items_are_in_the_order_in_which_they_are_named() {
        let names =
            |names: &[&str]| json!({"env": names.iter().map(|n| json!({"name": n})).collect::<Vec<_>>()});
        let cases: [(&[&str], &[&str], &[&str]); 4] = [
            (&["b", "a"], &["a", "b"], &["a", "b"]),
            (&["theirs", "a", "b"], &["b", "c", "a"], &["theirs", "b", "c", "a"]),
            (&["a", "theirs", "b"], &["a", "c", "b"], &["a", "theirs", "c", "b"]),
            (&["a"], &["c"], &["a", "c"]),
        ];
        for (old, new, expected) in cases {
            let mut live = names(old);
            merge(&mut live, &names(new));
            assert_eq!(live, names(expected), "{old:?} {new:?}");
        }
    }

    #[test]
    fn removing_the_last_field_of_an_item_removes_the_item() {
        let object = json!({"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]});
        let mut live = object.clone();
        let mut paths = owned(&object);
        assert!(paths.iter().all(|path| at(&live, path).is_some()));
        paths.retain(|path| path.to_string().contains("name=A"));
        assert_eq!(paths.len(), 2, "its key is one of its fields: {paths:?}");
        remove(&mut live, &paths);
        assert_eq!(live, json!({"env": [{"name": "B", "value": "2"}]}));
    }

    #[test]
    fn a_list_without_keys_is_owned_as_a_whole() {
        let paths = owned(&json!({"kind": "x", "args": ["a", "b"], "emptyDir": {}, "ports": [{"port": 1}]}));
        let paths: Vec<String> = paths.iter().map(ToString::to_string).collect();
        assert_eq!(paths, ["args", "emptyDir", "ports[port=1,protocol=TCP].port"]);
    }
}
