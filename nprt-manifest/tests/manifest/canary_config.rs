//! A canary reads its own configuration and never changes what stable reads.

use nprt_manifest::Settings;
use serde_json::json;

use super::canary::{canary, deployed};
use super::{find, ids};

const APP: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      imagePullSecrets: [{name: token}]
      initContainers: [{name: i, image: a, env: [{name: A, valueFrom: {secretKeyRef: {name: token, key: a}}}]}]
      containers:
      - name: web
        image: a
        env: [{name: A, valueFrom: {configMapKeyRef: {name: config, key: a}}}]
        envFrom: [{configMapRef: {name: config}}, {secretRef: {name: token}}, {configMapRef: {name: elsewhere}}]
      ephemeralContainers: [{name: e, image: a, envFrom: [{configMapRef: {name: config}}]}]
      volumes:
      - {name: a, configMap: {name: config}}
      - {name: b, secret: {secretName: token}}
      - {name: c, projected: {sources: [{configMap: {name: config}}, {secret: {name: token}}, {downwardAPI: {}}]}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: config}, data: {a: one}, immutable: true}
---
{apiVersion: v1, kind: Secret, metadata: {name: token}, stringData: {a: hunter2}}
---
{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: web}}}
";

/// Every name of a ConfigMap or Secret in the pod template, in order.
fn references(web: &serde_json::Value) -> Vec<String> {
    let text = web["spec"]["template"]["spec"].to_string();
    text.split('"')
        .filter(|part| part.starts_with("config") || part.starts_with("token"))
        .map(str::to_owned)
        .filter(|part| !part.starts_with("configMap"))
        .collect()
}

#[test]
fn configuration_that_is_the_same_is_shared() {
    let rendered = canary(APP, &Settings::default(), &deployed(APP)).unwrap();
    assert_eq!(ids(&rendered), ["Deployment/web-canary"]);
    assert!(references(find(&rendered, "Deployment/web-canary")).iter().all(|name| !name.contains("canary")));
}

#[test]
fn a_config_map_that_differs_gets_a_copy_and_every_reference_follows() {
    let rendered = canary(&APP.replace("a: one", "a: two"), &Settings::default(), &deployed(APP)).unwrap();
    assert_eq!(ids(&rendered), ["ConfigMap/config-canary", "Deployment/web-canary"]);
    let copy = find(&rendered, "ConfigMap/config-canary");
    assert_eq!(copy["data"], json!({"a": "two"}));
    assert_eq!(copy["metadata"]["labels"]["nprt.dev/track"], "canary");
    assert_eq!(copy["metadata"]["labels"]["nprt.dev/service"], "shop");
    assert!(copy.get("immutable").is_none(), "a second canary could not change it");
    assert_eq!(
        references(find(&rendered, "Deployment/web-canary")),
        [
            "token",
            "token",
            "config-canary",
            "config-canary",
            "token",
            "config-canary",
            "config-canary",
            "token",
            "config-canary",
            "token"
        ]
    );
    assert!(rendered.withheld.iter().any(|id| id.to_string() == "ConfigMap/config"), "stable's own waits");
}

#[test]
fn a_secret_that_differs_gets_a_copy_and_shows_no_value() {
    let rendered = canary(&APP.replace("hunter2", "hunter3"), &Settings::default(), &deployed(APP)).unwrap();
    assert_eq!(ids(&rendered), ["Secret/token-canary", "Deployment/web-canary"]);
    assert_eq!(find(&rendered, "Secret/token-canary")["data"]["a"], "aHVudGVyMw==");
    let web = find(&rendered, "Deployment/web-canary");
    // The kubelet pulls with the original's credentials.
    assert_eq!(web["spec"]["template"]["spec"]["imagePullSecrets"], json!([{"name": "token"}]));
    assert_eq!(references(web).iter().filter(|name| *name == "token-canary").count(), 4);
    let shown =
        format!("{rendered:?} {:?}", rendered.changes.iter().map(ToString::to_string).collect::<Vec<_>>());
    assert!(!shown.contains("hunter"), "{shown}");
}

#[test]
fn live_data_in_base64_is_the_same_as_the_text_in_the_manifest() {
    let live: Vec<_> = deployed(&APP.replace("stringData: {a: hunter2}", "data: {a: aHVudGVyMg==}"));
    assert_eq!(ids(&canary(APP, &Settings::default(), &live).unwrap()), ["Deployment/web-canary"]);
}

#[test]
fn configuration_that_is_not_live_gets_a_copy() {
    let live: Vec<_> = deployed(APP).into_iter().filter(|object| object.kind() != "ConfigMap").collect();
    let rendered = canary(APP, &Settings::default(), &live).unwrap();
    assert_eq!(ids(&rendered), ["ConfigMap/config-canary", "Deployment/web-canary"]);
}

#[test]
fn the_copys_name_may_not_be_taken() {
    let text = APP.replace("a: one", "a: two")
        + "---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: config-canary}}\n";
    let error = canary(&text, &Settings::default(), &deployed(APP)).unwrap_err().to_string();
    assert!(error.contains("taken") && error.contains("ConfigMap/config-canary"), "{error}");
}
