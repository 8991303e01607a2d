use super::Pipeline;
use super::expire::not_expired;
use super::job::Job;
use super::live::{Live, Running};
use super::progress::Progress;
use super::request::{Deployment, Request};
use crate::model::{Object, Revision, ServiceName, Tag, Track};
use crate::ports::{Lease, Occasion};
use crate::{Error, ErrorKind, Result};

impl Pipeline {
    /// Makes the canary's version stable, by the tag that was on trial, and then removes the canary. Only
    /// while the canary of that very version lives: one that was rolled back is not promoted. A canary whose
    /// pods are not all ready is waited for before stable changes, and one that fails is not promoted.
    /// [Jobs](crate::model::annotation::RUN) run now, as by [`Pipeline::deploy`].
    ///
    /// # Errors
    /// `Conflict`, saying what there is, when the canary is gone, of another version or past its time; `RolloutFailed` with
    /// the canary's workload when it does not become ready; else as [`Pipeline::deploy`].
    pub async fn promote(
        &self,
        service: &ServiceName,
        request: &Request,
        progress: &Progress,
    ) -> Result<Deployment> {
        let job = self.job(service, progress)?;
        job.change("promotion", Occasion::Promoted, request, |lease| job.promote(lease, request)).await
    }
}

impl Job<'_> {
    async fn promote(&self, lease: Lease, request: &Request) -> Result<Deployment> {
        let revision = self.resolve(&request.version).await;
        self.settle(&lease, revision.as_ref().ok()).await?;
        let revision = revision?;
        // A rollback takes the lease: from here on the canary is either there or this is cancelled.
        let live = self.live().await?;
        if let Some(canary) = live.running(Track::Canary) {
            not_expired(&canary, self.clock.now(), "pipeline.promote")?;
        }
        let tag = canary_tag(&live, &revision, request.version.tag())?;
        let canary: Vec<_> = live.on(Track::Canary).map(Object::id).collect();
        self.unless_stopped(self.roll_out(canary.iter())).await?;
        let source = self.read(revision).await?;
        let version = self.version(&source, &tag.into(), None).await?;
        self.make_stable(&lease, &source, &version, &live, &request.caller).await
    }
}

/// The tag of the canary, which must be of `revision` (and `tag`, where one was asked for).
fn canary_tag(live: &Live, revision: &Revision, tag: Option<&Tag>) -> Result<Tag> {
    let conflict = |message: &str| {
        let stable = live.running(Track::Stable);
        Error::new(ErrorKind::Conflict, "pipeline.promote", message)
            .with("asked", revision)
            .with("stable", stable.as_ref().map_or_else(|| "nothing".to_owned(), Running::describe))
    };
    let Some(canary) = live.running(Track::Canary) else {
        return Err(conflict("there is no canary: it was rolled back, or never started"));
    };
    match &canary.tag {
        Some(running)
            if canary.revision.as_ref() == Some(revision) && tag.is_none_or(|tag| tag == running) =>
        {
            Ok(running.clone())
        }
        _ => Err(conflict("the canary is of another version").with("canary", canary.describe())),
    }
}
