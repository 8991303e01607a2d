//! What is beside the service and not of it: a canary that an older tool left, an object that has the name which a
//! canary needs, and pods that a Service of ours selects although they are of no version of ours.

use std::collections::{BTreeMap, BTreeSet};

use nprt_core::model::{Object, ObjectId, Track, label};
use nprt_core::{Error, ErrorKind, Result};
use nprt_manifest::parts::{Services, serves};
use nprt_manifest::places::Places;
use nprt_manifest::{Manifests, Rendered};
use serde_json::Value;

use crate::context::Context;
use crate::plan::planned::Plan;
use crate::progress::names;
use crate::state::kinds::is_service;
use crate::state::snapshot::Snapshot;

pub(crate) const OPERATION: &str = "pipeline.strangers";

pub(crate) const SUFFIX: &str = "-canary";

/// What `kubectl apply` leaves on what it applies.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The canaries that an older tool left, as the method's first implementation makes them: `<name>-canary` beside
/// a workload of the manifests, applied by kubectl with `track: canary`, and selected by a Service of ours.
pub(crate) fn older_canaries(cx: &Context<'_>, live: &Snapshot, manifests: &Manifests) -> Vec<ObjectId> {
    let named = Places::of(manifests.documents.iter().map(|document| &document.object));
    let is_older = |object: &&Object| {
        object.label(label::SERVICE).is_none()
            && object.annotation(LAST_APPLIED).is_some()
            && is_canary_of(object, &named)
            && says_canary(cx, object)
            && services(live, manifests).any(|service| serves(service, object))
    };
    live.others().filter(is_older).map(Object::id).collect()
}

fn says_canary(cx: &Context<'_>, workload: &Object) -> bool {
    let pods = workload.as_value().pointer("/spec/template/metadata/labels");
    let named = cx.service.transform.labels.track.as_deref();
    [named, Some("track")].into_iter().flatten().any(|name| {
        let on_pods = pods.and_then(|labels| labels.get(name)?.as_str());
        [workload.label(name), on_pods].contains(&Some(Track::Canary.as_str()))
    })
}

/// Refuses a canary whose name somebody else's object has.
///
/// # Errors
/// `Conflict`, with the object, what is known of whose it is, and what to do.
pub(crate) fn check_names(
    cx: &Context<'_>,
    rendered: &Rendered,
    live: &Snapshot,
    older: &[ObjectId],
) -> Result<()> {
    let is_given = |object: &Object| {
        let owner = object.label(label::SERVICE);
        owner.is_some_and(|name| cx.service.take_over.iter().any(|given| given.as_str() == name))
    };
    let others: Vec<&Object> = live.others().filter(|object| !is_given(object)).collect();
    let places = Places::of(others.iter().copied());
    for document in &rendered.documents {
        let taken = places.meant_by(&document.object.id()).map(|place| others[place]);
        if let Some(object) = taken.filter(|object| !older.contains(&object.id())) {
            return Err(name_taken(object));
        }
    }
    Ok(())
}

/// Warnings of pods that a Service of ours selects and that are of no version of ours, nor of a workload that the
/// manifests have, and of what could not be looked at.
pub(crate) fn strangers(
    cx: &Context<'_>,
    live: &Snapshot,
    manifests: &Manifests,
    older: &[ObjectId],
) -> Vec<String> {
    let is_ours = |pod: &Object| {
        let on_track = pod.label(label::TRACK).is_some();
        on_track && pod.label(label::SERVICE) == Some(cx.service.name.as_str())
    };
    let objects = manifests.documents.iter().map(|document| &document.object).chain(&live.objects);
    let mut known: BTreeSet<(&str, &str)> = objects.map(|object| (object.kind(), object.name())).collect();
    known.extend(older.iter().map(|id| (id.kind.as_str(), id.name.as_str())));
    let is_known = |pod: &Object| owner(pod).is_some_and(|owner| known.contains(&owner));
    let services = Services::new(services(live, manifests));
    let mut found = BTreeMap::<ObjectId, BTreeSet<ObjectId>>::new();
    for pod in live.pods().filter(|pod| !is_ours(pod) && !is_known(pod)) {
        for service in services.of(pod) {
            let id = service.id().or_in(&cx.ports.cluster.namespace());
            found.entry(id).or_default().insert(pod.id());
        }
    }
    let warnings = found.into_iter().map(|(service, pods)| {
        format!(
            "{service} also sends requests to pods that belong to no version of this service: {}; delete \
             what runs them, or change its selector",
            names(&pods.into_iter().collect::<Vec<_>>())
        )
    });
    warnings.chain(live.unseen().map(str::to_owned)).collect()
}

/// The Services of the manifests, and those of ours that the cluster has.
fn services<'a>(live: &'a Snapshot, manifests: &'a Manifests) -> impl Iterator<Item = &'a Object> {
    let own = manifests.documents.iter().map(|document| &document.object);
    own.chain(&live.objects).filter(|object| is_service(object))
}

/// Whether it has the name of a canary of a workload of the manifests, which do not have it themselves.
fn is_canary_of(object: &Object, named: &Places) -> bool {
    let id = ObjectId { namespace: None, ..object.id() };
    let Some(stem) = id.name.strip_suffix(SUFFIX) else { return false };
    let has = |name: &str| named.find(&ObjectId { name: name.to_owned(), ..id.clone() }).is_some();
    has(stem) && !has(&id.name)
}

/// What made the pod, as people know it: the Deployment, where it was a ReplicaSet.
pub(crate) fn owner(pod: &Object) -> Option<(&str, &str)> {
    let owners = pod.as_value().pointer("/metadata/ownerReferences")?.as_array()?;
    let owner = owners.iter().find(|owner| owner.get("controller") == Some(&Value::Bool(true)))?;
    let (kind, name) = (owner.get("kind")?.as_str()?, owner.get("name")?.as_str()?);
    let hash = pod.label("pod-template-hash");
    match hash.and_then(|hash| name.strip_suffix(hash)?.strip_suffix('-')) {
        Some(deployment) if kind == "ReplicaSet" => Some(("Deployment", deployment)),
        _ => Some((kind, name)),
    }
}

/// Refuses a canary of which an object would take over somebody else's: of any kind, also one that the survey does not
/// see, such as a ConfigMap.
///
/// # Errors
/// `Conflict`, with the object.
pub(crate) fn refuse_taken(canary: &Plan, older: &[ObjectId]) -> Result<()> {
    let befores = canary.foreseen.iter().filter_map(|applied| applied.before.as_ref());
    // A Service of that name is refused with what the route needs.
    let mut taken = befores.filter(|before| before.label(label::SERVICE).is_none() && !is_service(before));
    let taken = taken.find(|before| !older.contains(&before.id()));
    taken.map_or(Ok(()), |taken| Err(name_taken(taken)))
}

fn name_taken(object: &Object) -> Error {
    let message = "the canary needs this name, but an object that does not belong to this service has it: \
                   delete that object, or give it another name";
    Error::new(ErrorKind::Conflict, OPERATION, message).with("object", object.id()).with("of", whose(object))
}

/// What is known of whose an object is.
fn whose(object: &Object) -> String {
    if let Some(service) = object.label(label::SERVICE) {
        return format!("the service {service}");
    }
    if let Some(tool) = object.label("app.kubernetes.io/managed-by") {
        return tool.to_owned();
    }
    match object.annotation(LAST_APPLIED) {
        Some(_) => "kubectl apply".to_owned(),
        None => "unknown".to_owned(),
    }
}
