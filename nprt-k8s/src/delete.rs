//! Deletions under a lease, and the wait until the object is gone.

use std::time::Duration;

use nprt_core::model::ObjectId;
use nprt_core::ports::Lease;
use nprt_core::{Error, ErrorKind, Result};
use serde_json::Value;

use crate::apply::contended;
use crate::belongs::still_belongs;
use crate::client::Place;
use crate::error::Failure;
use crate::lease::{Leases, recently};
use crate::write::ATTEMPTS;

/// How often an object that has finalizers is looked at until it is gone, and how long.
const DELETION: (Duration, u32) = (Duration::from_millis(200), 300);

impl Leases {
    pub(crate) async fn delete(&self, operation: &'static str, lease: &Lease, id: &ObjectId) -> Result<bool> {
        let of = |error: Error| error.with("object", id);
        let place = self.client.place(operation, id).await?;
        // A workload's status changes all the time: it would be read anew all the same.
        let is_workload = matches!(&*place.resource.api.group, "apps" | "batch");
        let mut seen = if is_workload { None } else { self.holds.seen(&place) };
        for _ in 0..ATTEMPTS {
            let now = match seen.take() {
                Some(seen) => seen,
                None => match self.look(operation, &place).await? {
                    Some(live) => live,
                    None => {
                        self.check(operation, lease, recently()).await?;
                        return Ok(false);
                    }
                },
            };
            still_belongs(operation, lease, id.clone(), &[], Some(&now))?;
            self.may_write(operation, lease, &place, Some(&now.object)).await?;
            self.holds.overlook(&place);
            match self.client.delete(operation, &place, &now.object).await {
                Ok(true) => return Ok(true),
                Ok(false) => {
                    self.gone(operation, &place, uid(&now.object)).await.map_err(of)?;
                    return Ok(true);
                }
                Err(failure) if failure.is_outdated() => {}
                Err(failure) => return Err(of(self.doubted(lease, failure.into_error(operation)))),
            }
        }
        Err(of(contended(operation)))
    }

    /// Waits until the object with `uid` is gone.
    async fn gone(&self, operation: &'static str, place: &Place, uid: &str) -> Result<()> {
        let (pause, times) = DELETION;
        let mut finalizers = String::new();
        for _ in 0..times {
            let object = self.client.get(operation, place).await;
            let object = object.map_err(|failure: Failure| failure.into_error(operation))?;
            let Some(object) = object.filter(|object| self::uid(object) == uid) else { return Ok(()) };
            finalizers = object.pointer("/metadata/finalizers").map(Value::to_string).unwrap_or_default();
            self.clock.sleep(pause).await;
        }
        Err(Error::new(ErrorKind::Timeout, operation, "the object is marked as deleted, but stays")
            .with("finalizers", finalizers))
    }
}

fn uid(object: &Value) -> &str {
    object.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default()
}
