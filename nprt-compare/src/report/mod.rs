//! What a page about one canary shows, as plain data: the verdict with its evidence, each metric of both tracks by
//! minute with the line that the canary may reach, the distributions of both, how the estimate of the effect narrowed,
//! and what happened when. It draws nothing: the crate `nprt-report` does, and another can from the same data.
//!
//! It is a pure function of blocks, policy and verdicts: the same in, the same out, in whatever order blocks come.
//! Nothing in it panics or fails for what was measured: what cannot be read is left out and counted.
//!
//! ```
//! use nprt_compare::{Policy, Preset};
//! use nprt_core::model::{Block, BlockData, MetricName, Track};
//! use nprt_compare::report::{EventKind, Report, ReportEvent, Statistic};
//!
//! let started: jiff::Timestamp = "2026-11-23T12:00:00Z".parse()?;
//! let mut blocks = Vec::new();
//! for minute in 0..30 {
//!     for (track, slower) in [(Track::Stable, 1.0), (Track::Canary, 1.5)] {
//!         blocks.push(Block {
//!             minute: started.as_second() / 60 + minute,
//!             track,
//!             version: None,
//!             pod: None,
//!             route: None,
//!             metric: MetricName::new(MetricName::LATENCY)?,
//!             data: BlockData::Samples((0..200).map(|i| slower * f64::from(50 + i % 50) / 1000.0).collect()),
//!         });
//!     }
//! }
//! let policy = Policy::preset(Preset::Default);
//! let report = Report::builder("shop", &policy, started)
//!     .blocks(&blocks)
//!     .judge_by_minute([])?
//!     .event(ReportEvent::new(started, EventKind::CanaryStarted, "asked for by ada"))
//!     .build();
//! let latency = &report.metrics[0];
//! assert_eq!(latency.curves[0].statistic.to_string(), "p95");
//! assert_eq!(latency.curves[0].stable.len(), 30);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Units
//! Figures are in the metric's own unit: seconds, cores, bytes, a share from 0 to 1, or events a minute and pod;
//! [`Unit`] says which. Times are minutes since 1970 on an [`Axis`] that all series of a report share. A gap is
//! `None`, never a zero.

mod axis;
mod builder;
mod cell;
mod curve;
mod distribution;
mod effect;
mod event;
mod limit;
mod metric;
mod recorded;
mod statistic;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::axis::Axis;
pub use self::builder::ReportBuilder;
pub use self::curve::Curve;
pub use self::distribution::Distribution;
pub use self::effect::{EffectCurve, EffectPoint};
pub use self::event::{EventKind, ReportEvent};
pub use self::metric::{ClassCount, MetricReport};
pub use self::statistic::Statistic;
use crate::Verdict;
pub use nprt_core::model::Unit;
use nprt_core::ports::MetricAnswer;

/// All that a page about one canary shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The service, or whatever else the comparison is called by. Any text: who renders it escapes it.
    pub service: String,
    /// What runs on the stable track.
    pub stable: Version,
    /// What is on trial.
    pub canary: Version,
    /// When the canary started.
    pub started: Timestamp,
    /// The newest verdict; `None` where nobody judged.
    pub verdict: Option<Verdict>,
    /// The minutes that the series stand for.
    pub axis: Axis,
    /// What happened, in the order of time.
    pub events: Vec<ReportEvent>,
    /// The metrics that the policy reads and that were measured, in its order.
    pub metrics: Vec<MetricReport>,
    /// What the figures rest on: the queries that were sent, and what came of them. Of a recorded series it is empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<MetricAnswer>,
}

/// How a version is called. Any text, perhaps none.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Version {
    /// The tag of its images.
    pub tag: Option<String>,
    /// The revision in version control.
    pub revision: Option<String>,
}
