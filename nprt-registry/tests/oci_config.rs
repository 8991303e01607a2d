//! The configuration, and credentials that docker has.
#![cfg(feature = "oci")]
#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use nprt_core::model::ImageName;
use nprt_core::ports::ImageRegistry;
use nprt_core::{Error, ErrorKind};
use nprt_registry::oci::{OciConfig, OciRegistry};
use serde_json::{Value, json};
use wiremock::matchers::{any, header};
use wiremock::{Mock, MockServer, ResponseTemplate};

fn build(config: &Value) -> Result<OciRegistry, String> {
    let config: OciConfig = serde_json::from_value(config.clone()).map_err(|error| error.to_string())?;
    OciRegistry::builder(config).build().map_err(|error| error.to_string())
}

#[test]
fn a_bad_configuration_names_its_field() {
    let cases = [
        (json!({"page_size": 0}), "page_size"),
        (json!({"page_size": 5000}), "page_size"),
        (json!({"http": {"timeout_seconds": 0}}), "time-out"),
        (json!({"docker_config": {"timeout_seconds": 0}}), "docker_config.timeout_seconds"),
        (json!({"page_sice": 1}), "page_sice"),
        (json!({"registries": {"https://gcr.io": {}}}), "https://gcr.io"),
        (json!({"registries": {"gcr.io": {"host": "a/b"}}}), "host"),
        (json!({"registries": {"gcr.io": {"realms": ["x"]}}}), "realms"),
        (
            json!({"registries": {"gcr.io": {"credentials": {"basic": {"username": "", "password": "x"}}}}}),
            "username",
        ),
        (
            json!({"registries": {"gcr.io": {"credentials": {"basic": {"username": "x", "password": ""}}}}}),
            "password",
        ),
        (json!({"registries": {"gcr.io": {"credentials": {"token": "x"}}}}), "identity_token"),
    ];
    for (config, expected) in cases {
        let error = build(&config).unwrap_err();
        assert!(error.contains(expected), "{config}: {error}");
    }
}

#[test]
fn no_secret_is_printed() {
    let credentials = json!({"basic": {"username": "nprt", "password": "s3cret-word"}});
    let config = json!({"registries": {"gcr.io": {"credentials": credentials}}});
    let config: OciConfig = serde_json::from_value(config).unwrap();
    assert!(!format!("{config:?}").contains("s3cret-word"));
    let builder = OciRegistry::builder(config);
    assert!(!format!("{builder:?}").contains("s3cret-word"));
    assert!(!format!("{:?}", builder.build().unwrap()).contains("s3cret-word"));
}

/// A registry that takes `nprt:s3cret-word` alone, and what a client gets that has docker's `config.json` from `file`.
async fn tags_with(file: &Path, content: &dyn Fn(&str) -> Value) -> Result<usize, Error> {
    let server = MockServer::start().await;
    let known = ResponseTemplate::new(200).set_body_json(json!({"tags": ["v1"]}));
    let ask = ResponseTemplate::new(401).insert_header("www-authenticate", "Basic realm=x");
    Mock::given(header("authorization", "Basic bnBydDpzM2NyZXQtd29yZA=="))
        .respond_with(known)
        .mount(&server)
        .await;
    Mock::given(any()).respond_with(ask).mount(&server).await;
    std::fs::write(file, content(&server.address().to_string()).to_string()).unwrap();
    let config = json!({"docker_config": {"file": file, "timeout_seconds": 1}});
    let client = build(&config).unwrap();
    let image = ImageName::new(&format!("{}/shop/cart", server.address())).unwrap();
    client.tags(&image).await.map(|tags| tags.len())
}

#[tokio::test]
async fn dockers_configuration_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.json");
    let auth = |host: &str| json!({"auths": {host: {"auth": "bnBydDpzM2NyZXQtd29yZA=="}}});
    assert_eq!(tags_with(&file, &auth).await.unwrap(), 1);
    for none in [json!({}), json!({"auths": {"gcr.io": {"auth": "bnBydDpzM2NyZXQtd29yZA=="}}})] {
        let error = tags_with(&file, &|_| none.clone()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
    }
    for bad in [json!([1]), json!({"auths": 1})] {
        let error = tags_with(&file, &|_| bad.clone()).await.unwrap_err();
        assert!(error.to_string().contains("config.json"), "{error}");
    }
}

/// Runs itself again with the helpers in `PATH`, since a test cannot change its own environment.
#[tokio::test]
async fn credential_helpers_are_asked() {
    const HELPERS: [(&str, &str); 5] = [
        ("good", r#"echo '{"ServerURL": "x", "Username": "nprt", "Secret": "s3cret-word"}'"#),
        ("none", "echo 'credentials not found in native keychain'; exit 1"),
        ("fails", "echo 's3cret-word'; echo 's3cret-word' >&2; exit 1"),
        ("garbles", "echo 's3cret-word'"),
        ("hangs", "exec sleep 3"),
    ];
    let folder = tempfile::tempdir().unwrap();
    if std::env::var_os("NPRT_TEST_HELPERS").is_none() {
        for (name, script) in HELPERS {
            let program = folder.path().join(format!("docker-credential-{name}"));
            std::fs::write(&program, format!("#!/bin/sh\ncat >/dev/null\n{script}\n")).unwrap();
            std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
        let again = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "credential_helpers_are_asked", "--nocapture"])
            .envs([("PATH", path.as_str()), ("NPRT_TEST_HELPERS", "1")])
            .output()
            .unwrap();
        assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
        return;
    }
    let file = folder.path().join("config.json");
    let with = async |name: &str| tags_with(&file, &|host| json!({"credHelpers": {host: name}})).await;
    assert_eq!(with("good").await.unwrap(), 1);
    assert_eq!(tags_with(&file, &|_| json!({"credsStore": "good"})).await.unwrap(), 1);
    for (name, kind, said) in [
        ("none", ErrorKind::Unauthenticated, "none are configured"),
        ("fails", ErrorKind::Unauthenticated, "docker-credential-fails failed"),
        ("garbles", ErrorKind::Unauthenticated, "answer cannot be read"),
        ("missing", ErrorKind::Unauthenticated, "cannot be run"),
        ("hangs", ErrorKind::Timeout, "did not answer"),
    ] {
        let error = with(name).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{name}: {error}");
        assert!(error.to_string().contains(said), "{name}: {error}");
        assert!(!format!("{error:?}").contains("s3cret-word"), "{name}: {error:?}");
    }
}
