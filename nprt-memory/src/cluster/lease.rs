//! Leases of services, kept beside the objects.

use std::collections::BTreeMap;

use jiff::Timestamp;
use nprt_core::Result;
use nprt_core::model::ServiceName;
use nprt_core::ports::{Busy, Lease, LeaseRequest, Takeover, Transition};

use super::reader::Reader;

#[derive(Debug, Default)]
pub(super) struct Leases {
    held: BTreeMap<ServiceName, Lease>,
    /// The last lease of each service, given back or not: its epoch only grows, and who lost a lease learns
    /// from it to whom.
    last: BTreeMap<ServiceName, Lease>,
}

impl Leases {
    pub(super) fn read(&self, service: &ServiceName, by: &Reader) -> Option<Lease> {
        let lease = by.see(self.held.get(service)?.clone());
        (!lease.left.is_zero()).then_some(lease)
    }

    pub(super) fn transition(&self, service: &ServiceName) -> Option<Transition> {
        self.last.get(service)?.transition.clone()
    }

    pub(super) fn acquire(&mut self, request: &LeaseRequest, now: Timestamp, by: &Reader) -> Result<Lease> {
        request.check("cluster.acquire")?;
        if let Some(holder) = self.read(&request.service, by)
            && request.takeover == Takeover::WhenExpired
        {
            return Err(Busy::refusal("cluster.acquire", &holder, now));
        }
        let last = self.last.get(&request.service);
        let epoch = last.map_or(1, |last| last.epoch + 1);
        let mut transition = last.and_then(|last| last.transition.clone());
        if let (Some(transition), Takeover::Now) = (&mut transition, request.takeover) {
            transition.back = true;
        }
        let lease = Lease {
            service: request.service.clone(),
            holder: request.holder.clone(),
            process: request.process.clone(),
            purpose: request.purpose.clone(),
            epoch,
            acquired: now,
            renewed: now,
            duration: request.duration,
            left: request.duration,
            transition,
        };
        let lease = by.see(lease);
        self.held.insert(request.service.clone(), lease.clone());
        self.last.insert(request.service.clone(), lease.clone());
        Ok(lease)
    }

    /// Refuses a lease that another took over, or that was given back. One that has expired is good until
    /// somebody asks for it.
    pub(super) fn check(&self, lease: &Lease, operation: &'static str) -> Result<()> {
        let same = |held: &&Lease| held.epoch == lease.epoch && held.holder == lease.holder;
        if self.held.get(&lease.service).filter(same).is_some() {
            return Ok(());
        }
        Err(Busy::lost(operation, &lease.service, self.last.get(&lease.service).filter(|last| !same(last))))
    }

    pub(super) fn renew(&mut self, lease: &Lease, now: Timestamp, by: &Reader) -> Result<Lease> {
        self.check(lease, "cluster.renew")?;
        let transition = self.last.get(&lease.service).and_then(|last| last.transition.clone());
        let renewed = by.see(Lease { renewed: now, transition, ..lease.clone() });
        self.held.insert(lease.service.clone(), renewed.clone());
        Ok(renewed)
    }

    pub(super) fn set_transition(&mut self, lease: &Lease, transition: Option<&Transition>) -> Result<()> {
        self.check(lease, "cluster.set_transition")?;
        for leases in [&mut self.held, &mut self.last] {
            if let Some(lease) = leases.get_mut(&lease.service) {
                lease.transition = transition.cloned();
            }
        }
        Ok(())
    }

    pub(super) fn release(&mut self, lease: &Lease) -> bool {
        self.check(lease, "cluster.release").is_ok() && self.held.remove(&lease.service).is_some()
    }
}
