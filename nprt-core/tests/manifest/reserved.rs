//! What no manifest may bring: nprt's own names, labels and annotations.

use nprt_core::manifest::{self, Beside, Settings};
use nprt_core::{Error, ErrorKind};
use serde_json::json;

use crate::{SHA, file, find, manifests, stable, version};

const APP: &str = "---\n{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {selector: {matchLabels: \
                   {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: \
                   shop}]}}}}\n";

#[track_caller]
fn is_refused(error: &Error, words: &[&str]) {
    assert_eq!(error.kind(), ErrorKind::Forbidden, "{error}");
    let text = error.to_string();
    for word in words {
        assert!(text.contains(word), "{word}: {text}");
    }
}

#[test]
fn names_of_our_own_state_are_refused_in_every_spelling() {
    for (object, name) in [
        ("{apiVersion: v1, kind: Secret, metadata: {name: nprt-undo-shop}}", "Secret/nprt-undo-shop"),
        ("{apiVersion: v1, kind: Secret, metadata: {name: nprt-undo-other.1}}", "Secret/nprt-undo-other.1"),
        ("{apiVersion: v1, kind: ConfigMap, metadata: {name: nprt-judge-shop}}", "ConfigMap/nprt-judge-shop"),
        (
            "{apiVersion: v1, kind: ConfigMap, metadata: {name: nprt-last-canary-a}}",
            "ConfigMap/nprt-last-canary-a",
        ),
        ("{apiVersion: v1, kind: ConfigMap, metadata: {name: nprt-new}}", "ConfigMap/nprt-new"),
        ("{apiVersion: v1, kind: Secret, metadata: {name: nprt-a, namespace: b}}", "Secret/b/nprt-a"),
        ("{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {name: nprt-shop}}", "Lease/nprt-shop"),
        ("{apiVersion: coordination.k8s.io/v1beta1, kind: Lease, metadata: {name: nprt-a}}", "Lease/nprt-a"),
        (
            "{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: Secret, metadata: {name: nprt-a}}]}",
            "Secret/nprt-a",
        ),
        ("{apiVersion: v1, kind: SecretList, items: [{metadata: {name: nprt-a}}]}", "Secret/nprt-a"),
        (
            "{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: Secret, \
          metadata: {name: nprt-a}}]}]}",
            "Secret/nprt-a",
        ),
        ("{apiVersion: v1, kind: Event, metadata: {name: any}}", "Event/any"),
        ("{apiVersion: events.k8s.io/v1, kind: Event, metadata: {name: any}}", "Event/any"),
    ] {
        let error = manifest::read(&[file("own.yaml", &format!("{APP}---\n{object}"))]).unwrap_err();
        is_refused(&error, &["reserved", name, "own.yaml", "document: 2"]);
        assert!(name.starts_with("Event") || error.to_string().contains("`nprt-`"), "{error}");
    }
    let generated = "{apiVersion: v1, kind: Secret, metadata: {generateName: nprt-undo-}}";
    manifest::read(&[file("own.yaml", generated)]).unwrap_err();
    // Names that only look like ours, and other kinds.
    for object in [
        "{apiVersion: v1, kind: Secret, metadata: {name: my-nprt-undo}}",
        "{apiVersion: v1, kind: Service, metadata: {name: nprt-dashboard}}",
        "{apiVersion: example.com/v1, kind: Secret, metadata: {name: nprt-a}}",
    ] {
        manifest::read(&[file("own.yaml", object)]).unwrap();
    }
}

