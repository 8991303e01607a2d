//! What nprt keeps in the cluster: an undo record that the lease vouches for.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nprt::clock::SystemClock;
use nprt::memory::{MemoryCluster, MemoryMetrics, MemoryNotifier, MemoryRegistry, MemoryVcs};
use nprt::model::{Digest, Object, ServiceName};
use nprt::pipeline::{Caller, Pipeline, PipelineSettings, Ports, Progress, Service};
use nprt::ports::{Cluster as _, LeaseRequest, Purpose, Takeover, Task, Transition};
use serde_json::json;
use sha2::{Digest as _, Sha256};

/// Undo records that nprt finds, and acts on.
pub fn undo(data: &[u8]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(find(data));
}

async fn find(record: &[u8]) {
    let clock = Arc::new(SystemClock);
    let cluster = Arc::new(MemoryCluster::new(clock.clone()).with_rollout_delay(Duration::ZERO));
    keep(&cluster, record).await;
    let ports = Ports {
        vcs: Arc::new(MemoryVcs::new()),
        registry: Arc::new(MemoryRegistry::new()),
        metrics: Arc::new(MemoryMetrics::new(clock.clone())),
        cluster: cluster.clone(),
        notifier: Arc::new(MemoryNotifier::new()),
    };
    let settings = PipelineSettings { rollout_seconds: 1, ..PipelineSettings::default() };
    let pipeline =
        Pipeline::new("fuzz", clock, settings).unwrap().with_service(Service::new(shop()), ports).unwrap();
    let _ = pipeline.tend(&shop(), &Caller::new("fuzz", "").unwrap(), &Progress::silent()).await;
    let other = cluster.objects().into_iter().find(|object| object.name() == "others").unwrap();
    assert_eq!(other.as_value()["data"]["a"], "b", "another service's object changed");
}

/// Keeps the record as nprt does, beside an object of another service.
async fn keep(cluster: &MemoryCluster, record: &[u8]) {
    let others = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "b"},
        "metadata": {"name": "others", "labels": {"nprt.dev/service": "other"}}});
    let metadata = json!({"name": "nprt-undo-shop", "annotations": {"nprt.dev/undo-parts": "1"}});
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": {"record": STANDARD.encode(record)}});
    for object in [others, secret] {
        cluster.apply_as("nprt", &Object::new(object).unwrap()).unwrap();
    }
    let request = LeaseRequest {
        service: shop(),
        holder: "another".to_owned(),
        process: "another".to_owned(),
        purpose: Purpose::new(Task::Deploy, "ada"),
        duration: Duration::from_secs(30),
        takeover: Takeover::WhenExpired,
    };
    let lease = cluster.acquire(&request).await.unwrap();
    let hex: String = Sha256::digest(record).iter().map(|byte| format!("{byte:02x}")).collect();
    let records = vec![Digest::new(&format!("sha256:{hex}")).unwrap()];
    let transition = Transition { from: "main-1".to_owned(), to: "main-2".to_owned(), back: false, records };
    cluster.set_transition(&lease, Some(transition)).await.unwrap();
    cluster.release(&lease).await.unwrap();
}

fn shop() -> ServiceName {
    "shop".parse().unwrap()
}
