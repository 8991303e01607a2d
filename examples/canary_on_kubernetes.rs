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
//!   inconclusive: latency: held back until its warm-up is over; p95 of 93.02 ms on the canary beside 90.58 ms on stable, 0 and 0 samples compared in 0 min
//!   inconclusive: latency: neither worse nor shown to be as good: 0 % of the evidence of a pass by the whole distribution, more does not help so far; p95 of 92.53 ms on the canary beside 92.04 ms on stable, 0 and 0 samples compared in 0 min
//!   inconclusive: latency: neither worse nor shown to be as good: 19 % of the evidence of a pass by p95, 21 min more at the present traffic; the canary is +1.28 % (-4.71 % to +7.65 %) as slow or high; p95 of 91.06 ms on the canary beside 91.55 ms on stable, 1080 and 3240 samples compared in 1 min
//!   inconclusive: latency: neither worse nor shown to be as good: 72 % of the evidence of a pass by p95, 2 min more at the present traffic; the canary is -0.297 % (-4.42 % to +4 %) as slow or high; p95 of 88.13 ms on the canary beside 91.06 ms on stable, 2160 and 6480 samples compared in 2 min
//!   inconclusive: latency: neither worse nor shown to be as good: 23 % of the evidence of a pass by p95, 68 min more at the present traffic; the canary is +0.344 % (-3.06 % to +3.86 %) as slow or high; p95 of 89.11 ms on the canary beside 90.58 ms on stable, 3240 and 9720 samples compared in 3 min
//!   inconclusive: latency: neither worse nor shown to be as good: 48 % of the evidence of a pass by p95, 9 min more at the present traffic; the canary is +0.422 % (-2.54 % to +3.48 %) as slow or high; p95 of 89.6 ms on the canary beside 90.58 ms on stable, 4320 and 12960 samples compared in 4 min
//!   inconclusive: latency: neither worse nor shown to be as good: 17 % of the evidence of a pass by p95, more does not help so far; the canary is +0.914 % (-1.77 % to +3.67 %) as slow or high; p95 of 91.06 ms on the canary beside 90.58 ms on stable, 5400 and 16200 samples compared in 5 min
//!   inconclusive: latency: neither worse nor shown to be as good: 61 % of the evidence of a pass by p95, 7 min more at the present traffic; the canary is +1.08 % (-1.22 % to +3.43 %) as slow or high; p95 of 91.06 ms on the canary beside 90.09 ms on stable, 7560 and 22679 samples compared in 7 min
//!   pass: every rule holds: latency +0.909 % (-1.25 % to +3.11 %), errors -100 %, cpu -0.326 % (-1.4 % to +0.763 %), memory -0.133 % (-0.509 % to +0.245 %); not measured: restarts, oom_kills, throttling
//!   main-75700bcdc525 is stable, and 11 objects of the canary are gone
//! main-246839e39a61 is the canary: 11 objects, all pods ready
//!   inconclusive: latency: held back until its warm-up is over; p95 of 234.9 ms on the canary beside 90.58 ms on stable, 0 and 0 samples compared in 0 min
//!   inconclusive: latency: neither worse nor shown to be as good: 0 % of the evidence of a pass by the whole distribution, more does not help so far; p95 of 235.8 ms on the canary beside 91.55 ms on stable, 0 and 0 samples compared in 0 min
//!   inconclusive: latency: neither worse nor shown to be as good: 0 % of the evidence of a pass by p95, more does not help so far; the canary is +12.1 % (+5.68 % to +18.9 %) as slow or high; p95 of 236.8 ms on the canary beside 91.06 ms on stable, 1080 and 3240 samples compared in 1 min
//!   inconclusive: latency: neither worse nor shown to be as good: 0 % of the evidence of a pass by p95, more does not help so far; the canary is +9.77 % (+5.22 % to +14.5 %) as slow or high; p95 of 238.8 ms on the canary beside 90.58 ms on stable, 2160 and 6480 samples compared in 2 min
//!   inconclusive: latency: neither worse nor shown to be as good: 0 % of the evidence of a pass by p95, more does not help so far; the canary is +9.07 % (+5.31 % to +13 %) as slow or high; p95 of 239.7 ms on the canary beside 91.06 ms on stable, 3240 and 9720 samples compared in 3 min
//!   regression: latency: the canary is +9.89 % (+6.8 % to +13.1 %) as slow or high; p95 of 238.8 ms on the canary beside 91.06 ms on stable, 5400 and 16199 samples compared in 5 min; found after 8 min
//!   main-75700bcdc525 (75700bcdc525) serves on, and 11 objects of the canary are gone
//! ```
#![expect(clippy::print_stdout, reason = "an example talks to a person")]

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
use nprt_shop::Behaviour::{Fine, SlowTail};
use nprt_shop::{Pods, Sources};

/// The default rules, on a canary that is tried for 5 minutes at least.
const POLICY: &str = r#"{"preset": "default", "warm_up_minutes": 2, "soak_minutes": 5}"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let folder = tempfile::tempdir()?;
    let changes = ["Open the shop", "Tidy up the cart", "Recommend by a slower model"];
    let sources = Sources::make(folder.path(), &changes)?;
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
    let pods = Pods::new(shop.clone(), statsd.local_addr(), *clock)?;
    pods.deploy(&first, Fine);
    clock.sleep(Duration::from_secs(180)).await; // a past that the canary is compared with

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
