//! What is not measured passes no canary, and one bad point costs itself alone.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use nprt_compare::{Decision, Policy};
use nprt_core::model::{Block, ServiceName, TimeRange, Track};
use nprt_core::ports::{
    Clock, LeftOutReason, Lost, Measured, MetricQuery, MetricsBackend, MetricsCapabilities,
};
use nprt_core::{Error, ErrorKind, Result};
use nprt_pipeline::{Judgement, Pipeline, PipelineSettings, Ports, Progress, Service};

use crate::judge::{of, on_trial, record};
use crate::world::{World, shop};

/// The metrics of a world, which answer the question for one metric in their own way.
#[derive(Debug)]
struct Answering {
    metrics: Arc<dyn MetricsBackend>,
    metric: &'static str,
    answer: Answer,
}

#[derive(Debug, Clone, Copy)]
enum Answer {
    Failure(ErrorKind),
    Nothing,
    /// Stable's past alone.
    NothingSince(Timestamp),
}

#[async_trait]
impl MetricsBackend for Answering {
    fn capabilities(&self) -> MetricsCapabilities {
        MetricsCapabilities { metrics: None, ..self.metrics.capabilities() }
    }
    async fn blocks(&self, query: &MetricQuery) -> Result<Measured> {
        let mut measured = self.metrics.blocks(query).await?;
        if query.metric.as_str() == self.metric {
            match self.answer {
                Answer::Failure(kind) => return Err(Error::new(kind, "test.blocks", "404 page not found")),
                Answer::Nothing => measured.blocks.clear(),
                Answer::NothingSince(at) => {
                    measured.blocks.retain(|block| block.minute < Block::minute_of(at));
                }
            }
        }
        Ok(measured)
    }
    async fn known_since(&self) -> Result<Option<Timestamp>> {
        self.metrics.known_since().await
    }
    async fn lost(&self, service: &ServiceName, range: TimeRange) -> Result<Vec<Lost>> {
        self.metrics.lost(service, range).await
    }
}

/// What is said of a canary as good as stable after an hour, where one metric is answered so.
async fn judged(metric: &'static str, answer: impl Fn(&World) -> Answer) -> Result<Judgement> {
    let world = World::new();
    let (_, stable, trial) = on_trial(&world).await;
    record(&world, &of(Track::Stable, &stable), &of(Track::Canary, &trial), 1.0);
    let metrics = Answering { metrics: world.ports().metrics, metric, answer: answer(&world) };
    world.wait(3600).await;
    let pipeline = world.pipeline_over(Ports { metrics: Arc::new(metrics), ..world.ports() });
    pipeline.judge_canary(&shop(), &Progress::silent()).await
}

#[tokio::test]
async fn only_a_metric_that_is_not_configured_is_left_out() {
    for metric in ["latency", "requests", "errors", "cpu", "memory"] {
        for kind in [ErrorKind::NotFound, ErrorKind::Unavailable, ErrorKind::Unexpected, ErrorKind::Forbidden]
        {
            let error = judged(metric, |_| Answer::Failure(kind)).await.unwrap_err();
            // That there is no canary is something else.
            let expected = if kind == ErrorKind::NotFound { ErrorKind::Unexpected } else { kind };
            assert_eq!(error.kind(), expected, "{metric}: {error}");
        }
    }
    for metric in ["latency", "cpu"] {
        let lacks = judged(metric, |_| Answer::Failure(ErrorKind::NotConfigured)).await.unwrap().verdict;
        assert_eq!(lacks.decision, Decision::Pass, "{}", lacks.reason);
        assert!(lacks.reason.contains(&format!("not measured: {metric}")), "{}", lacks.reason);
    }
}

#[tokio::test]
async fn what_is_configured_must_be_measured_on_both_tracks() {
    for metric in ["latency", "requests", "cpu", "memory"] {
        let empty = judged(metric, |_| Answer::Nothing).await.unwrap().verdict;
        assert!(matches!(empty.decision, Decision::Inconclusive { .. }), "{metric}: {}", empty.reason);
        assert!(
            empty.reason.contains(&format!("{metric}: not measured on either track")),
            "{}",
            empty.reason
        );
    }
    // Where none fails there is no class of errors.
    assert_eq!(judged("errors", |_| Answer::Nothing).await.unwrap().verdict.decision, Decision::Pass);
    let half = judged("cpu", |world| Answer::NothingSince(world.clock.now() + SignedDuration::from_mins(5)));
    assert!(matches!(half.await.unwrap().verdict.decision, Decision::Inconclusive { .. }));
}

