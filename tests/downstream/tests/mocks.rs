//! Every port has a mock, and the pipeline takes them.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use nprt::clock::ManualClock;
use nprt::model::{Digest, ImageName, ObjectId, ServiceName, Tag, VersionRef};
use nprt::pipeline::{Caller, Pipeline, PipelineSettings, Ports, Progress, Request, Service};
use nprt::ports::{
    Clock, Cluster, ClusterCapabilities, ImageRegistry, MetricsBackend, MetricsCapabilities, MockClock,
    MockCluster, MockImageRegistry, MockMetricsBackend, MockNotifier, MockVcsSource, Notification, Notifier,
    NotifierCapabilities, Occasion, RegistryCapabilities, Severity, VcsCapabilities, VcsSource,
};
use nprt::{Error, ErrorKind};

fn down(operation: &'static str) -> Error {
    Error::new(ErrorKind::Unavailable, operation, "down")
}

fn shop() -> ServiceName {
    ServiceName::new("shop").expect("a name")
}

#[tokio::test]
async fn a_clock_stands_still() {
    let now = ManualClock::default().now();
    let mut clock = MockClock::new();
    clock.expect_now().return_const(now);
    clock.expect_sleep().withf(|time| *time == Duration::from_secs(60)).once().returning(|_| ());
    let clock: Arc<dyn Clock> = Arc::new(clock);
    clock.sleep(Duration::from_secs(60)).await;
    assert_eq!(clock.now(), now);
}

#[tokio::test]
async fn a_registry_knows_no_image() {
    let mut registry = MockImageRegistry::new();
    registry.expect_capabilities().returning(RegistryCapabilities::default);
    registry.expect_tags().returning(|image| Err(nprt::ports::no_such_image("registry.tags", image)));
    let registry: Box<dyn ImageRegistry> = Box::new(registry);
    let error = registry.tags(&ImageName::new("shop/cart").expect("a name")).await.expect_err("no image");
    assert!(error.is_not_found(), "{error}");
}

#[tokio::test]
async fn a_metrics_backend_lost_nothing() {
    let mut metrics = MockMetricsBackend::new();
    metrics.expect_capabilities().returning(MetricsCapabilities::default);
    metrics.expect_known_since().returning(|| Ok(None));
    let metrics: Arc<dyn MetricsBackend> = Arc::new(metrics);
    assert_eq!(metrics.known_since().await.expect("an answer"), None);
}

#[tokio::test]
async fn a_notifier_fails() {
    let mut notifier = MockNotifier::new();
    notifier.expect_capabilities().returning(NotifierCapabilities::default);
    notifier.expect_notify().withf(|news| news.service == shop()).once().returning(|_| Err(down("notify")));
    let now = ManualClock::default().now();
    let news = Notification::new(now, shop(), Occasion::Failed, Severity::Error, "the deploy failed");
    assert!(notifier.notify(&news).await.expect_err("it is down").is_temporary());
}

#[tokio::test]
async fn a_cluster_has_no_pods_and_a_rollout_without_end() {
    let mut cluster = MockCluster::new();
    cluster.expect_capabilities().returning(ClusterCapabilities::default);
    cluster.expect_list().returning(|_| Ok(Vec::new()));
    cluster.expect_watch_rollout().returning(|_| stream::iter([Err(down("cluster.watch"))]).boxed());
    assert!(cluster.list(&shop()).await.expect("a list").is_empty());
    let id = ObjectId {
        api_version: "apps/v1".to_owned(),
        kind: "Deployment".to_owned(),
        namespace: None,
        name: "web".to_owned(),
    };
    assert!(cluster.watch_rollout(&id).next().await.expect("one answer").is_err());
}

#[tokio::test]
async fn the_pipeline_takes_mocks_and_says_which_port_was_down() {
    let mut vcs = MockVcsSource::new();
    vcs.expect_capabilities().returning(VcsCapabilities::default);
    vcs.expect_resolve().returning(|_| Err(down("vcs.resolve")));
    let vcs: Arc<dyn VcsSource> = Arc::new(vcs);
    let mut notifier = MockNotifier::new();
    notifier.expect_capabilities().returning(NotifierCapabilities::default);
    notifier.expect_notify().withf(|news| news.occasion == Occasion::Failed).once().returning(|_| Ok(()));
    let mut metrics = MockMetricsBackend::new();
    metrics.expect_capabilities().returning(MetricsCapabilities::default);

    let clock = Arc::new(ManualClock::auto_advancing(ManualClock::default().now()));
    let cluster = nprt::memory::MemoryCluster::new(clock.clone());
    let ports = Ports {
        vcs,
        registry: Arc::new(MockImageRegistry::new()),
        metrics: Arc::new(metrics),
        cluster: Arc::new(cluster.clone()),
        notifier: Arc::new(notifier),
    };
    let pipeline = Pipeline::new("a-tool", clock, PipelineSettings::default()).expect("settings");
    let pipeline = pipeline.with_service(Service::new(shop()), ports).expect("a service");
    let caller = Caller::new("ada", "a test").expect("a caller");
    let request = Request::new(VersionRef::new(Some("main"), None).expect("a version"), caller);
    let error =
        pipeline.deploy(&shop(), &request, &Progress::silent()).await.expect_err("version control is down");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("vcs.resolve"), "{error}");
    assert!(cluster.objects().is_empty());
}

#[tokio::test]
async fn a_backend_of_a_stranger_is_a_port() {
    let (image, tag) =
        (ImageName::new("shop/cart").expect("a name"), Tag::new("main-3f2a91c").expect("a tag"));
    let digest = Digest::new(&format!("sha256:{}", "0a".repeat(32))).expect("a digest");
    let registry = downstream::OneImage { image: image.clone(), tag: tag.clone(), digest: digest.clone() };
    let registry: Arc<dyn ImageRegistry> = Arc::new(registry);
    assert_eq!(registry.digest(&image, &tag).await.expect("a digest"), digest);
    let other = Tag::new("main-0000000").expect("a tag");
    let error = registry.digest(&image, &other).await.expect_err("no such tag");
    assert!(error.to_string().contains("main-3f2a91c"), "{error}");
}
