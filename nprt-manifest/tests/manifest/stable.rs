use nprt_manifest::Settings;
use serde_json::{Value, json};

use super::{SHA, find, live, manifests, settings, stable, variable, version};

pub(super) const DEPLOYMENT: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: shop/web}]
";

pub(super) fn render(text: &str, wanted: &Value) -> nprt_manifest::Rendered {
    nprt_manifest::stable(&manifests(text), &version("main-3f2a91c"), &settings(wanted), &[]).unwrap()
}

#[test]
fn tags_every_container_of_every_kind_that_runs_pods() {
    let pod = "{initContainers: [{name: i, image: host:5000/app}], containers: [{name: a, image: app}, {name: b, image: redis:7}], \
               ephemeralContainers: [{name: e, image: dbg}]}";
    let template = format!("{{metadata: {{labels: {{a: b}}}}, spec: {pod}}}");
    let kinds = [
        ("v1", "Pod", format!("spec: {pod}"), "/spec"),
        (
            "v1",
            "ReplicationController",
            format!("spec: {{selector: {{a: b}}, template: {template}}}"),
            "/spec/template/spec",
        ),
        ("apps/v1", "Deployment", format!("spec: {{template: {template}}}"), "/spec/template/spec"),
        ("apps/v1", "StatefulSet", format!("spec: {{template: {template}}}"), "/spec/template/spec"),
        ("apps/v1", "DaemonSet", format!("spec: {{template: {template}}}"), "/spec/template/spec"),
        ("apps/v1", "ReplicaSet", format!("spec: {{template: {template}}}"), "/spec/template/spec"),
        ("batch/v1", "Job", format!("spec: {{template: {template}}}"), "/spec/template/spec"),
        (
            "batch/v1",
            "CronJob",
            format!("spec: {{jobTemplate: {{spec: {{template: {template}}}}}}}"),
            "/spec/jobTemplate/spec/template/spec",
        ),
        ("argoproj.io/v1alpha1", "Rollout", format!("spec: {{template: {template}}}"), "/spec/template/spec"),
    ];
    for (api, kind, spec, path) in kinds {
        let text = format!("apiVersion: {api}\nkind: {kind}\nmetadata: {{name: a}}\n{spec}\n");
        let wanted = json!({"pod_templates": {"argoproj.io/Rollout": "spec.template"}});
        let rendered = render(&text, &wanted);
        let object = rendered.documents[0].object.as_value();
        let spec = object.pointer(path).unwrap();
        assert_eq!(spec["initContainers"][0]["image"], "host:5000/app:main-3f2a91c", "{kind}");
        assert_eq!(spec["containers"][0]["image"], "app:main-3f2a91c", "{kind}");
        assert_eq!(spec["containers"][1]["image"], "redis:7", "{kind}");
        assert_eq!(spec["ephemeralContainers"][0]["image"], "dbg:main-3f2a91c", "{kind}");
        for container in ["initContainers", "containers", "ephemeralContainers"] {
            assert_eq!(spec[container][0]["env"][0], json!({"name": "TRACK", "value": "stable"}), "{kind}");
        }
        assert_eq!(object["metadata"]["labels"]["track"], "stable", "{kind}");
        assert_eq!(object["metadata"]["annotations"]["nprt.dev/tag"], "main-3f2a91c", "{kind}");
        let images = nprt_manifest::images(&manifests(&text), &settings(&wanted)).unwrap();
        let images: Vec<String> = images.iter().map(ToString::to_string).collect();
        assert_eq!(images, ["app", "dbg", "host:5000/app"], "{kind}");
    }
}

#[test]
fn a_kind_that_is_not_configured_only_gets_the_services_label() {
    let text = DEPLOYMENT.replace("apps/v1", "example.com/v1");
    let rendered = stable(&text);
    let mut expected = manifests(&text).documents[0].object.as_value().clone();
    expected["metadata"]["labels"] = json!({"nprt.dev/service": "shop"});
    assert_eq!(rendered.documents[0].object.as_value(), &expected);
    assert_eq!(rendered.changes.len(), 1);
    assert_eq!(
        rendered.changes[0].to_string(),
        "Deployment/web metadata.labels[nprt.dev/service]: \"shop\" (new)"
    );
}

