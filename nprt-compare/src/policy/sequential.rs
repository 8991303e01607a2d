use nprt_core::model::MetricName;
use nprt_core::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::kayenta::KayentaRule;
use crate::statistics::counts::Ratio;
use crate::{Margin, Percentile};

/// What a test is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// It can find a regression, and a pass waits for it.
    Both,
    /// It can find a regression; a pass does not wait for it.
    Regression,
}

/// The canary's measurements of a metric are no higher than stable's plus a margin.
///
/// What it is tested by follows from what is measured: of samples and histograms the whole distribution
/// ([`rank`](crate::statistics::rank)), its quantiles ([`quantile`](crate::statistics::quantile)) and,
/// minute by minute, ranks and means ([`paired_t`](crate::statistics::paired_t)); of values, one a pod and
/// minute, their means minute by minute.
///
/// Both margins are widened or narrowed by how much stable's own pods differ, as far as its past and the minutes
/// beside the canary say that: by 2 τ √(1/pods of the canary + 1/pods of stable) up, and down by as many τ as leave 5 %
/// of a difference hidden.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "MeasurementsForm")]
pub struct MeasurementsRule {
    /// The metric.
    pub metric: MetricName,
    /// Its share of the error level, beside that of the other rules. Above 0, by default 1.
    pub weight: f64,
    /// How much higher the canary may be without being called a regression, beyond what pods differ by. By
    /// default 2 %, of latency 1 ms at least.
    pub margin: Margin,
    /// How much higher it must not be to pass. By default 10 %, of latency 5 ms at least.
    pub pass_margin: Margin,
    /// The quantiles beside the whole distribution; by default p95 for both, p99 and p99.9 for a regression
    /// alone: to pass by p99 takes some 20,000 requests.
    pub quantiles: Vec<QuantileRule>,
    /// Whether a pass waits for the whole distribution (of values: for their means). By default it does.
    pub gate: Gate,
    /// Whether the metrics backend must be configured for the metric; by default so. If not, and it is not, the verdict
    /// says so and goes by the others. A metric that is configured must be measured on both tracks all the same.
    pub required: bool,
}

/// A quantile of a [`MeasurementsRule`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuantileRule {
    /// Which one.
    pub percentile: Percentile,
    /// What it is for.
    pub gate: Gate,
}

/// As in a file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MeasurementsForm {
    metric: MetricName,
    weight: Option<f64>,
    margin: Option<Margin>,
    pass_margin: Option<Margin>,
    quantiles: Option<Vec<QuantileRule>>,
    gate: Option<Gate>,
    required: Option<bool>,
}

impl From<MeasurementsForm> for MeasurementsRule {
    fn from(form: MeasurementsForm) -> Self {
        let base = Self::of(form.metric);
        Self {
            weight: form.weight.unwrap_or(base.weight),
            margin: form.margin.unwrap_or(base.margin),
            pass_margin: form.pass_margin.unwrap_or(base.pass_margin),
            quantiles: form.quantiles.unwrap_or(base.quantiles),
            gate: form.gate.unwrap_or(base.gate),
            required: form.required.unwrap_or(base.required),
            metric: base.metric,
        }
    }
}

impl MeasurementsRule {
    /// The rule on this metric, with all defaults.
    #[must_use]
    pub fn of(metric: MetricName) -> Self {
        let is_latency = metric.as_str() == MetricName::LATENCY;
        let margin =
            |relative, seconds| Margin { relative: Some(relative), absolute: is_latency.then_some(seconds) };
        Self {
            margin: margin(0.02, 0.001),
            pass_margin: margin(0.10, 0.005),
            weight: 1.0,
            quantiles: vec![
                QuantileRule { percentile: Percentile::P95, gate: Gate::Both },
                QuantileRule { percentile: Percentile::P99, gate: Gate::Regression },
                QuantileRule { percentile: Percentile::P999, gate: Gate::Regression },
            ],
            gate: Gate::Both,
            required: true,
            metric,
        }
    }

    pub(super) fn validate(&self) -> Result<()> {
        self.margin.validate()?;
        self.pass_margin.validate().map_err(|error| error.with("margin", "pass_margin"))?;
        weight(self.weight)?;
        for (index, quantile) in self.quantiles.iter().enumerate() {
            if self.quantiles[..index].iter().any(|earlier| earlier.percentile == quantile.percentile) {
                return Err(invalid("the same percentile twice").with("percentile", quantile.percentile));
            }
        }
        Ok(())
    }
}

