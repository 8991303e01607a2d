//! The comparator: is the canary worse than stable? Pure functions of policy and blocks: no clock, no I/O,
//! and the same blocks give the same verdict in whatever order they come.
//!
//! # The method
//! Both versions serve the same users at the same time, so what differs between them is the version. Over
//! an *aggregation window*, the last minutes up to now (or the whole life of a younger canary), each
//! [`Rule`] of a [`Policy`] compares the two tracks:
//!
//! - **Percentile** (latency of successful requests, CPU, memory): the percentile on the canary may be at
//!   most the percentile on stable plus a [`Margin`]: absolute, relative to stable, or the larger of both.
//! - **Errors**: any error on the canary where stable has none is a regression; where stable does have
//!   errors, any class of error that stable never had, neither in its history nor beside the canary.
//! - **Throughput** is never a rule: it says how many samples the window holds. Too few, on either track,
//!   and the verdict is inconclusive. A percentile far out in the tail needs more
//!   ([`Percentile::least_samples`]); [`Window::for_throughput`] says how long a window must be.
//!
//! One broken rule makes the [`Verdict`] a regression, whatever the others say. A pass needs every rule
//! passed, the minimum soak over and both tracks still reporting. Everything else is inconclusive and says
//! what is [`Needed`].
//!
//! ```
//! use nprt_compare::{Judge, Policy};
//! use nprt_core::model::{Block, BlockData, MetricName, Track};
//!
//! let policy: Policy = serde_json::from_str(
//!     r#"{
//!         "window_minutes": 30,
//!         "soak_minutes": 2,
//!         "rules": [{"rule": "percentile", "metric": "latency", "percentile": 95, "margin": {"relative": 0.1}}]
//!     }"#,
//! )?;
//! let started: jiff::Timestamp = "2026-11-23T12:00:00Z".parse()?;
//! let mut judge = Judge::new(policy, started)?;
//! for (track, seconds) in [(Track::Stable, 0.100), (Track::Canary, 0.125)] {
//!     judge.observe(&Block {
//!         minute: started.as_second() / 60,
//!         track,
//!         version: None,
//!         pod: None,
//!         route: None,
//!         metric: MetricName::new(MetricName::LATENCY)?,
//!         data: BlockData::Samples(vec![seconds; 500]),
//!     })?;
//! }
//! let verdict = judge.verdict("2026-11-23T12:05:00Z".parse()?);
//! assert_eq!(verdict.decision.as_str(), "regression");
//! assert_eq!(
//!     verdict.reason,
//!     "latency p95: 125 ms on the canary is above the limit of 110 ms (stable 100 ms plus 10 ms); \
//!      500 samples on stable, 500 on the canary in 5 min"
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What the plain rule is worth
//! It is easy to explain, and it is not a significance test. It asks whether the two figures differ by
//! more than the margin, not whether chance explains the difference. Measured under realistic noise of pods
//! and minutes and looked at every minute for two hours, fixed thresholds raised a false alarm in 72 to
//! 100 % of comparisons of a version with itself, and "any error class never seen before" in 98 to 100 %
//! where errors have a long tail. So: give margins generously, take long windows, look seldom, or once at
//! the end. The sequential rules ([`MeasurementsRule`], [`FailuresRule`], [`EventsRule`], [`GrowthRule`]) hold while
//! one watches, with margins calibrated on the service's own history: one test a file under [`mod@statistics`]. A [`Preset`] has
//! them ready.
//!
//! # Fail closed
//! Bad data never make a pass, and nothing panics. See [`Judge`] for what happens to each kind of it.

mod assess;
pub mod calibrate;
mod conclude;
mod error_class;
mod estimate;
mod figure;
mod gather;
mod judge;
mod judge_state;
pub mod kayenta;
mod kayenta_look;
mod left_out;
mod lost;
mod margin;
mod measured;
mod plain;
mod policy;
mod refused;
pub mod replay;
pub mod report;
mod sequential;
mod series;
pub mod sizing;
pub mod sketch;
pub mod statistics;
mod traffic;
mod window;

pub use judge::Judge;
pub use judge_state::JudgeState;
pub use margin::Margin;
pub use nprt_core::verdict::{
    Banded, Counted, Decision, Effect, Evidence, MarginUsed, MetricLeftOut, MetricVerdict, Needed,
    PassEvidence, Percentile, QuantileFigures, TestEvidence, VERDICT_SCHEMA, Verdict, VerdictRow,
};
pub use policy::{
    ErrorsRule, EventsRule, FailuresRule, Gate, GrowthRule, KayentaLook, MeasurementsRule, POLICY_SCHEMA,
    PercentileRule, Policy, Preset, QuantileRule, Rule,
};
pub(crate) use series::check;
pub use traffic::Traffic;
pub use window::Window;

/// The README's snippet compiles and runs.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
