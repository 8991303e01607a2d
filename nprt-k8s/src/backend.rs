use std::sync::Arc;

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use jiff::Timestamp;
use nprt_core::Result;
use nprt_core::model::{Object, ObjectId, ServiceName, Track};
use nprt_core::ports::{
    Applied, Clock, Cluster, ClusterCapabilities, Deletion, Lease, LeaseRequest, ObjectEvent, RolloutStatus,
    Survey, Transition,
};

use crate::apply::live;
use crate::builder::KubernetesBuilder;
use crate::client::Client;
use crate::config::KubernetesConfig;
use crate::lease::Leases;
use crate::rollout;
use crate::server_time::ServerTime;

/// One namespace of a Kubernetes cluster.
#[derive(Debug, Clone)]
pub struct KubernetesCluster {
    client: Arc<Client>,
    leases: Leases,
}

impl KubernetesCluster {
    /// Makes one by `config`.
    #[must_use]
    pub fn builder(config: KubernetesConfig) -> KubernetesBuilder {
        KubernetesBuilder::new(config)
    }

    pub(crate) fn new(client: Client, clock: Arc<dyn Clock>, server: ServerTime) -> Self {
        let client = Arc::new(client);
        Self { leases: Leases::new(Arc::clone(&client), clock, server), client }
    }
}

#[async_trait]
impl Cluster for KubernetesCluster {
    fn capabilities(&self) -> ClusterCapabilities {
        ClusterCapabilities { validates_schema: true, field_owners: true, fencing: true, events: true }
    }

    fn namespace(&self) -> String {
        self.client.namespace.clone()
    }

    fn now(&self) -> Option<Timestamp> {
        self.leases.server_time()
    }

    async fn list(&self, service: &ServiceName) -> Result<Vec<Object>> {
        self.leases.list("cluster.list", service).await
    }

    async fn pods(&self, service: &ServiceName, track: Track) -> Result<Vec<ObjectId>> {
        self.client.pods_of_track("cluster.pods", service, track).await
    }

    async fn survey(&self, service: &ServiceName) -> Result<Survey> {
        self.leases.survey("cluster.survey", service).await
    }

    async fn get(&self, id: &ObjectId) -> Result<Option<Object>> {
        let operation = "cluster.get";
        let place = self.client.place(operation, id).await?;
        let object = self.client.get(operation, &place).await;
        let object = object.map_err(|failure| failure.into_error(operation).with("object", id))?;
        self.leases.holds.refresh(&place, object.as_ref());
        object.map(|object| live(operation, object)).transpose()
    }

    async fn dry_run(&self, object: &Object) -> Result<Applied> {
        self.leases.dry_run("cluster.dry_run", object).await
    }

    async fn apply(&self, lease: &Lease, object: &Object) -> Result<Applied> {
        self.leases.apply("cluster.apply", lease, object).await
    }

    async fn owned(&self, id: &ObjectId) -> Result<Option<Object>> {
        self.leases.owned("cluster.owned", id).await
    }

    async fn restore(&self, lease: &Lease, former: &Object) -> Result<Option<Applied>> {
        self.leases.restore("cluster.restore", lease, former).await
    }

    async fn delete(&self, lease: &Lease, id: &ObjectId) -> Result<Deletion> {
        self.leases.delete("cluster.delete", lease, id).await
    }

    fn watch_rollout(&self, workload: &ObjectId) -> BoxStream<'static, Result<RolloutStatus>> {
        rollout::watch(Arc::clone(&self.client), workload.clone())
    }

    async fn record_event(&self, object: &Object, event: &ObjectEvent) -> Result<bool> {
        self.client.record("cluster.record_event", &*self.leases.clock, object, event).await
    }

    async fn lease(&self, service: &ServiceName) -> Result<Option<Lease>> {
        self.leases.read("cluster.lease", service).await
    }

    async fn transition(&self, service: &ServiceName) -> Result<Option<Transition>> {
        self.leases.transition("cluster.transition", service).await
    }

    async fn acquire(&self, request: &LeaseRequest) -> Result<Lease> {
        self.leases.acquire("cluster.acquire", request).await
    }

    async fn renew(&self, lease: &Lease) -> Result<Lease> {
        self.leases.renew("cluster.renew", lease).await
    }

    async fn set_transition(&self, lease: &Lease, transition: Option<Transition>) -> Result<()> {
        self.leases.set_transition("cluster.set_transition", lease, transition).await
    }

    async fn release(&self, lease: &Lease) -> Result<bool> {
        self.leases.release("cluster.release", lease).await
    }
}
