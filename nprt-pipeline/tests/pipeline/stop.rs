//! Operations whose process is about to end: what they changed goes back, and who waits waits no more.

use futures_util::StreamExt;
use nprt_core::ports::Clock;
use nprt_core::{Error, Result};
use nprt_pipeline::{Deployment, Event, Pipeline, PipelineSettings, Progress, Service, Stop};

use crate::world::{World, canary, deploy, manifests, promote, request, shop, told};

/// A pipeline that stops at the first event that is `such`.
struct Stopping {
    pipeline: Pipeline,
    stop: Stop,
}

impl Stopping {
    fn new(world: &World) -> Self {
        let stop = Stop::new();
        let pipeline = Pipeline::new("ends", world.clock.clone(), PipelineSettings::default()).unwrap();
        let pipeline = pipeline.with_stop(stop.clone());
        Self { pipeline: pipeline.with_service(Service::new(shop()), world.ports()).unwrap(), stop }
    }

    /// How `run` ends, which is stopped at the first event that is `such`.
    async fn at<F>(&self, such: impl Fn(&Event) -> bool, run: impl FnOnce(Progress) -> F) -> Error
    where
        F: Future<Output = Result<Deployment>>,
    {
        let (progress, events) = Progress::stream();
        let listen = events.for_each(async |event| {
            if such(&event) {
                self.stop.now();
            }
        });
        let (done, ()) = tokio::join!(run(progress), listen);
        let error = done.unwrap_err();
        assert!(
            error.is_cancelled() && error.to_string().contains("the process that did it ends"),
            "{error}"
        );
        error
    }
}

#[tokio::test]
async fn what_was_changed_goes_back() {
    let world = World::new();
    let (first, second) = (world.version(1), world.version(2));
    deploy(&world.pipeline(), &first).await.unwrap();
    let before = world.runs();
    let ending = Stopping::new(&world);
    let run = async |progress| ending.pipeline.deploy(&shop(), &request(&second), &progress).await;
    let error = ending.at(|event| matches!(event, Event::Applied { .. }), run).await;
    assert!(error.to_string().contains("again"), "it says what is there: {error}");
    let tags =
        |runs: &[(String, String, u64)]| -> Vec<_> { runs.iter().map(|(_, tag, _)| tag.clone()).collect() };
    assert_eq!(tags(&world.runs()), tags(&before));
    let left: Vec<_> = world.cluster.objects().iter().map(|object| object.name().to_owned()).collect();
    assert!(left.iter().all(|name| !name.starts_with("nprt-undo")), "{left:?}");
    // Another process has nothing to repair, and none of it to wait for.
    let (done, events) =
        told(async |progress| world.pipeline().deploy(&shop(), &request(&second), &progress).await).await;
    done.unwrap();
    assert!(
        !events.iter().any(|event| matches!(event, Event::PutBack { .. } | Event::WaitingForLease { .. }))
    );
}

#[tokio::test]
async fn a_canary_that_is_being_started_is_removed() {
    let world = World::new();
    let (first, second) = (world.version(1), world.version(2));
    deploy(&world.pipeline(), &first).await.unwrap();
    let ending = Stopping::new(&world);
    let run = async |progress| ending.pipeline.canary(&shop(), &request(&second), &progress).await;
    ending.at(|event| matches!(event, Event::Applied { .. }), run).await;
    assert_eq!(world.pipeline().status(&shop()).await.unwrap().canary, None);
    // One that runs is none of that: what is stopped is its promotion.
    canary(&world.pipeline(), &second).await.unwrap();
    let ending = Stopping::new(&world);
    let run = async |progress| ending.pipeline.promote(&shop(), &request(&second), &progress).await;
    ending.at(|event| matches!(event, Event::Applied { .. }), run).await;
    assert!(world.pipeline().status(&shop()).await.unwrap().canary.is_some());
    promote(&world.pipeline(), &second).await.unwrap();
}

#[tokio::test]
async fn who_waits_waits_no_more() {
    let world = World::new();
    let revision = world.commit(&manifests(1, ""));
    let ending = Stopping::new(&world);
    let began = world.clock.now();
    let run = async |progress| ending.pipeline.deploy(&shop(), &request(&revision), &progress).await;
    ending.at(|event| matches!(event, Event::WaitingForImages { .. }), run).await;
    assert_eq!(world.clock.now(), began, "at once");
    assert_eq!(world.pipeline().status(&shop()).await.unwrap().operation, None);
}
