//! Where objects are in a list, by what they are: looking one up never walks through all of them.

use std::collections::BTreeMap;

use nprt_core::model::{Object, ObjectId};

use super::document::Document;

/// The first place of each object in a list.
#[derive(Debug, Clone, Default)]
pub struct Places {
    any: BTreeMap<Name, usize>,
    exact: BTreeMap<(Name, Option<String>), usize>,
}

/// Group, kind and name: the same in every version of an API.
type Name = (String, String, String);

fn name(id: &ObjectId) -> Name {
    (id.group().to_owned(), id.kind.clone(), id.name.clone())
}

impl Places {
    pub fn of<'a>(objects: impl Iterator<Item = &'a Object>) -> Self {
        let mut places = Self::default();
        for (place, object) in objects.enumerate() {
            places.add(object.id(), place);
        }
        places
    }

    pub fn add(&mut self, id: ObjectId, place: usize) {
        self.any.entry(name(&id)).or_insert(place);
        self.exact.entry((name(&id), id.namespace)).or_insert(place);
    }

    /// The first object that may be `id`: that is in its namespace or names none, or any where `id` names none.
    pub fn find(&self, id: &ObjectId) -> Option<usize> {
        match &id.namespace {
            None => self.any.get(&name(id)).copied(),
            Some(_) => [self.exact(id), self.without_namespace(id)].into_iter().flatten().min(),
        }
    }

    /// The object that names the very same namespace, or else the first that may be `id`.
    pub fn find_exact(&self, id: &ObjectId) -> Option<usize> {
        self.exact(id).or_else(|| self.find(id))
    }

    /// The first of these live objects that `id` of a manifest means: in its namespace, or any where it names none.
    pub fn meant_by(&self, id: &ObjectId) -> Option<usize> {
        if id.namespace.is_none() { self.find(id) } else { self.exact(id) }
    }

    /// Whether one of these objects of manifests means the live `id`.
    pub fn mean(&self, id: &ObjectId) -> bool {
        self.exact(id).or_else(|| self.without_namespace(id)).is_some()
    }

    fn exact(&self, id: &ObjectId) -> Option<usize> {
        self.exact.get(&(name(id), id.namespace.clone())).copied()
    }

    fn without_namespace(&self, id: &ObjectId) -> Option<usize> {
        self.exact.get(&(name(id), None)).copied()
    }
}

/// Objects with their places.
#[derive(Debug)]
pub struct Objects<'a> {
    pub(super) all: &'a [Object],
    places: Places,
}

impl<'a> Objects<'a> {
    pub fn new(all: &'a [Object]) -> Self {
        Self { all, places: Places::of(all.iter()) }
    }

    /// The one that `object` of a manifest may be.
    pub fn find(&self, object: &Object) -> Option<&'a Object> {
        self.find_id(&object.id())
    }

    pub fn find_id(&self, id: &ObjectId) -> Option<&'a Object> {
        self.places.find(id).map(|place| &self.all[place])
    }
}

/// Documents with their places.
pub(super) struct Documents<'a> {
    all: Vec<&'a Document>,
    places: Places,
}

impl<'a> Documents<'a> {
    pub(super) fn new(documents: impl IntoIterator<Item = &'a Document>) -> Self {
        let all: Vec<&Document> = documents.into_iter().collect();
        let places = Places::of(all.iter().map(|document| &document.object));
        Self { all, places }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &'a Document> + use<'_, 'a> {
        self.all.iter().copied()
    }

    /// As [`Manifests::find`](super::Manifests::find).
    pub(super) fn find(&self, id: &ObjectId) -> Option<&'a Document> {
        self.places.find_exact(id).map(|place| self.all[place])
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::document::same;
    use super::*;

    fn object(api_version: &str, name: &str, namespace: Option<&str>) -> Object {
        Object::new(json!({"apiVersion": api_version, "kind": "Widget",
            "metadata": {"name": name, "namespace": namespace}}))
        .unwrap()
    }

    #[test]
    fn what_is_found_is_the_first_of_all_that_are_the_same() {
        let mut all = Vec::new();
        for name in ["a", "b", "a"] {
            for namespace in [Some("x"), None, Some("y")] {
                for api_version in ["g/v1", "g/v2", "h/v1"] {
                    all.push(object(api_version, name, namespace));
                }
            }
        }
        for skipped in 0..all.len() {
            let list = &all[skipped..];
            let objects = Objects::new(list);
            for id in all.iter().map(Object::id).chain([object("g/v1", "c", None).id()]) {
                let expected = list.iter().find(|other| same(&other.id(), &id));
                let found = objects.find_id(&id);
                assert_eq!(
                    found.map(std::ptr::from_ref),
                    expected.map(std::ptr::from_ref),
                    "{id} in {list:?}"
                );
            }
        }
    }
}
