//! Kinds as the API server has them, and where objects of them lie.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use kube::Resource as _;
use kube::api::{ApiResource, DynamicObject};
use kube::core::{GroupVersionKind, Request};

/// A kind as the API server has it.
#[derive(Debug, Clone)]
pub(crate) struct Resource {
    pub(crate) api: ApiResource,
    pub(crate) namespaced: bool,
}

impl Resource {
    /// A namespaced kind that is known without asking.
    pub(crate) fn known(group: &str, version: &str, kind: &str) -> Self {
        Self { api: ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind)), namespaced: true }
    }

    pub(crate) fn pods() -> Self {
        Self::known("", "v1", "Pod")
    }

    pub(crate) fn events() -> Self {
        Self::known("", "v1", "Event")
    }

    pub(crate) fn autoscalers() -> Self {
        Self::known("autoscaling", "v2", "HorizontalPodAutoscaler")
    }

    /// KEDA's autoscalers.
    pub(crate) fn scaled_objects() -> Self {
        Self::known("keda.sh", "v1alpha1", "ScaledObject")
    }

    /// Whether no API server is without it.
    pub(crate) fn is_everywhere(&self) -> bool {
        let core = self.api.group.is_empty() && self.api.version == "v1";
        core || (self.api.group == "apps" && self.api.version == "v1")
    }

    pub(crate) fn request(&self, namespace: Option<&str>) -> Request {
        Request::new(DynamicObject::url_path(&self.api, namespace))
    }
}

/// Namespaced kinds that every cluster has and most services are made of: known without asking, and listed for
/// a service of which nothing is remembered.
const BUILT_IN: &[(&str, &str, &[&str])] = &[
    ("", "v1", &["ConfigMap", "PersistentVolumeClaim", "Secret", "Service", "ServiceAccount"]),
    ("apps", "v1", &["DaemonSet", "Deployment", "StatefulSet"]),
    ("autoscaling", "v2", &["HorizontalPodAutoscaler"]),
    ("batch", "v1", &["CronJob", "Job"]),
    ("networking.k8s.io", "v1", &["Ingress", "NetworkPolicy"]),
    ("policy", "v1", &["PodDisruptionBudget"]),
];

/// The kinds that are known without asking.
pub(crate) fn built_in() -> impl Iterator<Item = Resource> {
    BUILT_IN
        .iter()
        .flat_map(|(group, version, kinds)| kinds.iter().map(|kind| Resource::known(group, version, kind)))
}

/// How a kind is remembered: a built-in one in the version in which it is listed, whatever it was applied in.
pub(crate) fn remembered_as(resource: &Resource) -> String {
    let ApiResource { group, kind, .. } = &resource.api;
    let same = |known: &Resource| known.api.group == *group && known.api.kind == *kind;
    let listed = built_in().find(same);
    let api = listed.as_ref().map_or(&resource.api, |listed| &listed.api);
    format!("{}/{}", api.api_version, api.kind)
}

/// Where an object lies.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) resource: Resource,
    /// None for an object of the whole cluster.
    pub(crate) namespace: Option<String>,
    pub(crate) name: String,
}

impl Place {
    pub(crate) fn request(&self) -> Request {
        self.resource.request(self.namespace.as_deref())
    }

    /// The same in every version of the API.
    pub(crate) fn key(&self) -> String {
        let ApiResource { group, kind, .. } = &self.resource.api;
        format!("{group}/{kind}/{}/{}", self.namespace.as_deref().unwrap_or_default(), self.name)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { resource, namespace, name } = self;
        write!(f, "{}/{}", resource.api.api_version, resource.api.kind)?;
        namespace.iter().try_for_each(|namespace| write!(f, "/{namespace}"))?;
        write!(f, "/{name}")
    }
}

/// What the server said of each version of its API.
#[derive(Debug, Default)]
pub(crate) struct Known(Mutex<BTreeMap<String, Vec<Resource>>>);

impl Known {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Vec<Resource>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn find(&self, api_version: &str, kind: &str) -> Option<Resource> {
        self.lock().get(api_version)?.iter().find(|resource| resource.api.kind == kind).cloned()
    }

    pub(crate) fn remember(&self, api_version: &str, resources: Vec<Resource>) {
        self.lock().insert(api_version.to_owned(), resources);
    }
}
