//! What the autopilot decides by what was measured: datagrams of a canary become a message with their figures.

use serde_json::{Value, json};

use super::ears::{Ears, Heard};
use crate::aggregator::{self, TOKEN, traffic};
use crate::support::{Server, World, images};

#[tokio::test]
async fn what_the_autopilot_decides_by_measurements_is_told_with_them_in_the_canarys_thread() {
    let slow = case(480, "regression", "rolled_back", 0);
    let fine = case(120, "pass", "promoted", 1);
    tokio::join!(slow, fine, lost());
}

/// A canary that passes and whose images are gone when it is to be promoted.
async fn lost() {
    let (world, mut ears) = (World::new(), Ears::start().await);
    let (_aggregator, server) = serve(&world, &ears, 120).await;
    start(&world, &server).await;
    images(&world.folder.path().join("images/web"), &[world.tag(0)]);
    ears.until_heard(3, &server).await;
    let told = ears.heard().await;
    let [_, failed, gone] = &told[..] else { panic!("each once: {told:?}") };
    assert_eq!([failed, gone].map(Heard::occasion), ["failed", "rolled_back"]);
    let reason = gone.webhook["data"]["details"][1]["value"].as_str().unwrap();
    assert!(reason.starts_with("its promotion failed: ") && reason.contains(&world.tag(1)), "{reason}");
    assert_eq!(gone.webhook["data"]["verdict"]["verdict"], "pass");
    let status = server.get("/web/status").await.1;
    assert_eq!((&status["canary"], &status["stable"]["tag"]), (&Value::Null, &json!(world.tag(0))));
}

/// A server whose canaries answer in so many milliseconds, and the aggregator that it asks.
async fn serve(world: &World, ears: &Ears, latency: u32) -> (Server, Server) {
    let any = "127.0.0.1:0";
    let aggregator = aggregator::serve(&aggregator::file(world.folder.path(), any), any).await;
    traffic(aggregator::udp(&aggregator), latency);
    let metrics = json!({"aggregator": {"url": aggregator.url, "token": TOKEN}});
    let service = json!({"metrics": metrics, "policy": aggregator::policy()});
    let server = ears.server(world, json!({}), service).await;
    (aggregator, server)
}

async fn start(world: &World, server: &Server) {
    assert_eq!(server.put(&format!("/web/deploy?tag={}", world.tag(0))).await.0, 200);
    let (status, done) = server.put(&format!("/web/canary?tag={}&notify=true", world.tag(1))).await;
    assert_eq!(status, 200, "{done}");
}

/// A canary that answers in so many milliseconds, where stable takes 120: its verdict, what became of it, and which version
/// is stable then.
async fn case(latency: u32, verdict: &str, occasion: &str, stable: usize) {
    let (world, mut ears) = (World::new(), Ears::start().await);
    let (_aggregator, server) = serve(&world, &ears, latency).await;
    start(&world, &server).await;
    let [started] = &ears.heard().await[..] else { panic!("the start is told") };
    let parent = started.bot["ts"].clone();

    ears.until_heard(2, &server).await;
    let heard = ears.heard().await;
    let [decided] = &heard[..] else { panic!("{heard:?}") };
    assert_eq!((decided.occasion().as_str(), &decided.bot["thread_ts"]), (occasion, &parent), "{decided:?}");
    assert_eq!(decided.webhook["data"]["canary"], started.webhook["data"]["canary"]);
    let told = &decided.webhook["data"]["verdict"];
    let rule = &told["metrics"][0];
    assert_eq!((&told["verdict"], &rule["verdict"]), (&json!(verdict), &json!(verdict)), "{told}");
    // statsd keeps sketches, with an error of 0.4%.
    for (track, milliseconds) in [("stable", 120), ("canary", latency)] {
        let (figure, truth) = (rule[track].as_f64().unwrap(), f64::from(milliseconds) / 1000.0);
        assert!((figure / truth - 1.0).abs() < 0.004, "{track}: {figure}, not {truth}");
    }
    let table = decided.table().expect("it was judged");
    assert!(table[1].contains(" ms ") && table[1].ends_with(verdict), "{table:?}");
    let details = &decided.webhook["data"]["details"];
    assert_eq!(details[0]["value"], "autopilot");
    assert_eq!(details[1]["value"], told["reason"]);
    let status = server.get("/web/status").await.1;
    assert_eq!((&status["canary"], &status["stable"]["tag"]), (&Value::Null, &json!(world.tag(stable))));
}
