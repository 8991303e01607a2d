//! A canary's objects, planned beside stable.

use std::sync::Arc;

use jiff::Timestamp;
use nprt_core::model::{Revision, Track, annotation};
use nprt_core::{Error, ErrorKind, Result};
use nprt_manifest::places::Places;
use nprt_manifest::{Beside, Rendered, Version, parts};

use crate::compute;
use crate::context::Context;
use crate::phase::phase;
use crate::plan::dry_run::{Onto, refuse_marked};
use crate::plan::planned::{Marks, Plan, marks};
use crate::plan::promotion::Promotion;
use crate::plan::routes::Routes;
use crate::plan::strangers::refuse_taken;
use crate::plan::{drift, dry_run, planned, routes, strangers};
use crate::request::Request;
use crate::service::DriftPolicy;
use crate::state::snapshot::Snapshot;
use crate::version::source::Source;

/// A canary's objects, accepted by the cluster.
pub(crate) struct Planned {
    pub(crate) plan: Plan,
    pub(crate) routes: Routes,
    pub(crate) is_there: bool,
}

/// The canary beside what `promotion` makes, with what others have set on stable where it carries that.
pub(crate) async fn plan_beside(
    cx: &Context<'_>,
    source: &Source,
    version: &Version,
    live: &Snapshot,
    promotion: &Promotion,
    request: &Request,
) -> Result<Planned> {
    let mut planned = Box::pin(plan_rendered(cx, source, version, live, promotion, request, false)).await?;
    let drift = drift_of_canary(cx, promotion, &planned)?;
    if drift.is_empty() {
        drift::mark(&mut planned.plan, &drift)?;
        return Ok(planned);
    }
    let named = drift.join(", ");
    let (warning, left) = match cx.service.drift {
        DriftPolicy::Refuse => {
            return Err(drift::refused("the canary would differ from its promotion", &drift));
        }
        DriftPolicy::Carry => {
            planned = Box::pin(plan_rendered(cx, source, version, live, promotion, request, true)).await?;
            let warning = format!("the canary carries what others set on stable: {named}");
            (warning, drift_of_canary(cx, promotion, &planned)?)
        }
        DriftPolicy::Warn => (format!("the canary lacks what others set on stable: {named}"), drift),
    };
    drift::mark(&mut planned.plan, &left)?;
    planned::warn(cx, &mut planned.plan, warning);
    Ok(planned)
}

pub(crate) async fn plan_rendered(
    cx: &Context<'_>,
    source: &Source,
    version: &Version,
    live: &Snapshot,
    promotion: &Promotion,
    request: &Request,
    carry: bool,
) -> Result<Planned> {
    let rendered = render_canary(cx, source, version, promotion, carry);
    let mut rendered = phase("transform", rendered).await?;
    let older = strangers::older_canaries(cx, live, &source.manifests);
    strangers::check_names(cx, &rendered, live, &older)?;
    let routes = routes::add_routes(cx, &mut rendered, version, live).await?;
    rendered.withheld.retain(|id| promotion.changes(id));
    rendered.warnings.extend(promotion.plan.warnings.iter().cloned());
    refuse_marked(&rendered.documents, live)?;
    let marks = [marks(&request.caller), trial_from_now(cx)].concat();
    let now = cx.now();
    let running = live.running(Track::Canary).filter(|canary| !canary.is_expired(now));
    let is_there = running.is_some_and(|canary| canary.is(version)) && live.has_routes(&routes);
    // One that is removed first leaves nothing to keep.
    let mut leaving = Places::default();
    older.iter().for_each(|object| leaving.add(object.clone(), 0));
    let mut plan = if is_there {
        dry_run::plan(cx, rendered, &Onto { live, marks: &marks, leaving: &leaving }).await?
    } else {
        live.on(Track::Canary).for_each(|object| leaving.add(object.id(), 0));
        let live = &live.without(Track::Canary);
        dry_run::plan(cx, rendered, &Onto { live, marks: &marks, leaving: &leaving }).await?
    };
    refuse_taken(&plan, &older)?;
    plan.older = older;
    Ok(Planned { plan, routes, is_there })
}

/// What the promotion would have and the canary does not.
pub(crate) fn drift_of_canary(
    cx: &Context<'_>,
    promotion: &Promotion,
    planned: &Planned,
) -> Result<Vec<String>> {
    Ok(drift::texts(&drift::drift(cx, &promotion.plan, &planned.plan.becomes())?))
}

/// # Errors
/// `Conflict` where `revision` is stable already.
pub(crate) fn refuse_stable(cx: &Context<'_>, live: &Snapshot, revision: &Revision) -> Result<()> {
    let Some(stable) = live.running(Track::Stable) else { return Ok(()) };
    if stable.revision.as_ref() != Some(revision) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Conflict, "pipeline.canary", "this version is stable already")
        .with("service", &cx.service.name)
        .with("stable", stable.describe()))
}

/// The start and the end of a trial that begins now.
pub(crate) fn trial_from_now(cx: &Context<'_>) -> Marks {
    let now = cx.now();
    let expires = now.checked_add(cx.settings.canary()).unwrap_or(Timestamp::MAX);
    vec![(annotation::STARTED, now.to_string()), (annotation::EXPIRES, expires.to_string())]
}

/// The objects of a canary beside what `promotion` makes.
pub(crate) async fn render_canary(
    cx: &Context<'_>,
    source: &Source,
    version: &Version,
    promotion: &Promotion,
    carry: bool,
) -> Result<Rendered> {
    let (manifests, budget) = (Arc::clone(&source.manifests), source.budget.clone());
    let (version, settings) = (version.clone(), cx.service.transform.clone());
    let (known, promoted) = (promotion.known.clone(), promotion.plan.becomes());
    let work = move || {
        let beside = Beside { live: &known, promoted: &promoted, carry };
        parts::canary_within(&manifests, &version, &settings, &beside, &budget)
    };
    compute::compute(cx, &source.budget, source.small, work).await
}
