//! A cluster and a registry that fail in the middle.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use nprt_core::model::{Digest, ImageName, Tag, Track};
use nprt_core::ports::{Change, Clock, ImageRegistry, MockImageRegistry, Occasion, RegistryCapabilities};
use nprt_core::{Error, ErrorKind, Result, Retry};
use nprt_pipeline::{Event, Pipeline, PipelineSettings, Ports, Progress, Service};
use tokio::sync::Semaphore;

use crate::faulty::{Faulty, down};
use crate::world::{World, caller, canary, deploy, digest, request, shop, tag, told};

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
    // A renewal that fails at once, one that fails after a while, and one that is never answered.
    for (silent, delay) in [(false, 0), (false, 3), (false, 8), (true, 0)] {
        let world = World::new();
        let revision = world.version(1);
        let faulty = Faulty { silent, delay: Duration::from_secs(delay), ..slow(&world) };
        faulty.renewals.store(usize::MAX, Ordering::SeqCst);
        let began = world.clock.now();
        let error = deploy(&over(&world, Arc::new(faulty)), &revision).await.unwrap_err();
        // The cluster is asked once more whether the lease was taken over.
        let asked = if silent { 30 } else { i64::try_from(delay).unwrap() };
        let seconds = world.clock.now().duration_since(began).as_secs();
        assert_eq!(seconds, 30 + asked, "the work ends with the lease, after 30 s");
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
    let old = tag(&stable);
    let undone = format!("undone: the deploy of {next}: stable is {old} ({}) again", stable.short());
    assert_eq!(*warning, undone);
    assert_eq!(world.workload("web").unwrap().tag, Some(old.to_string()), "what it had done is undone");
    faulty.gate.as_ref().unwrap().1.add_permits(1);
    let error = under_way.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
    assert!(error.to_string().contains("ci is rolling back"), "{error}");
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
    let configs = world.objects().into_iter().filter(|object| object.kind() == "ConfigMap");
    assert_eq!(configs.count(), 2, "what the remaining one reads is there");
    let error = deploy(&pipeline, &stable).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    faulty.stuck.lock().unwrap().clear();
    assert_eq!(rollback().await.unwrap().removed.len(), 2);
    assert_eq!(world.objects().len(), 4);
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
async fn a_dry_run_waits_for_a_busy_registry_and_for_no_image() {
    let world = World::new();
    let revision = world.version(1);
    let preview = async |registry: MockImageRegistry| {
        let pipeline = world.pipeline_over(Ports { registry: Arc::new(registry), ..world.ports() });
        pipeline.preview(&shop(), &request(&revision), Track::Stable, &Progress::silent()).await
    };
    let mut registry = MockImageRegistry::new();
    let busy =
        || Error::new(ErrorKind::RateLimited, "test", "busy").with_retry_after(Duration::from_secs(20));
    registry.expect_tags().times(2).returning(move |_| Err(busy()));
    let has = vec![tag(&revision)];
    registry.expect_tags().returning(move |_| Ok(has.clone()));
    let before = world.clock.now();
    assert_eq!(preview(registry).await.unwrap().tag, tag(&revision));
    assert!(world.clock.now().duration_since(before).as_secs() >= 20, "as long as it asked for");

    let mut registry = MockImageRegistry::new();
    registry.expect_tags().returning(|_| Err(down()));
    let error = preview(registry).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unavailable, Retry::Exhausted));

    let mut registry = MockImageRegistry::new();
    registry.expect_tags().returning(|_| Ok(Vec::new()));
    let before = world.clock.now();
    assert_eq!(preview(registry).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(world.clock.now(), before, "an image that is missing is not waited for");
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

#[tokio::test]
async fn a_write_that_fails_for_a_moment_is_tried_again() {
    let world = World::new();
    let (stable, next) = (world.version(1), world.version(2));
    let faulty = Arc::new(Faulty::new(&world));
    let pipeline = over(&world, faulty.clone());
    faulty.broken.lock().unwrap().extend([("web", 3), ("worker", 4)]);
    let done = deploy(&pipeline, &stable).await.unwrap();
    assert!(done.applied.iter().all(|applied| applied.change == Change::Created), "{done:?}");

    faulty.broken.lock().unwrap().insert("worker", 5);
    let error = deploy(&pipeline, &next).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unavailable, Retry::Exhausted));
    assert!(error.to_string().contains(&format!("stable is {}", tag(&stable))), "{error}");
    assert!(world.runs().iter().all(|(_, now, _)| *now == tag(&stable).to_string()), "all of it is back");
}

#[tokio::test]
async fn a_canary_that_cannot_be_applied_leaves_nothing() {
    let world = World::new();
    let (stable, trial) = (world.version(1), world.version(2));
    deploy(&world.pipeline(), &stable).await.unwrap();
    let before = world.objects();
    let faulty = Arc::new(Faulty::new(&world));
    faulty.broken.lock().unwrap().insert("worker-canary", 5);
    let error = canary(&over(&world, faulty), &trial).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert_eq!(world.objects(), before, "neither half a canary nor its configuration");
}

#[tokio::test]
async fn a_server_that_asks_to_wait_is_given_its_time() {
    let world = World::new();
    for (version, asked, waited) in [(1, 20, 20), (2, 3600, 30)] {
        let revision = world.version(version);
        let wait = Some(Duration::from_secs(asked));
        let faulty = Arc::new(Faulty { wait, ..Faulty::new(&world) });
        faulty.broken.lock().unwrap().insert("worker", 1);
        let (done, events) =
            told(async |progress| over(&world, faulty).deploy(&shop(), &request(&revision), &progress).await)
                .await;
        done.unwrap();
        let said = format!("tries again in {waited} s");
        assert!(events.iter().any(|event| event.to_string().contains(&said)), "{events:?}");
    }
}

#[tokio::test]
async fn a_lease_that_is_lost_before_the_end_is_no_success() {
    let world = World::new();
    let revision = world.version(1);
    let faulty = Arc::new(Faulty { taken: true, ..Faulty::new(&world) });
    let error =
        over(&world, faulty).deploy(&shop(), &request(&revision), &Progress::silent()).await.unwrap_err();
    assert!(error.is_cancelled() && error.to_string().contains("ada is rolling back"), "{error}");
}
