//! A cluster and a registry that fail in the middle.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use nprt_core::memory::MemoryCluster;
use nprt_core::model::{Digest, ImageName, Object, ObjectId, ServiceName, Tag};
use nprt_core::pipeline::{Event, Pipeline, PipelineSettings, Ports, Progress, Service};
use nprt_core::ports::{
    Applied, Clock, Cluster, ClusterCapabilities, ImageRegistry, Lease, LeaseRequest, MockImageRegistry,
    Occasion, RegistryCapabilities, RolloutStatus,
};
use nprt_core::{Error, ErrorKind, Result, Retry};
use tokio::sync::Semaphore;

use crate::world::{World, caller, canary, deploy, digest, request, shop, tag, told};

/// A cluster in memory that fails where it is told to.
#[derive(Debug)]
struct Faulty {
    cluster: MemoryCluster,
    /// How many renewals fail, as if the server did not answer.
    renewals: AtomicUsize,
    /// Renewals are never answered.
    silent: bool,
    /// Objects of these names are not deleted.
    stuck: Mutex<BTreeSet<String>>,
    /// Applies of objects of this name wait for a permit.
    gate: Option<(&'static str, Semaphore)>,
    reached: AtomicBool,
}

impl Faulty {
    fn new(world: &World) -> Self {
        Self {
            cluster: world.cluster.clone(),
            renewals: AtomicUsize::new(0),
            silent: false,
            stuck: Mutex::default(),
            gate: None,
            reached: AtomicBool::new(false),
        }
    }
}

fn down() -> Error {
    Error::new(ErrorKind::Unavailable, "test", "down")
}

#[async_trait]
impl Cluster for Faulty {
    fn capabilities(&self) -> ClusterCapabilities {
        self.cluster.capabilities()
    }
    fn namespace(&self) -> String {
        self.cluster.namespace()
    }
    async fn list(&self, service: &ServiceName) -> Result<Vec<Object>> {
        self.cluster.list(service).await
    }
    async fn get(&self, id: &ObjectId) -> Result<Option<Object>> {
        self.cluster.get(id).await
    }
    async fn dry_run(&self, object: &Object) -> Result<Applied> {
        self.cluster.dry_run(object).await
    }
    async fn apply(&self, lease: &Lease, object: &Object) -> Result<Applied> {
        if let Some((name, gate)) = &self.gate
            && *name == object.name()
        {
            self.reached.store(true, Ordering::SeqCst);
            gate.acquire().await.unwrap().forget();
        }
        self.cluster.apply(lease, object).await
    }
    async fn delete(&self, lease: &Lease, id: &ObjectId) -> Result<bool> {
        if self.stuck.lock().unwrap().contains(&id.name) {
            return Err(down());
        }
        self.cluster.delete(lease, id).await
    }
    fn watch_rollout(&self, workload: &ObjectId) -> BoxStream<'static, Result<RolloutStatus>> {
        self.cluster.watch_rollout(workload)
    }
    async fn lease(&self, service: &ServiceName) -> Result<Option<Lease>> {
        self.cluster.lease(service).await
    }
    async fn acquire(&self, request: &LeaseRequest) -> Result<Lease> {
        self.cluster.acquire(request).await
    }
    async fn renew(&self, lease: &Lease) -> Result<Lease> {
        if self.silent {
            return std::future::pending().await;
        }
        let fails = |left: usize| left.checked_sub(1);
        if self.renewals.fetch_update(Ordering::SeqCst, Ordering::SeqCst, fails).is_ok() {
            return Err(down());
        }
        self.cluster.renew(lease).await
    }
    async fn release(&self, lease: &Lease) -> Result<()> {
        self.cluster.release(lease).await
    }
}

fn over(world: &World, cluster: Arc<Faulty>) -> Arc<Pipeline> {
    world.pipeline_over(Ports { cluster, ..world.ports() })
}

fn slow(world: &World) -> Faulty {
    let cluster = world.cluster.clone().with_rollout_delay(Duration::from_secs(300));
    Faulty { cluster, ..Faulty::new(world) }
}

#[tokio::test]
async fn a_renewal_that_fails_is_tried_again() {
    let world = World::new();
    let revision = world.version(1);
    let faulty = Arc::new(slow(&world));
    faulty.renewals.store(2, Ordering::SeqCst);
    let pipeline = over(&world, faulty);
    let (done, events) =
        told(async |progress| pipeline.deploy(&shop(), &request(&revision), &progress).await).await;
    done.unwrap();
    let warned = |event: &&Event| event.to_string().contains("the lease was not renewed");
    assert_eq!(events.iter().filter(warned).count(), 2);
}

#[tokio::test]
async fn a_lease_that_cannot_be_renewed_in_time_stops_the_work() {
    for silent in [false, true] {
        let world = World::new();
        let revision = world.version(1);
        let faulty = Faulty { silent, ..slow(&world) };
        faulty.renewals.store(usize::MAX, Ordering::SeqCst);
        let began = world.clock.now();
        let error = deploy(&over(&world, Arc::new(faulty)), &revision).await.unwrap_err();
        // A silent cluster is asked once more whether the lease was taken over.
        let seconds = if silent { 60 } else { 30 };
        assert_eq!(world.clock.now().duration_since(began).as_secs(), seconds, "30 until it expires");
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.to_string().contains("could not be renewed in time"), "{error}");
        assert_eq!(world.notifier.told()[0].occasion, Occasion::Failed, "no rollback tells it");
        deploy(&world.pipeline(), &revision).await.unwrap();
    }
}