/// The canary's requests fail no more often than stable's, and in no new way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FailuresRule {
    /// The metric that counts failures by class, by default `errors`.
    pub metric: MetricName,
    /// The metric that counts requests and how many of them failed, by default `requests`.
    pub requests: MetricName,
    /// Its share of the error level, beside that of the other rules. Above 0, by default 1.
    pub weight: f64,
    /// How many times as often as on stable requests may fail without being called a regression. By default
    /// 1.25.
    pub ratio: Ratio,
    /// How many times as often they must not fail to pass, where they fail more often than is tolerated. By
    /// default 1.5.
    pub pass_ratio: Ratio,
    /// The share of failing requests that passes whatever stable does, above 0 and below 1. By default 0.001.
    pub tolerance: f64,
    /// Whether the metrics backend must be configured for both metrics; by default so, and else as of measurements.
    pub required: bool,
}

impl Default for FailuresRule {
    fn default() -> Self {
        Self {
            metric: MetricName::errors(),
            requests: MetricName::requests(),
            weight: 1.0,
            ratio: Ratio::QUARTER_MORE,
            pass_ratio: Ratio::HALF_MORE,
            tolerance: 0.001,
            required: true,
        }
    }
}

impl FailuresRule {
    pub(super) fn validate(&self) -> Result<()> {
        weight(self.weight)?;
        if !(self.tolerance > 0.0 && self.tolerance < 1.0) {
            return Err(invalid("expected a share above 0 and below 1").with("tolerance", self.tolerance));
        }
        Ok(())
    }
}

/// Events happen no more often on the canary's pods than on stable's: restarts, kills for want of memory,
/// throttled periods. Blocks hold how many a pod had in a minute, as a value, or of how many periods (or
/// whatever else) how many were such, as requests and errors. A pass does not wait for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventsRule {
    /// The metric.
    pub metric: MetricName,
    /// Its share of the error level, beside that of the other rules. Above 0, by default 1.
    #[serde(default = "one")]
    pub weight: f64,
    /// How many times as often as on stable they may happen. By default 1.25.
    #[serde(default = "quarter_more")]
    pub ratio: Ratio,
}

impl EventsRule {
    /// The rule on this metric, with all defaults.
    #[must_use]
    pub fn of(metric: MetricName) -> Self {
        Self { metric, weight: one(), ratio: quarter_more() }
    }

    pub(super) fn validate(&self) -> Result<()> {
        weight(self.weight)
    }
}

/// A value of the canary's pods does not grow and grow beyond stable's: the memory of a leak. What grows up
/// to stable's level, as a cache that fills, is none. A pass does not wait for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrowthRule {
    /// The metric, of values.
    pub metric: MetricName,
    /// Its share of the error level, beside that of the other rules. Above 0, by default 1.
    #[serde(default = "one")]
    pub weight: f64,
    /// How much faster than stable it may grow, as a share an hour. By default 0.03.
    #[serde(default = "three_percent")]
    pub margin_per_hour: f64,
}

impl GrowthRule {
    /// The rule on this metric, with all defaults.
    #[must_use]
    pub fn of(metric: MetricName) -> Self {
        Self { metric, weight: one(), margin_per_hour: three_percent() }
    }

    pub(super) fn validate(&self) -> Result<()> {
        if !(self.margin_per_hour.is_finite() && self.margin_per_hour >= 0.0) {
            return Err(
                invalid("expected a number of 0 or more").with("margin_per_hour", self.margin_per_hour)
            );
        }
        weight(self.weight)
    }
}

/// One look by Kayenta's scheme, when the canary has run for so long; what it says then, stays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KayentaLook {
    /// When: minutes after the canary's start, all of which are looked at. 1 to 10080, by default 60.
    #[serde(default = "an_hour")]
    pub after_minutes: u32,
    /// The config, and which of our metrics its metrics are.
    pub kayenta: KayentaRule,
}

fn weight(weight: f64) -> Result<()> {
    // Bounded, so that no sum of them leaves the range of numbers.
    if (1e-6..=1e6).contains(&weight) {
        Ok(())
    } else {
        Err(invalid("expected a weight from 1e-6 to 1e6").with("weight", weight))
    }
}

fn one() -> f64 {
    1.0
}

fn quarter_more() -> Ratio {
    Ratio::QUARTER_MORE
}

fn three_percent() -> f64 {
    0.03
}

fn an_hour() -> u32 {
    60
}

fn invalid(message: &str) -> Error {
    Error::invalid("policy.validate", message)
}
