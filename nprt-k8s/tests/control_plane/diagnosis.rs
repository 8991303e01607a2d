//! Why a rollout fails, in words: each way to fail is provoked on real controllers.
use std::time::Duration;

use futures_util::StreamExt;
use nprt_core::ErrorKind;
use nprt_core::model::Object;
use nprt_core::ports::{Cluster, RolloutPhase, RolloutStatus};
use serde_json::{Value, json};

use crate::world::{World, deployment, follow, object, with};

/// A Deployment whose pods fail so.
fn failing(behaviour: &str) -> Object {
    with(deployment("cart"), "/spec/template/metadata/annotations", json!({"sim/behaviour": behaviour}))
}

async fn apply(world: &World, workload: &Object) {
    let lease = world.lease("cart").await;
    world.cluster.apply(&lease, workload).await.unwrap();
    world.cluster.release(&lease).await.unwrap();
}

/// What is said of `workload` when its rollout has failed.
async fn said_of(world: &World, workload: &Object) -> String {
    apply(world, workload).await;
    let RolloutStatus { phase, message, .. } = follow(world, &workload.id()).await;
    assert_eq!(phase, RolloutPhase::Failed, "{message}");
    message
}

/// Waits until a rollout that goes on says `what`.
async fn until_said(world: &World, workload: &Object, what: &str) -> String {
    apply(world, workload).await;
    let said = world.cluster.watch_rollout(&workload.id()).map(Result::unwrap).map(|status| {
        assert_eq!(status.phase, RolloutPhase::Progressing, "{status:?}");
        status.message
    });
    let mut said = std::pin::pin!(said.filter(|said| std::future::ready(said.contains(what))));
    tokio::time::timeout(Duration::from_secs(30), said.next()).await.expect(what).unwrap()
}

fn all_in(said: &str, parts: &[&str]) {
    for part in parts {
        assert!(said.contains(part), "{part:?} is not in {said:?}");
    }
}

#[tokio::test]
async fn a_crash_loop_is_told_with_the_end_of_the_log() {
    let Some(world) = World::new("crash").await else { return };
    let said = said_of(&world, &failing("crash-loop")).await;
    let log =
        r#"its log ends: starting | reading /etc/app/config.yaml | panic: config.yaml has no key "port""#;
    all_in(&said, &["0 of 1 updated pods available", "has timed out progressing", "pod cart-"]);
    all_in(&said, &["container app: CrashLoopBackOff", "ended last with code 1", "restarted 5 times", log]);
}

#[tokio::test]
async fn an_image_that_cannot_be_pulled_is_told() {
    let Some(world) = World::new("pull").await else { return };
    let said = said_of(&world, &failing("image-pull")).await;
    all_in(&said, &["container app: ImagePullBackOff", "registry.invalid/app:1: not found"]);
    assert!(!said.contains("its log"), "it never ran: {said}");
}

#[tokio::test]
async fn a_readiness_probe_that_fails_is_told_from_events() {
    let Some(world) = World::new("unready").await else { return };
    let said = said_of(&world, &failing("never-ready")).await;
    all_in(&said, &["not Ready: ContainersNotReady", "Unhealthy: Readiness probe failed", "statuscode: 503"]);
}

#[tokio::test]
async fn pods_that_no_node_has_room_for_are_told() {
    let Some(world) = World::new("room").await else { return };
    let huge = json!({"requests": {"cpu": "100000"}});
    let huge = with(deployment("cart"), "/spec/template/spec/containers/0/resources", huge);
    all_in(&said_of(&world, &huge).await, &["not PodScheduled: Unschedulable", "Insufficient cpu"]);
    let nowhere = with(deployment("cart"), "/spec/template/spec/nodeSelector", json!({"disk": "none"}));
    all_in(&said_of(&world, &nowhere).await, &["Unschedulable", "node affinity/selector"]);
}

