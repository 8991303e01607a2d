//! How long a lease is held that others have: as we have seen it, whatever time its holder writes in it.

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1 as api;
use nprt_core::Result;
use nprt_core::model::ServiceName;
use nprt_core::ports::Lease;

use super::Leases;
use super::object::held;

impl Leases {
    /// The server's time, where ours is another.
    pub(crate) fn server_time(&self) -> Option<Timestamp> {
        self.server.unlike(&*self.clock)
    }

    pub(super) fn now(&self) -> Timestamp {
        self.server_time().unwrap_or_else(|| self.clock.now())
    }

    /// Who holds the Lease, and how much longer, as we have seen it.
    pub(super) fn seen(&self, service: &ServiceName, live: &api::Lease) -> Option<Lease> {
        held(service, live).map(|lease| self.sightings.see(lease, self.clock.elapsed()))
    }

    /// The lease, where somebody holds it and has renewed it since we have seen it first, or that is not long ago.
    pub(crate) async fn read(&self, service: &ServiceName) -> Result<Option<Lease>> {
        let live = self.read_lease(service).await?;
        Ok(live.and_then(|live| self.seen(service, &live)).filter(|lease| !lease.left.is_zero()))
    }
}
