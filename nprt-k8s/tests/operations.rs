//! Each error names the method of the port that it comes from, however deep below it was made.
#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

use std::time::Duration;

use futures_util::StreamExt;
use jiff::Timestamp;
use nprt_core::Error;
use nprt_core::model::{Object, ObjectId, ServiceName, Track};
use nprt_core::ports::{Cluster, Lease, LeaseRequest, ObjectEvent, Purpose, Takeover};
use nprt_k8s::{KubernetesCluster, KubernetesConfig};
use serde_json::json;

/// A cluster at a port where nothing listens.
async fn unreachable() -> KubernetesCluster {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kubeconfig");
    let content = json!({"apiVersion": "v1", "kind": "Config", "current-context": "test",
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:9"}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": "test", "context": {"cluster": "c", "user": "u", "namespace": "shop"}}]});
    std::fs::write(&path, content.to_string()).unwrap();
    let config = KubernetesConfig { kubeconfig: Some(path), ..KubernetesConfig::default() };
    KubernetesCluster::builder(config).build().await.unwrap()
}

fn service() -> ServiceName {
    "cart".parse().unwrap()
}

fn request() -> LeaseRequest {
    LeaseRequest {
        service: service(),
        holder: "test".into(),
        process: "host".into(),
        purpose: Purpose::unknown("a test"),
        duration: Duration::from_secs(60),
        takeover: Takeover::Now,
    }
}

fn lease() -> Lease {
    let LeaseRequest { service, holder, process, purpose, duration, .. } = request();
    let now = Timestamp::UNIX_EPOCH;
    Lease {
        service,
        holder,
        process,
        purpose,
        epoch: 1,
        acquired: now,
        renewed: now,
        duration,
        left: duration,
        transition: None,
    }
}

#[tokio::test]
async fn every_error_names_the_method_that_was_called() {
    let cluster = unreachable().await;
    let (service, lease) = (service(), lease());
    let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cart"}});
    let object = Object::new(object).unwrap();
    let id = object.id();
    // The kind is not known, so the server is asked for it.
    let unknown = ObjectId { api_version: "example.com/v1".to_owned(), ..id.clone() };
    let event = ObjectEvent::normal("Deployed", "a note");
    let errors = [
        ("cluster.list", cluster.list(&service).await.unwrap_err()),
        ("cluster.pods", cluster.pods(&service, Track::Canary).await.unwrap_err()),
        ("cluster.survey", cluster.survey(&service).await.unwrap_err()),
        ("cluster.get", cluster.get(&id).await.unwrap_err()),
        ("cluster.get", cluster.get(&unknown).await.unwrap_err()),
        ("cluster.dry_run", cluster.dry_run(&object).await.unwrap_err()),
        ("cluster.apply", cluster.apply(&lease, &object).await.unwrap_err()),
        ("cluster.owned", cluster.owned(&id).await.unwrap_err()),
        ("cluster.restore", cluster.restore(&lease, &object).await.unwrap_err()),
        ("cluster.delete", cluster.delete(&lease, &id).await.unwrap_err()),
        ("cluster.watch_rollout", cluster.watch_rollout(&id).next().await.unwrap().unwrap_err()),
        ("cluster.watch_rollout", cluster.watch_rollout(&unknown).next().await.unwrap().unwrap_err()),
        ("cluster.record_event", cluster.record_event(&object, &event).await.unwrap_err()),
        ("cluster.lease", cluster.lease(&service).await.unwrap_err()),
        ("cluster.transition", cluster.transition(&service).await.unwrap_err()),
        ("cluster.acquire", cluster.acquire(&request()).await.unwrap_err()),
        ("cluster.renew", cluster.renew(&lease).await.unwrap_err()),
        ("cluster.set_transition", cluster.set_transition(&lease, None).await.unwrap_err()),
        ("cluster.release", cluster.release(&lease).await.unwrap_err()),
    ];
    let wrong: Vec<&(&str, Error)> =
        errors.iter().filter(|(operation, error)| error.operation() != *operation).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}
