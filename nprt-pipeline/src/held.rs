//! A person's word to whatever decides by itself: this canary is not to be promoted or rolled back without one.

use std::time::Duration;

use jiff::Timestamp;
use nprt_core::model::{Object, ServiceName, Track, annotation};
use nprt_core::ports::{Lease, ObjectEvent, Purpose, Takeover, Task};
use nprt_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Pipeline;
use super::job::Job;
use super::live::{Live, Running};
use super::plan::annotate;
use super::progress::Progress;
use super::request::Caller;
use super::rollback::Rollback;

/// Who holds a canary, why and since when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Who asked for it.
    pub by: String,
    /// Why; may be empty.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}

impl Held {
    /// What an object says. What cannot be read holds all the same, since the beginning of time.
    pub(super) fn of(object: &Object) -> Option<Self> {
        let text = object.annotation(annotation::HELD)?;
        let unknown = |_| Self { by: "unknown".to_owned(), reason: text.to_owned(), since: Timestamp::MIN };
        Some(serde_json::from_str(text).unwrap_or_else(unknown))
    }
}

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
        let job = self.job(service, progress)?;
        let since = job.now();
        let held = Held { by: caller.name().to_owned(), reason: caller.reason().to_owned(), since };
        let text = serde_json::to_string(&held).map_err(|error| {
            Error::new(ErrorKind::Unexpected, "pipeline.hold", "cannot be written").with_source(error)
        })?;
        let purpose = Purpose::new(Task::Hold, caller.name());
        let work = |lease| job.write_held(lease, Some(text));
        job.hold(purpose, Takeover::WhenExpired, None, work).await??;
        let note = format!("by {}: the canary is held ({})", caller.name(), caller.reason());
        job.record_event(ObjectEvent::normal("Held", &note)).await;
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
        let job = self.job(service, progress)?;
        let Some(held) = the_canary(&job.live().await?, &job)?.held else { return Ok(None) };
        let purpose = Purpose::new(Task::Resumption, caller.name());
        let work = |lease| job.write_held(lease, None);
        job.hold(purpose, Takeover::WhenExpired, None, work).await??;
        let note = format!("by {}: the canary is no longer held ({})", caller.name(), caller.reason());
        job.record_event(ObjectEvent::normal("Resumed", &note)).await;
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
        let job = self.job(service, progress)?;
        let purpose = Purpose::new(Task::Rollback, caller.name());
        job.roll_back_where(purpose, caller, wait, |lease| job.roll_back_if(lease, canary, caller)).await
    }
}

impl Job<'_> {
    async fn write_held(&self, lease: Lease, held: Option<String>) -> Result<()> {
        self.mark_canary(&lease, annotation::HELD, held).await
    }

    /// Gives the canary's workloads this annotation, or takes it from them.
    pub(super) async fn mark_canary(
        &self,
        lease: &Lease,
        key: &'static str,
        value: Option<String>,
    ) -> Result<()> {
        let live = self.live().await?;
        the_canary(&live, self)?;
        let workloads = live.run_on(Track::Canary).filter(|o| o.annotation(annotation::STARTED).is_some());
        for workload in workloads {
            // Only our own fields: what others have set stays theirs.
            let Some(mut owned) = self.ports.cluster.owned(&workload.id()).await? else { continue };
            match &value {
                Some(text) => annotate(&mut owned, [(key, text.clone())].into_iter())?,
                None => forget(&mut owned, key),
            }
            self.again(|| self.ports.cluster.apply(lease, &owned)).await?;
        }
        Ok(())
    }

    async fn roll_back_if(
        &self,
        lease: Lease,
        canary: &Running,
        caller: &Caller,
    ) -> Result<Option<Rollback>> {
        let now = self.live().await?.running(Track::Canary);
        if !now.is_some_and(|now| now.is_same_trial(canary)) {
            return Ok(None);
        }
        let done = self.rollback(lease.clone(), None, caller).await?;
        self.note_rollback(&lease, canary, caller).await;
        Ok(Some(done))
    }
}

fn the_canary(live: &Live, job: &Job<'_>) -> Result<Running> {
    live.running(Track::Canary).ok_or_else(|| {
        Error::new(ErrorKind::Conflict, "pipeline.hold", "there is no canary")
            .with("service", &job.service.name)
    })
}

fn forget(object: &mut Object, key: &str) {
    let annotations =
        object.as_value_mut().pointer_mut("/metadata/annotations").and_then(Value::as_object_mut);
    if let Some(annotations) = annotations {
        annotations.remove(key);
    }
}
