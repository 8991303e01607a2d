use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use nprt_core::model::{Object, ObjectId};
use serde::Serialize;
use serde_json::{Map, Value};

use super::document::Document;

/// What a track of a version needs in the cluster, and how it differs from the manifests.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rendered {
    /// The objects to apply, in this order.
    pub documents: Vec<Document>,
    /// Every field that differs from its manifest, in the order of the documents.
    pub changes: Vec<FieldChange>,
    /// Objects that the manifests would change or add, and that wait for the promotion, a ConfigMap included
    /// of which the canary reads its own copy. Only a canary withholds.
    pub withheld: Vec<ObjectId>,
    /// What a person should know.
    pub warnings: Vec<String>,
}

/// One field that differs from its manifest. A Secret's values are `***`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FieldChange {
    /// The object, by its name in the cluster.
    pub object: ObjectId,
    /// The field, such as `spec.template.spec.containers[server].image`.
    pub path: String,
    /// What the manifest says; `None` where it says nothing.
    pub before: Option<Value>,
    /// What is applied; `None` where the field is left out.
    pub after: Option<Value>,
}

impl fmt::Display for FieldChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: ", self.object, self.path)?;
        match (&self.before, &self.after) {
            (None, Some(after)) => write!(f, "{after} (new)"),
            (Some(before), None) => write!(f, "{before} -> (removed)"),
            (Some(before), Some(after)) => write!(f, "{before} -> {after}"),
            (None, None) => Ok(()),
        }
    }
}

/// The fields in which `after` differs from `before`.
pub(super) fn differences(before: &Document, after: &Document) -> Vec<FieldChange> {
    // What is redacted is equal unless a pass changed a Secret's value, which none does: `stringData` only moves.
    let (id, before, after) = (after.object.id(), shown(&before.object), shown(&after.object));
    compare(&id, "", Some(&before), Some(&after))
}

fn shown(object: &Object) -> Cow<'_, Value> {
    if object.kind() == "Secret" { Cow::Owned(object.redacted()) } else { Cow::Borrowed(object.as_value()) }
}

/// The fields below `path` in which the values differ.
pub(super) fn compare(
    object: &ObjectId,
    path: &str,
    before: Option<&Value>,
    after: Option<&Value>,
) -> Vec<FieldChange> {
    let mut found = Found { object: object.clone(), changes: Vec::new() };
    found.compare(path, before, after);
    found.changes
}

struct Found {
    object: ObjectId,
    changes: Vec<FieldChange>,
}

impl Found {
    fn compare(&mut self, path: &str, before: Option<&Value>, after: Option<&Value>) {
        static NOTHING: Value = Value::Null;
        if before == after {
            return;
        }
        match (before.unwrap_or(&NOTHING), after.unwrap_or(&NOTHING)) {
            (Value::Object(a), Value::Object(b)) => self.maps(path, a, b),
            (Value::Null, Value::Object(b)) if !b.is_empty() && !path.ends_with(']') => {
                self.maps(path, &Map::new(), b);
            }
            (Value::Array(a), Value::Array(b)) => self.lists(path, a, b, before, after),
            (Value::Null, Value::Array(b)) if by_name(b) => self.lists(path, &[], b, before, after),
            _ => self.changes.push(FieldChange {
                object: self.object.clone(),
                path: path.to_owned(),
                before: before.cloned(),
                after: after.cloned(),
            }),
        }
    }

    fn maps(&mut self, path: &str, before: &Map<String, Value>, after: &Map<String, Value>) {
        let removed = before.keys().filter(|key| !after.contains_key(*key));
        for key in after.keys().chain(removed) {
            let (before, after) = (before.get(key), after.get(key));
            // What is equal needs no path, which may be long.
            if before == after {
                continue;
            }
            let simple = key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
            let path = match (simple, path) {
                (true, "") => key.clone(),
                (true, path) => format!("{path}.{key}"),
                (false, path) => format!("{path}[{key}]"),
            };
            self.compare(&path, before, after);
        }
    }

    /// Elements of a list of named things are compared by name, others by their place.
    fn lists(&mut self, path: &str, a: &[Value], b: &[Value], before: Option<&Value>, after: Option<&Value>) {
        if by_name(a) && by_name(b) {
            let [old, new] = [a, b].map(|list| -> BTreeMap<&str, &Value> {
                list.iter().filter_map(|value| Some((name_of(value)?, value))).collect()
            });
            let removed = a.iter().filter_map(name_of).filter(|name| !new.contains_key(name));
            for name in b.iter().filter_map(name_of).chain(removed) {
                let (before, after) = (old.get(name).copied(), new.get(name).copied());
                if before != after {
                    self.compare(&format!("{path}[{name}]"), before, after);
                }
            }
        } else if a.len() == b.len() {
            for (index, (a, b)) in a.iter().zip(b).enumerate() {
                self.compare(&format!("{path}[{index}]"), Some(a), Some(b));
            }
        } else {
            self.changes.push(FieldChange {
                object: self.object.clone(),
                path: path.to_owned(),
                before: before.cloned(),
                after: after.cloned(),
            });
        }
    }
}

fn name_of(value: &Value) -> Option<&str> {
    value.get("name")?.as_str()
}

fn by_name(list: &[Value]) -> bool {
    let mut names: Vec<&str> = list.iter().filter_map(name_of).collect();
    names.sort_unstable();
    names.dedup();
    names.len() == list.len()
}
