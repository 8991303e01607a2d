//! Judging the canary that runs.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use nprt_compare::Decision;
use nprt_compare::Policy;
use nprt_core::model::{BlockData, Revision, Track, find_hidden};
use nprt_core::ports::{Clock, MetricsCapabilities, MockMetricsBackend};
use nprt_core::{Error, ErrorKind};
use nprt_memory::Origin;
use nprt_pipeline::{Event, Pipeline, Ports, Progress, Service};

use crate::world::{World, canary, deploy, shop, tag, told};

/// Stable and a canary that were started on a whole minute.
pub(crate) async fn on_trial(world: &World) -> (Arc<Pipeline>, Revision, Revision) {
    let (pipeline, stable, trial) = (world.pipeline(), world.version(1), world.version(2));
    deploy(&pipeline, &stable).await.unwrap();
    let second = world.clock.now().as_second();
    world.wait(u64::try_from(60 - second.rem_euclid(60)).unwrap()).await;
    canary(&pipeline, &trial).await.unwrap();
    (pipeline, stable, trial)
}

/// An hour of both tracks, beginning now; the canary's latency is `factor` times stable's.
pub(crate) fn record(world: &World, stable: &Origin, trial: &Origin, factor: f64) {
    for minute in 0..60 {
        let at = world.clock.now() + SignedDuration::from_mins(minute);
        for (origin, latency) in [(stable, 0.1), (trial, 0.1 * factor)] {
            record_at(world, at, origin, latency);
        }
    }
}

pub(crate) fn record_at(world: &World, at: Timestamp, origin: &Origin, latency: f64) {
    let samples = (0..50).map(|n| latency * (1.0 + f64::from(n) / 1000.0)).collect();
    for (metric, data) in [
        ("latency", BlockData::Samples(samples)),
        ("cpu", BlockData::Value(0.2)),
        ("memory", BlockData::Value(1e8)),
        ("requests", BlockData::Requests { requests: 200, errors: 0 }),
    ] {
        world.metrics.record(&shop(), metric, at, origin, data).unwrap();
    }
}

pub(crate) fn of(track: Track, revision: &Revision) -> Origin {
    Origin::new(track).version(tag(revision).as_str())
}

#[tokio::test]
async fn a_canary_as_good_as_stable_passes_and_a_slower_one_does_not() {
    for (factor, expected) in [(1.0, "pass"), (1.5, "regression")] {
        let world = World::new();
        let (pipeline, stable, trial) = on_trial(&world).await;
        record(&world, &of(Track::Stable, &stable), &of(Track::Canary, &trial), factor);
        world.wait(3600).await;
        let (done, events) = told(async |progress| pipeline.judge_canary(&shop(), &progress).await).await;
        let done = done.unwrap();
        assert_eq!(done.verdict.decision.as_str(), expected, "{:?}", done.verdict);
        let (object, event) = world.cluster.events().pop().unwrap();
        let reason = if factor > 1.0 { "CanaryRegressed" } else { "CanaryPassed" };
        assert_eq!((object.to_string().as_str(), event.reason()), ("Deployment/shop/web", reason));
        assert_eq!(event.is_warning(), factor > 1.0);
        assert!(event.note().contains(&done.verdict.reason) && event.note().contains(tag(&trial).as_str()));
        assert_eq!((done.revision, done.tag), (trial.clone(), tag(&trial)));
        assert!(events.iter().any(|event| matches!(event, Event::Judged { .. })));
    }
}

#[tokio::test]
async fn measurements_of_an_older_canary_are_not_judged() {
    let world = World::new();
    let (pipeline, stable, _) = on_trial(&world).await;
    let older = Revision::new(&"9".repeat(40)).unwrap();
    record(&world, &of(Track::Stable, &stable), &of(Track::Canary, &older), 9.0);
    world.wait(3600).await;
    let (done, events) = told(async |progress| pipeline.judge_canary(&shop(), &progress).await).await;
    let verdict = done.unwrap().verdict;
    assert!(matches!(verdict.decision, Decision::Inconclusive { .. }), "{verdict:?}");
    assert!(verdict.metrics.iter().all(|metric| metric.canary_samples == 0));
    let ignored = |event: &Event| matches!(event, Event::Measured { ignored: 1.., .. });
    assert!(events.iter().any(ignored), "{events:?}");
}

