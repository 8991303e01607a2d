//! The backend on a real control plane, beyond what the conformance suite asks: under the recommended role.
use nprt_core::ErrorKind;
use nprt_core::model::{ObjectId, ServiceName};
use nprt_core::ports::{Change, Cluster, ClusterCapabilities, RolloutPhase, Takeover};
use serde_json::json;

use crate::world::{World, deployment, follow, object, request, with};

#[tokio::test]
async fn claims_what_it_can_do() {
    let Some(world) = World::new("claims").await else { return };
    let expected =
        ClusterCapabilities { validates_schema: true, field_owners: true, fencing: true, events: true };
    assert_eq!(world.cluster.capabilities(), expected);
    assert_eq!(world.cluster.namespace(), world.namespace);
}

#[tokio::test]
async fn an_unknown_field_is_refused_with_its_path() {
    let Some(world) = World::new("schema").await else { return };
    let wrong = with(deployment("cart"), "/spec/template/spec/containers/0/imagee", json!("x"));
    let error = world.cluster.dry_run(&wrong).await.unwrap_err();
    assert_eq!((error.kind(), error.is_temporary()), (ErrorKind::Rejected, false), "{error}");
    let said = error.to_string();
    assert!(said.contains(".spec.template.spec.containers") && said.contains(".imagee"), "{said}");
    assert!(said.contains("Deployment/cart"), "{said}");
}

#[tokio::test]
async fn a_refused_secret_is_not_quoted() {
    let Some(world) = World::new("secrets").await else { return };
    for data in [json!({"data": {"password": 8_675_309}}), json!({"data": {"password": "hunter2!"}})] {
        let mut secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"}});
        secret.as_object_mut().unwrap().extend(data.as_object().unwrap().clone());
        let error = world.cluster.dry_run(&object(secret)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Rejected, "{error:?}");
        let said = format!("{error:?}");
        assert!(!said.contains("8675309") && !said.contains("hunter2"), "{said}");
    }
}

#[tokio::test]
async fn an_unchanged_deployment_restarts_nothing() {
    let Some(world) = World::new("unchanged").await else { return };
    let lease = world.lease("cart").await;
    let first = world.cluster.apply(&lease, &deployment("cart")).await.unwrap();
    assert_eq!(first.change, Change::Created);
    assert_eq!(follow(&world, &first.object.id()).await.phase, RolloutPhase::Complete);
    let pods = ["get", "pods", "-o", "jsonpath={.items[*].metadata.uid}"];
    let before = (world.admin(&pods).await, world.admin(&["get", "deployment", "cart", "-o", "json"]).await);
    assert_eq!(world.cluster.dry_run(&deployment("cart")).await.unwrap().change, Change::Unchanged);
    let second = world.cluster.apply(&lease, &deployment("cart")).await.unwrap();
    assert_eq!(second.change, Change::Unchanged);
    let after = (world.admin(&pods).await, world.admin(&["get", "deployment", "cart", "-o", "json"]).await);
    assert_eq!(before, after, "the object and its resource version stay");
    // What was read from the cluster can be applied again.
    let read = world.cluster.get(&deployment("cart").id()).await.unwrap().unwrap();
    world.cluster.apply(&lease, &read).await.unwrap();
}

#[tokio::test]
async fn a_field_of_kubectl_is_a_conflict_that_names_it() {
    let Some(world) = World::new("owners").await else { return };
    let lease = world.lease("cart").await;
    world.cluster.apply(&lease, &deployment("cart")).await.unwrap();
    world.admin(&["scale", "deployment", "cart", "--replicas=4"]).await;
    let error = world.cluster.apply(&lease, &deployment("cart")).await.unwrap_err();
    assert!(error.is_conflict() && !error.is_temporary(), "{error}");
    let field =
        error.context().iter().find(|(key, _)| *key == "field").map(|(_, value)| value.clone()).unwrap();
    assert!(field.starts_with(".spec.replicas") && field.contains("kubectl"), "{field}");
    let dry = world.cluster.dry_run(&deployment("cart")).await.unwrap_err();
    assert!(dry.is_conflict(), "a dry run says so before anything is changed: {dry}");
}

