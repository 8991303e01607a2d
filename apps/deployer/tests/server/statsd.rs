//! `deployer statsd`: one aggregator that two deployers ask, killed in the middle.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::aggregator::{self, TOKEN, traffic};
use crate::support::{ADMIN, DEPLOYER, Server, World, client, signal};

const NO_SERVICE: &str = "services: expected at least one service";
async fn ask(url: &str, path: &str, token: &str) -> (u16, Value) {
    let response = client().get(format!("{url}{path}")).bearer_auth(token).send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

/// Seconds since 1970.
fn now() -> u64 {
    std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs()
}

async fn next_minute() {
    let minute = now() / 60;
    while now() / 60 == minute {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn two_deployers_ask_one_aggregator_and_say_what_was_lost_when_it_was_killed() {
    let world = World::new();
    let file = aggregator::file(world.folder.path(), "127.0.0.1:0");
    let mut statsd = aggregator::serve(&file, "127.0.0.1:0").await;
    let (url, address) = (statsd.url.clone(), aggregator::udp(&statsd));
    let metrics = json!({"aggregator": {"url": url, "token": TOKEN}});
    let tokens = json!({"tokens": [{"name": "admin", "secret": ADMIN}], "autopilot": {"enabled": false}});
    let config = world.config(tokens, json!({"metrics": metrics, "policy": aggregator::policy()}));
    let mut deployers = Vec::new();
    for _ in 0..2 {
        let server = Server::serve(&config, ADMIN).await;
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

    // Both in one minute, or one of them is not told of the other's first.
    if now() % 60 > 40 {
        next_minute().await;
    }
    for deployer in &deployers {
        assert_eq!(deployer.put(&format!("/web/canary?tag={}", world.tag(1))).await.0, 200);
    }
    // In the minute that the canaries started in, and not only then.
    traffic(address.clone(), 120);
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

    statsd.kill();
    for deployer in &deployers {
        let (status, said) = deployer.get("/web/canary").await;
        assert!(status.is_server_error() && said["verdict"].is_null(), "no answer is no verdict: {said}");
    }
    // It begins anew where it was, and knows nothing of before.
    let file = aggregator::file(world.folder.path(), &address);
    let listen = url.strip_prefix("http://").unwrap();
    let again = aggregator::serve(&file, listen).await;
    let since = ask(&again.url, "/v1/known-since", TOKEN).await.1["known_since"].as_i64().unwrap();
    assert!(since > born);
    for deployer in &deployers {
        let (status, said) = deployer.get("/web/canary").await;
        let reason = said["verdict"]["reason"].as_str().unwrap_or_default();
        assert_eq!((status.as_u16(), &said["verdict"]["verdict"]), (200, &json!("inconclusive")), "{said}");
        assert!(reason.contains("is lost"), "{said}");
    }
}

#[tokio::test]
async fn its_token_is_read_anew_and_what_it_heard_is_kept() {
    const OTHER: &str = "another-secret-of-ours";
    let folder = tempfile::tempdir().unwrap();
    let (path, secret) = (folder.path().join("statsd.yml"), folder.path().join("token"));
    let write = |bytes: u64| {
        let statsd = json!({"listen": "127.0.0.1:0", "receive_buffer_bytes": bytes});
        let file = json!({"aggregator": {"token": {"from_file": secret}, "statsd": statsd}});
        std::fs::write(&path, file.to_string()).unwrap();
    };
    write(1 << 16);
    std::fs::write(&secret, TOKEN).unwrap();
    let statsd = aggregator::serve(&path, "127.0.0.1:0").await;
    let known = async |token: &'static str| ask(&statsd.url, "/v1/known-since", token).await;
    let (_, born) = known(TOKEN).await;
    let until = async |what: &str, is_so: &dyn Fn(&str) -> bool| {
        let began = Instant::now();
        while !is_so(&statsd.log()) {
            assert!(began.elapsed() < Duration::from_secs(20), "{what}\n{}", statsd.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };

    signal(statsd.pid(), "HUP");
    until("asked by a signal", &|log| log.contains("the token was read anew")).await;
    assert_eq!(known(TOKEN).await, (200, born.clone()));

    std::fs::write(&secret, OTHER).unwrap();
    until("its file changed", &|log| log.matches("the token was read anew").count() == 2).await;
    assert_eq!((known(TOKEN).await.0, known(OTHER).await), (401, (200, born.clone())));
    assert!(!statsd.log().contains("after a restart"), "{}", statsd.log());

    write(1 << 17);
    until("more changed", &|log| {
        log.contains("what changed beside the token and services holds after a restart")
    })
    .await;
    // Without a token it would answer everybody.
    std::fs::write(&path, json!({"aggregator": {}}).to_string()).unwrap();
    until("a wrong one", &|log| log.contains("the token before stays: aggregator.token: missing")).await;
    assert_eq!((known("").await.0, known(OTHER).await), (401, (200, born)));
}

#[tokio::test]
async fn probes_are_answered_apart_and_bad_lines_are_counted_by_reason_and_service() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("statsd.yml");
    let datagrams = folder.path().join("datagrams");
    let statsd = json!({"listen": "127.0.0.1:0", "services": ["web"], "also_listen": [{"unix": datagrams}]});
    let file = json!({"aggregator": {"token": TOKEN, "health_listen": "127.0.0.1:0", "statsd": statsd}});
    std::fs::write(&path, file.to_string()).unwrap();
    let statsd = aggregator::serve(&path, "127.0.0.1:0").await;
    let log = statsd.log();
    let health = log.lines().find(|line| line.contains("answers probes of health")).unwrap();
    let health = health.split("address=").nth(1).unwrap().split_whitespace().next().unwrap();
    for (path, status) in [("healthz", 200), ("readyz", 200), ("metrics", 404), ("v1/known-since", 404)] {
        assert_eq!(
            client().get(format!("http://{health}/{path}")).send().await.unwrap().status(),
            status,
            "{path}"
        );
    }
    let socket = std::os::unix::net::UnixDatagram::unbound().unwrap();
    for line in [
        "request.latency:5|ms",
        "request.latency:-5|ms",
        "request.count:-1|c",
        "process.cpu:+1|g",
        "request.count:x|c",
    ] {
        socket.send_to(format!("{line}|#service:web,track:canary").as_bytes(), &datagrams).unwrap();
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let answer = client().get(format!("{}/metrics", statsd.url)).bearer_auth(TOKEN).send().await.unwrap();
    let numbers = answer.text().await.unwrap();
    for expected in [
        "statsd_lines_total{fate=\"used\"} 1",
        "statsd_lines_total{fate=\"malformed\",reason=\"negative\"} 1",
        "statsd_lines_total{fate=\"malformed\",reason=\"number\"} 1",
        "statsd_lines_total{fate=\"left_out\",reason=\"negative\"} 1",
        "statsd_lines_total{fate=\"left_out\",reason=\"no-base\"} 1",
        "statsd_left_out_lines_total{service=\"web\",reason=\"negative\"} 2",
        "statsd_left_out_lines_total{service=\"web\",reason=\"malformed\"} 1",
        "statsd_kernel_dropped_packets_total 0",
        "statsd_refused_lines_total{service=\"web\"} 0",
    ] {
        assert!(numbers.lines().any(|line| line == expected), "{expected}\n{numbers}");
    }
    // Once a second.
    let logged = statsd.log().matches("a statsd line was left out").count();
    assert!((1..=2).contains(&logged), "{}", statsd.log());
}

#[tokio::test]
async fn told_that_anybody_may_ask_it_needs_no_token() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("statsd.yml");
    std::fs::write(&path, json!({"aggregator": {"statsd": {"listen": "127.0.0.1:0"}}}).to_string()).unwrap();
    let mut command = Command::new(DEPLOYER);
    command.args(["statsd", "--insecure", "--listen", "127.0.0.1:0", "--config"]).arg(&path);
    let statsd = Server::start(command).await;
    assert_eq!(ask(&statsd.url, "/v1/known-since", "").await.0, 200);
}

#[tokio::test]
async fn without_its_section_or_a_token_it_does_not_start_and_check_knows_both_sides() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deployer.yml");
    let run = |command: &str, file: Value| {
        std::fs::write(&path, file.to_string()).unwrap();
        let output = Command::new(DEPLOYER).args([command, "--config"]).arg(&path).output().unwrap();
        (output.status.success(), String::from_utf8(output.stderr).unwrap())
    };
    let service = json!({"name": "web", "vcs": {"git": {"url": "/srv/web"}}, "cluster": {"memory": {}},
        "metrics": {"aggregator": {"url": "http://statsd:8126", "token": TOKEN}}});
    let tokens = json!([{"name": "ci", "secret": ADMIN}]);
    let both = json!({"services": [service], "tokens": tokens, "aggregator": {"token": TOKEN}});
    let (right, said) = run("check", both);
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
        ("check", json!({"aggregator": {}}), "aggregator.token: missing"),
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
    let schema = Command::new(DEPLOYER).arg("schema").output().unwrap();
    let schema: Value = serde_json::from_slice(&schema.stdout).unwrap();
    let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
    compiler.add_resource("deployer.json", schema).unwrap();
    let compiled = compiler.compile("deployer.json", &mut schemas).unwrap();
    let file = json!({"aggregator": {"listen": "0.0.0.0:8126", "token": {"from_env": "X"}, "statsd": {}}});
    schemas.validate(&file, compiled).unwrap();
    schemas.validate(&json!({"services": [service]}), compiled).unwrap();
    assert!(schemas.validate(&json!({"aggregator": {"tokn": "x"}}), compiled).is_err());
}

#[tokio::test]
async fn only_services_that_are_named_have_room_and_others_are_named_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("statsd.yml");
    let write = |services: &[&str]| {
        let statsd = json!({"listen": "127.0.0.1:0", "services": services});
        std::fs::write(&path, json!({"aggregator": {"token": TOKEN, "statsd": statsd}}).to_string()).unwrap();
    };
    write(&["web"]);
    let statsd = aggregator::serve(&path, "127.0.0.1:0").await;
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = aggregator::udp(&statsd);
    let numbers = async |lines: u32, service: &str| {
        for _ in 0..lines {
            let line = format!("request.latency:1|ms|#service:{service},track:canary,pod:p");
            socket.send_to(line.as_bytes(), &address).unwrap();
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
        let answer = client().get(format!("{}/metrics", statsd.url)).bearer_auth(TOKEN).send().await.unwrap();
        answer.text().await.unwrap()
    };
    let heard = numbers(3, "evil").await;
    assert!(heard.contains("statsd_lines_total{fate=\"unnamed\"} 3"), "{heard}");
    assert!(heard.contains("statsd_refused_lines_total{service=\"web\"} 0"), "{heard}");
    assert!(numbers(2, "web").await.contains("statsd_lines_total{fate=\"used\"} 2"));
    let question = |service: &str| format!("/v1/lost?service={service}&from=0&to=1");
    assert_eq!(ask(&statsd.url, &question("web"), TOKEN).await, (200, json!({"version": 1, "lost": []})));
    let (status, said) = ask(&statsd.url, &question("cart"), TOKEN).await;
    assert!(status == 400 && said["available"] == json!(["web"]), "{said}");

    write(&["web", "cart"]);
    let began = Instant::now();
    while !statsd.log().contains("other services have room now") {
        assert!(began.elapsed() < Duration::from_secs(20), "{}", statsd.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(!statsd.log().contains("after a restart"), "{}", statsd.log());
    assert!(numbers(1, "cart").await.contains("statsd_lines_total{fate=\"used\"} 3"));
    assert_eq!(ask(&statsd.url, &question("cart"), TOKEN).await.0, 200);
}
