//! What needs a right: one small operation for each. A right that is new in the role gets a line in
//! [`scenario`], and a kind that is new there an object in [`sample`].

use futures_util::StreamExt;
use nprt_core::model::Object;
use nprt_core::ports::{Cluster, Lease, LeaseRequest, ObjectEvent, RolloutPhase, Takeover};
use nprt_core::{Error, ErrorKind, Result};
use serde_json::json;

use super::Right;
use crate::world::{World, deployment, object, request, with};

/// An operation that needs a right.
pub(super) enum Scenario {
    /// Reads an object of the kind.
    Read,
    /// Lists what the service has, an object of the kind among it.
    List,
    /// Makes an object of the kind.
    Make,
    /// Changes one.
    Change,
    /// Deletes one.
    Remove,
    /// Follows the rollout of a workload of the kind that does not end, until it is deleted.
    Follow,
    /// Changes the replicas of a workload that an autoscaler may set.
    Scale,
    /// Looks who holds the lease of a service.
    LookAtLease,
    /// Takes the lease of a service that had none.
    TakeLease,
    /// Holds it for longer.
    RenewLease,
    /// Leaves an event on an object.
    Tell,
    /// Says why a rollout fails whose pods behave so: with all rights `whole`, and else what may not be read.
    Diagnose { behaviour: &'static str, whole: &'static str, poorer: &'static str },
}

/// What needs `right`.
pub(super) fn scenario(right: &Right) -> Option<Scenario> {
    use Scenario::*;
    let Right { group, resource, verb, .. } = right;
    Some(match (group.as_str(), resource.as_str(), verb.as_str()) {
        ("coordination.k8s.io", "leases", "get") => LookAtLease,
        ("coordination.k8s.io", "leases", "create") => TakeLease,
        ("coordination.k8s.io", "leases", "update") => RenewLease,
        ("events.k8s.io", "events", "create") => Tell,
        ("keda.sh", "scaledobjects", "list") => Scale,
        ("", "pods", "list") => {
            Diagnose { behaviour: "never-ready", whole: "; pod ", poorer: "its pods may not be read" }
        }
        ("", "events", "list") => {
            Diagnose { behaviour: "never-ready", whole: "Unhealthy: ", poorer: "its events may not be read" }
        }
        ("", "pods/log", "get") => {
            Diagnose { behaviour: "crash-loop", whole: "its log ends: ", poorer: "its log may not be read" }
        }
        _ if sample(right).is_some() => match verb.as_str() {
            "get" => Read,
            "list" => List,
            "create" => Make,
            "patch" => Change,
            "delete" => Remove,
            "watch" => Follow,
            _ => return None,
        },
        _ => return None,
    })
}

/// A small object of the kind of `right`. That of a workload is one whose rollout does not end.
fn sample(right: &Right) -> Option<Object> {
    let name = right.slug();
    let labels = json!({"app": name, "nprt.dev/service": SERVICE});
    let pod = json!({"containers": [{"name": "app", "image": "registry.invalid/app:1"}]});
    let nowhere = json!({"spec": {"restartPolicy": "Never", "containers": pod["containers"],
        "nodeSelector": {"disk": "none"}}});
    let stuck =
        json!({"metadata": {"labels": labels, "annotations": {"sim/behaviour": "never-ready"}}, "spec": pod});
    let workload = json!({"selector": {"matchLabels": {"app": name}}, "template": stuck});
    let rbac = "rbac.authorization.k8s.io";
    let no_rights = json!({"apiGroup": rbac, "kind": "ClusterRole", "name": NO_RIGHTS});
    let (api_version, kind, fields) = match (right.group.as_str(), right.resource.as_str()) {
        ("", "configmaps") => ("v1", "ConfigMap", json!({"data": {"n": "1"}})),
        ("", "persistentvolumeclaims") => {
            let size = json!({"requests": {"storage": "1Gi"}});
            (
                "v1",
                "PersistentVolumeClaim",
                json!({"spec": {"accessModes": ["ReadWriteOnce"], "resources": size}}),
            )
        }
        ("", "secrets") => ("v1", "Secret", json!({"stringData": {"n": "1"}})),
        ("", "serviceaccounts") => ("v1", "ServiceAccount", json!({})),
        ("", "services") => {
            ("v1", "Service", json!({"spec": {"selector": {"app": name}, "ports": [{"port": 80}]}}))
        }
        ("", "namespaces") => ("v1", "Namespace", json!({})),
        ("", "persistentvolumes") => {
            let place = json!({"accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"},
                "hostPath": {"path": "/none"}});
            ("v1", "PersistentVolume", json!({"spec": place}))
        }
        ("apiextensions.k8s.io", "customresourcedefinitions") => {
            let version = json!({"name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object"}}});
            let group = format!("{name}.example.com");
            let metadata = json!({"name": format!("things.{group}"), "labels": labels});
            let names = json!({"kind": "Thing", "plural": "things"});
            let spec = json!({"group": group, "scope": "Namespaced", "names": names, "versions": [version]});
            let fields = json!({"metadata": metadata, "spec": spec});
            ("apiextensions.k8s.io/v1", "CustomResourceDefinition", fields)
        }
        // Nobody gives rights that they do not have: these give none.
        ("rbac.authorization.k8s.io", "roles") => {
            ("rbac.authorization.k8s.io/v1", "Role", json!({"rules": []}))
        }
        ("rbac.authorization.k8s.io", "clusterroles") => {
            ("rbac.authorization.k8s.io/v1", "ClusterRole", json!({"rules": []}))
        }
        ("rbac.authorization.k8s.io", "rolebindings") => {
            ("rbac.authorization.k8s.io/v1", "RoleBinding", json!({"roleRef": no_rights}))
        }
        ("rbac.authorization.k8s.io", "clusterrolebindings") => {
            ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", json!({"roleRef": no_rights}))
        }
        ("apps", "daemonsets") => ("apps/v1", "DaemonSet", json!({"spec": workload})),
        ("apps", "deployments") => ("apps/v1", "Deployment", json!({"spec": workload})),
        ("apps", "statefulsets") => ("apps/v1", "StatefulSet", json!({"spec": workload})),
        ("autoscaling", "horizontalpodautoscalers") => {
            let target = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "none"});
            (
                "autoscaling/v2",
                "HorizontalPodAutoscaler",
                json!({"spec": {"scaleTargetRef": target, "maxReplicas": 2}}),
            )
        }
        ("batch", "cronjobs") => {
            let spec = json!({"schedule": "0 0 1 1 *", "jobTemplate": {"spec": {"template": nowhere}}});
            ("batch/v1", "CronJob", json!({"spec": spec}))
        }
        ("batch", "jobs") => ("batch/v1", "Job", json!({"spec": {"template": nowhere}})),
        ("networking.k8s.io", "ingresses") => {
            let backend = json!({"service": {"name": "none", "port": {"number": 80}}});
            ("networking.k8s.io/v1", "Ingress", json!({"spec": {"defaultBackend": backend}}))
        }
        ("networking.k8s.io", "networkpolicies") => {
            ("networking.k8s.io/v1", "NetworkPolicy", json!({"spec": {"podSelector": {}}}))
        }
        ("gateway.networking.k8s.io", "httproutes") => {
            let rules = json!([{"backendRefs": [{"name": "none", "port": 80}]}]);
            ("gateway.networking.k8s.io/v1", "HTTPRoute", json!({"spec": {"rules": rules}}))
        }
        ("policy", "poddisruptionbudgets") => {
            ("policy/v1", "PodDisruptionBudget", json!({"spec": {"maxUnavailable": 1}}))
        }
        _ => return None,
    };
    let mut sample =
        json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "labels": labels}});
    for (field, value) in fields.as_object().unwrap() {
        sample[field] = value.clone();
    }
    Some(object(sample))
}

