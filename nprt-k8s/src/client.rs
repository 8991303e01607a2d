//! The requests: the only place that knows the wire. Objects stay the JSON that the server sends, so that
//! fields that no type here knows pass through.

use std::fmt;
use std::time::Duration;

use kube::api::{Api, DeleteParams, DynamicObject, GetParams, ListParams, Patch, PatchParams, Preconditions};
use kube::core::params::ValidationDirective;
use nprt_core::{Error, ErrorKind, Result};
use serde_json::Value;

use crate::error::Failure;
use crate::operation::operation;
use crate::owners::MANAGER;
use crate::resource::{Known, Place, Resource};
use crate::yaml_body;

/// The API server, and the namespace of objects that name none.
pub(crate) struct Client {
    pub(crate) kube: kube::Client,
    pub(crate) namespace: String,
    /// What the server said of its kinds.
    pub(crate) known: Known,
    /// The managers whose fields are taken.
    pub(crate) forced: Vec<String>,
    timeout: Duration,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("namespace", &self.namespace).finish_non_exhaustive()
    }
}

impl Client {
    pub(crate) fn new(kube: kube::Client, namespace: String, forced: Vec<String>, timeout: Duration) -> Self {
        Self { kube, namespace, known: Known::default(), forced, timeout }
    }

    pub(crate) async fn get(&self, place: &Place) -> Result<Option<Value>, Failure> {
        let request = place.request().get(&place.name, &GetParams::default());
        match self.call(self.json(request.map_err(kube::Error::BuildRequest))).await {
            Err(failure) if failure.is_not_found() => Ok(None),
            answer => answer.map(Some),
        }
    }

    /// The objects of a kind with `labels` in a namespace; none where the server does not have the kind,
    /// unless every server has it.
    pub(crate) async fn list(
        &self,
        resource: &Resource,
        namespace: &str,
        labels: &str,
    ) -> Result<Vec<Value>, Failure> {
        self.list_by(resource, namespace, &ListParams::default().labels(labels)).await
    }

    /// As [`list`](Self::list), chosen by `params`.
    pub(crate) async fn list_by(
        &self,
        resource: &Resource,
        namespace: &str,
        params: &ListParams,
    ) -> Result<Vec<Value>, Failure> {
        match self.list_at(resource, namespace, params).await {
            Err(failure) if failure.is_no_path() && !resource.is_everywhere() => Ok(Vec::new()),
            list => list.map(|(items, _)| items),
        }
    }

    /// The objects of a kind, and the resource version at which these were all.
    pub(crate) async fn list_at(
        &self,
        resource: &Resource,
        namespace: &str,
        params: &ListParams,
    ) -> Result<(Vec<Value>, Option<String>), Failure> {
        let request = resource.request(Some(namespace)).list(params).map_err(kube::Error::BuildRequest);
        self.call(self.json(request)).await.map(items)
    }

    /// The metadata of the objects of a kind.
    pub(crate) async fn list_metadata(
        &self,
        resource: &Resource,
        namespace: &str,
        params: &ListParams,
    ) -> Result<Vec<Value>, Failure> {
        let request =
            resource.request(Some(namespace)).list_metadata(params).map_err(kube::Error::BuildRequest);
        self.call(self.json(request)).await.map(|list| items(list).0)
    }

    /// Server-side apply, with unknown and duplicate fields refused. Only `force` takes fields from others.
    pub(crate) async fn patch(
        &self,
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
        self.call(self.json(request.map_err(kube::Error::BuildRequest))).await
    }

    /// Changes the fields that `patch` names, with unknown and duplicate fields refused.
    pub(crate) async fn merge(&self, place: &Place, patch: &Value, dry_run: bool) -> Result<Value, Failure> {
        let params = PatchParams {
            dry_run,
            force: false,
            field_manager: Some(MANAGER.to_owned()),
            field_validation: Some(ValidationDirective::Strict),
        };
        let request = place.request().patch(&place.name, &params, &Patch::Merge(patch));
        self.call(self.json(request.map_err(kube::Error::BuildRequest))).await
    }

    /// Deletes the object as it was read; what it owns is collected in the background. Says whether it is gone,
    /// or only marked.
    pub(crate) async fn delete(&self, place: &Place, object: &Value) -> Result<bool, Failure> {
        let text = |field: &str| object["metadata"][field].as_str().map(str::to_owned);
        let same = Preconditions { uid: text("uid"), resource_version: text("resourceVersion") };
        let request = place.request().delete(&place.name, &DeleteParams::background().preconditions(same));
        match self.call(self.json(request.map_err(kube::Error::BuildRequest))).await {
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
        answer: impl Future<Output = Result<T, kube::Error>>,
    ) -> Result<T, Failure> {
        match tokio::time::timeout(self.timeout, answer).await {
            Ok(answer) => answer.map_err(Failure::new),
            Err(_) => Err(Failure::Broken(
                Error::new(ErrorKind::Timeout, operation(), "no answer in the time allowed")
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
