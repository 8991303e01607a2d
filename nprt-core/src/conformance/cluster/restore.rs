//! What was applied, and the way back to it.

use serde_json::{Value, json};

use super::objects::{config, deployment, endpoint, object, with};
use super::{ClusterFixture, clear, lease, request, service};
use crate::model::{Object, ServiceName};
use crate::ports::{Change, Cluster, Takeover};

async fn owned(cluster: &dyn Cluster, object: &Object) -> Object {
    let owned = cluster.owned(&object.id()).await.expect("what was applied can be read");
    owned.expect("the object is there")
}

/// A Secret of texts, whose values a server keeps elsewhere than they were given.
fn secret(service: &ServiceName, texts: &Value) -> Object {
    let labels = json!({"nprt.dev/service": service});
    let metadata = json!({"name": service, "labels": labels});
    object(json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": texts}))
}

/// What an apply changed goes back: values, fields that it added and fields that it dropped, items of lists.
///
/// # Panics
/// Where the cluster breaks the contract.
pub async fn what_was_applied_can_be_restored(cluster: &dyn Cluster, fixture: &dyn ClusterFixture) {
    let lease = lease(cluster, fixture, &service("check-restore")).await;
    let (pod, ports) = ("/spec/template/spec/containers/0", "/spec/ports");
    let before = [
        config(&lease.service, &json!({"kept": "1", "dropped": "1"})),
        with(
            deployment(&lease.service, 1, "1"),
            &format!("{pod}/env"),
            json!([{"name": "B", "value": "1"}, {"name": "A", "value": "$(B)"}]),
        ),
        endpoint(&lease.service),
        secret(&lease.service, &json!({"kept": "1", "dropped": "1"})),
    ];
    let after = [
        config(&lease.service, &json!({"kept": "2", "added": "2"})),
        with(
            deployment(&lease.service, 2, "2"),
            &format!("{pod}/env"),
            json!([{"name": "C", "value": "2"}, {"name": "A", "value": "2"}]),
        ),
        with(endpoint(&lease.service), ports, json!([{"name": "web", "port": 81}])),
        secret(&lease.service, &json!({"kept": "2", "dropped": "1"})),
    ];
    for (before, after) in before.iter().zip(&after) {
        cluster.apply(&lease, before).await.expect("applied");
        let former = owned(cluster, before).await;
        let same = cluster.dry_run(&former).await.expect("what was applied can be applied");
        assert_eq!(same.change, Change::Unchanged, "exactly what was applied: {former:?}");
        assert_eq!(former.as_value().get("status"), None, "{former:?}");
        cluster.apply(&lease, after).await.expect("applied");
        assert_ne!(owned(cluster, before).await, former, "{}", before.id());
        let restored = cluster.restore(&lease, &former).await.expect("restored").expect("it is there");
        assert_eq!(restored.change, Change::Configured);
        assert_eq!(owned(cluster, before).await, former, "{}", before.id());
        let again = cluster.dry_run(before).await.expect("accepted");
        assert_eq!(again.change, Change::Unchanged, "it is as it was: {}", before.id());
        let again = cluster.restore(&lease, &former).await.expect("restored").expect("it is there");
        assert_eq!(again.change, Change::Unchanged, "a restore may be repeated");
    }
    clear(cluster, &lease).await;
}

/// What others applied is not ours; a field that another took meanwhile stays theirs.
///
/// # Panics
/// Where the cluster breaks the contract.
pub async fn a_restore_leaves_others_alone(cluster: &dyn Cluster, fixture: &dyn ClusterFixture) {
    if !cluster.capabilities().field_owners {
        return;
    }
    let lease = lease(cluster, fixture, &service("check-restore-others")).await;
    let theirs = |data: Value| {
        object(json!({"apiVersion": "v1", "kind": "ConfigMap", "data": data,
            "metadata": {"name": lease.service, "namespace": cluster.namespace()}}))
    };
    fixture.apply_as("somebody-else", &theirs(json!({"others": "1"}))).await;
    let before = config(&lease.service, &json!({"ours": "1", "taken": "1"}));
    let bare = owned(cluster, &before).await;
    assert_eq!(bare.as_value().get("data"), None, "nothing is ours yet: {bare:?}");
    cluster.apply(&lease, &before).await.expect("applied");
    let former = owned(cluster, &before).await;
    assert_eq!(former.as_value().get("data"), Some(&json!({"ours": "1", "taken": "1"})));
    let after = config(&lease.service, &json!({"ours": "2", "taken": "2", "added": "2"}));
    cluster.apply(&lease, &after).await.expect("applied");
    fixture.apply_as("somebody-else", &theirs(json!({"others": "3", "taken": "3"}))).await;
    cluster.restore(&lease, &former).await.expect("restored").expect("it is there");
    let read = cluster.get(&before.id()).await.expect("read").expect("it is there");
    assert_eq!(read.as_value().get("data"), Some(&json!({"ours": "1", "taken": "3", "others": "3"})));
    // What was not ours at all is given up, and stays.
    cluster.restore(&lease, &bare).await.expect("restored").expect("it is there");
    let read = cluster.get(&before.id()).await.expect("read").expect("it is there");
    assert_eq!(read.as_value().get("data"), Some(&json!({"taken": "3", "others": "3"})));
    cluster.delete(&lease, &before.id()).await.expect("deleted");
    clear(cluster, &lease).await;
}

/// There is nothing to own or restore of an object that is gone, and a lost lease restores nothing.
///
/// # Panics
/// Where the cluster breaks the contract.
pub async fn an_object_that_is_gone_is_not_restored(cluster: &dyn Cluster, fixture: &dyn ClusterFixture) {
    let mine = lease(cluster, fixture, &service("check-restore-gone")).await;
    let before = config(&mine.service, &json!({"a": "1"}));
    assert_eq!(cluster.owned(&before.id()).await.expect("read"), None);
    cluster.apply(&mine, &before).await.expect("applied");
    let former = owned(cluster, &before).await;
    let after = config(&mine.service, &json!({"a": "2"}));
    cluster.apply(&mine, &after).await.expect("applied");
    let taken = request(&mine.service, "another", fixture.patience(), Takeover::Now);
    let theirs = cluster.acquire(&taken).await.expect("taken over");
    let error = cluster.restore(&mine, &former).await.expect_err("the lease is lost");
    assert!(error.is_conflict(), "{error}");
    let read = cluster.get(&before.id()).await.expect("read").expect("it is there");
    assert_eq!(read.as_value().pointer("/data/a"), Some(&json!("2")), "nothing landed");
    cluster.delete(&theirs, &before.id()).await.expect("deleted");
    assert_eq!(cluster.restore(&theirs, &former).await.expect("no error"), None);
    assert_eq!(cluster.get(&before.id()).await.expect("read"), None, "what is gone stays so");
    clear(cluster, &theirs).await;
}
