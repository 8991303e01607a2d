//! `deployer demo --kubeconfig`: the same on a real cluster.

use serde_json::{Value, json};

use crate::support::Server;
use crate::world::plane;

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_rolls_a_slow_canary_back_on_a_real_cluster() {
    let Some(plane) = plane().await else { return };
    let plane = plane.read().await;
    let namespace = plane.namespace("demo").await.unwrap();
    let kubeconfig = plane.kubeconfig().to_str().unwrap().to_owned();
    let options = ["--kubeconfig".to_owned(), kubeconfig, "--namespace".to_owned(), namespace.clone()];
    let started = tokio::task::spawn_blocking(move || Server::demo(&options.each_ref().map(String::as_str)));
    let mut server = started.await.unwrap();
    let [first, slow] = [0, 2].map(|number| server.tags[number].clone());
    let tags = async |track: &str| {
        let label = format!("track={track}");
        let jsonpath = r"jsonpath={.items[*].metadata.annotations.nprt\.dev/tag}";
        let get = ["-n", &namespace, "get", "deployments", "-l", &label, "-o", jsonpath];
        let tags = plane.kubectl().run(&get).await.unwrap();
        tags.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(tags("stable").await, vec![first.clone(); 11]);

    let (status, done) = server.put(&format!("/boutique/canary?tag={slow}")).await;
    assert_eq!((status.as_u16(), &done["tag"]), (200, &json!(slow)), "{done}");
    assert!(tags("canary").await.iter().all(|tag| *tag == slow));
    let is_rolled_back = |status: &Value| status["canary"].is_null() && status["operation"].is_null();
    let status = server.until("it is rolled back", is_rolled_back).await;
    assert_eq!(status["stable"]["tag"], first.as_str());
    assert!((tags("canary").await.is_empty(), tags("stable").await) == (true, vec![first; 11]));
    // kubectl shows who decided, and why.
    let events =
        ["-n", &namespace, "get", "events", "-o", "jsonpath={range .items[*]}{.reason}: {.message}\n{end}"];
    let events = plane.kubectl().run(&events).await.unwrap();
    assert!(
        events.lines().any(|line| line.starts_with("RolledBack: ") && line.contains("autopilot")),
        "{events}"
    );
    assert!(server.terminate().await);
}
