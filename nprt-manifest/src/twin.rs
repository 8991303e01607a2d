//! What a canary's object is called, beside the object of stable that it is made from.

use nprt_core::model::{Object, Track, label};
use nprt_core::{Error, Result};
use serde_json::Value;

use super::fields::map_at;

const OPERATION: &str = "manifest.canary";
/// `kubectl apply`'s copy of what it applied: of the original here, a Secret's values included.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// What the name of a canary ends with.
pub(super) const SUFFIX: &str = "-canary";

/// Whether this is a canary already, rendered before.
pub(super) fn is_canary(object: &Object) -> bool {
    object.name().ends_with(SUFFIX) && object.label(label::TRACK) == Some(Track::Canary.as_str())
}

/// The name of the canary of `object`, which may be one.
pub(super) fn canary_name(object: &Object) -> String {
    if is_canary(object) { object.name().to_owned() } else { format!("{}{SUFFIX}", object.name()) }
}

/// Gives the object its canary's name and forgets what ties it to the one of the old name.
pub(super) fn rename(object: &mut Value, original: &Object) -> Result<()> {
    let name = canary_name(original);
    let longest = longest_name(original);
    if name.len() > longest {
        return Err(Error::invalid(OPERATION, "the name is too long for a canary beside it")
            .with("name", name)
            .with("longest", longest));
    }
    let metadata = map_at(object, &["metadata"])?;
    metadata.insert("name".to_owned(), name.into());
    for field in ["uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink"] {
        metadata.shift_remove(field);
    }
    // A canary comes and goes with its trial: whatever waits for the end of stable's object has no part in it.
    for field in ["finalizers", "ownerReferences"] {
        metadata.shift_remove(field);
    }
    if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
        annotations.shift_remove(LAST_APPLIED);
    }
    Ok(())
}

/// What Kubernetes makes of a name must be a name too: a ReplicaSet's adds 11 characters, and the label with
/// the revision of a StatefulSet, of 63, adds as many.
fn longest_name(object: &Object) -> usize {
    match object.kind() {
        "ConfigMap" | "Secret" => 253,
        "StatefulSet" => 52,
        _ => 242,
    }
}
