//! The requests: the only place that knows the wire. Objects stay the JSON that the server sends, so that
//! fields that no type here knows pass through.

use std::fmt;
use std::time::Duration;

use kube::api::{
    Api, ApiResource, DeleteParams, DynamicObject, GetParams, ListParams, Patch, PatchParams, Preconditions,
};
use kube::core::Request;
use kube::core::params::ValidationDirective;
use nprt_core::model::ObjectId;
use nprt_core::{Error, ErrorKind, Result};
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::discovery::{Discovery, Resource};
use crate::error::Failure;
use crate::rollout::Gatherings;
use crate::survey::Watched;
use crate::yaml_body;

/// The name under which the fields that we apply are owned.
pub(crate) const MANAGER: &str = "nprt";

/// How many rollouts are looked into at the same time: each takes a connection or more.
const LOOKS: usize = 4;

/// The API server, and the namespace of objects that name none.
pub(crate) struct Client {
    pub(crate) kube: kube::Client,
    pub(crate) namespace: String,
    pub(crate) discovery: Discovery,
    /// The managers whose fields are taken.
    pub(crate) forced: Vec<String>,
    /// The kinds that are followed from one survey to the next.
    pub(crate) watched: Watched,
    /// The watches of rollouts that are about to begin.
    pub(crate) gatherings: Gatherings,
    /// Limits how many rollouts are diagnosed at the same time.
    pub(crate) looks: Semaphore,
    timeout: Duration,
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
    fn request(&self) -> Request {
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

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("namespace", &self.namespace).finish_non_exhaustive()
    }
}

impl Client {
    pub(crate) fn new(kube: kube::Client, namespace: String, forced: Vec<String>, timeout: Duration) -> Self {
        let (discovery, gatherings, watched) =
            (Discovery::default(), Gatherings::default(), Watched::default());
        Self {
            kube,
            namespace,
            discovery,
            forced,
            watched,
            gatherings,
            looks: Semaphore::new(LOOKS),
            timeout,
        }
    }

    /// Where `id` lies.
    pub(crate) async fn place(&self, operation: &'static str, id: &ObjectId) -> Result<Place> {
        for (field, text) in
            [("metadata.name", Some(&id.name)), ("metadata.namespace", id.namespace.as_ref())]
        {
            if text.is_some_and(|text| !is_path_segment(text)) {
                return Err(Error::new(ErrorKind::Rejected, operation, "no name of an object")
                    .with("object", id)
                    .with("field", field));
            }
        }
        let resource = self.resource(operation, &id.api_version, &id.kind).await?;
        let namespace = id.namespace.clone().unwrap_or_else(|| self.namespace.clone());
        Ok(Place { namespace: resource.namespaced.then_some(namespace), resource, name: id.name.clone() })
    }

    pub(crate) async fn get(&self, operation: &'static str, place: &Place) -> Result<Option<Value>, Failure> {
        let request = place.request().get(&place.name, &GetParams::default());
        match self.call(operation, self.json(request.map_err(kube::Error::BuildRequest))).await {
            Err(failure) if failure.is_not_found() => Ok(None),
            answer => answer.map(Some),
        }
    }

    /// The objects of a kind with `labels` in a namespace; none where the server does not have the kind,
    /// unless every server has it.
    pub(crate) async fn list(
        &self,
        operation: &'static str,
        resource: &Resource,
        namespace: &str,
        labels: &str,
    ) -> Result<Vec<Value>, Failure> {
        self.list_by(operation, resource, namespace, &ListParams::default().labels(labels)).await
    }

    /// As [`list`](Self::list), chosen by `params`.
    pub(crate) async fn list_by(
        &self,
        operation: &'static str,
        resource: &Resource,
        namespace: &str,
        params: &ListParams,
    ) -> Result<Vec<Value>, Failure> {
        match self.list_at(operation, resource, namespace, params).await {
            Err(failure) if failure.is_no_path() && !resource.is_everywhere() => Ok(Vec::new()),
            list => list.map(|(items, _)| items),
        }
    }

    /// The objects of a kind, and the resource version at which these were all.
    pub(crate) async fn list_at(
        &self,
        operation: &'static str,
        resource: &Resource,
        namespace: &str,
        params: &ListParams,
    ) -> Result<(Vec<Value>, Option<String>), Failure> {
        let request = resource.request(Some(namespace)).list(params).map_err(kube::Error::BuildRequest);
        self.call(operation, self.json(request)).await.map(items)
    }

