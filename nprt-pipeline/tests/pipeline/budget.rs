//! What a hostile or a large version may take of a pipeline.

use std::sync::Arc;
use std::time::{Duration, Instant};

use nprt_core::clock::SystemClock;
use nprt_core::model::{Limits, Revision, Track};
use nprt_memory::{MemoryCluster, MemoryMetrics, MemoryNotifier, MemoryRegistry, MemoryVcs};
use nprt_pipeline::{Pipeline, PipelineSettings, Ports, Progress, Service};

use crate::world::{WEB, digest, request, shop, tag};

/// In true time: work on threads knows no other.
struct World {
    vcs: Arc<MemoryVcs>,
    registry: Arc<MemoryRegistry>,
    pipeline: Arc<Pipeline>,
}

impl World {
    fn new(limits: Limits) -> Self {
        let clock = Arc::new(SystemClock);
        let (vcs, registry) = (Arc::new(MemoryVcs::new()), Arc::new(MemoryRegistry::new()));
        let ports = Ports {
            vcs: vcs.clone(),
            registry: registry.clone(),
            metrics: Arc::new(MemoryMetrics::new(clock.clone())),
            cluster: Arc::new(MemoryCluster::new(clock.clone()).with_namespace("shop")),
            notifier: Arc::new(MemoryNotifier::new()),
        };
        let settings = PipelineSettings { limits, ..PipelineSettings::default() };
        let pipeline = Pipeline::new("test", clock, settings).unwrap();
        let pipeline = Arc::new(pipeline.with_service(Service::new(shop()), ports).unwrap());
        Self { vcs, registry, pipeline }
    }

    fn version(&self, manifests: &str) -> Revision {
        let commit = self.vcs.commit("main").file("kubernetes/shop.yaml", manifests.to_owned());
        let revision = commit.push().unwrap().revision;
        self.registry.push(&WEB.parse().unwrap(), &tag(&revision), &digest());
        revision
    }
}

/// Deployments that each read a ConfigMap of their own.
fn large(pairs: usize, data: &str) -> String {
    (0..pairs)
        .map(|n| {
            format!(
                "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web{n}}}\nspec:\n  selector: {{matchLabels: \
                 {{app: web{n}}}}}\n  template:\n    metadata: {{labels: {{app: web{n}}}}}\n    spec: {{containers: \
                 [{{name: web, image: {WEB}, envFrom: [{{configMapRef: {{name: c{n}}}}}]}}]}}\n---\napiVersion: v1\nkind: \
                 ConfigMap\nmetadata: {{name: c{n}}}\ndata: {{a: x{data}}}\n---\n"
            )
        })
        .collect()
}

#[tokio::test]
async fn an_error_names_the_option_of_the_pipeline_and_nothing_changes() {
    let world = World::new(Limits { objects: 3, ..Limits::default() });
    let revision = world.version(&large(2, "1"));
    let error = world.pipeline.deploy(&shop(), &request(&revision), &Progress::silent()).await.unwrap_err();
    assert!(error.is_invalid(), "{error}");
    for part in ["option: pipeline.limits.objects", "limit: 3", "file: kubernetes/shop.yaml", "document: 4"] {
        assert!(error.to_string().contains(part), "{part}: {error}");
    }
    let settings =
        PipelineSettings { limits: Limits { nodes: 0, ..Limits::default() }, ..Default::default() };
    let error = Pipeline::new("test", Arc::new(SystemClock), settings).unwrap_err();
    assert!(error.to_string().contains("limits.nodes"), "{error}");
}

/// How long a deploy, and a canary of the next version, take on one thread, and the longest that nothing else ran.
async fn time(pairs: usize) -> (Duration, Duration) {
    let world = World::new(Limits::default());
    let versions = [world.version(&large(pairs, "1")), world.version(&large(pairs, "2"))];
    let began = Instant::now();
    let pipeline = Arc::clone(&world.pipeline);
    let work = tokio::spawn(async move {
        let silent = Progress::silent();
        pipeline.deploy(&shop(), &request(&versions[0]), &silent).await.unwrap();
        let canary = pipeline.preview(&shop(), &request(&versions[1]), Track::Canary, &silent).await.unwrap();
        assert_eq!(canary.objects.len(), pairs * 2);
    });
    let mut longest = Duration::ZERO;
    while !work.is_finished() {
        let turn = Instant::now();
        tokio::time::sleep(Duration::from_millis(1)).await;
        longest = longest.max(turn.elapsed());
    }
    work.await.unwrap();
    (began.elapsed(), longest)
}

#[tokio::test]
async fn a_canary_of_many_takes_as_much_longer_as_it_is_larger() {
    let (few, many) = (time(100).await, time(1_000).await);
    let ratio = many.0.as_secs_f64() / few.0.as_secs_f64();
    println!("100: {few:?}, 1,000: {many:?}, {ratio:.1} times");
    assert!(ratio < 30.0, "{few:?} and {many:?}");
}

#[tokio::test]
async fn work_for_a_request_that_was_dropped_ends() {
    let world = World::new(Limits { objects: 10_000, ..Limits::default() });
    let revision = world.version(&large(4_000, "1"));
    let (service, request, silent) = (shop(), request(&revision), Progress::silent());
    let preview = world.pipeline.preview(&service, &request, Track::Stable, &silent);
    assert!(tokio::time::timeout(Duration::from_millis(50), preview).await.is_err(), "it takes longer");
    // All room to compute is free again, at once.
    let began = Instant::now();
    let small = world.version(&large(200, "1"));
    let request = crate::world::request(&small);
    world.pipeline.preview(&service, &request, Track::Stable, &silent).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}