/// Every place in which an object gives labels or annotations to itself or to what is made by it.
#[test]
fn marks_that_only_we_write_are_refused_at_any_depth() {
    for (object, key, field) in [
        (
            "ConfigMap, metadata: {name: a, labels: {nprt.dev/service: other}}",
            "nprt.dev/service",
            "metadata.labels",
        ),
        (
            "ConfigMap, metadata: {name: a, labels: {nprt.dev/track: canary}}",
            "nprt.dev/track",
            "metadata.labels",
        ),
        ("ConfigMap, metadata: {name: a, labels: {nprt.dev/undo: shop}}", "nprt.dev/undo", "metadata.labels"),
        (
            "ConfigMap, metadata: {name: a, annotations: {nprt.dev/epoch: '9'}}",
            "nprt.dev/epoch",
            "metadata.annotations",
        ),
        (
            "ConfigMap, metadata: {name: a, annotations: {nprt.dev/undo-parts: '1'}}",
            "nprt.dev/undo-parts",
            "metadata.annotations",
        ),
        (
            "ConfigMap, metadata: {name: a, annotations: {nprt.dev/revision: abc}}",
            "nprt.dev/revision",
            "metadata.annotations",
        ),
        (
            "ConfigMap, metadata: {name: a, annotations: {nprt.dev/tag: main-1}}",
            "nprt.dev/tag",
            "metadata.annotations",
        ),
        (
            "ConfigMap, metadata: {name: a, annotations: {nprt.dev/started: now}}",
            "nprt.dev/started",
            "metadata.annotations",
        ),
        (
            "ConfigMap, metadata: {name: a, annotations: {nprt.dev/expires: now}}",
            "nprt.dev/expires",
            "metadata.annotations",
        ),
        (
            "ConfigMap, metadata: {name: a, annotations: {nprt.dev/held: '{}'}}",
            "nprt.dev/held",
            "metadata.annotations",
        ),
        (
            "ConfigMap, metadata: {name: a, annotations: {nprt.dev/drift: '[]'}}",
            "nprt.dev/drift",
            "metadata.annotations",
        ),
        (
            "ConfigMap, metadata: {name: a, annotations: {nprt.dev/rules-before: '[]'}}",
            "nprt.dev/rules-before",
            "metadata.annotations",
        ),
        (
            "ConfigMap, metadata: {name: a, annotations: {nprt.dev/http-routes: web}}",
            "nprt.dev/http-routes",
            "metadata.annotations",
        ),
        (
            "ConfigMap, metadata: {name: a, annotations: {nprt.dev/new: a}}",
            "nprt.dev/new",
            "metadata.annotations",
        ),
        (
            "Any, metadata: {name: a}, spec: {template: {metadata: {labels: {nprt.dev/service: other}}}}",
            "nprt.dev/service",
            "spec.template.metadata.labels",
        ),
        (
            "Any, metadata: {name: a}, spec: {volumeClaimTemplates: [{metadata: {labels: {nprt.dev/service: other}}}]}",
            "nprt.dev/service",
            "spec.volumeClaimTemplates[0].metadata.labels",
        ),
        (
            "Any, metadata: {name: a}, spec: {podLabels: {nprt.dev/track: canary}}",
            "nprt.dev/track",
            "spec.podLabels",
        ),
        (
            "Any, metadata: {name: a}, spec: {secretTemplate: {annotations: {nprt.dev/held: a}}}",
            "nprt.dev/held",
            "spec.secretTemplate.annotations",
        ),
    ] {
        let text = format!("{APP}---\n{{apiVersion: v1, kind: {object}}}");
        let (all, version) = (manifests(&text), version("main-3f2a91c"));
        let refused = [
            manifest::stable(&all, &version, &Settings::default(), &[]),
            manifest::canary(&all, &version, &Settings::default(), &Beside::default()),
        ];
        for refused in refused {
            is_refused(
                &refused.unwrap_err(),
                &["reserved", key, &format!("field: {field}"), "app.yaml", "document: 2", "/a"],
            );
        }
    }
}

#[test]
fn what_people_write_and_select_by_is_accepted() {
    let text = format!(
        "{APP}---\n{{apiVersion: v1, kind: ConfigMap, metadata: {{name: a, labels: {{nprt.dev/service: shop}}, annotations: \
         {{nprt.dev/prune: 'false', nprt.dev/canary: 'false'}}}}}}\n---\n{{apiVersion: v1, kind: Service, metadata: {{name: \
         web}}, spec: {{selector: {{app: web, nprt.dev/track: canary}}}}}}\n---\n{{apiVersion: networking.k8s.io/v1, kind: \
         NetworkPolicy, metadata: {{name: web}}, spec: {{podSelector: {{matchLabels: {{nprt.dev/service: other}}}}}}}}\n\
         ---\n{{apiVersion: networking.istio.io/v1, kind: DestinationRule, metadata: {{name: web}}, spec: {{host: web, subsets: \
         [{{name: canary, labels: {{nprt.dev/track: canary}}}}]}}}}\n---\n{{apiVersion: networking.istio.io/v1, kind: \
         Sidecar, metadata: {{name: web}}, spec: {{workloadSelector: {{labels: {{nprt.dev/track: canary}}}}}}}}\n"
    );
    let rendered = stable(&text);
    assert_eq!(
        find(&rendered, "ConfigMap/a")["metadata"]["annotations"],
        json!({"nprt.dev/prune": "false", "nprt.dev/canary": "false"})
    );
}

/// What was rendered can be rendered again, as the same version alone.
#[test]
fn what_we_rendered_ourselves_is_accepted() {
    let all = manifests(APP);
    let rendered =
        manifest::canary(&all, &version("main-3f2a91c"), &Settings::default(), &Beside::default()).unwrap();
    let text = manifest::to_yaml([rendered.documents[0].object.as_value()]).unwrap();
    assert!(text.contains(SHA), "{text}");
    let again =
        |tag| manifest::canary(&manifests(&text), &version(tag), &Settings::default(), &Beside::default());
    assert_eq!(again("main-3f2a91c").unwrap().documents[0].object, rendered.documents[0].object);
    is_refused(&again("main-4").unwrap_err(), &["reserved", "nprt.dev/"]);
}
