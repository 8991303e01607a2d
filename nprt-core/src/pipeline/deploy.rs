use super::Pipeline;
use super::job::Job;
use super::live::Live;
use super::plan::marks;
use super::progress::Progress;
use super::request::{Caller, Deployment, Request};
use super::source::Source;
use crate::manifest::{self, Version};
use crate::model::{ServiceName, Track};
use crate::ports::{Lease, Occasion};
use crate::{Error, Result};

impl Pipeline {
    /// Makes a version stable.
    ///
    /// Everything is checked before anything changes: the service, the revision, its manifests, a tag on
    /// every image, and that the cluster accepts each object. A canary of another version is removed before
    /// stable changes, so that never three versions run; one of this version after it is stable. Where this
    /// version is stable already, no pod restarts: that message is how one goes back to it.
    ///
    /// A write that fails for a moment is tried again. Where one fails for good, the error says which versions
    /// stable is left with; the next deploy, of either, makes it one again. So it does after the future was
    /// dropped, which stops at the next write: the lease then expires by itself.
    ///
    /// # Errors
    /// `NotFound` for a service, a version or an image's tag; `Ambiguous` and `Mismatch` for a version;
    /// `Invalid` for manifests; `Rejected` by the cluster; `Conflict`, saying who, while another operation
    /// holds the service's lease; `Cancelled` by a rollback; `RolloutFailed` with the workload and why; and
    /// those of the ports.
    pub async fn deploy(
        &self,
        service: &ServiceName,
        request: &Request,
        progress: &Progress,
    ) -> Result<Deployment> {
        let job = self.job(service, progress)?;
        job.change("deploy", Occasion::Deployed, request, |lease| job.deploy(lease, request)).await
    }
}

impl Job<'_> {
    async fn deploy(&self, lease: Lease, request: &Request) -> Result<Deployment> {
        let revision = self.resolve(&request.version).await?;
        let source = self.read(revision).await?;
        let live = self.live().await?;
        let running = live.tag_of(&source.revision);
        let version = self.version(&source, &request.version, running).await?;
        self.make_stable(&lease, &source, &version, &live, &request.caller).await
    }

    /// Makes `version` stable, and removes the canary.
    pub(super) async fn make_stable(
        &self,
        lease: &Lease,
        source: &Source,
        version: &Version,
        live: &Live,
        caller: &Caller,
    ) -> Result<Deployment> {
        let rendered = manifest::stable(&source.manifests, version, &self.service.transform, &live.objects)?;
        let plan = self.plan(rendered, live, &marks(caller)).await?;
        let mut removed = Vec::new();
        let is_canary = live.running(Track::Canary).is_some_and(|canary| canary.is(version));
        if !is_canary {
            removed = self.remove_canary(lease, live).await?;
        }
        let applied = match self.apply(lease, &plan).await {
            Ok(applied) => applied,
            Err(error) => return Err(self.say_mixed(error).await),
        };
        self.roll_out(applied.iter().map(|applied| &applied.object)).await?;
        if is_canary {
            removed = self.remove_canary(lease, live).await?;
        }
        Ok(Deployment {
            service: self.service.name.clone(),
            track: Track::Stable,
            revision: version.revision.clone(),
            tag: version.tag.clone(),
            applied,
            removed,
            withheld: plan.withheld,
            warnings: plan.warnings,
        })
    }

    /// `error`, and which versions it left stable with.
    async fn say_mixed(&self, error: Error) -> Error {
        match self.live().await.map(|live| live.mixed()) {
            Ok(Some(mixed)) => error.with("left", mixed),
            Ok(None) => error,
            Err(unknown) => {
                self.progress.warn(format!("what was left is not known: {unknown}"));
                error
            }
        }
    }
}
