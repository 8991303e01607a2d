use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Margin, Percentile};
use crate::model::{BlockShape, MetricName};
use crate::{Error, Result};

const LONGEST_WINDOW: u32 = 7 * 24 * 60;
const LONGEST_HISTORY: u32 = 31 * 24 * 60;

/// What a service demands of a canary. Plain data, as it stands in a configuration file; [`Judge::new`]
/// validates it, [`Policy::validate`] does so earlier.
///
/// ```
/// use nprt_core::compare::Policy;
/// let policy: Policy = serde_json::from_str(
///     r#"{
///         "window_minutes": 120,
///         "soak_minutes": 30,
///         "history_minutes": 1440,
///         "rules": [
///             {"rule": "percentile", "metric": "latency", "percentile": 99,
///              "margin": {"relative": 0.2, "absolute": 0.010}, "min_samples": 1000},
///             {"rule": "errors", "min_requests": 500}
///         ]
///     }"#,
/// )?;
/// policy.validate()?;
///
/// // YAML says the same.
/// let yaml = "
/// window_minutes: 120
/// soak_minutes: 30
/// history_minutes: 1440
/// rules:
/// - {rule: percentile, metric: latency, percentile: 99, margin: {relative: 0.2, absolute: 0.010}, min_samples: 1000}
/// - {rule: errors, min_requests: 500}
/// ";
/// assert_eq!(serde_saphyr::from_str::<Policy>(yaml)?, policy);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// [`Judge::new`]: super::Judge::new
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The aggregation window: the last minutes up to now, or the whole life of a younger canary.
    /// 1 to 10080, by default 60.
    #[serde(default = "default_window")]
    pub window_minutes: u32,
    /// How long a canary must have run before it can pass, 1 to 10080, by default 15. A regression needs no
    /// soak.
    #[serde(default = "default_soak")]
    pub soak_minutes: u32,
    /// How far back stable's errors count as known, before the canary started. 0 to 44640, by default 1440.
    #[serde(default = "default_history")]
    pub history_minutes: u32,
    /// The rules, at least one.
    pub rules: Vec<Rule>,
}

/// One thing that is compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "snake_case")]
pub enum Rule {
    /// A percentile of the canary against stable's plus a margin.
    Percentile(PercentileRule),
    /// The canary's errors against those that stable had.
    Errors(ErrorsRule),
}

/// The percentile of a metric on the canary is at most that on stable plus a margin. The metric's blocks
/// are samples, histograms or values; of values (a gauge for each pod and minute) each counts as one sample.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PercentileRule {
    /// The metric.
    pub metric: MetricName,
    /// The percentile.
    pub percentile: Percentile,
    /// How far the canary may lie above stable.
    pub margin: Margin,
    /// How many samples (of a gauge: pod-minutes) each track must have in the window; by default
    /// [`Percentile::least_samples`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_samples: Option<u64>,
}

/// No error on the canary where stable had none, and else of no class that stable never had.
///
/// A regression when the canary has an error that stable never had and enough requests of stable are known
/// to say "never"; a pass when it has none and both tracks had enough requests. Where stable has errors and
/// some of the canary's are counted without a class (more failed requests in a minute than its classes add
/// up to), nobody can tell whether those are new: inconclusive. Of a block with `k` classes, `k / 2` errors
/// count as lost to rounding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ErrorsRule {
    /// The metric that counts failures by class, by default `errors`.
    pub metric: MetricName,
    /// The metric that counts requests and how many of them failed, by default `requests`.
    pub requests: MetricName,
    /// How many requests each track must have had in the window for a pass, and stable in its past and
    /// beside the canary for the claim that it never had an error. By default 100.
    pub min_requests: u64,
}

impl Policy {
    /// The plain rules of the method over an hour, with a soak of 15 minutes and a day of history:
    ///
    /// | metric | rule |
    /// |---|---|
    /// | latency | p95 at most 10 % or 5 ms above stable, p99 at most 25 % or 10 ms |
    /// | cpu | median at most 20 % or 0.05 cores above stable |
    /// | memory | median at most 20 % or 32 MiB above stable |
    /// | errors | none of a class that stable did not have |
    #[must_use]
    pub fn method() -> Self {
        let percentile = |metric, percentile, relative, absolute| {
            let margin = Margin { absolute: Some(absolute), relative: Some(relative) };
            let metric = MetricName::known(metric);
            Rule::Percentile(PercentileRule { metric, percentile, margin, min_samples: None })
        };
        Self {
            window_minutes: default_window(),
            soak_minutes: default_soak(),
            history_minutes: default_history(),
            rules: vec![
                percentile(MetricName::LATENCY, Percentile::P95, 0.10, 0.005),
                percentile(MetricName::LATENCY, Percentile::P99, 0.25, 0.010),
                percentile(MetricName::CPU, Percentile::P50, 0.20, 0.05),
                percentile(MetricName::MEMORY, Percentile::P50, 0.20, 32.0 * 1024.0 * 1024.0),
                Rule::Errors(ErrorsRule::default()),
            ],
        }
    }

    /// The metrics that the rules need, in their order, each once: what to ask a backend for.
    #[must_use]
    pub fn metrics(&self) -> Vec<MetricName> {
        self.metrics_in(|_| true)
    }

