//! What promoting a version does: known before its canary starts.

use nprt_core::model::{Object, ObjectId, Track};
use nprt_core::ports::{Applied, Change};
use nprt_core::{Error, ErrorKind, Result};
use nprt_manifest::places::Places;
use nprt_manifest::{Version, traffic};

use crate::context::Context;
use crate::plan::dry_run::Onto;
use crate::plan::planned::{Plan, is_workload, marks};
use crate::plan::{drift, dry_run, stable};
use crate::request::Caller;
use crate::rules::ownership;
use crate::state::snapshot::Snapshot;
use crate::version::source::Source;

/// A promotion that the cluster accepts.
pub(crate) struct Promotion {
    pub(crate) plan: Plan,
    /// The live objects, without what a canary changes of a route, those around them, and those of the manifests that
    /// do not have the service's label yet.
    pub(crate) known: Vec<Object>,
    /// Those that it changes.
    changed: Places,
}

/// What promoting `version` would do now. The cluster is asked, and nothing is changed.
///
/// # Errors
/// Those that the promotion would give.
pub(crate) async fn promotion(
    cx: &Context<'_>,
    source: &Source,
    version: &Version,
    live: &Snapshot,
    caller: &Caller,
) -> Result<Promotion> {
    let rendered = stable::render_stable(cx, source, version, live).await?;
    let (objects, foreseen) = dry_run::dry_run(
        cx,
        rendered.documents,
        &Onto { live, marks: &marks(caller), leaving: &Places::default() },
    )
    .await?;
    let taken = foreseen.iter().filter_map(|applied| ownership::taken_over(cx, applied));
    let warnings = taken.map(|taken| format!("on promotion, {taken}")).collect();
    let mut known = live.all().iter().map(traffic::original).collect::<Result<Vec<_>>>()?;
    let befores = foreseen.iter().filter_map(|applied| applied.before.as_ref());
    known.extend(befores.filter(|before| live.find(before).is_none()).cloned());
    let plan = Plan { objects, foreseen, warnings, ..Plan::default() };
    let changed = plan.foreseen.iter().filter(|applied| is_change(applied));
    let changed = Places::of(changed.map(|applied| &applied.object));
    Ok(Promotion { plan, known, changed })
}

/// What promoting `version` does, whose canary runs.
///
/// # Errors
/// As [`plan_stable`](crate::plan::stable::plan_stable), and `Rejected` where the promotion would differ from the canary that
/// was judged and the service refuses that.
pub(crate) async fn plan_promotion(
    cx: &Context<'_>,
    source: &Source,
    version: &Version,
    live: &Snapshot,
    caller: &Caller,
) -> Result<Plan> {
    let mut plan = stable::plan_stable(cx, source, version, live, caller).await?;
    drift::check_promoted(cx, &mut plan, live)?;
    Ok(plan)
}

impl Promotion {
    /// Whether the promotion changes the object.
    pub(crate) fn changes(&self, id: &ObjectId) -> bool {
        self.changed.meant_by(id).is_some()
    }

    /// Checks that a canary has something beside it to be compared with: a stable version of ours, or the same
    /// workloads as another tool made them, which the promotion adopts.
    ///
    /// # Errors
    /// `Conflict` where neither runs.
    pub(crate) fn stable_beside(&self, live: &Snapshot) -> Result<()> {
        let is_there = |applied: &&Applied| is_workload(&applied.object) && applied.before.is_some();
        if live.running(Track::Stable).is_some()
            || self.plan.foreseen.iter().any(|applied| is_there(&applied))
        {
            return Ok(());
        }
        let message = "no stable version is running to compare a canary with: deploy one first";
        Err(Error::new(ErrorKind::Conflict, "pipeline.canary", message))
    }
}

/// A route is as it was before once a canary's requests no longer go by it.
fn is_change(applied: &Applied) -> bool {
    let spec = |object: &Object| object.as_value().get("spec").cloned();
    let back = applied.before.as_ref().filter(|before| traffic::is_http_route(before));
    let is_back = back.is_some_and(|before| {
        traffic::original(before).is_ok_and(|original| spec(&original) == spec(&applied.object))
    });
    applied.change != Change::Unchanged && !is_back
}
