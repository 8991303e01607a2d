//! Why the server refused an object, as an error that a person can act on.

use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::api::{Api, PostParams};
use kube::core::Status;
use nprt_core::model::Object;
use nprt_core::{Error, ErrorKind};

use crate::client::{Client, Place};
use crate::error::{Failure, kind, refused};

impl Client {
    /// Says why the server refused `object`.
    pub(crate) async fn refusal(
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
