//! Finishes what another process began: where the cluster has all that was to be applied, only the wait for the pods
//! and what comes after it are left.

use futures_util::StreamExt;
use futures_util::future::{join_all, try_join_all};
use nprt_core::Result;
use nprt_core::model::{Object, ObjectId, Revision, Tag};
use nprt_core::ports::{Applied, Change, Lease, Occasion, RolloutPhase, Severity, Task};
use nprt_manifest::parts::Run;

use super::super::apply::{WORKLOADS, order};
use super::super::job::Job;
use super::super::notify::News;
use super::super::plan::Plan;
use super::super::request::Caller;
use super::super::run::when;
use super::record::Record;

/// How long pods that are not ready yet are waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// Not at all: then it is undone.
    None,
    /// As long as a rollout may take.
    Rollout,
}

/// A change that another process began, and that is done.
#[derive(Debug, Clone)]
pub(in super::super) struct Finished {
    task: Task,
    tag: Tag,
    revision: Option<Revision>,
    by: Caller,
}

impl Finished {
    /// In words.
    pub(in super::super) fn describe(&self) -> String {
        format!("the {} of {} by {}", self.task.as_str(), self.tag, self.by.name())
    }
}

impl Job<'_> {
    /// Finishes what `record` tells of; `None` where that cannot be, because something of it was not applied, was
    /// changed since or is not ready, or the service may not bring it any more.
    ///
    /// # Errors
    /// `RolloutFailed`, with the workload or Job; `Cancelled` where this process is about to end; those of the cluster.
    pub(super) async fn finish(
        &self,
        lease: &Lease,
        record: &Record,
        patience: Patience,
    ) -> Result<Option<Finished>> {
        let Some(intent) = &record.intent else { return Ok(None) };
        let (objects, routes) = (intent.objects()?, intent.routes()?);
        for id in objects.iter().chain(&routes).map(Object::id) {
            if let Err(error) = self.check_named(&id) {
                self.progress.warn(format!("{id} cannot be finished: {error}"));
                return Ok(None);
            }
        }
        let Some(plan) = self.as_planned(objects).await? else { return Ok(None) };
        let workloads: Vec<ObjectId> =
            plan.objects.iter().filter(|object| when(object).is_none()).map(Object::id).collect();
        let jobs = plan.objects.iter().filter(|object| when(object) == Some(Run::After)).map(Object::id);
        match patience {
            Patience::None if !self.are_complete(workloads.iter().cloned().chain(jobs).collect()).await? => {
                return Ok(None);
            }
            Patience::None => {}
            Patience::Rollout => {
                self.progress.warn(format!("finishing {}, which was interrupted", record.describe()));
                let rest = async {
                    self.roll_out(workloads.iter()).await?;
                    self.run_jobs(lease, &plan, Run::After).await
                };
                self.unless_stopped(rest).await?;
            }
        }
        for route in &routes {
            self.apply_one(lease, route).await?;
        }
        self.forget(lease, &record.parts).await?;
        let by = intent.caller()?;
        self.end_promoted(lease, &by).await?;
        let (task, tag, revision) = (intent.task, intent.tag.clone(), record.to.parse().ok());
        Ok(Some(Finished { task, tag, revision, by }))
    }

    /// What is left to do, where the cluster has all that comes before it. That a Job ran before the workloads shows
    /// in what is applied after it; where nothing is, it must have succeeded itself.
    async fn as_planned(&self, objects: Vec<Object>) -> Result<Option<Plan>> {
        let (before, objects): (Vec<Object>, Vec<Object>) =
            objects.into_iter().partition(|object| when(object) == Some(Run::Before));
        let is_later = |object: &Object| when(object).is_none() && order(object) >= WORKLOADS;
        if !objects.iter().any(is_later) {
            let before = before.iter().map(Object::id).collect();
            if !self.are_complete(before).await? {
                return Ok(None);
            }
        }
        let asked = objects.iter().map(|object| self.again(|| self.ports.cluster.dry_run(object)));
        let mut foreseen = Vec::new();
        for (answer, object) in join_all(asked).await.into_iter().zip(&objects) {
            let applied: Applied = match answer {
                Ok(applied) => applied,
                Err(error) if error.retry() == nprt_core::Retry::Permanent => {
                    self.progress.warn(format!("{} cannot be finished: {error}", object.id()));
                    return Ok(None);
                }
                Err(error) => return Err(error),
            };
            if let Err(error) = self.check_would_be(&applied) {
                self.progress.warn(format!("{} cannot be finished: {error}", object.id()));
                return Ok(None);
            }
            if applied.change != Change::Unchanged && when(object).is_none() {
                self.progress.warn(format!("{} differs from what was to be applied", object.id()));
                return Ok(None);
            }
            foreseen.push(applied);
        }
        Ok(Some(Plan { objects, foreseen, ..Plan::default() }))
    }

    /// Whether the pods of all of them are ready, and Jobs have succeeded, at this moment.
    async fn are_complete(&self, ids: Vec<ObjectId>) -> Result<bool> {
        let asked = ids.iter().filter(|id| id.group() == "apps" || id.group() == "batch").map(async |id| {
            let first = || async { self.ports.cluster.watch_rollout(id).next().await.transpose() };
            match self.again(first).await {
                Ok(status) => Ok(status.is_some_and(|status| status.phase == RolloutPhase::Complete)),
                Err(error) if error.is_not_found() => Ok(false),
                // It has no rollout.
                Err(error) if error.is_invalid() => Ok(true),
                Err(error) => Err(error),
            }
        });
        Ok(try_join_all(asked).await?.into_iter().all(|is_complete| is_complete))
    }

    /// Tells of what was finished for a process that died, as that would have.
    pub(in super::super) async fn report_finished(&self) {
        let Some(Finished { task, tag, revision, by }) = self.about.take_finished() else { return };
        let (occasion, reason, what) = match task {
            Task::Canary => (Occasion::CanaryStarted, "CanaryStarted", "runs as a canary"),
            Task::Promotion => (Occasion::Promoted, "Promoted", "was promoted to stable"),
            _ => (Occasion::Deployed, "Deployed", "is stable"),
        };
        let how = "finished after the process that started it died";
        let summary = format!("{tag} of {} {what} ({how})", self.service.name);
        let (severity, revision) = (Severity::Info, revision.as_ref());
        let canary = self.about.canary(occasion, revision);
        self.tell(News { occasion, reason, severity, revision, canary, summary }, &by).await;
    }
}
