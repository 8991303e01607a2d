//! The pods of workloads, as many as each wants: those that run, and those that end after their workload is
//! gone.

use std::collections::BTreeMap;

use jiff::Timestamp;
use nprt_core::Result;
use nprt_core::model::{Object, ObjectId, ServiceName, Track, label};
use serde_json::{Value, json};

use super::rollout;
use super::state::{State, Stored, is_marked};

/// Workloads that are gone, whose pods still end, by when these have ended.
#[derive(Debug, Default)]
pub(super) struct Endings(BTreeMap<Timestamp, Vec<Object>>);

impl State {
    /// The pods of a deleted workload end at `until`. What has ended by `now` is forgotten.
    pub(super) fn end_pods(&mut self, gone: &Stored, until: Timestamp, now: Timestamp) {
        let Endings(endings) = &mut self.ending;
        endings.retain(|until, _| *until > now);
        if gone.rollout.is_some() {
            endings.entry(until).or_default().push(gone.object.clone());
        }
    }

    /// The pods of a track of the service that are there at `now`.
    pub(super) fn pods(
        &self,
        namespace: &str,
        service: &ServiceName,
        track: Track,
        now: Timestamp,
    ) -> Vec<ObjectId> {
        let is_theirs = |workload: &&Object| {
            let pod_label =
                |key: &str| workload.as_value().pointer("/spec/template/metadata/labels")?.get(key)?.as_str();
            workload.namespace() == Some(namespace)
                && pod_label(label::SERVICE) == Some(service.as_str())
                && pod_label(label::TRACK) == Some(track.as_str())
        };
        let mut pods: Vec<ObjectId> = self.with_pods(now).filter(is_theirs).flat_map(pods_of).collect();
        pods.sort();
        pods
    }

    /// The pods of all workloads of the namespace at `now`, with the labels that their templates give them, by name.
    pub(super) fn all_pods(&self, namespace: &str, now: Timestamp) -> Result<Vec<Object>> {
        let of_namespace = self.with_pods(now).filter(|workload| workload.namespace() == Some(namespace));
        let pods = of_namespace.flat_map(|workload| pods_of(workload).map(move |pod| (pod, workload)));
        let object = |(pod, workload): (ObjectId, &Object)| {
            let labels = workload.as_value().pointer("/spec/template/metadata/labels").cloned();
            let owner = json!({"apiVersion": workload.api_version(), "kind": workload.kind(),
                "name": workload.name(), "controller": true});
            Object::new(json!({"apiVersion": pod.api_version, "kind": pod.kind, "metadata": {
                "name": pod.name, "namespace": pod.namespace, "labels": labels, "ownerReferences": [owner]}}))
        };
        let mut pods = pods.map(object).collect::<Result<Vec<_>>>()?;
        pods.sort_by(|a, b| a.name().cmp(b.name()));
        Ok(pods)
    }

    /// The workloads whose pods are there at `now`.
    fn with_pods(&self, now: Timestamp) -> impl Iterator<Item = &Object> {
        let running = self.objects().filter(|stored| stored.rollout.is_some()).map(|stored| &stored.object);
        // One that is marked as deleted has lost its pods before.
        let running = running.filter(|workload| !is_marked(workload));
        let ending = self.ending.0.iter().filter(move |(until, _)| **until > now).flat_map(|(_, gone)| gone);
        running.chain(ending)
    }
}

fn pods_of(workload: &Object) -> impl Iterator<Item = ObjectId> {
    // No two workloads of one name have pods of one name.
    let uid = workload.as_value().pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default();
    let uid = uid.rsplit('-').next().unwrap_or_default().trim_start_matches('0');
    let pod = move |n| ObjectId {
        api_version: "v1".to_owned(),
        kind: "Pod".to_owned(),
        namespace: workload.namespace().map(str::to_owned),
        name: format!("{}-{uid}-{n}", workload.name()),
    };
    (1..=rollout::desired(workload)).map(pod)
}
