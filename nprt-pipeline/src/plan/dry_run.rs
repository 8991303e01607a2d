//! Asks the cluster what applying each object would do.

use futures_util::future::join_all;
use nprt_core::model::{Object, annotation};
use nprt_core::ports::{Applied, Change};
use nprt_core::{ErrorKind, Result};
use nprt_manifest::places::Places;
use nprt_manifest::{Document, Rendered, Source};
use serde_json::Value;

use crate::context::Context;
use crate::phase::phase;
use crate::plan::definitions::Definitions;
use crate::plan::planned::{Marks, Plan, annotate, is_workload, pods};
use crate::plan::strangers::SUFFIX;
use crate::progress::Event;
use crate::rules::{allowed, ownership};
use crate::state::marked::HeldByFinalizers;
use crate::state::snapshot::Snapshot;

/// What a plan is made onto.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Onto<'a> {
    pub(crate) live: &'a Snapshot,
    /// What the workloads that change are to say.
    pub(crate) marks: &'a Marks,
    /// Objects that are removed first: the dry run does not take them for what is there.
    pub(crate) leaving: &'a Places,
}

/// What applying `object` would do, where the cluster and the service's settings accept it.
async fn accepted(cx: &Context<'_>, source: &Source, object: &Object, leaving: &Places) -> Result<Applied> {
    allowed::check_accepted(cx, source, dry_run_one(cx, object, leaving).await?)
}

/// What applying `object` would do, also where only a definition that comes with it makes it acceptable: that is
/// foreseen unseen.
async fn foreseen(
    cx: &Context<'_>,
    source: &Source,
    object: &Object,
    definitions: &Definitions,
    leaving: &Places,
) -> Result<Applied> {
    let refused = match accepted(cx, source, object, leaving).await {
        Err(error) if error.is_invalid() || error.kind() == ErrorKind::Rejected => error,
        done => return done,
    };
    let Some(definition) = definitions.of(&object.id()) else { return Err(refused) };
    if cx.ports.cluster.dry_run(definition).await?.change == Change::Unchanged {
        return Err(refused);
    }
    // A kind that is not known has no objects.
    let before = if refused.is_invalid() { None } else { cx.ports.cluster.get(&object.id()).await? };
    let change = if before.is_some() { Change::Configured } else { Change::Created };
    let unseen = Applied { object: placed(cx, object, definition), change, before, adopts: Vec::new() };
    allowed::check_accepted(cx, source, unseen)
}

/// The object in the namespace that the cluster will give it.
fn placed(cx: &Context<'_>, object: &Object, definition: &Object) -> Object {
    let mut placed = object.clone();
    if definition.as_value().pointer("/spec/scope").and_then(Value::as_str) == Some("Namespaced")
        && let Some(metadata) = placed.as_value_mut().get_mut("metadata").and_then(Value::as_object_mut)
    {
        metadata.insert("namespace".to_owned(), cx.ports.cluster.namespace().into());
    }
    placed
}

/// Refuses to change or make an object while one of its name is marked as deleted: what was applied to it would go
/// with it.
///
/// # Errors
/// `Conflict`, with the object and its finalizers.
pub(crate) fn refuse_marked(documents: &[Document], live: &Snapshot) -> Result<()> {
    let held = documents.iter().find_map(|document| HeldByFinalizers::of(live.find(&document.object)?));
    held.map_or(Ok(()), |held| Err(held.refuse()))
}

/// Asks the cluster whether it would accept every object. Workloads that it would change get `marks`;
/// those that are so already keep the ones they have, so that nothing is written for a caller's name. The
/// start and the end of a trial stay where no pod is replaced, so that judging does not begin anew.
///
/// # Errors
/// The first object's that is refused, by the cluster or the service's settings. Nothing was changed.
pub(crate) async fn plan(cx: &Context<'_>, rendered: Rendered, onto: &Onto<'_>) -> Result<Plan> {
    let Rendered { documents, withheld, mut warnings, .. } = rendered;
    let (objects, foreseen) = dry_run(cx, documents, onto).await?;
    warnings.extend(foreseen.iter().filter_map(|applied| ownership::taken_over(cx, applied)));
    for warning in &warnings {
        cx.progress.warn(warning);
    }
    cx.progress.tell(Event::Validated { objects: objects.len() });
    let mut plan = Plan { objects, foreseen, withheld, warnings, ..Plan::default() };
    let unseen = plan.unseen();
    unseen.iter().for_each(|warning| cx.progress.warn(warning));
    plan.warnings.extend(unseen);
    Ok(plan)
}

/// Each object as it would be applied, and what would become of it.
pub(crate) async fn dry_run(
    cx: &Context<'_>,
    documents: Vec<Document>,
    onto: &Onto<'_>,
) -> Result<(Vec<Object>, Vec<Applied>)> {
    refuse_marked(&documents, onto.live)?;
    let definitions = Definitions::among(&documents);
    let planned = documents.into_iter().map(|document| plan_one(cx, document, &definitions, onto));
    let planned = async { join_all(planned).await.into_iter().collect() };
    let planned: Vec<_> = phase("dry run", planned).await?;
    Ok(planned.into_iter().unzip())
}

async fn plan_one(
    cx: &Context<'_>,
    document: Document,
    definitions: &Definitions,
    &Onto { live, marks, leaving }: &Onto<'_>,
) -> Result<(Object, Applied)> {
    let Document { mut object, source } = document;
    if !is_workload(&object) {
        let would_be = foreseen(cx, &source, &object, definitions, leaving).await?;
        return Ok((object, would_be));
    }
    let now = live.find(&object);
    let kept =
        |(key, _): &(&'static str, String)| now.and_then(|now| Some((*key, now.annotation(key)?.to_owned())));
    annotate(&mut object, marks.iter().filter_map(kept))?;
    // As the trial goes on, so does a hold of it, and what is known of drift.
    for key in [annotation::HELD, annotation::DRIFT] {
        let said = now.and_then(|now| now.annotation(key));
        annotate(&mut object, said.into_iter().map(|said| (key, said.to_owned())))?;
    }
    let would_be = foreseen(cx, &source, &object, definitions, leaving).await?;
    if would_be.change != Change::Unchanged || now.is_none() {
        let pods_stay = now.is_some_and(|now| {
            now.annotation(annotation::STARTED).is_some() && pods(now) == pods(&would_be.object)
        });
        let trial = [annotation::STARTED, annotation::EXPIRES];
        let stays = |key: &str| trial.contains(&key) && pods_stay;
        annotate(&mut object, marks.iter().filter(|(key, _)| !stays(key)).cloned())?;
    }
    Ok((object, would_be))
}

/// The cluster's dry run of an object. Where one of the same name makes way first, it is asked under another
/// name: what is there would refuse the change, and will be gone.
async fn dry_run_one(cx: &Context<'_>, object: &Object, leaving: &Places) -> Result<Applied> {
    let makes_way = leaving.meant_by(&object.id()).is_some();
    let Some(stem) = object.name().strip_suffix(SUFFIX).filter(|_| makes_way) else {
        return cx.ports.cluster.dry_run(object).await;
    };
    let mut twin = object.clone();
    twin.as_value_mut()["metadata"]["name"] = format!("{stem}-dryrun").into();
    let mut applied =
        cx.ports.cluster.dry_run(&twin).await.map_err(|error| error.with("for", object.id()))?;
    applied.object.as_value_mut()["metadata"]["name"] = object.name().into();
    Ok(Applied { change: Change::Created, ..applied })
}
