//! What a service no longer has.

use nprt_core::model::ObjectId;

use crate::apply::applier::{Applier, Deleted};
use crate::plan::orphans::may_prune;
use crate::plan::planned::Plan;
use crate::progress::Event;
use crate::state::marked::HeldByFinalizers;

/// Deletes what the plan says, and answers with what is gone. What cannot be deleted becomes a warning of
/// the plan.
pub(crate) async fn prune(to: &Applier<'_>, plan: &mut Plan) -> Vec<ObjectId> {
    let mut objects = Vec::new();
    let mut failed = Ok(());
    for id in &plan.pruned {
        // The plan is as old as the rollouts: meanwhile a person may have kept it, or given it away.
        match to.cx.again(|| to.cx.ports.cluster.get(id)).await {
            Ok(object) => objects.extend(object.filter(|object| may_prune(to.cx, object))),
            Err(error) => failed = failed.and(Err(error)),
        }
    }
    let told = |object| Event::Pruned { object };
    let (Deleted { gone, held }, done) = to.delete(objects.iter().collect(), told).await;
    plan.warnings.extend(held.iter().map(HeldByFinalizers::to_string));
    if let Err(error) = failed.and(done) {
        let warning = format!("not all was pruned, and the next deploy tries again: {error}");
        to.cx.progress.warn(&warning);
        plan.warnings.push(warning);
    }
    gone
}
