use futures_util::future::{OptionFuture, join};
use nprt_core::Result;
use nprt_core::model::{Revision, ServiceName};
use nprt_core::ports::{Lease, Occasion, Task};
use nprt_manifest::Version;

use crate::operation::Operation;
use crate::operations::make_stable;
use crate::outcome::Deployment;
use crate::pipeline::Pipeline;
use crate::plan::stable;
use crate::progress::Progress;
use crate::request::Request;
use crate::state::snapshot::Snapshot;
use crate::undo::settle;
use crate::undo::settle::Goal;
use crate::version::source::Source;
use crate::version::{branch, source};

impl Pipeline {
    /// Makes a version stable.
    ///
    /// Everything is checked before anything changes: the service, the revision, its manifests, a tag on
    /// every image, and that the cluster accepts each object. A canary of another version is removed before
    /// stable changes, its pods included, so that never three versions run; one of this version after it is
    /// stable. Where this
    /// version is stable already, no pod restarts: that message is how one goes back to it.
    ///
    /// Where the [service](crate::Service::prune) prunes, what its manifests no longer hold is
    /// deleted at the very end. What cannot be deleted then is a warning: the version is stable, and the next
    /// deploy tries again.
    ///
    /// It is all or nothing. A write that fails for a moment is tried again; where one fails for good, or the
    /// pods of a workload do not become ready, every object goes back to what it was, in the fields that nprt
    /// applies, and what was made goes: all but claims to volumes, namespaces and definitions of kinds. What
    /// was there is recorded in the cluster before anything changes. So a deploy that was cancelled, dropped or
    /// whose process died is undone by the service's next operation, or finished by a deploy of this version.
    /// A canary that was removed stays so.
    ///
    /// Jobs of the manifests that say [when](nprt_core::model::annotation::RUN) run before the workloads change or
    /// once their pods are ready. What one of them did to a database is not undone.
    ///
    /// # Errors
    /// `NotFound` for a service, a version or an image's tag; `Ambiguous` and `Mismatch` for a version;
    /// `Invalid` for manifests; `Forbidden` for a version of no [branch](crate::Service::deployable_branches)
    /// that may be deployed, and for an object that the service
    /// [may not](crate::Service::allow_kinds) bring; `Rejected` by the cluster; `Timeout` where the pods of a canary do not end; `Conflict`, saying
    /// who, while another operation
    /// holds the service's lease, at the end of the [wait](Request::wait); `Cancelled` by a rollback; `RolloutFailed` with the workload and why; and
    /// those of the ports.
    pub async fn deploy(
        &self,
        service: &ServiceName,
        request: &Request,
        progress: &Progress,
    ) -> Result<Deployment> {
        let op = self.operation(service, progress)?;
        op.change(Task::Deploy, Occasion::Deployed, request, |lease| deploy(&op, lease, request)).await
    }
}

async fn deploy(op: &Operation<'_>, lease: Lease, request: &Request) -> Result<Deployment> {
    let undo = op.undo_log(&lease);
    // What runs is asked for meanwhile, unless a deploy is to be undone first.
    let live = OptionFuture::from(lease.transition.is_none().then(|| op.witness.look_around(&op.cx)));
    let (revision, live) = join(source::resolve(&op.cx, &request.version), live).await;
    settle::settle(&undo, Goal::stable(revision.as_ref().ok())).await?;
    let (revision, live) = (revision?, live.transpose()?);
    let (source, version, live) = op.cx.unless_stopped(Box::pin(find(op, request, revision, live))).await?;
    let plan = Box::pin(stable::plan_stable(&op.cx, &source, &version, &live, &request.caller)).await?;
    Box::pin(make_stable::make_stable(op, &lease, plan, &version, &live, &request.caller)).await
}

/// What there is at the revision that is asked for, and what runs, if that is not known.
pub(crate) async fn find(
    op: &Operation<'_>,
    request: &Request,
    revision: Revision,
    live: Option<Snapshot>,
) -> Result<(Source, Version, Snapshot)> {
    let source = source::read(&op.cx, revision).await?;
    let live = match live {
        Some(live) => live,
        None => op.witness.look_around(&op.cx).await?,
    };
    let running = live.tag_of(&source.revision);
    let version =
        source::version(&op.cx, &source, &request.version, running, branch::limits(&op.cx, request)).await?;
    Ok((source, version, live))
}
