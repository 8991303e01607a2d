use std::time::Duration;

use nprt_core::model::Limits;
use nprt_core::ports::LeaseRequest;
use nprt_core::{Error, Result};
use serde::{Deserialize, Serialize};

/// How long the pipeline waits for what, and how much it reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PipelineSettings {
    /// How long a lease lasts without renewal, that is how soon another takes over after a crash; 3 to 3600
    /// seconds, by default 30. It is renewed three times as often.
    pub lease_seconds: u64,
    /// How long the pods of all workloads may take to become ready, and each Job that is
    /// [run](nprt_core::model::annotation::RUN) to succeed, by default 600 seconds.
    pub rollout_seconds: u64,
    /// How long a canary may run before it is neither judged nor promoted any more, only removed; 60 seconds
    /// to 90 days, by default one day. It is written on the canary: a change counts for the next one.
    pub canary_seconds: u64,
    /// How long images may be missing from a registry that lags, by default 300 seconds; 0 does not wait.
    pub image_wait_seconds: u64,
    /// The longest pause between two looks at the registry, by default 30 seconds. The first is one second,
    /// and each twice as long as the one before.
    pub image_poll_seconds: u64,
    /// How much of a repository one operation may read and compute.
    pub limits: Limits,
}

impl Default for PipelineSettings {
    fn default() -> Self {
        Self {
            lease_seconds: 30,
            rollout_seconds: 600,
            canary_seconds: 86_400,
            image_wait_seconds: 300,
            image_poll_seconds: 30,
            limits: Limits::default(),
        }
    }
}

impl PipelineSettings {
    pub(crate) fn check(&self) -> Result<()> {
        let bounds = [
            ("lease_seconds", self.lease_seconds, 3, LeaseRequest::LONGEST.as_secs()),
            ("rollout_seconds", self.rollout_seconds, 1, 86_400),
            ("canary_seconds", self.canary_seconds, 60, 7_776_000),
            ("image_wait_seconds", self.image_wait_seconds, 0, 86_400),
            ("image_poll_seconds", self.image_poll_seconds, 1, 3600),
        ];
        for (field, value, least, most) in bounds {
            if !(least..=most).contains(&value) {
                return Err(Error::invalid(
                    "pipeline.settings",
                    format!("expected {least} to {most} seconds"),
                )
                .with("field", field)
                .with("value", value));
            }
        }
        self.limits.check()
    }

    pub(crate) fn lease(&self) -> Duration {
        Duration::from_secs(self.lease_seconds)
    }

    pub(crate) fn rollout(&self) -> Duration {
        Duration::from_secs(self.rollout_seconds)
    }

    pub(crate) fn canary(&self) -> Duration {
        Duration::from_secs(self.canary_seconds)
    }

    pub(crate) fn image_wait(&self) -> Duration {
        Duration::from_secs(self.image_wait_seconds)
    }

    /// The pause after look number `looks`, from 0.
    pub(crate) fn image_pause(&self, looks: u32) -> Duration {
        Duration::from_secs(1u64.checked_shl(looks.min(32)).unwrap_or(u64::MAX).min(self.image_poll_seconds))
    }
}
