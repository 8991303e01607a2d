//! Server-side apply: what is sent, what came of it, and why the server refused.

use std::future::Future;

use futures_util::future::try_join;
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::api::{Api, PostParams};
use kube::core::Status;
use nprt_core::model::Object;
use nprt_core::ports::Applied;
use nprt_core::{Error, ErrorKind, Result};
use serde_json::{Value, json};

use crate::change::change;
use crate::client::{Client, Place};
use crate::error::{Failure, kind, refused};

/// What the server alone sets; an object that was read from a cluster has it.
const SERVER_FIELDS: [&str; 5] =
    ["creationTimestamp", "generation", "managedFields", "resourceVersion", "uid"];

impl Client {
    /// Applies `object`, or says what applying it would do. `allowed` is asked beside the look at what is
    /// there, and again where anything else was asked since, so that no other request lies between its answer
    /// and a write.
    pub(crate) async fn apply<A: Future<Output = Result<()>>>(
        &self,
        operation: &'static str,
        place: &Place,
        object: &Object,
        dry_run: bool,
        allowed: impl Fn() -> A,
    ) -> Result<Applied> {
        let before =
            async { self.get(operation, place).await.map_err(|failure| failure.into_error(operation)) };
        let (before, ()) = try_join(before, allowed()).await?;
        let mut body = body(object, place);
        if self.keep_replicas(operation, place, object, &mut body, before.as_ref()).await? {
            allowed().await?;
        }
        let answer = match dry_run {
            true => self.predict(operation, place, &body, before.as_ref()).await,
            false => self.write(operation, place, &body, before.as_ref(), &allowed).await,
        };
        let after = match answer {
            Ok(after) => after,
            Err(failure) => return Err(self.refusal(operation, place, object, failure).await),
        };
        let change = change(before.as_ref(), &after);
        Ok(Applied { object: live(operation, after)?, change })
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

/// An object as the server answers with it.
pub(crate) fn live(operation: &'static str, value: Value) -> Result<Object> {
    Object::new(value).map_err(|error| {
        Error::new(ErrorKind::Unexpected, operation, "the server answered with no object").with_source(error)
    })
}
