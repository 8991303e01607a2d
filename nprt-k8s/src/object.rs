//! Objects as the API server writes them: what they say of themselves, and what a request says of them.

use nprt_core::model::{Object, annotation};
use nprt_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value, json};

use crate::operation::operation;
use crate::resource::Resource;

/// An object as the server answers with it.
pub(crate) fn live(value: Value) -> Result<Object> {
    Object::new(value).map_err(|error| {
        Error::new(ErrorKind::Unexpected, operation(), "the server answered with no object")
            .with_source(error)
    })
}

/// Whether a controller made it.
pub(crate) fn is_controlled(item: &Value) -> bool {
    let owners = item.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    owners.into_iter().flatten().any(|owner| owner.get("controller") == Some(&Value::Bool(true)))
}

/// The items of a list do not say what they are.
pub(crate) fn whole(kind: &Resource, item: Value) -> Value {
    let mut whole = Map::new();
    whole.insert("apiVersion".to_owned(), json!(kind.api.api_version));
    whole.insert("kind".to_owned(), json!(kind.api.kind));
    if let Value::Object(fields) = item {
        whole.extend(fields);
    }
    Value::Object(whole)
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

/// The epoch that the object names.
pub(crate) fn epoch(object: &Value) -> Option<u64> {
    object.pointer("/metadata/annotations")?.get(annotation::EPOCH)?.as_str()?.parse().ok()
}

/// Makes `body` name an epoch, or none.
pub(crate) fn name_epoch(body: &mut Value, epoch: Option<u64>) {
    let Some(metadata) = body.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    let annotations = metadata.entry("annotations").or_insert(Value::Null);
    if annotations.is_null() && epoch.is_some() {
        *annotations = json!({});
    }
    if let Some(annotations) = annotations.as_object_mut() {
        annotations.shift_remove(annotation::EPOCH);
        annotations.extend(epoch.map(|epoch| (annotation::EPOCH.to_owned(), epoch.to_string().into())));
    }
}
