use crate::{Error, Result};

/// The name of a metric, as a policy says it and a backend's configuration maps it to a query:
/// 1 to 100 of letters, digits, `_`, `.` and `-`, beginning with a letter.
///
/// Backends come configured with [`MetricName::LATENCY`], [`MetricName::CPU`], [`MetricName::MEMORY`],
/// [`MetricName::REQUESTS`] and [`MetricName::ERRORS`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MetricName(String);

impl MetricName {
    /// Seconds that each successful request took: samples or histogram.
    pub const LATENCY: &'static str = "latency";
    /// Cores in use, a gauge a pod and minute.
    pub const CPU: &'static str = "cpu";
    /// Bytes in use, a gauge a pod and minute.
    pub const MEMORY: &'static str = "memory";
    /// Requests, and how many of them failed.
    pub const REQUESTS: &'static str = "requests";
    /// Failures by class of error.
    pub const ERRORS: &'static str = "errors";

    /// [`LATENCY`](Self::LATENCY).
    #[must_use]
    pub fn latency() -> Self {
        Self(Self::LATENCY.to_owned())
    }

    /// [`CPU`](Self::CPU).
    #[must_use]
    pub fn cpu() -> Self {
        Self(Self::CPU.to_owned())
    }

    /// [`MEMORY`](Self::MEMORY).
    #[must_use]
    pub fn memory() -> Self {
        Self(Self::MEMORY.to_owned())
    }

    /// [`REQUESTS`](Self::REQUESTS).
    #[must_use]
    pub fn requests() -> Self {
        Self(Self::REQUESTS.to_owned())
    }

    /// [`ERRORS`](Self::ERRORS).
    #[must_use]
    pub fn errors() -> Self {
        Self(Self::ERRORS.to_owned())
    }

    /// Events of Kubernetes that harm a service, each a metric of its own: `restarts`, `oom_kills` and `throttling`.
    #[must_use]
    pub fn pod_events() -> [Self; 3] {
        ["restarts", "oom_kills", "throttling"].map(|name| Self(name.to_owned()))
    }

    /// Validates `name`.
    ///
    /// # Errors
    /// `Invalid` outside the grammar.
    pub fn new(name: &str) -> Result<Self> {
        let valid = name.len() <= 100
            && name.bytes().next().is_some_and(|b| b.is_ascii_alphabetic())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b));
        if !valid {
            let expected = "expected 1 to 100 letters, digits, `_`, `.` and `-`, beginning with a letter";
            return Err(Error::invalid("metric.name", expected).with("metric", format_args!("{name:?}")));
        }
        Ok(Self(name.to_owned()))
    }
}

super::text_value!(MetricName);
