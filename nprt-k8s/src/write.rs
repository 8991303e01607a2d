//! Writes under a lease. What is built on an object that somebody else has changed since is refused by the
//! server, and built anew.

use nprt_core::model::{Object, ServiceName, label};
use nprt_core::ports::{Applied, Change, Lease};
use nprt_core::{Error, Result};
use serde_json::Value;

use crate::apply::{Refusal, applied};
use crate::belongs::{owner, still_belongs};
use crate::change::{gained, is_written_again};
use crate::contention::{contended, tries};
use crate::lease::{Leases, Seen, recently};
use crate::object::{epoch, live};
use crate::owned::former_of;
use crate::resource::{Place, remembered_as};

impl Leases {
    /// What applying `object` would do. While a lease of its service is held, what was read is not read again.
    pub(crate) async fn dry_run(&self, object: &Object) -> Result<Applied> {
        let place = self.client.place(&object.id()).await?;
        let service = service(object);
        let held = service.as_ref().and_then(|service| self.holds.epoch(service));
        let mut seen = match &service {
            Some(service) if held.is_some() => self.known(service, &place).await?,
            _ => self.look(&place).await?,
        };
        let mut tries = tries(&*self.clock);
        while tries.next().await {
            let before = seen.as_ref().map(|seen| &seen.object);
            let epoch = epoch_of(seen.as_ref(), held);
            match self.client.apply(&place, object, before, epoch, true).await {
                Ok(outcome) => {
                    let applied = applied(outcome, before)?;
                    if let Some(service) = service {
                        if place.namespace.is_some() {
                            self.holds.want(&service, remembered_as(&place.resource));
                        }
                        if let Some(seen) = seen {
                            let again = rewrites(&applied, &seen.object);
                            self.holds.see(&service, &place, Seen { again, ..seen });
                        }
                    }
                    return Ok(applied);
                }
                Err(refusal) => seen = self.look_again(&place, seen, refusal).await?,
            }
        }
        Err(contended().with("object", object.id()))
    }

    pub(crate) async fn apply(&self, lease: &Lease, object: &Object) -> Result<Applied> {
        let place = self.client.place(&object.id()).await?;
        if place.namespace.is_some() && service(object).is_some() {
            self.remember(lease, &place.resource).await?;
        }
        let mut seen = self.known(&lease.service, &place).await?;
        let mut first = None;
        let mut tries = tries(&*self.clock);
        while tries.next().await {
            let is_first = tries.made() == 1;
            match self.attempt(lease, &place, object, seen.as_ref()).await {
                // An earlier attempt may have done the first of its requests.
                Ok(applied) if !is_first && applied.change == Change::Unchanged => {
                    let took = first.is_some_and(|first| gained(&first, applied.object.as_value()));
                    let change = if took { Change::Configured } else { Change::Unchanged };
                    return Ok(Applied { change, ..applied });
                }
                Ok(applied) => return Ok(applied),
                Err(refusal) => {
                    if is_first {
                        first = seen.as_ref().map(|seen| seen.object.clone());
                    }
                    let before = owner(seen.as_ref().map(|seen| &seen.object));
                    seen = self.look_again(&place, seen, refusal).await?;
                    let others = [before.as_deref(), object.label(label::SERVICE)];
                    still_belongs(lease, object.id(), &others, seen.as_ref())?;
                }
            }
        }
        Err(contended().with("object", object.id()))
    }

    pub(crate) async fn restore(&self, lease: &Lease, former: &Object) -> Result<Option<Applied>> {
        let place = self.client.place(&former.id()).await?;
        let mut seen = self.seen_or_live(&place).await?;
        let mut tries = tries(&*self.clock);
        while tries.next().await {
            let Some(now) = &seen else { return Ok(None) };
            still_belongs(lease, former.id(), &[former.label(label::SERVICE)], Some(now))?;
            let object = former_of(former, &now.object);
            match self.attempt(lease, &place, &object, Some(now)).await {
                Ok(applied) => return Ok(Some(applied)),
                Err(refusal) => seen = self.look_again(&place, seen, refusal).await?,
            }
        }
        Err(contended().with("object", former.id()))
    }

