//! What an object is to the service that it belongs to.

use nprt_core::model::{Object, annotation, label};

pub(crate) const PREFIX: &str = "nprt-judge-";

/// Whether the object is a checkpoint, which runs no version.
pub(crate) fn is_checkpoint(object: &Object) -> bool {
    object.kind() == "ConfigMap"
        && object.label(label::SERVICE).is_some_and(|of| object.name().strip_prefix(PREFIX) == Some(of))
}

/// The track that a live object of the service is on. Earlier versions of nprt set the label `track` alone.
pub(crate) fn track_of(object: &Object) -> Option<&str> {
    let before = || object.annotation(annotation::REVISION).and_then(|_| object.label("track"));
    object.label(label::TRACK).or_else(before)
}

pub(crate) fn is_service(object: &Object) -> bool {
    object.id().group().is_empty() && object.kind() == "Service"
}
