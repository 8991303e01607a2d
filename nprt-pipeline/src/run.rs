//! Kubernetes' Jobs that a version runs beside its workloads, such as migrations of a database.

use futures_util::StreamExt;
use nprt_core::Result;
use nprt_core::model::{Object, ObjectId};
use nprt_core::ports::{Change, Deletion, Lease, RolloutPhase};
use nprt_manifest::Manifests;
use nprt_manifest::parts;
use nprt_manifest::parts::Run;
use nprt_manifest::places::Places;

use super::apply::Deleted;
use super::job::Job;
use super::live::Live;
use super::marked::{Held, is_marked};
use super::plan::Plan;
use super::progress::Event;
use super::request::AppliedObject;

impl Job<'_> {
    /// Runs the plan's Jobs of `moment`, one after another in the order of the manifests, and waits for each. One
    /// that has succeeded before does not run again, one that runs already is waited for, and one that failed
    /// is made anew.
    ///
    /// # Errors
    /// `RolloutFailed`, with the first Job that fails or takes too long; those of the cluster.
    pub(super) async fn run_jobs(
        &self,
        lease: &Lease,
        plan: &Plan,
        moment: Run,
    ) -> Result<Vec<AppliedObject>> {
        let mut applied = Vec::new();
        for (object, foreseen) in plan.steps() {
            if when(object) != Some(moment) {
                continue;
            }
            let id = object.id();
            let is_there = foreseen.change != Change::Created;
            if is_there && self.has_failed(&id).await? {
                self.progress.warn(format!("{id} failed before, and runs anew"));
                let done = self.again(|| self.ports.cluster.delete(lease, &id)).await?;
                if let Deletion::Held(finalizers) = done {
                    return Err(Held { object: id, finalizers }.refuse());
                }
            }
            applied.push(self.apply_one(lease, object).await?);
            self.follow(&id).await?;
        }
        Ok(applied)
    }

    async fn has_failed(&self, job: &ObjectId) -> Result<bool> {
        let first = || async { self.ports.cluster.watch_rollout(job).next().await.transpose() };
        let status = self.again(first).await?;
        Ok(status.is_some_and(|status| status.phase == RolloutPhase::Failed))
    }

    /// The service's live Jobs that were run for other versions than the plan's.
    pub(super) fn spent(&self, live: &Live, planned: &[Object], manifests: &Manifests) -> Vec<ObjectId> {
        // One that was applied before its manifest said when it is run has the manifest's own name.
        let runs = manifests.documents.iter().map(|document| &document.object);
        let runs = Places::of(runs.filter(|object| when(object).is_some()));
        let planned = Places::of(planned.iter());
        let ours = live.objects.iter().filter(|object| parts::is_job(object) && self.may_prune(object));
        let ours = ours.filter(|object| !is_marked(object));
        let spent = ours.filter(|object| parts::was_run(object) || runs.mean(&object.id())).map(Object::id);
        spent.filter(|id| !planned.mean(id)).collect()
    }

    /// Removes the plan's spent Jobs, and answers with what is gone. What cannot be removed becomes a warning of
    /// the plan.
    pub(super) async fn remove_spent(&self, lease: &Lease, live: &Live, plan: &mut Plan) -> Vec<ObjectId> {
        let objects = live.objects.iter().filter(|object| plan.spent.contains(&object.id())).collect();
        let (Deleted { gone, held }, done) =
            self.delete(lease, objects, |object| Event::Removed { object }).await;
        plan.warnings.extend(held.iter().map(Held::to_string));
        if let Err(error) = done {
            let warning = format!("a Job of an earlier version stays, until the next deploy: {error}");
            self.progress.warn(&warning);
            plan.warnings.push(warning);
        }
        gone
    }
}

/// When an object of a plan is run. What the annotation may say was checked as it was rendered.
pub(super) fn when(object: &Object) -> Option<Run> {
    parts::when_run(object).ok().flatten()
}
