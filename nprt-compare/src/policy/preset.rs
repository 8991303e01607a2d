use std::str::FromStr;

use nprt_core::model::MetricName;
use nprt_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::{
    ErrorsRule, EventsRule, FailuresRule, Gate, GrowthRule, MeasurementsRule, PercentileRule, Policy, Rule,
};
use crate::{Margin, Percentile};

/// A ready policy. The kind `kayenta` is no preset: it needs a config, see [`KayentaLook`](super::KayentaLook).
///
/// | | `default` | `strict` | `low-traffic` | `method` |
/// |---|---|---|---|---|
/// | rules | sequential | sequential | sequential | the method's plain ones |
/// | α, α of a pass | 0.01, 0.05 | 0.01, 0.01 | 0.02, 0.05 | none |
/// | soak, deadline | 15 and 120 min | 30 min, 4 h | 1 h, 24 h | 15 and 120 min |
/// | p99, p99.9 | can roll back | a pass waits for it | can roll back | by its margin |
/// | a metric that the backend is not configured for | is named | is an error | is named | is an error |
/// | one that it is configured for and nobody measures | keeps it from passing | keeps it from passing | keeps it from passing | keeps it from passing |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// Sequential tests for a service of some hundred requests a minute.
    Default,
    /// As the default, and a pass takes more: longer, and of every metric.
    Strict,
    /// As the default, for a service of few requests: a day, if need be.
    LowTraffic,
    /// The plain rules of the method, with their false alarms; see the docs of [`compare`](crate).
    Method,
}

impl Preset {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Default, Self::Strict, Self::LowTraffic, Self::Method];

    /// Its name in a file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Strict => "strict",
            Self::LowTraffic => "low-traffic",
            Self::Method => "method",
        }
    }
}

impl FromStr for Preset {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|preset| preset.as_str() == name).ok_or_else(|| {
            Error::invalid("policy.preset", format!("no preset {name:?}"))
                .with_available(Self::ALL.map(Self::as_str))
        })
    }
}

impl Policy {
    /// A ready policy.
    #[must_use]
    pub fn preset(preset: Preset) -> Self {
        match preset {
            Preset::Default => sequential(),
            Preset::Strict => strict(),
            Preset::LowTraffic => Self {
                alpha: 0.02,
                soak_minutes: 60,
                deadline_minutes: 24 * 60,
                calibration_minutes: 24 * 60,
                history_minutes: 7 * 24 * 60,
                ..sequential()
            },
            Preset::Method => Self::method(),
        }
    }

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
            Rule::Percentile(PercentileRule { metric, percentile, margin, min_samples: None })
        };
        Self {
            rules: vec![
                percentile(MetricName::latency(), Percentile::P95, 0.10, 0.005),
                percentile(MetricName::latency(), Percentile::P99, 0.25, 0.010),
                percentile(MetricName::cpu(), Percentile::P50, 0.20, 0.05),
                percentile(MetricName::memory(), Percentile::P50, 0.20, 32.0 * MIB),
                Rule::Errors(ErrorsRule::default()),
            ],
            ..sequential()
        }
    }
}

const MIB: f64 = 1024.0 * 1024.0;

fn sequential() -> Policy {
    let utilisation = |metric, absolute: f64| {
        let margin = Margin { relative: Some(0.05), absolute: Some(absolute) };
        let pass_margin = Margin { relative: Some(0.20), absolute: Some(2.0 * absolute) };
        let rule = MeasurementsRule::of(metric);
        MeasurementsRule { margin, pass_margin, weight: 0.5, required: false, ..rule }
    };
    let latency = MeasurementsRule::of(MetricName::latency());
    let memory = MetricName::memory();
    let mut rules = vec![
        Rule::Measurements(MeasurementsRule { required: false, ..latency }),
        Rule::Failures(FailuresRule { required: false, ..FailuresRule::default() }),
        Rule::Measurements(utilisation(MetricName::cpu(), 0.01)),
        Rule::Measurements(utilisation(MetricName::memory(), 8.0 * MIB)),
        Rule::Growth(GrowthRule { weight: 0.25, ..GrowthRule::of(memory) }),
    ];
    // See [`EventsRule`].
    rules.extend(
        MetricName::pod_events()
            .map(|metric| Rule::Events(EventsRule { weight: 0.25, ..EventsRule::of(metric) })),
    );
    Policy {
        window_minutes: 60,
        soak_minutes: 15,
        deadline_minutes: 120,
        warm_up_minutes: 10,
        history_minutes: 24 * 60,
        calibration_minutes: 120,
        alpha: 0.01,
        pass_alpha: 0.05,
        max_left_out: 0.1,
        rules,
    }
}

fn strict() -> Policy {
    let mut policy = Policy { pass_alpha: 0.01, soak_minutes: 30, deadline_minutes: 4 * 60, ..sequential() };
    for rule in &mut policy.rules {
        match rule {
            Rule::Measurements(rule) => {
                rule.required = true;
                rule.quantiles.iter_mut().for_each(|quantile| quantile.gate = Gate::Both);
            }
            Rule::Failures(rule) => rule.required = true,
            _ => {}
        }
    }
    policy
}
