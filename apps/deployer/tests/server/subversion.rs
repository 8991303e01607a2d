//! A team that has subversion and Datadog: its manifests are on subversion's own server, what its pods measure at a fake
//! made from Datadog's public documentation.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use nprt_testkit::{PASSWORD, Svnserve, USER, need};
use serde_json::{Value, json};
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use crate::support::{ADMIN, MANIFEST, Server, World, images, tokens};

const TAGS: [&str; 2] = ["trunk-r2", "trunk-r3"];
const KEYS: [&str; 2] = ["s3cret-api", "s3cret-application"];

/// Two revisions of the manifests: the second changes one of them.
fn commit(manifests: &Path, repository: &Path) {
    std::fs::create_dir(manifests).unwrap();
    std::fs::write(manifests.join("web.yaml"), MANIFEST).unwrap();
    let trunk = format!("file://{}/trunk", repository.display());
    let run = |command: &mut Command| {
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    run(Command::new("svn")
        .args(["import", "--quiet", "--message", "one"])
        .arg(manifests)
        .arg(format!("{trunk}/kubernetes")));
    let web = manifests.join("web.yaml");
    let text =
        std::fs::read_to_string(&web).unwrap().replace("{name: web}", "{name: web, labels: {line: trunk}}");
    std::fs::write(&web, text).unwrap();
    run(Command::new("svnmucc")
        .args(["--message", "two", "put"])
        .arg(&web)
        .arg(format!("{trunk}/kubernetes/web.yaml")));
}

/// What was measured each minute, always: a pod of stable takes 120 ms, the canary of `web` three times that, that of
/// `other` as long as stable. A canary of another version, long gone, was slower than all.
struct Account;

impl Account {
    /// Version, track and latency of each pod.
    fn pods(service: &str) -> [(&'static str, &'static str, f64); 4] {
        let slow = if service == "web" { 3.0 } else { 1.0 };
        [
            (TAGS[0], "stable", 0.12),
            (TAGS[0], "stable", 0.121),
            (TAGS[1], "canary", 0.12 * slow),
            ("trunk-r1", "canary", 60.0),
        ]
    }
}

impl Respond for Account {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let asked = &body["data"]["attributes"];
        let (from, to) = (asked["from"].as_i64().unwrap(), asked["to"].as_i64().unwrap());
        let times: Vec<i64> = (from..to).step_by(60_000).collect();
        let query = asked["queries"][0]["query"].as_str().unwrap();
        let (of, by) = query.split_once(" by {").unwrap();
        let service = of.strip_prefix("p95:trace.http.request{service:").unwrap().strip_suffix('}').unwrap();
        let by: Vec<&str> = by.strip_suffix("}.fill(null)").unwrap().split(',').collect();
        let (mut series, mut values) = (Vec::new(), Vec::new());
        for (number, (version, track, latency)) in Self::pods(service).into_iter().enumerate() {
            let tag = |key: &&str| match *key {
                "track" => format!("track:{track}"),
                "version" => format!("version:{version}"),
                "pod_name" => format!("pod_name:pod-{number}"),
                key => format!("{key}:N/A"),
            };
            series.push(json!({"group_tags": by.iter().map(tag).collect::<Vec<_>>(), "query_index": 0}));
            values.push(vec![latency; times.len()]);
        }
        let attributes = json!({"series": series, "times": times, "values": values});
        ResponseTemplate::new(200).set_body_json(json!({"data": {"attributes": attributes}}))
    }
}

async fn datadog() -> MockServer {
    let fake = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/api/v2/query/timeseries"))
        .and(header("dd-api-key", KEYS[0]))
        .and(header("dd-application-key", KEYS[1]))
        .respond_with(Account)
        .mount(&fake)
        .await;
    fake
}

/// Two minutes are enough for a verdict.
fn policy(more: Option<Value>) -> Value {
    let rule = json!({
        "rule": "percentile", "metric": "latency", "percentile": 50, "margin": {"relative": 1.0}, "min_samples": 1,
    });
    let rules: Vec<Value> = [rule].into_iter().chain(more).collect();
    json!({"window_minutes": 10, "soak_minutes": 1, "deadline_minutes": 30, "rules": rules})
}

#[tokio::test]
async fn what_is_in_subversion_is_deployed_and_judged_by_datadog() {
    let Some(subversion) = need(Svnserve::start().await) else { return };
    let (world, datadog) = (World::new(), datadog().await);
    let at = world.folder.path();
    commit(&at.join("kubernetes"), &subversion.repository());
    images(&at.join("images/web"), &TAGS.map(str::to_owned));
    let password = at.join("password");
    std::fs::write(&password, PASSWORD).unwrap();
    let service = json!({
        "vcs": {"svn": {"url": subversion.url(), "user": USER, "password": {"from_file": password}}},
        "metrics": {"datadog": {
            "url": datadog.uri(), "api_key": KEYS[0], "application_key": KEYS[1], "delay_seconds": 0,
            "profile": "datadog-apm", "tags": {"track": "track"},
            "metrics": {"latency": {
                "shape": "value", "query": "p95:trace.http.request{service:{service}} by {{by}}.fill(null)",
            }},
        }},
        "policy": policy(None),
        "deployable_branches": ["trunk"],
    });
    let more = json!({"autopilot": {"enabled": false}, "tokens": tokens()});
    let config = world.config(more, service);
    let mut file: Value = serde_json::from_str(&std::fs::read_to_string(&config).unwrap()).unwrap();
    // How long a verdict takes is known of a sequential rule.
    file["services"][0]["policy"] = policy(Some(json!({"rule": "measurements", "metric": "latency"})));
    std::fs::write(&config, file.to_string()).unwrap();
    let server = Server::serve(&config, ADMIN).await;

    for service in ["web", "other"] {
        let (status, done) = server.put(&format!("/{service}/deploy?commit=r2")).await;
        assert_eq!((status.as_u16(), &done["tag"]), (200, &json!(TAGS[0])), "{done}");
        assert_eq!(done["revision"], "r2");
        let (status, problem) = server.put(&format!("/{service}/canary?commit=r9")).await;
        assert_eq!(status, 404, "{problem}");
        // The newest is what HEAD is.
        let (status, done) = server.put(&format!("/{service}/canary?commit=HEAD")).await;
        assert_eq!((status.as_u16(), &done["tag"]), (200, &json!(TAGS[1])), "{done}");
        for minutes in ["detect_minutes", "pass_minutes"] {
            let expected = done["expected"][minutes].as_u64();
            assert_eq!(expected.is_some_and(|minutes| minutes >= 5), service == "web", "{done}");
        }
    }
    assert_eq!(server.get("/web/tags").await.1["shared"], json!(["trunk-r3", "trunk-r2"]));
    for (service, expected) in [("web", "regression"), ("other", "pass")] {
        let began = Instant::now();
        let judged = loop {
            let (status, judged) = server.get(&format!("/{service}/canary")).await;
            assert_eq!(status, 200, "{judged}");
            if judged["verdict"]["verdict"] != "inconclusive" {
                break judged;
            }
            assert!(began.elapsed() < Duration::from_secs(240), "{judged}");
            tokio::time::sleep(Duration::from_secs(1)).await;
        };
        assert_eq!(judged["verdict"]["verdict"], expected, "{judged}");
        assert_eq!(judged["revision"], "r3", "{judged}");
    }
    let log = server.log();
    assert!(!log.contains("s3cret") && !log.contains(PASSWORD), "{log}");
}
