/// A version of the shop, by its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShopVersion {
    /// What all its objects say.
    pub n: u64,
    /// Whether it has one object more, a ConfigMap `more` that no other version has.
    pub more: bool,
    /// The tag of its images.
    pub tag: String,
}

impl ShopVersion {
    /// What version control holds of version `n`: two Deployments, a Service of each (without an address, of which
    /// the cluster has few), a ConfigMap and a Secret that the first reads. `images` are those of `web` and
    /// `worker`, without tags.
    #[must_use]
    pub fn manifests(n: u64, more: bool, images: [&str; 2]) -> String {
        let mut all = format!(
            r#"
{{apiVersion: v1, kind: ConfigMap, metadata: {{name: web}}, data: {{"n": "{n}"}}}}
---
{{apiVersion: v1, kind: Secret, metadata: {{name: web}}, stringData: {{"n": "{n}"}}}}
"#
        );
        for (name, replicas, image) in [("web", 2, images[0]), ("worker", 1, images[1])] {
            let reads = match name {
                "web" => "[{configMapRef: {name: web}}, {secretRef: {name: web}}]",
                _ => "[]",
            };
            all += &format!(
                r#"---
apiVersion: v1
kind: Service
metadata: {{name: {name}, annotations: {{"n": "{n}"}}}}
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
      - {{name: app, image: "{image}", env: [{{name: SHOP, value: "{n}"}}], envFrom: {reads}}}
"#
            );
        }
        if more {
            all += &format!(
                "---\n{{apiVersion: v1, kind: ConfigMap, metadata: {{name: more}}, data: {{\"n\": \"{n}\"}}}}\n"
            );
        }
        all
    }
}
