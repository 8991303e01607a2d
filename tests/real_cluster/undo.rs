//! All or nothing: what a deploy leaves that fails, or whose process dies.

use std::collections::BTreeSet;
use std::time::Duration;

use nprt::ErrorKind;
use nprt::model::Revision;
use serde_json::{Value, json};

use crate::world::{World, manifests, tag};

const KINDS: &str = "deployments,services,configmaps,secrets";

/// Version 1, and later ones with an object more, a field more and a field less.
fn version(world: &World, n: usize, behaviour: &str) -> Revision {
    let secret = format!(
        "---\napiVersion: v1\nkind: Secret\nmetadata: {{name: web}}\nstringData: {{\"n\": \"{n}\"}}\n"
    );
    let mut all = manifests(n, behaviour) + &secret;
    if n == 1 {
        all = all.replace("containers: [{name: worker,", "containers: [{name: worker, command: [run],");
    } else {
        all = all.replace("  replicas: 2", "  replicas: 3\n  progressDeadlineSeconds: 3").replace(
            "        envFrom:",
            "        env: [{name: A, value: a}, {name: B, value: b}]\n        envFrom:",
        );
        all += "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: new}\ndata: {a: b}\n";
    }
    world.commit(&all)
}

/// Every object, and which of its fields are ours; without what grows with each write.
async fn everything(world: &World) -> Vec<Value> {
    let mut objects = Vec::new();
    let list = world.kubectl(&["get", KINDS, "--show-managed-fields", "-o", "json"]).await;
    let list: Value = serde_json::from_str(&list).unwrap();
    for mut object in list["items"].as_array().unwrap().clone() {
        if object["metadata"]["name"] == "kube-root-ca.crt" {
            continue;
        }
        let ours = object["metadata"]["managedFields"].as_array().unwrap().iter();
        let ours: Vec<Value> =
            ours.filter(|entry| entry["manager"] == "nprt").map(|entry| entry["fieldsV1"].clone()).collect();
        let metadata = object["metadata"].as_object_mut().unwrap();
        metadata.insert("managedFields".to_owned(), json!(ours));
        for field in ["resourceVersion", "generation"] {
            metadata.insert(field.to_owned(), Value::Null);
        }
        if let Some(annotations) = metadata.get_mut("annotations") {
            for field in ["deployment.kubernetes.io/revision", "nprt.dev/epoch"] {
                annotations[field] = Value::Null;
            }
        }
        object["status"] = Value::Null;
        objects.push(object);
    }
    objects
}

async fn same(world: &World, before: &[Value]) {
    let after = everything(world).await;
    let names = |all: &[Value]| all.iter().map(|o| o["metadata"]["name"].clone()).collect::<Vec<_>>();
    assert_eq!(names(&after), names(before));
    for (after, before) in after.iter().zip(before) {
        assert_eq!(after, before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollout_that_fails_puts_everything_back() {
    let Some(world) = World::new("undo-failing").await else { return };
    let process = world.process().await;
    let (first, bad) = (version(&world, 1, ""), version(&world, 2, "crash-loop"));
    process.deploy(&first).await.unwrap();
    let before = everything(&world).await;
    assert_eq!(before.len(), 5);
    let error = process.deploy(&bad).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RolloutFailed, "{error}");
    let said = error.to_string();
    assert!(
        said.contains("CrashLoopBackOff") && said.contains(&format!("stable is {}", tag(&first))),
        "{said}"
    );
    same(&world, &before).await;
    let ready = ["get", "deployments", "-o", "jsonpath={.items[*].status.readyReplicas}"];
    assert_eq!(world.kubectl(&ready).await, "2 1");
    let done = process.deploy(&first).await.unwrap();
    let unchanged =
        |applied: &nprt::pipeline::AppliedObject| applied.change == nprt::ports::Change::Unchanged;
    assert!(done.applied.iter().all(unchanged), "what runs is what was deployed: {done:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deploy_whose_process_dies_is_undone_by_the_next_operation() {
    let Some(world) = World::new("undo-dead").await else { return };
    let (process, other) = (world.process().await, world.process().await);
    let (first, stuck) = (version(&world, 1, ""), version(&world, 2, "never-ready"));
    process.deploy(&first).await.unwrap();
    let before = everything(&world).await;
    let under_way = tokio::spawn({
        let (process, stuck) = (process.clone(), stuck.clone());
        async move { process.deploy(&stuck).await }
    });
    let all = BTreeSet::from([tag(&stuck)]);
    while world.runs().await.into_iter().map(|(_, tag)| tag).collect::<BTreeSet<_>>() != all {
        assert!(!under_way.is_finished(), "{:?}", under_way.await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    under_way.abort();
    _ = under_way.await;
    let lease = world.kubectl(&["get", "lease", "nprt-shop", "-o", "jsonpath={.metadata.annotations}"]).await;
    assert!(lease.contains(&tag(&first)) && lease.contains(&stuck.to_string()), "from, to: {lease}");
    let done = other.rollback().await.unwrap();
    assert!(done.warnings[0].contains("undone"), "{done:?}");
    let lease = world.kubectl(&["get", "lease", "nprt-shop", "-o", "jsonpath={.metadata.annotations}"]).await;
    assert!(!lease.contains("nprt.dev/from") && !lease.contains("nprt.dev/to"), "it is over: {lease}");
    same(&world, &before).await;
}
