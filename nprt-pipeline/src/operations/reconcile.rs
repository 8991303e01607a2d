use jiff::Timestamp;
use nprt_core::Result;
use nprt_core::model::{Object, ServiceName, Track};
use nprt_core::ports::{Busy, Change, Lease, Purpose, Takeover, Task};
use nprt_manifest::canary_replicas;
use serde_json::Value;

use crate::apply::{removal, routes_back};
use crate::context::Context;
use crate::lease::holder_in;
use crate::operation::Operation;
use crate::operations::{expire, untold};
use crate::outcome::{Scaled, Tended};
use crate::pipeline::Pipeline;
use crate::progress::{Event, Progress};
use crate::request::Caller;
use crate::state::snapshot::{Snapshot, is_over};
use crate::undo::settle::{Goal, Settled};
use crate::undo::{left_over, record, settle};

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
        let op = self.operation(service, progress)?;
        // It knows nothing of what this operation sees.
        let past = self.operation(service, progress)?;
        if let Err(error) = untold::tell_untold(&past, &self.told).await {
            progress.warn(format!("whether the end of the last canary was told is not known: {error}"));
        }
        if let Some(lease) = op.cx.ports.cluster.lease(service).await? {
            return Ok(busy_with(&op.cx, &lease));
        }
        let Some(purpose) = what_is_due(&op, caller).await? else { return Ok(nothing(&op.cx)) };
        let work = |lease| reconcile(&op, lease, caller);
        let done = match op.hold(purpose.clone(), Takeover::WhenExpired, None, work).await {
            Err(error) if error.is_conflict() => {
                let busy = Tended { busy: Some(holder_in(&error)), ..nothing(&op.cx) };
                return Ok(Busy::of(&error).map_or(busy, |lease| busy_with(&op.cx, lease)));
            }
            done => done?,
        };
        op.news().report_finished().await;
        op.news().report_reconciled(&done, &purpose, caller).await;
        done
    }
}

/// What a lease is needed for, if for anything.
async fn what_is_due(op: &Operation<'_>, caller: &Caller) -> Result<Option<Purpose>> {
    if let Some(record) = record::pending_now(&op.cx).await? {
        return Ok(Some(record.recovery(caller)));
    }
    let live = op.witness.look(&op.cx).await?;
    let is_due = is_over(&live, op.cx.now())
        || !out_of_step(&op.cx, &live).await?.is_empty()
        || routes_back::has_loose_ends(&op.cx, &live).await?
        || left_over::is_left_over(&op.cx, &live).await?;
    Ok(is_due.then(|| Purpose::new(Task::Upkeep, caller.name())))
}

fn nothing(cx: &Context<'_>) -> Tended {
    let service = cx.service.name.clone();
    let (finished, undone, expired, scaled) = (None, None, None, Vec::new());
    Tended { service, finished, undone, expired, scaled, busy: None, busy_until: None }
}

fn busy_with(cx: &Context<'_>, lease: &Lease) -> Tended {
    let until = cx.clock.now().saturating_add(lease.left).unwrap_or(Timestamp::MAX);
    Tended { busy: Some(lease.to_string()), busy_until: Some(until), ..nothing(cx) }
}

async fn reconcile(op: &Operation<'_>, lease: Lease, caller: &Caller) -> Result<Tended> {
    let to = op.applier(&lease);
    let undo = op.undo_log(&lease);
    let mut tended = nothing(&op.cx);
    match settle::settle(&undo, Goal::Recovery).await? {
        Some(Settled::Finished(finished)) => tended.finished = Some(finished.describe()),
        Some(Settled::Undone(what)) => tended.undone = Some(what),
        None => {}
    }
    // What was read without the lease may be done by now.
    let live = op.witness.look(&op.cx).await?;
    if let Some(what) = left_over::remove_left_over(&to, &live).await? {
        tended.finished.get_or_insert(what);
        return Ok(tended);
    }
    if is_over(&live, op.cx.now()) {
        tended.expired = Some(expire::remove_expired(op, lease, caller).await?);
        return Ok(tended);
    }
    if live.running(Track::Canary).is_none() {
        removal::remove_canary(&to, &live).await?;
    }
    for (object, from, to) in out_of_step(&op.cx, &live).await? {
        let applied = op.cx.again(|| op.cx.ports.cluster.apply(&lease, &object)).await?;
        let workload = applied.object.id();
        if applied.change != Change::Unchanged {
            op.cx.progress.tell(Event::Scaled { workload: workload.clone(), from, to });
            tended.scaled.push(Scaled { workload, from, to });
        }
    }
    Ok(tended)
}

/// The canary's workloads that should have other replicas: as they are to be applied, how many they have
/// and how many they should have.
async fn out_of_step(cx: &Context<'_>, live: &Snapshot) -> Result<Vec<(Object, u64, u64)>> {
    let mut found = Vec::new();
    for canary in live.on(Track::Canary) {
        let now = canary.as_value().pointer("/spec/replicas").and_then(Value::as_u64);
        let (Some(now), Some(wanted)) = (now, canary_replicas(canary, &live.objects)?) else { continue };
        if now == wanted {
            continue;
        }
        let Some(mut owned) = cx.ports.cluster.owned(&canary.id()).await? else { continue };
        // Without it, a person or an autoscaler has set them.
        if let Some(replicas) = owned.as_value_mut().pointer_mut("/spec/replicas") {
            *replicas = wanted.into();
            found.push((owned, now, wanted));
        }
    }
    Ok(found)
}
