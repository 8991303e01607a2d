//! Why a canary would get no traffic, not start, or have less to run on than stable.

use nprt_core::model::{Object, ObjectId, Track, label};
use nprt_core::{Error, Result};
use serde_json::Value;

use super::document::Document;
use super::selector::{Labels, Plain, all_among, labels_of, selector_of};
use super::surroundings::Surroundings;

const OPERATION: &str = "manifest.canary";
pub(super) const CLAIM: &str = "PersistentVolumeClaim";

/// A workload that gets a canary, and the pod templates of both tracks.
pub(super) struct Pair<'a> {
    pub(super) document: &'a Document,
    pub(super) stable: &'a Value,
    pub(super) canary: &'a Value,
    /// The pod template of the live stable workload.
    pub(super) live: Option<&'a Value>,
    /// The label of the settings that has the track.
    pub(super) track_label: Option<&'a str>,
}

/// Checks that traffic reaches both tracks: every Service that selects the stable pods selects the
/// canary's. Returns a warning where none does. A Service counts as the manifests have it, and as the
/// cluster has it until the promotion.
///
/// # Errors
/// `Invalid`, naming the Service and its selector.
pub(super) fn traffic(pair: &Pair<'_>, around: &Surroundings<'_>) -> Result<Option<String>> {
    let (stable, canary) = (labels_of(pair.stable), labels_of(pair.canary));
    let mut reached = false;
    for service in around.services(&[&stable, &canary])? {
        both_tracks(pair, &service.object, &stable, &canary).map_err(|error| service.source.locate(error))?;
        reached |= around.live.find(&service.object).is_none() && selects(&service.object, pair, &canary);
    }
    let stable = labels_of(pair.live.unwrap_or(pair.stable));
    // What Services of others select is not ours to say.
    let is_ours = |object: &&&Object| {
        object.label(label::SERVICE).is_some_and(|name| stable_service(pair) == Some(name))
            || around.documents.find(&object.id()).is_some()
    };
    for service in around.live_services(&[&stable, &canary])?.filter(is_ours) {
        both_tracks(pair, service, &stable, &canary).map_err(|error| error.with("where", "the cluster"))?;
        reached |= selects(service, pair, &canary);
    }
    let id = pair.document.object.id();
    Ok((!reached)
        .then(|| format!("{id}: no Service selects its pods, so its canary receives no traffic by one")))
}

/// The service that the pods say they belong to.
fn stable_service<'a>(pair: &'a Pair<'_>) -> Option<&'a str> {
    pair.stable.pointer("/metadata/labels")?.get(label::SERVICE)?.as_str()
}

fn both_tracks(pair: &Pair<'_>, service: &Object, stable: &Labels, canary: &Labels) -> Result<()> {
    if !selects(service, pair, stable) || selects(service, pair, canary) {
        return Ok(());
    }
    let selector = selector_of(service).cloned().unwrap_or_default();
    let of_stable = |name: &&str| selector.get(*name).is_some_and(|value| *value == Track::Stable.as_str());
    let why = match [Some(label::TRACK), pair.track_label].into_iter().flatten().find(of_stable) {
        Some(name) => format!(
            "the Service selects {name}=stable, so the canary would receive no traffic; remove {name} from its selector"
        ),
        None => "the Service selects the stable pods and not the canary's; it must select both".to_owned(),
    };
    let missing: Labels = selector
        .iter()
        .filter(|(key, value)| canary.get(*key) != Some(value))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    Err(Error::invalid(OPERATION, why)
        .with("service", service.id())
        .with("selector", Plain(&selector))
        .with("not on the canary", Plain(&missing))
        .with("workload", pair.document.object.id()))
}

fn selects(service: &Object, pair: &Pair<'_>, labels: &Labels) -> bool {
    let (a, b) = (service.namespace(), pair.document.object.namespace());
    (a.is_none() || b.is_none() || a == b)
        && selector_of(service).is_some_and(|selector| all_among(selector, labels))
}

pub(super) fn claims(spec: &Value) -> impl Iterator<Item = &str> {
    let volumes = spec.get("volumes").and_then(Value::as_array).into_iter().flatten();
    volumes.filter_map(|volume| volume.pointer("/persistentVolumeClaim/claimName")?.as_str())
}

pub(super) fn find_namesake<'a>(
    pair: &Pair<'_>,
    kind: &str,
    name: &str,
    around: &Surroundings<'a>,
) -> Option<&'a Object> {
    let id = namesake(pair, kind, name);
    let document = around.documents.find(&id).map(|document| &document.object);
    document.or_else(|| around.live.find_id(&id))
}

fn namesake(pair: &Pair<'_>, kind: &str, name: &str) -> ObjectId {
    ObjectId {
        api_version: "v1".to_owned(),
        kind: kind.to_owned(),
        namespace: pair.document.object.namespace().map(str::to_owned),
        name: name.to_owned(),
    }
}

/// Warns of what the canary's pods need to start and what only a deploy brings, or nobody here knows. Without
/// any live object the cluster is unknown, and nothing is said to be missing from it.
pub(super) fn missing(pair: &Pair<'_>, around: &Surroundings<'_>) -> Vec<String> {
    let spec = pair.canary.get("spec").unwrap_or(&Value::Null);
    let account = spec.get("serviceAccountName").and_then(Value::as_str).map(|name| ("ServiceAccount", name));
    let needed = account.into_iter().chain(claims(spec).map(|name| (CLAIM, name)));
    let warn = |(kind, name)| {
        let id = namesake(pair, kind, name);
        let is_live = around.live.find_id(&id).is_some();
        let why = match (around.documents.find(&id), is_live) {
            (Some(_), false) if !around.live.all.is_empty() => "is not live yet; deploy it first",
            (None, false) if kind == CLAIM => {
                "is not of this service; the canary never starts if only one pod may hold it (ReadWriteOnce)"
            }
            _ => return None,
        };
        Some(format!("{}: its canary needs {id}, which {why}", pair.document.object.id()))
    };
    needed.filter_map(warn).collect()
}

/// Warns where a VerticalPodAutoscaler sets the resources of stable's pods: by their owner it knows them from
/// the canary's, which keep those of the manifest.
pub(super) fn resized(pair: &Pair<'_>, around: &Surroundings<'_>) -> Option<String> {
    let workload = pair.document.object.id();
    let found = around.resizer(&workload)?;
    Some(format!(
        "{workload}: {} sets the resources of stable's pods and not of the canary's: compared are different resources, too",
        found.id()
    ))
}
