//! What the server refuses to whoever lost a lease.
//!
//! Each write names the very object that was read: its uid and resource version, or that there is none. Whoever
//! takes a lease that was not given back in order changes every object of the service first: its annotation
//! `nprt.dev/epoch`. So a write that was built before that is refused by the server, however late it comes, and
//! one who reads an object after that sees that it is no longer theirs to change. Only an object that was not
//! there can still be made too late. Whoever made it asks then whether the lease was held, and takes it back.

use std::collections::BTreeSet;
use std::time::Instant;

use futures_util::future::{join_all, try_join_all};
use k8s_openapi::api::coordination::v1 as api;
use nprt_core::Result;
use nprt_core::model::{Object, ServiceName, label};
use nprt_core::ports::Lease;
use serde_json::Value;

use super::hold::Seen;
use super::{Leases, object, recently};
use crate::contention::{contended, tries};
use crate::error::Failure;
use crate::object::{epoch, name_epoch, pin};
use crate::resource::{Place, Resource, built_in, remembered_as};

impl Leases {
    /// A first Lease for a service: its epoch is later than any that its objects name.
    pub(super) async fn first(&self, service: &ServiceName) -> Result<api::Lease> {
        let kinds: Vec<_> = built_in().collect();
        let objects = self.client.list_service(service, &kinds).await?;
        let latest = objects.iter().filter_map(|object| epoch(object.as_value())).max();
        let has = |kind: &&Resource| {
            objects.iter().any(|object| {
                (object.kind(), object.api_version()) == (&*kind.api.kind, &*kind.api.api_version)
            })
        };
        let names: BTreeSet<String> = kinds.iter().filter(has).map(remembered_as).collect();
        Ok(object::first(service, &names, latest.unwrap_or(0)))
    }

    /// Makes every object of the service another than those who held the lease before have read.
    pub(super) async fn fence(&self, lease: &Lease) -> Result<()> {
        let kinds = self.kinds(&lease.service).await?;
        let objects = self.client.list_service(&lease.service, &kinds).await?;
        try_join_all(objects.into_iter().map(|object| self.stamp(lease, object))).await.map(drop)
    }

    /// One that the server refuses for another reason stays as it is: a rollback must not fail by it, and would
    /// then be the only one that can still change it.
    async fn stamp(&self, lease: &Lease, object: Object) -> Result<()> {
        let place = self.client.place(&object.id()).await?;
        let mut live = object.into_value();
        let mut tries = tries(&*self.clock);
        while tries.next().await {
            let Some(mut owned) = self.client.applied(&place, live.clone()).await? else {
                return Ok(());
            };
            let place = self.client.place(&owned.id()).await?;
            name_epoch(owned.as_value_mut(), Some(lease.epoch));
            pin(owned.as_value_mut(), Some(&live));
            let stamped = self.client.patch(&place, owned.as_value(), false, false).await;
            match stamped {
                Ok(object) => {
                    self.holds.see(&lease.service, &place, Seen::new(object));
                    return Ok(());
                }
                Err(failure) if failure.is_outdated() => match self.client.get(&place).await {
                    Ok(Some(now)) => live = now,
                    Ok(None) => return Ok(()),
                    Err(failure) => return Err(failure.into_error().with("object", owned.id())),
                },
                Err(failure) => {
                    let refused = matches!(failure, Failure::Refused(_));
                    let error = failure.into_error().with("object", owned.id());
                    if !refused || error.is_temporary() {
                        return Err(error);
                    }
                    tracing::warn!(%error, "an object cannot be fenced, and stays as it is");
                    return Ok(());
                }
            }
        }
        Err(contended().with("object", &place))
    }

    /// Makes sure that an object may be written that was seen as `before`: that the lease is held, and that
    /// nobody who took it since has changed the object.
    pub(crate) async fn may_write(&self, lease: &Lease, place: &Place, before: Option<&Value>) -> Result<()> {
        let Some(before) = before else {
            let since = Instant::now();
            // All that are made together ask after the last of them has begun, with one request.
            tokio::task::yield_now().await;
            self.check(lease, since).await?;
            self.holds.make(lease, place);
            return Ok(());
        };
        let is_of_later = epoch(before).is_some_and(|epoch| epoch > lease.epoch);
        // One of a Lease that was deleted may have a later epoch too: the Lease that is there decides.
        let since = if is_of_later { Instant::now() } else { recently() };
        self.check(lease, since).await
    }

    /// Deletes what may have been made after the lease was lost: what says that it was made under it, since
    /// whoever took the lease changed that on all objects that were there. Objects without the service's label are
    /// not among those. They are a record of a change, which whoever took the lease needs while it `is_changing`.
    pub(super) async fn take_back(&self, lease: &Lease, made: &[Place], is_changing: bool) {
        let done = made.iter().map(|place| self.take_one_back(lease, place, is_changing));
        for (done, place) in join_all(done).await.into_iter().zip(made) {
            match done {
                Ok(false) => {}
                Ok(true) => tracing::warn!(object = %place, "made after the lease was lost, and taken back"),
                Err(error) => {
                    tracing::warn!(object = %place, %error, "made after the lease was lost, and cannot be taken back");
                }
            }
        }
    }

    async fn take_one_back(&self, lease: &Lease, place: &Place, is_changing: bool) -> Result<bool> {
        let mut tries = tries(&*self.clock);
        while tries.next().await {
            let live = self.client.get(place).await;
            let live = live.map_err(Failure::into_error)?;
            let Some(live) = live.filter(|live| epoch(live) == Some(lease.epoch)) else { return Ok(false) };
            let labels = live.pointer("/metadata/labels");
            if is_changing && labels.is_none_or(|labels| labels.get(label::SERVICE).is_none()) {
                return Ok(false);
            }
            match self.client.delete(place, &live).await {
                Ok(_) => return Ok(true),
                Err(failure) if failure.is_outdated() => {}
                Err(failure) => return Err(failure.into_error()),
            }
        }
        Err(contended())
    }
}
