//! Selectors that go by labels which nprt sets on pods.

use nprt_core::{Error, Result};
use nprt_manifest::Settings;
use serde_json::{Value, json};

use super::canary::canary;
use super::{find, live, manifests, settings, version};

/// A Deployment whose pods have these labels beside `app`, and what else there is.
fn app(labels: &str, more: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\nspec:\n  selector: {{matchLabels: {{app: web}}}}\n  \
         template:\n    metadata: {{labels: {{app: web{labels}}}}}\n    spec: {{containers: [{{name: a, image: web}}]}}\n{more}"
    )
}

fn object(api: &str, kind: &str, spec: &str) -> String {
    format!("---\napiVersion: {api}\nkind: {kind}\nmetadata: {{name: theirs}}\nspec: {spec}\n")
}

fn stable(text: &str, wanted: &Value, around: &str) -> Result<nprt_manifest::Rendered> {
    nprt_manifest::stable(&manifests(text), &version("main-3f2a91c"), &settings(wanted), &live(around))
}

fn refused(error: &Error, parts: &[&str]) {
    assert!(error.is_invalid(), "{error}");
    let text = error.to_string();
    for part in parts {
        assert!(text.contains(part), "{part}: {text}");
    }
}

/// Every kind that selects pods, by a label with the team's own value.
const BY_VERSION: [(&str, &str, &str, &str); 7] = [
    ("v1", "Service", "{selector: {app: web, app.kubernetes.io/version: '2.1'}}", "spec.selector"),
    (
        "policy/v1",
        "PodDisruptionBudget",
        "{selector: {matchLabels: {app.kubernetes.io/version: '2.1'}}}",
        "spec.selector",
    ),
    (
        "networking.k8s.io/v1",
        "NetworkPolicy",
        "{podSelector: {matchExpressions: [{key: app.kubernetes.io/version, operator: In, values: ['2.0', '2.1']}]}}",
        "spec.podSelector",
    ),
    (
        "networking.k8s.io/v1",
        "NetworkPolicy",
        "{podSelector: {}, egress: [{to: [{podSelector: {matchLabels: {app: web, app.kubernetes.io/version: '2.1'}}}]}]}",
        "spec.egress[0].to[0].podSelector",
    ),
    (
        "monitoring.coreos.com/v1",
        "PodMonitor",
        "{selector: {matchLabels: {app.kubernetes.io/version: '2.1'}}}",
        "spec.selector",
    ),
    (
        "batch/v1",
        "CronJob",
        "{jobTemplate: {spec: {template: {spec: {containers: [{name: a, image: 'b:1'}], affinity: {podAffinity: \
         {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: host, labelSelector: {matchLabels: \
         {app.kubernetes.io/version: '2.1'}}}]}}}}}}}",
        "labelSelector",
    ),
    (
        "cilium.io/v2",
        "CiliumNetworkPolicy",
        "{endpointSelector: {matchLabels: {app.kubernetes.io/version: '2.1'}}}",
        "spec.endpointSelector",
    ),
];

#[test]
fn a_selector_by_the_teams_own_version_is_refused_in_the_manifests_and_in_the_cluster() {
    let labels = ", app.kubernetes.io/version: '2.1'";
    for (api, kind, spec, field) in BY_VERSION {
        let theirs = object(api, kind, spec);
        let parts = [
            &*format!("by: {kind}/theirs"),
            field,
            "label: app.kubernetes.io/version",
            "2.1",
            "main-3f2a91c",
        ];
        refused(&stable(&app(labels, &theirs), &json!({}), "").unwrap_err(), &parts);
        refused(&stable(&app(labels, ""), &json!({}), &theirs).unwrap_err(), &parts);
        refused(&canary(&app(labels, &theirs), &Settings::default(), &[]).unwrap_err(), &parts);
        // With the label off, it is left alone.
        let off = json!({"labels": {"version": null}});
        let rendered = stable(&app(labels, &theirs), &off, "").unwrap();
        let web = &find(&rendered, "Deployment/web")["spec"]["template"]["metadata"]["labels"];
        assert_eq!(web["app.kubernetes.io/version"], "2.1");
    }
}

