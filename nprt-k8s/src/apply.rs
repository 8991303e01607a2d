//! Server-side apply: what is sent, what came of it, and why the server refused.

use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::api::{Api, PostParams};
use kube::core::Status;
use nprt_core::model::Object;
use nprt_core::ports::Change;
use nprt_core::{Error, ErrorKind, Result};
use serde_json::{Value, json};

use crate::change::change;
use crate::client::{Client, Place};
use crate::error::{Failure, kind, refused};
use crate::lease::name_epoch;

/// What the server alone sets; an object that was read from a cluster has it.
const SERVER_FIELDS: [&str; 5] =
    ["creationTimestamp", "generation", "managedFields", "resourceVersion", "uid"];

/// Why an object was not applied.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// It is another than the one on which the request was built.
    Outdated,
    /// A field is another manager's. The server says so first where the object is another, too.
    Conflict(Error),
    /// Something else.
    Error(Error),
}

impl Client {
    /// Applies `object` to the very object that was read as `before`, or makes it where there is none; or says
    /// what that would do. It will name `epoch`.
    pub(crate) async fn apply(
        &self,
        operation: &'static str,
        place: &Place,
        object: &Object,
        before: Option<&Value>,
        epoch: Option<u64>,
        dry_run: bool,
    ) -> Result<(Value, Change), Refusal> {
        let mut body = body(object, place);
        name_epoch(&mut body, epoch);
        pin(&mut body, before);
        self.keep_replicas(operation, place, object, &mut body, before).await.map_err(Refusal::Error)?;
        let answer = match dry_run {
            true => self.predict(operation, place, &body, before).await,
            false => self.write(operation, place, body, before).await,
        };
        match answer {
            Ok(after) => {
                let change = change(before, &after);
                Ok((after, change))
            }
            Err(failure) if failure.is_outdated() => Err(Refusal::Outdated),
            Err(failure) => {
                let error = self.refusal(operation, place, object, failure).await;
                Err(if error.is_conflict() { Refusal::Conflict(error) } else { Refusal::Error(error) })
            }
        }
    }

    /// Says why the server refused `object`.
    async fn refusal(
        &self,
        operation: &'static str,
        place: &Place,
        object: &Object,
        failure: Failure,
    ) -> Error {
        let Failure::Refused(status) = failure else {
            return failure.into_error(operation).with("object", object.id());
        };
        let kind = match kind(&status) {
            // Missing rights and a refusal by admission or quota have the same code and reason.
            ErrorKind::Forbidden if self.may_apply(operation, place).await => ErrorKind::Rejected,
            // The namespace is not there.
            ErrorKind::NotFound | ErrorKind::Invalid => ErrorKind::Rejected,
            _ if is_schema_error(&status) => ErrorKind::Rejected,
            kind => kind,
        };
        let mut error = if object.kind() == "Secret" && may_quote(&status) {
            Error::new(kind, operation, "the server refused this Secret").with("status", status.code)
        } else {
            refused(operation, kind, &status)
        };
        error = error.with("object", object.id());
        for cause in status.details.iter().flat_map(|details| &details.causes) {
            error = match kind {
                ErrorKind::Conflict => {
                    error.with("field", format_args!("{} ({})", cause.field, cause.message))
                }
                _ => error.with("field", &cause.field),
            };
        }
        error
    }

    /// Whether we have the right to apply objects of this kind here. Asked only after a refusal.
    async fn may_apply(&self, operation: &'static str, place: &Place) -> bool {
        let api = &place.resource.api;
        for verb in ["create", "patch"] {
            let review = SelfSubjectAccessReview {
                spec: SelfSubjectAccessReviewSpec {
                    resource_attributes: Some(ResourceAttributes {
                        group: Some(api.group.clone()),
                        version: Some(api.version.clone()),
                        resource: Some(api.plural.clone()),
                        name: Some(place.name.clone()),
                        namespace: place.namespace.clone(),
                        verb: Some(verb.to_owned()),
                        ..ResourceAttributes::default()
                    }),
                    ..SelfSubjectAccessReviewSpec::default()
                },
                ..SelfSubjectAccessReview::default()
            };
            let reviews: Api<SelfSubjectAccessReview> = Api::all(self.kube.clone());
            let answer = self.call(operation, reviews.create(&PostParams::default(), &review)).await;
            if !answer.is_ok_and(|review| review.status.is_some_and(|status| status.allowed)) {
                return false;
            }
        }
        true
    }
}

/// The server answers what its schema does not have with status 500, no reason and these words; its other
/// errors of that form are faults of its own. There is nothing else to tell them by.
fn is_schema_error(status: &Status) -> bool {
    let words = ["failed to create typed patch object", "failed to convert new object"];
    status.code == 500 && words.iter().any(|words| status.message.starts_with(words))
}

/// Whether the server's words may quote a value of the object.
fn may_quote(status: &Status) -> bool {
    matches!(status.code, 400 | 422 | 500)
}

/// What is sent: the object without what the server alone sets.
fn body(object: &Object, place: &Place) -> Value {
    let mut value = object.as_value().clone();
    if let Some(map) = value.as_object_mut() {
        map.shift_remove("status");
    }
    if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
        for field in SERVER_FIELDS {
            metadata.shift_remove(field);
        }
        match &place.namespace {
            Some(namespace) => _ = metadata.insert("namespace".to_owned(), json!(namespace)),
            None => _ = metadata.shift_remove("namespace"),
        }
    }
    value
}

/// No object's: the first that a server ever gives is a later one.
const NONE: &str = "1";

/// Makes the server refuse `body` where the object is another than `before`. A resource version makes it refuse
/// any other one that is there, the uid also where it is gone.
pub(crate) fn pin(body: &mut Value, before: Option<&Value>) {
    match before {
        Some(before) => {
            for field in ["uid", "resourceVersion"] {
                body["metadata"][field] = before["metadata"][field].clone();
            }
        }
        None => body["metadata"]["resourceVersion"] = json!(NONE),
    }
}

pub(crate) fn contended(operation: &'static str) -> Error {
    Error::new(ErrorKind::Unavailable, operation, "others keep changing the object")
}

/// An object as the server answers with it.
pub(crate) fn live(operation: &'static str, value: Value) -> Result<Object> {
    Object::new(value).map_err(|error| {
        Error::new(ErrorKind::Unexpected, operation, "the server answered with no object").with_source(error)
    })
}
