//! What OpenTelemetry sends, to `deployer statsd` and to a deployer itself.

use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::aggregator::{self, TOKEN};
use crate::support::{ADMIN, DEPLOYER, Server, World, client};

/// Where a process says that it takes OTLP without a token.
fn own(server: &Server) -> String {
    let log = server.log();
    let line = log.lines().find_map(|line| line.split_once("OTLP listens listen=")).unwrap();
    format!("http://{}/v1/metrics", line.1.split_whitespace().next().unwrap())
}

/// Five requests of the last second, of the bucket that ends at so many milliseconds.
fn request(track: &str, milliseconds: u64) -> Value {
    let now = u64::try_from(SystemTime::UNIX_EPOCH.elapsed().unwrap().as_nanos()).unwrap();
    let attribute = |key: &str, value: Value| json!({"key": key, "value": value});
    let text = |text: &str| json!({"stringValue": text});
    let resource = [("service.name", "web"), ("track", track), ("k8s.pod.name", &format!("web-{track}-0"))]
        .map(|(key, value)| attribute(key, text(value)));
    let point = json!({
        "attributes": [attribute("http.response.status_code", json!({"intValue": "200"}))],
        "startTimeUnixNano": (now - 1_000_000_000).to_string(), "timeUnixNano": now.to_string(), "count": "5",
        "explicitBounds": [milliseconds - 10, milliseconds], "bucketCounts": ["0", "5", "0"],
    });
    let metric = json!({
        "name": "http.server.request.duration", "unit": "ms",
        "histogram": {"aggregationTemporality": 1, "dataPoints": [point]},
    });
    json!({"resourceMetrics": [{"resource": {"attributes": resource}, "scopeMetrics": [{"metrics": [metric]}]}]})
}

async fn post(url: &str, token: &str, body: &Value) -> (StatusCode, Value) {
    let request = client().post(url).json(body);
    let request = if token.is_empty() { request } else { request.bearer_auth(token) };
    let response = request.send().await.unwrap();
    (response.status(), response.json().await.unwrap())
}

async fn statsd(folder: &Path, otlp: Value) -> Server {
    let path = folder.join("statsd.yml");
    let statsd = json!({"listen": "127.0.0.1:0", "otlp": otlp});
    std::fs::write(&path, json!({"aggregator": {"token": TOKEN, "statsd": statsd}}).to_string()).unwrap();
    aggregator::serve(&path, "127.0.0.1:0").await
}

#[tokio::test]
async fn an_aggregator_takes_it_with_its_token_and_on_an_address_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let server = statsd(folder.path(), json!({"listen": "127.0.0.1:0", "max_request_bytes": 5000})).await;
    let (url, body) = (format!("{}/v1/metrics", server.url), request("canary", 120));
    for token in ["", "correct-horse-battery-wrong"] {
        let (status, said) = post(&url, token, &body).await;
        assert_eq!((status.as_u16(), &said["code"]), (401, &json!(16)), "{said}");
        // In the encoding of the request: google.rpc.Status.
        let binary = client().post(&url).header("content-type", "application/x-protobuf");
        let binary = binary.bearer_auth("wrong").body("").send().await.unwrap();
        assert_eq!(binary.headers()["content-type"], "application/x-protobuf");
        assert!(binary.headers().contains_key("www-authenticate"));
        assert_eq!(binary.bytes().await.unwrap()[..3], [8, 16, 18]);
    }
    assert_eq!(post(&url, TOKEN, &body).await, (StatusCode::OK, json!({})));
    assert_eq!(post(&own(&server), "", &body).await, (StatusCode::OK, json!({})));
    let (status, said) = post(&url, TOKEN, &request("beta", 120)).await;
    assert_eq!(
        (status.as_u16(), &said["partialSuccess"]["rejectedDataPoints"]),
        (200, &json!("1")),
        "{said}"
    );
    let (status, said) = post(&url, TOKEN, &json!({"long": "x".repeat(5000)})).await;
    assert_eq!((status.as_u16(), &said["message"]), (413, &json!("expected at most 5000 bytes")));
    let plain = client().post(own(&server)).body("x").send().await.unwrap();
    assert_eq!(plain.status(), 415);
    // It is not asked there, and no other path is taken.
    let asked = client().get(own(&server).replace("metrics", "known-since")).send().await.unwrap();
    assert_eq!(asked.status(), 404);
    let heard = client().get(format!("{}/metrics", server.url)).bearer_auth(TOKEN).send().await.unwrap();
    let heard = heard.text().await.unwrap();
    for line in ["statsd_lines_total{fate=\"used\"} 2", "statsd_lines_total{fate=\"unattributed\"} 1"] {
        assert!(heard.contains(line), "{heard}");
    }
}

