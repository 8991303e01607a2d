//! A process that embeds nprt. This test binary runs itself as one: with [`SETUP`] in its environment it does
//! what it is told on stdin, one command a line, and says on stdout how that goes.

use std::collections::BTreeSet;
use std::future::ready;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt;
use nprt::Result;
use nprt::clock::SystemClock;
use nprt::memory::{MemoryMetrics, MemoryNotifier, MemoryRegistry, MemoryVcs};
use nprt::model::{ObjectId, ServiceName, VersionRef};
use nprt::pipeline::{Caller, Pipeline, PipelineSettings, Ports, Progress, Request, Service};
use nprt::ports::Cluster as _;
use nprt_k8s::{KubernetesCluster, KubernetesConfig};
use serde_json::{Value, json};

use crate::version::Version;

/// What a worker is: `{"kubeconfig": …, "namespace": …, "lease_seconds": …}`.
pub(crate) const SETUP: &str = "NPRT_TEST_WORKER";
/// The arguments by which this binary runs nothing but the worker.
pub(crate) const ARGUMENTS: [&str; 4] = ["worker::worker", "--exact", "--nocapture", "--test-threads=1"];

/// Not a test, but where a worker begins; as one of the tests it is over at once.
#[test]
fn worker() {
    let Ok(setup) = std::env::var(SETUP) else { return };
    let setup: Value = serde_json::from_str(&setup).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(serve(&setup));
    std::process::exit(0);
}

async fn serve(setup: &Value) {
    // The test harness has begun a line.
    say(&json!("\n"));
    let (sender, mut commands) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines() {
            sender.send(line.unwrap()).unwrap();
        }
    });
    let worker = Arc::new(Worker::new(setup).await);
    // Whoever started it ends it by closing its input, also by its own death.
    while let Some(command) = commands.recv().await {
        let command: Value = serde_json::from_str(&command).unwrap();
        let worker = Arc::clone(&worker);
        tokio::spawn(async move { worker.obey(&command).await });
    }
}

struct Worker {
    pipeline: Pipeline,
    cluster: Arc<KubernetesCluster>,
    vcs: Arc<MemoryVcs>,
    registry: Arc<MemoryRegistry>,
    committed: Mutex<BTreeSet<u64>>,
}

impl Worker {
    async fn new(setup: &Value) -> Self {
        let config = KubernetesConfig {
            kubeconfig: Some(PathBuf::from(setup["kubeconfig"].as_str().unwrap())),
            namespace: setup["namespace"].as_str().map(str::to_owned),
            ..KubernetesConfig::default()
        };
        let clock = Arc::new(SystemClock);
        let (vcs, registry) = (Arc::new(MemoryVcs::new()), Arc::new(MemoryRegistry::new()));
        let cluster = Arc::new(KubernetesCluster::builder(config).build().await.unwrap());
        let ports = Ports {
            vcs: vcs.clone(),
            registry: registry.clone(),
            metrics: Arc::new(MemoryMetrics::new(clock.clone())),
            cluster: cluster.clone(),
            notifier: Arc::new(MemoryNotifier::new()),
        };
        let settings = PipelineSettings {
            lease_seconds: setup["lease_seconds"].as_u64().unwrap(),
            rollout_seconds: 120,
            ..PipelineSettings::default()
        };
        let pipeline = Pipeline::new("worker", clock, settings).unwrap();
        let pipeline = pipeline.with_service(Service { prune: true, ..Service::new(shop()) }, ports).unwrap();
        Self { pipeline, cluster, vcs, registry, committed: Mutex::default() }
    }

    async fn obey(&self, command: &Value) {
        let id = &command["id"];
        let (progress, events) = Progress::stream();
        let tell = events.for_each(|event| {
            say(&json!({"id": id, "event": event}));
            ready(())
        });
        let work = async move { self.run(command, progress).await };
        let (done, ()) = tokio::join!(work, tell);
        match done {
            Ok(done) => say(&json!({"id": id, "done": done})),
            Err(error) => {
                let kind = error.kind().as_str();
                say(&json!({"id": id, "failed": {"kind": kind, "message": format!("{error:?}")}}));
            }
        }
    }

    async fn run(&self, command: &Value, progress: Progress) -> Result<Value> {
        let (shop, caller) = (shop(), Caller::new("ci", "a test").unwrap());
        let what = command["do"].as_str().unwrap();
        if what == "rollback" {
            return self.pipeline.rollback(&shop, &caller, &progress).await.map(|done| json!(done));
        }
        if what == "tend" {
            return self.pipeline.tend(&shop, &caller, &progress).await.map(|done| json!(done));
        }
        if what == "watch" {
            return Ok(self.watch(command["count"].as_u64().unwrap()).await);
        }
        let version = Version { n: command["n"].as_u64().unwrap(), more: command["more"] == true };
        let request =
            self.request(version, caller).waiting(Duration::from_secs(command["wait"].as_u64().unwrap_or(0)));
        let done = match what {
            "deploy" => self.pipeline.deploy(&shop, &request, &progress).await,
            "canary" => self.pipeline.canary(&shop, &request, &progress).await,
            "promote" => self.pipeline.promote(&shop, &request, &progress).await,
            what => panic!("no such command: {what}"),
        };
        done.map(|done| json!(done))
    }

    /// Follows `count` rollouts for a while, and says how much memory that took at the most.
    async fn watch(&self, count: u64) -> Value {
        let before = resident_kib();
        let (seen, mut first) = tokio::sync::mpsc::unbounded_channel();
        let mut follow = tokio::task::JoinSet::new();
        for number in 0..count {
            let id = ObjectId {
                api_version: "apps/v1".to_owned(),
                kind: "Deployment".to_owned(),
                namespace: None,
                name: format!("d-{number}"),
            };
            let (mut statuses, seen) = (self.cluster.watch_rollout(&id), seen.clone());
            follow.spawn(async move {
                while let Some(status) = statuses.next().await {
                    seen.send(status.unwrap()).unwrap();
                }
            });
        }
        let mut most = 0;
        for _ in 0..count {
            first.recv().await.unwrap();
            most = resident_kib().max(most);
        }
        let began = std::time::Instant::now();
        while began.elapsed() < Duration::from_secs(8) {
            tokio::time::sleep(Duration::from_millis(50)).await;
            most = resident_kib().max(most);
        }
        while follow.try_join_next().is_some() {}
        json!({"before_kib": before, "most_kib": most, "followed": follow.len()})
    }

    fn request(&self, version: Version, caller: Caller) -> Request {
        if self.committed.lock().unwrap().insert(version.n) {
            version.commit(&self.vcs, &self.registry);
        }
        Request::new(VersionRef::new(Some(&version.revision().to_string()), None).unwrap(), caller)
    }
}

fn say(line: &Value) {
    let mut out = std::io::stdout().lock();
    match line {
        Value::String(text) => write!(out, "{text}").unwrap(),
        line => writeln!(out, "{line}").unwrap(),
    }
    out.flush().unwrap();
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_ascii_whitespace().next().unwrap().parse().unwrap()
}

fn shop() -> ServiceName {
    ServiceName::new("shop").unwrap()
}
