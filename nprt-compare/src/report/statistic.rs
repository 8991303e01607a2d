use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Percentile;

/// What a curve shows of a minute's measurements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Statistic {
    /// The percentile by nearest rank, as the middle of a sketch's bin: within 0.4 %.
    Percentile(Percentile),
    /// The mean over pods.
    Mean,
    /// Failed requests (or whatever else is counted so) by all.
    Rate,
    /// Events a minute and pod.
    Events,
    /// Samples or requests a minute: the traffic.
    Count,
}

impl fmt::Display for Statistic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Percentile(percentile) => percentile.fmt(f),
            Self::Mean => f.write_str("mean of pods"),
            Self::Rate => f.write_str("rate"),
            Self::Events => f.write_str("events a minute and pod"),
            Self::Count => f.write_str("samples a minute"),
        }
    }
}
