use super::Statistic;
use crate::{Margin, MetricVerdict, Rule};

/// What the canary may reach where stable is so high.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Limit {
    /// A margin, and the share of stable by which its pods differ anyway.
    Margin { margin: Margin, pods: f64 },
    /// A multiple of stable.
    Ratio(f64),
}

impl Limit {
    /// That of a rule on a figure, as its verdict says how much wider the margin was for how stable's pods differ.
    pub(super) fn of(rule: &Rule, statistic: Statistic, verdict: Option<&MetricVerdict>) -> Option<Self> {
        match (rule, statistic) {
            (Rule::Percentile(rule), Statistic::Percentile(percentile)) if rule.percentile == percentile => {
                Some(Self::Margin { margin: rule.margin, pods: 0.0 })
            }
            // The rule compares the whole distribution, so that its margin is one of each quantile.
            (Rule::Measurements(rule), Statistic::Percentile(_) | Statistic::Mean) => {
                let pods = verdict.and_then(|verdict| wider(&rule.margin, verdict)).unwrap_or(0.0);
                Some(Self::Margin { margin: rule.margin, pods })
            }
            (Rule::Failures(rule), Statistic::Rate) => Some(Self::Ratio(rule.ratio.get())),
            (Rule::Events(rule), Statistic::Events | Statistic::Rate) => Some(Self::Ratio(rule.ratio.get())),
            _ => None,
        }
    }

    /// In the unit of `stable`.
    pub(super) fn at(self, stable: f64) -> f64 {
        match self {
            Self::Margin { margin, pods } => margin.limit(stable) + pods * stable,
            Self::Ratio(ratio) => stable * ratio,
        }
    }
}

/// By which share of stable the margin was wider than the rule says.
fn wider(margin: &Margin, verdict: &MetricVerdict) -> Option<f64> {
    let used = verdict.evidence.as_ref()?.margin?;
    let stable = verdict.stable.filter(|stable| *stable > 0.0)?;
    Some(used.regression - margin.above(stable) / stable).filter(|wider| wider.is_finite())
}
