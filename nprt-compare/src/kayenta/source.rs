use std::fmt;

use nprt_core::model::MetricName;
use nprt_core::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::Percentile;

/// Which of our metrics a metric of a Kayenta config is, in place of its query: `{"metric": "latency",
/// "statistic": "p95"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The metric of the blocks.
    pub metric: MetricName,
    /// What becomes of a minute's blocks.
    pub statistic: Statistic,
}

/// One value of all the blocks that a track has in a minute: all pods and routes together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Statistic {
    /// `mean`: of all samples, or of the pods' values.
    Mean,
    /// `sum`: of the pods' values, of requests, or of all classes' errors.
    Sum,
    /// `error_rate`: failed requests of all.
    ErrorRate,
    /// `p95`: the percentile of all samples or of the merged histogram. Beyond a histogram's last edge it is
    /// that edge.
    Percentile(Percentile),
}

impl Source {
    /// What a metric's own name says, if it is a metric of ours and a statistic: `latency p95`, `cpu mean`,
    /// `requests error_rate`.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        let (metric, statistic) = name.split_once(' ')?;
        let statistic = Statistic::try_from(statistic.to_owned()).ok()?;
        Some(Self { metric: MetricName::new(metric).ok()?, statistic })
    }
}

impl fmt::Display for Statistic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mean => f.write_str("mean"),
            Self::Sum => f.write_str("sum"),
            Self::ErrorRate => f.write_str("error_rate"),
            Self::Percentile(percentile) => percentile.fmt(f),
        }
    }
}

impl From<Statistic> for String {
    fn from(statistic: Statistic) -> Self {
        statistic.to_string()
    }
}

impl TryFrom<String> for Statistic {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        let percent = || text.strip_prefix('p')?.parse().ok();
        match text.as_str() {
            "mean" => Ok(Self::Mean),
            "sum" => Ok(Self::Sum),
            "error_rate" => Ok(Self::ErrorRate),
            _ => match percent() {
                Some(percent) => Percentile::new(percent).map(Self::Percentile),
                None => Err(Error::invalid("kayenta.source", "unknown statistic")
                    .with("statistic", format_args!("{text:?}"))
                    .with_available(["mean", "sum", "error_rate", "p50", "p95", "p99"])),
            },
        }
    }
}
