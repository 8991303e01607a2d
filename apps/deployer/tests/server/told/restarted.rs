//! A server that is killed between a canary's start and what becomes of it, over a cluster that lives on.

use std::time::{Duration, Instant};

use nprt_testkit::{ControlPlane, need};
use reqwest::Method;
use serde_json::{Value, json};

use super::ears::{Ears, Heard};
use crate::namespace::Namespace;
use crate::support::{ADMIN, Server, World};

/// Waits until the autopilot has looked at the canary so often, and has left it as it is.
async fn looks(server: &Server, times: u32) {
    let began = Instant::now();
    let line = "deployer_autopilot_decisions_total{service=\"web\",operation=\"waits\",outcome=\"done\"} ";
    let looks = async || {
        let response = server.send(Method::GET, "/metrics", |request| request).await;
        let metrics = response.text().await.unwrap();
        let count = metrics.lines().find_map(|metric| metric.strip_prefix(line));
        count.map_or(0, |count| count.parse::<u32>().unwrap())
    };
    let before = looks().await;
    while looks().await < before + times {
        assert!(began.elapsed() < Duration::from_secs(60), "{}", server.log());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// The one piece of news since the last look.
async fn news(ears: &mut Ears) -> Heard {
    let mut heard = ears.heard().await;
    assert_eq!(heard.len(), 1, "{heard:?}");
    heard.remove(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_canary_that_is_left_to_a_person_is_told_once_and_in_its_thread_by_whichever_server_lives() {
    let Some(plane) = need(ControlPlane::shared().await) else { return };
    let (world, mut ears) = (World::new(), Ears::start().await);
    let namespace = Namespace::new(plane, "kept").await;
    let service = json!({
        "cluster": namespace.place(),
        "autopilot": {"at_deadline": "keep"},
        "policy": {"preset": "default", "soak_minutes": 1, "warm_up_minutes": 0, "deadline_minutes": 1},
    });
    let config = ears.config(&world, json!({}), service);
    let mut server = Server::serve(&config, ADMIN).await;
    assert_eq!(server.put(&format!("/web/deploy?tag={}", world.tag(0))).await.0, 200);
    let (status, done) = server.put(&format!("/web/canary?tag={}&notify=true", world.tag(1))).await;
    assert_eq!(status, 200, "{done}");
    let started = news(&mut ears).await;
    let (parent, canary) = (&started.bot["ts"], &started.webhook["data"]["canary"]);
    assert_eq!((started.occasion().as_str(), started.bot.get("thread_ts")), ("canary_started", None));

    server.kill();
    let mut server = Server::serve(&config, ADMIN).await;
    ears.until_heard(2, &server).await;
    let undecided = news(&mut ears).await;
    assert_eq!((undecided.occasion().as_str(), &undecided.bot["thread_ts"]), ("undecided", parent));
    assert_eq!(undecided.bot["reply_broadcast"], true, "somebody has to look");
    assert_eq!(&undecided.webhook["data"]["canary"], canary);
    assert_eq!(undecided.webhook["data"]["verdict"]["verdict"], "inconclusive");
    assert!(undecided.table().is_some() && undecided.link().is_some(), "{undecided:?}");
    let workload = namespace.get(&["deployment", "web-canary"]).await;
    let said = workload.pointer("/metadata/annotations/nprt.dev~1undecided").unwrap().as_str().unwrap();
    let said: Value = serde_json::from_str(said).unwrap();
    assert_eq!(said["by"], "autopilot", "{said}");
    assert!(said["canary"].as_str().unwrap().contains(&world.tag(1)), "{said}");
    let reason = said["reason"].as_str().unwrap();
    assert!(reason.starts_with("still inconclusive at the deadline: "), "{reason}");

    // However often it looks, and who looks next: that it was said stands at the canary.
    looks(&server, 3).await;
    server.kill();
    let server = Server::serve(&config, ADMIN).await;
    looks(&server, 3).await;
    assert!(ears.heard().await.is_empty(), "it was told before");
    let events = namespace.get(&["events.events.k8s.io"]).await;
    let events = events["items"].as_array().unwrap().iter().filter(|event| event["reason"] == "Undecided");
    assert_eq!(events.count(), 1);
    assert_eq!(server.get("/web/status").await.1["canary"]["tag"], world.tag(1).as_str());

    assert_eq!(server.put("/web/rollback?reason=I+looked").await.0, 200);
    let decided = news(&mut ears).await;
    assert_eq!((decided.occasion().as_str(), &decided.bot["thread_ts"]), ("rolled_back", parent));
    assert_eq!(&decided.webhook["data"]["canary"], canary);
}
