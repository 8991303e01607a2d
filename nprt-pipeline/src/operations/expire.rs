use nprt_core::Result;
use nprt_core::model::ServiceName;
use nprt_core::ports::{Lease, Purpose, Task};

use crate::apply::mark;
use crate::operation::Operation;
use crate::operations::rollback;
use crate::outcome::Rollback;
use crate::pipeline::Pipeline;
use crate::progress::Progress;
use crate::request::Caller;
use crate::state::snapshot;

impl Pipeline {
    /// Removes the canary if its time is over, as it says itself (`nprt.dev/expires`); `None` where there is
    /// none or its time is not over, which writes nothing. Any replica may ask, as often as it likes.
    /// [`Pipeline::tend`] does this and whatever else is due.
    ///
    /// # Errors
    /// `NotFound` for a service; `Conflict`, saying who, while another operation holds the service's lease;
    /// `Cancelled` by a rollback; those of the cluster.
    pub async fn expire(
        &self,
        service: &ServiceName,
        caller: &Caller,
        progress: &Progress,
    ) -> Result<Option<Rollback>> {
        let op = self.operation(service, progress)?;
        if !is_over_now(&op).await? {
            return Ok(None);
        }
        let purpose = Purpose::new(Task::Expiry, caller.name());
        op.roll_back_where(purpose, caller, None, |lease| expire(&op, lease, caller)).await
    }
}

async fn is_over_now(op: &Operation<'_>) -> Result<bool> {
    Ok(snapshot::is_over(&op.witness.look(&op.cx).await?, op.cx.now()))
}

async fn expire(op: &Operation<'_>, lease: Lease, caller: &Caller) -> Result<Option<Rollback>> {
    // It was read without the lease before.
    if !is_over_now(op).await? {
        return Ok(None);
    }
    remove_expired(op, lease, caller).await.map(Some)
}

pub(crate) async fn remove_expired(op: &Operation<'_>, lease: Lease, caller: &Caller) -> Result<Rollback> {
    let to = op.applier(&lease);
    let done = rollback::rollback(op, lease.clone(), None, caller).await?;
    if let Some(canary) = &done.canary {
        mark::note_rollback(&to, canary, caller).await;
    }
    Ok(done)
}
