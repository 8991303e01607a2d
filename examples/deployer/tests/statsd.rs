//! `deployer statsd`: one aggregator that two deployers ask, killed in the middle.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test says what it expects"
)]

mod support;

use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use support::{ADMIN, Server, World, client, deployer, signal};

const NO_SERVICE: &str = "services: expected at least one service";
const TOKEN: &str = "correct-horse-battery-statsd";

/// The aggregator's own file, which holds none of the deployers' secrets.
fn aggregator(folder: &Path, statsd: &str) -> PathBuf {
    let path = folder.join("statsd.yml");
    let section = json!({"token": TOKEN, "statsd": {"listen": statsd}});
    // What is not its own is not read: this secret is nowhere.
    let others = json!([{"name": "ci", "secret": {"from_env": "NO_SUCH_VARIABLE"}}]);
    std::fs::write(&path, json!({"aggregator": section, "tokens": others}).to_string()).unwrap();
    path
}

async fn ask(url: &str, path: &str, token: &str) -> (u16, Value) {
    let response = client().get(format!("{url}{path}")).bearer_auth(token).send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

/// The address of UDP that it says it listens on.
fn udp(server: &Server) -> String {
    let log = server.log();
    let line = log.lines().find_map(|line| line.split_once("statsd listens listen=")).unwrap();
    line.1.trim().to_owned()
}

fn send(address: &str) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    for track in ["stable", "canary"] {
        for line in ["request.latency:120|ms", "request.count:5|c", "process.cpu:0.5|g"] {
            let packet = format!("{line}|#service:web,track:{track},pod:{track}-0");
            socket.send_to(packet.as_bytes(), address).unwrap();
        }
    }
}

