//! A service's lease: a `coordination.k8s.io` Lease named `nprt-<service>`, changed only as it was read
//! (by its resource version). It stays when it is given back, so that the epoch only grows.

mod fence;
mod hold;
mod object;
mod watch;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use k8s_openapi::api::coordination::v1 as api;
use kube::api::{Api, PostParams};
use nprt_core::model::ServiceName;
use nprt_core::ports::{Busy, Clock, Lease, LeaseRequest, Sightings, Takeover, Transition};
use nprt_core::{Error, ErrorKind, Result};

use crate::client::Client;
use crate::contention::tries;
use crate::error::Failure;
use crate::operation::operation;
use crate::owners::MANAGER;
use crate::resource::{Resource, built_in, remembered_as};
use crate::server_time::ServerTime;
pub(crate) use hold::{Holds, Seen};
use object::{held, last, name};

/// How long it is taken for granted that a lease is held still, before an object is changed: a write that comes
/// too late all the same is refused by the server, since whoever took the lease changed the object.
const RECENT: Duration = Duration::from_secs(1);

/// The leases of a namespace.
#[derive(Debug, Clone)]
pub(crate) struct Leases {
    pub(crate) client: Arc<Client>,
    pub(crate) holds: Holds,
    pub(crate) clock: Arc<dyn Clock>,
    server: ServerTime,
    sightings: Arc<Sightings>,
}

impl Leases {
    pub(crate) fn new(client: Arc<Client>, clock: Arc<dyn Clock>, server: ServerTime) -> Self {
        Self { client, holds: Holds::default(), clock, server, sightings: Arc::default() }
    }

    /// The change of version that the Lease tells of, whoever holds it.
    pub(crate) async fn transition(&self, service: &ServiceName) -> Result<Option<Transition>> {
        Ok(self.read_lease(service).await?.as_ref().and_then(object::transition))
    }

    /// Takes the lease, and makes sure that no write of an earlier holder changes anything any more.
    pub(crate) async fn acquire(&self, request: &LeaseRequest) -> Result<Lease> {
        request.check(operation())?;
        let LeaseRequest { service, takeover, .. } = request;
        // Where it was given back here, it is most likely as it was then.
        let mut known = self.holds.idle(service);
        let mut tries = tries(&*self.clock);
        while tries.next().await {
            let live = match known.take() {
                Some(idle) => Some(idle),
                None => self.read_lease(service).await?,
            };
            let now = self.now();
            let present = live.as_ref().and_then(|live| self.seen(service, live));
            let waits = *takeover == Takeover::WhenExpired;
            if let Some(holder) = present.filter(|lease| waits && !lease.left.is_zero()) {
                return Err(Busy::refusal(operation(), &holder, now));
            }
            let is_clean = live.as_ref().is_some_and(object::is_clean);
            let mut live = match live {
                Some(live) => live,
                None => self.first(service).await?,
            };
            object::take(&mut live, request, now);
            let asked = Instant::now();
            let Some(live) = self.write(&live).await? else { continue };
            let lease = self.seen(service, &live).ok_or_else(|| strange(service))?;
            self.holds.begin(&lease, live, asked, !is_clean);
            if !is_clean && let Err(error) = self.fence(&lease).await {
                // Whoever takes it next has to.
                self.holds.doubt(&lease);
                _ = self.release(&lease).await;
                return Err(error);
            }
            return Ok(lease);
        }
        Err(contended(service))
    }

    pub(crate) async fn renew(&self, lease: &Lease) -> Result<Lease> {
        let now = self.now();
        let renewed = self.change(lease, |live| object::renew(live, now)).await?;
        self.seen(&lease.service, &renewed).ok_or_else(|| strange(&lease.service))
    }

    /// That a change is over is written with the next change of the Lease: until then whoever takes it looks
    /// for what was recorded, and finds nothing.
    pub(crate) async fn set_transition(&self, lease: &Lease, transition: Option<Transition>) -> Result<()> {
        self.holds.settle(lease, transition.is_none());
        match transition {
            None if self.holds.live(lease).is_some() => self.check(lease, recently()).await,
            transition => {
                let tell = |live: &mut api::Lease| object::tell(live, transition.clone());
                self.change(lease, tell).await.map(drop)
            }
        }
    }

