use jiff::Timestamp;
use nprt_core::Result;
use nprt_core::model::{Object, ObjectId, ServiceName, Track};
use nprt_core::ports::{Busy, Change, Lease, Occasion, Purpose, Severity, Takeover, Task};
use nprt_manifest::canary_replicas;
use serde::Serialize;
use serde_json::Value;

use super::Pipeline;
use super::expire::is_over;
use super::job::Job;
use super::lease::holder_in;
use super::live::Live;
use super::notify::News;
use super::progress::{Event, Progress};
use super::request::Caller;
use super::rollback::Rollback;
use super::undo::{Goal, Settled};

/// What a service needed that nobody had asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tended {
    /// The service.
    pub service: ServiceName,
    /// The change that was finished after its process died, and who asked for it.
    pub finished: Option<String>,
    /// The change that was undone because it was cancelled or its process died, and what stable is again.
    pub undone: Option<String>,
    /// The canary whose time was over, and that was removed.
    pub expired: Option<Rollback>,
    /// The canary's workloads that were brought in step with stable's.
    pub scaled: Vec<Scaled>,
    /// Who is changing the service, and how: the next call does what is due.
    pub busy: Option<String>,
    /// When that lease runs out unless it is renewed, by this process's clock: call again then, to settle what the process
    /// left if it died.
    pub busy_until: Option<Timestamp>,
}

/// A workload whose replicas were changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Scaled {
    /// Which.
    pub workload: ObjectId,
    /// How many it had.
    pub from: u64,
    /// How many it has.
    pub to: u64,
}

impl Pipeline {
    /// Does what is due for a service without anybody asking. An embedding tool calls it when it starts, at an
    /// interval, such as once a minute, and when a lease that it found [runs out](Tended::busy_until), from as many
    /// replicas as it has: what is due is read from the cluster alone, and where
    /// nothing is, nothing is written and no lease is taken.
    ///
    /// - A change that was interrupted, because its process died, is finished where the cluster has all that was to be
    ///   applied: the pods are waited for, Jobs that run after them run, a promoted canary is removed, and it is told
    ///   as it would have been. Else, and where the pods do not become ready, it is undone. What a rollback cancelled
    ///   is always undone.
    /// - What is left of a canary that was being removed is removed.
    /// - A canary whose time is over is removed, as by [`Pipeline::expire`].
    /// - A canary that has a share of stable's pods is kept in step when stable scales, by hand or by an
    ///   autoscaler. The share is what the canary says itself (`nprt.dev/replicas-share`). Where somebody else
    ///   has set the canary's replicas meanwhile, they stay.
    /// - A route that sends to a canary whose objects somebody deleted by hand goes back to what it was.
    /// - Services that a [rollback](Pipeline::rollback) left for a route of somebody else's are removed, once the
    ///   route no longer sends to them.
    /// - The end of a canary that nobody told, since the process was killed that should have, is told: where it is
    ///   older than a minute and its event is missing. The event is kept once, so that one process tells.
    ///
    /// That another operation holds the service's lease is no error: [`Tended::busy`] says who. What is seen meanwhile
    /// may be half of what that does.
    ///
    /// # Errors
    /// `NotFound` for a service; `Invalid` for a share on the canary that cannot be read; `Cancelled` by a
    /// rollback; those of the cluster.
    pub async fn tend(&self, service: &ServiceName, caller: &Caller, progress: &Progress) -> Result<Tended> {
        let job = self.job(service, progress)?;
        if let Err(error) = self.tell_untold(service, progress).await {
            progress.warn(format!("whether the end of the last canary was told is not known: {error}"));
        }
        if let Some(lease) = job.ports.cluster.lease(service).await? {
            return Ok(job.busy(&lease));
        }
        let Some(purpose) = job.what_is_due(caller).await? else { return Ok(job.nothing()) };
        let work = |lease| job.tend(lease, caller);
        let done = match job.hold(purpose.clone(), Takeover::WhenExpired, None, work).await {
            Err(error) if error.is_conflict() => {
                let busy = Tended { busy: Some(holder_in(&error)), ..job.nothing() };
                return Ok(Busy::of(&error).map_or(busy, |lease| job.busy(lease)));
            }
            done => done?,
        };
        job.report_finished().await;
        job.report_tended(&done, &purpose, caller).await;
        done
    }
}

