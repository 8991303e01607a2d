//! What is marked as deleted and stays, since its finalizers hold it: nothing that nprt may do makes it go, and nothing
//! waits for it. Whatever is answered meanwhile names it.

use std::fmt;

use nprt_core::model::{Object, ObjectId};
use nprt_core::{Error, ErrorKind};
use serde_json::Value;

/// An object that its finalizers hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HeldByFinalizers {
    pub(crate) object: ObjectId,
    pub(crate) finalizers: Vec<String>,
}

impl fmt::Display for HeldByFinalizers {
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

impl HeldByFinalizers {
    pub(crate) fn of(object: &Object) -> Option<Self> {
        is_marked(object).then(|| {
            let finalizers = object.as_value().pointer("/metadata/finalizers").and_then(Value::as_array);
            let finalizers = finalizers.into_iter().flatten().filter_map(Value::as_str);
            Self { object: object.id(), finalizers: finalizers.map(str::to_owned).collect() }
        })
    }

    /// That the object cannot be made or changed now.
    pub(crate) fn refuse(&self) -> Error {
        let message = "an object of this name is marked as deleted, and its finalizers hold it: remove them first, \
                       or wait until it is gone";
        Error::new(ErrorKind::Conflict, "pipeline.marked", message)
            .with("object", &self.object)
            .with("finalizers", self.finalizers.join(", "))
    }
}

/// Whether the object goes as soon as its finalizers do.
pub(crate) fn is_marked(object: &Object) -> bool {
    object.as_value().pointer("/metadata/deletionTimestamp").is_some()
}
