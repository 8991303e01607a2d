//! What a report is made of, while a canary runs and after it ended.

use jiff::SignedDuration;
use nprt_compare::Decision;
use nprt_compare::report::{EventKind, Report};
use nprt_core::model::{Object, ObjectId, Track};
use nprt_core::ports::Clock;
use nprt_pipeline::{Caller, Event, Pipeline, Progress, Service};
use serde_json::json;

use crate::judge::{of, on_trial, record};
use crate::world::{World, caller, promote, shop, tag, told};

async fn report(pipeline: &Pipeline) -> Report {
    pipeline.measure_canary(&shop(), &Progress::silent()).await.unwrap().report().unwrap()
}

fn kinds(report: &Report) -> Vec<EventKind> {
    report.events.iter().map(|event| event.kind).collect()
}

#[tokio::test]
async fn it_says_of_a_canary_that_runs_what_the_judge_says() {
    let world = World::new();
    let (pipeline, stable, trial) = on_trial(&world).await;
    let none = pipeline.measure_canary(&shop(), &Progress::silent()).await.unwrap();
    assert_eq!(none.ended(), None);
    record(&world, &of(Track::Stable, &stable), &of(Track::Canary, &trial), 1.5);
    world.wait(3600).await;
    let judged = pipeline.judge_canary(&shop(), &Progress::silent()).await.unwrap();
    let (measured, events) = told(async |progress| pipeline.measure_canary(&shop(), &progress).await).await;
    let asked = events.iter().filter(|event| matches!(event, Event::Measured { .. })).count();
    let metrics = Service::new(shop()).policy.metrics().len();
    assert_eq!(asked, metrics, "once, to judge and to show it");
    let report = measured.unwrap().report().unwrap();
    assert_eq!((report.service.as_str(), report.started), ("shop", judged.started));
    assert_eq!(report.canary.tag, Some(tag(&trial).to_string()));
    assert_eq!(report.stable.revision, Some(stable.to_string()));
    let verdict = report.verdict.as_ref().unwrap();
    assert_eq!((&verdict.decision, &verdict.metrics), (&Decision::Regression, &judged.verdict.metrics));
    assert_eq!(kinds(&report), [EventKind::CanaryStarted, EventKind::CanaryRegressed]);
    assert_eq!(report.events[0].text, format!("by {}", caller().name()));
    let latency = &report.metrics[0].curves[0];
    assert!(latency.stable.iter().flatten().count() >= 59, "{:?}", latency.stable);
}

#[tokio::test]
async fn whoever_asks_after_the_end_gets_the_report_of_what_ended_last() {
    let world = World::new();
    let missing = world.pipeline().measure_canary(&shop(), &Progress::silent()).await.unwrap_err();
    assert!(missing.is_not_found(), "{missing}");
    let (pipeline, stable, trial) = on_trial(&world).await;
    record(&world, &of(Track::Stable, &stable), &of(Track::Canary, &trial), 1.5);
    world.wait(1800).await;
    let why = Caller::new("autopilot", "latency is higher").unwrap();
    pipeline.rollback(&shop(), &why, &Progress::silent()).await.unwrap();
    let ended = world.clock.now();
    world.wait(1800).await;

    // Another process: what it knows is in the cluster, and the figures are the backend's.
    let other = world.pipeline();
    let past = report(&other).await;
    assert_eq!(past.canary.tag, Some(tag(&trial).to_string()));
    assert_eq!(past.stable.tag, Some(tag(&stable).to_string()));
    let last = past.events.last().unwrap();
    assert_eq!((last.kind, last.text.as_str()), (EventKind::RolledBack, "by autopilot: latency is higher"));
    assert!(ended.duration_since(last.at).abs() < SignedDuration::from_secs(60), "{last:?}");
    assert!(kinds(&past).contains(&EventKind::CanaryRegressed), "{:?}", past.events);
    // Nothing of what came after its end.
    assert!((30..=32).contains(&past.axis.len()), "{:?}", past.axis);
    assert!(!past.metrics.is_empty());
    // No longer a canary that runs: nobody is told a verdict on it.
    assert!(other.judge_canary(&shop(), &Progress::silent()).await.unwrap_err().is_not_found());

    // The next one takes its place, and says how it ended.
    let good = world.version(3);
    crate::world::canary(&other, &good).await.unwrap();
    assert_eq!(report(&other).await.canary.tag, Some(tag(&good).to_string()));
    promote(&other, &good).await.unwrap();
    let promoted = report(&other).await;
    assert_eq!(promoted.events.last().map(|event| event.kind), Some(EventKind::Promoted));
    assert_eq!(promoted.stable.tag, Some(tag(&stable).to_string()), "beside which it was tried");
}

#[tokio::test]
async fn a_record_that_somebody_damaged_is_named() {
    let world = World::new();
    let (pipeline, _, _) = on_trial(&world).await;
    pipeline.rollback(&shop(), &caller(), &Progress::silent()).await.unwrap();
    let id = ObjectId {
        api_version: "v1".to_owned(),
        kind: "ConfigMap".to_owned(),
        namespace: None,
        name: "nprt-last-canary-shop".to_owned(),
    };
    assert!(world.cluster.objects().iter().any(|object| object.name() == id.name));
    let damage = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": id.name},
        "data": {"canary": "{}"}});
    world.cluster.apply_as("somebody", &Object::new(damage).unwrap()).unwrap();
    let error = pipeline.measure_canary(&shop(), &Progress::silent()).await.unwrap_err();
    assert!(error.to_string().contains("ConfigMap/nprt-last-canary-shop"), "{error}");
}
