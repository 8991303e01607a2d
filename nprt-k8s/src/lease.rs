//! A service's lease: a `coordination.k8s.io` Lease named `nprt-<service>`, changed only as it was read
//! (by its resource version). It stays when it is given back, so that the epoch only grows.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1 as api;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{Api, ObjectMeta, PostParams};
use nprt_core::model::ServiceName;
use nprt_core::ports::{Clock, Lease, LeaseRequest, Takeover};
use nprt_core::{Error, ErrorKind, Result};

use crate::client::{Client, MANAGER};
use crate::discovery::Resource;
use crate::error::Failure;

/// On the Lease: what it is held for, or was.
const PURPOSE: &str = "nprt.dev/purpose";
/// On a Lease that was given back: who held it, so that whoever lost it to them learns of it.
const LAST_HOLDER: &str = "nprt.dev/last-holder";
/// On the Lease: the kinds that were applied for the service beside those that are always listed,
/// `apiVersion/Kind` and separated by commas.
const KINDS: &str = "nprt.dev/kinds";
/// How often a change that somebody else was quicker with is tried again.
const ATTEMPTS: usize = 20;

/// The leases of a namespace.
#[derive(Debug, Clone)]
pub(crate) struct Leases {
    client: Arc<Client>,
    clock: Arc<dyn Clock>,
}

impl Leases {
    pub(crate) fn new(client: Arc<Client>, clock: Arc<dyn Clock>) -> Self {
        Self { client, clock }
    }

    /// The lease, where somebody holds it who renewed it in time.
    pub(crate) async fn read(&self, operation: &'static str, service: &ServiceName) -> Result<Option<Lease>> {
        let live = self.get(operation, service).await?;
        Ok(live.and_then(|live| held(service, &live)).filter(|lease| !lease.is_expired(self.clock.now())))
    }

    pub(crate) async fn acquire(&self, operation: &'static str, request: &LeaseRequest) -> Result<Lease> {
        let LeaseRequest { service, holder, purpose, duration, takeover } = request;
        if holder.is_empty() || duration.is_zero() {
            return Err(
                Error::invalid(operation, "expected a holder and a duration").with("service", service)
            );
        }
        for _ in 0..ATTEMPTS {
            let live = self.get(operation, service).await?;
            let now = self.clock.now();
            let present = live.as_ref().and_then(|live| held(service, live));
            if *takeover == Takeover::WhenExpired
                && present.as_ref().is_some_and(|lease| !lease.is_expired(now))
            {
                return Err(lost(operation, service, present.as_ref()));
            }
            let mut live = live.unwrap_or_else(|| unheld(service));
            let spec = live.spec.get_or_insert_default();
            spec.lease_transitions = Some(spec.lease_transitions.unwrap_or(0).saturating_add(1));
            spec.holder_identity = Some(holder.clone());
            spec.acquire_time = Some(MicroTime(now));
            spec.renew_time = Some(MicroTime(now));
            spec.lease_duration_seconds = Some(whole_seconds(*duration));
            let annotations = live.metadata.annotations.get_or_insert_default();
            annotations.insert(PURPOSE.to_owned(), purpose.clone());
            annotations.remove(LAST_HOLDER);
            if let Some(live) = self.write(operation, &live).await? {
                return held(service, &live).ok_or_else(|| strange(operation, service));
            }
        }
        Err(contended(operation, service))
    }

    pub(crate) async fn renew(&self, operation: &'static str, lease: &Lease) -> Result<Lease> {
        let now = self.clock.now();
        let renewed = self
            .change(operation, lease, |live| {
                live.spec.get_or_insert_default().renew_time = Some(MicroTime(now));
                true
            })
            .await?;
        held(&lease.service, &renewed).ok_or_else(|| strange(operation, &lease.service))
    }

