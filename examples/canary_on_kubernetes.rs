//! Embeds nprt: a canary beside the stable version on a real cluster, judged every minute by what its pods
//! measure, and promoted or rolled back. It works in the namespace of the context that `$KUBECONFIG` has, such
//! as that of `cargo run -p nprt-testkit -- cluster`.
//!
//! ```console
//! $ cargo run --example canary_on_kubernetes
//! ```
//!
//! ```text
//! main-b89014d5e9d8 is stable: 35 objects, all pods ready
//! main-75700bcdc525 is the canary: 11 objects, all pods ready
//!   inconclusive: latency p95: too few samples, 2596 of 400 on stable and 134 of 400 on the canary in 3 min
//!   pass: every rule holds: latency p95 over 4 min (85.97 ms of at most 106.3 ms)
//!   main-75700bcdc525 is stable, and 11 objects of the canary are gone
//! main-246839e39a61 is the canary: 11 objects, all pods ready
//!   inconclusive: latency p95: too few samples, 2591 of 400 on stable and 268 of 400 on the canary in 3 min
//!   regression: latency p95: 239.9 ms on the canary is above the limit of 105.3 ms (stable 91.6 ms plus 13.74 ms); 3439 samples on stable, 553 on the canary in 4 min
//!   main-75700bcdc525 (75700bcdc525) serves on, and 11 objects of the canary are gone
//! ```
#![expect(clippy::print_stdout, reason = "an example talks to a person")]

// What the quickstart has too: a git repository with manifests, images, and pods that measure themselves.
#[allow(dead_code, reason = "the quickstart uses more of it")]
#[path = "quickstart/traffic.rs"]
mod traffic;
#[allow(dead_code, reason = "the quickstart uses more of it")]
#[path = "quickstart/world.rs"]
mod world;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use nprt::clock::FastClock;
use nprt::compare::Decision;
use nprt::git::GitSource;
use nprt::layout::{LayoutConfig, LayoutRegistry};
use nprt::memory::MemoryNotifier;
use nprt::model::{ServiceName, Tag, VersionRef};
use nprt::pipeline::{Caller, Pipeline, PipelineSettings, Ports, Progress, Request, Running, Service};
use nprt::ports::Clock;
use nprt::statsd::{StatsdConfig, StatsdServer};
use nprt_k8s::{KubernetesCluster, KubernetesConfig};
use traffic::Behaviour::{Fine, SlowTail};
use traffic::Pods;

/// At the 95th percentile a canary may be 15 % slower than stable, or 10 ms where that is more; it is tried for 3
/// minutes at least.
const POLICY: &str = r#"{"window_minutes": 15, "soak_minutes": 3, "history_minutes": 60, "rules": [
    {"rule": "percentile", "metric": "latency", "percentile": 95, "margin": {"relative": 0.15, "absolute": 0.010}}
]}"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let changes = ["Open the shop", "Tidy up the cart", "Recommend by a slower model"];
    let sources = world::Sources::new(folder.path(), &changes).await?;
    // Sixty times as fast, so that a minute takes a second; yours is `SystemClock`.
    let clock = Arc::new(FastClock::new(60));
    let listen = StatsdConfig { listen: "127.0.0.1:0".parse()?, ..StatsdConfig::default() };
    let statsd = StatsdServer::start(&listen, clock.clone())?;
    let cluster = KubernetesCluster::builder(KubernetesConfig::default()).clock(clock.clone());

    let ports = Ports {
        vcs: Arc::new(GitSource::builder(sources.repository.display().to_string()).build()?),
        registry: Arc::new(LayoutRegistry::new(LayoutConfig { root: sources.images, registry: None })?),
        metrics: statsd.backend(),
        cluster: Arc::new(cluster.build().await?),
        notifier: Arc::new(MemoryNotifier::new()),
    };
    let shop = ServiceName::new("boutique")?;
    let service = Service { policy: serde_json::from_str(POLICY)?, ..Service::new(shop.clone()) };
    // By the fast clock half a minute is half a second, which a busy machine may miss.
    let settings = PipelineSettings { lease_seconds: 1800, rollout_seconds: 7200, ..Default::default() };
    let pipeline = Pipeline::new("my-deployer", clock.clone(), settings)?.with_service(service, ports)?;

    let (caller, silent) = (Caller::new("ci", "merged to main")?, Progress::silent());
    let request = |tag: &Tag| Request::new(VersionRef::from(tag.clone()), caller.clone());
    let [first, fine, slow] = [0, 1, 2].map(|n| sources.versions[n].tag.clone());
    let done = pipeline.deploy(&shop, &request(&first), &silent).await?;
    println!("{} is stable: {} objects, all pods ready", done.tag, done.applied.len());
    let pods = Pods::new(&shop, statsd.local_addr(), *clock);
    pods.deploy(&first);

    for (tag, behaviour) in [(fine, Fine), (slow, SlowTail)] {
        let done = pipeline.canary(&shop, &request(&tag), &silent).await?;
        println!("{tag} is the canary: {} objects, all pods ready", done.applied.len());
        pods.try_out(&tag, behaviour);
        loop {
            clock.sleep(Duration::from_secs(60)).await;
            let verdict = pipeline.judge_canary(&shop, &silent).await?.verdict;
            println!("  {}: {}", verdict.decision, verdict.reason);
            match verdict.decision {
                Decision::Pass => {
                    let done = pipeline.promote(&shop, &request(&tag), &silent).await?;
                    println!("  {tag} is stable, and {} objects of the canary are gone", done.removed.len());
                    pods.promote();
                    break;
                }
                Decision::Regression => {
                    let done = pipeline.rollback(&shop, &caller, &silent).await?;
                    let stable = done.stable.as_ref().map(Running::describe).unwrap_or_default();
                    println!(
                        "  {stable} serves on, and {} objects of the canary are gone",
                        done.removed.len()
                    );
                    pods.roll_back();
                    break;
                }
                Decision::Inconclusive { .. } => {} // never a reason to promote
            }
        }
    }
    Ok(())
}
