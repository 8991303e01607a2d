//! Which resource of the API a kind is.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::APIResourceList;
use kube::Resource as _;
use kube::api::{ApiResource, DynamicObject};
use kube::core::{GroupVersionKind, Request};
use nprt_core::{Error, Result};

use crate::client::Client;

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

/// What the server said of each version of its API.
#[derive(Debug, Default)]
pub(crate) struct Discovery(Mutex<BTreeMap<String, Vec<Resource>>>);

impl Discovery {
    fn find(&self, api_version: &str, kind: &str) -> Option<Resource> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(api_version)?.iter().find(|resource| resource.api.kind == kind).cloned()
    }
}

impl Client {
    /// The resource of a kind. One that is not known yet is asked for, so that a definition that was added
    /// is found.
    pub(crate) async fn resource(
        &self,
        operation: &'static str,
        api_version: &str,
        kind: &str,
    ) -> Result<Resource> {
        let is_it = |known: &Resource| known.api.kind == kind && known.api.api_version == api_version;
        if let Some(resource) = built_in().find(is_it).or_else(|| self.discovery.find(api_version, kind)) {
            return Ok(resource);
        }
        let resources = self.ask(operation, api_version).await?;
        let found = resources.iter().find(|resource| resource.api.kind == kind).cloned();
        let kinds: Vec<String> = resources.iter().map(|resource| resource.api.kind.clone()).collect();
        self.discovery
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(api_version.to_owned(), resources);
        match found {
            Some(resource) => Ok(resource),
            None => Err(self.unknown(operation, api_version, kind, kinds).await),
        }
    }

    /// The kinds of a version of the API; none where the server does not have it.
    async fn ask(&self, operation: &'static str, api_version: &str) -> Result<Vec<Resource>> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'.' || b == b'-';
        let parts: Vec<&str> = api_version.split('/').collect();
        let valid = |part: &&str| !part.is_empty() && !part.starts_with('.') && part.bytes().all(plain);
        if parts.len() > 2 || !parts.iter().all(valid) {
            return Err(Error::invalid(operation, "expected a group and version, such as `apps/v1`")
                .with("apiVersion", format_args!("{api_version:?}")));
        }
        let answer = match parts.len() {
            1 => self.call(operation, self.kube.list_core_api_resources(api_version)).await,
            _ => self.call(operation, self.kube.list_api_group_resources(api_version)).await,
        };
        match answer {
            Ok(list) => Ok(resources(api_version, list)),
            Err(failure) if failure.is_no_path() => Ok(Vec::new()),
            Err(failure) => Err(failure.into_error(operation)),
        }
    }

    /// Says where the kind is to be had, or else what the version has, or else which versions there are.
    async fn unknown(
        &self,
        operation: &'static str,
        api_version: &str,
        kind: &str,
        siblings: Vec<String>,
    ) -> Error {
        let error = Error::invalid(operation, "the cluster does not know this kind")
            .with("apiVersion", api_version)
            .with("kind", kind);
        let all = kube::Discovery::new(self.kube.clone()).run_aggregated();
        let Ok(all) = self.call(operation, all).await else { return error.with_available(siblings) };
        let (mut same, mut versions) = (Vec::new(), Vec::new());
        for group in all.groups_alphabetical() {
            for version in group.versions() {
                let resources = group.versioned_resources(version);
                versions.extend(resources.first().map(|(api, _)| api.api_version.clone()));
                let found = resources.iter().filter(|(api, _)| api.kind.eq_ignore_ascii_case(kind));
                same.extend(found.map(|(api, _)| format!("{} {}", api.api_version, api.kind)));
            }
        }
        error.with_available(
            [same, siblings, versions].into_iter().find(|names| !names.is_empty()).unwrap_or_default(),
        )
    }
}

fn resources(api_version: &str, list: APIResourceList) -> Vec<Resource> {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    // What has a slash in its name is a part of another resource, such as `pods/log`.
    let whole = list.resources.into_iter().filter(|resource| !resource.name.contains('/'));
    let resource = |kind: String, plural: &str, namespaced| Resource {
        api: ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, &kind), plural),
        namespaced,
    };
    whole.map(|found| resource(found.kind, &found.name, found.namespaced)).collect()
}
