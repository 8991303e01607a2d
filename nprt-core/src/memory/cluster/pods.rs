//! The pods of workloads, as many as each wants: those that run, and those that end after their workload is
//! gone.

use jiff::Timestamp;
use serde_json::Value;

use super::rollout;
use super::state::{State, Stored, is_marked};
use crate::model::{Object, ObjectId, ServiceName, Track, label};

/// Pods whose workload is gone.
#[derive(Debug)]
pub(super) struct Ending {
    workload: Object,
    until: Timestamp,
}

impl Ending {
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        self.until <= now
    }
}

impl State {
    /// The pods of a deleted workload end at `until`.
    pub(super) fn end_pods(&mut self, gone: &Stored, until: Timestamp) {
        if gone.rollout.is_some() {
            self.ending.push(Ending { workload: gone.object.clone(), until });
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
        // One that is marked as deleted has lost its pods before.
        let running = self.objects().filter(|stored| stored.rollout.is_some()).map(|stored| &stored.object);
        let running = running.filter(|workload| !is_marked(workload));
        let ending = self.ending.iter().filter(|ending| !ending.is_over(now)).map(|ending| &ending.workload);
        let is_theirs = |workload: &&Object| {
            let pod_label =
                |key: &str| workload.as_value().pointer("/spec/template/metadata/labels")?.get(key)?.as_str();
            workload.namespace() == Some(namespace)
                && pod_label(label::SERVICE) == Some(service.as_str())
                && pod_label(label::TRACK) == Some(track.as_str())
        };
        let mut pods: Vec<ObjectId> = running.chain(ending).filter(is_theirs).flat_map(pods_of).collect();
        pods.sort();
        pods
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