    pub(crate) async fn release(&self, lease: &Lease) -> Result<bool> {
        let unsure = self.holds.is_unsure(lease);
        match self.change(lease, |live| object::give_back(live, unsure)).await {
            Ok(live) => {
                self.holds.end(lease, Some(live));
                Ok(true)
            }
            Err(error) if error.is_conflict() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Fails with `Conflict` unless a request that began no earlier than `since` found `lease` held. One that
    /// has expired is good until somebody else takes it. Many who ask at the same time learn by one request.
    pub(crate) async fn check(&self, lease: &Lease, since: Instant) -> Result<()> {
        if self.holds.is_confirmed(lease, since) {
            return Ok(());
        }
        let asking = self.holds.asking(lease);
        let _one = asking.lock().await;
        if self.holds.is_confirmed(lease, since) {
            return Ok(());
        }
        self.still(lease).await.map(drop)
    }

    /// Remembers that the service has objects of this kind, before one is applied.
    pub(crate) async fn remember(&self, lease: &Lease, kind: &Resource) -> Result<()> {
        let kind = remembered_as(kind);
        let live = self.holds.live(lease);
        if live.and_then(|live| object::kinds(&live)).is_some_and(|kinds| kinds.contains(&kind)) {
            return Ok(());
        }
        self.holds.want(&lease.service, kind.clone());
        let kind = BTreeSet::from([kind]);
        self.change(lease, |live| object::remember(live, &kind)).await.map(drop)
    }

    /// The kinds of which the service may have objects.
    pub(crate) async fn kinds(&self, service: &ServiceName) -> Result<Vec<Resource>> {
        let live = match self.holds.live_of(service) {
            Some(live) => Some(live),
            None => self.read_lease(service).await?,
        };
        let Some(names) = live.as_ref().and_then(object::kinds) else { return Ok(built_in().collect()) };
        let mut kinds = Vec::new();
        for (api_version, kind) in names.iter().filter_map(|name| name.rsplit_once('/')) {
            match self.client.resource(api_version, kind).await {
                Ok(resource) => kinds.push(resource),
                // Its definition was removed, and all objects with it.
                Err(error) if error.is_invalid() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(kinds)
    }

    /// Changes the Lease that we hold, and again where somebody else (such as our own renewal) was quicker.
    async fn change(&self, lease: &Lease, change: impl Fn(&mut api::Lease)) -> Result<api::Lease> {
        let mut known = self.holds.live(lease);
        let mut tries = tries(&*self.clock);
        while tries.next().await {
            let asked = Instant::now();
            let mut live = match known.take() {
                Some(live) => live,
                None => self.still(lease).await?,
            };
            if self.holds.is_settled(lease) {
                object::tell(&mut live, None);
            }
            object::remember(&mut live, &self.holds.wanted(lease));
            change(&mut live);
            if let Some(live) = self.write(&live).await? {
                self.holds.confirm(lease, live.clone(), asked);
                return Ok(live);
            }
        }
        Err(contended(&lease.service))
    }

    /// The live Lease, if it is still ours. If somebody else took it, what we may have made since is taken back.
    async fn still(&self, lease: &Lease) -> Result<api::Lease> {
        let asked = Instant::now();
        let live = self.read_lease(&lease.service).await?;
        let ours = |held: &Lease| held.holder == lease.holder && held.epoch == lease.epoch;
        if let Some(live) = &live
            && held(&lease.service, live).is_some_and(|held| ours(&held))
        {
            self.holds.confirm(lease, live.clone(), asked);
            return Ok(live.clone());
        }
        let made = self.holds.end(lease, None);
        if let Some(live) = live.as_ref().filter(|live| object::epoch(live) > lease.epoch) {
            self.take_back(lease, &made, object::is_changing(live)).await;
        }
        let last = live.as_ref().and_then(|live| last(&lease.service, live));
        Err(Busy::lost(operation(), &lease.service, last.filter(|last| !ours(last)).as_ref()))
    }

    async fn read_lease(&self, service: &ServiceName) -> Result<Option<api::Lease>> {
        let name = name(service);
        match self.client.call(self.api().get(&name)).await {
            Ok(live) => Ok(Some(live)),
            Err(failure) if failure.is_not_found() => Ok(None),
            Err(failure) => Err(failure.into_error().with("service", service)),
        }
    }

    /// Writes the Lease as it was read, or makes it; `None` where somebody else was quicker.
    async fn write(&self, lease: &api::Lease) -> Result<Option<api::Lease>, Error> {
        let (leases, params) =
            (self.api(), PostParams { field_manager: Some(MANAGER.to_owned()), dry_run: false });
        let name = lease.metadata.name.as_deref().unwrap_or_default();
        let answer: Result<_, Failure> = match lease.metadata.resource_version {
            Some(_) => self.client.call(leases.replace(name, &params, lease)).await,
            None => self.client.call(leases.create(&params, lease)).await,
        };
        match answer {
            Ok(lease) => Ok(Some(lease)),
            Err(failure) if failure.is_conflict() => Ok(None),
            // A person deleted it meanwhile.
            Err(failure) if failure.is_not_found() && lease.metadata.resource_version.is_some() => Ok(None),
            Err(failure) => Err(failure.into_error().with("lease", name)),
        }
    }

    fn api(&self) -> Api<api::Lease> {
        Api::namespaced(self.client.kube.clone(), &self.client.namespace)
    }
}

/// Long enough ago to be trusted before an object is changed.
pub(crate) fn recently() -> Instant {
    let now = Instant::now();
    now.checked_sub(RECENT).unwrap_or(now)
}

fn contended(service: &ServiceName) -> Error {
    Error::new(ErrorKind::Conflict, operation(), "others keep changing the lease")
        .with("service", service)
        .with_retry(nprt_core::Retry::Temporary)
}

fn strange(service: &ServiceName) -> Error {
    Error::new(ErrorKind::Unexpected, operation(), "the server did not keep the lease")
        .with("service", service)
}