    async fn attempt(
        &self,
        lease: &Lease,
        place: &Place,
        object: &Object,
        seen: Option<&Seen>,
    ) -> Result<Applied, Refusal> {
        let before = seen.map(|seen| &seen.object);
        match before {
            // All that is found of a service has its label: what has none is looked for by those alone who
            // know from the Lease that it is there.
            None if service(object).is_none() => {
                let held = self.check(lease, recently()).await;
                held.map(|()| self.holds.make(lease, place))
            }
            _ => self.may_write(lease, place, before).await,
        }
        .map_err(Refusal::Error)?;
        self.holds.overlook(place);
        let epoch = epoch_of(seen, Some(lease.epoch));
        if let Some(seen) = seen.filter(|seen| seen.again) {
            // The server would write it again as it is.
            let outcome = self.client.apply(place, object, before, epoch, true).await?;
            let applied = applied(outcome, before).map_err(Refusal::Error)?;
            if rewrites(&applied, &seen.object) {
                self.holds.see(&lease.service, place, seen.clone());
                return Ok(Applied { object: live(seen.object.clone()).map_err(Refusal::Error)?, ..applied });
            }
        }
        let answer = self.client.apply(place, object, before, epoch, false).await;
        match answer {
            Ok(outcome) => {
                self.holds.made(lease, place, true);
                self.holds.see(&lease.service, place, Seen::new(outcome.after.clone()));
                applied(outcome, before).map_err(Refusal::Error)
            }
            Err(Refusal::Error(error)) if error.is_temporary() => {
                Err(Refusal::Error(self.doubted(lease, error)))
            }
            Err(refusal) => {
                self.holds.made(lease, place, false);
                Err(refusal)
            }
        }
    }

    /// A write without an answer may still land.
    pub(crate) fn doubted(&self, lease: &Lease, error: Error) -> Error {
        if error.is_temporary() {
            self.holds.doubt(lease);
        }
        error
    }

    /// The object as it was read last while a lease of the service is held, in the version of `place`. What the
    /// service's list does not have is not there, unless it has no namespace: the list is of one.
    async fn known(&self, service: &ServiceName, place: &Place) -> Result<Option<Seen>> {
        match self.holds.seen(place) {
            Some(seen) if seen.object["apiVersion"] == *place.resource.api.api_version => Ok(Some(seen)),
            Some(_) => self.look(place).await,
            None if place.namespace.is_none() => {
                let found = self.holds.is_fenced(service);
                Ok(self.look(place).await?.map(|seen| Seen { found, ..seen }))
            }
            None => Ok(None),
        }
    }

    /// The object as it is now, where it may be another than the one that was seen.
    async fn look_again(&self, place: &Place, seen: Option<Seen>, refusal: Refusal) -> Result<Option<Seen>> {
        let conflict = match refusal {
            Refusal::Error(error) => return Err(error),
            Refusal::Conflict(error) => Some(error),
            Refusal::Outdated => None,
        };
        let now = self.look(place).await?;
        let version = |seen: &Option<Seen>| {
            seen.as_ref().map(|seen| seen.object["metadata"]["resourceVersion"].clone())
        };
        match conflict {
            Some(error) if version(&seen) == version(&now) => Err(error),
            _ => Ok(now.map(|now| Seen { found: seen.is_none_or(|seen| seen.found), ..now })),
        }
    }
}

/// Whether an apply would have the server write an object again that stays as it is.
fn rewrites(applied: &Applied, before: &Value) -> bool {
    applied.change == Change::Unchanged && is_written_again(before, applied.object.as_value())
}

/// The epoch that an object is to name. One that is there keeps its own, so that what is so already is not
/// written; one that was made after the lease was taken, by whoever had lost it, is taken over.
fn epoch_of(seen: Option<&Seen>, held: Option<u64>) -> Option<u64> {
    let Some(seen) = seen else { return held };
    let named = epoch(&seen.object)?;
    if seen.found { held.or(Some(named)) } else { Some(named) }
}

fn service(object: &Object) -> Option<ServiceName> {
    ServiceName::new(object.label(label::SERVICE)?).ok()
}
