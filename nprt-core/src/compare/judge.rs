use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::assess::{self, Failures, Span};
use super::evidence::{Distributions, mixed_versions, silent, tally, unreadable};
use super::figure::figure;
use super::policy::Role;
use super::series::{Series, check};
use super::{Decision, ErrorsRule, MetricVerdict, Needed, PercentileRule, Policy, Rule, Verdict};
use crate::model::{Block, MetricName, TimeRange, Track};
use crate::{Error, Result};

/// Judges one canary: it is shown blocks as they come and says at any time what they amount to.
///
/// # What it does with
/// - **a block of a metric that no rule reads, or from before `started`**: leaves it out;
/// - **late blocks and any order**: the same verdict as in order, as long as the minute still lies in the
///   window;
/// - **the same block again**: counts once. One with the same minute, track, version, pod, route and metric
///   but other data: `Conflict`, the first stays;
/// - **what cannot be read** (NaN, infinite or negative measurements, a histogram with a wrong number of
///   counts or edges that do not ascend, more errors than requests, a form that the rule cannot read):
///   `Invalid`. After either error the metric's rules can still find a regression, but do not pass while
///   that minute lies in the window;
/// - **forms or edges that differ** between the blocks of a metric, or several versions on the canary's
///   track: inconclusive;
/// - **no blocks, or too few on a track**: inconclusive;
/// - **a track that fell silent**, with nothing measured in the last quarter of the window, and in the last
///   five minutes at least: no pass, since what came before does not say how it is now.
///
/// Its memory is bounded by the policy: it keeps the blocks of as many minutes as the window has, and of
/// requests and errors on stable as many more as the history has.
#[derive(Debug, Clone)]
pub struct Judge {
    policy: Policy,
    started: Timestamp,
    metrics: BTreeMap<MetricName, Metric>,
    /// Nothing: what is known of a metric that is not kept.
    nothing: Series,
}

/// What is kept of a metric.
#[derive(Debug, Clone)]
struct Metric {
    role: Role,
    /// Both tracks since the canary started.
    window: Series,
    /// Stable alone, before and beside the canary; only of counts.
    record: Series,
}

impl Judge {
    /// Judges the canary that was started then.
    ///
    /// # Errors
    /// `Invalid` when the policy makes no sense; see [`Policy::validate`].
    pub fn new(policy: Policy, started: Timestamp) -> Result<Self> {
        policy.validate()?;
        let metrics = policy.roles().map(|(metric, role)| {
            let window = Series::new(policy.window_minutes);
            let record = Series::new(policy.history_minutes + policy.window_minutes);
            (metric.clone(), Metric { role, window, record })
        });
        Ok(Self { metrics: metrics.collect(), policy, started, nothing: Series::new(0) })
    }

    /// What is demanded.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Takes a block of stable's past, from before the canary started. Only requests and errors have a use
    /// for it ([`Policy::history_metrics`]); others are left out, and what is older than
    /// [`Policy::history`] does not count.
    ///
    /// # Errors
    /// `Invalid` for a block of the canary, one from after its start, or one that cannot be read;
    /// `Conflict` for a second block of the same key with other data.
    pub fn observe_history(&mut self, block: &Block) -> Result<()> {
        let about = |error| describe(error, block);
        if block.track == Track::Canary {
            return Err(about(Error::invalid(
                "judge.observe_history",
                "the past is stable's, and this is the canary's",
            )));
        }
        if !self.is_before(block) {
            let message = "this minute began after the canary started; it belongs to `observe`";
            return Err(about(Error::invalid("judge.observe_history", message)));
        }
        let Some(metric) = self.metrics.get_mut(&block.metric) else { return Ok(()) };
        if metric.role == Role::Distribution {
            return Ok(());
        }
        metric.check(block).and_then(|()| metric.record.insert(block)).map_err(about)
    }

    /// Takes a block of either track since the canary started.
    ///
    /// # Errors
    /// `Invalid` for a block that cannot be read; `Conflict` for a second block of the same key with other
    /// data. Either keeps the metric's rules from passing while the minute lies in the window.
    pub fn observe(&mut self, block: &Block) -> Result<()> {
        if self.is_before(block) {
            return Ok(());
        }
        let Some(metric) = self.metrics.get_mut(&block.metric) else { return Ok(()) };
        metric.observe(block).map_err(|error| describe(error, block))
    }

    /// What the blocks so far amount to at this time. Blocks of minutes that are not over yet do not count.
    #[must_use]
    pub fn verdict(&self, now: Timestamp) -> Verdict {
        let earliest = TimeRange::before(now, self.policy.window()).start();
        let range =
            TimeRange::new(earliest.max(self.started), now).unwrap_or(TimeRange::before(now, Duration::ZERO));
        let span = Span {
            minutes: range.length().as_secs_f64() / 60.0,
            longest: u64::from(self.policy.window_minutes),
        };
        let mut gathered = BTreeMap::new();
        let metrics: Vec<MetricVerdict> = self
            .policy
            .rules
            .iter()
            .map(|rule| match rule {
                Rule::Percentile(rule) => self.percentile(rule, &mut gathered, range, span),
                Rule::Errors(rule) => self.errors(rule, range, span),
            })
            .collect();
        let (decision, reason) = self.conclude(&metrics, now);
        Verdict { decision, reason, metrics, range }
    }

