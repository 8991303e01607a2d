//! Leases of services, kept beside the objects. An epoch outlives its lease, so that it only grows.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::model::ServiceName;
use crate::ports::{Lease, LeaseRequest, Takeover};
use crate::{Error, ErrorKind, Result};

#[derive(Debug, Default)]
pub(super) struct Leases {
    held: BTreeMap<ServiceName, Lease>,
    epochs: BTreeMap<ServiceName, u64>,
}

impl Leases {
    pub(super) fn read(&self, service: &ServiceName, now: Timestamp) -> Option<&Lease> {
        self.held.get(service).filter(|lease| !lease.is_expired(now))
    }

    pub(super) fn acquire(&mut self, request: &LeaseRequest, now: Timestamp) -> Result<Lease> {
        if let Some(holder) = self.read(&request.service, now)
            && request.takeover == Takeover::WhenExpired
        {
            return Err(lost("cluster.acquire", &request.service, Some(holder)));
        }
        let epoch = self.epochs.entry(request.service.clone()).or_default();
        *epoch += 1;
        let lease = Lease {
            service: request.service.clone(),
            holder: request.holder.clone(),
            purpose: request.purpose.clone(),
            epoch: *epoch,
            acquired: now,
            renewed: now,
            duration: request.duration,
        };
        self.held.insert(request.service.clone(), lease.clone());
        Ok(lease)
    }

    /// Refuses a lease that another took over, or that was given back. One that has expired is good until
    /// somebody asks for it.
    pub(super) fn check(&self, lease: &Lease, operation: &'static str) -> Result<()> {
        let held = self.held.get(&lease.service);
        if held.is_some_and(|held| held.epoch == lease.epoch && held.holder == lease.holder) {
            return Ok(());
        }
        Err(lost(operation, &lease.service, held))
    }

    pub(super) fn renew(&mut self, lease: &Lease, now: Timestamp) -> Result<Lease> {
        self.check(lease, "cluster.renew")?;
        let renewed = Lease { renewed: now, ..lease.clone() };
        self.held.insert(lease.service.clone(), renewed.clone());
        Ok(renewed)
    }

    pub(super) fn release(&mut self, lease: &Lease) {
        if self.check(lease, "cluster.release").is_ok() {
            self.held.remove(&lease.service);
        }
    }
}

fn lost(operation: &'static str, service: &ServiceName, holder: Option<&Lease>) -> Error {
    let error = |message| Error::new(ErrorKind::Conflict, operation, message).with("service", service);
    match holder {
        Some(holder) => error("somebody else holds the lease").with("holder", holder),
        None => error("the lease was given back"),
    }
}
