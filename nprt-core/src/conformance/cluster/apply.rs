//! Applying, reading and deleting objects.

use serde_json::{Value, json};

use super::objects::{config, deployment, endpoint, object, version, with};
use super::{ClusterFixture, clear, lease, service};
use crate::ErrorKind;
use crate::model::{Object, ObjectId};
use crate::ports::{Applied, Change, Cluster};

async fn live(cluster: &dyn Cluster, id: &ObjectId) -> Option<Object> {
    cluster.get(id).await.expect("the object can be read")
}

fn at<'a>(object: &'a Object, pointer: &str) -> Option<&'a Value> {
    object.as_value().pointer(pointer)
}

/// What was applied is there, in the cluster's namespace; what was not is `None`, and a kind that the
/// cluster does not know is `Invalid`.
///
/// # Panics
/// Where the cluster breaks the contract.
pub async fn applied_objects_can_be_read(cluster: &dyn Cluster, fixture: &dyn ClusterFixture) {
    let lease = lease(cluster, fixture, &service("check-read")).await;
    let config = config(&lease.service, &json!({"a": "1"}));
    assert_eq!(live(cluster, &config.id()).await, None, "the namespace begins without it");
    let applied = cluster.apply(&lease, &config).await.expect("applied");
    assert_eq!(applied.change, Change::Created);
    let read = live(cluster, &config.id()).await.expect("it is there");
    assert_eq!(read.namespace(), Some(cluster.namespace().as_str()));
    assert_eq!(at(&read, "/data"), Some(&json!({"a": "1"})));
    assert_eq!(version(&read), version(&applied.object), "apply answers with the live object");
    assert_eq!(live(cluster, &read.id()).await, Some(read.clone()), "an id may name the namespace");
    let unknown = ObjectId { api_version: "example.com/v1".into(), kind: "Gadget".into(), ..config.id() };
    let error = cluster.get(&unknown).await.expect_err("the kind is unknown");
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    clear(cluster, &lease).await;
}

/// An object that is so already is `Unchanged` and keeps its resource version and generation.
///
/// # Panics
/// Where the cluster breaks the contract.
pub async fn unchanged_objects_are_not_written(cluster: &dyn Cluster, fixture: &dyn ClusterFixture) {
    let lease = lease(cluster, fixture, &service("check-unchanged")).await;
    let objects = [config(&lease.service, &json!({"a": "1"})), endpoint(&lease.service)];
    for object in &objects {
        let first = cluster.apply(&lease, object).await.expect("applied");
        let second = cluster.apply(&lease, object).await.expect("applied again");
        assert_eq!((first.change, second.change), (Change::Created, Change::Unchanged), "{}", object.id());
        assert_eq!(version(&first.object), version(&second.object), "{}", object.id());
    }
    // A controller writes a Deployment's status, so that its generation counts.
    let deployment = deployment(&lease.service, 1, "1");
    let first = cluster.apply(&lease, &deployment).await.expect("applied");
    let second = cluster.apply(&lease, &deployment).await.expect("applied again");
    assert_eq!(second.change, Change::Unchanged);
    let generation = |applied: &Applied| at(&applied.object, "/metadata/generation").cloned();
    assert_eq!(generation(&first), generation(&second));
    clear(cluster, &lease).await;
}

/// Fields that were applied and are no longer named are removed; those of others stay.
///
/// # Panics
/// Where the cluster breaks the contract.
pub async fn removes_fields_that_are_no_longer_named(cluster: &dyn Cluster, fixture: &dyn ClusterFixture) {
    let lease = lease(cluster, fixture, &service("check-remove")).await;
    let before = config(&lease.service, &json!({"kept": "1", "dropped": "1"}));
    cluster.apply(&lease, &before).await.expect("applied");
    let other = object(json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": lease.service, "namespace": cluster.namespace(), "annotations": {"note": "mine"}},
        "data": {"others": "1"}}));
    fixture.apply_as("somebody-else", &other).await;
    let after = config(&lease.service, &json!({"kept": "2"}));
    let applied = cluster.apply(&lease, &after).await.expect("applied");
    assert_eq!(applied.change, Change::Configured);
    let read = live(cluster, &after.id()).await.expect("it is there");
    assert_eq!(at(&read, "/data"), Some(&json!({"kept": "2", "others": "1"})));
    assert_eq!(read.annotation("note"), Some("mine"));
    // Items of a list go by their key: the container stays, its variable goes.
    let variable = json!([{"name": "A", "value": "1"}]);
    let pod = "/spec/template/spec/containers/0/env";
    let plain = deployment(&lease.service, 1, "1");
    cluster.apply(&lease, &with(plain.clone(), pod, variable)).await.expect("applied");
    cluster.apply(&lease, &plain).await.expect("applied");
    let read = live(cluster, &plain.id()).await.expect("it is there");
    assert_eq!(at(&read, pod), None, "the variable is no longer named");
    assert_eq!(at(&read, "/spec/template/spec/containers/0/name"), Some(&json!("app")));
    clear(cluster, &lease).await;
}

