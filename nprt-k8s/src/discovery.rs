//! Which resource of the API a kind is: the API server is asked for what is not known.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::APIResourceList;
use kube::api::ApiResource;
use kube::core::GroupVersionKind;
use nprt_core::model::ObjectId;
use nprt_core::{Error, ErrorKind, Result};

use crate::client::Client;
use crate::operation::operation;
use crate::resource::{Place, Resource, built_in};

impl Client {
    /// Where `id` lies.
    pub(crate) async fn place(&self, id: &ObjectId) -> Result<Place> {
        for (field, text) in
            [("metadata.name", Some(&id.name)), ("metadata.namespace", id.namespace.as_ref())]
        {
            if text.is_some_and(|text| !is_path_segment(text)) {
                return Err(Error::new(ErrorKind::Rejected, operation(), "no name of an object")
                    .with("object", id)
                    .with("field", field));
            }
        }
        let resource = self.resource(&id.api_version, &id.kind).await?;
        let namespace = id.namespace.clone().unwrap_or_else(|| self.namespace.clone());
        Ok(Place { namespace: resource.namespaced.then_some(namespace), resource, name: id.name.clone() })
    }

    /// The resource of a kind. One that is not known yet is asked for, so that a definition that was added
    /// is found.
    pub(crate) async fn resource(&self, api_version: &str, kind: &str) -> Result<Resource> {
        let is_it = |known: &Resource| known.api.kind == kind && known.api.api_version == api_version;
        if let Some(resource) = built_in().find(is_it).or_else(|| self.known.find(api_version, kind)) {
            return Ok(resource);
        }
        let resources = self.ask(api_version).await?;
        let found = resources.iter().find(|resource| resource.api.kind == kind).cloned();
        let kinds: Vec<String> = resources.iter().map(|resource| resource.api.kind.clone()).collect();
        self.known.remember(api_version, resources);
        match found {
            Some(resource) => Ok(resource),
            None => Err(self.unknown(api_version, kind, kinds).await),
        }
    }

    /// The kinds of a version of the API; none where the server does not have it.
    async fn ask(&self, api_version: &str) -> Result<Vec<Resource>> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'.' || b == b'-';
        let parts: Vec<&str> = api_version.split('/').collect();
        let valid = |part: &&str| !part.is_empty() && !part.starts_with('.') && part.bytes().all(plain);
        if parts.len() > 2 || !parts.iter().all(valid) {
            return Err(Error::invalid(operation(), "expected a group and version, such as `apps/v1`")
                .with("apiVersion", format_args!("{api_version:?}")));
        }
        let answer = match parts.len() {
            1 => self.call(self.kube.list_core_api_resources(api_version)).await,
            _ => self.call(self.kube.list_api_group_resources(api_version)).await,
        };
        match answer {
            Ok(list) => Ok(resources(api_version, list)),
            Err(failure) if failure.is_no_path() => Ok(Vec::new()),
            Err(failure) => Err(failure.into_error()),
        }
    }

    /// Says where the kind is to be had, or else what the version has, or else which versions there are.
    async fn unknown(&self, api_version: &str, kind: &str, siblings: Vec<String>) -> Error {
        let error = Error::invalid(operation(), "the cluster does not know this kind")
            .with("apiVersion", api_version)
            .with("kind", kind);
        let all = kube::Discovery::new(self.kube.clone()).run_aggregated();
        let Ok(all) = self.call(all).await else { return error.with_available(siblings) };
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

/// Whether `text` stays one segment of a URL's path as it is.
fn is_path_segment(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_graphic() && !b"/%?#\\\"<>^`{|}".contains(&b);
    !text.is_empty() && text != "." && text != ".." && text.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_never_leaves_its_place_in_the_path() {
        for good in ["cart", "system:node", "Not_A_Name", "a.b-c"] {
            assert!(is_path_segment(good), "{good}");
        }
        for bad in ["", ".", "..", "a/b", "../x", "a%2fb", "a?b", "a#b", "a b", "ä", "a\nb"] {
            assert!(!is_path_segment(bad), "{bad:?}");
        }
    }
}
