//! A configuration that changes while the server runs.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::aggregator::TOKEN;
use crate::support::{Server, World, signal};

const SECRET: &str = "correct-horse-battery";
const OTHER: &str = "another-secret-of-ours";

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

    // One without tokens would let anybody in, one without services would end them all, one that is no YAML says nothing.
    let mut none = tokens("ci");
    none["aggregator"] = json!({"token": TOKEN});
    for broken in [
        std::fs::read_to_string(world.config(json!({}), json!({}))).unwrap(),
        none.to_string(),
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
        let other = json!({"tokens": [{"name": "ci", "secret": OTHER}]});
        world.config(other, json!({}));
        signal(server.pid(), "HUP");
    });
    assert_eq!(done.0, 200, "{}", done.1);
    until(&server, "the old token is gone", async || server.get("/web").await.0 == 401).await;
    // A process that is asked to end waits for what is under way.
    OTHER.clone_into(&mut server.token);
    let (url, token) = (server.url.clone(), server.token.clone());
    let path = format!("{url}/web/deploy?tag={}", world.tag(1));
    let last = tokio::spawn(async move {
        crate::support::client().put(path).bearer_auth(token).send().await.unwrap().status()
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(server.terminate().await);
    assert_eq!(last.await.unwrap(), 200);
}

#[tokio::test]
async fn a_secret_whose_file_changes_is_read_anew_without_a_signal() {
    let world = World::new();
    let secret = world.folder.path().join("secret");
    std::fs::write(&secret, SECRET).unwrap();
    let tokens = json!({"tokens": [{"name": "ci", "secret": {"from_file": secret}}]});
    let mut server = Server::serve(&world.config(tokens, json!({})), SECRET).await;
    assert_eq!(server.get("/web/status").await.0, 200);
    std::fs::write(&secret, OTHER).unwrap();
    until(&server, "the old secret is gone", async || server.get("/web/status").await.0 == 401).await;
    OTHER.clone_into(&mut server.token);
    assert_eq!(server.get("/web/status").await.0, 200);
    // One that is gone changes nothing.
    std::fs::remove_file(&secret).unwrap();
    until(&server, "it is refused", async || server.log().contains("the one before stays")).await;
    assert_eq!(server.get("/web/status").await.0, 200);
    assert!(!server.log().contains("horse") && !server.log().contains(OTHER), "{}", server.log());
}

#[tokio::test]
async fn what_changes_while_it_starts_is_not_missed() {
    let world = World::new();
    let pipe = world.folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let config = world.config(json!({"tokens": [{"name": "ci", "secret": {"from_file": pipe}}]}), json!({}));
    let folder = world.folder.path().to_owned();
    // Whoever reads the secret waits for it, and has read the file before.
    let change = std::thread::spawn(move || {
        let mut secret = std::fs::OpenOptions::new().write(true).open(pipe).unwrap();
        let text = std::fs::read_to_string(&config).unwrap();
        let mut file: serde_json::Value = serde_json::from_str(&text).unwrap();
        file["tokens"][0]["secret"] = OTHER.into();
        std::fs::write(config, file.to_string()).unwrap();
        std::io::Write::write_all(&mut secret, SECRET.as_bytes()).unwrap();
    });
    let server = Server::serve(&folder.join("deployer.yml"), OTHER).await;
    change.join().unwrap();
    until(&server, "the change holds", async || server.get("/web/status").await.0 == 200).await;
}