/// A request whose body never comes.
fn slow(url: &str, token: &str) -> TcpStream {
    let address = url.trim_start_matches("http://").split('/').next().unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!(
        "POST /v1/metrics HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: 100\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

#[tokio::test]
async fn slow_senders_lock_out_neither_those_of_another_listener_nor_another_address() {
    let folder = tempfile::tempdir().unwrap();
    let server = statsd(folder.path(), json!({"listen": "127.0.0.1:0"})).await;
    let (url, own) = (format!("{}/v1/metrics", server.url), own(&server));
    let _slow: Vec<TcpStream> = (0..20).map(|_| slow(&own, "none")).collect();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let body = request("canary", 120);
    let waited = Duration::from_secs(5);
    let with_token = tokio::time::timeout(waited, post(&url, TOKEN, &body)).await.unwrap();
    assert_eq!(with_token, (StatusCode::OK, json!({})));
    let other = reqwest::Client::builder().local_address(Some([127, 0, 0, 2].into())).build().unwrap();
    let other = tokio::time::timeout(waited, other.post(&own).json(&body).send()).await.unwrap();
    assert_eq!(other.unwrap().status(), 200);
    // Who sends slowly waits for itself.
    assert!(tokio::time::timeout(Duration::from_secs(3), post(&own, "", &body)).await.is_err());
}

#[tokio::test]
async fn an_aggregator_that_is_not_told_to_take_it_says_what_to_configure() {
    let folder = tempfile::tempdir().unwrap();
    let server = statsd(folder.path(), Value::Null).await;
    let (status, said) = post(&format!("{}/v1/metrics", server.url), TOKEN, &request("canary", 120)).await;
    assert_eq!(status, 404);
    assert!(said["message"].as_str().unwrap().contains("aggregator.statsd.otlp"), "{said}");
}

#[tokio::test]
async fn a_canary_is_judged_by_it_alone() {
    let world = World::new();
    let tokens = json!({"tokens": [{"name": "admin", "secret": ADMIN}], "autopilot": {"enabled": false}});
    let metrics = json!({"statsd": {"listen": "127.0.0.1:0", "otlp": {"listen": "127.0.0.1:0"}}});
    let config = world.config(tokens, json!({"metrics": metrics, "policy": aggregator::policy()}));
    let server = Server::serve(&config, ADMIN).await;
    assert_eq!(server.put(&format!("/web/deploy?tag={}", world.tag(0))).await.0, 200);
    assert_eq!(server.put(&format!("/web/canary?tag={}", world.tag(1))).await.0, 200);
    let url = own(&server);
    let began = std::time::Instant::now();
    loop {
        for track in ["stable", "canary"] {
            assert_eq!(post(&url, "", &request(track, 120)).await, (StatusCode::OK, json!({})));
        }
        let (status, said) = server.get("/web/canary").await;
        assert_eq!(status, 200, "{said}");
        if said["verdict"]["verdict"] == "pass" {
            assert!(said["verdict"]["metrics"][0]["canary_samples"].as_u64().unwrap() > 30, "{said}");
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(240), "{said}");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// The blocks of the page that are about deployer.
#[test]
fn the_page_says_what_is_right() {
    let page = include_str!("../../../../docs/metrics.md");
    let (_, section) = page.split_once("\n## OpenTelemetry without Prometheus\n").unwrap();
    let blocks = section.split("```yaml\n").skip(1).map(|rest| rest.split_once("```").unwrap().0);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("deployer.yml");
    let (mut services, mut aggregators) = (0, 0);
    for block in blocks {
        let token = "tokens: [{name: ci, sha256: c8d0a26d3f333b50700310dc79fc9fc8ada83e4a5c343c27c8f920b804b36f5b}]\n";
        let config = if block.starts_with("metrics:") {
            services += 1;
            let metrics: String = block.lines().map(|line| format!("  {line}\n")).collect();
            let service = "- name: shop\n  vcs: {git: {url: 'http://git.example.com/shop.git'}}\n  cluster: {memory: {}}\n";
            format!("cache: {}\n{token}services:\n{service}{metrics}", folder.path().display())
        } else if block.starts_with("aggregator:") {
            aggregators += 1;
            let secret = folder.path().join("token");
            std::fs::write(&secret, TOKEN).unwrap();
            let service = "- {name: shop, vcs: {git: {url: 'http://git.example.com/shop.git'}}, cluster: {memory: {}}, metrics: {statsd: {}}}";
            let block = block.replace("/run/secrets/statsd", &secret.display().to_string());
            format!("cache: {}\n{token}services: [{}]\n{block}", folder.path().display(), &service[2..])
        } else {
            // Of a pod, or of the collector.
            continue;
        };
        std::fs::write(&file, &config).unwrap();
        let output = Command::new(DEPLOYER).args(["check", "--config"]).arg(&file).output().unwrap();
        assert!(output.status.success(), "{config}\n{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!((services, aggregators), (2, 1));
    // A deployer has no other listener for it.
    let config = std::fs::read_to_string(&file).unwrap().replace("        listen: 0.0.0.0:4318\n", "");
    std::fs::write(&file, config).unwrap();
    let output = Command::new(DEPLOYER).args(["check", "--config"]).arg(&file).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("metrics.statsd.otlp.listen: missing"), "{said}");
}
