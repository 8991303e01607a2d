use std::collections::BTreeSet;

use nprt_compare::report::EventKind;
use nprt_core::model::{ServiceName, Track};
use nprt_core::ports::{Lease, Occasion, Purpose, Takeover, Task};
use nprt_core::{Error, ErrorKind, Result};

use crate::apply::past_canary::PastCanary;
use crate::apply::{past_canary, removal};
use crate::operation::Operation;
use crate::outcome::Rollback;
use crate::phase::operation;
use crate::pipeline::Pipeline;
use crate::progress::Progress;
use crate::request::Caller;
use crate::undo::record;
use crate::wait::pods;

/// How often it looks whether the canary is gone.
const LOOKS: usize = 3;

impl Pipeline {
    /// Removes the canary, and cancels whatever else is done to the service. It needs the cluster alone, and
    /// works while version control, the registry and the metrics are down. Without a canary it is no error.
    ///
    /// A deploy to stable that was cancelled or not finished is undone; the warnings say so. It returns when the
    /// canary's workloads are gone, and says which of its pods still end.
    ///
    /// Nobody can block it. Where a [route](nprt_manifest::Traffic) sends to the canary's Services by rules that
    /// somebody else has written since, the route stays as it is, and so do these Services: they lead to stable's
    /// pods before the canary goes, so that no request fails. A warning names the route, the Services and, where
    /// the cluster says so, who owns the rules. Once the route no longer sends to them, the next
    /// operation removes them. [`Pipeline::expire`] and [`Pipeline::deploy`] do the same.
    ///
    /// # Errors
    /// `NotFound` for a service; `Cancelled` by another rollback; those of the cluster.
    pub async fn rollback(
        &self,
        service: &ServiceName,
        caller: &Caller,
        progress: &Progress,
    ) -> Result<Rollback> {
        let op = self.operation(service, progress)?;
        let purpose = Purpose::new(Task::Rollback, caller.name());
        let whole = async {
            let before = op.cx.ports.cluster.lease(service).await?;
            let work = |lease| rollback(&op, lease, before, caller);
            let done = op.hold(purpose.clone(), Takeover::Now, None, work).await?;
            match &done {
                // Each time that a person asks is another.
                Err(error) if !error.is_cancelled() => {
                    op.news().tell_failure(Occasion::RolledBack, &purpose, error, caller).await;
                }
                done => op.news().report_rollback(done, &purpose, caller).await,
            }
            done
        };
        operation("rollback", service, whole).await
    }
}

pub(crate) async fn rollback(
    op: &Operation<'_>,
    lease: Lease,
    before: Option<Lease>,
    caller: &Caller,
) -> Result<Rollback> {
    let to = op.applier(&lease);
    let undo = op.undo_log(&lease);
    let put_back = undo.unfinished().await?;
    let mut live = op.witness.look(&op.cx).await?;
    let canary = live.running(Track::Canary);
    past_canary::keep_past(&to, PastCanary::of(&live, op.cx.now(), EventKind::RolledBack, caller)).await;
    let (mut removed, mut stay, mut kept) = (Vec::new(), BTreeSet::new(), Vec::new());
    // Again, where a write of the cancelled operation was under way.
    for _ in 0..LOOKS {
        let done = removal::remove_canary(&to, &live).await?;
        removed.extend(done.removed);
        (stay, kept) = (done.stay, done.warnings);
        if !live.has_canary() {
            break;
        }
        live = op.witness.look(&op.cx).await?;
        if live.on(Track::Canary).all(|object| stay.contains(&object.id())) {
            break;
        }
    }
    // What finalizers hold is none of it.
    if let Some(object) = live.on(Track::Canary).find(|object| !stay.contains(&object.id())) {
        return Err(Error::new(ErrorKind::Conflict, "pipeline.rollback", "somebody makes the canary anew")
            .with("object", object.id()));
    }
    let stable = live.running(Track::Stable);
    let mixed = live.mixed();
    if let Some(warning) = &mixed {
        op.cx.progress.warn(warning);
    }
    let mut warnings: Vec<String> = kept.into_iter().chain(mixed).collect();
    if put_back.is_none() && lease.transition.is_some() {
        warnings.extend(record::distrusted(&op.cx).await?);
    }
    if let Some(put_back) = put_back {
        // After the canary, which must not wait for pods.
        let undone = undo.complete(put_back).await?;
        warnings.extend(undone.map(|undone| format!("undone: {undone}")));
    }
    let is_left = !removed.is_empty() || live.held_on(Track::Canary).next().is_some();
    let ending = if is_left { pods::ending_pods(&op.cx).await } else { Vec::new() };
    let (service, cancelled) = (op.cx.service.name.clone(), before.map(|before| before.to_string()));
    Ok(Rollback { service, canary, stable, removed, ending, cancelled, warnings })
}
