//! How long it takes until everything is applied, beside `kubectl apply --server-side` of the same files.
//!
//! kubectl is built for speed, and so is what is compared with it:
//! `NPRT_LONG=1 cargo test --release --all-features --test real_processes wall_time`.
//! Otherwise the bounds are what a build without optimisation keeps on a busy machine.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use nprt::manifest::{self, Settings, to_yaml};
use nprt::model::{RepoPath, SourceFile};
use nprt_testkit::Shop;

use crate::plane::plane;
use crate::process::Worker;
use crate::version::Version;
use nprt_testkit::reliability::times;

const OBJECTS: usize = 6;
/// At most so much of kubectl's time, with a process that runs already and from the start of one: as it is to be,
/// and what no build without optimisation on a busy machine breaks.
const BOUNDS: [f64; 2] = [1.0 / 3.0, 1.0 / 2.0];
const LENIENT: [f64; 2] = [1.0, 1.5];

#[tokio::test(flavor = "multi_thread")]
async fn all_is_applied_sooner_than_by_kubectl() {
    let Some(plane) = plane().await else { return };
    // Nobody else uses it meanwhile.
    let plane = plane.write().await;
    let (ours, theirs) =
        (Shop::new(&plane, "wall-time").await.unwrap(), Shop::new(&plane, "kubectl").await.unwrap());
    let mut worker = Worker::of(&ours, 30);
    let (mut warm, mut cold, mut kubectl) = (Vec::new(), Vec::new(), Vec::new());
    // The first makes the objects, and fills kubectl's cache of the server's kinds.
    for n in 0..=times(3_u64, 15) {
        warm.push(deploy(&mut worker, Version::new(2 * n), Instant::now()).await);
        let began = Instant::now();
        cold.push(deploy(&mut Worker::of(&ours, 30), Version::new(2 * n + 1), began).await);
        kubectl.push(apply(&theirs, Version::new(n)).await);
    }
    let [warm, cold, kubectl] = [warm, cold, kubectl].map(|times| median(&times[1..]));
    let bounds = if cfg!(debug_assertions) { LENIENT } else { BOUNDS };
    for (what, ours, bound) in [("warm", warm, bounds[0]), ("cold", cold, bounds[1])] {
        let share = ours.as_secs_f64() / kubectl.as_secs_f64();
        eprintln!("{what} {ours:?}, kubectl {kubectl:?}: {share:.2}");
        assert!(share <= bound, "{what} {ours:?}, kubectl {kubectl:?}: {share:.2}, at most {bound:.2}");
    }
}

/// How long since `began` until the last object is applied; it goes on to the end of the rollout.
async fn deploy(worker: &mut Worker, version: Version, began: Instant) -> Duration {
    let mut run = worker.deploy(version).await;
    let applied = |events: &[serde_json::Value]| events.iter().filter(|e| e["event"] == "applied").count();
    while applied(&run.events) < OBJECTS {
        run.next().await.unwrap();
    }
    let took = began.elapsed();
    run.done().await;
    took
}

/// The same by kubectl, of what nprt renders.
async fn apply(shop: &Shop, version: Version) -> Duration {
    let content = version.manifests().into();
    let file = SourceFile { path: RepoPath::new("shop.yaml").unwrap(), content };
    let rendered = manifest::Version {
        service: "shop".parse().unwrap(),
        revision: version.revision(),
        tag: version.tag(),
        digests: BTreeMap::new(),
    };
    let rendered =
        manifest::stable(&manifest::read(&[file]).unwrap(), &rendered, &Settings::default(), &[]).unwrap();
    let yaml = to_yaml(rendered.documents.iter().map(|document| document.object.as_value())).unwrap();
    let began = Instant::now();
    let apply = ["-n", &shop.namespace, "apply", "--server-side", "-f", "-"];
    let said = shop.user.run_with_input(&apply, &yaml).await.unwrap();
    let took = began.elapsed();
    assert_eq!(said.lines().count(), OBJECTS, "{said}");
    for deployment in ["deployment/web", "deployment/worker"] {
        shop.kubectl(&["rollout", "status", deployment, "--timeout=120s"]).await.unwrap();
    }
    took
}

fn median(times: &[Duration]) -> Duration {
    let mut times = times.to_vec();
    times.sort();
    times[times.len() / 2]
}
