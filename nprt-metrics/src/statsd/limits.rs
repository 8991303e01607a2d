use nprt_core::{Error, Result};
use serde::{Deserialize, Serialize};

/// What bounds the memory: all of it takes at most 250 bytes a block, 8 a sample and the bytes of names, which are some
/// 210 MB by default. Blocks, samples and bytes of names are divided equally among the services.
///
/// Where a limit is met, the metric of that service has no blocks of that minute: part of the measurements might look
/// better than the whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Minutes that are kept; 240 by default.
    pub retention_minutes: u32,
    /// Services that may come by themselves, where none are named; 64 by default.
    pub services: usize,
    /// Blocks in all; 200,000 by default. One is what a metric did in a minute at one pod and route, and each class of
    /// error in it counts as one more.
    pub blocks: usize,
    /// Samples in all, the spare room for those to come included; 16 million by default, which are 128 MB.
    pub samples: usize,
    /// Bytes of the names of versions, pods, routes and classes in all; 32 MiB by default.
    pub name_bytes: usize,
    /// Samples in one block; 100,000 by default.
    pub samples_per_block: usize,
    /// Classes in one block; 1,000 by default.
    pub classes_per_block: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            retention_minutes: 240,
            services: 64,
            blocks: 200_000,
            samples: 16_000_000,
            name_bytes: 32 << 20,
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
            ("limits.blocks", self.blocks),
            ("limits.samples", self.samples),
            ("limits.name_bytes", self.name_bytes),
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
