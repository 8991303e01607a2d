//! The example `render`, on Online Boutique and on bad input.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use serde_json::Value;

#[path = "../examples/render.rs"]
#[expect(dead_code, reason = "its main")]
mod example;
mod support;

const SHA: &str = "3f2a91c0b1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f6";

struct Output {
    success: bool,
    out: String,
    err: String,
}

fn render(path: &Path, options: &[&str]) -> Output {
    let mut arguments = vec!["render", path.to_str().unwrap()];
    arguments.extend(options);
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = example::run(arguments, &mut out, &mut err);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Output { success: code == ExitCode::SUCCESS, out: text(out), err: text(err) }
}

fn boutique() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("nprt-shop/online-boutique")
}

fn json(output: &Output) -> Vec<Value> {
    serde_json::from_str(&output.out).unwrap()
}

#[test]
fn every_document_goes_to_stdout_in_either_form() {
    let tag = format!("main-{SHA}");
    let as_json = render(&boutique(), &["--tag", &tag, "-o", "json"]);
    assert!(as_json.success, "{}", as_json.err);
    let objects = json(&as_json);
    assert_eq!(objects.len(), 35);
    assert!(
        objects.iter().all(|object| object["metadata"]["labels"]["nprt.dev/service"] == "online-boutique")
    );
    let ad = &objects[0];
    assert_eq!(ad["metadata"]["annotations"]["nprt.dev/revision"], SHA);
    assert!(as_json.err.contains(&format!("containers[server].image: \"adservice\" -> \"adservice:{tag}\"")));
    assert!(as_json.err.contains("ignored kustomization.yaml: "), "{}", as_json.err);

    let as_yaml = render(&boutique(), &["--tag", &tag]);
    let directory = tempfile::tempdir().unwrap();
    let written = directory.path().join("all.yaml");
    std::fs::write(&written, &as_yaml.out).unwrap();
    let again = render(&written, &["--tag", &tag, "-o", "json", "--service", "online-boutique"]);
    assert_eq!(json(&again), objects, "the YAML reads back as the JSON, and rendering again changes nothing");
    assert!(!again.err.contains("->"), "{}", again.err);
}

#[test]
fn a_canary_is_compared_with_what_is_live() {
    let tag = "feature-login-page-3f2a91c";
    let canary = render(
        &boutique(),
        &["--tag", tag, "--track", "canary", "-o", "json", "--live", boutique().to_str().unwrap()],
    );
    assert!(canary.success, "{}", canary.err);
    let objects = json(&canary);
    assert_eq!(objects.len(), 11);
    assert!(objects.iter().all(|object| object["metadata"]["name"].as_str().unwrap().ends_with("-canary")));
    assert!(canary.err.contains("warning: Deployment/redis-cart"), "{}", canary.err);
}

#[test]
fn without_a_revision_the_tag_makes_one() {
    let revision = |options: &[&str]| {
        let output = render(&boutique(), &[options, &["-o", "json"]].concat());
        json(&output)[0]["metadata"]["annotations"]["nprt.dev/revision"].as_str().unwrap().to_owned()
    };
    assert_eq!(revision(&["--tag", "v1", "--revision", SHA]), SHA);
    assert_eq!(revision(&["--tag", "trunk-r1042"]), "r1042");
    let made = revision(&["--tag", "v1"]);
    assert_eq!(made.len(), 40);
    assert_eq!(made, revision(&["--tag", "v1"]));
    assert_ne!(made, revision(&["--tag", "v2"]));
}

#[test]
fn bad_input_ends_with_file_document_and_line() {
    let directory = tempfile::tempdir().unwrap();
    let good = std::fs::read_to_string(boutique().join("adservice.yaml")).unwrap();
    let lines = good.lines().count();
    std::fs::create_dir(directory.path().join("sub")).unwrap();
    std::fs::write(directory.path().join("sub/bad.yml"), format!("{good}---\nkind: Pod\nkind: Job\n"))
        .unwrap();
    let output = render(directory.path(), &["--tag", "v1", "--service", "shop"]);
    assert!(!output.success && output.out.is_empty());
    for part in ["sub/bad.yml", "document: 4", &format!("line: {}", lines + 3), "the key kind is given twice"]
    {
        assert!(output.err.contains(part), "{part}: {}", output.err);
    }
    std::fs::remove_file(directory.path().join("sub/bad.yml")).unwrap();
    assert!(
        render(directory.path(), &["--tag", "v1", "--service", "shop"]).err.contains("no Kubernetes object")
    );
    assert!(!render(Path::new("/nowhere/at/all"), &["--tag", "v1"]).success);
    let usage = render(directory.path(), &["--tag", "not a tag"]);
    assert!(!usage.success && usage.err.contains("expected 1 to 128"), "{}", usage.err);
}

/// As a person runs it.
#[test]
fn the_command_keeps_documents_and_changes_apart() {
    let command = |path: &Path, options: &[&str]| {
        Command::new(support::example("render")).arg(path).args(options).output().unwrap()
    };
    let output = command(&boutique(), &["--tag", "v1", "-o", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let objects: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(objects.len(), 35);
    let changes = String::from_utf8(output.stderr).unwrap();
    assert!(changes.contains("containers[server].image: \"adservice\" -> \"adservice:v1\""), "{changes}");

    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("bad.yml"), "# a\n---\nkind: [\n").unwrap();
    let output = command(directory.path(), &["--tag", "v1", "--service", "shop"]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
    let error = String::from_utf8(output.stderr).unwrap();
    for part in ["file: bad.yml", "document: 1", "line: "] {
        assert!(error.contains(part), "{part}: {error}");
    }
    assert_eq!(command(directory.path(), &[]).status.code(), Some(2), "usage");
}