#[test]
fn a_prefix_and_a_pin_apply_to_the_services_own_images_alone() {
    let digest = format!("sha256:{}", "ab".repeat(32));
    let text = DEPLOYMENT.replace(
        "[{name: web, image: shop/web}]",
        &format!("[{{name: a, image: gcr.io/shop/web}}, {{name: b, image: 'redis:7'}}, {{name: c, image: 'app@{digest}'}}]"),
    );
    let wanted = settings(&json!({"registry_prefix": "mirror:5000/all/", "pin_digests": true}));
    let images = nprt_manifest::images(&manifests(&text), &wanted).unwrap();
    assert_eq!(images.iter().map(ToString::to_string).collect::<Vec<_>>(), ["mirror:5000/all/shop/web"]);

    let mut version = version("v1");
    let error = nprt_manifest::stable(&manifests(&text), &version, &wanted, &[]).unwrap_err();
    assert!(error.is_not_found() && error.to_string().contains("mirror:5000/all/shop/web:v1"), "{error}");
    version.digests.insert(images[0].clone(), digest.parse().unwrap());
    let rendered = nprt_manifest::stable(&manifests(&text), &version, &wanted, &[]).unwrap();
    let containers = &find(&rendered, "Deployment/web")["spec"]["template"]["spec"]["containers"];
    assert_eq!(containers[0]["image"], format!("mirror:5000/all/shop/web:v1@{digest}"));
    assert_eq!(containers[1]["image"], "redis:7");
    assert_eq!(containers[2]["image"], format!("app@{digest}"));
}

#[test]
fn a_bad_image_names_its_place() {
    for bad in ["image: 'App'", "image: '$IMAGE'", "image: 'a:'", "image: [x]", "command: [x]"] {
        let text = DEPLOYMENT.replace("image: shop/web", bad);
        let manifests = manifests(&text);
        let asked = nprt_manifest::images(&manifests, &Settings::default()).unwrap_err();
        let rendered =
            nprt_manifest::stable(&manifests, &version("v1"), &Settings::default(), &[]).unwrap_err();
        for error in [asked, rendered] {
            let error = error.to_string();
            for part in
                ["file: app.yaml", "document: 1", "line: 2", "object: Deployment/web", "container: web"]
            {
                assert!(error.contains(part), "{bad}: {error}");
            }
        }
    }
}

#[test]
fn a_workload_without_pods_or_with_the_wrong_shape_names_the_field() {
    let cases = [
        (DEPLOYMENT.replace("template:", "templates:"), "field: spec.template.spec"),
        (DEPLOYMENT.replace("[{name: web, image: shop/web}]", "{a: b}"), "field: containers"),
        (DEPLOYMENT.replace("image: shop/web", "image: a, env: {A: b}"), "field: env"),
        (
            DEPLOYMENT.replace("metadata: {labels: {app: web}}", "metadata: {labels: [a]}"),
            "spec.template.metadata.labels",
        ),
        (DEPLOYMENT.replace("metadata: {labels: {app: web}}", "metadata: a"), "spec.template.metadata"),
    ];
    for (text, part) in cases {
        let error =
            nprt_manifest::stable(&manifests(&text), &version("v1"), &Settings::default(), &[]).unwrap_err();
        assert!(error.is_invalid() && error.to_string().contains(part), "{error}");
    }
}

#[test]
fn identity_is_complete_on_workloads_and_their_pods() {
    let rendered = stable(DEPLOYMENT);
    let web = find(&rendered, "Deployment/web");
    for object in [web, &web["spec"]["template"]] {
        assert_eq!(object["metadata"]["labels"]["nprt.dev/service"], "shop");
        assert_eq!(object["metadata"]["labels"]["track"], "stable");
        assert_eq!(object["metadata"]["labels"]["app.kubernetes.io/version"], "main-3f2a91c");
        assert_eq!(object["metadata"]["labels"]["nprt.dev/track"], "stable");
        let annotations = json!({"nprt.dev/revision": SHA, "nprt.dev/tag": "main-3f2a91c"});
        assert_eq!(object["metadata"]["annotations"], annotations);
    }
    assert_eq!(web["spec"]["selector"], json!({"matchLabels": {"app": "web"}}));
}

