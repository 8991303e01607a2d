//! The layout backend on folders as tools write them.
#![cfg(feature = "layout")]
#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Mutex;

use nprt_core::conformance::registry::{Fixture, all, changes_are_seen};
use nprt_core::model::{Digest, ImageName, Tag};
use nprt_core::ports::{ImageRegistry, RegistryCapabilities};
use nprt_registry::layout::{LayoutConfig, LayoutRegistry};
use serde_json::{Value, json};

fn digest(number: u32) -> Digest {
    Digest::new(&format!("sha256:{number:064x}")).unwrap()
}

fn image(name: &str) -> ImageName {
    ImageName::new(name).unwrap()
}

fn tag(tag: &str) -> Tag {
    Tag::new(tag).unwrap()
}

fn descriptor(name: &str, digest: &Digest) -> Value {
    json!({
        "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest, "size": 7,
        "annotations": {"org.opencontainers.image.ref.name": name}
    })
}

fn write(root: &Path, repository: &str, manifests: &[Value]) {
    let folder = root.join(repository);
    fs::create_dir_all(folder.join("blobs/sha256")).unwrap();
    fs::write(folder.join("oci-layout"), r#"{"imageLayoutVersion": "1.0.0"}"#).unwrap();
    let index = json!({"schemaVersion": 2, "manifests": manifests}).to_string();
    fs::write(folder.join("index.json"), index).unwrap();
}

fn registry(root: &Path) -> LayoutRegistry {
    LayoutRegistry::new(LayoutConfig { root: root.to_owned(), registry: None }).unwrap()
}

#[tokio::test]
async fn keeps_the_contract() {
    let root = tempfile::tempdir().unwrap();
    let tags: BTreeMap<Tag, Digest> = ["main-3f2a91c", "feature-x-9b1d2e3", "v1"]
        .iter()
        .zip(1..)
        .map(|(t, n)| (tag(t), digest(n)))
        .collect();
    let stored: Vec<Value> = tags.iter().map(|(tag, digest)| descriptor(tag.as_str(), digest)).collect();
    write(root.path(), "shop/cart", &stored);
    write(root.path(), "shop/empty", &[]);
    let registry = registry(root.path());
    assert_eq!(registry.capabilities(), RegistryCapabilities { digests: true });
    let (empty, missing) = (Some(image("shop/empty")), image("shop/missing"));
    all(&registry, &Fixture { image: image("shop/cart"), tags, empty, missing }).await;

    let number = Mutex::new(100);
    changes_are_seen(&registry, &image("shop/cart"), async |tag| {
        let mut number = number.lock().unwrap();
        *number += 1;
        let digest = digest(*number);
        let stored = stored.iter().cloned().chain([descriptor(tag.as_str(), &digest)]);
        write(root.path(), "shop/cart", &stored.collect::<Vec<_>>());
        digest
    })
    .await;
}

#[tokio::test]
async fn a_name_may_be_the_whole_reference_and_other_names_are_left_out() {
    let root = tempfile::tempdir().unwrap();
    let nameless = json!({"digest": digest(9), "size": 7});
    let other = [
        descriptor("gcr.io/shop/cart:v1", &digest(1)),
        descriptor("gcr.io/shop/other:v2", &digest(2)),
        descriptor("some/path@x", &digest(3)),
        nameless,
    ];
    write(root.path(), "shop/cart", &other);
    assert_eq!(registry(root.path()).tags(&image("gcr.io/shop/cart")).await.unwrap(), [tag("v1")]);
}

#[tokio::test]
async fn an_unknown_image_lists_those_that_are_there() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "shop/cart", &[]);
    write(root.path(), "library/nginx", &[]);
    let error = registry(root.path()).tags(&image("shop/kart")).await.unwrap_err();
    assert_eq!(error.available(), ["library/nginx", "shop/cart"]);
    assert!(registry(root.path()).tags(&image("nginx")).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_folder_may_stand_for_one_registry() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "shop/cart", &[descriptor("v1", &digest(1))]);
    let config =
        |registry: &str| LayoutConfig { root: root.path().to_owned(), registry: Some(registry.to_owned()) };
    let registry = LayoutRegistry::new(config("gcr.io")).unwrap();
    assert_eq!(registry.tags(&image("gcr.io/shop/cart")).await.unwrap(), [tag("v1")]);
    assert!(registry.tags(&image("quay.io/shop/cart")).await.unwrap_err().is_not_found());
    for bad in ["", "https://gcr.io", "gcr", "index.docker.io"] {
        assert!(LayoutRegistry::new(config(bad)).unwrap_err().is_invalid(), "{bad}");
    }
    let nowhere = LayoutConfig { root: root.path().join("nowhere"), registry: None };
    assert!(LayoutRegistry::new(nowhere).unwrap_err().to_string().contains("root"));
}

#[tokio::test]
async fn what_is_malformed_is_named_by_file_and_field() {
    let root = tempfile::tempdir().unwrap();
    let good = |name| descriptor(name, &digest(1));
    let cases: [(&str, String, &[&str]); 7] = [
        ("oci-layout", "{".to_owned(), &["oci-layout", "line 1"]),
        ("oci-layout", r#"{"imageLayoutVersion": "2.0.0"}"#.to_owned(), &["imageLayoutVersion"]),
        ("index.json", "[]".to_owned(), &["index.json", "line 1"]),
        ("index.json", r#"{"schemaVersion": 2}"#.to_owned(), &["index.json", "manifests"]),
        ("index.json", r#"{"schemaVersion": 1, "manifests": []}"#.to_owned(), &["schemaVersion"]),
        (
            "index.json",
            json!({"schemaVersion": 2, "manifests": [good("a"), {"digest": "sha256:00"}]}).to_string(),
            &["index.json", "manifests[1]", "sha256:00"],
        ),
        (
            "index.json",
            json!({"schemaVersion": 2, "manifests": [good("a"), descriptor("a", &digest(2))]}).to_string(),
            &["manifests[1]", "two manifests"],
        ),
    ];
    for (file, content, expected) in cases {
        write(root.path(), "shop/cart", &[]);
        fs::write(root.path().join("shop/cart").join(file), &content).unwrap();
        let error = registry(root.path()).tags(&image("shop/cart")).await.unwrap_err();
        assert!(error.is_invalid(), "{content}: {error}");
        for part in expected {
            assert!(error.to_string().contains(part), "{content}: {error}, without {part}");
        }
    }
    fs::remove_file(root.path().join("shop/cart/index.json")).unwrap();
    let error = registry(root.path()).tags(&image("shop/cart")).await.unwrap_err();
    assert!(error.is_invalid() && error.to_string().contains("index.json"), "{error}");
}
