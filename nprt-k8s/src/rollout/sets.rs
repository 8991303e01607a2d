//! When the rollout of a StatefulSet or DaemonSet is complete.

use nprt_core::ports::RolloutStatus;

use super::state::{Pods, Workload, joined, many};

/// Why pods keep their version.
const ON_DELETE: &str = "updateStrategy OnDelete replaces a pod only when somebody deletes it";

fn is_on_delete(workload: Workload<'_>) -> bool {
    workload.text("/spec/updateStrategy/type") == "OnDelete"
}

pub(super) fn stateful_set(workload: Workload<'_>) -> RolloutStatus {
    let pods = Pods {
        desired: workload.replicas(),
        updated: workload.count("/status/updatedReplicas"),
        ready: workload.count("/status/readyReplicas"),
    };
    if !workload.is_observed() {
        return Pods { updated: 0, ..pods }.unobserved();
    }
    let all = workload.count("/status/replicas");
    // Pods below the partition stay as they are, on purpose.
    let partition = workload.count("/spec/updateStrategy/rollingUpdate/partition");
    let wanted = pods.desired.saturating_sub(partition);
    let same_revision = workload.text("/status/updateRevision") == workload.text("/status/currentRevision");
    let updated = pods.updated >= wanted || same_revision;
    let old = if same_revision { 0 } else { pods.desired.saturating_sub(pods.updated) };
    // Where all pods are old, the new version holds up nothing, and it may be what mends a broken one; a broken one
    // may keep others from being made.
    let all_old = pods.updated == 0 && all > 0 && (all == pods.desired || pods.ready < all);
    if is_on_delete(workload) && old > 0 && (all_old || (all == pods.desired && pods.ready >= pods.desired)) {
        return pods.kept(old, ON_DELETE);
    }
    let parts = [
        (pods.ready < pods.desired).then(|| format!("{} of {} pods ready", pods.ready, pods.desired)),
        (!updated).then(|| format!("{} of {wanted} pods updated", pods.updated)),
        (all > pods.desired).then(|| format!("{} too many still there", many(all - pods.desired))),
    ];
    match joined(parts) {
        Some(waits_for) => pods.progressing(waits_for),
        None if old > 0 => {
            pods.kept(old, &format!("the rolling update leaves pods below partition {partition} alone"))
        }
        None => pods.complete(),
    }
}

pub(super) fn daemon_set(workload: Workload<'_>) -> RolloutStatus {
    let pods = Pods {
        desired: workload.count("/status/desiredNumberScheduled"),
        updated: workload.count("/status/updatedNumberScheduled"),
        ready: workload.count("/status/numberReady"),
    };
    if !workload.is_observed() {
        return Pods { updated: 0, ..pods }.unobserved();
    }
    if pods.desired == 0 {
        return pods.complete_with("no node matches it, so there are no pods".to_owned());
    }
    let available = workload.count("/status/numberAvailable");
    let old = pods.desired.saturating_sub(pods.updated);
    let all_there = workload.count("/status/currentNumberScheduled") >= pods.desired;
    if is_on_delete(workload) && old > 0 && all_there && (pods.updated == 0 || available >= pods.desired) {
        return pods.kept(old, ON_DELETE);
    }
    let parts = [
        (available < pods.desired).then(|| format!("{available} of {} pods available", pods.desired)),
        (old > 0).then(|| format!("{} of {} pods updated", pods.updated, pods.desired)),
    ];
    joined(parts).map_or_else(|| pods.complete(), |waits_for| pods.progressing(waits_for))
}

#[cfg(test)]
mod tests {
    use nprt_core::ports::RolloutPhase;
    use serde_json::json;

    use super::super::rules::status;
    use super::*;

