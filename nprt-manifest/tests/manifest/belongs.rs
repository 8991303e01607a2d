//! What belongs to a version, and what is left alone.

use nprt_core::model::Object;
use nprt_manifest::{Rendered, Settings};
use serde_json::{Value, json};

use super::canary::{APP, canary};
use super::{file, find, ids, manifests, settings, version};

/// A workload beside the service's own, of any kind that runs pods, with these containers.
fn workload(kind: &str, name: &str, containers: &str) -> String {
    let template =
        format!("{{metadata: {{labels: {{app: {name}}}}}, spec: {{restartPolicy: Always, {containers}}}}}");
    let (group, spec) = match kind {
        "CronJob" => {
            ("batch/v1", format!("{{schedule: '@daily', jobTemplate: {{spec: {{template: {template}}}}}}}"))
        }
        "Job" => ("batch/v1", format!("{{template: {template}}}")),
        _ => ("apps/v1", format!("{{selector: {{matchLabels: {{app: {name}}}}}, template: {template}}}")),
    };
    format!("---\napiVersion: {group}\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {spec}\n")
}

fn stable(text: &str, wanted: &Settings, tag: &str, live: &[Object]) -> Rendered {
    nprt_manifest::stable(&manifests(text), &version(tag), wanted, live).unwrap()
}

#[test]
fn what_runs_no_image_of_the_version_is_as_the_manifest_has_it() {
    let kinds = ["StatefulSet", "Deployment", "DaemonSet", "CronJob", "Job"];
    for containers in [
        "containers: [{name: db, image: 'postgres:16'}]",
        "containers: [{name: db, image: 'postgres:16@sha256:{}', env: [{name: VERSION, value: theirs}]}]",
        "initContainers: [{name: i, image: 'busybox:1'}], containers: [{name: db, image: 'registry:5000/db:1'}]",
    ] {
        let containers = containers.replace("{}", &"ab".repeat(32));
        for kind in kinds {
            let text = format!("{APP}{}", workload(kind, "db", &containers));
            let wanted =
                settings(&json!({"datadog": true, "open_telemetry": true, "stable_selector": "add-track"}));
            let first = stable(&text, &wanted, "main-3f2a91c", &[]);
            let mut expected = manifests(&text).documents.pop().unwrap().object.into_value();
            expected["metadata"]["labels"] = json!({"nprt.dev/service": "shop"});
            assert_eq!(find(&first, &format!("{kind}/db")), &expected);
            let second = stable(&text, &wanted, "main-0000000", &[]);
            assert_eq!(find(&second, &format!("{kind}/db")), &expected, "another version changes nothing");
        }
    }
}

/// An earlier nprt gave its selector our track: it cannot change, and must select the pods.
#[test]
fn a_selector_that_is_live_is_kept_where_the_workload_no_longer_belongs() {
    let text = workload("Deployment", "redis", "containers: [{name: a, image: 'redis:7'}]");
    let live = workload("Deployment", "redis", "containers: [{name: a, image: 'redis:7'}]")
        .replace("matchLabels: {app: redis}", "matchLabels: {app: redis, track: stable}");
    let rendered = ["v1", "v2"].map(|tag| stable(&text, &Settings::default(), tag, &super::live(&live)));
    assert_eq!(rendered[0].documents, rendered[1].documents, "no pod restarts");
    let redis = find(&rendered[0], "Deployment/redis");
    for labels in ["/spec/selector/matchLabels", "/spec/template/metadata/labels"] {
        assert_eq!(redis.pointer(labels), Some(&json!({"app": "redis", "track": "stable"})));
    }
}

#[test]
fn one_container_of_the_version_is_enough() {
    for containers in [
        "containers: [{name: proxy, image: 'envoy:1'}, {name: a, image: app}]",
        "initContainers: [{name: i, image: app}], containers: [{name: proxy, image: 'envoy:1'}]",
    ] {
        let rendered =
            stable(&workload("Deployment", "mixed", containers), &Settings::default(), "main-3f2a91c", &[]);
        let mixed = find(&rendered, "Deployment/mixed");
        assert_eq!(
            mixed["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/version"],
            "main-3f2a91c"
        );
        for container in ["containers", "initContainers"] {
            for container in mixed["spec"]["template"]["spec"][container].as_array().into_iter().flatten() {
                assert_eq!(
                    container["env"][1],
                    json!({"name": "VERSION", "value": "main-3f2a91c"}),
                    "{container}"
                );
            }
        }
    }
}

#[test]
fn a_job_that_the_version_runs_belongs_to_it() {
    let job = workload("Job", "migrate", "containers: [{name: a, image: 'flyway:10'}]")
        .replace("{name: migrate}", "{name: migrate, annotations: {nprt.dev/run: before}}");
    let names =
        ["main-3f2a91c", "main-0000000"].map(|tag| ids(&stable(&job, &Settings::default(), tag, &[])));
    assert_ne!(names[0], names[1], "each version runs its own");
}