    fn percentile<'a>(
        &'a self,
        rule: &'a PercentileRule,
        gathered: &mut BTreeMap<&'a MetricName, Distributions>,
        range: TimeRange,
        span: Span,
    ) -> MetricVerdict {
        let window = self.window(&rule.metric);
        let found = gathered.entry(&rule.metric).or_insert_with(|| Distributions::gather(window, range));
        assess::percentile(rule, found, span)
    }

    fn errors(&self, rule: &ErrorsRule, range: TimeRange, span: Span) -> MetricVerdict {
        let (classes, requests) = (self.window(&rule.metric), self.window(&rule.requests));
        let history = TimeRange::before(self.started, self.policy.history()).start();
        let past = TimeRange::new(history, range.end()).unwrap_or(range);
        let found = Failures {
            canary: tally(classes, requests, Track::Canary, range),
            stable: tally(classes, requests, Track::Stable, range),
            record: tally(self.record(&rule.metric), self.record(&rule.requests), Track::Stable, past),
            flaw: mixed_versions(classes, range).or_else(|| mixed_versions(requests, range)),
            doubt: unreadable(classes, range)
                .or_else(|| unreadable(requests, range))
                .or_else(|| silent(requests, range)),
        };
        assess::errors(rule, &found, span)
    }

    fn window(&self, metric: &MetricName) -> &Series {
        self.metrics.get(metric).map_or(&self.nothing, |metric| &metric.window)
    }

    fn record(&self, metric: &MetricName) -> &Series {
        self.metrics.get(metric).map_or(&self.nothing, |metric| &metric.record)
    }

    /// One broken rule decides; a pass needs all of them and the soak.
    fn conclude(&self, metrics: &[MetricVerdict], now: Timestamp) -> (Decision, String) {
        let broken: Vec<_> =
            metrics.iter().filter(|metric| metric.decision == Decision::Regression).collect();
        if let Some(first) = broken.first() {
            let more = match broken.len() - 1 {
                0 => String::new(),
                more => format!(" (and {more} more of {} rules broken)", metrics.len()),
            };
            return (Decision::Regression, format!("{}{more}", first.reason));
        }
        let needs = metrics.iter().filter_map(|metric| match metric.decision {
            Decision::Inconclusive { needed } => Some((needed, &metric.reason)),
            Decision::Pass | Decision::Regression => None,
        });
        let run = u64::try_from(now.duration_since(self.started).as_secs()).unwrap_or(0);
        let soak = self.policy.soak().as_secs();
        let soak_left = Needed { minutes: Some(soak.saturating_sub(run).div_ceil(60)), ..Needed::default() };
        let needed = needs.clone().fold(soak_left, |sum, (needed, _)| sum.max(needed));
        if let Some((_, reason)) = needs.clone().next() {
            return (Decision::Inconclusive { needed }, reason.clone());
        }
        if run < soak {
            let reason = format!(
                "every rule holds so far, but the canary has run for {} of the {} min that it must",
                run / 60,
                soak / 60
            );
            return (Decision::Inconclusive { needed }, reason);
        }
        (
            Decision::Pass,
            format!("every rule holds: {}", metrics.iter().map(brief).collect::<Vec<_>>().join(", ")),
        )
    }

    fn is_before(&self, block: &Block) -> bool {
        Timestamp::from_second(seconds(block.minute)).map_or(block.minute < 0, |start| start < self.started)
    }
}

impl Metric {
    fn check(&self, block: &Block) -> Result<()> {
        let shape = block.data.shape();
        if !self.role.shapes().contains(&shape) {
            let shapes = self.role.shapes().iter().map(|shape| format!("{shape:?}"));
            let message = format!("blocks of the form {shape:?} are not what the rule on this metric reads");
            return Err(Error::invalid("judge.observe", message).with_available(shapes));
        }
        check(&block.data)
    }

    fn observe(&mut self, block: &Block) -> Result<()> {
        if let Err(error) = self.check(block) {
            self.window.reject(block.minute);
            return Err(error);
        }
        self.window.insert(block)?;
        if block.track == Track::Stable && self.role != Role::Distribution {
            self.record.insert(block)?;
        }
        Ok(())
    }
}

/// `latency p95 over 60 min (112 ms of at most 121 ms)`
fn brief(verdict: &MetricVerdict) -> String {
    let MetricVerdict { metric, statistic, canary, limit, .. } = verdict;
    let figures = match canary.zip(*limit) {
        Some((canary, limit)) => format!("{} of at most {}", figure(metric, canary), figure(metric, limit)),
        None => "none".to_owned(),
    };
    format!("{metric} {statistic} ({figures})")
}

fn seconds(minute: i64) -> i64 {
    minute.saturating_mul(60)
}

fn describe(error: Error, block: &Block) -> Error {
    let error = error.with("metric", &block.metric).with("track", block.track).with("minute", block.minute);
    match &block.pod {
        Some(pod) => error.with("pod", pod),
        None => error,
    }
}
