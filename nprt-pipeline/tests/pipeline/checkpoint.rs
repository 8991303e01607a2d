//! What the judge knows is kept on the canary: whoever judges next goes on from there.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::Timestamp;
use nprt_compare::{Decision, Judge, Policy};
use nprt_core::Result;
use nprt_core::model::{Object, Revision, TimeRange, Track, label};
use nprt_core::ports::{Clock, Measured, MetricQuery, MetricsBackend, MetricsCapabilities, Versions};
use nprt_pipeline::{Event, Judgement, Pipeline, Ports, Progress, Service};
use serde_json::json;

use crate::faulty::Faulty;
use crate::judge::{of, on_trial, record_at};
use crate::world::{World, caller, canary, shop, told};

/// The metrics of a world, and which times it was asked for.
#[derive(Debug)]
struct Asked {
    metrics: Arc<dyn MetricsBackend>,
    ranges: Mutex<Vec<TimeRange>>,
}

#[async_trait]
impl MetricsBackend for Asked {
    fn capabilities(&self) -> MetricsCapabilities {
        self.metrics.capabilities()
    }
    async fn blocks(&self, query: &MetricQuery) -> Result<Measured> {
        self.ranges.lock().unwrap().push(query.range);
        self.metrics.blocks(query).await
    }
    async fn known_since(&self) -> Result<Option<Timestamp>> {
        self.metrics.known_since().await
    }
}

/// A minute of both tracks, and its end.
async fn minute(world: &World, stable: &Revision, trial: &Revision, factor: f64) {
    record_at(world, world.clock.now(), &of(Track::Stable, stable), 0.1);
    record_at(world, world.clock.now(), &of(Track::Canary, trial), 0.1 * factor);
    world.wait(60).await;
}

async fn keep(pipeline: &Pipeline) -> Judgement {
    pipeline.judge_and_keep(&shop(), &Progress::silent()).await.unwrap()
}

fn checkpoint(world: &World) -> Option<Object> {
    world.cluster.objects().into_iter().find(|object| object.name() == "nprt-judge-shop")
}

/// By all blocks at once.
async fn uninterrupted(world: &World, started: Timestamp) -> Judge {
    let policy = Service::new(shop()).policy;
    let mut judge = Judge::new(policy.clone(), started).unwrap();
    let mut blocks = Vec::new();
    for metric in policy.metrics() {
        let range = TimeRange::new(started, world.clock.now()).unwrap();
        // Some it can do without.
        let found = world
            .metrics
            .blocks(&MetricQuery { service: shop(), metric, range, versions: Versions::default() })
            .await;
        blocks.extend(found.unwrap_or_default().blocks);
    }
    blocks.sort_by_key(|block| block.minute);
    blocks.iter().for_each(|block| judge.observe(block).unwrap());
    judge
}

#[tokio::test]
async fn judges_that_take_turns_and_die_come_to_the_verdict_of_one_that_did_not() {
    for (factor, expected) in [(1.0, "pass"), (1.12, "regression")] {
        let world = World::new();
        let (_, stable, trial) = on_trial(&world).await;
        let asked = Arc::new(Asked { metrics: world.ports().metrics, ranges: Mutex::default() });
        let mut last = None;
        for at in 0..61 {
            minute(&world, &stable, &trial, factor).await;
            // Each knows nothing but what the cluster and the metrics say.
            let pipeline = world.pipeline_over(Ports { metrics: asked.clone(), ..world.ports() });
            match at % 4 {
                0 => drop(pipeline.judge_canary(&shop(), &Progress::silent()).await.unwrap()),
                // Killed at some write of its own.
                1 => {
                    let writes = Some((at % 7).into());
                    let cluster = Arc::new(Faulty { writes, ..Faulty::new(&world) });
                    let dies = world.pipeline_over(Ports { cluster: cluster.clone(), ..world.ports() });
                    let silent = Progress::silent();
                    let name = shop();
                    let mut judging = std::pin::pin!(dies.judge_and_keep(&name, &silent));
                    let dead = |cx: &mut std::task::Context<'_>| {
                        let is_dead = cluster.reached.load(std::sync::atomic::Ordering::SeqCst);
                        let polled = judging.as_mut().poll(cx);
                        if is_dead || polled.is_ready() {
                            return std::task::Poll::Ready(());
                        }
                        cx.waker().wake_by_ref();
                        std::task::Poll::Pending
                    };
                    std::future::poll_fn(dead).await;
                }
                _ => {
                    // At the same time.
                    let (one, other) = futures_util::join!(keep(&pipeline), keep(&pipeline));
                    assert_eq!(one.verdict, other.verdict);
                }
            }
            if at % 5 > 0 {
                continue;
            }
            let judged = pipeline.judge_canary(&shop(), &Progress::silent()).await.unwrap();
            let mut judge = uninterrupted(&world, judged.started).await;
            let verdict = judge.verdict(judged.verdict.range.end());
            assert_eq!(
                serde_json::to_value(&judged.verdict).unwrap(),
                serde_json::to_value(&verdict).unwrap()
            );
            last = Some(judged);
        }
        let last = last.unwrap();
        assert_eq!(last.verdict.decision.as_str(), expected, "{}", last.verdict.reason);
        let longest = asked.ranges.lock().unwrap().iter().rev().take(4).map(TimeRange::length).max();
        assert!(longest.unwrap().as_secs() < 600, "{longest:?}: what was kept is not asked for again");
        let size = checkpoint(&world).unwrap().as_value().to_string().len();
        assert!(size < 300_000, "{size}");
    }
}

