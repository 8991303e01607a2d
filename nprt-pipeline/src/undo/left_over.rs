//! What is left of a canary that has ended: its version is stable, its end is recorded, or its workloads are gone. The
//! process that removed it died in the middle.

use nprt_compare::report::EventKind;
use nprt_core::Result;
use nprt_core::model::{Track, annotation};
use nprt_core::ports::Lease;

use super::super::job::Job;
use super::super::live::{Live, Running};
use super::super::past_canary::PastCanary;
use super::super::request::Caller;

impl Live {
    /// The canary whose version is stable already, and that version.
    fn promoted(&self) -> Option<(Running, Running)> {
        let (canary, stable) = (self.running(Track::Canary)?, self.running(Track::Stable)?);
        let version = |running: &Running| running.revision.clone().zip(running.tag.clone());
        let is_same = version(&canary).is_some_and(|of_canary| version(&stable) == Some(of_canary));
        is_same.then_some((canary, stable))
    }

    /// Whether objects of a canary are there, and nothing that runs.
    fn has_bare_canary(&self) -> bool {
        let is_workload = |o: &&nprt_core::model::Object| o.annotation(annotation::STARTED).is_some();
        self.run_on(Track::Canary).next().is_some() && !self.run_on(Track::Canary).any(|o| is_workload(&o))
    }
}

impl Job<'_> {
    /// Whether the canary that is there has ended, and is to be removed.
    pub(in super::super) async fn is_left_over(&self, live: &Live) -> Result<bool> {
        let Some(canary) = live.running(Track::Canary) else { return Ok(false) };
        Ok(live.promoted().is_some() || live.has_bare_canary() || self.is_past(&canary).await?)
    }

    /// Removes what is left of a canary that has ended, and says what that was; `None` where there is nothing.
    pub(in super::super) async fn remove_left_over(
        &self,
        lease: &Lease,
        live: &Live,
    ) -> Result<Option<String>> {
        if !self.is_left_over(live).await? {
            return Ok(None);
        }
        let Some(canary) = live.running(Track::Canary) else { return Ok(None) };
        let what = if let Some((_, stable)) = live.promoted() {
            let by = Caller::recorded(stable.caller.as_deref().unwrap_or("unknown"), "")?;
            self.end_promoted(lease, &by).await?;
            format!("the promotion of {}", canary.describe())
        } else {
            self.remove_canary(lease, live).await?;
            format!("the removal of the canary {}", canary.describe())
        };
        self.progress.warn(format!("finished {what}, which was interrupted"));
        Ok(Some(what))
    }

    /// Removes the canary whose version is stable by now, if there is one, as the promotion by `caller` would have.
    pub(super) async fn end_promoted(&self, lease: &Lease, caller: &Caller) -> Result<()> {
        let live = self.live().await?;
        let Some((canary, _)) = live.promoted() else { return Ok(()) };
        if !self.is_past(&canary).await? {
            let past = PastCanary::of(&live, self.now(), EventKind::Promoted, caller);
            self.keep_past(lease, past).await;
        }
        self.remove_canary(lease, &live).await.map(drop)
    }

    /// Whether the end of this canary is recorded.
    async fn is_past(&self, canary: &Running) -> Result<bool> {
        if canary.started.is_none() {
            return Ok(false);
        }
        match self.past_canary().await {
            Ok(past) => Ok(past.is_some_and(|past| {
                (past.canary.started, &past.canary.revision) == (canary.started, &canary.revision)
            })),
            Err(error) if error.is_temporary() => Err(error),
            Err(error) => {
                self.progress.warn(format!("cannot tell how the last canary ended: {error}"));
                Ok(false)
            }
        }
    }
}
