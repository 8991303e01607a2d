//! How long a deploy takes until everything is applied, beside `git fetch` and `kubectl apply --server-side` of the
//! same commit. Both programs are built for speed: what counts is a release build,
//! `NPRT_LONG=1 cargo test --release -p nprt-deployer --test real speed -- --nocapture`.

use std::path::Path;
use std::time::{Duration, Instant};

use nprt_testkit::Shop;
use serde_json::json;
use tokio::process::Command;

use crate::bound;
use crate::support::Server;
use crate::world::{Commit, World, deploy, plane, until_applied};
use nprt_testkit::reliability::times;

/// At most so much of their time.
const PROMISED: f64 = 1.0 / 3.0;
const LENIENT: f64 = 1.5;
/// Before each measurement, so that nobody pays for what came before: the API server asks etcd ten times a second at
/// most how far it is, and who lists a kind sooner after another (as `kubectl rollout status` did) waits for the next.
const PAUSE: Duration = Duration::from_millis(200);

#[tokio::test(flavor = "multi_thread")]
async fn a_warm_deploy_is_faster_than_git_and_kubectl() {
    let Some(plane) = plane().await else { return };
    let plane = plane.write().await;
    let Some(world) = World::new(&plane, "speed", 2).await else { return };
    let server = world.server("speed", &json!({})).await;
    let clone = world.folder.path().join("clone");
    let origin = world.git.url("shop.git");
    world.commit().await;
    git(world.folder.path(), &["clone", "--quiet", &origin, clone.to_str().unwrap()]).await;

    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    // The first ones make the objects, and fill kubectl's cache of the server's kinds; copies of the first commits
    // are fetched one by one.
    for _ in 0..times(10, 25) {
        let commit = world.commit().await;
        tokio::time::sleep(PAUSE).await;
        ours.push(applied(&server, &commit).await);
        tokio::time::sleep(PAUSE).await;
        theirs.push(fetch_and_apply(&clone, &world.shops[1], &commit).await);
    }
    let [ours, theirs] = [ours, theirs].map(|mut times| {
        times.drain(..times.len() / 2);
        times.sort();
        times[times.len() / 2]
    });
    let (share, most) = (ours.as_secs_f64() / theirs.as_secs_f64(), bound(LENIENT, PROMISED));
    eprintln!("deployer {ours:?}, git fetch and kubectl apply {theirs:?}: {share:.2}");
    assert!(share <= most, "{ours:?} of {theirs:?}: {share:.2}, at most {most:.2}");
}

/// From the request until the last object is applied; it goes on to the end of the rollout.
async fn applied(server: &Server, commit: &Commit) -> Duration {
    let began = Instant::now();
    let mut steps = server.steps(&deploy(0, commit, 0)).await;
    until_applied(&mut steps).await;
    let took = began.elapsed();
    let (name, data) = steps.all().await.pop().expect("it ends");
    assert_eq!((name.as_str(), &data["tag"]), ("done", &json!(commit.tag)), "{data}");
    took
}

/// The same by the programs that a script would call. What `git show` would take is given to them.
async fn fetch_and_apply(clone: &Path, shop: &Shop, commit: &Commit) -> Duration {
    let began = Instant::now();
    git(clone, &["fetch", "--quiet", "origin", "main"]).await;
    let apply = ["-n", &shop.namespace, "apply", "--server-side", "-f", "-"];
    let said = shop.user.run_with_input(&apply, &commit.manifests).await.unwrap();
    let took = began.elapsed();
    assert_eq!(said.lines().count(), Shop::OBJECTS, "{said}");
    git(clone, &["cat-file", "-e", &commit.sha]).await;
    for deployment in ["deployment/web", "deployment/worker"] {
        shop.kubectl(&["rollout", "status", deployment, "--timeout=120s"]).await.unwrap();
    }
    took
}

async fn git(folder: &Path, arguments: &[&str]) {
    let status = Command::new("git").current_dir(folder).args(arguments).status().await.unwrap();
    assert!(status.success(), "git {arguments:?}");
}
