//! A world in memory: a repository, a registry, a cluster, metrics and a notifier on one clock.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use nprt_core::Result;
use nprt_core::model::{Digest, ImageName, Object, Revision, ServiceName, Tag, VersionRef};
use nprt_core::ports::{Clock, Cluster, Lease, LeaseRequest, Purpose, Takeover};
use nprt_memory::{
    ManualClock, MemoryCluster, MemoryMetrics, MemoryNotifier, MemoryRegistry, MemoryVcs, WorkloadView,
};
use nprt_pipeline::{
    Caller, Deployment, Event, Pipeline, PipelineSettings, Ports, Progress, Request, Service,
};

pub(crate) const WEB: &str = "registry.example.com/shop/web";
pub(crate) const WORKER: &str = "registry.example.com/shop/worker";

pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) vcs: Arc<MemoryVcs>,
    pub(crate) registry: Arc<MemoryRegistry>,
    pub(crate) metrics: MemoryMetrics,
    pub(crate) notifier: Arc<MemoryNotifier>,
    pub(crate) cluster: MemoryCluster,
}

impl World {
    pub(crate) fn new() -> Self {
        let clock = Arc::new(ManualClock::auto_advancing(ManualClock::default().now()));
        Self {
            vcs: Arc::new(MemoryVcs::new()),
            registry: Arc::new(MemoryRegistry::with_clock(clock.clone())),
            metrics: MemoryMetrics::new(clock.clone()),
            notifier: Arc::new(MemoryNotifier::new()),
            cluster: MemoryCluster::new(clock.clone()).with_namespace("shop"),
            clock,
        }
    }

    pub(crate) fn ports(&self) -> Ports {
        Ports {
            vcs: self.vcs.clone(),
            registry: self.registry.clone(),
            metrics: Arc::new(self.metrics.clone()),
            cluster: Arc::new(self.cluster.clone()),
            notifier: self.notifier.clone(),
        }
    }

    pub(crate) fn pipeline(&self) -> Arc<Pipeline> {
        self.pipeline_over(self.ports())
    }

    pub(crate) fn pipeline_over(&self, ports: Ports) -> Arc<Pipeline> {
        self.pipeline_of(Service::new(shop()), ports)
    }

    pub(crate) fn pipeline_of(&self, service: Service, ports: Ports) -> Arc<Pipeline> {
        let pipeline = Pipeline::new("test", self.clock.clone(), PipelineSettings::default()).unwrap();
        Arc::new(pipeline.with_service(service, ports).unwrap())
    }

    /// The service's lease, which another takes for this.
    pub(crate) async fn leased(&self, purpose: Purpose) -> Lease {
        let request = LeaseRequest {
            service: shop(),
            holder: "another".to_owned(),
            process: "another-host".to_owned(),
            purpose,
            duration: Duration::from_secs(30),
            takeover: Takeover::WhenExpired,
        };
        self.cluster.acquire(&request).await.unwrap()
    }

    /// Commits version `n` of the manifests on `main`, and pushes its images.
    pub(crate) fn version(&self, n: u32) -> Revision {
        let revision = self.commit(&manifests(n, ""));
        self.push(&revision);
        revision
    }

    pub(crate) fn commit(&self, manifests: &str) -> Revision {
        let commit = self.vcs.commit("main").file("kubernetes/shop.yaml", manifests.to_owned());
        commit.push().unwrap().revision
    }

    pub(crate) fn push(&self, revision: &Revision) {
        for image in [WEB, WORKER] {
            self.registry.push(&ImageName::new(image).unwrap(), &tag(revision), &digest());
        }
    }

    /// What the cluster holds, without the record of the canary that ended last.
    pub(crate) fn objects(&self) -> Vec<Object> {
        let objects = self.cluster.objects().into_iter();
        objects.filter(|object| !object.name().starts_with("nprt-last-canary-")).collect()
    }

    pub(crate) fn workload(&self, name: &str) -> Option<WorkloadView> {
        self.cluster.view().workloads.into_iter().find(|workload| workload.id.name == name)
    }

    /// Name, tag and rollouts of every workload, by name.
    pub(crate) fn runs(&self) -> Vec<(String, String, u64)> {
        let view = self.cluster.view().workloads.into_iter();
        view.map(|w| (w.id.name, w.tag.unwrap_or_default(), w.rollouts)).collect()
    }

    /// Lets time pass.
    pub(crate) async fn wait(&self, seconds: u64) {
        self.clock.sleep(Duration::from_secs(seconds)).await;
    }
}

pub(crate) fn shop() -> ServiceName {
    ServiceName::new("shop").unwrap()
}

pub(crate) fn tag(revision: &Revision) -> Tag {
    Tag::for_commit("main", revision)
}

pub(crate) fn digest() -> Digest {
    Digest::new(&format!("sha256:{}", "0a".repeat(32))).unwrap()
}

pub(crate) fn caller() -> Caller {
    Caller::new("ci", "a test").unwrap()
}

pub(crate) fn request(revision: &Revision) -> Request {
    let version = VersionRef::new(Some(&revision.to_string()), None).unwrap();
    Request::new(version, caller())
}

/// Two Deployments, a Service for the first and a ConfigMap that it reads. `behaviour` is that of its pods.
pub(crate) fn manifests(n: u32, behaviour: &str) -> String {
    format!(
        r#"
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec:
  replicas: 3
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}, annotations: {{sim/behaviour: "{behaviour}"}}}}
    spec:
      containers:
      - name: web
        image: {WEB}
        envFrom: [{{configMapRef: {{name: web}}}}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: worker}}
spec:
  selector: {{matchLabels: {{app: worker}}}}
  template:
    metadata: {{labels: {{app: worker}}}}
    spec: {{containers: [{{name: worker, image: {WORKER}}}]}}
---
apiVersion: v1
kind: Service
metadata: {{name: web}}
spec: {{selector: {{app: web}}, ports: [{{port: 80}}]}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: web}}
data: {{"n": "{n}"}}
"#
    )
}

/// Runs an operation and answers with what it told as well.
pub(crate) async fn told<T, F>(run: impl FnOnce(Progress) -> F) -> (Result<T>, Vec<Event>)
where
    F: Future<Output = Result<T>>,
{
    let (progress, events) = Progress::stream();
    let result = run(progress).await;
    (result, events.collect().await)
}

pub(crate) async fn deploy(pipeline: &Pipeline, revision: &Revision) -> Result<Deployment> {
    pipeline.deploy(&shop(), &request(revision), &Progress::silent()).await
}

pub(crate) async fn canary(pipeline: &Pipeline, revision: &Revision) -> Result<Deployment> {
    pipeline.canary(&shop(), &request(revision), &Progress::silent()).await
}

pub(crate) async fn promote(pipeline: &Pipeline, revision: &Revision) -> Result<Deployment> {
    pipeline.promote(&shop(), &request(revision), &Progress::silent()).await
}
