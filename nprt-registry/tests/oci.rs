//! The distribution API against the distribution project's registry.
#![cfg(feature = "oci")]
#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use nprt_core::ErrorKind;
use nprt_core::conformance::registry::{Fixture, all, changes_are_seen};
use nprt_core::model::{Digest, ImageName, Secret, Tag};
use nprt_core::ports::{ImageRegistry, RegistryCapabilities};
use nprt_registry::oci::{Credentials, DockerConfig, OciConfig, OciRegistry, RegistryConfig};
use nprt_testkit::{Access, Registry, need};

fn tag(tag: &str) -> Tag {
    Tag::new(tag).unwrap()
}

/// A client of `server` alone, with docker's configuration of this machine left out.
fn client(server: &Registry, credentials: Option<Credentials>, page_size: u32) -> OciRegistry {
    let docker_config = DockerConfig { enabled: false, ..DockerConfig::default() };
    let registry = RegistryConfig { credentials, ..RegistryConfig::default() };
    let registries = BTreeMap::from([(server.host(), registry)]);
    let config = OciConfig { page_size, docker_config, registries, ..OciConfig::default() };
    OciRegistry::builder(config).build().unwrap()
}

fn user(password: &str) -> Option<Credentials> {
    let username = Registry::USERNAME.to_owned();
    Some(Credentials::Basic { username, password: Secret::new(password) })
}

fn image(server: &Registry, repository: &str) -> ImageName {
    ImageName::new(&format!("{}/{repository}", server.host())).unwrap()
}

/// 250 tags of two manifests, and an image that had a tag.
async fn stock(server: &Registry) -> Fixture {
    let names: Vec<String> = (0..250).map(|number| format!("main-{number:07x}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut tags = BTreeMap::new();
    for (names, content) in [(&names[..200], "one"), (&names[200..], "two")] {
        let digest = Digest::new(&server.push("shop/cart", names, content).await.unwrap()).unwrap();
        tags.extend(names.iter().map(|name| (tag(name), digest.clone())));
    }
    server.push("shop/empty", &["gone"], "one").await.unwrap();
    server.delete_tag("shop/empty", "gone").await.unwrap();
    let empty = Some(image(server, "shop/empty"));
    Fixture { image: image(server, "shop/cart"), tags, empty, missing: image(server, "shop/missing") }
}

async fn keeps_the_contract(server: &Registry, credentials: Option<Credentials>) {
    let fixture = stock(server).await;
    for page_size in [100, 1000] {
        all(&client(server, credentials.clone(), page_size), &fixture).await;
    }
    let pushes = AtomicU32::new(0);
    changes_are_seen(&client(server, credentials, 100), &fixture.image, async |tag| {
        let content = format!("push {}", pushes.fetch_add(1, Ordering::Relaxed));
        Digest::new(&server.push("shop/cart", &[tag.as_str()], &content).await.unwrap()).unwrap()
    })
    .await;
}

#[tokio::test]
async fn an_open_registry_keeps_the_contract() {
    let Some(server) = need(Registry::start(Access::Anonymous).await) else { return };
    keeps_the_contract(&server, None).await;
}

#[tokio::test]
async fn a_registry_with_passwords_keeps_the_contract() {
    let Some(server) = need(Registry::start(Access::Basic).await) else { return };
    keeps_the_contract(&server, user(Registry::PASSWORD)).await;
}

#[tokio::test]
async fn a_registry_with_tokens_keeps_the_contract() {
    let Some(server) = need(Registry::start(Access::Bearer).await) else { return };
    keeps_the_contract(&server, user(Registry::PASSWORD)).await;
}

#[tokio::test]
async fn a_token_is_used_until_it_expires() {
    let Some(server) = need(Registry::start(Access::Bearer).await) else { return };
    server.push("shop/cart", &["a", "b"], "one").await.unwrap();
    let client = client(&server, user(Registry::PASSWORD), 1);
    let cart = image(&server, "shop/cart");
    for _ in 0..3 {
        assert_eq!(client.tags(&cart).await.unwrap(), [tag("a"), tag("b")]);
        client.digest(&cart, &tag("a")).await.unwrap();
    }
    assert_eq!(server.tokens_given(), 1);
}

#[tokio::test]
async fn wrong_and_missing_credentials_are_unauthenticated() {
    for access in [Access::Basic, Access::Bearer] {
        let Some(server) = need(Registry::start(access).await) else { return };
        server.push("shop/cart", &["a"], "one").await.unwrap();
        let cart = image(&server, "shop/cart");
        for credentials in [None, Some(Credentials::Anonymous), user("wr0ng-word")] {
            let client = client(&server, credentials, 100);
            for error in
                [client.tags(&cart).await.unwrap_err(), client.digest(&cart, &tag("a")).await.unwrap_err()]
            {
                assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{access:?}: {error}");
                assert!(!format!("{error:?} {client:?}").contains("wr0ng-word"), "{error:?}");
            }
        }
    }
}

#[tokio::test]
async fn dockers_configuration_has_the_password() {
    let Some(server) = need(Registry::start(Access::Basic).await) else { return };
    server.push("shop/cart", &["a"], "one").await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.json");
    let login = serde_json::json!({"username": Registry::USERNAME, "password": Registry::PASSWORD});
    let auths = serde_json::json!({"auths": {server.host(): login}});
    std::fs::write(&file, auths.to_string()).unwrap();
    let docker_config = DockerConfig { file: Some(file), ..DockerConfig::default() };
    let config = OciConfig { docker_config, ..OciConfig::default() };
    let client = OciRegistry::builder(config).build().unwrap();
    assert_eq!(client.tags(&image(&server, "shop/cart")).await.unwrap(), [tag("a")]);
}

#[test]
fn the_capabilities_are_these() {
    let registry = OciRegistry::builder(OciConfig::default()).build().unwrap();
    assert_eq!(registry.capabilities(), RegistryCapabilities { digests: true });
}
