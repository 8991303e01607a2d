use std::collections::BTreeSet;
use std::fmt::Debug;
use std::ops::Range;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Measured, Versions};
use crate::model::{BlockShape, MetricName, ServiceName, TimeRange};
use crate::{Error, ErrorKind, Result};

/// Where the measurements of both tracks are kept.
///
/// # Contract
/// - [`blocks`](MetricsBackend::blocks) answers with the blocks of both tracks, of whole minutes that lie
///   in the range and are complete (a minute that still runs is left out), sorted by minute, track, pod
///   and route. At most one block has the same minute, track, version, pod, route and metric.
/// - A minute without data has no block, and is never a zero.
/// - One bad point costs itself and no more. What is not finite, is negative where nothing can be, has no track or
///   cannot be read is left out and [counted by reason](Measured::leave_out), never a zero; the rest is answered. Where
///   nothing of a metric is left, the answer has no blocks, and says what was left out.
/// - An answer that may be incomplete (a partial answer, a warning of the server) is an error. What the server says
///   beside it is [passed on](Measured::note).
/// - A metric that is not configured is [`NotConfigured`](ErrorKind::NotConfigured), with those that are as `available`
///   ([`no_such_metric`]). No answer of a server becomes that: its 404 is `Unavailable` or `Unexpected`, since it was
///   asked for what is configured.
/// - Every answer carries its [evidence](Measured::evidence), as far as it is known.
/// - Latency is in seconds, whatever unit the server keeps.
/// - It is a read, and cancel-safe.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait MetricsBackend: Debug + Send + Sync {
    /// What this backend can answer.
    fn capabilities(&self) -> MetricsCapabilities;

    /// The blocks of a metric of a service in a range of time, what is not in them, and what the answer rests on.
    ///
    /// # Errors
    /// `NotConfigured`, `Invalid`, `Unauthenticated`, `Forbidden`, `RateLimited`, `Unavailable`, `Timeout`,
    /// `Unexpected` for an answer that the server's protocol does not allow.
    async fn blocks(&self, query: &MetricQuery) -> Result<Measured>;

    /// Since when it knows what was measured: the first minute that an answer can hold. What was measured before is
    /// lost, as with a server that was started anew, or never was. `None` with
    /// [`history`](MetricsCapabilities::history), and only then.
    ///
    /// # Errors
    /// As [`blocks`](MetricsBackend::blocks).
    async fn known_since(&self) -> Result<Option<Timestamp>>;

    /// What was measured of a service in a range of time and is not in its blocks: refused for lack of room, or forgotten
    /// early. Nothing by default: of a backend that keeps all it is told, or says so by an error.
    ///
    /// # Errors
    /// As [`blocks`](MetricsBackend::blocks).
    async fn lost(&self, service: &ServiceName, range: TimeRange) -> Result<Vec<Lost>> {
        let _ = (service, range);
        Ok(Vec::new())
    }
}

/// Measurements that a [`MetricsBackend`] did not keep.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Lost {
    /// The minutes, since 1970.
    pub minutes: Range<i64>,
    /// Of which metric; `None` is all of them.
    #[serde(default)]
    pub metric: Option<MetricName>,
    /// How many lines or measurements were refused; 0 where nobody counted.
    #[serde(default)]
    pub lines: u64,
}

/// Which measurements are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MetricQuery {
    /// The service.
    pub service: ServiceName,
    /// The metric.
    pub metric: MetricName,
    /// The time.
    pub range: TimeRange,
    /// What runs on each track, for a backend that knows the track by nothing else.
    pub versions: Versions,
}

/// What a [`MetricsBackend`] can answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MetricsCapabilities {
    /// The metrics that it is configured for; `None` where only asking tells.
    pub metrics: Option<BTreeSet<MetricName>>,
    /// The forms of blocks that it may answer with.
    pub shapes: BTreeSet<BlockShape>,
    /// It keeps what was measured before this process started.
    pub history: bool,
    /// Blocks say which pod was measured.
    pub pods: bool,
    /// Blocks say which route was measured.
    pub routes: bool,
}

/// The error of a metric that is not configured, with those that are: for implementors of
/// [`MetricsBackend::blocks`].
#[must_use]
pub fn no_such_metric<'a>(
    operation: &'static str,
    metric: &MetricName,
    configured: impl IntoIterator<Item = &'a MetricName>,
) -> Error {
    Error::new(ErrorKind::NotConfigured, operation, "no such metric")
        .with("metric", metric)
        .with_available(configured)
}
