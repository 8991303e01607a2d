//! Server-side apply: what is sent, what came of it, and why the server refused.

use nprt_core::model::Object;
use nprt_core::ports::{Applied, Change};
use nprt_core::{Error, ErrorKind, Result};
use serde_json::{Value, json};

use crate::adopt::Outcome;
use crate::change::change;
use crate::client::{Client, Place};
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
    ) -> Result<Outcome, Refusal> {
        let mut body = body(object, place);
        name_epoch(&mut body, epoch);
        pin(&mut body, before);
        self.keep_replicas(operation, place, object, &mut body, before).await.map_err(Refusal::Error)?;
        let answer = match dry_run {
            true => self.predict(operation, place, &body, before).await,
            false => self.write(operation, place, &body, before).await,
        };
        match answer {
            Ok(outcome) => Ok(outcome),
            Err(failure) if failure.is_outdated() => Err(Refusal::Outdated),
            Err(failure) => {
                let error = self.refusal(operation, place, object, failure).await;
                Err(if error.is_conflict() { Refusal::Conflict(error) } else { Refusal::Error(error) })
            }
        }
    }
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

/// What came of an apply to the object that was `before`.
pub(crate) fn applied(operation: &'static str, outcome: Outcome, before: Option<&Value>) -> Result<Applied> {
    let Outcome { after, adopts, differs } = outcome;
    let change = match before {
        Some(_) if differs => Change::Configured,
        before => change(before, &after),
    };
    let before = before.map(|before| live(operation, before.clone())).transpose()?;
    Ok(Applied { object: live(operation, after)?, change, before, adopts: adopts.into_iter().collect() })
}
