//! What needs a right: one small operation for each. A right that is new in the role gets a line in
//! [`scenario`], and a kind that is new there an object in `sample.rs`.

use futures_util::StreamExt;
use nprt_core::model::Object;
use nprt_core::ports::{Cluster, Lease, LeaseRequest, ObjectEvent, RolloutPhase, Takeover};
use nprt_core::{Error, ErrorKind, Result};
use serde_json::json;

use super::Right;
use super::sample::{SERVICE, sample};
use crate::world::{World, deployment, request, with};

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
    /// Looks who selects the pods of a service.
    Survey,
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
            Diagnose { behaviour: "never-ready", whole: ": not Ready: ", poorer: "its pods may not be read" }
        }
        ("", "events", "list") => {
            Diagnose { behaviour: "never-ready", whole: "Unhealthy: ", poorer: "its events may not be read" }
        }
        ("", "pods/log", "get") => {
            Diagnose { behaviour: "crash-loop", whole: "its log ends: ", poorer: "its log may not be read" }
        }
        ("monitoring.coreos.com", _, _) => Survey,
        (_, "cronjobs" | "networkpolicies" | "poddisruptionbudgets", "watch") => Survey,
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
            // So that it is known which kinds it has: none of them.
            Self::RenewLease | Self::Survey => {
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
                cluster.record_event(&deployment(&right.slug()), &event).await.map(drop)
            }
            Self::LookAtLease => cluster.lease(&lease.service).await.map(drop),
            Self::TakeLease => cluster.acquire(&own_lease(right)).await.map(drop),
            Self::RenewLease => {
                let held = world.cluster.lease(&own_lease(right).service).await?.unwrap();
                cluster.renew(&held).await.map(drop)
            }
            Self::Survey => {
                let unseen = cluster.survey(&own_lease(right).service).await?.unseen;
                let missing = || Error::new(ErrorKind::Forbidden, "rights", unseen.join("; "));
                if unseen.is_empty() { Ok(()) } else { Err(missing()) }
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
