//! What a service has.

use futures_util::future::try_join_all;
use kube::api::ListParams;
use nprt_core::model::{Object, ObjectId, ServiceName, Track, label};
use nprt_core::{Error, Result};
use serde_json::{Map, Value, json};

use crate::apply::live;
use crate::client::Client;
use crate::discovery::Resource;
use crate::lease::{Leases, Seen};

impl Client {
    /// The pods of a track of the service that have not finished, by name.
    pub(crate) async fn pods_of_track(
        &self,
        operation: &'static str,
        service: &ServiceName,
        track: Track,
    ) -> Result<Vec<ObjectId>> {
        let labels = format!("{}={service},{}={track}", label::SERVICE, label::TRACK);
        let unfinished = "status.phase!=Succeeded,status.phase!=Failed";
        let (kind, params) = (Resource::pods(), ListParams::default().labels(&labels).fields(unfinished));
        let pods = self.list_by(operation, &kind, &self.namespace, &params).await;
        let pods = pods.map_err(|failure| failure.into_error(operation).with("kind", "Pod"))?;
        let ids = pods.into_iter().map(|pod| Ok(live(operation, whole(&kind, pod))?.id()));
        let mut ids = ids.collect::<Result<Vec<_>>>()?;
        ids.sort();
        Ok(ids)
    }

    /// The service's objects of `kinds`, by kind and name, without those that controllers made.
    pub(crate) async fn list_service(
        &self,
        operation: &'static str,
        service: &ServiceName,
        kinds: &[Resource],
    ) -> Result<Vec<Object>> {
        let labels = format!("{}={service}", label::SERVICE);
        let lists = kinds.iter().map(|kind| async {
            let items = self.list(operation, kind, &self.namespace, &labels).await;
            let items =
                items.map_err(|failure| failure.into_error(operation).with("kind", &kind.api.kind))?;
            let own = items.into_iter().filter(|item| !is_controlled(item));
            own.map(|item| live(operation, whole(kind, item))).collect::<Result<Vec<_>, Error>>()
        });
        let mut objects: Vec<Object> = try_join_all(lists).await?.into_iter().flatten().collect();
        objects.sort_by(|a, b| (a.kind(), a.name()).cmp(&(b.kind(), b.name())));
        Ok(objects)
    }
}

impl Leases {
    /// The objects of the service. While a lease of it is held, they need not be read again to be changed.
    pub(crate) async fn list(&self, operation: &'static str, service: &ServiceName) -> Result<Vec<Object>> {
        let kinds = self.kinds(operation, service).await?;
        let objects = self.client.list_service(operation, service, &kinds).await?;
        for object in &objects {
            let place = self.client.place(operation, &object.id()).await?;
            self.holds.see(service, &place, Seen::new(object.as_value().clone()));
        }
        Ok(objects)
    }
}

fn is_controlled(item: &Value) -> bool {
    let owners = item.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    owners.into_iter().flatten().any(|owner| owner.get("controller") == Some(&Value::Bool(true)))
}

/// The items of a list do not say what they are.
pub(crate) fn whole(kind: &Resource, item: Value) -> Value {
    let mut whole = Map::new();
    whole.insert("apiVersion".to_owned(), json!(kind.api.api_version));
    whole.insert("kind".to_owned(), json!(kind.api.kind));
    if let Value::Object(fields) = item {
        whole.extend(fields);
    }
    Value::Object(whole)
}
