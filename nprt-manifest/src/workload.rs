//! Which kinds run pods, and where they describe them.

use nprt_core::model::Object;

/// A kind of Kubernetes' own that runs pods.
pub(super) struct BuiltIn {
    pub(super) group: &'static str,
    pub(super) kind: &'static str,
    /// The path of what has `metadata` and `spec` of a pod.
    pub(super) template: &'static [&'static str],
    pub(super) scaled: Scaled,
}

/// Whether a kind has `spec.replicas` and `spec.selector.matchLabels`, so that two of them can stand side
/// by side.
#[derive(PartialEq, Eq)]
pub(super) enum Scaled {
    BySelector,
    Otherwise,
}

const fn built_in(
    group: &'static str,
    kind: &'static str,
    template: &'static [&'static str],
    scaled: Scaled,
) -> BuiltIn {
    BuiltIn { group, kind, template, scaled }
}

pub(super) const BUILT_IN: &[BuiltIn] = &[
    built_in("", "Pod", &[], Scaled::Otherwise),
    built_in("", "ReplicationController", &["spec", "template"], Scaled::Otherwise),
    built_in("apps", "Deployment", &["spec", "template"], Scaled::BySelector),
    built_in("apps", "StatefulSet", &["spec", "template"], Scaled::BySelector),
    built_in("apps", "ReplicaSet", &["spec", "template"], Scaled::BySelector),
    built_in("apps", "DaemonSet", &["spec", "template"], Scaled::Otherwise),
    built_in("batch", "Job", &["spec", "template"], Scaled::Otherwise),
    built_in("batch", "CronJob", &["spec", "jobTemplate", "spec", "template"], Scaled::Otherwise),
];

/// `group/kind`, as the settings name kinds.
pub(super) fn group_kind(object: &Object) -> String {
    format!("{}/{}", object.id().group(), object.kind())
}
