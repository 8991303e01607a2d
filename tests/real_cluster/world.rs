//! A namespace of a real cluster; a repository, a registry and metrics in memory.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nprt::clock::SystemClock;
use nprt::memory::{MemoryMetrics, MemoryNotifier, MemoryRegistry, MemoryVcs};
use nprt::model::{Digest, ImageName, Revision, ServiceName, SourceFile, Tag, Track};
use nprt::pipeline::{Pipeline, PipelineSettings, Ports, Service};
use nprt::ports::Clock;
use nprt_k8s::{KubernetesCluster, KubernetesConfig};
use nprt_testkit::{ControlPlane, Kubectl, need};
use serde_json::Value;

pub(crate) use crate::process::Process;

const IMAGES: [&str; 2] = ["registry.invalid/shop/web", "registry.invalid/shop/worker"];

pub(crate) struct World {
    pub(crate) plane: &'static ControlPlane,
    pub(crate) namespace: String,
    /// Whom nprt works as, under the role that its docs recommend.
    user: Kubectl,
    vcs: Arc<MemoryVcs>,
    registry: Arc<MemoryRegistry>,
}

impl World {
    pub(crate) async fn new(name: &str) -> Option<Arc<Self>> {
        let plane = need(ControlPlane::shared().await)?;
        let namespace = plane.namespace(name).await.unwrap();
        let role = include_str!("../../nprt-k8s/role.yaml");
        let user = plane.service_account_with(&namespace, "nprt", role).await.unwrap();
        let (vcs, registry) = (Arc::new(MemoryVcs::new()), Arc::new(MemoryRegistry::new()));
        Some(Arc::new(Self { plane, namespace, user, vcs, registry }))
    }

    /// A pipeline with a client of its own, as another process has it.
    pub(crate) async fn process(&self) -> Arc<Process> {
        self.process_of(Service::new(shop())).await
    }

    /// The same, with other settings of the service.
    pub(crate) async fn process_of(&self, service: Service) -> Arc<Process> {
        self.process_as(self.user.kubeconfig(), service).await
    }

    /// A pipeline that waits for a rollout for so long.
    pub(crate) async fn process_within(&self, rollout_seconds: u64) -> Arc<Process> {
        self.process_with(
            self.user.kubeconfig(),
            Service::new(shop()),
            rollout_seconds,
            Arc::new(SystemClock),
        )
        .await
    }

    /// A pipeline of a process that has `clock`.
    pub(crate) async fn process_on(&self, clock: Arc<dyn Clock>) -> Arc<Process> {
        self.process_with(self.user.kubeconfig(), Service::new(shop()), 90, clock).await
    }

    /// The same, with other rights.
    pub(crate) async fn process_as(&self, kubeconfig: &Path, service: Service) -> Arc<Process> {
        self.process_with(kubeconfig, service, 90, Arc::new(SystemClock)).await
    }

    async fn process_with(
        &self,
        kubeconfig: &Path,
        service: Service,
        rollout_seconds: u64,
        clock: Arc<dyn Clock>,
    ) -> Arc<Process> {
        let config = KubernetesConfig {
            kubeconfig: Some(kubeconfig.to_owned()),
            namespace: Some(self.namespace.clone()),
            ..KubernetesConfig::default()
        };
        let ports = Ports {
            vcs: self.vcs.clone(),
            registry: self.registry.clone(),
            metrics: Arc::new(MemoryMetrics::new(clock.clone())),
            cluster: Arc::new(KubernetesCluster::builder(config).clock(clock.clone()).build().await.unwrap()),
            notifier: Arc::new(MemoryNotifier::new()),
        };
        let settings = PipelineSettings {
            lease_seconds: 6,
            rollout_seconds,
            image_wait_seconds: 0,
            ..PipelineSettings::default()
        };
        let pipeline = Pipeline::new("test", clock, settings).unwrap();
        let name = service.name.clone();
        Arc::new(Process { pipeline: pipeline.with_service(service, ports).unwrap(), service: name })
    }

    /// Commits `manifests` on `main` and pushes their images.
    pub(crate) fn commit(&self, manifests: &str) -> Revision {
        self.commit_with(manifests, &IMAGES)
    }

    /// Commits `manifests` on `main` and pushes that version of `images`, of no others.
    pub(crate) fn commit_with(&self, manifests: &str, images: &[&str]) -> Revision {
        let commit = self.vcs.commit("main").file("kubernetes/shop.yaml", manifests.to_owned());
        let revision = commit.push().unwrap().revision;
        let images: Vec<ImageName> = images.iter().map(|image| image.parse().unwrap()).collect();
        self.push(&revision, &images);
        revision
    }

    /// Commits `files` on `main` and pushes the `images` of that version.
    pub(crate) fn commit_files(&self, files: &[SourceFile], images: &[ImageName]) -> Revision {
        let commit = files.iter().fold(self.vcs.commit("main"), |commit, file| {
            commit.file(format!("kubernetes/{}", file.path), file.content.clone())
        });
        let revision = commit.push().unwrap().revision;
        self.push(&revision, images);
        revision
    }

    fn push(&self, revision: &Revision, images: &[ImageName]) {
        let digest = Digest::new(&format!("sha256:{}", "0a".repeat(32))).unwrap();
        for image in images {
            self.registry.push(image, &tag(revision).parse().unwrap(), &digest);
        }
    }

    pub(crate) async fn kubectl(&self, args: &[&str]) -> String {
        self.kubectl_with_input(args, "").await
    }

    pub(crate) async fn kubectl_with_input(&self, args: &[&str], input: &str) -> String {
        let args = [&["-n", &self.namespace], args].concat();
        self.plane.kubectl().run_with_input(&args, input).await.unwrap()
    }

