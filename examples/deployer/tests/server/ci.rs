//! The steps of CI that the package ships: run as CI runs them against a server, and checked as their owners check them.

use std::path::Path;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use nprt_testkit::{need, tool};
use serde_json::{Value, json};
use tokio::process::{Child, Command};

use crate::support::{ADMIN, HERE, Server, World, server};

/// Runs a line of CI, with what CI sets.
fn start(server: &Server, line: &str, tag: &str) -> Child {
    Command::new("bash")
        .args(["-e", "-o", "pipefail", "-c", line])
        .current_dir(HERE)
        .env("DEPLOYER_URL", &server.url)
        .env("DEPLOYER_TOKEN", ADMIN)
        .env("DEPLOYER_TIMEOUT", "60")
        .env("DEPLOYER_INTERVAL", "0.2")
        .envs([("TAG", tag), ("GITHUB_WORKFLOW", "deploy"), ("GITHUB_ACTOR", "ada")])
        .envs([("CI_PIPELINE_URL", "https://gitlab.example.com/1"), ("BUILD_TAG", "jenkins-shop-1")])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

async fn run(server: &Server, line: &str, tag: &str) -> Output {
    start(server, line, tag).wait_with_output().await.unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The lines of a file of CI that ask the deployer, for the service of the test.
fn lines(file: &str) -> Vec<String> {
    let text = std::fs::read_to_string(Path::new(HERE).join("ci").join(file)).unwrap();
    let found = text.match_indices("sh ci/deployer.sh").map(|(at, _)| {
        let line = text[at..].lines().next().unwrap();
        line.trim_end_matches('\'').replace(" shop ", " web ")
    });
    found.collect()
}

#[tokio::test]
async fn each_ci_starts_a_canary_and_waits_for_its_verdict() {
    if need(tool("jq")).is_none() {
        return;
    }
    let world = World::new();
    let server = server(&world, json!({"autopilot": {"enabled": false}})).await;
    assert_eq!(server.put(&format!("/web/deploy?tag={}", world.tag(2))).await.0, 200);
    for (file, number, decision) in [
        ("github-actions.yml", 0, "promote"),
        ("gitlab-ci.yml", 1, "rollback"),
        ("Jenkinsfile", 1, "promote"),
    ] {
        let tag = world.tag(number);
        let [canary, verdict] = lines(file).try_into().unwrap();
        let done = run(&server, &canary, &tag).await;
        assert!(done.status.success(), "{file}: {}", said(&done));
        let answer: Value = serde_json::from_slice(&done.stdout).unwrap();
        assert_eq!(
            (answer["track"].as_str(), answer["tag"].as_str()),
            (Some("canary"), Some(&*tag)),
            "{file}"
        );

        let waiting = start(&server, &verdict, &tag);
        assert_eq!(server.put(&format!("/web/{decision}")).await.0, 200);
        let decided = waiting.wait_with_output().await.unwrap();
        assert_eq!(decided.status.success(), decision == "promote", "{file}: {}", said(&decided));
        let expected = if decision == "promote" { "was promoted" } else { "was rolled back" };
        assert!(said(&decided).contains(expected), "{file}: {}", said(&decided));
    }
}

#[tokio::test]
async fn a_problem_fails_the_build_and_the_token_is_no_argument() {
    if need(tool("jq")).is_none() {
        return;
    }
    let world = World::new();
    let server = server(&world, json!({})).await;
    let deploy = "ci/deployer.sh web deploy tag=\"$TAG\"";
    let unknown = run(&server, deploy, "main-0000000").await;
    assert_eq!(unknown.status.code(), Some(1));
    let text = said(&unknown);
    assert!(text.contains("Not Found: ") && text.contains("web: deploy failed (404)"), "{text}");

    // Its rollout takes two seconds, in which another one meets it.
    let first = start(&server, deploy, &world.tag(0));
    server.until_on("web", "an operation", |status| !status["operation"].is_null()).await;
    let refused = run(&server, deploy, &world.tag(1)).await;
    let text = said(&refused);
    assert_eq!(refused.status.code(), Some(1), "{text}");
    assert!(text.contains("Conflict: ") && text.contains("web: deploy failed (409)"), "{text}");
    let patient = start(&server, &format!("{deploy} wait=60"), &world.tag(1));
    let arguments = arguments_of_curl(&server.url).await;
    assert!(arguments.contains("wait=60") && !arguments.contains(ADMIN), "{arguments}");
    for one in [first, patient] {
        let done = one.wait_with_output().await.unwrap();
        assert!(done.status.success(), "{}", said(&done));
    }
    let (_, status) = server.get("/web/status").await;
    assert_eq!(status["stable"]["tag"], world.tag(1).as_str());

    let nobody = run(&server, "DEPLOYER_URL=http://127.0.0.1:9 ci/deployer.sh web deploy tag=x", "").await;
    assert!(!nobody.status.success() && said(&nobody).contains("does not answer"), "{}", said(&nobody));
    let token = run(&server, "DEPLOYER_TOKEN=wrong-wrong-wrong ci/deployer.sh web hold", "").await;
    assert!(said(&token).contains("(401)"), "{}", said(&token));
}

/// The arguments of the curl that asks the server to wait, as any process sees them.
async fn arguments_of_curl(url: &str) -> String {
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(30) {
        for process in std::fs::read_dir("/proc").unwrap().flatten() {
            let arguments = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
            let arguments = String::from_utf8_lossy(&arguments).replace('\0', " ");
            if arguments.starts_with("curl ") && arguments.contains(url) && arguments.contains("wait=") {
                return arguments;
            }
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("no curl was seen");
}

#[tokio::test]
async fn the_files_are_what_their_readers_expect() {
    let Some(check) = need(tool("check-jsonschema")) else { return };
    let Some(shellcheck) = need(tool("shellcheck")) else { return };
    let checks: [(&Path, &[&str]); 5] = [
        (&shellcheck, &["deployer.sh"]),
        (&check, &["--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci", "gitlab-ci.yml"]),
        (
            &check,
            &[
                "--builtin-schema",
                "vendor.github-workflows",
                "github-actions.yml",
                "dependabot-merge.yml",
                "revert.yml",
            ],
        ),
        (&check, &["--builtin-schema", "vendor.dependabot", "dependabot.yml"]),
        (&check, &["--builtin-schema", "vendor.renovate", "renovate.json"]),
    ];
    for (program, arguments) in checks {
        let output = Command::new(program).args(arguments).current_dir(Path::new(HERE).join("ci")).output();
        let output = output.await.unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", said(&output));
    }
}
