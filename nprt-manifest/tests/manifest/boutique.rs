//! Online Boutique: real manifests, unchanged.

use std::collections::BTreeSet;
use std::path::Path;

use nprt_manifest::{Beside, Manifests, Rendered, Settings};
use serde_json::Value;

use super::{find, ids, version};

fn boutique() -> Manifests {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../nprt-shop/online-boutique");
    let files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            super::file(&format!("kubernetes/{name}"), &std::fs::read_to_string(entry.path()).unwrap())
        })
        .collect();
    nprt_manifest::read(&files).unwrap()
}

fn yaml(rendered: &Rendered) -> String {
    let documents =
        nprt_manifest::to_yaml(rendered.documents.iter().map(|document| document.object.as_value()));
    let changes: String = rendered.changes.iter().map(|change| format!("{change}\n")).collect();
    format!("{}\n# changes\n{changes}# warnings\n{}\n", documents.unwrap(), rendered.warnings.join("\n"))
}

#[test]
fn everything_is_read_and_the_kustomization_is_not() {
    let manifests = boutique();
    assert_eq!(manifests.documents.len(), 35);
    assert_eq!(manifests.ignored.len(), 1);
    assert_eq!(manifests.ignored[0].file, "kubernetes/kustomization.yaml");
    let images = nprt_manifest::images(&manifests, &Settings::default()).unwrap();
    let images: Vec<String> = images.iter().map(ToString::to_string).collect();
    assert_eq!(images.len(), 11, "{images:?}");
    assert!(!images.iter().any(|image| image == "redis" || image == "busybox"), "{images:?}");
}

#[test]
fn stable() {
    let rendered =
        nprt_manifest::stable(&boutique(), &version("main-3f2a91c"), &Settings::default(), &[]).unwrap();
    assert_eq!(rendered.documents.len(), 35);
    assert!(rendered.withheld.is_empty());
    let frontend = find(&rendered, "Deployment/frontend");
    assert_eq!(frontend["spec"]["template"]["spec"]["containers"][0]["image"], "frontend:main-3f2a91c");
    assert_eq!(frontend["spec"]["selector"]["matchLabels"], serde_json::json!({"app": "frontend"}));
    assert_eq!(
        frontend["spec"]["template"]["metadata"]["annotations"]["sidecar.istio.io/rewriteAppHTTPProbers"],
        "true"
    );
    let redis = find(&rendered, "Deployment/redis-cart");
    assert_eq!(redis["spec"]["template"]["spec"]["containers"][0]["image"], "redis:alpine");
    let generator = &find(&rendered, "Deployment/loadgenerator")["spec"]["template"]["spec"];
    let init = generator["initContainers"][0]["image"].as_str().unwrap();
    assert!(init.starts_with("busybox"), "{init}");
    assert_eq!(init, boutique_image("loadgenerator", "initContainers"));
    insta::assert_snapshot!("boutique_stable", yaml(&rendered));
}

fn boutique_image(deployment: &str, field: &str) -> String {
    let manifests = boutique();
    let found =
        manifests.documents.iter().find(|d| d.object.kind() == "Deployment" && d.object.name() == deployment);
    found.unwrap().object.as_value()["spec"]["template"]["spec"][field][0]["image"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn canary() {
    let stable =
        nprt_manifest::stable(&boutique(), &version("old-0000000"), &Settings::default(), &[]).unwrap();
    let live: Vec<_> = stable.documents.into_iter().map(|document| document.object).collect();
    let beside = Beside { live: &live, ..Beside::default() };
    let rendered =
        nprt_manifest::canary(&boutique(), &version("main-3f2a91c"), &Settings::default(), &beside).unwrap();
    // Each of the 11 services' own programs; redis-cart runs an image that no version changes.
    assert_eq!(rendered.documents.len(), 11);
    assert!(ids(&rendered).iter().all(|id| id.starts_with("Deployment/") && id.ends_with("-canary")));
    let chosen = |id: &str| ids(&rendered).contains(&format!("{id}-canary"));
    let waits: Vec<String> = rendered.withheld.iter().map(ToString::to_string).collect();
    assert!(
        waits.iter().all(|id| !chosen(id)) && waits.len() + 11 == boutique().documents.len(),
        "{waits:?}"
    );
    let selectors: BTreeSet<String> = rendered
        .documents
        .iter()
        .map(|document| {
            document.object.as_value()["spec"]["selector"]["matchLabels"]["nprt.dev/track"].to_string()
        })
        .collect();
    assert_eq!(selectors, BTreeSet::from([Value::from("canary").to_string()]));
    assert!(
        rendered.warnings.iter().any(|w| w.contains("Deployment/loadgenerator: no Service selects")),
        "{rendered:?}"
    );
    insta::assert_snapshot!("boutique_canary", yaml(&rendered));
}
