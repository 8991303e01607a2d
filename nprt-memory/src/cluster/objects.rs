//! The objects of a cluster, by key, and by the owners that they name: what an owner has is found without a look at all
//! others.

use std::collections::{BTreeMap, BTreeSet};

use nprt_core::model::{Object, ObjectId};
use serde_json::Value;

use super::state::Stored;

/// Kind first, so that the order of the map is the order of lists.
pub(super) type Key = (String, String, Option<String>, String);

pub(super) fn key(id: &ObjectId) -> Key {
    (id.kind.clone(), id.group().to_owned(), id.namespace.clone(), id.name.clone())
}

#[derive(Debug, Default)]
pub(super) struct Objects {
    all: BTreeMap<Key, Stored>,
    /// By the uid of an owner.
    owned: BTreeMap<String, BTreeSet<Key>>,
}

impl Objects {
    pub(super) fn iter(&self) -> impl Iterator<Item = &Stored> {
        self.all.values()
    }

    /// Those of a kind.
    pub(super) fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Object> {
        let first = (kind.to_owned(), String::new(), None, String::new());
        let stored = self.all.range(first..).map(|(_, stored)| &stored.object);
        stored.take_while(move |object| object.kind() == kind)
    }

    pub(super) fn get(&self, key: &Key) -> Option<&Stored> {
        self.all.get(key)
    }

    pub(super) fn insert(&mut self, key: Key, stored: Stored) {
        self.remove(&key);
        for uid in owners(&stored.object) {
            self.owned.entry(uid.to_owned()).or_default().insert(key.clone());
        }
        self.all.insert(key, stored);
    }

    pub(super) fn remove(&mut self, key: &Key) -> Option<Stored> {
        let gone = self.all.remove(key)?;
        for uid in owners(&gone.object) {
            if let Some(keys) = self.owned.get_mut(uid) {
                keys.remove(key);
                if keys.is_empty() {
                    self.owned.remove(uid);
                }
            }
        }
        Some(gone)
    }

    /// Removes what names `owner` as its owner, and answers with it.
    pub(super) fn remove_owned_by(&mut self, owner: &Object) -> Vec<Stored> {
        let uid = owner.as_value().pointer("/metadata/uid").and_then(Value::as_str);
        let keys = uid.and_then(|uid| self.owned.get(uid)).cloned().unwrap_or_default();
        keys.iter().filter_map(|key| self.remove(key)).collect()
    }
}

/// The uids of its owners.
fn owners(object: &Object) -> impl Iterator<Item = &str> {
    owner_references(object).filter_map(|owner| owner.get("uid")?.as_str())
}

fn owner_references(object: &Object) -> impl Iterator<Item = &Value> {
    object.as_value().pointer("/metadata/ownerReferences").and_then(Value::as_array).into_iter().flatten()
}

/// Whether a controller made it.
pub(super) fn is_controlled(object: &Object) -> bool {
    owner_references(object).any(|owner| owner.get("controller") == Some(&Value::Bool(true)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn stored(name: &str, owners: &[&str]) -> (Key, Stored) {
        let owners: Vec<Value> = owners.iter().map(|uid| json!({"uid": uid})).collect();
        let metadata = json!({"name": name, "uid": name, "ownerReferences": owners});
        let object = Object::new(json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata})).unwrap();
        (key(&object.id()), Stored { object, owners: BTreeMap::new(), rollout: None })
    }

    #[test]
    fn what_an_owner_has_goes_with_it() {
        let mut objects = Objects::default();
        for (name, owners) in [("a", &[][..]), ("b", &["a"]), ("c", &["a", "b"]), ("d", &["b"]), ("e", &[])] {
            let (key, stored) = stored(name, owners);
            objects.insert(key, stored);
        }
        // It has another owner by now.
        let (key, other) = stored("d", &["e"]);
        objects.insert(key, other);
        let owner = stored("a", &[]).1.object;
        let names = |stored: &[Stored]| -> Vec<String> {
            stored.iter().map(|stored| stored.object.name().to_owned()).collect()
        };
        assert_eq!(names(&objects.remove_owned_by(&owner)), ["b", "c"]);
        assert!(objects.remove_owned_by(&owner).is_empty());
        assert!(objects.remove_owned_by(&stored("b", &[]).1.object).is_empty());
        assert_eq!(names(&objects.remove_owned_by(&stored("e", &[]).1.object)), ["d"]);
        assert!(objects.owned.is_empty(), "{:?}", objects.owned);
        assert_eq!(objects.iter().count(), 2);
    }
}
