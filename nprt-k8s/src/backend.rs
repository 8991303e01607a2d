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

use crate::builder::KubernetesBuilder;
use crate::client::Client;
use crate::config::KubernetesConfig;
use crate::lease::Leases;
use crate::operation::during;
use crate::rollout::Rollouts;
use crate::server_time::ServerTime;
use crate::survey::Surveys;

/// One namespace of a Kubernetes cluster.
#[derive(Debug, Clone)]
pub struct KubernetesCluster {
    client: Arc<Client>,
    leases: Leases,
    surveys: Surveys,
    rollouts: Arc<Rollouts>,
}

impl KubernetesCluster {
    /// Makes one by `config`.
    #[must_use]
    pub fn builder(config: KubernetesConfig) -> KubernetesBuilder {
        KubernetesBuilder::new(config)
    }

    pub(crate) fn new(client: Client, clock: Arc<dyn Clock>, server: ServerTime) -> Self {
        let client = Arc::new(client);
        let leases = Leases::new(Arc::clone(&client), clock, server);
        let (surveys, rollouts) = (Surveys::new(leases.clone()), Rollouts::new(Arc::clone(&client)));
        Self { client, leases, surveys, rollouts: Arc::new(rollouts) }
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
        during("cluster.list", self.leases.list(service)).await
    }

    async fn pods(&self, service: &ServiceName, track: Track) -> Result<Vec<ObjectId>> {
        during("cluster.pods", self.client.pods_of_track(service, track)).await
    }

    async fn survey(&self, service: &ServiceName) -> Result<Survey> {
        during("cluster.survey", self.surveys.survey(service)).await
    }

    async fn get(&self, id: &ObjectId) -> Result<Option<Object>> {
        during("cluster.get", self.leases.get(id)).await
    }

    async fn dry_run(&self, object: &Object) -> Result<Applied> {
        during("cluster.dry_run", self.leases.dry_run(object)).await
    }

    async fn apply(&self, lease: &Lease, object: &Object) -> Result<Applied> {
        during("cluster.apply", self.leases.apply(lease, object)).await
    }

    async fn owned(&self, id: &ObjectId) -> Result<Option<Object>> {
        during("cluster.owned", self.leases.owned(id)).await
    }

    async fn restore(&self, lease: &Lease, former: &Object) -> Result<Option<Applied>> {
        during("cluster.restore", self.leases.restore(lease, former)).await
    }

    async fn delete(&self, lease: &Lease, id: &ObjectId) -> Result<Deletion> {
        during("cluster.delete", self.leases.delete(lease, id)).await
    }

    fn watch_rollout(&self, workload: &ObjectId) -> BoxStream<'static, Result<RolloutStatus>> {
        self.rollouts.watch(workload.clone())
    }

    async fn record_event(&self, object: &Object, event: &ObjectEvent) -> Result<bool> {
        during("cluster.record_event", self.client.record(&*self.leases.clock, object, event)).await
    }

    async fn lease(&self, service: &ServiceName) -> Result<Option<Lease>> {
        during("cluster.lease", self.leases.read(service)).await
    }

    async fn transition(&self, service: &ServiceName) -> Result<Option<Transition>> {
        during("cluster.transition", self.leases.transition(service)).await
    }

    async fn acquire(&self, request: &LeaseRequest) -> Result<Lease> {
        during("cluster.acquire", self.leases.acquire(request)).await
    }

    async fn renew(&self, lease: &Lease) -> Result<Lease> {
        during("cluster.renew", self.leases.renew(lease)).await
    }

    async fn set_transition(&self, lease: &Lease, transition: Option<Transition>) -> Result<()> {
        during("cluster.set_transition", self.leases.set_transition(lease, transition)).await
    }

    async fn release(&self, lease: &Lease) -> Result<bool> {
        during("cluster.release", self.leases.release(lease)).await
    }
}