    pub(crate) async fn release(&self, operation: &'static str, lease: &Lease) -> Result<()> {
        let given_back = self.change(operation, lease, |live| {
            live.spec.get_or_insert_default().holder_identity = None;
            let annotations = live.metadata.annotations.get_or_insert_default();
            annotations.insert(LAST_HOLDER.to_owned(), lease.holder.clone());
            true
        });
        match given_back.await {
            Err(error) if error.is_conflict() => Ok(()),
            result => result.map(drop),
        }
    }

    /// Fails with `Conflict` unless `lease` is held still. One that has expired is good until somebody else
    /// takes it.
    pub(crate) async fn check(&self, operation: &'static str, lease: &Lease) -> Result<()> {
        self.still(operation, lease).await.map(drop)
    }

    /// Remembers that an object of this kind belongs to the service, before it is applied. Fails as
    /// [`check`](Leases::check) does.
    pub(crate) async fn remember(
        &self,
        operation: &'static str,
        lease: &Lease,
        kind: &Resource,
    ) -> Result<()> {
        let name = format!("{}/{}", kind.api.api_version, kind.api.kind);
        let remembered = self.change(operation, lease, |live| {
            let kinds =
                live.metadata.annotations.get_or_insert_default().entry(KINDS.to_owned()).or_default();
            if kinds.split(',').any(|known| known == name) {
                return false;
            }
            *kinds = if kinds.is_empty() { name.clone() } else { format!("{kinds},{name}") };
            true
        });
        remembered.await.map(drop)
    }

    /// The kinds that were remembered, as `(apiVersion, kind)`.
    pub(crate) async fn remembered(
        &self,
        operation: &'static str,
        service: &ServiceName,
    ) -> Result<Vec<(String, String)>> {
        let live = self.get(operation, service).await?;
        let annotations = live.and_then(|live| live.metadata.annotations).unwrap_or_default();
        let kinds = annotations.get(KINDS).map(String::as_str).unwrap_or_default();
        let pairs = kinds.split(',').filter_map(|kind| kind.rsplit_once('/'));
        Ok(pairs.map(|(version, kind)| (version.to_owned(), kind.to_owned())).collect())
    }

    /// Changes the Lease that we hold, and again where somebody else (such as our own renewal) was quicker.
    /// `change` says whether there is anything to write.
    async fn change(
        &self,
        operation: &'static str,
        lease: &Lease,
        change: impl Fn(&mut api::Lease) -> bool,
    ) -> Result<api::Lease> {
        for _ in 0..ATTEMPTS {
            let mut live = self.still(operation, lease).await?;
            if !change(&mut live) {
                return Ok(live);
            }
            if let Some(live) = self.write(operation, &live).await? {
                return Ok(live);
            }
        }
        Err(contended(operation, &lease.service))
    }

    /// The live Lease, if it is still ours.
    async fn still(&self, operation: &'static str, lease: &Lease) -> Result<api::Lease> {
        let live = self.get(operation, &lease.service).await?;
        let ours = |held: &Lease| held.holder == lease.holder && held.epoch == lease.epoch;
        if live.as_ref().and_then(|live| held(&lease.service, live)).is_some_and(|held| ours(&held)) {
            return live.ok_or_else(|| lost(operation, &lease.service, None));
        }
        let last = live.as_ref().and_then(|live| last(&lease.service, live));
        Err(lost(operation, &lease.service, last.filter(|last| !ours(last)).as_ref()))
    }

    async fn get(&self, operation: &'static str, service: &ServiceName) -> Result<Option<api::Lease>> {
        let name = name(service);
        match self.client.call(operation, self.api().get(&name)).await {
            Ok(live) => Ok(Some(live)),
            Err(failure) if failure.is_not_found() => Ok(None),
            Err(failure) => Err(failure.into_error(operation).with("service", service)),
        }
    }

