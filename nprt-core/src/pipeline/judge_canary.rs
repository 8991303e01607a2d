use jiff::Timestamp;
use serde::Serialize;

use super::Pipeline;
use super::expire::not_expired;
use super::job::Job;
use super::live::Running;
use super::progress::{Event, Progress};
use crate::compare::{Decision, Judge, Verdict};
use crate::model::{
    Block, MetricName, Object, Revision, ServiceName, Tag, TimeRange, Track, annotation, label,
};
use crate::ports::{MetricQuery, ObjectEvent};
use crate::{Error, ErrorKind, Result};

/// What the metrics say of the canary that runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judgement {
    /// The service.
    pub service: ServiceName,
    /// The canary's revision.
    pub revision: Revision,
    /// The canary's tag.
    pub tag: Tag,
    /// Since when it runs.
    pub started: Timestamp,
    /// The verdict.
    pub verdict: Verdict,
}

impl Pipeline {
    /// Compares the canary that runs now with stable, by the service's policy. It changes nothing and needs
    /// no lease; a pass and a regression are left as an event on a workload of stable. Measurements that name a version count only where it is the one that runs: those of an
    /// older canary are never judged.
    ///
    /// # Errors
    /// `NotFound` without a canary; `Conflict` where its time is over; `Invalid` where the canary does not say its version or its start; those
    /// of the cluster and of the metrics: no answer is never a pass.
    pub async fn judge_canary(&self, service: &ServiceName, progress: &Progress) -> Result<Judgement> {
        self.job(service, progress)?.judge().await
    }
}

impl Job<'_> {
    async fn judge(&self) -> Result<Judgement> {
        let live = self.live().await?;
        let canary = live.running(Track::Canary).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "pipeline.judge", "there is no canary")
                .with("service", &self.service.name)
        })?;
        not_expired(&canary, self.clock.now(), "pipeline.judge")?;
        let (revision, tag, started) = identity(canary)?;
        let names = Names { canary: names(live.on(Track::Canary)), stable: names(live.on(Track::Stable)) };
        let mut judge = Judge::new(self.service.policy.clone(), started)?;
        for metric in self.service.policy.history_metrics() {
            let past = TimeRange::before(started, self.service.policy.history_of(&metric));
            let blocks = self.blocks(metric, past).await?;
            for block in blocks.iter().filter(|block| block.track == Track::Stable) {
                judge.observe_history(block)?;
            }
        }
        let now = self.clock.now();
        let trial = TimeRange::new(started, now.max(started))?;
        // By minute, not by metric: a judge closes the minutes that all of it is past.
        let mut all = Vec::new();
        for metric in self.service.policy.metrics() {
            let mut blocks = self.blocks(metric.clone(), trial).await?;
            let asked = blocks.len();
            blocks.retain(|block| names.hold(block));
            self.progress.tell(Event::Measured {
                metric,
                blocks: blocks.len(),
                ignored: asked - blocks.len(),
            });
            all.append(&mut blocks);
        }
        all.sort_by_key(|block| block.minute);
        for block in &all {
            if let Err(error) = judge.observe(block) {
                // The judge keeps the rule from passing; it may still find a regression.
                self.progress.warn(error.to_string());
            }
        }
        let verdict = judge.verdict(now);
        let (decision, reason) = (verdict.decision.clone(), verdict.reason.clone());
        self.progress.tell(Event::Judged { decision, reason });
        let note =
            format!("the canary {tag} ({}): {}: {}", revision.short(), verdict.decision, verdict.reason);
        match verdict.decision {
            Decision::Pass => self.record_event(ObjectEvent::normal("CanaryPassed", &note)).await,
            Decision::Regression => self.record_event(ObjectEvent::warning("CanaryRegressed", &note)).await,
            Decision::Inconclusive { .. } => {}
        }
        Ok(Judgement { service: self.service.name.clone(), revision, tag, started, verdict })
    }

    /// The blocks of a metric; none of one that the backend does not have, where the policy can do without.
    async fn blocks(&self, metric: MetricName, range: TimeRange) -> Result<Vec<Block>> {
        let can_do_without = self.service.policy.can_do_without(&metric);
        let query = MetricQuery { service: self.service.name.clone(), metric, range };
        match self.ports.metrics.blocks(&query).await {
            Err(error) if error.is_not_found() && can_do_without => Ok(Vec::new()),
            answer => answer,
        }
    }
}

fn identity(canary: Running) -> Result<(Revision, Tag, Timestamp)> {
    let missing = |annotation| {
        Error::invalid("pipeline.judge", "the canary's objects do not agree on this annotation, or lack it")
            .with("annotation", annotation)
    };
    let revision = canary.revision.ok_or_else(|| missing(annotation::REVISION))?;
    let tag = canary.tag.ok_or_else(|| missing(annotation::TAG))?;
    Ok((revision, tag, canary.started.ok_or_else(|| missing(annotation::STARTED))?))
}

/// What the measurements of each track may call its version.
struct Names {
    canary: Vec<String>,
    stable: Vec<String>,
}

impl Names {
    /// Whether the block is of a version that runs, or does not say.
    fn hold(&self, block: &Block) -> bool {
        let names = match block.track {
            Track::Canary => &self.canary,
            Track::Stable => &self.stable,
        };
        block.version.as_ref().is_none_or(|version| names.contains(version))
    }
}

/// A version is called by its tag, the label of it or its revision.
fn names<'a>(objects: impl Iterator<Item = &'a Object>) -> Vec<String> {
    let of = |object: &'a Object| {
        let annotations = [annotation::TAG, annotation::REVISION].map(|key| object.annotation(key));
        annotations.into_iter().chain([object.label(label::VERSION)]).flatten()
    };
    objects.flat_map(of).map(str::to_owned).collect()
}
