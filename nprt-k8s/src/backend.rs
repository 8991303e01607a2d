use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::try_join;
use futures_util::stream::BoxStream;
use nprt_core::model::{Object, ObjectId, ServiceName, Track};
use nprt_core::ports::{
    Applied, Clock, Cluster, ClusterCapabilities, Lease, LeaseRequest, ObjectEvent, RolloutStatus,
};
use nprt_core::{Error, ErrorKind, Result};
use serde_json::Value;

use crate::apply::live;
use crate::builder::KubernetesBuilder;
use crate::client::{Client, Place};
use crate::config::KubernetesConfig;
use crate::discovery::{built_in, is_built_in};
use crate::lease::Leases;
use crate::rollout;

/// How often an object that has finalizers is looked at until it is gone, and how long.
const DELETION: (Duration, u32) = (Duration::from_millis(200), 300);

/// One namespace of a Kubernetes cluster.
#[derive(Debug, Clone)]
pub struct KubernetesCluster {
    client: Arc<Client>,
    leases: Leases,
    clock: Arc<dyn Clock>,
}

impl KubernetesCluster {
    /// Makes one by `config`.
    #[must_use]
    pub fn builder(config: KubernetesConfig) -> KubernetesBuilder {
        KubernetesBuilder::new(config)
    }

    pub(crate) fn new(client: Client, clock: Arc<dyn Clock>) -> Self {
        let client = Arc::new(client);
        Self { leases: Leases::new(Arc::clone(&client), Arc::clone(&clock)), client, clock }
    }

    /// Waits until the object with `uid` is gone.
    async fn gone(&self, operation: &'static str, place: &Place, uid: &str) -> Result<()> {
        let (pause, times) = DELETION;
        let mut finalizers = String::new();
        for _ in 0..times {
            let object =
                self.client.get(operation, place).await.map_err(|failure| failure.into_error(operation))?;
            let Some(object) = object.filter(|object| self::uid(object) == uid) else { return Ok(()) };
            finalizers = object.pointer("/metadata/finalizers").map(Value::to_string).unwrap_or_default();
            self.clock.sleep(pause).await;
        }
        Err(Error::new(ErrorKind::Timeout, operation, "the object is marked as deleted, but stays")
            .with("finalizers", finalizers))
    }
}

#[async_trait]
impl Cluster for KubernetesCluster {
    fn capabilities(&self) -> ClusterCapabilities {
        ClusterCapabilities { validates_schema: true, field_owners: true, fencing: false, events: true }
    }

    fn namespace(&self) -> String {
        self.client.namespace.clone()
    }

    async fn list(&self, service: &ServiceName) -> Result<Vec<Object>> {
        let operation = "cluster.list";
        let mut kinds: Vec<_> = built_in().collect();
        for (api_version, kind) in self.leases.remembered(operation, service).await? {
            match self.client.resource(operation, &api_version, &kind).await {
                Ok(resource) => kinds.push(resource),
                // Its definition was removed, and all objects with it.
                Err(error) if error.is_invalid() => {}
                Err(error) => return Err(error),
            }
        }
        self.client.list_service(operation, service, &kinds).await
    }

    async fn pods(&self, service: &ServiceName, track: Track) -> Result<Vec<ObjectId>> {
        self.client.pods_of_track("cluster.pods", service, track).await
    }

    async fn get(&self, id: &ObjectId) -> Result<Option<Object>> {
        let operation = "cluster.get";
        let place = self.client.place(operation, id).await?;
        let object = self.client.get(operation, &place).await;
        let object = object.map_err(|failure| failure.into_error(operation).with("object", id))?;
        object.map(|object| live(operation, object)).transpose()
    }

    async fn dry_run(&self, object: &Object) -> Result<Applied> {
        let operation = "cluster.dry_run";
        let place = self.client.place(operation, &object.id()).await?;
        self.client.apply(operation, &place, object, true, || ready(Ok(()))).await
    }

    async fn apply(&self, lease: &Lease, object: &Object) -> Result<Applied> {
        let operation = "cluster.apply";
        let place = self.client.place(operation, &object.id()).await?;
        let allowed = || async {
            if place.namespace.is_none() || is_built_in(&place.resource) {
                self.leases.check(operation, lease).await
            } else {
                self.leases.remember(operation, lease, &place.resource).await
            }
        };
        self.client.apply(operation, &place, object, false, allowed).await
    }

    async fn owned(&self, id: &ObjectId) -> Result<Option<Object>> {
        self.client.owned("cluster.owned", id).await
    }

    async fn restore(&self, lease: &Lease, former: &Object) -> Result<Option<Applied>> {
        let operation = "cluster.restore";
        let place = self.client.place(operation, &former.id()).await?;
        let Some(former) = self.client.former(operation, &place, former).await? else { return Ok(None) };
        let allowed = || self.leases.check(operation, lease);
        self.client.apply(operation, &place, &former, false, allowed).await.map(Some)
    }

    async fn delete(&self, lease: &Lease, id: &ObjectId) -> Result<bool> {
        let operation = "cluster.delete";
        let place = self.client.place(operation, id).await?;
        let of = |error: Error| error.with("object", id);
        let failed = |failure: crate::error::Failure| of(failure.into_error(operation));
        let object = async { self.client.get(operation, &place).await.map_err(failed) };
        let (object, ()) = try_join(object, self.leases.check(operation, lease)).await?;
        let Some(object) = object else { return Ok(false) };
        let uid = uid(&object);
        self.client.delete(operation, &place, uid).await.map_err(failed)?;
        self.gone(operation, &place, uid).await.map_err(of)?;
        Ok(true)
    }

    fn watch_rollout(&self, workload: &ObjectId) -> BoxStream<'static, Result<RolloutStatus>> {
        rollout::watch(Arc::clone(&self.client), workload.clone())
    }

    async fn record_event(&self, object: &Object, event: &ObjectEvent) -> Result<()> {
        self.client.record("cluster.record_event", &*self.clock, object, event).await
    }

    async fn lease(&self, service: &ServiceName) -> Result<Option<Lease>> {
        self.leases.read("cluster.lease", service).await
    }

    async fn acquire(&self, request: &LeaseRequest) -> Result<Lease> {
        self.leases.acquire("cluster.acquire", request).await
    }

    async fn renew(&self, lease: &Lease) -> Result<Lease> {
        self.leases.renew("cluster.renew", lease).await
    }

    async fn release(&self, lease: &Lease) -> Result<()> {
        self.leases.release("cluster.release", lease).await
    }
}

fn uid(object: &Value) -> &str {
    object.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default()
}
