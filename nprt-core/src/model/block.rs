use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{MetricName, Track, written_out};

/// What one metric did in one minute, on one track (and pod, and route): the unit that backends answer
/// with, that the judge reads and that replay stores.
///
/// Minutes without data have no block: a gap stays a gap and is never a zero.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// Minutes since 1970-01-01T00:00Z: the block covers `[60 * minute, 60 * minute + 60)` seconds.
    pub minute: i64,
    /// The track that it was measured on.
    pub track: Track,
    /// The version that ran, where the metric says so.
    pub version: Option<String>,
    /// The pod, where the metric says so.
    pub pod: Option<String>,
    /// The route of the requests, where the metric says so.
    pub route: Option<String>,
    /// What was measured.
    pub metric: MetricName,
    /// The measurements.
    pub data: BlockData,
}

impl Block {
    /// The minute that `at` lies in.
    #[must_use]
    pub fn minute_of(at: Timestamp) -> i64 {
        let minute = at.as_nanosecond().div_euclid(60_000_000_000);
        i64::try_from(minute).unwrap_or(if minute < 0 { i64::MIN } else { i64::MAX })
    }

    /// The same, with names that can be shown: the version, pod, route and classes of errors are labels that whoever
    /// measures may choose, and hidden characters in them are [written out](super::written_out).
    #[must_use]
    pub fn with_shown_names(self) -> Self {
        let fit = |name: String| match written_out(&name) {
            Cow::Borrowed(_) => name,
            Cow::Owned(written) => written,
        };
        let data = match self.data {
            BlockData::Classes(classes) => {
                BlockData::Classes(classes.into_iter().map(|(class, count)| (fit(class), count)).collect())
            }
            data => data,
        };
        let (version, pod, route) = (self.version.map(fit), self.pod.map(fit), self.route.map(fit));
        Self { version, pod, route, data, ..self }
    }

    /// What a [`MetricsBackend`](crate::ports::MetricsBackend) sorts its answer by: minute, track, pod and
    /// route, then version.
    #[must_use]
    pub fn order(&self) -> impl Ord + use<'_> {
        (self.minute, self.track, &self.pod, &self.route, &self.version)
    }
}

/// The measurements of a block. Numbers may come from outside: a reader rejects what is not finite.
#[derive(Debug, Clone, PartialEq)]
pub enum BlockData {
    /// Single measurements, in no particular order; latency in seconds.
    Samples(Vec<f64>),
    /// Counts between ascending edges: `counts[0]` at or below `edges[0]`, `counts[i]` in
    /// `(edges[i-1], edges[i]]`, and one last count above the last edge.
    Histogram {
        /// Ascending upper edges.
        edges: Vec<f64>,
        /// One count more than there are edges.
        counts: Vec<u64>,
    },
    /// One gauge or aggregate: cores, bytes, a mean.
    Value(f64),
    /// Requests and those among them that failed.
    Requests {
        /// All requests.
        requests: u64,
        /// The failed ones.
        errors: u64,
    },
    /// Failures by class of error.
    Classes(BTreeMap<String, u64>),
}

/// The form of a block's measurements, which a backend declares in its capabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BlockShape {
    /// [`BlockData::Samples`]
    Samples,
    /// [`BlockData::Histogram`]
    Histogram,
    /// [`BlockData::Value`]
    Value,
    /// [`BlockData::Requests`]
    Requests,
    /// [`BlockData::Classes`]
    Classes,
}

impl BlockData {
    /// Its form.
    #[must_use]
    pub fn shape(&self) -> BlockShape {
        match self {
            Self::Samples(_) => BlockShape::Samples,
            Self::Histogram { .. } => BlockShape::Histogram,
            Self::Value(_) => BlockShape::Value,
            Self::Requests { .. } => BlockShape::Requests,
            Self::Classes(_) => BlockShape::Classes,
        }
    }
}
