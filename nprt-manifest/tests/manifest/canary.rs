use nprt_core::model::Object;
use nprt_manifest::{Beside, Rendered, Settings};
use serde_json::json;

use super::{find, ids, live, manifests, settings, variable, version};

pub(super) const APP: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 4
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: shop/web}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, maxReplicas: 9}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {minAvailable: 1, selector: {matchLabels: {app: web}}}
";

pub(super) fn canary(text: &str, wanted: &Settings, live: &[Object]) -> nprt_core::Result<Rendered> {
    nprt_manifest::canary(
        &manifests(text),
        &version("main-3f2a91c"),
        wanted,
        &Beside { live, ..Beside::default() },
    )
}

/// The objects that the cluster has after a deploy of these manifests.
pub(super) fn deployed(text: &str) -> Vec<Object> {
    let rendered =
        nprt_manifest::stable(&manifests(text), &version("old-0000000"), &Settings::default(), &[]).unwrap();
    rendered.documents.into_iter().map(|document| document.object).collect()
}

#[test]
fn only_a_second_deployment_is_applied() {
    let rendered = canary(APP, &Settings::default(), &deployed(APP)).unwrap();
    assert_eq!(ids(&rendered), ["Deployment/web-canary"]);
    let web = find(&rendered, "Deployment/web-canary");
    assert_eq!(web["spec"]["replicas"], 1);
    assert_eq!(web["spec"]["selector"], json!({"matchLabels": {"app": "web", "nprt.dev/track": "canary"}}));
    let template = &web["spec"]["template"];
    for metadata in [&web["metadata"], &template["metadata"]] {
        assert_eq!(metadata["labels"]["app"], "web");
        assert_eq!(metadata["labels"]["track"], "canary");
        assert_eq!(metadata["labels"]["nprt.dev/service"], "shop");
        assert_eq!(metadata["labels"]["nprt.dev/track"], "canary");
    }
    assert_eq!(variable(template, "TRACK")["value"], "canary");
    assert_eq!(template["spec"]["containers"][0]["image"], "shop/web:main-3f2a91c");
    assert!(rendered.warnings.is_empty(), "{rendered:?}");
    let changes: Vec<String> = rendered.changes.iter().map(ToString::to_string).collect();
    assert!(
        changes.contains(&"Deployment/web-canary metadata.name: \"web\" -> \"web-canary\"".to_owned()),
        "{changes:?}"
    );
    assert!(changes.contains(&"Deployment/web-canary spec.replicas: 4 -> 1".to_owned()), "{changes:?}");
}

#[test]
fn replicas_are_a_count_or_a_share_of_the_live_ones() {
    let replicas = |wanted: serde_json::Value, live: &[Object]| {
        let rendered = canary(APP, &settings(&json!({"canary": {"replicas": wanted}})), live).unwrap();
        find(&rendered, "Deployment/web-canary")["spec"]["replicas"].as_u64().unwrap()
    };
    let scaled = |count: u32| deployed(&APP.replace("replicas: 4", &format!("replicas: {count}")));
    assert_eq!(replicas(json!({"count": 3}), &[]), 3);
    assert_eq!(replicas(json!({"share": 0.5}), &[]), 2);
    // The autoscaler has made it 30.
    assert_eq!(replicas(json!({"share": 0.1}), &scaled(30)), 3);
    assert_eq!(replicas(json!({"share": 0.1}), &scaled(31)), 4);
    assert_eq!(replicas(json!({"share": 0.1}), &scaled(0)), 1);
}

#[test]
fn all_else_waits_for_the_promotion() {
    let new = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: unread}\n";
    let rendered = canary(&(APP.to_owned() + new), &Settings::default(), &deployed(APP)).unwrap();
    assert_eq!(ids(&rendered), ["Deployment/web-canary"]);
    let withheld: Vec<String> = rendered.withheld.iter().map(ToString::to_string).collect();
    assert!(withheld.contains(&"HorizontalPodAutoscaler/web".to_owned()), "{withheld:?}");
    assert!(withheld.contains(&"ConfigMap/unread".to_owned()), "{withheld:?}");
    assert!(!withheld.contains(&"Deployment/web".to_owned()), "{withheld:?}");
}

#[test]
fn nothing_to_try_is_an_error_that_lists_the_workloads() {
    let text = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: a}\nspec: {template: {spec: {containers: [{name: a, image: a}]}}}\n";
    let error = canary(text, &Settings::default(), &[]).unwrap_err().to_string();
    assert!(error.contains("apps/Deployment") && error.contains("available: Job/a"), "{error}");
}

