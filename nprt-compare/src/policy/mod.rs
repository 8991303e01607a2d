//! What a service demands of a canary: plain data, validated.

mod form;
mod plain;
mod preset;
mod role;
mod sequential;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use self::form::Form;
pub use self::plain::{ErrorsRule, PercentileRule};
pub use self::preset::Preset;
pub(super) use self::role::Role;
pub use self::sequential::{
    EventsRule, FailuresRule, Gate, GrowthRule, KayentaLook, MeasurementsRule, QuantileRule,
};
use nprt_core::model::MetricName;
use nprt_core::{Error, Result};

/// The JSON schema (draft 2020-12) of a policy. What a schema cannot say is in its descriptions.
pub const POLICY_SCHEMA: &str = include_str!("policy.schema.json");

const LONGEST_WINDOW: u32 = 7 * 24 * 60;
const LONGEST_HISTORY: u32 = 31 * 24 * 60;
const LONGEST_WARM_UP: u32 = 60;

/// What a service demands of a canary. Plain data, as it stands in a configuration file; [`Judge::new`]
/// validates it, [`Policy::validate`] does so earlier. [`POLICY_SCHEMA`] is its JSON schema.
///
/// Most take a [`Preset`] and change little of it; a file that names none gives its rules itself.
///
/// ```
/// use nprt_compare::{Policy, Preset, Rule};
///
/// let policy: Policy = serde_saphyr::from_str("{preset: default, soak_minutes: 30}")?;
/// assert_eq!(policy, Policy { soak_minutes: 30, ..Policy::preset(Preset::Default) });
///
/// let policy: Policy = serde_saphyr::from_str("
/// alpha: 0.005
/// rules:
/// - {rule: measurements, metric: latency, margin: {relative: 0.05, absolute: 0.005}}
/// - {rule: measurements, metric: cpu, weight: 0.5, margin: {relative: 0.10}}
/// - {rule: failures, tolerance: 0.001}
/// ")?;
/// policy.validate()?;
/// assert!(matches!(&policy.rules[0], Rule::Measurements(rule) if rule.quantiles.len() == 3));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// [`Judge::new`]: super::Judge::new
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Form")]
pub struct Policy {
    /// The aggregation window of the plain rules: the last minutes up to now, or the whole life of a younger
    /// canary. 1 to 10080, by default 60.
    pub window_minutes: u32,
    /// How long a canary must have run before it can pass, 1 to 10080, by default 15. A regression needs no
    /// soak.
    pub soak_minutes: u32,
    /// How long a canary is to run at most, 1 to 10080, by default 120: what the requests that it will get
    /// are reckoned by. It ends nothing by itself, and when it is over nothing passes for that.
    pub deadline_minutes: u32,
    /// How long a canary that gets faster as it warms up is not compared, 0 to 60, by default 10. The first
    /// five minutes are held back: where its speed is even, they all count, else nothing counts until it is,
    /// for so many minutes at most. Of a pod that starts later so many minutes are left out. 0 compares from
    /// the first minute on.
    pub warm_up_minutes: u32,
    /// How far back stable's errors count as known, before the canary started. 0 to 44640, by default 1440.
    pub history_minutes: u32,
    /// How much of stable's past, before the canary started, measurements are calibrated on. 0 to 44640, by
    /// default 120.
    pub calibration_minutes: u32,
    /// The error level of all sequential rules together: at most this share of canaries that are no worse
    /// than the margins allow is ever called a regression. By default 0.01.
    pub alpha: f64,
    /// The error level of a pass: of canaries that are worse by the pass margin, or more, at most this share
    /// passes. By default 0.05.
    pub pass_alpha: f64,
    /// The greatest share of a metric's points that may be left out (NaN, a negative time, no track): where it is
    /// more, on either track, the rules that read the metric neither pass nor find a regression. 0 to 1, by default
    /// 0.1. With 0 not one may.
    pub max_left_out: f64,
    /// The rules, at least one.
    pub rules: Vec<Rule>,
}

/// One thing that is compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "snake_case")]
pub enum Rule {
    /// Latency or utilisation, by sequential tests.
    Measurements(MeasurementsRule),
    /// Failed requests and their classes, by sequential tests.
    Failures(FailuresRule),
    /// Rare events such as restarts, by a sequential test.
    Events(EventsRule),
    /// What grows and grows, such as the memory of a leak, by a sequential test.
    Growth(GrowthRule),
    /// A percentile of the canary against stable's plus a margin: the method's plain rule.
    Percentile(PercentileRule),
    /// The canary's errors against those that stable had: the method's plain rule.
    Errors(ErrorsRule),
    /// One look by Kayenta's scheme.
    Kayenta(KayentaLook),
}

