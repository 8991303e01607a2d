//! A server that is asked to end (SIGTERM) in the middle of a deploy.

use std::time::{Duration, Instant};

use nprt_testkit::ShopState;
use serde_json::json;

use crate::support::{Server, signal};
use crate::world::{World, deploy, plane, until_applied};

/// It says by every route that it ends, to old and new connections, while it lives.
async fn refuses(server: &Server) {
    let fresh = crate::support::client();
    for path in ["/", "/shop-0/status", "/readyz"] {
        let (status, problem) = server.get(path).await;
        assert_eq!(
            (status.as_u16(), problem["kind"].as_str()),
            (503, Some("unavailable")),
            "{path}: {problem}"
        );
        let again =
            fresh.get(format!("{}{path}", server.url)).bearer_auth(&server.token).send().await.unwrap();
        assert_eq!(again.status(), 503, "{path}");
    }
    assert_eq!(server.put("/shop-0/deploy?commit=main").await.0, 503);
    assert_eq!(server.get("/healthz").await.0, 200, "it lives");
}

async fn ends(server: &mut Server, within: Duration) {
    let began = Instant::now();
    while server.child.try_wait().unwrap().is_none() {
        assert!(began.elapsed() < within, "{}", server.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_asked_to_end_finishes_what_is_under_way() {
    let Some(plane) = plane().await else { return };
    let plane = plane.read().await;
    let Some(world) = World::new(&plane, "finish", 1).await else { return };
    let gate = plane.gate(&world.shops[0].user).await.unwrap();
    let limits = json!({"limits": {"shutdown_seconds": 90}});
    let mut server = world.server_through(&gate, "finish", &limits).await;
    let commit = world.commit().await;
    let path = deploy(0, &commit, 0);
    // In the middle of its objects.
    let held = gate.hold(5, |request| request.is_write() && !request.is_of_lease());
    let (done, ()) = tokio::join!(server.put(&path), async {
        let held = held.await.unwrap();
        signal(server.pid(), "TERM");
        let began = Instant::now();
        while server.get("/readyz").await.0 != 503 {
            assert!(began.elapsed() < Duration::from_secs(30), "it is ready still");
        }
        refuses(&server).await;
        assert!(held.pass().await.is_some());
    });
    assert_eq!((done.0.as_u16(), &done.1["tag"]), (200, &json!(commit.tag)), "{}", done.1);
    ends(&mut server, Duration::from_secs(20)).await;
    assert_eq!(world.shops[0].state().await.unwrap(), ShopState::of(&commit));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_done_in_time_goes_back() {
    let Some(plane) = plane().await else { return };
    let plane = plane.read().await;
    let Some(world) = World::new(&plane, "back", 1).await else { return };
    let mut server = world.server("back", &json!({"limits": {"shutdown_seconds": 30}})).await;
    let good = world.commit().await;
    let (status, done) = server.put(&deploy(0, &good, 0)).await;
    assert_eq!(status, 200, "{done}");

    let never_ready = |manifests: String| {
        let (labels, never) = ("labels: {app: web}", "annotations: {sim/behaviour: never-ready}");
        manifests.replace(&format!("{{{labels}}}"), &format!("{{{labels}, {never}}}"))
    };
    let bad = world.commit_with(never_ready).await;
    assert!(bad.manifests.contains("never-ready"));
    let mut steps = server.steps(&deploy(0, &bad, 0)).await;
    until_applied(&mut steps).await;
    let began = Instant::now();
    signal(server.pid(), "TERM");
    let (name, problem) = steps.all().await.pop().expect("who asked is told");
    assert_eq!((name.as_str(), &problem["kind"]), ("failed", &json!("cancelled")), "{problem}");
    ends(&mut server, Duration::from_secs(30)).await;
    assert!(began.elapsed() < Duration::from_secs(31), "within shutdown_seconds: {:?}", began.elapsed());
    // No other operation is needed for it.
    assert_eq!(world.shops[0].state().await.unwrap(), ShopState::of(&good), "{problem}\n{}", server.log());
}