#[test]
fn listed_images_belong_and_keep_the_tag_that_is_written() {
    // As Helm and kustomize render them: every tag is there.
    let text =
        format!("{APP}{}", workload("Deployment", "redis", "containers: [{name: a, image: 'redis:7.2'}]"))
            .replace("image: shop/web", "image: shop/web:v1.2.4");
    for listed in ["shop/web", "docker.io/shop/web"] {
        let wanted = settings(&json!({"images": [listed]}));
        assert!(
            nprt_manifest::images(&manifests(&text), &wanted).unwrap().is_empty(),
            "the registry is not asked"
        );
        let rendered = stable(&text, &wanted, "v1.2.4", &[]);
        let web = find(&rendered, "Deployment/web");
        assert_eq!(web["spec"]["template"]["spec"]["containers"][0]["image"], "shop/web:v1.2.4");
        assert_eq!(web["metadata"]["labels"]["app.kubernetes.io/version"], "v1.2.4");
        assert_eq!(
            find(&rendered, "Deployment/redis")["spec"]["template"]["metadata"],
            json!({"labels": {"app": "redis"}})
        );
        let canary = canary(&text, &wanted, &[]).unwrap();
        assert_eq!(ids(&canary), ["Deployment/web-canary"]);
        assert!(
            canary.warnings[0].starts_with("Deployment/redis: runs no image of this version"),
            "{:?}",
            canary.warnings
        );
    }
}

#[test]
fn an_open_image_that_is_listed_takes_the_versions_tag() {
    let wanted = settings(&json!({"images": ["shop/web"], "registry_prefix": "registry.example.com"}));
    let rendered = stable(APP, &wanted, "main-3f2a91c", &[]);
    let container = &find(&rendered, "Deployment/web")["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["image"], "registry.example.com/shop/web:main-3f2a91c");
}

#[test]
fn where_nothing_belongs_it_is_said_what_to_do() {
    let text = APP.replace("image: shop/web", "image: shop/web:v1.2.4");
    let rendered = stable(&text, &Settings::default(), "v1", &[]);
    let [warning] = &*rendered.warnings else { panic!("{:?}", rendered.warnings) };
    assert!(warning.contains("shop/web:v1.2.4") && warning.contains("`images` of the service"), "{warning}");
    let error = canary(&text, &Settings::default(), &[]).unwrap_err().to_string();
    assert!(error.contains("shop/web:v1.2.4") && error.contains("`images` of the service"), "{error}");
    let none = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
    assert!(
        stable(none, &Settings::default(), "v1", &[]).warnings.is_empty(),
        "without workloads nothing is missing"
    );
}

#[test]
fn a_workload_may_opt_out_of_canaries() {
    let worker = |says: &str| {
        let text = workload("Deployment", "worker", "containers: [{name: a, image: app}]");
        format!(
            "{APP}{}",
            text.replace(
                "{name: worker}",
                &format!("{{name: worker, annotations: {{nprt.dev/canary: '{says}'}}}}")
            )
        )
    };
    let rendered = canary(&worker("false"), &Settings::default(), &[]).unwrap();
    assert_eq!(ids(&rendered), ["Deployment/web-canary"]);
    assert!(
        rendered.warnings[0].contains("Deployment/worker: opts out by nprt.dev/canary"),
        "{:?}",
        rendered.warnings
    );
    assert!(rendered.withheld.iter().any(|id| id.name == "worker"), "it waits for the promotion");
    assert_eq!(ids(&canary(&worker("true"), &Settings::default(), &[]).unwrap()).len(), 2);
    let error = canary(&worker("no"), &Settings::default(), &[]).unwrap_err().to_string();
    assert!(error.contains("object: Deployment/worker") && error.contains("nprt.dev/canary"), "{error}");
    let alone = worker("false").rsplit("---").next().unwrap().to_owned();
    let error = canary(&alone, &Settings::default(), &[]).unwrap_err().to_string();
    assert!(error.contains("opts out") && error.contains("Deployment/worker"), "{error}");
    let stays = stable(&worker("false"), &Settings::default(), "v1", &[]);
    assert_eq!(
        find(&stays, "Deployment/worker")["metadata"]["labels"]["track"],
        "stable",
        "it is of the version"
    );
}

#[test]
fn a_listed_image_names_no_tag() {
    let wrong: Result<Settings, _> = serde_json::from_value(json!({"images": ["shop/web:v1"]}));
    assert!(wrong.unwrap_err().to_string().contains("without tag or digest"));
    let bad: Value = json!({"canary": {"fixed_images": true}});
    assert!(serde_json::from_value::<Settings>(bad).is_err(), "what is gone is refused");
}

#[test]
fn a_bad_image_of_another_workload_names_its_place() {
    let text = format!("{APP}{}", workload("StatefulSet", "db", "containers: [{name: db, image: 'A B'}]"));
    let read = nprt_manifest::read(&[file("app.yaml", &text)]).unwrap();
    for error in [
        nprt_manifest::stable(&read, &version("v1"), &Settings::default(), &[]).unwrap_err(),
        nprt_manifest::canary(&read, &version("v1"), &Settings::default(), &nprt_manifest::Beside::default())
            .unwrap_err(),
    ] {
        let error = error.to_string();
        assert!(error.contains("object: StatefulSet/db") && error.contains("container: db"), "{error}");
    }
}