impl Policy {
    /// The metrics that the rules need, in their order, each once: what to ask a backend for.
    #[must_use]
    pub fn metrics(&self) -> Vec<MetricName> {
        let mut metrics = Vec::new();
        for (metric, _) in self.roles() {
            if !metrics.contains(&metric) {
                metrics.push(metric);
            }
        }
        metrics
    }

    /// Those of which the rules want stable's past as well, for [`Judge::observe_history`]: all that sequential
    /// rules are calibrated on, and what errors are compared with.
    ///
    /// [`Judge::observe_history`]: super::Judge::observe_history
    #[must_use]
    pub fn history_metrics(&self) -> Vec<MetricName> {
        self.metrics().into_iter().filter(|metric| !self.history_of(metric).is_zero()).collect()
    }

    /// How much of stable's past, before the canary started, the rules want of a metric; zero if none does.
    #[must_use]
    pub fn history_of(&self, metric: &MetricName) -> Duration {
        let wanted = |rule: &Rule| match rule {
            Rule::Errors(rule) if [&rule.metric, &rule.requests].contains(&metric) => self.history_minutes,
            Rule::Failures(rule) if [&rule.metric, &rule.requests].contains(&metric) => self.history_minutes,
            Rule::Measurements(MeasurementsRule { metric: of, .. })
            | Rule::Events(EventsRule { metric: of, .. })
            | Rule::Growth(GrowthRule { metric: of, .. })
                if of == metric =>
            {
                self.calibration_minutes
            }
            _ => 0,
        };
        minutes(self.rules.iter().map(wanted).max().unwrap_or(0))
    }

    /// Whether every metric that a rule cannot do without is among those that a metrics backend is
    /// [configured](nprt_core::ports::MetricsCapabilities::metrics) for.
    ///
    /// # Errors
    /// `Invalid`, naming the rule and the metric, with those that are configured.
    pub fn check_metrics(&self, configured: &BTreeSet<MetricName>) -> Result<()> {
        for (index, rule) in self.rules.iter().enumerate() {
            let lacks = |metric: &MetricName| rule.needs(metric) && !configured.contains(metric);
            if let Some((metric, _)) = rule.roles().into_iter().find(|(metric, _)| lacks(metric)) {
                let message = "the rule reads a metric that the metrics backend is not configured for: \
                    configure it, remove the rule, or let it say `required: false` where it can";
                return Err(invalid(message)
                    .with("rules", index)
                    .with("rule", rule.kind())
                    .with("metric", metric)
                    .with_available(configured));
            }
        }
        Ok(())
    }

    /// Whether the policy can do without a metric that the metrics backend is not configured for: each rule that reads
    /// it says `required: false`, or has events or growth and is one that every [`Preset`] brings along. A metric that
    /// is configured must be measured all the same ([`Judge::expect`](super::Judge::expect)).
    #[must_use]
    pub fn can_do_without(&self, metric: &MetricName) -> bool {
        !self.rules.iter().any(|rule| rule.needs(metric))
    }

    /// How far back stable's errors count as known.
    pub(super) fn error_history(&self) -> Duration {
        minutes(self.history_minutes)
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
    /// that is missing or no number of 0 or more, a least number of samples of 0, an error level or a weight
    /// outside its bounds, or a metric that two rules read in different ways.
    pub fn validate(&self) -> Result<()> {
        for (key, value, least, most) in [
            ("window_minutes", self.window_minutes, 1, LONGEST_WINDOW),
            ("soak_minutes", self.soak_minutes, 1, LONGEST_WINDOW),
            ("deadline_minutes", self.deadline_minutes, 1, LONGEST_WINDOW),
            ("warm_up_minutes", self.warm_up_minutes, 0, LONGEST_WARM_UP),
            ("history_minutes", self.history_minutes, 0, LONGEST_HISTORY),
            ("calibration_minutes", self.calibration_minutes, 0, LONGEST_HISTORY),
        ] {
            if !(least..=most).contains(&value) {
                return Err(invalid(format!("expected {least} to {most}")).with(key, value));
            }
        }
        for (key, level) in [("alpha", self.alpha), ("pass_alpha", self.pass_alpha)] {
            if !(1e-9..=0.5).contains(&level) {
                return Err(invalid("expected an error level from 1e-9 to 0.5").with(key, level));
            }
        }
        if !(0.0..=1.0).contains(&self.max_left_out) {
            return Err(invalid("expected a share from 0 to 1").with("max_left_out", self.max_left_out));
        }
        if self.rules.is_empty() {
            let message = "no rules: without one nothing is compared";
            return Err(invalid(message).with_available(Rule::KINDS));
        }
        for (index, rule) in self.rules.iter().enumerate() {
            rule.validate().map_err(|error| error.with("rules", index))?;
            if self.rules[..index].iter().any(|earlier| earlier.same_as(rule)) {
                return Err(invalid("the same rule on the same metric twice").with("rules", index));
            }
        }
        let mut roles = BTreeMap::new();
        for (metric, role) in self.roles() {
            if !roles.entry(metric.clone()).or_insert(role).agrees_with(role) {
                return Err(invalid("a metric cannot be both measurements and counts").with("metric", metric));
            }
        }
        Ok(())
    }

    /// Every metric with what the rules read in it.
    pub(super) fn roles(&self) -> impl Iterator<Item = (MetricName, Role)> {
        self.rules.iter().flat_map(Rule::roles)
    }
}

impl Rule {
    const KINDS: [&str; 7] =
        ["measurements", "failures", "events", "growth", "percentile", "errors", "kayenta"];

