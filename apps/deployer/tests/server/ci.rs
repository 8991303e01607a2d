//! The steps of CI that the package ships: run as CI runs them against a server, and checked as their owners check them.

use std::path::Path;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use nprt_testkit::{need, tool};
use serde_json::{Value, json};
use tokio::process::{Child, Command};
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, ResponseTemplate};

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

/// Waits until the script has asked so many times more what runs.
async fn looks(server: &Server, more: usize) {
    let count = || server.log().matches("path=/web/status").count();
    let before = count();
    while count() < before + more {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
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
        looks(&server, 1).await;
        assert_eq!(server.put(&format!("/web/{decision}")).await.0, 200);
        let decided = waiting.wait_with_output().await.unwrap();
        let (code, expected) =
            if decision == "promote" { (0, "was promoted") } else { (3, "was rolled back") };
        assert_eq!(decided.status.code(), Some(code), "{file}: {}", said(&decided));
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
    assert!(
        nobody.status.code() == Some(5) && said(&nobody).contains("does not answer"),
        "{}",
        said(&nobody)
    );
    let wrong = run(&server, "DEPLOYER_TOKEN= ci/deployer.sh web hold", "").await;
    assert_eq!(wrong.status.code(), Some(2), "{}", said(&wrong));
    let token = run(&server, "DEPLOYER_TOKEN=wrong-wrong-wrong ci/deployer.sh web hold", "").await;
    assert!(said(&token).contains("(401)"), "{}", said(&token));
}

/// What GitHub is told of a verdict, by which it reverts or does not.
#[tokio::test]
async fn only_a_rollback_is_reverted() {
    if need(tool("jq")).is_none() {
        return;
    }
    let text = std::fs::read_to_string(Path::new(HERE).join("ci/github-actions.yml")).unwrap();
    let workflow: Value = serde_saphyr::from_str(&text).unwrap();
    let revert = &workflow["jobs"]["revert"];
    assert_eq!(revert["uses"], "./.github/workflows/revert.yml");
    assert!(revert["if"].as_str().unwrap().starts_with("failure() && needs.canary.outputs.code == '3' &&"));
    assert_eq!(workflow["jobs"]["canary"]["outputs"]["code"], "${{ steps.verdict.outputs.code }}");
    let text = std::fs::read_to_string(Path::new(HERE).join("ci/revert.yml")).unwrap();
    let called: Value = serde_saphyr::from_str(&text).unwrap();
    assert_eq!(called["on"], "workflow_call", "nothing else starts it");

    let world = World::new();
    let server = server(&world, json!({"autopilot": {"enabled": false}})).await;
    let [_, verdict] = lines("github-actions.yml").try_into().unwrap();
    let output = world.folder.path().join("output");
    let verdict = format!("export GITHUB_OUTPUT={}; {verdict}", output.display());
    let [first, second, third] = [0, 1, 2].map(|number| world.tag(number));
    assert_eq!(server.put(&format!("/web/deploy?tag={first}")).await.0, 200);
    // What happens to the canary while CI waits, and what it is told.
    for (happens, code) in [
        ("rollback".to_owned(), "code=3\n"),
        (format!("canary?tag={third}"), "code=4\n"),
        (format!("deploy?tag={third}"), "code=4\n"),
    ] {
        assert_eq!(server.put(&format!("/web/canary?tag={second}")).await.0, 200);
        std::fs::write(&output, "").unwrap();
        let waiting = start(&server, &verdict, &second);
        looks(&server, 2).await;
        assert_eq!(server.put(&format!("/web/{happens}")).await.0, 200);
        let decided = waiting.wait_with_output().await.unwrap();
        assert!(!decided.status.success(), "{happens}: {}", said(&decided));
        assert_eq!(std::fs::read_to_string(&output).unwrap(), code, "{happens}: {}", said(&decided));
    }
    // One that is not there from the beginning, a token that is not known, and nobody at all.
    for (change, code) in [
        ("true", "code=4\n"),
        ("DEPLOYER_TOKEN=wrong", "code=1\n"),
        ("DEPLOYER_URL=http://127.0.0.1:9", "code=5\n"),
    ] {
        std::fs::write(&output, "").unwrap();
        let line = format!("export DEPLOYER_FAILURES=2; {change}; {verdict}");
        let decided = run(&server, &line, &second).await;
        assert!(!decided.status.success(), "{change}: {}", said(&decided));
        assert_eq!(std::fs::read_to_string(&output).unwrap(), code, "{change}: {}", said(&decided));
    }
}

/// A deployer that is away for a while: its port is closed, then a proxy says 503, and each again in the middle.
#[tokio::test]
async fn a_verdict_is_waited_for_while_deployer_is_away() {
    if need(tool("jq")).is_none() {
        return;
    }
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let ask = |failures: u32| {
        Command::new("sh")
            .args(["ci/deployer.sh", "web", "verdict", "main-2"])
            .current_dir(HERE)
            .env("DEPLOYER_URL", format!("http://{port}"))
            .envs([("DEPLOYER_TOKEN", ADMIN), ("DEPLOYER_INTERVAL", "0.1")])
            .env("DEPLOYER_FAILURES", failures.to_string())
            .stderr(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap()
    };
    let gone = ask(3).wait_with_output().await.unwrap();
    assert_eq!((gone.status.code(), said(&gone).matches("asking again").count()), (Some(5), 3));

    let waiting = ask(100);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let deployer = MockServer::builder().listener(std::net::TcpListener::bind(port).unwrap()).start().await;
    let status = |canary: Value, stable: &str| {
        ResponseTemplate::new(200).set_body_json(json!({"canary": canary, "stable": {"tag": stable}}))
    };
    let away = || ResponseTemplate::new(503).set_body_string("<html>no backend</html>");
    for (answer, times) in [
        (away(), 3),
        (status(json!({"tag": "main-2"}), "main-1"), 2),
        (away(), 3),
        (status(Value::Null, "main-2"), 1),
    ] {
        Mock::given(path("/web/status")).respond_with(answer).up_to_n_times(times).mount(&deployer).await;
    }
    let decided = waiting.wait_with_output().await.unwrap();
    assert!(decided.status.success() && said(&decided).contains("main-2 was promoted"), "{}", said(&decided));
    assert!(said(&decided).contains("no answer (000)") && said(&decided).contains("no answer (503)"));
    // Not without end, and a refusal at once.
    for (status, asked) in [(503, 3), (403, 0)] {
        deployer.reset().await;
        let refusal = ResponseTemplate::new(status).set_body_json(json!({"title": "No", "detail": "no"}));
        Mock::given(path("/web/status")).respond_with(refusal).mount(&deployer).await;
        let failed = ask(3).wait_with_output().await.unwrap();
        let text = said(&failed);
        assert_eq!((failed.status.code(), text.matches("asking again").count()), (Some(1), asked), "{text}");
    }
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
