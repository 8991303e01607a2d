//! Deletions under a lease, and the wait until the object is gone. Finalizers may hold an object that is marked as
//! deleted for as long as they like, and its controllers do nothing more for it: so a workload that has some loses
//! its pods before.

use std::time::Duration;

use nprt_core::model::ObjectId;
use nprt_core::ports::{Deletion, Lease};
use nprt_core::{Error, Result};
use serde_json::{Value, json};

use crate::belongs::still_belongs;
use crate::contention::{contended, tries};
use crate::error::Failure;
use crate::lease::{Leases, recently};
use crate::object::pin;
use crate::resource::Place;

/// The pause between two looks at an object that is to go.
const PAUSE: Duration = Duration::from_millis(200);
/// How often an object is looked at that has no finalizers, such as a pod that ends.
const ENDING: u32 = 300;
/// How often one is looked at that its finalizers hold: some are taken away in a moment.
const HELD: u32 = 25;
/// How often one is looked at that was marked as deleted before.
const MARKED: u32 = 5;
/// How often a workload is looked at until it has no pods.
const SCALED: u32 = 100;

impl Leases {
    pub(crate) async fn delete(&self, lease: &Lease, id: &ObjectId) -> Result<Deletion> {
        let of = |error: Error| error.with("object", id);
        let place = self.client.place(id).await?;
        // A workload's status changes all the time: it would be read anew all the same.
        let is_workload = matches!(&*place.resource.api.group, "apps" | "batch");
        let mut seen = if is_workload { None } else { self.holds.seen(&place) };
        let mut tries = tries(&*self.clock);
        while tries.next().await {
            let now = match seen.take() {
                Some(seen) => seen,
                None => match self.look(&place).await? {
                    Some(live) => live,
                    None => {
                        self.check(lease, recently()).await?;
                        return Ok(Deletion::Absent);
                    }
                },
            };
            still_belongs(lease, id.clone(), &[], Some(&now))?;
            self.may_write(lease, &place, Some(&now.object)).await?;
            self.holds.overlook(&place);
            if is_marked(&now.object) {
                return self.gone(&place, uid(&now.object), MARKED).await.map_err(of);
            }
            match self.end_pods(&place, &now.object).await {
                Ok(false) => {}
                // It is another by now.
                Ok(true) => continue,
                Err(failure) if failure.is_outdated() || failure.is_not_found() => continue,
                Err(failure) => return Err(of(self.doubted(lease, failure.into_error()))),
            }
            match self.client.delete(&place, &now.object).await {
                Ok(true) => return Ok(Deletion::Gone),
                Ok(false) => {
                    return self.gone(&place, uid(&now.object), HELD).await.map_err(of);
                }
                Err(failure) if failure.is_outdated() => {}
                Err(failure) => return Err(of(self.doubted(lease, failure.into_error()))),
            }
        }
        Err(of(contended()))
    }

    /// Ends the pods of a workload that has finalizers, and waits for that, but not for ever. Says whether there was
    /// anything to do.
    async fn end_pods(&self, place: &Place, workload: &Value) -> Result<bool, Failure> {
        if finalizers(workload).is_empty() {
            return Ok(false);
        }
        let Some(mut patch) = without_pods(workload) else { return Ok(false) };
        pin(&mut patch, Some(workload));
        self.client.merge(place, &patch, false).await?;
        for _ in 0..SCALED {
            let now = self.client.get(place).await?;
            if now.is_none_or(|now| uid(&now) != uid(workload) || has_no_pods(&now)) {
                break;
            }
            self.clock.sleep(PAUSE).await;
        }
        Ok(true)
    }

    /// Waits until the object with `uid` is gone, or has been held by its finalizers for so many `looks`.
    async fn gone(&self, place: &Place, uid: &str, looks: u32) -> Result<Deletion> {
        let mut held = Vec::new();
        for look in 0..ENDING {
            let object = self.client.get(place).await;
            let object = object.map_err(Failure::into_error)?;
            let Some(object) = object.filter(|object| self::uid(object) == uid) else {
                return Ok(Deletion::Gone);
            };
            held = finalizers(&object);
            if !held.is_empty() && look >= looks {
                break;
            }
            self.clock.sleep(PAUSE).await;
        }
        Ok(Deletion::Held(held))
    }
}

