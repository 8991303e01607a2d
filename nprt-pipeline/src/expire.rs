use jiff::Timestamp;
use nprt_core::model::{ServiceName, Track};
use nprt_core::ports::{Lease, Purpose, Task};
use nprt_core::{Error, ErrorKind, Result};

use super::Pipeline;
use super::job::Job;
use super::live::{Live, Running};
use super::progress::Progress;
use super::request::Caller;
use super::rollback::Rollback;

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
        let job = self.job(service, progress)?;
        if !job.is_over().await? {
            return Ok(None);
        }
        let purpose = Purpose::new(Task::Expiry, caller.name());
        job.roll_back_where(purpose, caller, None, |lease| job.expire(lease, caller)).await
    }
}

impl Job<'_> {
    async fn is_over(&self) -> Result<bool> {
        Ok(is_over(&self.live().await?, self.now()))
    }

    async fn expire(&self, lease: Lease, caller: &Caller) -> Result<Option<Rollback>> {
        // It was read without the lease before.
        if !self.is_over().await? {
            return Ok(None);
        }
        self.remove_expired(lease, caller).await.map(Some)
    }

    pub(super) async fn remove_expired(&self, lease: Lease, caller: &Caller) -> Result<Rollback> {
        let done = self.rollback(lease.clone(), None, caller).await?;
        if let Some(canary) = &done.canary {
            self.note_rollback(&lease, canary, caller).await;
        }
        Ok(done)
    }
}

/// Whether a canary runs whose time is over.
pub(super) fn is_over(live: &Live, now: Timestamp) -> bool {
    live.running(Track::Canary).is_some_and(|canary| canary.is_expired(now))
}

/// # Errors
/// `Conflict` for a canary whose time is over.
pub(super) fn not_expired(canary: &Running, now: Timestamp, operation: &'static str) -> Result<()> {
    if !canary.is_expired(now) {
        return Ok(());
    }
    let expires = canary.expires.filter(|expires| *expires != Timestamp::MIN);
    let expires = expires.map_or_else(|| "cannot be read".to_owned(), |expires| expires.to_string());
    Err(Error::new(ErrorKind::Conflict, operation, "the canary's time is over: start it anew")
        .with("canary", canary.describe())
        .with("expires", expires))
}
