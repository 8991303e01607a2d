//! The whole loop on embedded parts, on a machine with only Rust: a stable version, a canary that is fine and
//! is promoted, one with slower tail latency and one with a new class of errors that are rolled back.
//!
//! `cargo run --example quickstart` uses a cluster in memory; `-- --kubeconfig FILE` a real one.
#![allow(clippy::print_stdout, reason = "a demonstration talks to a person")]

mod show;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use nprt::clock::FastClock;
use nprt::compare::Decision;
use nprt::git::GitSource;
use nprt::layout::{LayoutConfig, LayoutRegistry};
use nprt::memory::{MemoryCluster, MemoryNotifier};
use nprt::model::{ServiceName, VersionRef};
use nprt::pipeline::{Caller, Pipeline, PipelineSettings, Ports, Progress, Request, Service};
use nprt::ports::{Clock, Cluster};
use nprt::statsd::{StatsdConfig, StatsdServer};
use nprt_k8s::{KubernetesCluster, KubernetesConfig};
use nprt_shop::{Behaviour, Pods, Sources, Version};
use show::Steps;

/// How many times as fast as the world's the clock of all parts runs.
const FASTER: u32 = 60;
const MINUTE: Duration = Duration::from_secs(60);

/// The default rules. A short soak: a demonstration has a lot of traffic and little time.
const POLICY: &str = r#"{"preset": "default", "warm_up_minutes": 2, "soak_minutes": 5}"#;

/// Deploys, judges, promotes and rolls back Online Boutique on embedded parts.
#[derive(Parser)]
struct Options {
    /// Use this real cluster instead of one in memory.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// The namespace in it, which must exist; by default the context's.
    #[arg(long, requires = "kubeconfig")]
    namespace: Option<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("\nFAILED: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<(), Box<dyn Error + Send + Sync>> {
    let folder = tempfile::TempDir::with_prefix("nprt-quickstart-")?;
    let clock = FastClock::new(FASTER);
    let shop = Shop::open(folder.path(), clock, options).await?;
    let [stable, fine, slow, failing] = shop.versions.as_slice() else {
        return Err("expected 4 versions".into());
    };

    println!("\n1. Deploy {} as stable", stable.tag);
    shop.deploy(stable).await?;
    show::traffic("three minutes of traffic on stable, which is the history that errors are compared with");
    clock.sleep(3 * MINUTE).await;

    println!("\n2. Canary {}: as good as stable", fine.tag);
    shop.canary(fine, Behaviour::Fine).await?;
    shop.expect(fine, &Decision::Pass).await?;
    shop.promote(fine).await?;

    println!("\n3. Canary {}: one request in ten takes 200 ms longer", slow.tag);
    shop.canary(slow, Behaviour::SlowTail).await?;
    shop.expect(slow, &Decision::Regression).await?;
    shop.roll_back("its tail latency regressed").await?;

    println!("\n4. Canary {}: one request in fifty fails in a way that is new", failing.tag);
    shop.canary(failing, Behaviour::NewError).await?;
    shop.expect(failing, &Decision::Regression).await?;
    shop.roll_back("it has a new class of errors").await?;

    println!("\nThe cluster now:");
    show::cluster(&*shop.cluster, &shop.service).await?;
    shop.expect_only(fine).await
}

/// The parts, put together as an application would.
struct Shop {
    service: ServiceName,
    versions: Vec<Version>,
    clock: FastClock,
    cluster: Arc<dyn Cluster>,
    pipeline: Pipeline,
    caller: Caller,
    steps: Steps,
    pods: Pods,
    statsd: StatsdServer,
}

impl Shop {
    async fn open(
        folder: &std::path::Path,
        clock: FastClock,
        options: Options,
    ) -> Result<Self, Box<dyn Error + Send + Sync>> {
        println!(
            "nprt quickstart. Its clock runs {FASTER} times as fast, for all parts alike: a minute takes a second."
        );
        let changes =
            ["Open the shop", "Tidy up the cart", "Recommend by a slower model", "Drop a default price"];
        let Sources { repository, images, names, versions } = Sources::make(folder, &changes)?;
        let vcs = GitSource::builder(repository.display().to_string()).build()?;
        let mut service = Service::new(ServiceName::new("boutique")?);
        service.policy = serde_json::from_str(POLICY)?;

        let shared: Arc<dyn Clock> = Arc::new(clock);
        let listen = "127.0.0.1:0".parse()?;
        let statsd =
            StatsdServer::start(&StatsdConfig { listen, ..StatsdConfig::default() }, Arc::clone(&shared))?;
        let (cluster, place): (Arc<dyn Cluster>, _) = match options.kubeconfig {
            None => (Arc::new(MemoryCluster::new(Arc::clone(&shared))), "in memory".to_owned()),
            Some(path) => {
                let place = format!("that of {}", path.display());
                let config = KubernetesConfig {
                    kubeconfig: Some(path),
                    namespace: options.namespace,
                    ..KubernetesConfig::default()
                };
                let builder = KubernetesCluster::builder(config).clock(Arc::clone(&shared));
                (Arc::new(builder.build().await?), place)
            }
        };
        println!(
            "  git       {}: {} commits, Online Boutique's manifests",
            repository.display(),
            versions.len()
        );
        println!("  registry  {}: OCI layouts of {} images", images.display(), names.len());
        println!("  metrics   statsd on udp://{}", statsd.local_addr());
        println!("  cluster   {place}, namespace {}", cluster.namespace());

        let ports = Ports {
            vcs: Arc::new(vcs),
            registry: Arc::new(LayoutRegistry::new(LayoutConfig { root: images, registry: None })?),
            metrics: statsd.backend(),
            cluster: Arc::clone(&cluster),
            notifier: Arc::new(MemoryNotifier::new()),
        };
        let name = service.name.clone();
        // By the fast clock half a minute is half a second, which a busy machine may miss.
        let settings =
            PipelineSettings { lease_seconds: 1800, rollout_seconds: 7200, ..PipelineSettings::default() };
        let pipeline = Pipeline::new("quickstart", shared, settings)?.with_service(service, ports)?;
        let pods = Pods::new(name.clone(), statsd.local_addr(), clock)?;
        let caller = Caller::new("quickstart", "to show the loop")?;
        let steps = Steps::default();
        Ok(Self { service: name, versions, clock, cluster, pipeline, caller, steps, pods, statsd })
    }

