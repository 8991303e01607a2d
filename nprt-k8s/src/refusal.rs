//! Why the server refused an object, as an error that a person can act on.

use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::api::{Api, PostParams};
use kube::core::Status;
use kube::core::response::StatusCause;
use nprt_core::model::Object;
use nprt_core::ports::remedy;
use nprt_core::{Error, ErrorKind};
use serde_json::Value;

use crate::client::Client;
use crate::error::{Failure, kind, one_line, refused};
use crate::operation::operation;
use crate::resource::Place;

impl Client {
    /// Says why the server refused to make the object that was `before`, if one was, into `object`, and what to do.
    pub(crate) async fn refusal(
        &self,
        place: &Place,
        object: &Object,
        before: Option<&Value>,
        failure: Failure,
    ) -> Error {
        let Failure::Refused(status) = failure else {
            return failure.into_error().with("object", object.id());
        };
        if is_not_served(&status) {
            return Error::invalid(operation(), "the cluster does not serve this kind")
                .with("object", object.id())
                .with("apiVersion", object.api_version());
        }
        let kind = match kind(&status) {
            // Missing rights and a refusal by admission or quota have the same code and reason.
            ErrorKind::Forbidden if self.may_apply(place).await => ErrorKind::Rejected,
            // The namespace is not there.
            ErrorKind::NotFound | ErrorKind::Invalid => ErrorKind::Rejected,
            _ if is_schema_error(&status) => ErrorKind::Rejected,
            kind => kind,
        };
        let mut error = if object.kind() == "Secret" && may_quote(&status) {
            Error::new(kind, operation(), "the server refused this Secret").with("status", status.code)
        } else {
            refused_because(kind, &status)
        };
        error = error.with("object", object.id());
        for cause in causes(&status) {
            error = match kind {
                ErrorKind::Conflict => {
                    error.with("field", format_args!("{} ({})", cause.field, cause.message))
                }
                _ => error.with("field", fields(cause, object, before)),
            };
        }
        match before.and_then(|_| to_do(object, &status)) {
            Some(to_do) => error.with("to do", to_do),
            None => error,
        }
    }

    /// Whether we have the right to apply objects of this kind here. Asked only after a refusal.
    async fn may_apply(&self, place: &Place) -> bool {
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
            let answer = self.call(reviews.create(&PostParams::default(), &review)).await;
            if !answer.is_ok_and(|review| review.status.is_some_and(|status| status.allowed)) {
                return false;
            }
        }
        true
    }
}

fn causes(status: &Status) -> impl Iterator<Item = &StatusCause> {
    status.details.iter().flat_map(|details| &details.causes)
}

/// The server's answer, each of its causes in a line: without the values that it quotes whole, which hide the
/// reason behind them.
fn refused_because(kind: ErrorKind, status: &Status) -> Error {
    let said: Vec<String> = causes(status).take(CAUSES).map(because).collect();
    if kind != ErrorKind::Rejected || said.is_empty() {
        return refused(kind, status);
    }
    Error::new(kind, operation(), said.join("; ")).with("status", status.code)
}

/// How many causes a message names.
const CAUSES: usize = 5;

/// How long a value may be that a message quotes.
const QUOTED: usize = 60;

fn because(cause: &StatusCause) -> String {
    let short = match cause.message.strip_prefix("Invalid value: ").and_then(after_value) {
        Some((value, why)) if value.len() > QUOTED || value.starts_with(['{', '[', '&']) => why,
        _ => &cause.message,
    };
    // After the first line, the server prints whole objects.
    let short = one_line(short.lines().next().unwrap_or_default());
    if cause.field.is_empty() { short } else { format!("{}: {short}", cause.field) }
}

/// A value that the server quotes, be it JSON or a structure of Go, and what follows it.
fn after_value(text: &str) -> Option<(&str, &str)> {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for (at, char) in text.char_indices() {
        match char {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '{' | '[' | '(' => depth += 1,
            '}' | ']' | ')' => depth = depth.saturating_sub(1),
            ':' if depth == 0 => {
                if let Some(why) = text[at..].strip_prefix(": ") {
                    return Some((&text[..at], why));
                }
            }
            _ => {}
        }
    }
    None
}