/// The change after which the controller of a workload ends its pods, if it has to.
fn without_pods(workload: &Value) -> Option<Value> {
    let is = |kind: &str| workload["kind"] == kind;
    let is_in =
        |group: &str| workload["apiVersion"].as_str().is_some_and(|version| version.starts_with(group));
    if is("DaemonSet") && is_in("apps/") {
        let nowhere = json!({"nprt.dev/removed": "true"});
        let selector = "/spec/template/spec/nodeSelector/nprt.dev~1removed";
        let patch = json!({"spec": {"template": {"spec": {"nodeSelector": nowhere}}}});
        return workload.pointer(selector).is_none().then_some(patch);
    }
    if (is("Job") || is("CronJob")) && is_in("batch/") {
        return (workload["spec"]["suspend"] != true).then(|| json!({"spec": {"suspend": true}}));
    }
    let replicas = workload.pointer("/spec/replicas").and_then(Value::as_u64);
    replicas.filter(|replicas| *replicas > 0).map(|_| json!({"spec": {"replicas": 0}}))
}

/// Whether the workload's controller has seen the last change and has no pods left that do not end.
fn has_no_pods(workload: &Value) -> bool {
    let count = |pointer: &str| workload.pointer(pointer).and_then(Value::as_u64);
    let generation = count("/metadata/generation").unwrap_or(1);
    let is_seen = match count("/status/observedGeneration") {
        Some(observed) => observed >= generation,
        // A Job does not say so, and not every kind of the cluster's own does.
        None => workload["apiVersion"] != "apps/v1",
    };
    let pods = ["/status/replicas", "/status/currentNumberScheduled", "/status/active"];
    is_seen && pods.iter().all(|pods| count(pods).unwrap_or(0) == 0)
}

fn is_marked(object: &Value) -> bool {
    object.pointer("/metadata/deletionTimestamp").is_some()
}

fn finalizers(object: &Value) -> Vec<String> {
    let finalizers = object.pointer("/metadata/finalizers").and_then(Value::as_array);
    finalizers.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn uid(object: &Value) -> &str {
    object.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_ends_its_pods_in_its_own_way_and_once() {
        let of = |api: &str, kind: &str, spec: Value| json!({"apiVersion": api, "kind": kind, "spec": spec});
        for (workload, patch) in [
            (of("apps/v1", "Deployment", json!({"replicas": 2})), Some(json!({"replicas": 0}))),
            (of("apps/v1", "StatefulSet", json!({"replicas": 0})), None),
            (of("argoproj.io/v1alpha1", "Rollout", json!({"replicas": 3})), Some(json!({"replicas": 0}))),
            (of("batch/v1", "Job", json!({})), Some(json!({"suspend": true}))),
            (of("batch/v1", "CronJob", json!({"suspend": true})), None),
            (of("v1", "Service", json!({"ports": []})), None),
            (of("v1", "ConfigMap", Value::Null), None),
        ] {
            let expected = patch.map(|patch| json!({"spec": patch}));
            assert_eq!(without_pods(&workload), expected, "{workload}");
        }
        let mut daemons = of("apps/v1", "DaemonSet", json!({}));
        let patch = without_pods(&daemons).unwrap();
        daemons["spec"] = patch["spec"].clone();
        assert_eq!(without_pods(&daemons), None);
    }

    #[test]
    fn pods_are_gone_once_the_controller_has_seen_that_none_is_wanted() {
        let of = |observed: Value, replicas: u64| {
            json!({"apiVersion": "apps/v1", "metadata": {"generation": 2},
                "status": {"observedGeneration": observed, "replicas": replicas}})
        };
        assert!(has_no_pods(&of(json!(2), 0)));
        for workload in [of(json!(2), 1), of(json!(1), 0), of(Value::Null, 0)] {
            assert!(!has_no_pods(&workload), "{workload}");
        }
        assert!(has_no_pods(&json!({"apiVersion": "batch/v1", "metadata": {"generation": 2}})));
        assert!(!has_no_pods(&json!({"apiVersion": "batch/v1", "status": {"active": 1}})));
    }
}