#[test]
fn the_teams_own_track_is_refused_and_stable_is_not() {
    let service =
        |track: &str| object("v1", "Service", &format!("{{selector: {{app: web, track: {track}}}}}"));
    let error = stable(&app(", track: backend", &service("backend")), &json!({}), "").unwrap_err();
    refused(
        &error,
        &["by: Service/theirs", "label: track", "track=backend", "track=stable", "`transform.labels`"],
    );
    for off in [json!({"labels": {"track": "release"}}), json!({"labels": {"track": ""}})] {
        assert!(stable(&app(", track: backend", &service("backend")), &off, "").is_ok());
    }
    // On purpose: our label, or theirs with the same meaning.
    for labels in ["", ", track: stable"] {
        assert!(stable(&app(labels, &service("stable")), &json!({}), "").is_ok());
    }
    let budget =
        object("policy/v1", "PodDisruptionBudget", "{selector: {matchLabels: {nprt.dev/track: stable}}}");
    assert!(stable(&app("", &budget), &json!({}), "").is_ok(), "the service's own means stable alone");
}

#[test]
fn the_live_pods_count_too() {
    // Somebody pinned a Service to the version that runs.
    let running = app(", app.kubernetes.io/version: main-0000000", "");
    let pinned = object("v1", "Service", "{selector: {app: web, app.kubernetes.io/version: main-0000000}}");
    let error = stable(&app("", ""), &json!({}), &(running + &pinned)).unwrap_err();
    refused(&error, &["main-0000000", "main-3f2a91c", "by: Service/theirs"]);
    // And a policy that wants none with the label.
    let without = object(
        "networking.k8s.io/v1",
        "NetworkPolicy",
        "{podSelector: {matchExpressions: [{key: track, operator: DoesNotExist}]}}",
    );
    refused(&stable(&app("", ""), &json!({}), &without).unwrap_err(), &["label: track", "!track"]);
}

#[test]
fn a_selector_of_somebody_else_must_not_begin_to_select_our_pods() {
    for spec in ["{selector: {track: stable}}", "{selector: {track: stable, nprt.dev/track: stable}}"] {
        let theirs = object("v1", "Service", spec);
        let error = stable(&app("", ""), &json!({}), &theirs).unwrap_err();
        refused(&error, &["of another owner would start to select", "by: Service/theirs", "label:"]);
        // Where it selects them already, nothing changes.
        assert!(
            stable(&app("", ""), &json!({}), &(app(", track: stable, nprt.dev/track: stable", "") + &theirs))
                .is_ok()
        );
    }
    let meant = object("v1", "Service", "{selector: {app: web, track: stable}}");
    assert!(stable(&app("", ""), &json!({}), &meant).is_ok(), "it names the app: it means our pods");
}

#[test]
fn others_are_left_alone() {
    for spec in [
        "{selector: {app: web}}",
        "{selector: {app: other, app.kubernetes.io/version: '2.1'}}",
        "{selector: {app: web, app.kubernetes.io/version: '9'}}",
    ] {
        let labels = ", app.kubernetes.io/version: '2.1'";
        assert!(stable(&app(labels, &object("v1", "Service", spec)), &json!({}), "").is_ok(), "{spec}");
    }
    // A workload that does not belong to the version keeps its labels.
    let fixed =
        app(", app.kubernetes.io/version: '2.1'", BY_VERSION[0].2).replace("image: web", "image: 'web:1'");
    let fixed = fixed.replace(BY_VERSION[0].2, &object("v1", "Service", BY_VERSION[0].2));
    assert!(stable(&fixed, &json!({}), "").is_ok());
    // Another namespace's.
    let far =
        object("v1", "Service", BY_VERSION[0].2).replace("{name: theirs}", "{name: theirs, namespace: b}");
    let near =
        app(", app.kubernetes.io/version: '2.1'", "").replace("{name: web}", "{name: web, namespace: a}");
    assert!(stable(&near, &json!({}), &far).is_ok());
}

#[test]
fn a_policy_that_misses_the_canary_is_a_warning() {
    let policy = object(
        "networking.k8s.io/v1",
        "NetworkPolicy",
        "{podSelector: {matchLabels: {app: db}}, ingress: [{from: [{podSelector: {matchLabels: {app: web, track: stable}}}]}]}",
    );
    let service = object("v1", "Service", "{selector: {app: web}}");
    for (text, around) in
        [(app("", &(policy.clone() + &service)), String::new()), (app("", &service), policy.clone())]
    {
        let rendered = canary(&text, &Settings::default(), &live(&around)).unwrap();
        let [warning] = &*rendered.warnings else { panic!("{:?}", rendered.warnings) };
        for part in ["NetworkPolicy/theirs", "spec.ingress[0].from[0].podSelector", "app=web,track=stable"] {
            assert!(warning.contains(part), "{warning}");
        }
    }
    let both = policy.replace(", track: stable", "");
    assert!(canary(&app("", &(both + &service)), &Settings::default(), &[]).unwrap().warnings.is_empty());
}