    fn request(&self, version: &Version) -> Request {
        Request::new(VersionRef::from(version.tag.clone()), self.caller.clone())
    }

    async fn deploy(&self, version: &Version) -> nprt::Result<()> {
        let request = self.request(version);
        let run = async |progress| self.pipeline.deploy(&self.service, &request, &progress).await;
        show::deployment(&self.steps.of(run).await?);
        self.pods.deploy(&version.tag, Behaviour::Fine);
        Ok(())
    }

    async fn canary(&self, version: &Version, behaviour: Behaviour) -> nprt::Result<()> {
        let request = self.request(version);
        let run = async |progress| self.pipeline.canary(&self.service, &request, &progress).await;
        show::deployment(&self.steps.of(run).await?);
        self.pods.try_out(&version.tag, behaviour);
        Ok(())
    }

    /// Judges the canary every minute until the verdict is clear.
    async fn expect(
        &self,
        version: &Version,
        expected: &Decision,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        for _ in 0..30 {
            self.clock.sleep(MINUTE).await;
            let judged = self.pipeline.judge_canary(&self.service, &Progress::silent()).await?;
            if matches!(judged.verdict.decision, Decision::Inconclusive { .. }) {
                show::waiting(&judged.verdict);
                continue;
            }
            show::verdict(&judged, self.statsd.local_addr());
            if judged.verdict.decision == *expected && judged.revision == version.revision {
                return Ok(());
            }
            return Err(format!("expected {expected} for {}", version.tag).into());
        }
        Err(format!("no verdict on {} in 30 minutes", version.tag).into())
    }

    async fn promote(&self, version: &Version) -> nprt::Result<()> {
        let request = self.request(version);
        let run = async |progress| self.pipeline.promote(&self.service, &request, &progress).await;
        show::deployment(&self.steps.of(run).await?);
        self.pods.promote();
        Ok(())
    }

    async fn roll_back(&self, reason: &str) -> nprt::Result<()> {
        let caller = Caller::new("quickstart", reason)?;
        let silent = Progress::silent();
        let done = self.pipeline.rollback(&self.service, &caller, &silent).await?;
        self.pods.roll_back();
        show::rollback(&done);
        Ok(())
    }

    /// Fails unless `version` is stable and there is no canary.
    async fn expect_only(&self, version: &Version) -> Result<(), Box<dyn Error + Send + Sync>> {
        let status = self.pipeline.status(&self.service).await?;
        let stable = status.stable.and_then(|stable| stable.revision);
        if stable.as_ref() != Some(&version.revision) || status.canary.is_some() {
            return Err(format!("expected {} alone", version.tag).into());
        }
        println!("\nAll went as it should: {} serves, and both bad versions are gone.", version.tag);
        Ok(())
    }
}