/// A ClusterRole that gives nothing.
pub(super) const NO_RIGHTS: &str = "no-rights";

/// The service whose objects all scenarios are about.
const SERVICE: &str = "rights";

/// What all cases share: a namespace, and the lease of a service that the whole role holds there.
pub(super) struct Shared {
    pub(super) world: World,
    lease: Lease,
}

impl Shared {
    pub(super) async fn new(world: World) -> Self {
        let lease = world.lease(SERVICE).await;
        Self { world, lease }
    }
}

/// The lease of a service of the case's own.
fn own_lease(right: &Right) -> LeaseRequest {
    request(&right.slug(), "rights", Takeover::Now)
}

/// A Deployment of `replicas`, with its time to fail.
fn scaled(right: &Right, replicas: u64) -> Object {
    with(deployment(&right.slug()), "/spec/replicas", json!(replicas))
}

impl Scenario {
    /// Makes what must be there before, with all rights.
    pub(super) async fn prepare(&self, shared: &Shared, right: &Right) {
        let Shared { world, lease } = shared;
        let object = match self {
            // A kind is listed once one of it was applied.
            Self::Read | Self::List | Self::Change | Self::Remove | Self::Follow => sample(right).unwrap(),
            Self::Scale => scaled(right, 1),
            Self::Diagnose { behaviour, .. } => {
                let behaviour = json!({"sim/behaviour": behaviour});
                with(deployment(&right.slug()), "/spec/template/metadata/annotations", behaviour)
            }
            Self::RenewLease => {
                world.cluster.acquire(&own_lease(right)).await.unwrap();
                return;
            }
            Self::Make | Self::LookAtLease | Self::TakeLease | Self::Tell => return,
        };
        world.cluster.apply(lease, &object).await.unwrap();
        if let Self::Diagnose { .. } = self {
            crate::world::follow(world, &object.id()).await;
        }
    }