#[test]
fn other_kinds_by_choice() {
    let wanted = json!({
        "pod_templates": {"argoproj.io/Rollout": "spec.template"},
        "canary": {"kinds": ["argoproj.io/Rollout", "apps/StatefulSet"]},
    });
    let text = APP.replace("apps/v1\nkind: Deployment", "argoproj.io/v1alpha1\nkind: Rollout");
    assert_eq!(ids(&canary(&text, &settings(&wanted), &[]).unwrap()), ["Rollout/web-canary"]);
    let text = APP.replace("kind: Deployment", "kind: StatefulSet");
    assert_eq!(ids(&canary(&text, &settings(&wanted), &[]).unwrap()), ["StatefulSet/web-canary"]);
    assert!(canary(&text, &Settings::default(), &[]).unwrap_err().is_invalid());
}

#[test]
fn names_too_long_or_taken_are_refused() {
    let long = |length: usize| APP.replacen("name: web,", &format!("name: {},", "w".repeat(length)), 1);
    assert!(canary(&long(235), &Settings::default(), &[]).is_ok());
    let error = canary(&long(236), &Settings::default(), &[]).unwrap_err().to_string();
    assert!(error.contains("too long") && error.contains("longest: 242"), "{error}");

    let taken = format!(
        "{APP}---\n{}",
        APP.trim_start().split("---").next().unwrap().replacen("name: web,", "name: web-canary,", 1)
    );
    let error = canary(&taken, &Settings::default(), &[]).unwrap_err().to_string();
    assert!(error.contains("taken") && error.contains("app.yaml, document 5"), "{error}");
}

#[test]
fn a_selector_is_needed_and_may_not_contradict() {
    let without = APP.replace("  selector: {matchLabels: {app: web}}\n  template", "  template");
    let error = canary(&without, &Settings::default(), &[]).unwrap_err().to_string();
    assert!(error.contains("field: spec.selector"), "{error}");
    let stable_only = APP.replace(
        "selector: {matchLabels: {app: web}}\n  template",
        "selector: {matchExpressions: [{key: track, operator: In, values: [stable]}]}\n  template",
    );
    let error = canary(&stable_only, &Settings::default(), &[]).unwrap_err().to_string();
    assert!(error.contains("does not match the labels"), "{error}");
    // One that names the stable track is replaced.
    let tracked = APP.replacen("matchLabels: {app: web}", "matchLabels: {app: web, track: stable}", 1);
    let rendered = canary(&tracked, &Settings::default(), &[]).unwrap();
    assert_eq!(
        find(&rendered, "Deployment/web-canary")["spec"]["selector"]["matchLabels"]["track"],
        "canary"
    );
}

#[test]
fn a_canary_rendered_again_stays_as_it_is() {
    let text = format!("{APP}---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c}}\ndata: {{a: b}}\n")
        .replace(
            "containers: [{name: web,",
            "containers: [{name: web, envFrom: [{configMapRef: {name: c}}],",
        );
    let wanted = settings(&json!({"canary": {"replicas": {"share": 0.5}}}));
    let first = canary(&text, &wanted, &[]).unwrap();
    let again = nprt_manifest::Manifests { documents: first.documents.clone(), ignored: Vec::new() };
    let beside = Beside { live: &live(APP), ..Beside::default() };
    let second = nprt_manifest::canary(&again, &version("main-3f2a91c"), &wanted, &beside).unwrap();
    assert_eq!(ids(&first), ["ConfigMap/c-canary", "Deployment/web-canary"]);
    assert_eq!(second.documents, first.documents);
    assert!(second.changes.is_empty());
}

#[test]
fn what_ties_an_export_to_the_original_is_left_behind() {
    let exported = "{name: web, uid: abc, resourceVersion: '7', generation: 3, \
                    annotations: {kubectl.kubernetes.io/last-applied-configuration: x, a: b}, labels";
    let text = APP.replacen("{name: web, labels", exported, 1);
    let rendered = canary(&text, &Settings::default(), &[]).unwrap();
    let metadata = find(&rendered, "Deployment/web-canary")["metadata"].as_object().unwrap();
    assert_eq!(metadata.keys().collect::<Vec<_>>(), ["name", "annotations", "labels"]);
    let annotations: Vec<&String> = metadata["annotations"].as_object().unwrap().keys().collect();
    assert_eq!(annotations, ["a", "nprt.dev/revision", "nprt.dev/tag"]);
}
