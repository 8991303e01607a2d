//! What an operation does first: it settles a change that another process began and did not end.

use nprt_core::model::{Revision, Track};
use nprt_core::ports::Lease;
use nprt_core::{Error, ErrorKind, Result, Retry};

use super::super::job::Job;
use super::super::progress::Event;
use super::super::request::Request;
use super::finish::{Finished, Patience};
use super::record::Record;

/// What whoever settles is about to do.
#[derive(Debug, Clone, Copy)]
pub(in super::super) enum Goal<'a> {
    /// To make this version stable: an interrupted deploy of it simply goes on.
    Stable(&'a Revision),
    /// The same of a canary's start.
    Canary(&'a Revision),
    /// To promote this version: either goes on.
    Promotion(&'a Revision),
    /// Something else, which does not wait for the pods of an interrupted change.
    Other,
    /// To finish what was interrupted, as its own process would have.
    Recovery,
}

impl<'a> Goal<'a> {
    /// To make this version stable, where it is known.
    pub(in super::super) fn stable(version: Option<&'a Revision>) -> Self {
        version.map_or(Self::Other, Self::Stable)
    }

    fn continues(self, record: &Record) -> bool {
        let to = match (self, record.track()) {
            (Self::Stable(to) | Self::Promotion(to), Track::Stable) => to,
            (Self::Canary(to) | Self::Promotion(to), Track::Canary) => to,
            _ => return false,
        };
        to.to_string() == record.to
    }
}

/// What became of a change that was interrupted.
#[derive(Debug)]
pub(in super::super) enum Settled {
    /// The version runs, as it was asked for.
    Finished(Finished),
    /// In words: what was undone, and what runs again.
    Undone(String),
}

impl Job<'_> {
    /// Before an operation: settles a change that was interrupted, unless it was to the version of `goal`, which then
    /// goes on with it. It is finished where the cluster has all that was to be applied and the pods are ready, or
    /// become so for who waits for them; else it is undone.
    ///
    /// # Errors
    /// Those of the cluster, and `Cancelled` where this process is about to end. The record stays, and the next
    /// operation begins with it.
    pub(in super::super) async fn settle(&self, lease: &Lease, goal: Goal<'_>) -> Result<Option<Settled>> {
        let Some(transition) = &lease.transition else { return Ok(None) };
        let Some(record) = self.pending(transition).await? else {
            // It had not changed anything yet, or was settled already.
            self.forget_nothing(lease, transition).await?;
            return Ok(None);
        };
        if goal.continues(&record) {
            self.progress.warn(format!("continuing {}, which was interrupted", record.describe()));
            return Ok(None);
        }
        let mut why = None;
        if !transition.back {
            let patience = if matches!(goal, Goal::Recovery) { Patience::Rollout } else { Patience::None };
            match self.finish(lease, &record, patience).await {
                Ok(Some(finished)) => {
                    self.about.finished(finished.clone());
                    return Ok(Some(Settled::Finished(finished)));
                }
                Ok(None) => {}
                Err(error) if self.is_final(lease, &error).await => why = Some(error),
                Err(error) => return Err(error),
            }
        }
        let undone = self.undo_record(lease, record).await?;
        Ok(Some(Settled::Undone(why.map_or(undone.clone(), |why| format!("{undone}; why: {why}")))))
    }

    /// Whether finishing fails again for whoever tries next: not because this process ends, the lease was lost or a
    /// server does not answer.
    async fn is_final(&self, lease: &Lease, error: &Error) -> bool {
        let fails_again = error.retry() == Retry::Permanent && !error.is_cancelled();
        error.kind() == ErrorKind::RolloutFailed
            || (fails_again && self.ports.cluster.renew(lease).await.is_ok())
    }

    /// The same before a canary starts, which is asked for by `request`.
    pub(in super::super) async fn settle_before(&self, lease: &Lease, request: &Request) -> Result<()> {
        if lease.transition.is_none() {
            return Ok(());
        }
        let goal = self.resolve(&request.version).await.ok();
        let goal = goal.as_ref().map_or(Goal::Other, Goal::Canary);
        self.settle(lease, goal).await.map(drop)
    }

    async fn undo_record(&self, lease: &Lease, record: Record) -> Result<String> {
        let what = record.describe();
        let (track, parts) = (record.track(), record.parts.clone());
        let put_back = self.put_back(lease, record).await?;
        if track == Track::Stable {
            return Ok(self.complete(lease, put_back).await?.unwrap_or(what));
        }
        let removed = self.remove_canary(lease, &self.live().await?).await?;
        removed
            .warnings
            .iter()
            .for_each(|warning| self.progress.tell(Event::Warning { message: warning.clone() }));
        self.forget(lease, &parts).await?;
        Ok(format!("{what}: it was removed"))
    }
}
