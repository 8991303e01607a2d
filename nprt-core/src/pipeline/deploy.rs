use super::Pipeline;
use super::job::Job;
use super::live::Live;
use super::plan::{Plan, marks};
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
    /// Where the [service](crate::pipeline::Service::prune) prunes, what its manifests no longer hold is
    /// deleted at the very end. What cannot be deleted then is a warning: the version is stable, and the next
    /// deploy tries again.
    ///
    /// A write that fails for a moment is tried again. Where one fails for good, the error says which versions
    /// stable is left with; the next deploy, of either, makes it one again. So it does after the future was
    /// dropped, which stops at the next write: the lease then expires by itself.
    ///
    /// # Errors
    /// `NotFound` for a service, a version or an image's tag; `Ambiguous` and `Mismatch` for a version;
    /// `Invalid` for manifests; `Rejected` by the cluster; `Conflict`, saying who, while another operation
    /// holds the service's lease, at the end of the [wait](Request::wait); `Cancelled` by a rollback; `RolloutFailed` with the workload and why; and
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
        let (source, version, live) = self.find(request).await?;
        self.make_stable(&lease, &source, &version, &live, &request.caller).await
    }

    /// The version that is asked for, and what runs.
    pub(super) async fn find(&self, request: &Request) -> Result<(Source, Version, Live)> {
        let revision = self.resolve(&request.version).await?;
        let source = self.read(revision).await?;
        let live = self.live().await?;
        let running = live.tag_of(&source.revision);
        let version = self.version(&source, &request.version, running).await?;
        Ok((source, version, live))
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
        let mut plan = self.plan_stable(source, version, live, caller).await?;
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
        let pruned = self.prune(lease, &mut plan).await;
        Ok(Deployment {
            service: self.service.name.clone(),
            track: Track::Stable,
            revision: version.revision.clone(),
            tag: version.tag.clone(),
            applied,
            removed,
            pruned,
            withheld: plan.withheld,
            warnings: plan.warnings,
        })
    }

    /// What making `version` stable does.
    pub(super) async fn plan_stable(
        &self,
        source: &Source,
        version: &Version,
        live: &Live,
        caller: &Caller,
    ) -> Result<Plan> {
        let rendered = manifest::stable(&source.manifests, version, &self.service.transform, &live.objects)?;
        let mut plan = self.plan(rendered, live, &marks(caller)).await?;
        let orphans = self.orphans(live, &source.manifests);
        if self.service.prune {
            plan.pruned = orphans;
        } else if !orphans.is_empty() {
            let names: Vec<String> = orphans.iter().map(ToString::to_string).collect();
            let warning =
                format!("the service does not prune; no longer in the manifests: {}", names.join(", "));
            self.progress.warn(&warning);
            plan.warnings.push(warning);
        }
        Ok(plan)
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
