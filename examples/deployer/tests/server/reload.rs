//! A configuration that changes while the server runs.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Server, World, signal};

const SECRET: &str = "correct-horse-battery";

async fn until(server: &Server, what: &str, is_so: impl AsyncFn() -> bool) {
    let began = Instant::now();
    while !is_so().await {
        assert!(began.elapsed() < Duration::from_secs(20), "{what}\n{}", server.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_changed_file_is_read_and_a_broken_one_refused() {
    let world = World::new();
    let tokens = |name: &str| json!({"tokens": [{"name": name, "secret": SECRET}]});
    let config = world.config(tokens("ci"), json!({}));
    let mut server = Server::serve(&config, SECRET).await;
    assert_eq!(server.put(&format!("/web/deploy?tag={}", world.tag(0))).await.0, 200);

    world.config(tokens("robot"), json!({"prune": true}));
    until(&server, "the change holds", async || server.get("/web").await.1["config"]["prune"] == true).await;
    // What runs in memory is still there, and the token of the new file is the caller.
    let (_, status) = server.get("/web/status").await;
    assert_eq!(status["stable"]["tag"], world.tag(0).as_str());
    assert_eq!(server.put(&format!("/web/deploy?tag={}", world.tag(1))).await.0, 200);
    assert_eq!(server.get("/web/status").await.1["stable"]["caller"], "robot");

    // One without tokens would let anybody in, one that is no YAML says nothing.
    for broken in [
        std::fs::read_to_string(world.config(json!({}), json!({}))).unwrap(),
        "services: [hunter2".to_owned(),
    ] {
        let refused = server.log().matches("the one before stays").count();
        std::fs::write(&config, broken).unwrap();
        signal(server.pid(), "HUP");
        until(&server, "it is refused", async || {
            server.log().matches("the one before stays").count() > refused
        })
        .await;
        assert_eq!(server.get("/web").await.1["config"]["prune"], true);
    }
    assert!(!server.log().contains("hunter2") && !server.log().contains("horse"), "{}", server.log());

    world.config(tokens("ci"), json!({"prune": false}));
    signal(server.pid(), "HUP");
    until(&server, "a good one holds again", async || server.get("/web").await.1["config"]["prune"] == false)
        .await;
    assert!(server.terminate().await, "it ends in order");
}

#[tokio::test]
async fn a_request_under_way_ends_with_what_it_began_with() {
    let world = World::new();
    let config = world.config(json!({"tokens": [{"name": "ci", "secret": SECRET}]}), json!({}));
    let mut server = Server::serve(&config, SECRET).await;
    let path = format!("/web/deploy?tag={}", world.tag(0));
    let (done, ()) = tokio::join!(server.put(&path), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let other = json!({"tokens": [{"name": "ci", "secret": "another-secret-of-ours"}]});
        world.config(other, json!({}));
        signal(server.pid(), "HUP");
    });
    assert_eq!(done.0, 200, "{}", done.1);
    until(&server, "the old token is gone", async || server.get("/web").await.0 == 401).await;
    // A process that is asked to end waits for what is under way.
    "another-secret-of-ours".clone_into(&mut server.token);
    let (url, token) = (server.url.clone(), server.token.clone());
    let path = format!("{url}/web/deploy?tag={}", world.tag(1));
    let last = tokio::spawn(async move {
        crate::support::client().put(path).bearer_auth(token).send().await.unwrap().status()
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(server.terminate().await);
    assert_eq!(last.await.unwrap(), 200);
}