#[tokio::test]
async fn a_rule_on_a_metric_that_the_backend_lacks_is_refused() {
    let world = World::new();
    let with = |rule: &str| {
        let policy =
            Policy::read(format!("{{soak_minutes: 5, rules: [{{rule: failures}}, {rule}]}}")).unwrap();
        let pipeline = Pipeline::new("tests", world.clock.clone(), PipelineSettings::default()).unwrap();
        pipeline.with_service(Service { policy, ..Service::new(shop()) }, world.ports()).map(drop)
    };
    for rule in [
        "{rule: measurements, metric: latncy}",
        "{rule: growth, metric: heap}",
        "{rule: events, metric: panics}",
        "{rule: percentile, metric: latncy, percentile: 95, margin: {relative: 0.1}}",
    ] {
        let error = with(rule).unwrap_err().to_string();
        assert!(error.contains("rules: 1") && error.contains("available: cpu, errors, latency"), "{error}");
    }
    with("{rule: measurements, metric: disk, required: false}").unwrap();
    with("{rule: measurements, metric: latency}").unwrap();
}

/// The last judgement of an hour in which so many of the canary's minutes were NaN, and that of a judge that was not
/// interrupted.
async fn with_left_out(minutes: i64, factor: f64) -> [Judgement; 2] {
    let world = World::new();
    let (_, stable, trial) = on_trial(&world).await;
    let begin = world.clock.now();
    record(&world, &of(Track::Stable, &stable), &of(Track::Canary, &trial), factor);
    for minute in 0..minutes {
        let at = begin + SignedDuration::from_mins(10 + minute);
        for track in [Track::Stable, Track::Canary] {
            world
                .metrics
                .leave_out(&shop(), "requests", at, Some(track), (LeftOutReason::NotANumber, 1))
                .unwrap();
        }
    }
    let mut last = None;
    for _ in 0..12 {
        world.wait(300).await;
        // Each knows what the one before kept.
        last = Some(world.pipeline().judge_and_keep(&shop(), &Progress::silent()).await.unwrap());
    }
    let fresh = world.pipeline().measure_canary(&shop(), &Progress::silent()).await.unwrap();
    let report = fresh.report().unwrap();
    assert_eq!(report.answers.iter().filter(|answer| answer.metric.as_str() == "requests").count(), 1);
    let last = last.unwrap();
    [last.clone(), Judgement { verdict: report.verdict.unwrap(), ..last }]
}

#[tokio::test]
async fn a_few_bad_points_cost_themselves_and_are_counted() {
    for (factor, expected) in [(1.0, "pass"), (1.5, "regression")] {
        for Judgement { verdict, answers, .. } in with_left_out(3, factor).await {
            assert_eq!(verdict.decision.as_str(), expected, "{}", verdict.reason);
            assert!(
                verdict.reason.contains("3 of 60 minutes of `requests` left out: NaN"),
                "{}",
                verdict.reason
            );
            let left_out = &verdict.left_out[0];
            assert_eq!((left_out.minutes, left_out.points, left_out.of_minutes), (3, 6, 60), "{left_out:?}");
            let answer = answers.iter().find(|answer| answer.metric.as_str() == "requests").unwrap();
            assert!(answer.evidence.points > 0 && answer.evidence.resolution.as_secs() == 60, "{answer:?}");
        }
    }
}

#[tokio::test]
async fn more_bad_points_than_the_policy_allows_are_no_ground_for_anything() {
    for Judgement { verdict, .. } in with_left_out(20, 1.0).await {
        assert!(matches!(verdict.decision, Decision::Inconclusive { .. }), "{}", verdict.reason);
        assert!(
            verdict.reason.contains(" % of its points are left out, and max_left_out allows 10 %"),
            "{}",
            verdict.reason
        );
    }
    // Another metric decides all the same.
    for Judgement { verdict, .. } in with_left_out(20, 1.5).await {
        assert_eq!(verdict.decision, Decision::Regression, "{}", verdict.reason);
    }
}
