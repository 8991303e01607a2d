//! A forged undo record, under the recommended role in two namespaces: what it names is neither put back nor deleted.

use std::sync::Arc;

use nprt::ErrorKind;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::answer::Answer as _;
use crate::world::{World, manifests, shop, tag};

/// A neighbour's namespace, in which nprt works, too.
struct Neighbour {
    world: Arc<World>,
    namespace: String,
}

impl Neighbour {
    async fn new(world: &Arc<World>, name: &str) -> Self {
        let namespace = world.plane.namespace(name).await.unwrap();
        let neighbour = Self { world: world.clone(), namespace };
        let account = format!("--serviceaccount={}:nprt", world.namespace);
        neighbour.kubectl(&["create", "rolebinding", "neighbour", "--clusterrole=nprt", &account], "").await;
        let labels = json!({"nprt.dev/service": "payments"});
        let metadata = |name: &str| json!({"name": name, "namespace": neighbour.namespace, "labels": labels});
        for object in [
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata("victim"), "data": {"a": "good"}}),
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata("db"), "stringData": {"a": "good"}}),
        ] {
            neighbour.apply(&object).await;
        }
        neighbour
    }

    async fn kubectl(&self, args: &[&str], input: &str) -> String {
        let args = [&["-n", &self.namespace], args].concat();
        self.world.plane.kubectl().run_with_input(&args, input).await.unwrap()
    }

    /// As nprt, so that the fields are its own.
    async fn apply(&self, object: &Value) {
        let apply = ["apply", "--server-side", "--force-conflicts", "--field-manager=nprt", "-f", "-"];
        self.kubectl(&apply, &object.to_string()).await;
    }

    /// A record that changes one of its objects and deletes the other.
    fn record(&self) -> Value {
        let id = |kind: &str, name: &str| json!({"apiVersion": "v1", "kind": kind, "namespace": self.namespace, "name": name});
        let labels = json!({"nprt.dev/service": "payments"});
        let evil = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "evil"},
            "metadata": {"name": "victim", "namespace": self.namespace, "labels": labels}});
        json!({"from": "x", "to": "y", "objects": [{"id": id("ConfigMap", "victim"), "owned": evil}, {"id": id("Secret", "db")}]})
    }

    async fn is_untouched(&self) {
        let read = ["get", "configmap/victim", "secret/db", "-o", "jsonpath={.items[*].data.a}"];
        assert_eq!(self.kubectl(&read, "").await, "good Z29vZA==");
    }
}

fn secret(record: &Value) -> Value {
    let metadata = json!({"name": "nprt-undo-shop", "annotations": {"nprt.dev/undo-parts": "1"}});
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"record": record.to_string()}})
}

/// Version 2 has pods that never become ready, so that it is undone.
fn failing() -> String {
    manifests(2, "never-ready").replace("  replicas: 2", "  replicas: 2\n  progressDeadlineSeconds: 3")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_cannot_bring_one() {
    let Some(world) = World::new("forged-repo").await else { return };
    let neighbour = Neighbour::new(&world, "forged-repo-other").await;
    let process = world.process().await;
    let first = world.commit(&manifests(1, ""));
    process.deploy(&first).await.accepted();
    let bad = world.commit(&format!("{}---\n{}\n", failing(), secret(&neighbour.record())));
    let words = ["reserved", "`nprt-`", "Secret/nprt-undo-shop", "kubernetes/shop.yaml"];
    let error = process.deploy(&bad).await.refused_with(&words);
    assert_eq!(error.kind(), ErrorKind::Forbidden);
    process.canary(&bad).await.refused_with(&words);
    neighbour.is_untouched().await;
    assert!(world.runs().await.iter().all(|(_, now)| *now == tag(&first)), "nothing changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_in_the_cluster_is_not_believed() {
    let Some(world) = World::new("forged-cluster").await else { return };
    let neighbour = Neighbour::new(&world, "forged-cluster-other").await;
    let process = world.process().await;
    let first = world.commit(&manifests(1, ""));
    process.deploy(&first).await.accepted();
    let forged = secret(&neighbour.record());
    let apply = ["apply", "--server-side", "--field-manager=nprt", "-f", "-"];
    world.kubectl_with_input(&apply, &forged.to_string()).await;
    for _ in 0..2 {
        let tended = process.tend().await.unwrap();
        assert!(tended.undone.is_none() && tended.finished.is_none(), "{tended:?}");
        process.rollback().await.unwrap();
    }
    neighbour.is_untouched().await;
    assert_eq!(world.object("secret/nprt-undo-shop").await["type"], "Opaque", "it is left alone");
    // A deploy that fails goes back by its own record.
    let error = process.deploy(&world.commit(&failing())).await.refused_with(&["stable is"]);
    assert_eq!(error.kind(), ErrorKind::RolloutFailed, "{error}");
    neighbour.is_untouched().await;
    assert!(world.runs().await.iter().all(|(_, now)| *now == tag(&first)), "{:?}", world.runs().await);
}

/// Even one that the lease vouches for, which takes the right to change leases.
#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_vouched_for_does_no_more_than_a_manifest_could() {
    let Some(world) = World::new("forged-vouched").await else { return };
    let neighbour = Neighbour::new(&world, "forged-vouched-other").await;
    let process = world.process().await;
    process.deploy(&world.commit(&manifests(1, ""))).await.accepted();
    let record = neighbour.record();
    let apply = ["apply", "--server-side", "--field-manager=nprt", "-f", "-"];
    world.kubectl_with_input(&apply, &secret(&record).to_string()).await;
    let digest: String =
        Sha256::digest(record.to_string()).iter().map(|byte| format!("{byte:02x}")).collect();
    let records = format!("nprt.dev/records=sha256:{digest}");
    let lease = format!("nprt-{}", shop());
    let annotate =
        ["annotate", "lease", &lease, "nprt.dev/from=x", "nprt.dev/to=y", "nprt.dev/back=true", &records];
    world.kubectl(&annotate).await;
    let tended = process.tend().await.unwrap();
    assert!(tended.undone.is_some(), "it is believed: {tended:?}");
    neighbour.is_untouched().await;
}