    /// Has kubectl, as a cluster admin, make `manifests`: `apply`, `create`, `apply --server-side` and so on.
    pub(crate) async fn kubectl_makes(&self, command: &[&str], manifests: &str) {
        self.kubectl_with_input(&[command, &["-f", "-"]].concat(), manifests).await;
    }

    /// A live object, such as `deployment/web`.
    pub(crate) async fn object(&self, name: &str) -> Value {
        serde_json::from_str(&self.kubectl(&["get", name, "-o", "json"]).await).unwrap()
    }

    /// The pods that a Service sends requests to, by name.
    pub(crate) async fn endpoints(&self, service: &str) -> BTreeSet<String> {
        let slices = self.items("endpointslices", &format!("kubernetes.io/service-name={service}")).await;
        let endpoints = slices.iter().flat_map(|slice| slice["endpoints"].as_array().into_iter().flatten());
        let ready = endpoints.filter(|endpoint| endpoint["conditions"]["ready"] != false);
        ready.map(|endpoint| endpoint["targetRef"]["name"].as_str().unwrap().to_owned()).collect()
    }

    /// Waits until a Service sends requests to so many pods: its endpoints follow a moment after the pods.
    pub(crate) async fn serves(&self, service: &str, pods: usize) {
        let began = Instant::now();
        loop {
            let endpoints = self.endpoints(service).await;
            if endpoints.len() == pods {
                return;
            }
            assert!(began.elapsed() < Duration::from_secs(30), "{service}: {endpoints:?}, expected {pods}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// The objects of a kind that nprt applied, by name; without what changes by itself.
    pub(crate) async fn objects(&self, kind: &str) -> Vec<Value> {
        let mut items = self.items(kind, "nprt.dev/service=shop").await;
        for item in &mut items {
            item["status"].take();
        }
        items
    }

    /// The objects of a kind with a label, by name.
    pub(crate) async fn items(&self, kind: &str, label: &str) -> Vec<Value> {
        let list = self.kubectl(&["get", kind, "-l", label, "-o", "json"]).await;
        let list: Value = serde_json::from_str(&list).unwrap();
        list["items"].as_array().unwrap().clone()
    }

    /// Waits until the cluster's garbage collector has removed what a canary's workloads had made.
    pub(crate) async fn no_canary_left(&self) {
        let wait = ["wait", "--for=delete", "pods,replicasets", "-l", "track=canary", "--timeout=120s"];
        self.kubectl(&wait).await;
        for kind in ["deployments,statefulsets,daemonsets", "configmaps,secrets"] {
            let left = self.items(kind, "track=canary").await;
            assert!(left.is_empty(), "{left:?}");
        }
    }

    /// Name and tag of every Deployment.
    pub(crate) async fn runs(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let deployments = self.objects("deployments").await;
        let run = |item: &Value| {
            let metadata = &item["metadata"];
            (text(&metadata["name"]), text(&metadata["annotations"]["nprt.dev/tag"]))
        };
        deployments.iter().map(run).collect()
    }

    /// Makes the pods of a track end only when they are [released](Self::release_pods); their names.
    pub(crate) async fn hold_pods(&self, track: Track) -> Vec<String> {
        let label = format!("track={track}");
        let pods = self.kubectl(&["get", "pods", "-l", &label, "-o", "name"]).await;
        let pods: Vec<String> = pods.lines().map(str::to_owned).collect();
        for pod in &pods {
            self.kubectl(&["patch", pod, "-p", r#"{"metadata": {"finalizers": ["example.com/slow"]}}"#])
                .await;
        }
        pods
    }

    pub(crate) async fn release_pods(&self, pods: &[String]) {
        for pod in pods {
            self.kubectl(&["patch", pod, "-p", r#"{"metadata": {"finalizers": null}}"#]).await;
        }
    }

    /// The pods of a track that are not ending, by uid.
    pub(crate) async fn pods(&self, track: &str) -> BTreeSet<String> {
        self.pods_by_uid(&format!("track={track}")).await
    }

    /// The pods with a label that are not ending, by uid: the same set later means that nothing restarted.
    pub(crate) async fn pods_by_uid(&self, label: &str) -> BTreeSet<String> {
        let pods = self.items("pods", label).await;
        let metadata = pods.iter().map(|pod| &pod["metadata"]);
        let stay = metadata.filter(|metadata| metadata["deletionTimestamp"].is_null());
        stay.map(|metadata| metadata["uid"].as_str().unwrap().to_owned()).collect()
    }
}

pub(crate) fn shop() -> ServiceName {
    ServiceName::new("shop").unwrap()
}

pub(crate) fn tag(revision: &Revision) -> String {
    Tag::for_commit("main", revision).to_string()
}

/// Two Deployments, a Service of the first, and a ConfigMap that it reads and that says `n`. The pods of the
/// first behave as `behaviour` says.
pub(crate) fn manifests(n: usize, behaviour: &str) -> String {
    let [web, worker] = IMAGES;
    format!(
        r#"
apiVersion: v1
kind: ConfigMap
metadata: {{name: web}}
data: {{"n": "{n}"}}
---
apiVersion: v1
kind: Service
metadata: {{name: web}}
spec: {{selector: {{app: web}}, ports: [{{port: 80}}]}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec:
  replicas: 2
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}, annotations: {{sim/behaviour: "{behaviour}"}}}}
    spec:
      containers:
      - name: web
        image: {web}
        envFrom: [{{configMapRef: {{name: web}}}}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: worker}}
spec:
  selector: {{matchLabels: {{app: worker}}}}
  template:
    metadata: {{labels: {{app: worker}}}}
    spec: {{containers: [{{name: worker, image: {worker}}}]}}
"#
    )
}
