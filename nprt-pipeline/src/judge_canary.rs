use std::ops::Range;
use std::time::Duration;

use jiff::Timestamp;
use nprt_compare::report::{Report, ReportBuilder, Version};
use nprt_compare::{Decision, Judge, Policy, Verdict};
use nprt_core::model::{Block, MetricName, Revision, ServiceName, Tag, TimeRange, Track};
use nprt_core::ports::{LeftOut, Lost, Measured, MetricAnswer, MetricQuery, ObjectEvent, Versions};
use nprt_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

use super::Pipeline;
use super::checkpoint::{Checkpoint, Judged};
use super::expire::not_expired;
use super::job::Job;
use super::live::Live;
use super::measured::no_canary;
use super::names::Names;
use super::progress::{Event, Progress};

/// How many of the last minutes to query again each time: a backend may still receive data for them.
const SETTLED: i64 = 2;

/// What the metrics say of the canary that runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
    /// What others have set on stable and the canary does not have ([`Running::drift`](super::Running::drift)): the
    /// verdict is of a version without it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drift: Vec<String>,
    /// What the metrics' answers rest on, one a metric: those that were asked for now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<MetricAnswer>,
}

impl Judgement {
    /// A report of the canary, with this verdict.
    #[must_use]
    pub fn report<'a>(&self, policy: &'a Policy) -> ReportBuilder<'a> {
        let canary = Version { tag: Some(self.tag.to_string()), revision: Some(self.revision.to_string()) };
        Report::builder(self.service.as_str(), policy, self.started)
            .canary(canary)
            .verdict(self.verdict.clone())
            .answers(self.answers.iter().cloned())
    }
}

impl Pipeline {
    /// Compares the canary that runs now with stable, by the service's policy. It changes nothing and needs
    /// no lease; a pass and a regression are left as an event on a workload of stable. It goes on from what was
    /// [kept](Pipeline::judge_and_keep), and asks the metrics for what came since. Measurements that name a version
    /// count only where it is the one that runs: those of an older canary are never judged. What the metrics
    /// [no longer know](nprt_core::ports::MetricsBackend::known_since) is said in the verdict's reason, and does not count
    /// as time that the canary has run.
    ///
    /// # Errors
    /// `NotFound` without a canary; `Conflict` where its time is over; `Invalid` where the canary does not say its version or its start; those
    /// of the cluster and of the metrics: no answer is never a pass.
    pub async fn judge_canary(&self, service: &ServiceName, progress: &Progress) -> Result<Judgement> {
        self.job(service, progress)?.judge().await.map(|(judgement, _)| judgement)
    }
}

/// What the metrics answered.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked {
    /// Of the versions that run, by minute, not by metric: a judge closes the minutes that all of it is past.
    pub(super) blocks: Vec<Block>,
    /// What could not be used, by minute.
    pub(super) left_out: Vec<(MetricName, LeftOut)>,
    /// The metrics that the backend is configured for.
    pub(super) configured: Vec<MetricName>,
    /// What all this rests on.
    pub(super) answers: Vec<MetricAnswer>,
    /// The newest minute that any block was of.
    newest: Option<i64>,
    /// Until when was asked.
    until: Timestamp,
}

/// Stable's past, and what the answers rest on.
#[derive(Debug, Default)]
pub(super) struct Past {
    pub(super) blocks: Vec<Block>,
    pub(super) answers: Vec<MetricAnswer>,
}

/// A judge, and what it has seen.
#[derive(Debug)]
pub(super) struct Standing {
    judge: Judge,
    /// The first minute that it has not seen.
    from: i64,
    /// Whether it is worth keeping before it has seen any of the run: nobody has kept it yet, and stable's past reaches
    /// up to the start.
    knows_past: bool,
}