#[test]
fn the_labels_for_people_can_be_renamed_or_left_out() {
    let labels = |wanted: Value| {
        let rendered = render(DEPLOYMENT, &json!({"labels": wanted}));
        find(&rendered, "Deployment/web")["spec"]["template"]["metadata"]["labels"].clone()
    };
    let ours = json!({"app": "web", "nprt.dev/service": "shop", "nprt.dev/track": "stable"});
    for off in [json!({"track": null, "version": ""}), json!({"track": "", "version": null})] {
        assert_eq!(labels(off), ours);
    }
    let mut renamed = ours.clone();
    renamed["example.com/track"] = json!("stable");
    renamed["release"] = json!("main-3f2a91c");
    assert_eq!(labels(json!({"track": "example.com/track", "version": "release"})), renamed);
}

/// Where the label is off, the pods have it nevertheless: without it the selector would not select them.
#[test]
fn a_live_selector_is_kept_with_the_label_off() {
    let tracked = DEPLOYMENT.replace("matchLabels: {app: web}", "matchLabels: {app: web, track: stable}");
    let wanted = settings(&json!({"labels": {"track": null}}));
    let rendered =
        nprt_manifest::stable(&manifests(DEPLOYMENT), &version("v1"), &wanted, &live(&tracked)).unwrap();
    let web = find(&rendered, "Deployment/web");
    assert_eq!(web["spec"]["selector"]["matchLabels"]["track"], "stable");
    assert_eq!(web["spec"]["template"]["metadata"]["labels"]["track"], "stable");
}

#[test]
fn a_long_tag_is_short_in_labels_and_whole_elsewhere() {
    let tag = format!("{}-{SHA}", "feature-".repeat(10) + "x");
    let rendered =
        nprt_manifest::stable(&manifests(DEPLOYMENT), &version(&tag), &Settings::default(), &[]).unwrap();
    let web = find(&rendered, "Deployment/web");
    let label = web["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/version"].as_str().unwrap();
    assert!(label.len() <= 63 && label.ends_with(SHA) && label.starts_with("feature-"), "{label}");
    assert_eq!(web["metadata"]["annotations"]["nprt.dev/tag"], tag);
    assert_eq!(variable(&web["spec"]["template"], "VERSION")["value"], tag);
}

#[test]
fn what_runs_no_pods_is_byte_equal_from_version_to_version() {
    let text = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {selector: {app: a}, ports: [{port: 80}]}\n---\n\
                apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b, labels: {x: y}}\ndata: {k: v}\n";
    let bytes = |tag: &str| {
        let rendered =
            nprt_manifest::stable(&manifests(text), &version(tag), &Settings::default(), &[]).unwrap();
        serde_json::to_vec(&rendered.documents.iter().map(|d| d.object.as_value()).collect::<Vec<_>>())
            .unwrap()
    };
    assert_eq!(bytes("main-3f2a91c"), bytes("other-0000000"));
    assert!(!String::from_utf8(bytes("v1")).unwrap().contains("track"));
}

#[test]
fn labels_added_to_pods_do_not_leak_through_an_anchor() {
    let text = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: &labels {app: web}}
spec:
  selector: {matchLabels: *labels}
  template:
    metadata: {labels: {<<: *labels}}
    spec: {containers: [{name: a, image: a, env: &env [{name: A, value: b}]}, {name: b, image: b, env: *env}]}
---
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Service, metadata: {name: web, labels: &more {app: web}}, spec: {selector: *more}}
";
    let rendered = stable(text);
    let web = find(&rendered, "Deployment/web");
    assert_eq!(web["spec"]["selector"], json!({"matchLabels": {"app": "web"}}));
    assert_eq!(web["metadata"]["labels"]["track"], "stable");
    assert_eq!(find(&rendered, "Service/web")["spec"]["selector"], json!({"app": "web"}));
    let containers = web["spec"]["template"]["spec"]["containers"].as_array().unwrap();
    assert!(containers.iter().all(|container| container["env"].as_array().unwrap().len() == 5));
}

