//! The image: what can be seen of it without a daemon that builds it.

use std::path::Path;
use std::process::Command;

use nprt_testkit::{need, tool};

use crate::support::HERE;

fn dockerfile() -> String {
    std::fs::read_to_string(Path::new(HERE).join("Dockerfile")).unwrap()
}

#[test]
fn hadolint_finds_nothing() {
    let Some(hadolint) = need(tool("hadolint")) else { return };
    let output = Command::new(hadolint).arg("Dockerfile").current_dir(HERE).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// The last stage is what `docker build` makes: from nothing, as the pods of the manifests run it.
#[test]
fn the_image_is_as_the_manifests_run_it() {
    let text = dockerfile();
    let last = text.rsplit("\nFROM ").next().unwrap();
    assert!(last.starts_with("scratch "), "{last}");
    let deployment = std::fs::read_to_string(Path::new(HERE).join("kubernetes/deployment.yaml")).unwrap();
    for user in ["runAsUser: 65532", "runAsGroup: 65532"] {
        assert!(deployment.contains(user), "{user}");
    }
    for stage in text.split("\nFROM ").skip(2) {
        assert!(
            stage.contains("USER 65532:65532") && stage.contains("ENTRYPOINT [\"/deployer\"]"),
            "{stage}"
        );
    }
}

/// The compiler and the profile are those of the workspace, and each feature is one of the package.
#[test]
fn it_is_built_as_the_workspace_says() {
    let text = dockerfile();
    let workspace = std::fs::read_to_string(Path::new(HERE).join("../../Cargo.toml")).unwrap();
    let version = workspace.split("rust-version = \"").nth(1).unwrap().split('"').next().unwrap();
    assert!(text.contains(&format!("FROM rust:{version}-")), "{version}");
    let profile = text.split("--profile ").nth(1).unwrap().split_whitespace().next().unwrap();
    assert!(workspace.contains(&format!("\n[profile.{profile}]\n")), "{profile}");
    assert!(text.contains(&format!("unknown-linux-musl/{profile}/deployer\" /deployer")), "{profile}");
    let package = std::fs::read_to_string(Path::new(HERE).join("Cargo.toml")).unwrap();
    let features = text.split("--features ").nth(1).unwrap().split_whitespace().next().unwrap();
    for feature in features.split(',') {
        assert!(package.contains(&format!("\n{feature} = [")), "{feature}");
    }
}