/// A field that another manager applied is not taken: `Conflict`, with the field and its owner.
///
/// # Panics
/// Where the cluster breaks the contract.
pub async fn a_field_of_another_manager_is_a_conflict(cluster: &dyn Cluster, fixture: &dyn ClusterFixture) {
    if !cluster.capabilities().field_owners {
        return;
    }
    let lease = lease(cluster, fixture, &service("check-owner")).await;
    let theirs = with(
        config(&lease.service, &json!({"a": "theirs"})),
        "/metadata/namespace",
        json!(cluster.namespace()),
    );
    fixture.apply_as("somebody-else", &theirs).await;
    let ours = config(&lease.service, &json!({"a": "ours"}));
    let error = cluster.apply(&lease, &ours).await.expect_err("somebody else owns the field");
    assert!(error.is_conflict(), "{error}");
    let said = format!("{error:?}");
    assert!(said.contains("data.a") && said.contains("somebody-else"), "field and owner: {said}");
    let read = live(cluster, &ours.id()).await.expect("it is there");
    assert_eq!(at(&read, "/data/a"), Some(&json!("theirs")));
    clear(cluster, &lease).await;
}

/// A dry run answers as the apply would, and changes nothing.
///
/// # Panics
/// Where the cluster breaks the contract.
pub async fn a_dry_run_says_what_would_be_done(cluster: &dyn Cluster, fixture: &dyn ClusterFixture) {
    let lease = lease(cluster, fixture, &service("check-dry-run")).await;
    let first = config(&lease.service, &json!({"a": "1"}));
    assert_eq!(cluster.dry_run(&first).await.expect("accepted").change, Change::Created);
    assert_eq!(live(cluster, &first.id()).await, None, "a dry run creates nothing");
    cluster.apply(&lease, &first).await.expect("applied");
    assert_eq!(cluster.dry_run(&first).await.expect("accepted").change, Change::Unchanged);
    let second = config(&lease.service, &json!({"a": "2"}));
    let dry = cluster.dry_run(&second).await.expect("accepted");
    assert_eq!(dry.change, Change::Configured);
    assert_eq!(at(&dry.object, "/data/a"), Some(&json!("2")), "it answers with what would be");
    assert_eq!(dry.object.namespace(), Some(cluster.namespace().as_str()), "and where");
    let read = live(cluster, &first.id()).await.expect("it is there");
    assert_eq!(at(&read, "/data/a"), Some(&json!("1")), "a dry run changes nothing");
    clear(cluster, &lease).await;
}

/// What an API server would refuse is `Rejected` with the object's name, by dry run and apply alike, and
/// leaves nothing behind.
///
/// # Panics
/// Where the cluster breaks the contract.
pub async fn refuses_what_is_wrong(cluster: &dyn Cluster, fixture: &dyn ClusterFixture) {
    let lease = lease(cluster, fixture, &service("check-refuse")).await;
    let good = deployment(&lease.service, 1, "1");
    let wrong = [
        ("selector", with(good.clone(), "/spec/selector/matchLabels", json!({"app": "another"}))),
        ("containers", with(good.clone(), "/spec/template/spec/containers", json!([]))),
        ("labels", with(good.clone(), "/metadata/labels/long", json!("x".repeat(64)))),
        ("name", with(good.clone(), "/metadata/name", json!("Not_A_Name"))),
    ];
    for (what, object) in wrong {
        let dry = cluster.dry_run(&object).await.expect_err(what);
        let apply = cluster.apply(&lease, &object).await.expect_err(what);
        for error in [dry, apply] {
            assert_eq!(error.kind(), ErrorKind::Rejected, "{what}: {error}");
            assert!(error.to_string().contains(object.name()), "{what} names the object: {error}");
        }
    }
    assert_eq!(live(cluster, &good.id()).await, None, "nothing was left behind");
    clear(cluster, &lease).await;
}

