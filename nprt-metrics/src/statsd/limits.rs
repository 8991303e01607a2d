use nprt_core::{Error, Result};
use serde::{Deserialize, Serialize};

/// What bounds the memory: whatever is sent, what is kept takes [`memory_bytes`](Limits::memory_bytes) at the most.
///
/// Each service has an equal share for certain, and may use what others leave. Where a limit is met, the metric of that
/// service has no blocks of that minute: part of the measurements might look better than the whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Minutes that are kept; 240 by default.
    pub retention_minutes: u32,
    /// Services that may come by themselves, where none are named; 64 by default.
    pub services: usize,
    /// Bytes in all; 256 MiB by default. Of a minute that is over, a block (what a metric did at one pod and route) takes 4
    /// to 12 bytes, and of a latency 2 bytes for each bin of the sketch that holds samples: some 600 bytes where there are
    /// thousands of them.
    pub memory_bytes: usize,
    /// Samples that a block is answered with; 100,000 by default. Of more, so many are answered, spread evenly over their
    /// ranks.
    pub samples_per_block: usize,
    /// Classes in one block; 1,000 by default.
    pub classes_per_block: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            retention_minutes: 240,
            services: 64,
            memory_bytes: 256 << 20,
            samples_per_block: 100_000,
            classes_per_block: 1_000,
        }
    }
}

impl Limits {
    /// # Errors
    /// `Invalid` for a limit of zero, naming it.
    pub(super) fn check(&self) -> Result<()> {
        let retention_minutes = usize::try_from(self.retention_minutes).unwrap_or(usize::MAX);
        for (name, limit) in [
            ("limits.retention_minutes", retention_minutes),
            ("limits.services", self.services),
            ("limits.memory_bytes", self.memory_bytes),
            ("limits.samples_per_block", self.samples_per_block),
            ("limits.classes_per_block", self.classes_per_block),
        ] {
            if limit == 0 {
                return Err(Error::invalid("statsd.config", "a limit must be at least 1").with("field", name));
            }
        }
        Ok(())
    }
}
