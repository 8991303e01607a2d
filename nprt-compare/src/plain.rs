use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use nprt_core::model::{Block, MetricName, TimeRange, Track};
use nprt_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::assess::{self, Failures, Span};
use super::gather::{Distributions, mixed_versions, silent, tally, unreadable};
use super::policy::Role;
use super::series::{Series, SeriesState, check_as};
use super::{ErrorsRule, MetricVerdict, PercentileRule, Policy, Rule};

/// Judges by the plain rules of the method, those on percentiles and errors: it keeps the blocks of as many minutes
/// as the window has, and of requests and errors on stable as many more as the history has.
#[derive(Debug, Clone)]
pub(super) struct Plain {
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

/// What plain rules keep, written down: of each metric the window and stable's record.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PlainState {
    metrics: BTreeMap<MetricName, [SeriesState; 2]>,
}

impl Plain {
    /// Of a policy that is valid.
    pub(super) fn new(policy: &Policy, started: Timestamp) -> Self {
        let roles = policy.rules.iter().filter(|rule| is_plain(rule)).flat_map(Rule::roles);
        let metrics = roles.map(|(metric, role)| {
            let window = Series::new(policy.window_minutes);
            let record = Series::new(policy.history_minutes + policy.window_minutes);
            (metric, Metric { role, window, record })
        });
        Self { metrics: metrics.collect(), policy: policy.clone(), started, nothing: Series::new(0) }
    }

    /// Takes a valid block of stable's past; of measurements it has no use.
    pub(super) fn observe_history(&mut self, block: &Block) -> Result<()> {
        let Some(metric) = self.metrics.get_mut(&block.metric) else { return Ok(()) };
        if metric.role == Role::Distribution {
            return Ok(());
        }
        check_as(metric.role, &block.data).and_then(|()| metric.record.insert(block))
    }

    /// Takes a block of the run.
    pub(super) fn observe(&mut self, block: &Block) -> Result<()> {
        let Some(metric) = self.metrics.get_mut(&block.metric) else { return Ok(()) };
        metric.observe(block)
    }

    /// All that it keeps.
    pub(super) fn state(&self) -> PlainState {
        let state = |(name, metric): (&MetricName, &Metric)| {
            (name.clone(), [metric.window.state(name), metric.record.state(name)])
        };
        PlainState { metrics: self.metrics.iter().map(state).collect() }
    }

    /// Goes on from what another of the same policy kept.
    pub(super) fn resume(&mut self, state: PlainState) -> Result<()> {
        for (name, [window, record]) in state.metrics {
            let Some(metric) = self.metrics.get_mut(&name) else {
                let error = Error::invalid("judge.resume", "this state is of another policy");
                return Err(error.with("metric", name));
            };
            metric.window.resume(window)?;
            metric.record.resume(record)?;
        }
        Ok(())
    }

    /// The time that is judged at `now`: the window, as far as the canary has run.
    pub(super) fn range(&self, now: Timestamp) -> TimeRange {
        let earliest = TimeRange::before(now, self.policy.window()).start();
        TimeRange::new(earliest.max(self.started), now).unwrap_or(TimeRange::before(now, Duration::ZERO))
    }

    /// The verdict of each plain rule, in the policy's order.
    pub(super) fn verdicts(&self, range: TimeRange) -> Vec<MetricVerdict> {
        let span = Span {
            minutes: range.length().as_secs_f64() / 60.0,
            longest: u64::from(self.policy.window_minutes),
        };
        let mut gathered = BTreeMap::new();
        let verdicts = self.policy.rules.iter().filter_map(|rule| match rule {
            Rule::Percentile(rule) => Some(self.percentile(rule, &mut gathered, range, span)),
            Rule::Errors(rule) => Some(self.errors(rule, range, span)),
            _ => None,
        });
        verdicts.collect()
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
        let history = TimeRange::before(self.started, self.policy.error_history()).start();
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
}

fn is_plain(rule: &Rule) -> bool {
    matches!(rule, Rule::Percentile(_) | Rule::Errors(_))
}

impl Metric {
    fn observe(&mut self, block: &Block) -> Result<()> {
        if let Err(error) = check_as(self.role, &block.data) {
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
