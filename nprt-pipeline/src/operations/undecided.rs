//! Says on a canary that it is left to a person.

use nprt_core::Result;
use nprt_core::model::{ServiceName, Track, annotation};
use nprt_core::ports::{Lease, Occasion, Purpose, Severity, Takeover, Task};

use crate::apply::mark;
use crate::news::announcer::News;
use crate::operation::Operation;
use crate::pipeline::Pipeline;
use crate::progress::Progress;
use crate::request::Caller;
use crate::state::running::Running;

impl Pipeline {
    /// Says once that `canary`, as [`Pipeline::status`] has shown it, is left to a person: that is for those who judge,
    /// and have come to no verdict in their time. It is written on the canary ([`annotation::UNDECIDED`]), left as an
    /// event and told; the canary stays as it is. `false` where that was said before, and where another canary runs or
    /// a person [holds](Pipeline::hold) it, who knows: that writes nothing.
    ///
    /// # Errors
    /// `NotFound` for a service; `Conflict`, saying who, while another operation holds the service's lease;
    /// `Cancelled` by a rollback; those of the cluster.
    pub async fn leave_undecided(
        &self,
        service: &ServiceName,
        canary: &Running,
        caller: &Caller,
        progress: &Progress,
    ) -> Result<bool> {
        let op = self.operation(service, progress)?;
        if !is_undecided(&op, canary).await? {
            return Ok(false);
        }
        let purpose = Purpose::new(Task::Note, caller.name());
        let work = |lease| leave_undecided(&op, lease, canary, caller);
        if !op.hold(purpose, Takeover::WhenExpired, None, work).await?? {
            return Ok(false);
        }
        let summary = format!("{service}: the canary {} is left to a person", canary.describe());
        let (occasion, severity) = (Occasion::Undecided, Severity::Warning);
        let revision = canary.revision.as_ref();
        let canary = op.witness.about.canary(occasion, None);
        op.news()
            .tell(News { occasion, reason: "Undecided", severity, revision, canary, summary }, caller)
            .await;
        Ok(true)
    }
}

/// Whether it is this canary that runs, nobody holds it, and nobody has said that it is left to a person.
async fn is_undecided(op: &Operation<'_>, canary: &Running) -> Result<bool> {
    let live = op.witness.look(&op.cx).await?;
    let now = live.running(Track::Canary);
    let is_said = live.run_on(Track::Canary).any(|o| o.annotation(annotation::UNDECIDED).is_some());
    Ok(!is_said && now.is_some_and(|now| now.held.is_none() && now.is_same_trial(canary)))
}

async fn leave_undecided(
    op: &Operation<'_>,
    lease: Lease,
    canary: &Running,
    caller: &Caller,
) -> Result<bool> {
    let to = op.applier(&lease);
    // It was read without the lease before.
    if !is_undecided(op, canary).await? {
        return Ok(false);
    }
    let text = mark::decided(&op.cx, canary, caller)?;
    mark::mark_canary(&to, annotation::UNDECIDED, Some(text)).await.map(|()| true)
}
