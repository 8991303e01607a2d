//! The kinds that the cluster knows: Kubernetes' own, and those of the CustomResourceDefinitions in it.

use nprt_core::model::{Object, ObjectId};
use nprt_core::{Error, Result};

const NAMESPACED: &[(&str, &[&str])] = &[
    (
        "",
        &[
            "ConfigMap",
            "Endpoints",
            "LimitRange",
            "PersistentVolumeClaim",
            "Pod",
            "PodTemplate",
            "ReplicationController",
            "ResourceQuota",
            "Secret",
            "Service",
            "ServiceAccount",
        ],
    ),
    ("apps", &["DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"]),
    ("autoscaling", &["HorizontalPodAutoscaler"]),
    ("batch", &["CronJob", "Job"]),
    ("coordination.k8s.io", &["Lease"]),
    ("networking.k8s.io", &["Ingress", "NetworkPolicy"]),
    ("policy", &["PodDisruptionBudget"]),
    ("rbac.authorization.k8s.io", &["Role", "RoleBinding"]),
];

const CLUSTER_WIDE: &[(&str, &[&str])] = &[
    ("", &["Namespace", "Node", "PersistentVolume"]),
    ("apiextensions.k8s.io", &["CustomResourceDefinition"]),
    ("networking.k8s.io", &["IngressClass"]),
    ("rbac.authorization.k8s.io", &["ClusterRole", "ClusterRoleBinding"]),
    ("scheduling.k8s.io", &["PriorityClass"]),
    ("storage.k8s.io", &["StorageClass"]),
];

fn holds(table: &[(&str, &[&str])], id: &ObjectId) -> bool {
    table.iter().any(|(group, kinds)| *group == id.group() && kinds.contains(&id.kind.as_str()))
}

/// `id` with the namespace in which the cluster has it: `namespace` where it names none, none where its
/// kind has none.
pub(super) fn place<'a>(
    id: ObjectId,
    namespace: &str,
    mut definitions: impl Iterator<Item = &'a Object>,
) -> Result<ObjectId> {
    let text = |object: &'a Object, field: &str| object.as_value().pointer(field).and_then(|v| v.as_str());
    let defined = definitions.find(|object| {
        text(object, "/spec/group") == Some(id.group())
            && text(object, "/spec/names/kind") == Some(id.kind.as_str())
    });
    let namespaced = holds(NAMESPACED, &id)
        || defined.is_some_and(|object| text(object, "/spec/scope") == Some("Namespaced"));
    if namespaced {
        return Ok(id.or_in(namespace));
    }
    if holds(CLUSTER_WIDE, &id) || defined.is_some() {
        return Ok(ObjectId { namespace: None, ..id });
    }
    Err(Error::invalid("cluster", "the cluster does not know this kind")
        .with("object", &id)
        .with("apiVersion", &id.api_version))
}
