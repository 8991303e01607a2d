use crate::model::Object;

/// A namespace as a service finds it: what is its own, and what selects or runs pods beside it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Survey {
    /// The service's objects, as [`Cluster::list`](super::Cluster::list) answers with them.
    pub own: Vec<Object>,
    /// The objects of others that select pods or run them: Services, Deployments, StatefulSets, DaemonSets, Jobs and
    /// CronJobs, PodDisruptionBudgets, NetworkPolicies, and the ServiceMonitors and PodMonitors of clusters that have
    /// them. What a controller made and Jobs that have ended are left out. Sorted by kind and name.
    pub others: Vec<Object>,
    /// The pods that have not finished, by name: at least their `metadata`, with the owner.
    pub pods: Vec<Object>,
    /// What could not be read, in sentences that name the missing right.
    pub unseen: Vec<String>,
}