#[test]
fn the_selector_of_a_live_workload_stays_as_the_cluster_has_it() {
    let selector = |setting: &str, live_objects: &[nprt_core::model::Object]| {
        let wanted = settings(&json!({"stable_selector": setting}));
        let rendered =
            nprt_manifest::stable(&manifests(DEPLOYMENT), &version("v1"), &wanted, live_objects).unwrap();
        find(&rendered, "Deployment/web")["spec"]["selector"]["matchLabels"].clone()
    };
    let plain = json!({"app": "web"});
    let tracked = json!({"app": "web", "nprt.dev/track": "stable"});
    let by_older = json!({"app": "web", "track": "stable"});
    let without = live(&DEPLOYMENT.replace("name: web}", "name: web, namespace: prod}"));
    let with = |label: &str| {
        live(
            &DEPLOYMENT
                .replace("matchLabels: {app: web}", &format!("matchLabels: {{app: web, {label}: stable}}")),
        )
    };
    assert_eq!(selector("keep", &[]), plain);
    assert_eq!(selector("add-track", &[]), tracked);
    assert_eq!(selector("add-track", &without), plain);
    assert_eq!(selector("keep", &with("nprt.dev/track")), tracked);
    // An earlier nprt, or the tool before it, added the label that people go by.
    for setting in ["keep", "add-track"] {
        assert_eq!(selector(setting, &with("track")), by_older);
    }
}

#[test]
fn a_selector_on_a_label_that_we_change_is_refused() {
    let text = DEPLOYMENT
        .replace("matchLabels: {app: web}", "matchLabels: {app: web, app.kubernetes.io/version: '1'}")
        .replace("labels: {app: web}}", "labels: {app: web, app.kubernetes.io/version: '1'}}");
    let error =
        nprt_manifest::stable(&manifests(&text), &version("v1"), &Settings::default(), &[]).unwrap_err();
    assert!(
        error.to_string().contains("app.kubernetes.io/version") && error.to_string().contains("line: 2"),
        "{error}"
    );
}

#[test]
fn a_live_job_of_another_version_is_told() {
    let job = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: migrate}\nspec: {template: {spec: {containers: [{name: a, image: a}]}}}\n";
    let render = |live: &[nprt_core::model::Object]| {
        nprt_manifest::stable(&manifests(job), &version("v1"), &Settings::default(), live).unwrap()
    };
    assert!(render(&[]).warnings.is_empty());
    let first = render(&[]).documents[0].object.clone();
    assert!(render(&[first]).warnings.is_empty());
    let warnings = render(&live(job)).warnings;
    assert!(warnings[0].contains("Job/migrate is live"), "{warnings:?}");
}

#[test]
fn settings_out_of_range_name_the_field() {
    for (wanted, field) in [
        (json!({"registry_prefix": "https://x"}), "registry_prefix"),
        (json!({"environment": {"track": "A", "version": "A"}}), "environment"),
        (json!({"labels": {"track": "-a"}}), "labels.track"),
        (json!({"labels": {"track": "app", "version": "app"}}), "labels.version"),
        (json!({"labels": {"version": "nprt.dev/tag"}}), "labels.version"),
        (json!({"environment": {"track": "A=B"}}), "environment"),
        (json!({"pod_templates": {"Rollout": "spec"}}), "pod_templates"),
        (json!({"canary": {"replicas": {"count": 0}}}), "canary.replicas.count"),
        (json!({"canary": {"replicas": {"share": 1.5}}}), "canary.replicas.share"),
        (json!({"canary": {"kinds": ["apps/DaemonSet"]}}), "canary.kinds"),
        (json!({"canary": {"kinds": []}}), "canary.kinds"),
    ] {
        let error = nprt_manifest::images(&manifests(DEPLOYMENT), &settings(&wanted)).unwrap_err();
        assert!(error.is_invalid() && error.to_string().contains(&format!("field: {field}")), "{error}");
    }
    assert!(serde_json::from_value::<Settings>(json!({"registry": "x"})).is_err());
}