async fn next_minute() {
    let minute = || std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs() / 60;
    let now = minute();
    while minute() == now {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn two_deployers_ask_one_aggregator_and_say_what_was_lost_when_it_was_killed() {
    let world = World::new();
    let file = aggregator(world.folder.path(), "127.0.0.1:0");
    let mut statsd = Server::run("statsd", &file, &["--listen", "127.0.0.1:0"]).await;
    let (url, address) = (statsd.url.clone(), udp(&statsd));
    let metrics = json!({"aggregator": {"url": url, "token": TOKEN}});
    // Enough for a verdict after two minutes, if nothing is lost.
    let rule = json!({"rule": "percentile", "metric": "latency", "percentile": 50, "margin": {"relative": 1.0}, "min_samples": 1});
    let policy = json!({"window_minutes": 10, "soak_minutes": 1, "deadline_minutes": 10, "rules": [rule]});
    let tokens = json!({"tokens": [{"name": "admin", "secret": ADMIN}], "autopilot": {"enabled": false}});
    let config = world.config(tokens, json!({"metrics": metrics, "policy": policy}));
    let mut deployers = Vec::new();
    for _ in 0..2 {
        let mut server = Server::serve(&config, &[]).await;
        ADMIN.clone_into(&mut server.token);
        assert_eq!(server.put(&format!("/web/deploy?tag={}", world.tag(0))).await.0, 200);
        deployers.push(server);
    }
    // Nobody without the token is told.
    for token in ["", "correct-horse-battery-wrong"] {
        let (status, said) = ask(&url, "/v1/known-since", token).await;
        assert!(status == 401 && said["error"].is_string(), "{said}");
    }
    let (status, said) = ask(&url, "/v1/known-since", TOKEN).await;
    let born = said["known_since"].as_i64().unwrap();
    assert_eq!((status, &said["version"]), (200, &json!(1)));
    let (status, said) = ask(&url, "/v1/blocks?service=web&metric=disk&from=0&to=1", TOKEN).await;
    assert!(status == 404 && said["available"].as_array().unwrap().contains(&json!("latency")), "{said}");
    assert_eq!(client().get(format!("{url}/healthz")).send().await.unwrap().status(), 200);

    for deployer in &deployers {
        assert_eq!(deployer.put(&format!("/web/canary?tag={}", world.tag(1))).await.0, 200);
    }
    // In the minute that the canaries started in, and not only then.
    let sending = {
        let address = address.clone();
        tokio::spawn(async move {
            loop {
                send(&address);
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        })
    };
    next_minute().await;
    next_minute().await;
    let mut samples = Vec::new();
    for deployer in &deployers {
        let (status, said) = deployer.get("/web/canary").await;
        assert_eq!(status, 200, "{said}");
        assert!(!said["verdict"]["reason"].as_str().unwrap().contains("lost"), "{said}");
        assert_eq!(said["verdict"]["verdict"], "pass", "{said}");
        samples.push(said["verdict"]["metrics"][0]["canary_samples"].as_u64().unwrap());
    }
    let metrics = client().get(format!("{url}/metrics")).bearer_auth(TOKEN).send().await.unwrap();
    let metrics = metrics.text().await.unwrap();
    assert!(metrics.contains("statsd_lines_total{fate=\"refused\"} 0"), "{metrics}");
    assert!(metrics.lines().any(|line| line.starts_with("statsd_packets_total ")), "{metrics}");
    assert!(samples[0] > 30 && samples[0] == samples[1], "both are told the same: {samples:?}");

    signal(statsd.pid(), "KILL");
    statsd.wait();
    for deployer in &deployers {
        let (status, said) = deployer.get("/web/canary").await;
        assert!(status.is_server_error() && said["verdict"].is_null(), "no answer is no verdict: {said}");
    }
    // It begins anew where it was, and knows nothing of before.
    let file = aggregator(world.folder.path(), &address);
    let listen = url.strip_prefix("http://").unwrap();
    let again = Server::run("statsd", &file, &["--listen", listen]).await;
    let since = ask(&again.url, "/v1/known-since", TOKEN).await.1["known_since"].as_i64().unwrap();
    assert!(since > born);
    for deployer in &deployers {
        let (status, said) = deployer.get("/web/canary").await;
        let reason = said["verdict"]["reason"].as_str().unwrap_or_default();
        assert_eq!((status.as_u16(), &said["verdict"]["verdict"]), (200, &json!("inconclusive")), "{said}");
        assert!(reason.contains("is lost"), "{said}");
    }
    sending.abort();
}

#[tokio::test]
async fn without_its_section_or_a_token_it_does_not_start_and_check_knows_both_sides() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deployer.yml");
    let run = |command: &str, file: Value| {
        std::fs::write(&path, file.to_string()).unwrap();
        let output = Command::new(deployer()).args([command, "--config"]).arg(&path).output().unwrap();
        (output.status.success(), String::from_utf8(output.stderr).unwrap())
    };
    let service = json!({"name": "web", "vcs": {"git": {"url": "/srv/web"}}, "cluster": {"memory": {}},
        "metrics": {"aggregator": {"url": "http://statsd:8126", "token": TOKEN}}});
    let (right, said) = run("check", json!({"services": [service], "aggregator": {"token": TOKEN}}));
    assert!(right, "{said}");
    assert!(
        run("check", json!({"aggregator": {"token": TOKEN}})).0,
        "an aggregator may have a file of its own"
    );
    let mut wrong = service.clone();
    wrong["metrics"]["aggregator"]["url"] = json!("http://me:hunter2@statsd");
    for (command, file, expected) in [
        ("statsd", json!({"services": [service]}), "aggregator: missing"),
        ("statsd", json!({"aggregator": {}}), "aggregator.token: missing"),
        ("statsd", json!({"aggregator": {"token": "hunter2"}}), "aggregator.token: expected at least 16"),
        ("statsd", json!({"aggregator": {"tokn": TOKEN}}), "aggregator.tokn: unknown field"),
        ("check", json!({"aggregator": {"statsd": {"metrics": {}}}}), "aggregator.statsd: "),
        ("check", json!({"services": [wrong]}), "services[0].metrics: "),
        ("check", json!({}), NO_SERVICE),
        (
            "serve",
            json!({"aggregator": {"token": TOKEN}, "tokens": [{"name": "me", "secret": TOKEN}]}),
            NO_SERVICE,
        ),
    ] {
        let (done, said) = run(command, file);
        assert!(
            !done && said.contains(expected) && !said.contains("hunter2"),
            "{command}: {expected}: {said}"
        );
    }
    let schema = Command::new(deployer()).arg("schema").output().unwrap();
    let schema: Value = serde_json::from_slice(&schema.stdout).unwrap();
    let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
    compiler.add_resource("deployer.json", schema).unwrap();
    let compiled = compiler.compile("deployer.json", &mut schemas).unwrap();
    let file = json!({"aggregator": {"listen": "0.0.0.0:8126", "token": {"from_env": "X"}, "statsd": {}}});
    schemas.validate(&file, compiled).unwrap();
    schemas.validate(&json!({"services": [service]}), compiled).unwrap();
    assert!(schemas.validate(&json!({"aggregator": {"tokn": "x"}}), compiled).is_err());
}