/// An unknown field is `Rejected` and named, where the cluster validates the schema.
///
/// # Panics
/// Where the cluster breaks the contract.
pub async fn refuses_unknown_fields_where_claimed(cluster: &dyn Cluster, fixture: &dyn ClusterFixture) {
    if !cluster.capabilities().validates_schema {
        return;
    }
    let lease = lease(cluster, fixture, &service("check-schema")).await;
    let object = with(deployment(&lease.service, 1, "1"), "/spec/replicaz", json!(1));
    for result in [cluster.dry_run(&object).await, cluster.apply(&lease, &object).await] {
        let error = result.expect_err("the field is unknown");
        assert_eq!(error.kind(), ErrorKind::Rejected, "{error}");
        assert!(!error.is_temporary(), "{error}");
        assert!(format!("{error:?}").contains("replicaz"), "{error:?}");
    }
    clear(cluster, &lease).await;
}

/// The objects of the service alone, by kind and name, without those that controllers made.
///
/// # Panics
/// Where the cluster breaks the contract.
pub async fn lists_what_a_service_has(cluster: &dyn Cluster, fixture: &dyn ClusterFixture) {
    let lease = lease(cluster, fixture, &service("check-list")).await;
    let name = &lease.service;
    assert_eq!(cluster.list(name).await.expect("listed"), [], "a service without objects is an empty list");
    let second = with(config(name, &json!({})), "/metadata/name", json!("check-list-b"));
    let stranger = config(&service("check-list-of-another"), &json!({}));
    for object in
        [endpoint(name), deployment(name, 1, "1"), second.clone(), config(name, &json!({})), stranger.clone()]
    {
        cluster.apply(&lease, &object).await.expect("applied");
    }
    // The controller's ReplicaSet and its pods carry the label as well: wait until they are there.
    super::rollout::complete(cluster, fixture, &deployment(name, 1, "1").id()).await;
    let listed = cluster.list(name).await.expect("listed");
    let names: Vec<String> = listed.iter().map(|o| format!("{}/{}", o.kind(), o.name())).collect();
    let expected =
        ["ConfigMap/check-list", "ConfigMap/check-list-b", "Deployment/check-list", "Service/check-list"];
    assert_eq!(names, expected);
    for object in &listed {
        let namespace = cluster.namespace();
        assert_eq!(object.namespace(), Some(namespace.as_str()), "{}", object.id());
        assert!(!object.api_version().is_empty() && !version(object).is_empty(), "a whole object");
    }
    let refusal = cluster.delete(&lease, &stranger.id()).await.expect_err("it belongs to another service");
    let text = refusal.to_string();
    assert!(refusal.is_conflict() && text.contains("\"check-list-of-another\""), "{refusal}");
    assert!(text.contains("\"check-list\""), "it names both services: {refusal}");
    let theirs = self::lease(cluster, fixture, &service("check-list-of-another")).await;
    clear(cluster, &theirs).await;
    clear(cluster, &lease).await;
}

/// Deleting says whether there was one; the object is gone when it returns.
///
/// # Panics
/// Where the cluster breaks the contract.
pub async fn deletes_once(cluster: &dyn Cluster, fixture: &dyn ClusterFixture) {
    let lease = lease(cluster, fixture, &service("check-delete")).await;
    for object in [config(&lease.service, &json!({})), deployment(&lease.service, 2, "1")] {
        assert!(!cluster.delete(&lease, &object.id()).await.expect("answered"), "there was none");
        let applied = cluster.apply(&lease, &object).await.expect("applied");
        assert!(cluster.delete(&lease, &object.id()).await.expect("deleted"), "there was one");
        assert_eq!(live(cluster, &object.id()).await, None, "it is gone at once");
        let again = cluster.apply(&lease, &object).await.expect("applied");
        let uid = |applied: &Applied| at(&applied.object, "/metadata/uid").cloned();
        assert_eq!(again.change, Change::Created);
        assert_ne!(uid(&applied), uid(&again), "it is another object");
    }
    clear(cluster, &lease).await;
}