#[tokio::test]
async fn a_quota_that_is_used_up_is_told() {
    let Some(world) = World::new("full").await else { return };
    world.admin(&["create", "quota", "none", "--hard=pods=0"]).await;
    world.admin(&["wait", "quota/none", "--for=jsonpath={.status.hard.pods}=0"]).await;
    let said = said_of(&world, &deployment("cart")).await;
    all_in(&said, &["0 of 1 pods updated", "is forbidden: exceeded quota: none"]);
    // A StatefulSet has no condition for it and no deadline: it is told from events while it goes on.
    let spec = deployment("carts").as_value()["spec"].clone();
    let mut set = json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "carts"}});
    set["spec"] = json!({"serviceName": "carts", "selector": spec["selector"], "template": spec["template"]});
    let said = until_said(&world, &object(set), "exceeded quota: none").await;
    all_in(&said, &["FailedCreate", "limited: pods=0"]);
}

#[tokio::test]
async fn a_crash_loop_is_told_before_the_deadline() {
    let Some(world) = World::new("early").await else { return };
    let slow = with(failing("crash-loop"), "/spec/progressDeadlineSeconds", json!(600));
    let said = until_said(&world, &slow, "CrashLoopBackOff").await;
    all_in(&said, &["0 of 1 updated pods available", "no key"]);
    // What was wrong is not said of the version that mends it.
    apply(&world, &deployment("cart")).await;
    let statuses: Vec<_> = world.cluster.watch_rollout(&slow.id()).map(Result::unwrap).collect().await;
    assert_eq!(statuses.last().unwrap().phase, RolloutPhase::Complete, "{statuses:?}");
    assert!(statuses.iter().all(|status| !status.message.contains("CrashLoop")), "{statuses:?}");
}

/// A policy of the cluster that refuses what `expression` is false for, in the namespace of `world`.
async fn refuse(world: &World, group: &str, resource: &str, expression: &str, message: &str) {
    let name = format!("{}-{resource}", world.namespace);
    let rule = json!({"apiGroups": [group], "apiVersions": ["*"], "resources": [resource],
        "operations": ["CREATE", "UPDATE"]});
    let here = json!({"matchLabels": {"kubernetes.io/metadata.name": world.namespace}});
    let of = |kind: &str, spec: Value| {
        json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind,
            "metadata": {"name": name}, "spec": spec})
    };
    let policy = json!({"matchConstraints": {"resourceRules": [rule]},
        "validations": [{"expression": expression, "message": message}]});
    let binding = json!({"policyName": name, "validationActions": ["Deny"],
        "matchResources": {"namespaceSelector": here}});
    for object in [of("ValidatingAdmissionPolicy", policy), of("ValidatingAdmissionPolicyBinding", binding)] {
        world.admin_with_input(&["apply", "--server-side", "-f", "-"], &object.to_string()).await;
    }
}

#[tokio::test]
async fn what_admission_refuses_is_told_at_the_dry_run() {
    let Some(world) = World::new("policy").await else { return };
    refuse(&world, "apps", "deployments", "object.spec.replicas <= 5", "at most 5 replicas here").await;
    let many = with(deployment("cart"), "/spec/replicas", json!(6));
    let error = loop {
        // A policy counts a moment after it was made.
        match world.cluster.dry_run(&many).await {
            Ok(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            Err(error) => break error,
        }
    };
    assert_eq!((error.kind(), error.is_temporary()), (ErrorKind::Rejected, false), "{error:?}");
    all_in(&error.to_string(), &["at most 5 replicas here", "Deployment/cart"]);
    world.cluster.dry_run(&deployment("cart")).await.unwrap();
}

#[tokio::test]
async fn what_admission_refuses_is_told_when_the_pods_are_made() {
    let Some(world) = World::new("pods").await else { return };
    let signed = "object.spec.containers.all(c, !c.image.startsWith('registry.invalid/'))";
    refuse(&world, "", "pods", signed, "images from registry.invalid are not signed").await;
    let kubectl = world.plane.kubectl();
    let try_one = ["-n", &world.namespace, "run", "try", "--image=registry.invalid/x", "--dry-run=server"];
    while kubectl.run(&try_one).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let said = said_of(&world, &deployment("cart")).await;
    all_in(&said, &["0 of 1 pods updated", "images from registry.invalid are not signed"]);
}
