//! The versions of the shop: every process knows each by its number.

use nprt::memory::{MemoryRegistry, MemoryVcs};
use nprt::model::{Digest, Revision, Tag};

const IMAGES: [&str; 2] = ["registry.invalid/shop/web", "registry.invalid/shop/worker"];

/// A version: six objects that all say its number, and where it has more, a ConfigMap that no other has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) n: u64,
    pub(crate) more: bool,
}

impl Version {
    pub(crate) fn new(n: u64) -> Self {
        Self { n, more: false }
    }

    pub(crate) fn with_more(n: u64) -> Self {
        Self { n, more: true }
    }

    /// Commits it and pushes its images.
    pub(crate) fn commit(self, vcs: &MemoryVcs, registry: &MemoryRegistry) {
        let commit = vcs.commit("main").file("kubernetes/shop.yaml", self.manifests());
        commit.revision(self.revision()).push().unwrap();
        let digest = Digest::new(&format!("sha256:{}", "0a".repeat(32))).unwrap();
        for image in IMAGES {
            registry.push(&image.parse().unwrap(), &self.tag(), &digest);
        }
    }

    /// The same in every process.
    pub(crate) fn revision(self) -> Revision {
        let n = self.n;
        format!("{n:07x}{n:033x}").parse().unwrap()
    }

    /// The tag of its images.
    pub(crate) fn tag(self) -> Tag {
        Tag::for_commit("main", &self.revision())
    }

    /// Two Deployments, a Service of each (without an address, of which the cluster has few), a ConfigMap and a
    /// Secret that the first reads.
    pub(crate) fn manifests(self) -> String {
        let n = self.n;
        let mut all = format!(
            r#"
{{apiVersion: v1, kind: ConfigMap, metadata: {{name: web}}, data: {{n: "{n}"}}}}
---
{{apiVersion: v1, kind: Secret, metadata: {{name: web}}, stringData: {{n: "{n}"}}}}
"#
        );
        for (name, replicas, image) in [("web", 2, IMAGES[0]), ("worker", 1, IMAGES[1])] {
            let reads = match name {
                "web" => "[{configMapRef: {name: web}}, {secretRef: {name: web}}]",
                _ => "[]",
            };
            all += &format!(
                r#"---
apiVersion: v1
kind: Service
metadata: {{name: {name}, annotations: {{n: "{n}"}}}}
spec: {{clusterIP: None, selector: {{app: {name}}}, ports: [{{port: 80}}]}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      containers:
      - {{name: app, image: {image}, env: [{{name: SHOP, value: "{n}"}}], envFrom: {reads}}}
"#
            );
        }
        if self.more {
            all += &format!(
                "---\n{{apiVersion: v1, kind: ConfigMap, metadata: {{name: more}}, data: {{n: \"{n}\"}}}}\n"
            );
        }
        all
    }
}