/// What to do where the server refuses to change a field. That it does, only its words say; they choose this advice
/// and nothing else.
fn to_do(object: &Object, status: &Status) -> Option<String> {
    let words = [
        "immutable",
        "may not change",
        "may not be changed",
        "cannot change",
        "cannot be changed",
        "updates to",
        "pod updates",
    ];
    let cannot_change = |cause: &&StatusCause| words.iter().any(|words| cause.message.contains(words));
    let cause = causes(status).find(cannot_change)?;
    let in_general = "the field cannot change once the object exists: delete the object first, or give the new one \
                      another name";
    Some(remedy(object, &cause.field).unwrap_or_else(|| in_general.to_owned()))
}

/// What of a StatefulSet's spec can change.
const CHANGEABLE: [&str; 7] = [
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
    "revisionHistoryLimit",
];

/// The field of a cause; where that is the whole spec, the parts of it that differ.
fn fields(cause: &StatusCause, object: &Object, before: Option<&Value>) -> String {
    let (spec, before) = (object.as_value().get("spec"), before.and_then(|before| before.get("spec")));
    let (Some(Value::Object(spec)), Some(before), "spec") = (spec, before, cause.field.as_str()) else {
        return cause.field.clone();
    };
    let may_change = |part: &str| object.kind() == "StatefulSet" && CHANGEABLE.contains(&part);
    let differs = |(part, value): &(&String, &Value)| {
        !may_change(part) && before.get(part.as_str()).is_none_or(|live| !is_within(value, live))
    };
    let parts: Vec<String> = spec.iter().filter(differs).map(|(part, _)| format!("spec.{part}")).collect();
    if parts.is_empty() { cause.field.clone() } else { parts.join(", ") }
}

/// Whether `live` has all that `named` says; the server adds defaults.
fn is_within(named: &Value, live: &Value) -> bool {
    match (named, live) {
        (Value::Object(named), Value::Object(live)) => {
            named.iter().all(|(key, value)| live.get(key).is_some_and(|live| is_within(value, live)))
        }
        (Value::Array(named), Value::Array(live)) => {
            named.len() == live.len() && named.iter().zip(live).all(|(named, live)| is_within(named, live))
        }
        _ => named == live,
    }
}

/// Whether the server has no such resource (yet): it names no object then.
fn is_not_served(status: &Status) -> bool {
    status.code == 404 && status.details.as_ref().is_none_or(|details| details.name.is_empty())
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn cause(field: &str, message: &str) -> StatusCause {
        StatusCause { field: field.to_owned(), message: message.to_owned(), reason: String::new() }
    }

    #[test]
    fn a_cause_is_said_without_the_value_that_hides_it() {
        let value = json!({"labels": {"a": "with \" and } and : in it", "b": "x".repeat(80)}});
        for (message, said) in [
            (format!("Invalid value: {value}: field is immutable"), "spec.template: field is immutable"),
            (
                format!(
                    "Invalid value: core.PodTemplateSpec{{A:(*int)(0xc0), B:\"{}\"}}: field is immutable",
                    "y".repeat(80)
                ),
                "spec.template: field is immutable",
            ),
            (
                r#"Invalid value: "x": must be y"#.to_owned(),
                r#"spec.template: Invalid value: "x": must be y"#,
            ),
            (
                "Forbidden: spec is immutable after creation\n core.Spec{\n A: 1".to_owned(),
                "spec.template: Forbidden: spec is immutable after creation",
            ),
        ] {
            assert_eq!(because(&cause("spec.template", &message)), said);
        }
    }

    #[test]
    fn the_parts_of_a_spec_that_differ_are_named() {
        let object = |kind: &str, spec: Value| {
            Object::new(
                json!({"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "a"}, "spec": spec}),
            )
            .unwrap()
        };
        let before = json!({"spec": {"replicas": 1, "serviceName": "a", "podManagementPolicy": "OrderedReady",
            "volumeClaimTemplates": [{"spec": {"resources": {"requests": {"storage": "1Gi"}}, "volumeMode": "Filesystem"}}]}});
        let same = json!({"replicas": 2, "serviceName": "a",
            "volumeClaimTemplates": [{"spec": {"resources": {"requests": {"storage": "1Gi"}}}}]});
        let mut other = same.clone();
        other["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"] = json!("2Gi");
        let refused = cause("spec", "Forbidden: updates to statefulset spec");
        let named = |kind: &str, spec: &Value| fields(&refused, &object(kind, spec.clone()), Some(&before));
        assert_eq!(named("StatefulSet", &other), "spec.volumeClaimTemplates");
        assert_eq!(named("StatefulSet", &same), "spec");
        assert_eq!(named("Other", &same), "spec.replicas");
        assert_eq!(fields(&cause("data", ""), &object("Other", same), Some(&before)), "data");
    }
}