impl Job<'_> {
    /// What a lease is needed for, if for anything.
    async fn what_is_due(&self, caller: &Caller) -> Result<Option<Purpose>> {
        if let Some(record) = self.pending_now().await? {
            return Ok(Some(record.recovery(caller)));
        }
        let live = self.live().await?;
        let is_due = is_over(&live, self.now())
            || !self.out_of_step(&live).await?.is_empty()
            || self.has_loose_ends(&live).await?
            || self.is_left_over(&live).await?;
        Ok(is_due.then(|| Purpose::new(Task::Upkeep, caller.name())))
    }

    fn nothing(&self) -> Tended {
        let service = self.service.name.clone();
        let (finished, undone, expired, scaled) = (None, None, None, Vec::new());
        Tended { service, finished, undone, expired, scaled, busy: None, busy_until: None }
    }

    fn busy(&self, lease: &Lease) -> Tended {
        let until = self.clock.now().saturating_add(lease.left).unwrap_or(Timestamp::MAX);
        Tended { busy: Some(lease.to_string()), busy_until: Some(until), ..self.nothing() }
    }

    async fn tend(&self, lease: Lease, caller: &Caller) -> Result<Tended> {
        let mut tended = self.nothing();
        match self.settle(&lease, Goal::Recovery).await? {
            Some(Settled::Finished(finished)) => tended.finished = Some(finished.describe()),
            Some(Settled::Undone(what)) => tended.undone = Some(what),
            None => {}
        }
        // What was read without the lease may be done by now.
        let live = self.live().await?;
        if let Some(what) = self.remove_left_over(&lease, &live).await? {
            tended.finished.get_or_insert(what);
            return Ok(tended);
        }
        if is_over(&live, self.now()) {
            tended.expired = Some(self.remove_expired(lease, caller).await?);
            return Ok(tended);
        }
        if live.running(Track::Canary).is_none() {
            self.remove_canary(&lease, &live).await?;
        }
        for (object, from, to) in self.out_of_step(&live).await? {
            let applied = self.again(|| self.ports.cluster.apply(&lease, &object)).await?;
            let workload = applied.object.id();
            if applied.change != Change::Unchanged {
                self.progress.tell(Event::Scaled { workload: workload.clone(), from, to });
                tended.scaled.push(Scaled { workload, from, to });
            }
        }
        Ok(tended)
    }

    /// Tells of what goes back; that a canary is in step is no news.
    async fn report_tended(&self, done: &Result<Tended>, purpose: &Purpose, caller: &Caller) {
        let undone = done.as_ref().ok().and_then(|done| done.undone.as_ref());
        if let Some(undone) = undone {
            let summary = format!("{}: undone: {undone}", self.service.name);
            let (occasion, severity) = (Occasion::RolledBack, Severity::Warning);
            let (reason, revision, canary) = ("Undone", None, None);
            self.tell(News { occasion, reason, severity, revision, canary, summary }, caller).await;
        }
        if let Some(expired) = done.clone().map(|done| done.expired).transpose() {
            self.report_rollback(&expired, purpose, caller).await;
        }
    }

    /// The canary's workloads that should have other replicas: as they are to be applied, how many they have
    /// and how many they should have.
    async fn out_of_step(&self, live: &Live) -> Result<Vec<(Object, u64, u64)>> {
        let mut found = Vec::new();
        for canary in live.on(Track::Canary) {
            let now = canary.as_value().pointer("/spec/replicas").and_then(Value::as_u64);
            let (Some(now), Some(wanted)) = (now, canary_replicas(canary, &live.objects)?) else { continue };
            if now == wanted {
                continue;
            }
            let Some(mut owned) = self.ports.cluster.owned(&canary.id()).await? else { continue };
            // Without it, a person or an autoscaler has set them.
            if let Some(replicas) = owned.as_value_mut().pointer_mut("/spec/replicas") {
                *replicas = wanted.into();
                found.push((owned, now, wanted));
            }
        }
        Ok(found)
    }
}
