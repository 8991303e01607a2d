//! What making a version stable does.

use std::sync::Arc;

use nprt_core::Result;
use nprt_manifest::places::Places;
use nprt_manifest::{Rendered, Version, parts};

use crate::compute;
use crate::context::Context;
use crate::phase::phase;
use crate::plan::dry_run::Onto;
use crate::plan::planned::{Plan, marks};
use crate::plan::{dry_run, orphans, planned, spent, strangers};
use crate::request::Caller;
use crate::state::snapshot::Snapshot;
use crate::version::source::Source;

/// What making `version` stable does.
pub(crate) async fn plan_stable(
    cx: &Context<'_>,
    source: &Source,
    version: &Version,
    live: &Snapshot,
    caller: &Caller,
) -> Result<Plan> {
    let rendered = phase("transform", render_stable(cx, source, version, live)).await?;
    let mut plan =
        dry_run::plan(cx, rendered, &Onto { live, marks: &marks(caller), leaving: &Places::default() })
            .await?;
    plan.older = strangers::older_canaries(cx, live, &source.manifests);
    warn_of_strangers(cx, &mut plan, live, source);
    plan.spent = spent::spent(cx, live, &plan.objects, &source.manifests);
    plan.warnings.extend(orphans::held_orphans(cx, live, &source.manifests));
    let orphans = orphans::orphans(cx, live, &source.manifests);
    if cx.service.prune {
        plan.pruned = orphans;
    } else if !orphans.is_empty() {
        let names: Vec<String> = orphans.iter().map(ToString::to_string).collect();
        let warning = format!("the service does not prune; no longer in the manifests: {}", names.join(", "));
        cx.progress.warn(&warning);
        plan.warnings.push(warning);
    }
    Ok(plan)
}

/// Says in the plan what is beside the service and takes part in it.
pub(crate) fn warn_of_strangers(cx: &Context<'_>, plan: &mut Plan, live: &Snapshot, source: &Source) {
    for warning in strangers::strangers(cx, live, &source.manifests, &plan.older) {
        planned::warn(cx, plan, warning);
    }
}

/// The objects of stable.
pub(crate) async fn render_stable(
    cx: &Context<'_>,
    source: &Source,
    version: &Version,
    live: &Snapshot,
) -> Result<Rendered> {
    let (manifests, budget) = (Arc::clone(&source.manifests), source.budget.clone());
    let (version, settings, live) = (version.clone(), cx.service.transform.clone(), live.all());
    let work = move || parts::stable_within(&manifests, &version, &settings, &live, &budget);
    compute::compute(cx, &source.budget, source.small, work).await
}