    /// Writes the Lease as it was read, or makes it; `None` where somebody else was quicker.
    async fn write(&self, operation: &'static str, lease: &api::Lease) -> Result<Option<api::Lease>, Error> {
        let (leases, params) =
            (self.api(), PostParams { field_manager: Some(MANAGER.to_owned()), dry_run: false });
        let name = lease.metadata.name.as_deref().unwrap_or_default();
        let answer: Result<_, Failure> = match lease.metadata.resource_version {
            Some(_) => self.client.call(operation, leases.replace(name, &params, lease)).await,
            None => self.client.call(operation, leases.create(&params, lease)).await,
        };
        match answer {
            Ok(lease) => Ok(Some(lease)),
            Err(failure) if failure.is_conflict() => Ok(None),
            // A person deleted it meanwhile.
            Err(failure) if failure.is_not_found() && lease.metadata.resource_version.is_some() => Ok(None),
            Err(failure) => Err(failure.into_error(operation).with("lease", name)),
        }
    }

    fn api(&self) -> Api<api::Lease> {
        Api::namespaced(self.client.kube.clone(), &self.client.namespace)
    }
}

fn name(service: &ServiceName) -> String {
    format!("nprt-{service}")
}

fn unheld(service: &ServiceName) -> api::Lease {
    let metadata = ObjectMeta { name: Some(name(service)), ..ObjectMeta::default() };
    api::Lease { metadata, spec: None }
}

/// Who holds the Lease, whether in time or not. One that does not say when it was renewed has expired.
fn held(service: &ServiceName, lease: &api::Lease) -> Option<Lease> {
    let holder = lease.spec.as_ref()?.holder_identity.as_ref()?;
    by(holder, service, lease)
}

/// Who holds the Lease, or held it last.
fn last(service: &ServiceName, lease: &api::Lease) -> Option<Lease> {
    held(service, lease)
        .or_else(|| by(lease.metadata.annotations.as_ref()?.get(LAST_HOLDER)?, service, lease))
}

fn by(holder: &str, service: &ServiceName, lease: &api::Lease) -> Option<Lease> {
    if holder.is_empty() {
        return None;
    }
    let spec = lease.spec.as_ref()?;
    let purpose = lease.metadata.annotations.as_ref().and_then(|all| all.get(PURPOSE)).cloned();
    let time = |time: &Option<MicroTime>| time.as_ref().map_or(Timestamp::UNIX_EPOCH, |time| time.0);
    let seconds = spec.lease_duration_seconds.and_then(|seconds| u64::try_from(seconds).ok());
    Some(Lease {
        service: service.clone(),
        holder: holder.to_owned(),
        purpose: purpose.unwrap_or_default(),
        epoch: spec.lease_transitions.and_then(|epoch| u64::try_from(epoch).ok()).unwrap_or(0),
        acquired: time(&spec.acquire_time),
        renewed: time(&spec.renew_time),
        duration: Duration::from_secs(seconds.unwrap_or(0)),
    })
}

/// A Lease lasts whole seconds: at least as long as was asked for.
fn whole_seconds(duration: Duration) -> i32 {
    let rounded = duration.as_secs().saturating_add(u64::from(duration.subsec_nanos() > 0));
    i32::try_from(rounded).unwrap_or(i32::MAX)
}

fn lost(operation: &'static str, service: &ServiceName, holder: Option<&Lease>) -> Error {
    let error = |message| Error::new(ErrorKind::Conflict, operation, message).with("service", service);
    match holder {
        Some(holder) => error("somebody else has the lease, or had it since").with("holder", holder),
        None => error("the lease was given back, or deleted"),
    }
}

fn contended(operation: &'static str, service: &ServiceName) -> Error {
    Error::new(ErrorKind::Conflict, operation, "others keep changing the lease")
        .with("service", service)
        .with_retry(nprt_core::Retry::Temporary)
}

fn strange(operation: &'static str, service: &ServiceName) -> Error {
    Error::new(ErrorKind::Unexpected, operation, "the server did not keep the lease").with("service", service)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_lasts_at_least_as_long_as_asked_for() {
        assert_eq!(whole_seconds(Duration::from_millis(1)), 1);
        assert_eq!(whole_seconds(Duration::from_secs(30)), 30);
        assert_eq!(whole_seconds(Duration::from_millis(30_001)), 31);
        assert_eq!(whole_seconds(Duration::MAX), i32::MAX);
    }
}
