//! What the cluster holds, and how a write changes it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use nprt_core::model::{Object, ObjectId};
use nprt_core::ports::{Applied, Change, Deletion, ObjectEvent};
use nprt_core::{Error, ErrorKind, Result};
use serde_json::{Value, json};

use super::fields::{self, Path};
use super::lease::Leases;
use super::objects::{Key, Objects, key};
use super::owned::adopt;
use super::pods::Endings;
use super::rollout::{self, Rollout};
use super::{kinds, validate};

/// An object, who owns which of its fields, and its rollout where its kind has one.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) object: Object,
    pub(super) owners: BTreeMap<String, BTreeSet<Path>>,
    pub(super) rollout: Option<Rollout>,
}

impl Stored {
    /// Makes `named` keep the live replicas: it leaves them to another manager that owns them, and names
    /// them as they are where none does.
    fn keep_replicas(&self, named: &mut Value, manager: &str) {
        let live = self.object.as_value().pointer("/spec/replicas");
        let (Some(live), Some(spec)) = (live, named.get_mut("spec").and_then(Value::as_object_mut)) else {
            return;
        };
        let mut others = self.owners.iter().filter(|(owner, _)| *owner != manager);
        if others.any(|(_, paths)| paths.iter().any(|path| path.to_string() == "spec.replicas")) {
            spec.shift_remove("replicas");
        } else {
            spec.insert("replicas".to_owned(), live.clone());
        }
    }
}

/// Everything in the cluster. Group, kind, namespace and name are the key: an object is the same in every
/// version of its API.
#[derive(Debug, Default)]
pub(super) struct State {
    objects: Objects,
    /// The last resource version given.
    version: u64,
    /// The last object's number, for its uid.
    created: u64,
    pub(super) leases: Leases,
    /// What was recorded of which object, the newest last.
    pub(super) events: Vec<(ObjectId, ObjectEvent)>,
    pub(super) ending: Endings,
}

/// Who writes, when, and where.
#[derive(Debug, Clone, Copy)]
pub(super) struct Write<'a> {
    pub(super) manager: &'a str,
    /// Takes fields from their owners, as everything but an apply does.
    pub(super) force: bool,
    pub(super) namespace: &'a str,
    pub(super) now: Timestamp,
    pub(super) rollout_delay: Duration,
    /// How long the pods of a deleted workload take to end.
    pub(super) termination: Duration,
}

impl State {
    pub(super) fn objects(&self) -> impl Iterator<Item = &Stored> {
        self.objects.iter()
    }

    /// `id` with its namespace.
    pub(super) fn place(&self, id: ObjectId, namespace: &str) -> Result<ObjectId> {
        kinds::place(id, namespace, self.objects.of_kind("CustomResourceDefinition"))
    }

    pub(super) fn get(&self, id: &ObjectId, namespace: &str) -> Result<Option<&Stored>> {
        Ok(self.objects.get(&key(&self.place(id.clone(), namespace)?)))
    }

    /// What `object` would become; nothing is kept.
    pub(super) fn prepare(&self, write: Write<'_>, object: &Object) -> Result<(Applied, Stored)> {
        let id = self.place(object.id(), write.namespace)?;
        let mut named = fields::without_server_fields(object.as_value());
        if let Some(metadata) = fields::metadata(&mut named) {
            match &id.namespace {
                Some(namespace) => _ = metadata.insert("namespace".to_owned(), json!(namespace)),
                None => _ = metadata.shift_remove("namespace"),
            }
        }
        let old = self.objects.get(&key(&id));
        if let Some(old) = old.filter(|_| !write.force && self.is_scaled(&id)) {
            old.keep_replicas(&mut named, write.manager);
        }
        let mine = fields::owned(&named);
        let mut owners = old.map(|old| old.owners.clone()).unwrap_or_default();
        let adopts = adopt(&mut owners, write.manager);
        let before = owners.insert(write.manager.to_owned(), mine.clone()).unwrap_or_default();
        let mut value = old.map_or_else(|| named.clone(), |old| old.object.as_value().clone());
        if let Some(old) = old {
            settle_owners(&mut owners, old.object.as_value(), &named, write)?;
        }
        let mut dropped: BTreeSet<Path> = before.difference(&mine).cloned().collect();
        dropped.retain(|path| !owners.values().any(|paths| paths.contains(path)));
        fields::remove(&mut value, &dropped);
        fields::merge(&mut value, &named);
        let object = Object::new(value)?;
        validate::validate(old.map(|old| &old.object), &object)?;
        Ok(self.complete(write, old, object, owners, adopts))
    }

    /// Whether an autoscaler sets the replicas of `workload`.
    fn is_scaled(&self, workload: &ObjectId) -> bool {
        let scalers = ["HorizontalPodAutoscaler", "ScaledObject"];
        let mut objects = scalers.into_iter().flat_map(|kind| self.objects.of_kind(kind));
        objects.any(|o| o.namespace() == workload.namespace.as_deref() && o.scales(workload))
    }

