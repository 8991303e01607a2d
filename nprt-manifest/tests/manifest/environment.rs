//! What every container is told about itself.

use serde_json::json;

use super::stable::{DEPLOYMENT, render};
use super::{SHA, find, manifests, settings, stable, variable, version};

#[test]
fn the_environment_is_set_once_and_the_report_says_what_was_there() {
    let text = DEPLOYMENT.replace(
        "image: shop/web",
        "image: a, env: [{name: A, value: $(VERSION)}, {name: TRACK, value: mine}, {name: B, value: b}, \
         {name: TRACK, valueFrom: {fieldRef: {fieldPath: x}}}]",
    );
    let rendered = stable(&text);
    let env = &find(&rendered, "Deployment/web")["spec"]["template"]["spec"]["containers"][0]["env"];
    assert_eq!(
        env,
        &json!([
            {"name": "VERSION", "value": "main-3f2a91c"},
            {"name": "REVISION", "value": SHA},
            {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            {"name": "A", "value": "$(VERSION)"},
            {"name": "B", "value": "b"},
            {"name": "TRACK", "value": "stable"},
        ])
    );
    assert_eq!(
        rendered.warnings,
        ["Deployment/web: container web: TRACK was set in the manifest; ours replaces it"]
    );
}

#[test]
fn names_of_variables_can_be_chosen_and_left_out() {
    let wanted = json!({"environment": {"track": "NPRT_TRACK", "revision": null, "pod_name": ""}});
    let rendered = render(DEPLOYMENT, &wanted);
    let env = &find(&rendered, "Deployment/web")["spec"]["template"]["spec"]["containers"][0]["env"];
    assert_eq!(
        env,
        &json!([{"name": "NPRT_TRACK", "value": "stable"}, {"name": "VERSION", "value": "main-3f2a91c"}])
    );
    let none = json!({"environment": {"track": null, "version": null, "revision": null, "pod_name": null}});
    let rendered = render(DEPLOYMENT, &none);
    assert!(
        find(&rendered, "Deployment/web")["spec"]["template"]["spec"]["containers"][0].get("env").is_none()
    );
}

#[test]
fn open_telemetry_attributes_are_merged() {
    let attributes = |env: &str| {
        let text = DEPLOYMENT.replace("image: shop/web", &format!("image: a, env: [{env}]"));
        let rendered = render(&text, &json!({"open_telemetry": true}));
        let template = find(&rendered, "Deployment/web")["spec"]["template"].clone();
        (variable(&template, "OTEL_RESOURCE_ATTRIBUTES").clone(), rendered.warnings)
    };
    let of = |value: &str| {
        attributes(&format!("{{name: OTEL_RESOURCE_ATTRIBUTES, value: '{value}'}}")).0["value"].clone()
    };
    assert_eq!(attributes("").0["value"], "service.version=main-3f2a91c");
    assert_eq!(of("deployment.environment=prod"), "deployment.environment=prod,service.version=main-3f2a91c");
    assert_eq!(of("a=b, service.version=0, c=d"), "a=b,service.version=main-3f2a91c, c=d");
    let from = "{name: OTEL_RESOURCE_ATTRIBUTES, valueFrom: {configMapKeyRef: {name: a, key: b}}}";
    let (kept, warnings) = attributes(from);
    assert_eq!(kept["valueFrom"]["configMapKeyRef"]["name"], "a");
    assert!(warnings[0].contains("service.version is not added"), "{warnings:?}");
}

#[test]
fn datadog_tags_agree_everywhere() {
    let tag = format!("{}-{SHA}", "b".repeat(60));
    let wanted = settings(&json!({"datadog": true}));
    let rendered = nprt_manifest::stable(&manifests(DEPLOYMENT), &version(&tag), &wanted, &[]).unwrap();
    let web = find(&rendered, "Deployment/web");
    let expected = version(&tag).label();
    assert_eq!(web["metadata"]["labels"]["tags.datadoghq.com/version"], expected);
    assert_eq!(web["spec"]["template"]["metadata"]["labels"]["tags.datadoghq.com/version"], expected);
    assert_eq!(variable(&web["spec"]["template"], "DD_VERSION")["value"], expected);
    let label = "tags.datadoghq.com/service";
    for labels in [&web["metadata"]["labels"], &web["spec"]["template"]["metadata"]["labels"]] {
        assert_eq!(labels[label], "shop");
    }
    let from = json!({"fieldRef": {"fieldPath": "metadata.labels['tags.datadoghq.com/service']"}});
    assert_eq!(variable(&web["spec"]["template"], "DD_SERVICE")["valueFrom"], from);
}

#[test]
fn a_service_that_the_manifest_names_for_datadog_stays() {
    let render = |labels: &str, environment: &str| {
        let text = format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: a, labels: {{{labels}}}}}\n\
             spec: {{containers: [{{name: a, image: a, env: [{environment}]}}]}}\n"
        );
        let wanted = settings(&json!({"datadog": true}));
        let pod = nprt_manifest::stable(&manifests(&text), &version("v1"), &wanted, &[]).unwrap();
        let pod = find(&pod, "Pod/a").clone();
        let label = pod["metadata"]["labels"]["tags.datadoghq.com/service"].clone();
        (label, variable(&pod, "DD_SERVICE").clone())
    };
    let (label, variable) = render("tags.datadoghq.com/service: cart", "");
    assert_eq!((label, variable["valueFrom"].is_object()), (json!("cart"), true));
    let (label, variable) = render("", "{name: DD_SERVICE, value: cart}");
    assert_eq!((label, &variable["value"]), (json!(null), &json!("cart")));
}