    /// The metadata of the objects of a kind.
    pub(crate) async fn list_metadata(
        &self,
        operation: &'static str,
        resource: &Resource,
        namespace: &str,
        params: &ListParams,
    ) -> Result<Vec<Value>, Failure> {
        let request =
            resource.request(Some(namespace)).list_metadata(params).map_err(kube::Error::BuildRequest);
        self.call(operation, self.json(request)).await.map(|list| items(list).0)
    }

    /// Server-side apply, with unknown and duplicate fields refused. Only `force` takes fields from others.
    pub(crate) async fn patch(
        &self,
        operation: &'static str,
        place: &Place,
        object: &Value,
        dry_run: bool,
        force: bool,
    ) -> Result<Value, Failure> {
        let params = PatchParams {
            dry_run,
            force,
            field_manager: Some(MANAGER.to_owned()),
            field_validation: Some(ValidationDirective::Strict),
        };
        let request = place.request().patch(&place.name, &params, &Patch::Apply(object));
        let request = request.map(|request| request.map(yaml_body::escape));
        self.call(operation, self.json(request.map_err(kube::Error::BuildRequest))).await
    }

    /// Changes the fields that `patch` names, with unknown and duplicate fields refused.
    pub(crate) async fn merge(
        &self,
        operation: &'static str,
        place: &Place,
        patch: &Value,
        dry_run: bool,
    ) -> Result<Value, Failure> {
        let params = PatchParams {
            dry_run,
            force: false,
            field_manager: Some(MANAGER.to_owned()),
            field_validation: Some(ValidationDirective::Strict),
        };
        let request = place.request().patch(&place.name, &params, &Patch::Merge(patch));
        self.call(operation, self.json(request.map_err(kube::Error::BuildRequest))).await
    }

    /// Deletes the object as it was read; what it owns is collected in the background. Says whether it is gone,
    /// or only marked.
    pub(crate) async fn delete(
        &self,
        operation: &'static str,
        place: &Place,
        object: &Value,
    ) -> Result<bool, Failure> {
        let text = |field: &str| object["metadata"][field].as_str().map(str::to_owned);
        let same = Preconditions { uid: text("uid"), resource_version: text("resourceVersion") };
        let request = place.request().delete(&place.name, &DeleteParams::background().preconditions(same));
        match self.call(operation, self.json(request.map_err(kube::Error::BuildRequest))).await {
            Err(failure) if failure.is_not_found() => Ok(true),
            answer => answer.map(|answer| answer["kind"] == "Status"),
        }
    }

    /// kube's typed view of the kind at `place`, for watches.
    pub(crate) fn api(&self, place: &Place) -> Api<DynamicObject> {
        match &place.namespace {
            Some(namespace) => Api::namespaced_with(self.kube.clone(), namespace, &place.resource.api),
            None => Api::all_with(self.kube.clone(), &place.resource.api),
        }
    }

    /// Waits for an answer, but no longer than a request may take.
    pub(crate) async fn call<T>(
        &self,
        operation: &'static str,
        answer: impl Future<Output = Result<T, kube::Error>>,
    ) -> Result<T, Failure> {
        match tokio::time::timeout(self.timeout, answer).await {
            Ok(answer) => answer.map_err(|error| Failure::new(operation, error)),
            Err(_) => Err(Failure::Broken(
                Error::new(ErrorKind::Timeout, operation, "no answer in the time allowed")
                    .with("seconds", self.timeout.as_secs()),
            )),
        }
    }

    /// The answer's JSON. kube's own decoding would write what it cannot read to the log, Secrets included.
    async fn json(&self, request: Result<RawRequest, kube::Error>) -> Result<Value, kube::Error> {
        let text = self.kube.request_text(request?).await?;
        serde_json::from_str(&text).map_err(kube::Error::SerdeError)
    }
}

type RawRequest = http::Request<Vec<u8>>;

/// The items of a list, and its resource version.
fn items(mut list: Value) -> (Vec<Value>, Option<String>) {
    let version = list.pointer("/metadata/resourceVersion").and_then(Value::as_str).map(str::to_owned);
    match list.get_mut("items").map(Value::take) {
        Some(Value::Array(items)) => (items, version),
        _ => (Vec::new(), version),
    }
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
