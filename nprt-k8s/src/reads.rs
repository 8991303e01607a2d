//! What is read of a service's objects, and remembered while a lease of it is held.

use nprt_core::Result;
use nprt_core::model::{Object, ObjectId, ServiceName};

use crate::lease::{Leases, Seen};
use crate::object::live;
use crate::owned::nothing_of;
use crate::resource::Place;

impl Leases {
    /// The object, remembered as it is now.
    pub(crate) async fn get(&self, id: &ObjectId) -> Result<Option<Object>> {
        let place = self.client.place(id).await?;
        let object = self.client.get(&place).await;
        let object = object.map_err(|failure| failure.into_error().with("object", id))?;
        self.holds.refresh(&place, object.as_ref());
        object.map(live).transpose()
    }

    /// The objects of the service. While a lease of it is held, they need not be read again to be changed.
    pub(crate) async fn list(&self, service: &ServiceName) -> Result<Vec<Object>> {
        let kinds = self.kinds(service).await?;
        let objects = self.client.list_service(service, &kinds).await?;
        for object in &objects {
            let place = self.client.place(&object.id()).await?;
            self.holds.see(service, &place, Seen::new(object.as_value().clone()));
        }
        Ok(objects)
    }

    /// The part of the live object that we have applied.
    pub(crate) async fn owned(&self, id: &ObjectId) -> Result<Option<Object>> {
        let place = self.client.place(id).await?;
        let Some(seen) = self.seen_or_live(&place).await? else { return Ok(None) };
        let nothing = nothing_of(&seen.object);
        match self.client.applied(&place, seen.object).await? {
            Some(owned) => Ok(Some(owned)),
            None => live(nothing).map(Some),
        }
    }

    pub(crate) async fn seen_or_live(&self, place: &Place) -> Result<Option<Seen>> {
        match self.holds.seen(place) {
            Some(seen) => Ok(Some(seen)),
            None => self.look(place).await,
        }
    }

    /// The object as it is now.
    pub(crate) async fn look(&self, place: &Place) -> Result<Option<Seen>> {
        let live = self.client.get(place).await;
        let live = live.map_err(|failure| failure.into_error().with("object", place))?;
        Ok(live.map(Seen::new))
    }
}