    /// Whether it fails for want of `right` where `limited` has all others.
    pub(super) async fn fails_without(
        &self,
        shared: &Shared,
        right: &Right,
        limited: &dyn Cluster,
    ) -> std::result::Result<(), String> {
        let Err(error) = self.run(shared, right, limited).await else {
            return Err("it goes without".to_owned());
        };
        if let Self::Diagnose { poorer, .. } = self {
            let said = error.message();
            return said.contains(poorer).then_some(()).ok_or(format!("{poorer:?} is not in {said:?}"));
        }
        let named = error.kind() == ErrorKind::Forbidden && error.message().contains(&right.refusal());
        named.then_some(()).ok_or(format!("expected `{}`: {error}", right.refusal()))
    }

    /// Whether it goes with the whole role.
    pub(super) async fn goes_with_all(
        &self,
        shared: &Shared,
        right: &Right,
    ) -> std::result::Result<(), String> {
        self.run(shared, right, &*shared.world.cluster).await.map_err(|error| error.to_string())
    }

    async fn run(&self, shared: &Shared, right: &Right, cluster: &dyn Cluster) -> Result<()> {
        let Shared { world, lease } = shared;
        let sample = || sample(right).unwrap();
        let workload = || deployment(&right.slug()).id();
        match self {
            Self::Read => cluster.get(&sample().id()).await.map(drop),
            Self::List => cluster.list(&lease.service).await.map(drop),
            Self::Make => cluster.apply(lease, &sample()).await.map(drop),
            Self::Change => {
                let changed = with(sample(), "/metadata/annotations", json!({"changed": "yes"}));
                cluster.apply(lease, &changed).await.map(drop)
            }
            Self::Remove => cluster.delete(lease, &sample().id()).await.map(drop),
            Self::Follow => {
                // It may be gone since somebody else followed it.
                world.cluster.apply(lease, &sample()).await?;
                let mut statuses = cluster.watch_rollout(&sample().id());
                let first = statuses.next().await.unwrap()?;
                assert_eq!(first.phase, RolloutPhase::Progressing, "{first:?}");
                world.cluster.delete(lease, &sample().id()).await?;
                match statuses.filter_map(async |status| status.err()).boxed_local().next().await.unwrap() {
                    end if end.kind() == ErrorKind::NotFound => Ok(()),
                    error => Err(error),
                }
            }
            Self::Scale => cluster.apply(lease, &scaled(right, 2)).await.map(drop),
            Self::Tell => {
                let event = ObjectEvent::normal("Deployed", "by a test");
                cluster.record_event(&deployment(&right.slug()), &event).await
            }
            Self::LookAtLease => cluster.lease(&lease.service).await.map(drop),
            Self::TakeLease => cluster.acquire(&own_lease(right)).await.map(drop),
            Self::RenewLease => {
                let held = world.cluster.lease(&own_lease(right).service).await?.unwrap();
                cluster.renew(&held).await.map(drop)
            }
            Self::Diagnose { whole, .. } => {
                let statuses: Vec<_> = cluster.watch_rollout(&workload()).collect().await;
                let said = statuses.into_iter().next_back().unwrap()?.message;
                let poorer = || Error::new(ErrorKind::RolloutFailed, "rights", said.clone());
                said.contains(whole).then_some(()).ok_or_else(poorer)
            }
        }
    }
}