#[tokio::test]
async fn a_write_under_a_lease_that_a_rollback_took_lands_nothing() {
    let world = World::new();
    let (stable, next) = (world.version(1), world.version(2));
    deploy(&world.pipeline(), &stable).await.unwrap();
    let gate = Some(("worker", Semaphore::new(0)));
    let faulty = Arc::new(Faulty { gate, ..Faulty::new(&world) });
    let under_way = tokio::spawn({
        let (pipeline, next) = (over(&world, faulty.clone()), next.clone());
        async move { deploy(&pipeline, &next).await }
    });
    while !faulty.reached.load(Ordering::SeqCst) {
        tokio::task::yield_now().await;
    }
    let done = world.pipeline().rollback(&shop(), &caller(), &Progress::silent()).await.unwrap();
    assert!(done.cancelled.is_some());
    let [warning] = &done.warnings[..] else { panic!("{done:?}") };
    let (old, new) = (tag(&stable), tag(&next));
    assert_eq!(*warning, format!("stable runs several versions: web {new}, worker {old}"));
    faulty.gate.as_ref().unwrap().1.add_permits(1);
    let error = under_way.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
    assert!(error.to_string().contains("rollback by ci"), "{error}");
    assert_eq!(world.workload("worker").unwrap().tag, Some(old.to_string()), "the late write was refused");
    deploy(&world.pipeline(), &stable).await.unwrap();
    assert!(world.runs().iter().all(|(_, tag, _)| *tag == old.to_string()), "the next deploy repairs it");
}

#[tokio::test]
async fn a_removal_that_fails_goes_as_far_as_it_can_and_is_finished_by_the_next_call() {
    let world = World::new();
    let (stable, trial) = (world.version(1), world.version(2));
    deploy(&world.pipeline(), &stable).await.unwrap();
    canary(&world.pipeline(), &trial).await.unwrap();
    let faulty = Arc::new(Faulty::new(&world));
    faulty.stuck.lock().unwrap().insert("web-canary".to_owned());
    let pipeline = over(&world, faulty.clone());
    let rollback = async || pipeline.rollback(&shop(), &caller(), &Progress::silent()).await;
    assert_eq!(rollback().await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert!(world.workload("worker-canary").is_none(), "the other workload is gone");
    let configs = world.cluster.objects().into_iter().filter(|object| object.kind() == "ConfigMap");
    assert_eq!(configs.count(), 2, "what the remaining one reads is there");
    let error = deploy(&pipeline, &stable).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    faulty.stuck.lock().unwrap().clear();
    assert_eq!(rollback().await.unwrap().removed.len(), 2);
    assert_eq!(world.cluster.objects().len(), 4);
}

#[tokio::test]
async fn a_registry_that_does_not_answer_is_asked_again_for_as_long_as_is_allowed() {
    let world = World::new();
    let revision = world.version(1);
    let over = |registry: MockImageRegistry| {
        world.pipeline_over(Ports { registry: Arc::new(registry), ..world.ports() })
    };
    let mut registry = MockImageRegistry::new();
    registry.expect_tags().times(3).returning(|_| Err(down()));
    let has = vec![tag(&revision)];
    registry.expect_tags().returning(move |_| Ok(has.clone()));
    deploy(&over(registry), &revision).await.unwrap();

    let mut registry = MockImageRegistry::new();
    registry.expect_tags().returning(|_| Err(down()));
    let error = deploy(&over(registry), &revision).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unavailable, Retry::Exhausted));

    let mut registry = MockImageRegistry::new();
    registry.expect_tags().returning(|_| Err(Error::new(ErrorKind::Forbidden, "test", "no")));
    let before = world.clock.now();
    assert_eq!(deploy(&over(registry), &revision).await.unwrap_err().kind(), ErrorKind::Forbidden);
    assert_eq!(world.clock.now(), before, "waiting would not help");
}

#[tokio::test]
async fn digests_are_pinned_where_asked_and_refused_where_the_registry_has_none() {
    let world = World::new();
    let revision = world.version(1);
    let pipeline = |registry: Arc<dyn ImageRegistry>| {
        let mut service = Service::new(shop());
        service.transform.pin_digests = true;
        let ports = Ports { registry, ..world.ports() };
        let pipeline = Pipeline::new("test", world.clock.clone(), PipelineSettings::default()).unwrap();
        pipeline.with_service(service, ports).unwrap()
    };
    deploy(&pipeline(world.registry.clone()), &revision).await.unwrap();
    let image = format!("registry.example.com/shop/web:{}@{}", tag(&revision), digest());
    assert_eq!(world.workload("web").unwrap().images, [image]);

    #[derive(Debug)]
    struct Tags(Vec<Tag>);
    #[async_trait]
    impl ImageRegistry for Tags {
        fn capabilities(&self) -> RegistryCapabilities {
            RegistryCapabilities { digests: false }
        }
        async fn tags(&self, _: &ImageName) -> Result<Vec<Tag>> {
            Ok(self.0.clone())
        }
        async fn digest(&self, _: &ImageName, _: &Tag) -> Result<Digest> {
            Err(Error::new(ErrorKind::Unsupported, "test", "no digests"))
        }
    }
    let next = world.version(2);
    let error = deploy(&pipeline(Arc::new(Tags(vec![tag(&next)]))), &next).await.unwrap_err();
    assert!(error.is_unsupported(), "{error}");
    assert_eq!(world.workload("web").unwrap().tag, Some(tag(&revision).to_string()));
}