    fn partitioned(partition: u64) -> RolloutStatus {
        let workload = json!({"metadata": {"generation": 1},
            "spec": {"replicas": 3, "updateStrategy": {"rollingUpdate": {"partition": partition}}},
            "status": {"observedGeneration": 1, "replicas": 3, "updatedReplicas": 1, "readyReplicas": 3,
                "currentRevision": "a", "updateRevision": "b"}});
        status("StatefulSet", &workload)
    }

    #[test]
    fn pods_that_a_partition_keeps_are_a_warning() {
        assert_eq!(partitioned(2).phase, RolloutPhase::Complete);
        assert!(partitioned(2).warning.unwrap().starts_with("2 pods keep their version: "));
        assert_eq!(partitioned(0).message, "1 of 3 pods updated");
    }

    /// A StatefulSet, and a DaemonSet, of three pods with `updateStrategy: OnDelete`.
    fn on_delete(there: u64, updated: u64, ready: u64) -> [RolloutStatus; 2] {
        let workload = json!({"metadata": {"generation": 1},
            "spec": {"replicas": 3, "updateStrategy": {"type": "OnDelete"}},
            "status": {"observedGeneration": 1, "currentRevision": "a", "updateRevision": "b",
                "replicas": there, "updatedReplicas": updated, "readyReplicas": ready,
                "desiredNumberScheduled": 3, "currentNumberScheduled": there, "updatedNumberScheduled": updated,
                "numberReady": ready, "numberAvailable": ready}});
        ["StatefulSet", "DaemonSet"].map(|kind| status(kind, &workload))
    }

    #[test]
    fn nobody_waits_for_pods_that_somebody_has_to_delete() {
        for kept in on_delete(3, 0, 3) {
            assert_eq!(kept.phase, RolloutPhase::Complete);
            let warning = kept.warning.unwrap();
            assert!(warning.starts_with("3 pods keep their version: updateStrategy OnDelete"), "{warning}");
        }
        for broken in on_delete(3, 0, 1) {
            assert_eq!(broken.phase, RolloutPhase::Complete, "the new version may mend it: {broken:?}");
        }
        let [set, _] = on_delete(1, 0, 0);
        assert_eq!(set.phase, RolloutPhase::Complete, "a broken pod that others wait for: {set:?}");
        for waits in [on_delete(3, 1, 2), on_delete(2, 0, 2), on_delete(3, 3, 2)].into_iter().flatten() {
            assert_eq!((waits.phase, waits.warning.clone()), (RolloutPhase::Progressing, None), "{waits:?}");
        }
        for done in on_delete(3, 3, 3) {
            assert_eq!((done.phase, done.warning), (RolloutPhase::Complete, None));
        }
    }

    #[test]
    fn a_daemon_set_without_a_node_warns_and_a_workload_without_replicas_does_not() {
        let of = |kind: &str, replicas: u64| {
            let workload = json!({"metadata": {"generation": 1}, "spec": {"replicas": replicas},
                "status": {"observedGeneration": 1, "currentRevision": "a", "updateRevision": "b"}});
            status(kind, &workload)
        };
        let nowhere = of("DaemonSet", 0);
        assert!(nowhere.phase == RolloutPhase::Complete && nowhere.warning.unwrap().contains("no node"));
        for kind in ["Deployment", "StatefulSet"] {
            assert_eq!((of(kind, 0).phase, of(kind, 0).warning), (RolloutPhase::Complete, None), "{kind}");
            assert_eq!(of(kind, 1).phase, RolloutPhase::Progressing, "{kind}");
        }
    }

    #[test]
    fn pods_that_are_not_ready_come_before_pods_that_are_not_updated() {
        let workload = json!({"metadata": {"generation": 1}, "spec": {"replicas": 3}, "status": {
            "observedGeneration": 1, "replicas": 4, "updatedReplicas": 1, "readyReplicas": 2,
            "currentRevision": "a", "updateRevision": "b"}});
        let expected = "2 of 3 pods ready, 1 of 3 pods updated, 1 pod too many still there";
        assert_eq!(status("StatefulSet", &workload).message, expected);
    }
}
