//! Writes under a lease. What is built on an object that somebody else has changed since is refused by the
//! server, and built anew.

use nprt_core::model::{Object, ServiceName, label};
use nprt_core::ports::{Applied, Change, Lease};
use nprt_core::{Error, Result};
use serde_json::Value;

use crate::apply::{Refusal, contended, live};
use crate::client::Place;
use crate::discovery::remembered_as;
use crate::lease::{Leases, Seen, epoch, recently};
use crate::owned::former_of;

/// How often a write that somebody else was quicker with is tried again.
pub(crate) const ATTEMPTS: usize = 20;

impl Leases {
    /// What applying `object` would do. While a lease of its service is held, what was read is not read again.
    pub(crate) async fn dry_run(&self, operation: &'static str, object: &Object) -> Result<Applied> {
        let place = self.client.place(operation, &object.id()).await?;
        let service = service(object);
        let held = service.as_ref().and_then(|service| self.holds.epoch(service));
        let mut seen = self.holds.seen(&place);
        if held.is_none() {
            seen = self.look(operation, &place).await?;
        }
        for _ in 0..ATTEMPTS {
            let before = seen.as_ref().map(|seen| &seen.object);
            let epoch = epoch_of(seen.as_ref(), held);
            match self.client.apply(operation, &place, object, before, epoch, true).await {
                Ok((after, change)) => {
                    let applied = applied(operation, after, change, before)?;
                    if let Some(service) = service.filter(|_| place.namespace.is_some()) {
                        self.holds.want(&service, remembered_as(&place.resource));
                        seen.into_iter().for_each(|seen| self.holds.see(&service, &place, seen));
                    }
                    return Ok(applied);
                }
                Err(refusal) => seen = self.look_again(operation, &place, seen, refusal).await?,
            }
        }
        Err(contended(operation).with("object", object.id()))
    }

    pub(crate) async fn apply(
        &self,
        operation: &'static str,
        lease: &Lease,
        object: &Object,
    ) -> Result<Applied> {
        let place = self.client.place(operation, &object.id()).await?;
        if place.namespace.is_some() && service(object).is_some() {
            self.remember(operation, lease, &place.resource).await?;
        }
        let mut seen = self.holds.seen(&place);
        for _ in 0..ATTEMPTS {
            match self.attempt(operation, lease, &place, object, seen.as_ref()).await {
                Ok(applied) => return Ok(applied),
                Err(refusal) => seen = self.look_again(operation, &place, seen, refusal).await?,
            }
        }
        Err(contended(operation).with("object", object.id()))
    }

    pub(crate) async fn restore(
        &self,
        operation: &'static str,
        lease: &Lease,
        former: &Object,
    ) -> Result<Option<Applied>> {
        let place = self.client.place(operation, &former.id()).await?;
        let mut seen = self.seen_or_live(operation, &place).await?;
        for _ in 0..ATTEMPTS {
            let Some(now) = &seen else { return Ok(None) };
            let object = former_of(former, &now.object);
            match self.attempt(operation, lease, &place, &object, Some(now)).await {
                Ok(applied) => return Ok(Some(applied)),
                Err(refusal) => seen = self.look_again(operation, &place, seen, refusal).await?,
            }
        }
        Err(contended(operation).with("object", former.id()))
    }

    async fn attempt(
        &self,
        operation: &'static str,
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
                let held = self.check(operation, lease, recently()).await;
                held.map(|()| self.holds.make(lease, place))
            }
            _ => self.may_write(operation, lease, place, before).await,
        }
        .map_err(Refusal::Error)?;
        self.holds.overlook(place);
        let epoch = epoch_of(seen, Some(lease.epoch));
        let answer = self.client.apply(operation, place, object, before, epoch, false).await;
        match answer {
            Ok((after, change)) => {
                self.holds.made(lease, place, true);
                self.holds.see(&lease.service, place, Seen { object: after.clone(), found: false });
                applied(operation, after, change, before).map_err(Refusal::Error)
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

    pub(crate) async fn seen_or_live(&self, operation: &'static str, place: &Place) -> Result<Option<Seen>> {
        match self.holds.seen(place) {
            Some(seen) => Ok(Some(seen)),
            None => self.look(operation, place).await,
        }
    }

    /// The object as it is now.
    pub(crate) async fn look(&self, operation: &'static str, place: &Place) -> Result<Option<Seen>> {
        let live = self.client.get(operation, place).await;
        let live = live.map_err(|failure| failure.into_error(operation).with("object", place))?;
        Ok(live.map(|object| Seen { object, found: false }))
    }

    /// The object as it is now, where it may be another than the one that was seen.
    async fn look_again(
        &self,
        operation: &'static str,
        place: &Place,
        seen: Option<Seen>,
        refusal: Refusal,
    ) -> Result<Option<Seen>> {
        let conflict = match refusal {
            Refusal::Error(error) => return Err(error),
            Refusal::Conflict(error) => Some(error),
            Refusal::Outdated => None,
        };
        let now = self.look(operation, place).await?;
        let version = |seen: &Option<Seen>| {
            seen.as_ref().map(|seen| seen.object["metadata"]["resourceVersion"].clone())
        };
        match conflict {
            Some(error) if version(&seen) == version(&now) => Err(error),
            _ => Ok(now.map(|now| Seen { found: seen.is_none_or(|seen| seen.found), ..now })),
        }
    }
}

/// What came of an apply to the object that was `before`.
fn applied(operation: &'static str, after: Value, change: Change, before: Option<&Value>) -> Result<Applied> {
    let before = before.map(|before| live(operation, before.clone())).transpose()?;
    Ok(Applied { object: live(operation, after)?, change, before, adopts: Vec::new() })
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
