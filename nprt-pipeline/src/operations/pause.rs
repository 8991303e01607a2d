//! A person's word to whatever decides by itself: this canary is not to be promoted or rolled back without one.

use std::time::Duration;

use nprt_core::model::{ServiceName, Track, annotation};
use nprt_core::ports::{Lease, ObjectEvent, Purpose, Takeover, Task};
use nprt_core::{Error, ErrorKind, Result};

use crate::apply::mark;
use crate::apply::mark::the_canary;
use crate::operation::Operation;
use crate::operations::rollback;
use crate::outcome::Rollback;
use crate::pipeline::Pipeline;
use crate::progress::Progress;
use crate::request::Caller;
use crate::state::running::{Held, Running};

impl Pipeline {
    /// Holds the canary: it is written on its workloads ([`annotation::HELD`]), restarts nothing, and ends with the
    /// canary. It binds those who ask ([`Running::held`]): a tool that judges and decides by itself does neither
    /// meanwhile. [`Pipeline::promote`] and [`Pipeline::rollback`] are a person's and go on, as does the removal of a
    /// canary whose time is over.
    ///
    /// # Errors
    /// `NotFound` for a service; `Conflict` without a canary, or saying who, while another operation holds the
    /// service's lease; `Cancelled` by a rollback; those of the cluster.
    pub async fn hold(&self, service: &ServiceName, caller: &Caller, progress: &Progress) -> Result<Held> {
        let op = self.operation(service, progress)?;
        let since = op.cx.now();
        let held = Held { by: caller.name().to_owned(), reason: caller.reason().to_owned(), since };
        let text = serde_json::to_string(&held).map_err(|error| {
            Error::new(ErrorKind::Unexpected, "pipeline.hold", "cannot be written").with_source(error)
        })?;
        let purpose = Purpose::new(Task::Hold, caller.name());
        let work = |lease| write_held(&op, lease, Some(text));
        op.hold(purpose, Takeover::WhenExpired, None, work).await??;
        let note = format!("by {}: the canary is held ({})", caller.name(), caller.reason());
        op.news().record_event(ObjectEvent::normal("Held", &note)).await;
        Ok(held)
    }

    /// Ends a [hold](Pipeline::hold), and answers with what it was; `None` where there was none, which writes
    /// nothing.
    ///
    /// # Errors
    /// As [`Pipeline::hold`].
    pub async fn resume(
        &self,
        service: &ServiceName,
        caller: &Caller,
        progress: &Progress,
    ) -> Result<Option<Held>> {
        let op = self.operation(service, progress)?;
        let Some(held) = the_canary(&op.witness.look(&op.cx).await?, service)?.held else {
            return Ok(None);
        };
        let purpose = Purpose::new(Task::Resumption, caller.name());
        let work = |lease| write_held(&op, lease, None);
        op.hold(purpose, Takeover::WhenExpired, None, work).await??;
        let note = format!("by {}: the canary is no longer held ({})", caller.name(), caller.reason());
        op.news().record_event(ObjectEvent::normal("Resumed", &note)).await;
        Ok(Some(held))
    }

    /// Removes `canary`, as [`Pipeline::status`] has shown it, if it is still that one: of this version, started
    /// then, and held or not as it was. `None` where it is not, which changes nothing. That is for those who have
    /// judged a canary, and must not hit one that came meanwhile. Unlike [`Pipeline::rollback`] it cancels nobody, but
    /// waits for the service's lease for at most `wait`, and it is written on stable's first workload
    /// ([`annotation::ROLLED_BACK`]). That it failed is told once for each canary, however often it is tried.
    ///
    /// # Errors
    /// As [`Pipeline::expire`].
    pub async fn roll_back_if(
        &self,
        service: &ServiceName,
        canary: &Running,
        caller: &Caller,
        wait: Option<Duration>,
        progress: &Progress,
    ) -> Result<Option<Rollback>> {
        let op = self.operation(service, progress)?;
        let purpose = Purpose::new(Task::Rollback, caller.name());
        op.roll_back_where(purpose, caller, wait, |lease| roll_back_if(&op, lease, canary, caller)).await
    }
}

async fn write_held(op: &Operation<'_>, lease: Lease, held: Option<String>) -> Result<()> {
    let to = op.applier(&lease);
    mark::mark_canary(&to, annotation::HELD, held).await
}

async fn roll_back_if(
    op: &Operation<'_>,
    lease: Lease,
    canary: &Running,
    caller: &Caller,
) -> Result<Option<Rollback>> {
    let to = op.applier(&lease);
    let now = op.witness.look(&op.cx).await?.running(Track::Canary);
    if !now.is_some_and(|now| now.is_same_trial(canary)) {
        return Ok(None);
    }
    let done = rollback::rollback(op, lease.clone(), None, caller).await?;
    mark::note_rollback(&to, canary, caller).await;
    Ok(Some(done))
}
