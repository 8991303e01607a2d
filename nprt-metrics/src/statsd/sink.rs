use std::sync::Arc;

use super::Aggregator;
use super::forward::Forward;

/// Where all that is received goes: into the aggregator, and on to another server, if there is one.
#[derive(Debug, Clone)]
pub(super) struct Sink {
    pub(super) aggregator: Arc<Aggregator>,
    pub(super) forward: Option<Arc<Forward>>,
}

impl Sink {
    pub(super) fn take<'a>(&self, packets: impl Iterator<Item = &'a [u8]> + Clone) {
        self.aggregator.ingest_all(packets.clone());
        if let Some(forward) = &self.forward {
            let (sent, failed) = forward.send(packets);
            self.aggregator.forwarded(sent, failed);
        }
    }
}