    /// Those of which the rules want stable's past as well, for [`Judge::observe_history`]; none without a
    /// rule on errors.
    ///
    /// [`Judge::observe_history`]: super::Judge::observe_history
    #[must_use]
    pub fn history_metrics(&self) -> Vec<MetricName> {
        self.metrics_in(|role| role != Role::Distribution)
    }

    fn metrics_in(&self, wanted: impl Fn(Role) -> bool) -> Vec<MetricName> {
        let mut metrics = Vec::new();
        for (metric, role) in self.roles() {
            if wanted(role) && !metrics.contains(metric) {
                metrics.push(metric.clone());
            }
        }
        metrics
    }

    /// How much of stable's past, before the canary started, the rules want; zero if none does.
    #[must_use]
    pub fn history(&self) -> Duration {
        let wanted = self.rules.iter().any(|rule| matches!(rule, Rule::Errors(_)));
        minutes(if wanted { self.history_minutes } else { 0 })
    }

    /// The aggregation window.
    #[must_use]
    pub fn window(&self) -> Duration {
        minutes(self.window_minutes)
    }

    /// How long a canary must have run before it can pass.
    #[must_use]
    pub fn soak(&self) -> Duration {
        minutes(self.soak_minutes)
    }

    /// Whether it makes sense.
    ///
    /// # Errors
    /// `Invalid`, naming the field, for a time outside its bounds, no rules, the same rule twice, a margin
    /// that is missing or no number of 0 or more, a least number of samples of 0, or a metric that two rules
    /// read in different ways.
    pub fn validate(&self) -> Result<()> {
        for (key, value, least, most) in [
            ("window_minutes", self.window_minutes, 1, LONGEST_WINDOW),
            ("soak_minutes", self.soak_minutes, 1, LONGEST_WINDOW),
            ("history_minutes", self.history_minutes, 0, LONGEST_HISTORY),
        ] {
            if !(least..=most).contains(&value) {
                return Err(invalid(format!("expected {least} to {most}")).with(key, value));
            }
        }
        if self.rules.is_empty() {
            return Err(
                invalid("no rules: without one nothing is compared").with_available(["percentile", "errors"])
            );
        }
        for (index, rule) in self.rules.iter().enumerate() {
            rule.validate().map_err(|error| error.with("rules", index))?;
            if self.rules[..index].iter().any(|earlier| earlier.same_as(rule)) {
                return Err(invalid("the same metric and percentile twice").with("rules", index));
            }
        }
        let mut roles = BTreeMap::new();
        for (metric, role) in self.roles() {
            if *roles.entry(metric).or_insert(role) != role {
                return Err(invalid("a metric cannot be both measurements and counts").with("metric", metric));
            }
        }
        Ok(())
    }

    /// Every metric with what the rules read in it.
    pub(super) fn roles(&self) -> impl Iterator<Item = (&MetricName, Role)> {
        self.rules.iter().flat_map(|rule| match rule {
            Rule::Percentile(rule) => vec![(&rule.metric, Role::Distribution)],
            Rule::Errors(rule) => vec![(&rule.metric, Role::Classes), (&rule.requests, Role::Requests)],
        })
    }
}

impl Rule {
    fn validate(&self) -> Result<()> {
        match self {
            Self::Percentile(rule) => {
                rule.margin.validate()?;
                at_least_one("min_samples", rule.min_samples())
            }
            Self::Errors(rule) => at_least_one("min_requests", rule.min_requests),
        }
    }

    fn same_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Percentile(a), Self::Percentile(b)) => {
                a.metric == b.metric && a.percentile == b.percentile
            }
            (Self::Errors(a), Self::Errors(b)) => a.metric == b.metric,
            _ => false,
        }
    }
}

impl PercentileRule {
    pub(super) fn min_samples(&self) -> u64 {
        self.min_samples.unwrap_or_else(|| self.percentile.least_samples())
    }
}

/// What a metric's blocks must hold for the rules to read them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Distribution,
    Classes,
    Requests,
}

impl Role {
    pub(super) fn shapes(self) -> &'static [BlockShape] {
        match self {
            Self::Distribution => &[BlockShape::Samples, BlockShape::Histogram, BlockShape::Value],
            Self::Classes => &[BlockShape::Classes],
            Self::Requests => &[BlockShape::Requests],
        }
    }
}

impl Default for ErrorsRule {
    fn default() -> Self {
        Self {
            metric: MetricName::known(MetricName::ERRORS),
            requests: MetricName::known(MetricName::REQUESTS),
            min_requests: 100,
        }
    }
}

fn default_window() -> u32 {
    60
}

fn default_soak() -> u32 {
    15
}

fn default_history() -> u32 {
    24 * 60
}

fn invalid(message: impl Into<String>) -> Error {
    Error::invalid("policy.validate", message)
}

fn at_least_one(key: &'static str, value: u64) -> Result<()> {
    if value == 0 { Err(invalid("expected 1 or more").with(key, value)) } else { Ok(()) }
}

fn minutes(count: u32) -> Duration {
    Duration::from_secs(60 * u64::from(count))
}
