//! Secrets of a file: which are none, and that no error shows one.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::{ADMIN, DEPLOYER, Process, Server, World};

/// Of nothing, of a line break, and of `ADMIN`, by sha256sum.
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const LINE: &str = "01ba4719c80b6fe911b091a7c05124b64eeece964e09c058ef8f9805daca546b";
const OF_ADMIN: &str = "7d9f53fc1418a803c469f30275304e1b048207b940b4bde7890a6ca585f58c87";

/// What the command says of the world's file, changed so.
fn said(world: &World, command: &str, change: impl FnOnce(&mut Value)) -> (bool, String) {
    let config = world.config(json!({}), json!({}));
    let mut file: Value = serde_json::from_str(&std::fs::read_to_string(&config).unwrap()).unwrap();
    change(&mut file);
    std::fs::write(&config, file.to_string()).unwrap();
    run(command, &config)
}

fn run(command: &str, config: &Path) -> (bool, String) {
    let output = Command::new(DEPLOYER).args([command, "--config"]).arg(config).output().unwrap();
    (output.status.success(), String::from_utf8(output.stderr).unwrap())
}

#[tokio::test]
async fn no_token_is_empty_and_no_two_are_the_same() {
    let world = World::new();
    let admin = json!({"name": "admin", "secret": ADMIN});
    for (tokens, expected) in [
        (
            json!([{"name": "me", "sha256": EMPTY}]),
            "tokens[0].sha256: expected the hash of a secret, found that of an empty one",
        ),
        (
            json!([admin, {"name": "me", "sha256": LINE.to_uppercase()}]),
            "tokens[1].sha256: expected the hash of a secret, found that of an empty one",
        ),
        (
            json!([admin, {"name": "me", "sha256": OF_ADMIN, "actions": ["read"]}]),
            "tokens[1].sha256: expected another secret than that of the token admin",
        ),
        (
            json!([admin, {"name": "me", "secret": ADMIN}]),
            "tokens[1].secret: expected another secret than that of the token admin",
        ),
    ] {
        for command in ["check", "serve"] {
            let (is_right, text) = said(&world, command, |file| file["tokens"] = tokens.clone());
            assert!(!is_right && text.trim() == expected, "{command}: {text}");
        }
    }
    // A hash is as good as its secret.
    let config = world.config(json!({"tokens": [{"name": "me", "sha256": OF_ADMIN}]}), json!({}));
    let server = Server::serve(&config, ADMIN).await;
    assert_eq!(server.get("/web/status").await.0, 200);
    let nobody = server.http().get(format!("{}/web/status", server.url)).basic_auth("auth_token", Some(""));
    assert_eq!(nobody.send().await.unwrap().status(), 401);
}

#[test]
fn what_the_readme_shows_is_nobodys_password() {
    let folder = tempfile::tempdir().unwrap();
    let readme = include_str!("../../README.md");
    let sample = readme.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    let secret = folder.path().join("ada");
    std::fs::write(&secret, ADMIN).unwrap();
    let sample = sample.replace("/run/secrets/ada", secret.to_str().unwrap());
    let path = folder.path().join("deployer.yml");
    std::fs::write(&path, sample).unwrap();
    let output = Command::new(DEPLOYER)
        .args(["check", "--config"])
        .arg(&path)
        .env("GIT_TOKEN", "correct-horse-battery-git")
        .env("SLACK_URL", "https://hooks.example.com/x")
        .env("BUGSNAG_KEY", "0123456789abcdef0123456789abcdef")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.success(), text.trim()), (false, "tokens[0].sha256: expected 64 hex digits"));
}

#[tokio::test]
async fn no_error_shows_a_value_of_the_file() {
    const HOOK: &str = "https://hooks.example.com/services/hunter2";
    let world = World::new();
    let admin = json!([{"name": "admin", "secret": ADMIN}]);
    let config = world.config(json!({"tokens": admin}), json!({}));
    let server = Process::start(Process::serve(Path::new(DEPLOYER), &config));
    for (pointer, wrong, expected) in [
        ("notifiers", json!([HOOK]), "services[0].notifiers[0]: unknown variant, expected one of `slack`"),
        ("notifiers", json!([{HOOK: null}]), "services[0].notifiers[0]: unknown variant, expected one of"),
        ("notifiers", json!([{"slack": HOOK}]), "services[0].notifiers[0].slack: expected struct"),
        (
            "notifiers",
            json!([{"slack": {format!("webhook_url:{HOOK}"): null}}]),
            "services[0].notifiers[0].slack: unknown field, expected",
        ),
        ("vcs", json!("hunter2"), "services[0].vcs: unknown variant, expected `git` or `svn`"),
        (
            "autopilot",
            json!({"at_deadline": "hunter2"}),
            "services[0].autopilot.at_deadline: unknown variant",
        ),
        ("name", json!("Hunter2: hunter2"), "services[0].name: service.name: invalid: expected 1 to 63"),
        ("manifests", json!("../hunter2\t"), "services[0].manifests: "),
        ("policy", json!({"preset": "hunter2"}), "services[0].policy"),
        ("policy", json!({"rules": [{"rule": "hunter2"}]}), "services[0].policy"),
        ("prune", json!("hunter2"), "services[0].prune: expected a boolean, found string"),
        ("token", json!("hunter2"), "services[0].token: unknown field"),
    ] {
        let (is_right, text) = said(&world, "check", |file| {
            file["tokens"] = admin.clone();
            file["services"][0][pointer] = wrong.clone();
        });
        assert!(!is_right && text.lines().any(|line| line.starts_with(expected)), "{expected} in {text}");
        assert!(!text.to_lowercase().contains("hunter2"), "{text}");
        // The file that is there now is read by the server, too.
        let refused = server.log().matches("the one before stays").count();
        crate::support::signal(server.child.id(), "HUP");
        while server.log().matches("the one before stays").count() == refused {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }
    let log = server.log().to_lowercase();
    assert!(log.contains("unknown variant") && !log.contains("hunter2"), "{log}");
}
