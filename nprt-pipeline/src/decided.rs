//! What whoever judges decides by itself, written where a person looks: on the workload that lives on.

use jiff::Timestamp;
use nprt_core::model::{ServiceName, Track, annotation};
use nprt_core::ports::{Lease, Occasion, Purpose, Severity, Takeover, Task};
use nprt_core::{Error, ErrorKind, Result};
use serde::Serialize;

use super::Pipeline;
use super::job::Job;
use super::live::Running;
use super::notify::News;
use super::plan::annotate;
use super::progress::Progress;
use super::request::Caller;

/// A decision, as an annotation has it.
#[derive(Serialize)]
struct Decided<'a> {
    canary: String,
    by: &'a str,
    reason: &'a str,
    at: Timestamp,
}

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
        let job = self.job(service, progress)?;
        if !job.is_undecided(canary).await? {
            return Ok(false);
        }
        let purpose = Purpose::new(Task::Note, caller.name());
        let work = |lease| job.leave_undecided(lease, canary, caller);
        if !job.hold(purpose, Takeover::WhenExpired, None, work).await?? {
            return Ok(false);
        }
        let summary = format!("{service}: the canary {} is left to a person", canary.describe());
        let (occasion, severity) = (Occasion::Undecided, Severity::Warning);
        let revision = canary.revision.as_ref();
        let canary = job.about.canary(occasion, None);
        job.tell(News { occasion, reason: "Undecided", severity, revision, canary, summary }, caller).await;
        Ok(true)
    }
}

impl Job<'_> {
    /// Whether it is this canary that runs, nobody holds it, and nobody has said that it is left to a person.
    async fn is_undecided(&self, canary: &Running) -> Result<bool> {
        let live = self.live().await?;
        let now = live.running(Track::Canary);
        let is_said = live.run_on(Track::Canary).any(|o| o.annotation(annotation::UNDECIDED).is_some());
        Ok(!is_said && now.is_some_and(|now| now.held.is_none() && now.is_same_trial(canary)))
    }

    async fn leave_undecided(&self, lease: Lease, canary: &Running, caller: &Caller) -> Result<bool> {
        // It was read without the lease before.
        if !self.is_undecided(canary).await? {
            return Ok(false);
        }
        let text = self.decided(canary, caller)?;
        self.mark_canary(&lease, annotation::UNDECIDED, Some(text)).await.map(|()| true)
    }

    /// Writes on stable's first workload that `canary` was rolled back, by whom and why. What cannot be written fails
    /// nothing: the canary is gone.
    pub(super) async fn note_rollback(&self, lease: &Lease, canary: &Running, caller: &Caller) {
        let write = async {
            let Some(stable) = self.subject.stable() else { return Ok(()) };
            let Some(mut owned) = self.ports.cluster.owned(&stable).await? else { return Ok(()) };
            let text = self.decided(canary, caller)?;
            annotate(&mut owned, [(annotation::ROLLED_BACK, text)].into_iter())?;
            self.ports.cluster.apply(lease, &owned).await.map(drop)
        };
        if let Err(error) = write.await {
            self.progress.warn(format!("that it was rolled back is not written on stable: {error}"));
        }
    }

    fn decided(&self, canary: &Running, caller: &Caller) -> Result<String> {
        let (by, reason, at) = (caller.name(), caller.reason(), self.now());
        serde_json::to_string(&Decided { canary: canary.describe(), by, reason, at }).map_err(|error| {
            Error::new(ErrorKind::Unexpected, "pipeline.decided", "cannot be written").with_source(error)
        })
    }
}
