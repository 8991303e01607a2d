//! What a service has.

use futures_util::future::try_join_all;
use kube::api::ListParams;
use nprt_core::model::{Object, ObjectId, ServiceName, Track, label};
use nprt_core::{Error, Result};

use crate::client::Client;
use crate::object::{is_controlled, live, whole};
use crate::resource::Resource;

/// Pods that run, or still end.
pub(crate) const UNFINISHED: &str = "status.phase!=Succeeded,status.phase!=Failed";

impl Client {
    /// The pods of a track of the service that have not finished, by name.
    pub(crate) async fn pods_of_track(&self, service: &ServiceName, track: Track) -> Result<Vec<ObjectId>> {
        let labels = format!("{}={service},{}={track}", label::SERVICE, label::TRACK);
        let (kind, params) = (Resource::pods(), ListParams::default().labels(&labels).fields(UNFINISHED));
        let pods = self.list_by(&kind, &self.namespace, &params).await;
        let pods = pods.map_err(|failure| failure.into_error().with("kind", "Pod"))?;
        let ids = pods.into_iter().map(|pod| Ok(live(whole(&kind, pod))?.id()));
        let mut ids = ids.collect::<Result<Vec<_>>>()?;
        ids.sort();
        Ok(ids)
    }

    /// The service's objects of `kinds`, by kind and name, without those that controllers made.
    pub(crate) async fn list_service(
        &self,
        service: &ServiceName,
        kinds: &[Resource],
    ) -> Result<Vec<Object>> {
        let labels = format!("{}={service}", label::SERVICE);
        let lists = kinds.iter().map(|kind| async {
            let items = self.list(kind, &self.namespace, &labels).await;
            let items = items.map_err(|failure| failure.into_error().with("kind", &kind.api.kind))?;
            let own = items.into_iter().filter(|item| !is_controlled(item));
            own.map(|item| live(whole(kind, item))).collect::<Result<Vec<_>, Error>>()
        });
        let mut objects: Vec<Object> = try_join_all(lists).await?.into_iter().flatten().collect();
        objects.sort_by(|a, b| (a.kind(), a.name()).cmp(&(b.kind(), b.name())));
        Ok(objects)
    }
}
