//! Two replicas over one cluster, a real control plane, and one aggregator of metrics that soon forgets: the replicas are
//! killed, and the canaries come to the verdicts of a judge that was never interrupted, each once.

mod metrics;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use metrics::Metrics;
use nprt::clock::SystemClock;
use nprt::model::Block;
use nprt::ports::Clock;
use nprt_testkit::{ControlPlane, need};
use serde_json::{Value, json};

use crate::namespace::Namespace;
use crate::support::{ADMIN, Server, World};

/// Minutes that the canaries seem to have run when the test begins.
const RUN: i64 = 60;
/// Minutes that the metrics still know of those that are in the checkpoints: a look may be under way that began with an
/// older one.
const KNOWN: i64 = 5;

async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

/// What Slack was told.
async fn slack() -> (String, Arc<Mutex<Vec<String>>>) {
    let told = Arc::<Mutex<Vec<String>>>::default();
    let kept = Arc::clone(&told);
    let take = async move |body: String| {
        kept.lock().unwrap().push(body);
        "ok"
    };
    (serve(Router::new().fallback(take)).await, told)
}

fn configure(world: &World, namespaces: [&Namespace; 2], metrics: &str, slack: &str) -> PathBuf {
    let tokens = json!([{"name": "admin", "secret": ADMIN}]);
    let service = json!({
        "metrics": {"aggregator": {"url": metrics}},
        "policy": {"preset": "default"},
        "notifiers": [{"slack": {"webhook_url": slack}}],
    });
    let pipeline = json!({"image_wait_seconds": 0, "lease_seconds": 3});
    let path = world.config(json!({"tokens": tokens, "pipeline": pipeline}), service);
    let mut file: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    for (number, namespace) in namespaces.into_iter().enumerate() {
        file["services"][number]["cluster"] = namespace.place();
    }
    std::fs::write(&path, file.to_string()).unwrap();
    path
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_that_are_killed_come_to_the_verdicts_of_one_that_was_not_and_each_once() {
    let Some(plane) = need(ControlPlane::shared().await) else { return };
    let world = World::new();
    let (web, other) = (Namespace::new(plane, "web").await, Namespace::new(plane, "other").await);
    let hour = Block::minute_of(SystemClock.now()) - RUN;
    let started = jiff::Timestamp::from_second(60 * hour).unwrap();
    let metrics = Metrics::new(started).await;
    let (slack, told) = slack().await;
    let config = configure(&world, [&web, &other], &metrics.url, &slack);
    let (mut one, mut two) = (Server::serve(&config, ADMIN).await, Server::serve(&config, ADMIN).await);
    for service in ["web", "other"] {
        for (operation, version) in [("deploy", 0), ("canary", 1)] {
            let path = format!("/{service}/{operation}?tag={}&wait=60&notify=false", world.tag(version));
            let (status, body) = one.put(&path).await;
            assert_eq!(status, 200, "{body}");
        }
    }
    let mut living = vec![("web", &web), ("other", &other)];
    for (_, namespace) in &living {
        let annotation = format!("nprt.dev/started={started}");
        namespace.run(&["annotate", "--overwrite", "deployment/web-canary", &annotation]).await;
    }
    told.lock().unwrap().clear();

    let mut decided = Vec::new();
    // For all but the last minutes, no canary passes: what was measured then is too old to say how it is now.
    for minute in 1..=RUN {
        metrics.minute();
        if minute > 16 && minute < RUN - 18 {
            continue;
        }
        // Maybe in the middle of a look, or of what follows from it.
        if minute % 6 == 4 {
            one.kill();
            one = Server::serve(&config, ADMIN).await;
        }
        if minute == 4 {
            for (service, _) in &living {
                let (status, said) = two.get(&format!("/{service}/canary")).await;
                assert_eq!(status, 200, "{said}");
                let end = said["verdict"]["range"][1].as_str().unwrap().parse().unwrap();
                let verdict = metrics.judge(service, started).await.verdict(end);
                assert_eq!(said["verdict"], serde_json::to_value(&verdict).unwrap(), "{service}");
            }
        }
        let mut still = Vec::new();
        for (service, namespace) in living {
            // What a judge says that was never interrupted.
            let verdict = metrics.judge(service, started).await.verdict(SystemClock.now());
            if verdict.decision.as_str() == "inconclusive" {
                until(service, [&one, &two], async || {
                    // What may still change is not kept.
                    let kept = namespace.kept_until(service).await;
                    minute < 3 || kept.is_some_and(|kept| kept >= hour + minute - 2)
                })
                .await;
                assert!(namespace.has_canary().await, "{service} after {minute} min: {}", verdict.reason);
                still.push((service, namespace));
            } else {
                until(service, [&one, &two], async || !namespace.has_canary().await).await;
                decided.push((service, verdict.decision.to_string()));
            }
        }
        living = still;
        if let Some(kept) = kept_of(&living).await {
            metrics.forget_before(kept - KNOWN);
        }
        // Between what was kept and the next look: nobody is left who saw more than the checkpoints.
        if minute % 6 == 1 {
            one.kill();
            two.kill();
            (one, two) = tokio::join!(Server::serve(&config, ADMIN), Server::serve(&config, ADMIN));
        }
        if living.is_empty() {
            break;
        }
    }
    let expected = [("web", "regression".to_owned()), ("other", "pass".to_owned())];
    assert_eq!(decided, expected, "{}\n{}", one.log(), two.log());
    told_once(&web, &other, &told, &world).await;
    let mut counts = Vec::new();
    for server in [&one, &two] {
        let metrics = server.send(reqwest::Method::GET, "/metrics", |request| request).await;
        counts.push(metrics.text().await.unwrap());
    }
    let decision =
        "deployer_autopilot_decisions_total{service=\"other\",operation=\"promoted\",outcome=\"done\"} 1";
    assert!(counts.iter().any(|text| text.contains(decision)), "{counts:?}");
}

/// The first minute that is not in all checkpoints.
async fn kept_of(living: &[(&str, &Namespace)]) -> Option<i64> {
    let mut least = None;
    for (service, namespace) in living {
        let kept = namespace.kept_until(service).await?;
        least = Some(least.map_or(kept, |least: i64| least.min(kept)));
    }
    least
}

async fn until(what: &str, replicas: [&Server; 2], is_so: impl AsyncFn() -> bool) {
    let began = Instant::now();
    while !is_so().await {
        let logs = || replicas.map(|one| one.log()).join("\n---\n");
        assert!(began.elapsed() < Duration::from_secs(120), "{what}: {}", logs());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Each decision is an event that `kubectl describe` shows, an annotation and a message: once.
async fn told_once(web: &Namespace, other: &Namespace, told: &Mutex<Vec<String>>, world: &World) {
    let began = Instant::now();
    for (namespace, reason, said, tag) in [
        (web, "RolledBack", "was rolled back", world.tag(0)),
        (other, "Promoted", "was promoted to stable", world.tag(1)),
    ] {
        let events = loop {
            let events = namespace.get(&["events.events.k8s.io"]).await;
            let events = events["items"].as_array().cloned().unwrap_or_default();
            let mut of = events.into_iter().filter(|event| event["reason"] == reason).peekable();
            if of.peek().is_some() {
                break of.collect::<Vec<Value>>();
            }
            assert!(began.elapsed() < Duration::from_secs(60), "no event {reason}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        };
        assert_eq!(events.len(), 1, "{events:?}");
        let note = events[0]["note"].as_str().unwrap();
        assert!(note.starts_with("by autopilot: ") && note.contains(said), "{note}");
        assert_eq!(events[0]["regarding"]["name"], "web");
        let described = namespace.run(&["describe", "deployment", "web"]).await;
        assert!(described.contains(reason), "{described}");
        let stable = namespace.get(&["deployment", "web"]).await;
        assert_eq!(stable.pointer("/metadata/annotations/nprt.dev~1tag"), Some(&json!(tag)));
        let messages = || told.lock().unwrap().iter().filter(|message| message.contains(said)).count();
        while messages() == 0 {
            assert!(began.elapsed() < Duration::from_secs(60), "nobody was told of {reason}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        assert_eq!(messages(), 1, "{:?}", told.lock().unwrap());
    }
    let stable = web.get(&["deployment", "web"]).await;
    let said = stable.pointer("/metadata/annotations/nprt.dev~1rolled-back").unwrap().as_str().unwrap();
    let said: Value = serde_json::from_str(said).unwrap();
    assert_eq!(said["by"], "autopilot");
    assert!(said["canary"].as_str().unwrap().contains(&world.tag(1)), "{said}");
    let stable = other.get(&["deployment", "web"]).await;
    let annotation = |key: &str| stable.pointer(&format!("/metadata/annotations/nprt.dev~1{key}")).cloned();
    assert_eq!(annotation("caller"), Some(json!("autopilot")));
    assert!(annotation("reason").unwrap().as_str().unwrap().contains("every rule holds"), "{stable}");
}