#[tokio::test]
async fn measurements_from_before_its_start_are_not_judged() {
    let world = World::new();
    let (pipeline, stable, trial) = (world.pipeline(), world.version(1), world.version(2));
    deploy(&pipeline, &stable).await.unwrap();
    record(&world, &of(Track::Stable, &stable), &of(Track::Canary, &trial), 9.0);
    world.wait(3600).await;
    canary(&pipeline, &trial).await.unwrap();
    world.wait(1800).await;
    let done = pipeline.judge_canary(&shop(), &Progress::silent()).await.unwrap();
    assert!(matches!(done.verdict.decision, Decision::Inconclusive { .. }), "{:?}", done.verdict);
}

#[tokio::test]
async fn an_error_that_stable_had_before_is_known() {
    let world = World::new();
    // By the plain rule, one error of a new class is enough.
    let service = Service { policy: Policy::method(), ..Service::new(shop()) };
    let pipeline = world.pipeline_of(service, world.ports());
    let (stable, trial) = (world.version(1), world.version(2));
    deploy(&pipeline, &stable).await.unwrap();
    let class = |class: &str| BlockData::Classes([(class.to_owned(), 1)].into());
    let errors = |origin: &Origin, data| {
        world.metrics.record(&shop(), "errors", world.clock.now(), origin, data).unwrap();
    };
    errors(&of(Track::Stable, &stable), class("timeout"));
    record_at(&world, world.clock.now(), &of(Track::Stable, &stable), 0.1);
    world.wait(600).await;
    canary(&pipeline, &trial).await.unwrap();
    world.wait(60).await;
    record(&world, &of(Track::Stable, &stable), &of(Track::Canary, &trial), 1.0);
    errors(&of(Track::Canary, &trial), class("timeout"));
    world.wait(3600).await;
    let judge = async || pipeline.judge_canary(&shop(), &Progress::silent()).await.unwrap().verdict;
    let verdict = judge().await;
    assert_eq!(verdict.decision.as_str(), "pass", "{verdict:?}");
    errors(&of(Track::Canary, &trial), class("corrupt"));
    world.wait(60).await;
    let verdict = judge().await;
    assert_eq!(verdict.decision.as_str(), "regression", "{verdict:?}");
    assert!(verdict.reason.contains("corrupt"), "{}", verdict.reason);
}

/// Whoever measures may choose them, and pages, terminals and messages show them.
#[tokio::test]
async fn labels_hide_nothing_and_stay_apart() {
    let world = World::new();
    let service = Service { policy: Policy::method(), ..Service::new(shop()) };
    let pipeline = world.pipeline_of(service, world.ports());
    let (stable, trial) = (world.version(1), world.version(2));
    deploy(&pipeline, &stable).await.unwrap();
    let errors = |origin: &Origin, class: &str| {
        let data = BlockData::Classes([(class.to_owned(), 1)].into());
        world.metrics.record(&shop(), "errors", world.clock.now(), origin, data).unwrap();
    };
    // The two look alike, and only one is new.
    errors(&of(Track::Stable, &stable), "time\u{200b}out");
    record_at(&world, world.clock.now(), &of(Track::Stable, &stable), 0.1);
    world.wait(600).await;
    canary(&pipeline, &trial).await.unwrap();
    world.wait(60).await;
    record(&world, &of(Track::Stable, &stable), &of(Track::Canary, &trial), 1.0);
    world.wait(3600).await;
    errors(&of(Track::Canary, &trial).pod("a\u{1b}[31m\nb"), "time\u{202e}out");
    world.wait(60).await;
    let verdict = pipeline.judge_canary(&shop(), &Progress::silent()).await.unwrap().verdict;
    assert_eq!(verdict.decision.as_str(), "regression", "{verdict:?}");
    assert!(verdict.reason.contains("u{202e}out"), "{}", verdict.reason);
    let report = pipeline.measure_canary(&shop(), &Progress::silent()).await.unwrap().report().unwrap();
    let shown =
        format!("{}{}", serde_json::to_string(&verdict).unwrap(), serde_json::to_string(&report).unwrap());
    assert_eq!(find_hidden(&shown), None, "{shown}");
    assert!(!shown.contains("u001b"), "{shown}");
}

#[tokio::test]
async fn no_canary_and_no_answer_are_errors() {
    let world = World::new();
    let pipeline = world.pipeline();
    let error = pipeline.judge_canary(&shop(), &Progress::silent()).await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
    on_trial(&world).await;
    let mut metrics = MockMetricsBackend::new();
    metrics.expect_capabilities().returning(MetricsCapabilities::default);
    metrics.expect_blocks().returning(|_| Err(Error::new(ErrorKind::Unavailable, "test", "down")));
    let broken = world.pipeline_over(Ports { metrics: Arc::new(metrics), ..world.ports() });
    let error = broken.judge_canary(&shop(), &Progress::silent()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "never a pass");
}