impl Job<'_> {
    /// The judgement, and what is to be kept of it, where that goes further than what was kept.
    pub(super) async fn judge(&self) -> Result<(Judgement, Option<Checkpoint>)> {
        let live = self.live().await?;
        let canary = live.running(Track::Canary);
        let canary = canary.ok_or_else(|| no_canary("pipeline.judge", &self.service.name))?;
        not_expired(&canary, self.now(), "pipeline.judge")?;
        let canary = Judged::of(canary)?;
        let mut past = Past::default();
        let standing = match self.resumed(&live, &canary) {
            Some(standing) => standing,
            None => {
                past = self.past_of_stable(canary.started, &Names::of(&live)).await?;
                self.beginning(&canary, &past.blocks)?
            }
        };
        let asked =
            self.blocks_since(start_of(standing.from), self.now(), &Names::of(&live), past.answers).await?;
        self.conclude(canary, standing, &asked).await
    }

    /// What a judge says who is shown what was asked for: at least all that it has not seen, which begins with that
    /// minute.
    pub(super) async fn conclude(
        &self,
        canary: Judged,
        Standing { mut judge, from, knows_past }: Standing,
        asked: &Asked,
    ) -> Result<(Judgement, Option<Checkpoint>)> {
        let &Asked { ref answers, ref configured, newest, until: now, .. } = asked;
        self.note_what_is_lost(&mut judge, from, now).await?;
        judge.expect(configured.iter().cloned());
        // What may still change is not kept. A backend may be late by more than that.
        let answered = newest.map_or(from, |newest| newest.saturating_add(1).min(Block::minute_of(now)));
        let until = answered.saturating_sub(SETTLED).max(from);
        self.observe(&mut judge, asked, from..until);
        // The past is kept, too, before anything of the run is: otherwise every judge asks for it again.
        let is_settled = Block::minute_of(now) >= from.saturating_add(SETTLED);
        let is_news = until > from || knows_past && is_settled;
        let kept = is_news.then(|| Checkpoint::new(&canary, judge.policy(), until, judge.state()));
        self.observe(&mut judge, asked, until..i64::MAX);
        let verdict = judge.verdict(now);
        self.tell_verdict(&canary, &verdict).await;
        let Judged { revision, tag, started, drift } = canary;
        let (service, answers) = (self.service.name.clone(), answers.clone());
        Ok((Judgement { service, revision, tag, started, verdict, drift, answers }, kept))
    }

    /// A judge that goes on from what was kept.
    pub(super) fn resumed(&self, live: &Live, canary: &Judged) -> Option<Standing> {
        let kept = self.kept(live, canary)?;
        match Judge::resume(kept.policy, kept.judge) {
            Ok(judge) => Some(Standing { judge, from: kept.until, knows_past: false }),
            Err(error) => {
                self.progress.warn(format!("what was kept of the judge is of no use: {error}"));
                None
            }
        }
    }

    /// One that knows stable's past alone.
    pub(super) fn beginning(&self, canary: &Judged, past: &[Block]) -> Result<Standing> {
        let mut judge = Judge::new(self.service.policy.clone(), canary.started)?;
        past.iter().try_for_each(|block| judge.observe_history(block))?;
        let from = first_minute(canary.started);
        let newest = past.iter().map(|block| block.minute).max();
        let knows_past = newest.is_some_and(|newest| newest >= from.saturating_sub(SETTLED + 1));
        Ok(Standing { judge, from, knows_past })
    }

    /// What the policy calibrates itself on.
    pub(super) async fn past_of_stable(&self, started: Timestamp, names: &Names) -> Result<Past> {
        let policy = &self.service.policy;
        let mut all = Past::default();
        for metric in policy.history_metrics() {
            let range = TimeRange::before(started, policy.history_of(&metric));
            let Some(measured) = self.blocks(&metric, range, names.versions_of_the_past()).await? else {
                continue;
            };
            MetricAnswer::add(&mut all.answers, &metric, &measured);
            all.blocks.extend(measured.blocks.into_iter().filter(|block| block.track == Track::Stable));
        }
        Ok(all)
    }

    /// Asks for all metrics' blocks since then.
    pub(super) async fn blocks_since(
        &self,
        from: Timestamp,
        now: Timestamp,
        names: &Names,
        answers: Vec<MetricAnswer>,
    ) -> Result<Asked> {
        let range = TimeRange::new(from, now.max(from))?;
        let mut all = Asked { answers, until: range.end(), ..Asked::default() };
        for metric in self.service.policy.metrics() {
            let measured = self.blocks(&metric, range, names.versions()).await?;
            let Measured { mut blocks, left_out, .. } = match measured {
                Some(measured) => {
                    MetricAnswer::add(&mut all.answers, &metric, &measured);
                    all.configured.push(metric.clone());
                    measured
                }
                None => Measured::default(),
            };
            let asked = blocks.len();
            all.newest = all.newest.max(blocks.iter().map(|block| block.minute).max());
            blocks.retain(|block| names.hold(block));
            // What has no minute counts for the first that was asked for: once with it, however often it is asked.
            let first = range.complete_minutes(Timestamp::MAX).start;
            let timed = |left_out: LeftOut| LeftOut { minute: left_out.minute.or(Some(first)), ..left_out };
            all.left_out.extend(left_out.into_iter().map(|left_out| (metric.clone(), timed(left_out))));
            self.progress.tell(Event::Measured {
                metric,
                blocks: blocks.len(),
                ignored: asked - blocks.len(),
            });
            all.blocks.append(&mut blocks);
        }
        all.blocks.sort_by_key(|block| block.minute);
        all.left_out.sort_by_key(|(_, left_out)| left_out.minute);
        Ok(all)
    }

    /// What the metrics no longer know of the minutes from this one on. They are asked after the blocks: what is lost
    /// between the two is known then.
    async fn note_what_is_lost(&self, judge: &mut Judge, from: i64, now: Timestamp) -> Result<()> {
        let from = start_of(from);
        if let Some(since) = self.ports.metrics.known_since().await?.filter(|since| *since > from) {
            judge.observe_lost(TimeRange::new(from, since)?);
        }
        let metrics = self.service.policy.metrics();
        let lost = self.ports.metrics.lost(&self.service.name, TimeRange::new(from, now.max(from))?).await?;
        for Lost { minutes, metric, lines } in lost {
            if metric.is_some_and(|metric| !metrics.contains(&metric)) {
                continue;
            }
            judge.observe_lost(TimeRange::new(
                start_of(minutes.start),
                start_of(minutes.end.max(minutes.start)),
            )?);
            if lines > 0 {
                judge.observe_refused(minutes.start, lines);
            }
        }
        Ok(())
    }

    /// Shows a judge what came of these minutes.
    fn observe(&self, judge: &mut Judge, asked: &Asked, minutes: Range<i64>) {
        let is_of =
            |(_, left_out): &&(MetricName, LeftOut)| left_out.minute.is_some_and(|at| minutes.contains(&at));
        for (metric, left_out) in asked.left_out.iter().filter(is_of) {
            judge.observe_left_out(metric, left_out);
        }
        for block in asked.blocks.iter().filter(|block| minutes.contains(&block.minute)) {
            if let Err(error) = judge.observe(block) {
                // The judge keeps the rule from passing; it may still find a regression.
                self.progress.warn(error.to_string());
            }
        }
    }

    async fn tell_verdict(&self, canary: &Judged, verdict: &Verdict) {
        let (decision, reason) = (verdict.decision.clone(), verdict.reason.clone());
        self.progress.tell(Event::Judged { decision, reason });
        let Judged { tag, revision, .. } = canary;
        let note =
            format!("the canary {tag} ({}): {}: {}", revision.short(), verdict.decision, verdict.reason);
        let event = match verdict.decision {
            Decision::Pass => ObjectEvent::normal("CanaryPassed", &note),
            Decision::Regression => ObjectEvent::warning("CanaryRegressed", &note),
            Decision::Inconclusive { .. } => return,
        };
        self.record_event(event).await;
    }

    /// What was measured of a metric; `None` of one that the backend is not configured for, where the policy can do
    /// without. Any other error is no answer.
    async fn blocks(
        &self,
        metric: &MetricName,
        range: TimeRange,
        versions: Versions,
    ) -> Result<Option<Measured>> {
        let can_do_without = self.service.policy.can_do_without(metric);
        let query =
            MetricQuery { service: self.service.name.clone(), metric: metric.clone(), range, versions };
        match self.ports.metrics.blocks(&query).await {
            Err(error) if error.is_not_configured() && can_do_without => Ok(None),
            // To whoever judges, `NotFound` is that there is no canary.
            Err(error) if error.is_not_found() => {
                let message = "the metrics backend did not find what it is configured for";
                let lost = Error::new(ErrorKind::Unexpected, "pipeline.judge", message);
                Err(lost.with("metric", metric).with_source(error))
            }
            answer => {
                let mut measured = answer?.bounded();
                measured.blocks = measured.blocks.into_iter().map(Block::with_shown_names).collect();
                Ok(Some(measured))
            }
        }
    }
}

/// The first minute that began after `started`.
fn first_minute(started: Timestamp) -> i64 {
    TimeRange::before(started, Duration::ZERO).complete_minutes(started).start
}

fn start_of(minute: i64) -> Timestamp {
    Timestamp::from_second(minute.saturating_mul(60)).unwrap_or(Timestamp::MAX)
}
