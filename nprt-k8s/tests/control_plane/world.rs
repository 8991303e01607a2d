//! One control plane for the tests of a file, a namespace and a limited user for each test.

use std::sync::Arc;

use futures_util::StreamExt;
use nprt_core::model::{Object, ObjectId, ServiceName};
use nprt_core::ports::{Clock, Cluster, Lease, LeaseRequest, Purpose, RolloutStatus, Takeover, Task};
use nprt_k8s::{Impersonate, KubernetesCluster, KubernetesConfig};
use nprt_testkit::{ControlPlane, Kubectl, need};
use serde_json::{Value, json};

/// A namespace of a real cluster, seen by nprt under the recommended role, and by an admin.
pub(crate) struct World {
    pub(crate) plane: &'static ControlPlane,
    pub(crate) namespace: String,
    pub user: Kubectl,
    pub(crate) cluster: Arc<KubernetesCluster>,
}

impl World {
    pub(crate) async fn new(name: &str) -> Option<Self> {
        let plane = need(ControlPlane::shared().await)?;
        let namespace = plane.namespace(name).await.unwrap();
        let user = limited(plane, &namespace).await;
        let cluster = connect(as_user(&user, &namespace)).await;
        Some(Self { plane, cluster, namespace, user })
    }

    /// A second client of the same namespace.
    pub(crate) async fn another(&self) -> Arc<KubernetesCluster> {
        connect(as_user(&self.user, &self.namespace)).await
    }

    /// A second client, of a process that has `clock`.
    pub(crate) async fn on(&self, clock: Arc<dyn Clock>) -> Arc<KubernetesCluster> {
        let config = as_user(&self.user, &self.namespace);
        Arc::new(KubernetesCluster::builder(config).clock(clock).build().await.unwrap())
    }

    /// A client that takes the fields of `managers`.
    pub(crate) async fn forcing(&self, managers: &[&str]) -> Arc<KubernetesCluster> {
        let force_conflicts = managers.iter().map(|&manager| manager.to_owned()).collect();
        connect(KubernetesConfig { force_conflicts, ..as_user(&self.user, &self.namespace) }).await
    }

    /// A client with all rights.
    pub(crate) async fn as_admin(&self) -> Arc<KubernetesCluster> {
        connect(as_user(self.plane.kubectl(), &self.namespace)).await
    }

    /// A client that an admin uses as `user`.
    pub(crate) async fn impersonating(&self, user: &str) -> Arc<KubernetesCluster> {
        let other = Impersonate { user: user.to_owned(), groups: Vec::new() };
        let config = as_user(self.plane.kubectl(), &self.namespace);
        connect(KubernetesConfig { impersonate: Some(other), ..config }).await
    }

    pub(crate) async fn admin(&self, args: &[&str]) -> String {
        self.admin_with_input(args, "").await
    }

    pub(crate) async fn admin_with_input(&self, args: &[&str], input: &str) -> String {
        let args = [&["-n", &self.namespace], args].concat();
        self.plane.kubectl().run_with_input(&args, input).await.unwrap()
    }

    pub(crate) async fn lease(&self, name: &str) -> Lease {
        self.cluster.acquire(&request(name, "test", Takeover::WhenExpired)).await.unwrap()
    }
}

/// A new service account of the namespace, under the recommended role.
pub(crate) async fn limited(plane: &ControlPlane, namespace: &str) -> Kubectl {
    plane.service_account_with(namespace, "nprt", include_str!("../../role.yaml")).await.unwrap()
}

/// The configuration of whoever `user` is.
pub(crate) fn as_user(user: &Kubectl, namespace: &str) -> KubernetesConfig {
    KubernetesConfig {
        kubeconfig: Some(user.kubeconfig().to_owned()),
        namespace: Some(namespace.to_owned()),
        ..KubernetesConfig::default()
    }
}

pub(crate) async fn connect(config: KubernetesConfig) -> Arc<KubernetesCluster> {
    Arc::new(KubernetesCluster::builder(config).build().await.unwrap())
}

/// The last status of a rollout.
pub(crate) async fn follow(world: &World, id: &ObjectId) -> RolloutStatus {
    let statuses = world.cluster.watch_rollout(id).map(|status| status.unwrap()).collect::<Vec<_>>();
    let statuses = tokio::time::timeout(std::time::Duration::from_secs(180), statuses).await.unwrap();
    statuses.last().unwrap().clone()
}

pub(crate) fn request(name: &str, holder: &str, takeover: Takeover) -> LeaseRequest {
    LeaseRequest {
        service: ServiceName::new(name).unwrap(),
        holder: holder.to_owned(),
        process: format!("host-of-{holder}"),
        purpose: Purpose::new(Task::Deploy, format!("the test of {holder}")),
        duration: std::time::Duration::from_secs(60),
        takeover,
    }
}

pub(crate) fn object(value: Value) -> Object {
    Object::new(value).unwrap()
}

/// A Deployment of one pod.
pub(crate) fn deployment(service: &str) -> Object {
    let labels = json!({"app": service, "nprt.dev/service": service});
    object(json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": service, "labels": labels},
        "spec": {"replicas": 1, "progressDeadlineSeconds": 3, "selector": {"matchLabels": {"app": service}},
            "template": {"metadata": {"labels": labels},
                "spec": {"containers": [{"name": "app", "image": "registry.invalid/app:1"}]}}}
    }))
}

/// `object` with `value` at `pointer`.
pub(crate) fn with(mut object: Object, pointer: &str, value: Value) -> Object {
    let (parent, field) = pointer.rsplit_once('/').unwrap();
    object.as_value_mut().pointer_mut(parent).unwrap()[field] = value;
    object
}