    fn complete(
        &self,
        write: Write<'_>,
        old: Option<&Stored>,
        mut object: Object,
        owners: BTreeMap<String, BTreeSet<Path>>,
        adopts: Vec<String>,
    ) -> (Applied, Stored) {
        let change = match old {
            None => Change::Created,
            Some(old) if old.object == object && adopts.is_empty() => Change::Unchanged,
            Some(_) => Change::Configured,
        };
        if let (false, Some(metadata)) =
            (change == Change::Unchanged, fields::metadata(object.as_value_mut()))
        {
            metadata.insert("resourceVersion".to_owned(), json!((self.version + 1).to_string()));
        }
        self.set_identity(write.now, old, &mut object);
        let rollout = rollout::is_followed(&object.id()).then(|| {
            let before = old.and_then(|old| Some((old.rollout.as_ref()?, &old.object)));
            Rollout::next(before, &object, write.rollout_delay, write.now)
        });
        let before = old.map(|old| old.object.clone());
        let applied = Applied { object: object.clone(), change, before, adopts };
        (applied, Stored { object, owners, rollout })
    }

    /// The uid and time of creation, and the generation, which grows when something outside of the metadata
    /// changes.
    fn set_identity(&self, now: Timestamp, old: Option<&Stored>, object: &mut Object) {
        let generation = |object: &Object| object.as_value().pointer("/metadata/generation")?.as_u64();
        let spec = |object: &Object| object.as_value().get("spec").cloned();
        let next = match old {
            _ if spec(object).is_none() => None,
            None => Some(1),
            Some(old) if spec(&old.object) == spec(object) => generation(&old.object),
            Some(old) => Some(generation(&old.object).unwrap_or(0) + 1),
        };
        let uid = format!("00000000-0000-4000-8000-{:012x}", self.created + 1);
        let Some(metadata) = fields::metadata(object.as_value_mut()) else { return };
        if old.is_none() {
            metadata.insert("uid".to_owned(), json!(uid));
            metadata.insert("creationTimestamp".to_owned(), json!(now.to_string()));
        }
        if let Some(generation) = next {
            metadata.insert("generation".to_owned(), json!(generation));
        }
    }

    /// Makes `object` so.
    pub(super) fn write(&mut self, write: Write<'_>, object: &Object) -> Result<Applied> {
        let (applied, stored) = self.prepare(write, object)?;
        self.version += u64::from(applied.change != Change::Unchanged);
        self.created += u64::from(applied.change == Change::Created);
        let key = key(&stored.object.id());
        if is_marked(&stored.object) && finalizers(&stored.object).is_empty() {
            self.objects.insert(key.clone(), stored);
            self.remove(write, &key);
        } else {
            self.objects.insert(key, stored);
        }
        Ok(applied)
    }

    /// Deletes the object and all that it owns, or marks it where finalizers hold it.
    pub(super) fn delete(&mut self, write: Write<'_>, id: &ObjectId) -> Result<Deletion> {
        let key = key(&self.place(id.clone(), write.namespace)?);
        let Some(stored) = self.objects.get(&key) else { return Ok(Deletion::Absent) };
        let held = finalizers(&stored.object);
        if held.is_empty() {
            self.remove(write, &key);
            return Ok(Deletion::Gone);
        }
        if !is_marked(&stored.object) {
            self.version += 1;
            let (before, mut stored) = (stored.clone(), stored.clone());
            let value = stored.object.as_value_mut();
            value["metadata"]["deletionTimestamp"] = json!(write.now.to_string());
            value["metadata"]["resourceVersion"] = json!(self.version.to_string());
            if let Some(replicas) = value.pointer_mut("/spec/replicas") {
                *replicas = json!(0);
            }
            let until = write.now.checked_add(write.termination).unwrap_or(Timestamp::MAX);
            self.objects.insert(key, stored);
            self.end_pods(&before, until, write.now);
        }
        Ok(Deletion::Held(held))
    }

    fn remove(&mut self, write: Write<'_>, key: &Key) {
        let Some(gone) = self.objects.remove(key) else { return };
        self.version += 1;
        let is_over = is_marked(&gone.object);
        let mut owners = vec![gone];
        let until = write.now.checked_add(write.termination).unwrap_or(Timestamp::MAX);
        while let Some(owner) = owners.pop() {
            if !is_over {
                self.end_pods(&owner, until, write.now);
            }
            owners.extend(self.objects.remove_owned_by(&owner.object));
        }
    }
}

/// Refuses fields that another manager set to something else, or takes them by force.
fn settle_owners(
    owners: &mut BTreeMap<String, BTreeSet<Path>>,
    live: &Value,
    named: &Value,
    write: Write<'_>,
) -> Result<()> {
    let differs = |path: &Path| {
        fields::at(named, path).is_some_and(|value| fields::at(live, path).is_some_and(|old| old != value))
    };
    for (owner, paths) in owners.iter_mut().filter(|(owner, _)| *owner != write.manager) {
        let Some(path) = paths.iter().find(|path| differs(path)).cloned() else { continue };
        if !write.force {
            let text = |field| named.pointer(field).and_then(Value::as_str).unwrap_or_default();
            return Err(Error::new(ErrorKind::Conflict, "cluster.apply", "another manager owns the field")
                .with("object", format_args!("{}/{}", text("/kind"), text("/metadata/name")))
                .with("field", path)
                .with("owner", owner));
        }
        paths.retain(|path| !differs(path));
    }
    Ok(())
}

/// Whether it is deleted, and goes with its last finalizer.
pub(super) fn is_marked(object: &Object) -> bool {
    object.as_value().pointer("/metadata/deletionTimestamp").is_some()
}

fn finalizers(object: &Object) -> Vec<String> {
    let finalizers = object.as_value().pointer("/metadata/finalizers").and_then(Value::as_array);
    finalizers.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}
