//! What to do where Kubernetes refuses to change a field of an object that is there.

use crate::model::{Object, annotation};

/// A field that cannot change: of which group and kind, how its path begins, and what to do instead.
type Rule = (&'static str, &'static str, &'static str, &'static str);

const NEW_NAME: &str = "delete the object first, or give the new one another name";
const KEEP_SELECTOR: &str = "keep the live selector, or delete the workload first, which ends its pods";
const CONFIGURATION: &str = "an immutable object cannot change: give it a new name for each change and use that name in \
    the workloads that read it, or delete it first";

const RULES: [Rule; 21] = [
    ("batch", "Job", "spec.", ""),
    (
        "",
        "Pod",
        "spec",
        "only the images of a live Pod can change: delete it first, or let a Deployment or a Job run it",
    ),
    ("apps", "Deployment", "spec.selector", KEEP_SELECTOR),
    ("apps", "DaemonSet", "spec.selector", KEEP_SELECTOR),
    (
        "apps",
        "StatefulSet",
        "spec",
        "only replicas, ordinals, template, updateStrategy, persistentVolumeClaimRetentionPolicy and \
         minReadySeconds of a live StatefulSet can change: delete it first with \
         `kubectl delete statefulset NAME --cascade=orphan`, which keeps its pods and claims, and deploy again",
    ),
    ("", "ConfigMap", "", CONFIGURATION),
    (
        "",
        "Secret",
        "type",
        "the type of a Secret cannot change: delete it first, or give the new one another name",
    ),
    ("", "Secret", "", CONFIGURATION),
    (
        "",
        "PersistentVolumeClaim",
        "spec",
        "only the size of a live claim can change: it can grow if the storage class allows that; otherwise \
         create a claim with another name and move the data",
    ),
    ("", "PersistentVolume", "spec", "create a volume with another name"),
    (
        "",
        "Service",
        "spec.clusterIP",
        "leave the field out to keep the address that the Service has, or delete the Service first",
    ),
    (
        "",
        "Service",
        "spec.ipFamil",
        "leave the field out to keep what the Service has, or delete the Service first, which changes its address",
    ),
    ("rbac.authorization.k8s.io", "RoleBinding", "roleRef", NEW_NAME),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding", "roleRef", NEW_NAME),
    ("storage.k8s.io", "StorageClass", "", NEW_NAME),
    ("networking.k8s.io", "IngressClass", "spec.controller", NEW_NAME),
    ("scheduling.k8s.io", "PriorityClass", "", NEW_NAME),
    ("node.k8s.io", "RuntimeClass", "handler", NEW_NAME),
    (
        "apiextensions.k8s.io",
        "CustomResourceDefinition",
        "spec.",
        "create a definition with another group or plural, or delete this one first, which deletes every object of its kind",
    ),
    ("coordination.k8s.io", "Lease", "", NEW_NAME),
    ("discovery.k8s.io", "EndpointSlice", "addressType", NEW_NAME),
];

/// What to do where Kubernetes refuses to change `field` of the live `object`; `None` where no rule is known
/// by which that field cannot change.
#[must_use]
pub fn remedy(object: &Object, field: &str) -> Option<String> {
    let (id, kind) = (object.id(), object.kind());
    let is_it =
        |(group, of, begins, _): &&Rule| *group == id.group() && *of == kind && field.starts_with(begins);
    let (.., rule) = RULES.iter().find(is_it)?;
    if kind == "Job" {
        return Some(job(object.name()));
    }
    Some(rule.replace("NAME", object.name()))
}

fn job(name: &str) -> String {
    format!(
        "the pods of a live Job cannot change: annotate it with `{}: before` or `after`, so that each version runs \
         a Job of its own, or give it a name of its own for each version, or delete it first (`kubectl delete job \
         {name}`)",
        annotation::RUN
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(api_version: &str, kind: &str, field: &str) -> String {
        let object = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "db"}});
        remedy(&Object::new(object).unwrap(), field).unwrap_or_default()
    }

    #[test]
    fn each_kind_says_what_can_be_done() {
        for (api_version, kind, field, words) in [
            ("batch/v1", "Job", "spec.template", "nprt.dev/run"),
            ("batch/v1", "Job", "spec.completions", "kubectl delete job db"),
            ("v1", "Pod", "spec", "delete it first"),
            ("apps/v1", "Deployment", "spec.selector", "keep the live selector"),
            ("apps/v1", "StatefulSet", "spec", "kubectl delete statefulset db --cascade=orphan"),
            ("v1", "ConfigMap", "data", "a new name for each change"),
            ("v1", "Secret", "type", "type of a Secret"),
            ("v1", "PersistentVolumeClaim", "spec", "only the size"),
            ("v1", "Service", "spec.clusterIPs[0]", "leave the field out"),
            ("rbac.authorization.k8s.io/v1", "RoleBinding", "roleRef", "another name"),
            ("storage.k8s.io/v1", "StorageClass", "parameters", "another name"),
        ] {
            assert!(said(api_version, kind, field).contains(words), "{kind} {field}");
        }
    }

    #[test]
    fn a_field_that_can_change_has_none() {
        for (api_version, kind, field) in [
            ("apps/v1", "Deployment", "spec.replicas"),
            ("v1", "Service", "spec.ports"),
            ("example.com/v1", "Job", "spec.template"),
        ] {
            assert_eq!(said(api_version, kind, field), "", "{kind} {field}");
        }
    }
}
