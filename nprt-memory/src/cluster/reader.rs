//! One process that looks at the cluster, by a clock of its own.

use std::sync::Arc;

use jiff::Timestamp;
use nprt_core::ports::{Clock, Lease, Sightings};

#[derive(Debug, Clone)]
pub(super) struct Reader {
    clock: Arc<dyn Clock>,
    sightings: Arc<Sightings>,
}

impl Reader {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, sightings: Arc::default() }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The lease, with how much longer it counts as held for this process.
    pub(super) fn see(&self, lease: Lease) -> Lease {
        self.sightings.see(lease, self.clock.elapsed())
    }
}