#[tokio::test]
async fn a_kind_that_is_not_there_says_what_is() {
    let Some(world) = World::new("kinds").await else { return };
    let id = |api_version: &str, kind: &str| ObjectId {
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        namespace: None,
        name: "x".to_owned(),
    };
    let ask = async |api_version, kind| world.cluster.get(&id(api_version, kind)).await.unwrap_err();
    let old = ask("extensions/v1beta1", "Ingress").await;
    assert_eq!(
        (old.kind(), old.available()),
        (ErrorKind::Invalid, &["networking.k8s.io/v1 Ingress".to_owned()][..])
    );
    let typo = ask("apps/v1", "Deploymnet").await;
    assert!(typo.available().contains(&"Deployment".to_owned()), "{typo}");
    let nowhere = ask("example.com/v1", "Gadget").await;
    assert!(nowhere.available().contains(&"apps/v1".to_owned()), "{nowhere}");
    assert!(ask("../v1", "Pod").await.is_invalid());
    let escape = ObjectId { name: "../../../nodes/node-0".to_owned(), ..id("v1", "ConfigMap") };
    assert_eq!(world.cluster.get(&escape).await.unwrap_err().kind(), ErrorKind::Rejected);
}

#[tokio::test]
async fn refusals_for_rights_and_for_quota_differ() {
    let Some(world) = World::new("quota").await else { return };
    world.admin(&["create", "quota", "few", "--hard=count/configmaps=0"]).await;
    let config = |kind: &str| object(json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": "x"}}));
    let known = r"--for=jsonpath={.status.hard.count/configmaps}=0";
    world.admin(&["wait", "quota/few", known, "--timeout=60s"]).await;
    // The server's admission hears of it a moment after it is there.
    let quota = loop {
        match world.cluster.dry_run(&config("ConfigMap")).await {
            Err(refused) => break refused,
            Ok(_) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
        }
    };
    assert_eq!(quota.kind(), ErrorKind::Rejected, "{quota}");
    assert!(quota.to_string().contains("exceeded quota"), "{quota}");
    let rights = world.cluster.dry_run(&config("LimitRange")).await.unwrap_err();
    assert_eq!(rights.kind(), ErrorKind::Forbidden, "{rights}");
}

#[tokio::test]
async fn lists_kinds_that_were_applied_beside_the_usual_ones() {
    let Some(world) = World::new("inventory").await else { return };
    world
        .admin(&["create", "role", "extra", "--resource=limitranges", "--verb=get,list,create,patch,delete"])
        .await;
    let account = format!("--serviceaccount={}:nprt", world.namespace);
    world.admin(&["create", "rolebinding", "extra", "--role=extra", &account]).await;
    let lease = world.lease("cart").await;
    let limits = object(json!({"apiVersion": "v1", "kind": "LimitRange",
        "metadata": {"name": "cart", "labels": {"nprt.dev/service": "cart"}},
        "spec": {"limits": [{"type": "Container", "max": {"memory": "1Gi"}}]}}));
    world.cluster.apply(&lease, &limits).await.unwrap();
    world.cluster.apply(&lease, &deployment("cart")).await.unwrap();
    // By another process, after the lease was renewed and given back.
    let lease = world.cluster.renew(&lease).await.unwrap();
    world.cluster.release(&lease).await.unwrap();
    let listed = world.another().await.list(&ServiceName::new("cart").unwrap()).await.unwrap();
    let names: Vec<String> = listed.iter().map(|object| object.id().to_string()).collect();
    let expected = ["Deployment", "LimitRange"].map(|kind| format!("{kind}/{}/cart", world.namespace));
    assert_eq!(names, expected);
}

#[tokio::test]
async fn every_kind_of_workload_is_followed_to_its_end() {
    let Some(world) = World::new("workloads").await else { return };
    let lease = world.lease("cart").await;
    let labels = json!({"app": "x", "nprt.dev/service": "cart"});
    let workload = |api_version: &str, kind: &str, spec: serde_json::Value| {
        let mut spec = spec;
        spec["template"] = json!({"metadata": {"labels": labels},
            "spec": {"containers": [{"name": "app", "image": "registry.invalid/app:1"}]}});
        let name = kind.to_lowercase();
        object(
            json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "labels": labels}, "spec": spec}),
        )
    };
    let selector = json!({"matchLabels": {"app": "x"}});
    let mut job = workload("batch/v1", "Job", json!({}));
    job.as_value_mut()["spec"]["template"]["spec"]["restartPolicy"] = json!("Never");
    for (object, pods) in [
        (
            workload(
                "apps/v1",
                "StatefulSet",
                json!({"selector": selector, "serviceName": "x", "replicas": 2}),
            ),
            2,
        ),
        (workload("apps/v1", "DaemonSet", json!({"selector": selector})), 3),
        (job, 1),
    ] {
        world.cluster.apply(&lease, &object).await.unwrap();
        let status = follow(&world, &object.id()).await;
        assert_eq!(
            (status.phase, status.desired),
            (RolloutPhase::Complete, pods),
            "{}: {status:?}",
            object.id()
        );
    }
}

