//! Server-side apply: what is sent, what came of it, and why the server refused.

use nprt_core::model::Object;
use nprt_core::ports::{Applied, Change};
use nprt_core::{Error, Result};
use serde_json::{Value, json};

use crate::adopt::Outcome;
use crate::change::change;
use crate::client::Client;
use crate::object::{live, name_epoch, pin};
use crate::resource::Place;

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
        place: &Place,
        object: &Object,
        before: Option<&Value>,
        epoch: Option<u64>,
        dry_run: bool,
    ) -> Result<Outcome, Refusal> {
        let mut body = body(object, place);
        name_epoch(&mut body, epoch);
        pin(&mut body, before);
        self.keep_replicas(place, object, &mut body, before).await.map_err(Refusal::Error)?;
        let answer = match dry_run {
            true => self.predict(place, &body, before).await,
            false => self.write(place, &body, before).await,
        };
        match answer {
            Ok(outcome) => Ok(outcome),
            Err(failure) if failure.is_outdated() => Err(Refusal::Outdated),
            Err(failure) => {
                let error = self.refusal(place, object, before, failure).await;
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

/// What came of an apply to the object that was `before`.
pub(crate) fn applied(outcome: Outcome, before: Option<&Value>) -> Result<Applied> {
    let Outcome { after, adopts, differs } = outcome;
    let change = match before {
        Some(_) if differs => Change::Configured,
        before => change(before, &after),
    };
    let before = before.map(|before| live(before.clone())).transpose()?;
    Ok(Applied { object: live(after)?, change, before, adopts: adopts.into_iter().collect() })
}
