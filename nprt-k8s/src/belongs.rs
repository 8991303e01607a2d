//! Which service an object belongs to, by its label: one that changed hands since it was read is not ours to
//! change.

use nprt_core::model::{ObjectId, label};
use nprt_core::ports::Lease;
use nprt_core::{Error, ErrorKind, Result};
use serde_json::Value;

use crate::lease::Seen;
use crate::operation::operation;

/// The service that the object names.
pub(crate) fn owner(object: Option<&Value>) -> Option<String> {
    let label = object?.pointer("/metadata/labels")?.get(label::SERVICE)?;
    label.as_str().map(str::to_owned)
}

/// Fails with `Conflict` where the object belongs to a service that is neither the lease's nor one of `others`.
pub(crate) fn still_belongs(
    lease: &Lease,
    id: ObjectId,
    others: &[Option<&str>],
    now: Option<&Seen>,
) -> Result<()> {
    match owner(now.map(|now| &now.object)) {
        Some(owner) if owner != lease.service.as_str() && !others.contains(&Some(&owner)) => {
            let message =
                format!("the object now belongs to service {owner:?}, not to {:?}", lease.service.as_str());
            Err(Error::new(ErrorKind::Conflict, operation(), message)
                .with("object", id)
                .with("service", &lease.service)
                .with("owner", owner))
        }
        _ => Ok(()),
    }
}
