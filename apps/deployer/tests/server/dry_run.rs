//! What a dry run shows of Secrets: that they would change, and no value.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use nprt_testkit::{ControlPlane, need};
use serde_json::{Value, json};

use crate::namespace::Namespace;
use crate::support::{Server, World, server};

/// In the cluster before, by `kubectl apply`, which leaves a copy in an annotation.
const OLD: &str = "hunter2-is-the-old-one";
const NEW: &str = "hunter3-is-the-new-one";
/// In the cluster alone.
const LIVE: &str = "hunter4-of-somebody-else";

const MANIFESTS: &str = "apiVersion: v1
kind: Secret
metadata: {name: ours}
stringData: {password: hunter3-is-the-new-one, also: hunter3-is-the-new-one}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: registry.example.com/web
        env:
        - {name: OURS, valueFrom: {secretKeyRef: {name: ours, key: password}}}
        - {name: THEIRS, valueFrom: {secretKeyRef: {name: theirs, key: password}}}
        envFrom: [{secretRef: {name: theirs}}]
";

fn has_no_value(said: &str) {
    for secret in [OLD, NEW, LIVE] {
        assert!(!said.contains(secret) && !said.contains(&STANDARD.encode(secret)), "{secret} in {said}");
    }
}

/// What a dry run says, at once and step by step.
async fn dry_run(server: &Server, operation: &str, tag: &str) -> Value {
    let path = format!("/web/{operation}?tag={tag}&dry_run=true");
    let (status, would) = server.put(&path).await;
    assert_eq!(status, 200, "{would}");
    let steps = server.steps(&path).await.all().await;
    assert_eq!(steps.last().unwrap().0, "done");
    for said in [would.to_string(), format!("{steps:?}"), server.log()] {
        has_no_value(&said);
    }
    would
}

fn secret(would: &Value) -> &Value {
    let mut objects = would["objects"].as_array().unwrap().iter();
    objects.find(|one| one["object"]["kind"] == "Secret").unwrap_or_else(|| panic!("{would}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_shows_no_value_of_a_secret() {
    let Some(plane) = need(ControlPlane::shared().await) else { return };
    let (world, namespace) = (World::of(MANIFESTS), Namespace::new(plane, "web").await);
    let before = world.folder.path().join("before.yaml");
    let text = MANIFESTS.split("---").next().unwrap().replace(NEW, OLD);
    std::fs::write(&before, text).unwrap();
    namespace.run(&["apply", "-f", before.to_str().unwrap()]).await;
    namespace
        .run(&["create", "secret", "generic", "theirs", &format!("--from-literal=password={LIVE}")])
        .await;
    let mut place = namespace.place();
    // kubectl made it first.
    place["kubernetes"]["force_conflicts"] = json!(["kubectl-client-side-apply"]);
    let server = server(&world, json!({"cluster": place})).await;

    let would = dry_run(&server, "deploy", &world.tag(0)).await;
    let shown = secret(&would);
    assert_eq!(shown["change"], "configured", "{shown}");
    for side in ["before", "after"] {
        assert_eq!(shown[side]["data"], json!({"password": "***", "also": "***"}), "{side}: {shown}");
    }
    let (status, done) = server.put(&format!("/web/deploy?tag={}", world.tag(0))).await;
    assert_eq!(status, 200, "{done}");
    has_no_value(&done.to_string());
    dry_run(&server, "deploy", &world.tag(1)).await;
    let would = dry_run(&server, "canary", &world.tag(1)).await;
    assert!(would.to_string().contains("secretKeyRef"), "{would}");
    let (status, done) = server.put(&format!("/web/canary?tag={}", world.tag(1))).await;
    assert_eq!(status, 200, "{done}");
    dry_run(&server, "promote", &world.tag(1)).await;
    for path in ["/web", "/web/status"] {
        has_no_value(&server.get(path).await.1.to_string());
    }
    has_no_value(&server.log());
}
