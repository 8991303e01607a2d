//! A small object of each kind that the roles name.

use nprt_core::model::Object;
use serde_json::json;

use super::Right;
use crate::world::object;

/// A ClusterRole that gives nothing.
pub(super) const NO_RIGHTS: &str = "no-rights";

/// The service whose objects all scenarios are about.
pub(super) const SERVICE: &str = "rights";

/// A small object of the kind of `right`. That of a workload is one whose rollout does not end.
pub(super) fn sample(right: &Right) -> Option<Object> {
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
