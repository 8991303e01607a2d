//! What is marked as deleted and stays, since its finalizers hold it: nothing that nprt may do makes it go, and nothing
//! waits for it. Whatever is answered meanwhile names it.

use std::fmt;

use nprt_core::model::{Object, ObjectId, Track};
use nprt_core::{Error, ErrorKind, Result};
use nprt_manifest::Document;
use serde_json::Value;

use super::live::{Live, track_of};
use super::plan::Plan;

/// An object that its finalizers hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) object: ObjectId,
    pub(super) finalizers: Vec<String>,
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is marked as deleted, ", self.object)?;
        match &self.finalizers[..] {
            [] => f.write_str("but still exists"),
            finalizers => write!(
                f,
                "but its finalizers hold it: {}. Once their work is done, remove them to free the object",
                finalizers.join(", ")
            ),
        }
    }
}

impl Held {
    pub(super) fn of(object: &Object) -> Option<Self> {
        is_marked(object).then(|| {
            let finalizers = object.as_value().pointer("/metadata/finalizers").and_then(Value::as_array);
            let finalizers = finalizers.into_iter().flatten().filter_map(Value::as_str);
            Self { object: object.id(), finalizers: finalizers.map(str::to_owned).collect() }
        })
    }

    /// That the object cannot be made or changed now.
    pub(super) fn refuse(&self) -> Error {
        let message = "an object of this name is marked as deleted, and its finalizers hold it: remove them first, \
                       or wait until it is gone";
        Error::new(ErrorKind::Conflict, "pipeline.marked", message)
            .with("object", &self.object)
            .with("finalizers", self.finalizers.join(", "))
    }
}

/// Whether the object goes as soon as its finalizers do.
pub(super) fn is_marked(object: &Object) -> bool {
    object.as_value().pointer("/metadata/deletionTimestamp").is_some()
}

impl Live {
    /// What is left of `track` and marked as deleted.
    pub(super) fn held_on(&self, track: Track) -> impl Iterator<Item = Held> {
        let is_on = move |object: &&Object| track_of(object) == Some(track.as_str());
        self.objects.iter().filter(is_on).filter_map(Held::of)
    }
}

/// Refuses to change or make an object while one of its name is marked as deleted: what was applied to it would go
/// with it.
///
/// # Errors
/// `Conflict`, with the object and its finalizers.
pub(super) fn refuse_marked(documents: &[Document], live: &Live) -> Result<()> {
    let held = documents.iter().find_map(|document| Held::of(live.find(&document.object)?));
    held.map_or(Ok(()), |held| Err(held.refuse()))
}

impl Plan {
    /// The same after a removal that left `held`.
    ///
    /// # Errors
    /// As [`refuse_marked`].
    pub(super) fn refuse_held(&self, held: &[Held]) -> Result<()> {
        let is_planned =
            |held: &&Held| self.foreseen.iter().any(|planned| planned.object.id() == held.object);
        held.iter().find(is_planned).map_or(Ok(()), |held| Err(held.refuse()))
    }
}