#[tokio::test]
async fn a_second_client_waits_its_turn() {
    let Some(world) = World::new("lease").await else { return };
    let other = world.another().await;
    let held = world.lease("cart").await;
    let error = other.acquire(&request("cart", "other", Takeover::WhenExpired)).await.unwrap_err();
    let said = error.to_string();
    assert!(error.is_conflict(), "{said}");
    assert!(
        said.contains("the test of test is deploying a version (since "),
        "who, what and since when: {said}"
    );
    let seen = world.admin(&["get", "lease", "nprt-cart", "-o", "jsonpath={.spec.holderIdentity}"]).await;
    assert_eq!(seen, "test");
    let taken = other.acquire(&request("cart", "rollback", Takeover::Now)).await.unwrap();
    let error = world.cluster.apply(&held, &deployment("cart")).await.unwrap_err();
    assert!(error.is_conflict() && error.to_string().contains("rollback"), "{error}");
    other.apply(&taken, &deployment("cart")).await.unwrap();
}

/// What a rollback of a failed deploy does: the Deployment's conditions still tell of the failure when the
/// earlier version is back.
#[tokio::test]
async fn going_back_from_a_failed_rollout_completes() {
    let Some(world) = World::new("back").await else { return };
    let lease = world.lease("cart").await;
    let good = deployment("cart");
    let bad = json!({"sim/behaviour": "crash-loop"});
    let bad = with(good.clone(), "/spec/template/metadata/annotations", bad);
    for _ in 0..3 {
        world.cluster.apply(&lease, &good).await.unwrap();
        assert_eq!(follow(&world, &good.id()).await.phase, RolloutPhase::Complete);
        world.cluster.apply(&lease, &bad).await.unwrap();
        let failed = follow(&world, &bad.id()).await;
        assert_eq!(failed.phase, RolloutPhase::Failed, "{failed:?}");
        assert!(failed.message.contains("CrashLoopBackOff"), "{failed:?}");
    }
    // The same pods under another deadline: the controller does not say anew that they fail.
    world.cluster.apply(&lease, &with(bad, "/spec/progressDeadlineSeconds", json!(4))).await.unwrap();
    let failed = follow(&world, &good.id()).await;
    assert!(failed.phase == RolloutPhase::Failed && failed.message.contains("no progress"), "{failed:?}");
    world.cluster.apply(&lease, &good).await.unwrap();
    assert_eq!(follow(&world, &good.id()).await.phase, RolloutPhase::Complete);
}