#[tokio::test]
async fn it_belongs_to_the_canary_and_goes_with_it() {
    let world = World::new();
    let (pipeline, stable, trial) = on_trial(&world).await;
    keep(&pipeline).await;
    assert_eq!(checkpoint(&world), None, "there is nothing to keep yet");
    for _ in 0..4 {
        minute(&world, &stable, &trial, 1.0).await;
    }
    let objects = world.cluster.objects().len();
    pipeline.judge_canary(&shop(), &Progress::silent()).await.unwrap();
    assert_eq!(world.cluster.objects().len(), objects, "looking writes nothing");
    keep(&pipeline).await;
    let kept = checkpoint(&world).unwrap();
    assert_eq!((kept.label(label::SERVICE), kept.label(label::TRACK)), (Some("shop"), Some("canary")));
    let mut workloads = world.cluster.objects().into_iter().filter(|object| object.kind() == "Deployment");
    let workload = workloads.find(|object| object.name() == "web-canary").unwrap();
    let uid = workload.as_value().pointer("/metadata/uid");
    let owner = json!([{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web-canary", "uid": uid}]);
    assert_eq!(kept.as_value().pointer("/metadata/ownerReferences"), Some(&owner));
    let status = pipeline.status(&shop()).await.unwrap().canary.unwrap();
    assert!(
        status.revision == Some(trial.clone()) && status.caller.is_some(),
        "it runs no version: {status:?}"
    );
    // Within the same minute there is nothing more to keep.
    keep(&pipeline).await;
    assert_eq!(checkpoint(&world), Some(kept.clone()));

    // Another canary begins anew, also one of the same version.
    canary(&pipeline, &world.version(3)).await.unwrap();
    assert_eq!(checkpoint(&world), None);
    canary(&pipeline, &trial).await.unwrap();
    for _ in 0..4 {
        minute(&world, &stable, &trial, 1.0).await;
    }
    keep(&pipeline).await;
    let again = checkpoint(&world).unwrap();
    assert!(again != kept);
    pipeline.rollback(&shop(), &caller(), &Progress::silent()).await.unwrap();
    assert_eq!(checkpoint(&world), None);
}

#[tokio::test]
async fn what_is_of_another_policy_or_cannot_be_read_is_made_anew() {
    let world = World::new();
    let (pipeline, stable, trial) = on_trial(&world).await;
    for _ in 0..5 {
        minute(&world, &stable, &trial, 1.0).await;
    }
    let before = keep(&pipeline).await;
    let good = checkpoint(&world).unwrap();
    let text = good.as_value().pointer("/data/judge.json").unwrap().as_str().unwrap().to_owned();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap()["version"], 1);
    for bad in
        ["{", "", &text.replace("\"version\":1", "\"version\":2"), &text.replace("\"until\"", "\"til\"")]
    {
        let mut damaged = good.clone();
        *damaged.as_value_mut().pointer_mut("/data/judge.json").unwrap() = json!(bad);
        world.cluster.apply_as("somebody", &damaged).unwrap();
        let (judged, _) = told(async |progress| pipeline.judge_and_keep(&shop(), &progress).await).await;
        assert_eq!(judged.unwrap().verdict.metrics, before.verdict.metrics, "{bad}");
        // Its field is somebody else's now.
        world.cluster.delete_as_person(&damaged.id()).unwrap();
        keep(&pipeline).await;
        assert_eq!(checkpoint(&world).unwrap().as_value()["data"], good.as_value()["data"]);
    }
    let other = Policy { soak_minutes: 7, ..Service::new(shop()).policy };
    let changed = world.pipeline_of(Service { policy: other, ..Service::new(shop()) }, world.ports());
    keep(&changed).await;
    let text = checkpoint(&world).unwrap().as_value()["data"]["judge.json"].to_string();
    assert!(text.contains(r#"\"soak_minutes\":7"#), "{text}");
}

#[tokio::test]
async fn what_is_too_large_is_not_kept_and_asked_for_again() {
    let world = World::new();
    let (_, stable, trial) = on_trial(&world).await;
    // A plain rule keeps every measurement of its window.
    let service = Service { policy: Policy::method(), ..Service::new(shop()) };
    let pipeline = world.pipeline_of(service, world.ports());
    for at in 0..12 {
        for _ in 0..140 {
            record_at(&world, world.clock.now(), &of(Track::Stable, &stable), 0.1 + f64::from(at) / 3e3);
        }
        minute(&world, &stable, &trial, 1.0).await;
    }
    let (judged, events) = told(async |progress| pipeline.judge_and_keep(&shop(), &progress).await).await;
    assert!(judged.unwrap().verdict.metrics.iter().any(|metric| metric.stable_samples > 60_000));
    let said = |event: &Event| matches!(event, Event::Warning { message } if message.contains("900000"));
    assert!(events.iter().any(said) && checkpoint(&world).is_none(), "{events:?}");
}

#[tokio::test]
async fn what_the_metrics_lost_is_said_and_does_not_count_as_time_that_it_ran() {
    let world = World::new();
    let (pipeline, stable, trial) = on_trial(&world).await;
    let soak = i64::from(Service::new(shop()).policy.soak_minutes);
    let mut passed = None;
    for at in 0..soak + 30 {
        minute(&world, &stable, &trial, 1.0).await;
        if at == 7 {
            world.metrics.forget();
            minute(&world, &stable, &trial, 1.0).await;
        }
        let judged = keep(&pipeline).await;
        assert_eq!(judged.verdict.reason.contains("is lost"), at >= 7, "{}", judged.verdict.reason);
        if judged.verdict.decision == Decision::Pass && passed.is_none() {
            passed = Some((at, judged.verdict.reason));
        }
    }
    let (at, reason) = passed.unwrap();
    assert!(at >= soak && reason.contains("what was measured in 4 min between"), "after {at}: {reason}");
}