    /// Whether it reads the metric, and is no use where a backend is not configured for it.
    fn needs(&self, metric: &MetricName) -> bool {
        let required = match self {
            Self::Measurements(rule) => rule.required,
            Self::Failures(rule) => rule.required,
            // Those that the presets have are for whoever has the metric.
            Self::Events(_) | Self::Growth(_) => !Policy::preset(Preset::Default).rules.contains(self),
            Self::Percentile(_) | Self::Errors(_) | Self::Kayenta(_) => true,
        };
        required && self.roles().iter().any(|(of, _)| of == metric)
    }

    /// Its name in a file.
    fn kind(&self) -> &'static str {
        match self {
            Self::Measurements(_) => "measurements",
            Self::Failures(_) => "failures",
            Self::Events(_) => "events",
            Self::Growth(_) => "growth",
            Self::Percentile(_) => "percentile",
            Self::Errors(_) => "errors",
            Self::Kayenta(_) => "kayenta",
        }
    }

    /// The metrics that it reads, and as what.
    pub(super) fn roles(&self) -> Vec<(MetricName, Role)> {
        let one = |metric: &MetricName, role| vec![(metric.clone(), role)];
        let errors = |metric: &MetricName, requests: &MetricName| {
            vec![(metric.clone(), Role::Classes), (requests.clone(), Role::Requests)]
        };
        match self {
            Self::Measurements(rule) => one(&rule.metric, Role::Distribution),
            Self::Growth(rule) => one(&rule.metric, Role::Distribution),
            Self::Percentile(rule) => one(&rule.metric, Role::Distribution),
            Self::Events(rule) => one(&rule.metric, Role::Events),
            Self::Failures(rule) => errors(&rule.metric, &rule.requests),
            Self::Errors(rule) => errors(&rule.metric, &rule.requests),
            Self::Kayenta(look) => look.kayenta.metrics().map(|metric| (metric, Role::Any)).collect(),
        }
    }

    fn validate(&self) -> Result<()> {
        match self {
            Self::Measurements(rule) => rule.validate(),
            Self::Failures(rule) => rule.validate(),
            Self::Events(rule) => rule.validate(),
            Self::Growth(rule) => rule.validate(),
            Self::Percentile(rule) => {
                rule.margin.validate()?;
                at_least_one("min_samples", rule.min_samples())
            }
            Self::Errors(rule) => at_least_one("min_requests", rule.min_requests),
            Self::Kayenta(look) => {
                at_least_one("after_minutes", u64::from(look.after_minutes))?;
                if look.after_minutes > LONGEST_WINDOW {
                    let error = invalid(format!("expected at most {LONGEST_WINDOW}"));
                    return Err(error.with("after_minutes", look.after_minutes));
                }
                look.kayenta.validate()
            }
        }
    }

    fn same_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Measurements(a), Self::Measurements(b)) => a.metric == b.metric,
            (Self::Failures(a), Self::Failures(b)) => a.metric == b.metric,
            (Self::Events(a), Self::Events(b)) => a.metric == b.metric,
            (Self::Growth(a), Self::Growth(b)) => a.metric == b.metric,
            (Self::Percentile(a), Self::Percentile(b)) => {
                a.metric == b.metric && a.percentile == b.percentile
            }
            (Self::Errors(a), Self::Errors(b)) => a.metric == b.metric,
            (Self::Kayenta(_), Self::Kayenta(_)) => true,
            _ => false,
        }
    }
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
