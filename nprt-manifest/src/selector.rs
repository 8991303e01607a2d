//! Which pods a selector selects.

use std::fmt;

use nprt_core::model::{Object, Track, label};
use nprt_core::{Error, Result};
use serde_json::{Map, Value};

use super::fields::map_at;
use super::settings::Settings;

/// The labels of a pod.
pub(super) type Labels = Map<String, Value>;

/// The labels of a pod template.
pub(super) fn labels_of(template: &Value) -> Labels {
    template.pointer("/metadata/labels").and_then(Value::as_object).cloned().unwrap_or_default()
}

/// Whether every pair of a plain selector (that of a Service) is among the labels.
pub(super) fn all_among(selector: &Labels, labels: &Labels) -> bool {
    selector.iter().all(|(key, value)| labels.get(key) == Some(value))
}

/// A plain selector as kubectl writes it: `app=shop,track=stable`.
pub(super) struct Plain<'a>(pub(super) &'a Labels);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (key, value)) in self.0.iter().enumerate() {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            write!(f, "{}{key}={value}", if i == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

/// Whether a label selector (`matchLabels`, `matchExpressions`) selects the labels. An operator that
/// Kubernetes does not have selects nothing.
pub(super) fn selects(selector: &Value, labels: &Labels) -> bool {
    let by_label = selector.get("matchLabels").and_then(Value::as_object);
    let expressions = selector.get("matchExpressions").and_then(Value::as_array);
    by_label.is_none_or(|by_label| all_among(by_label, labels))
        && expressions.is_none_or(|all| all.iter().all(|expression| holds(expression, labels)))
}

/// How many steps of the budget it takes to compare a label selector with labels: one for each label and value that it
/// asks for, and at least one.
pub(super) fn steps(selector: &Value) -> u64 {
    let by_label = selector.get("matchLabels").and_then(Value::as_object).map_or(0, Map::len);
    let expressions = selector.get("matchExpressions").and_then(Value::as_array).into_iter().flatten();
    let values = |expression: &Value| expression.get("values").and_then(Value::as_array).map_or(1, Vec::len);
    let asked: usize = expressions.map(|expression| values(expression).max(1)).sum();
    (by_label + asked).max(1) as u64
}

fn holds(expression: &Value, labels: &Labels) -> bool {
    let label = expression.get("key").and_then(Value::as_str).and_then(|key| labels.get(key));
    let values = expression.get("values").and_then(Value::as_array);
    let among = || values.is_some_and(|values| label.is_some_and(|label| values.contains(label)));
    match expression.get("operator").and_then(Value::as_str) {
        Some("In") => among(),
        Some("NotIn") => !among(),
        Some("Exists") => label.is_some(),
        Some("DoesNotExist") => label.is_none(),
        _ => false,
    }
}

pub(super) fn is_service(object: &Object) -> bool {
    object.id().group().is_empty() && object.kind() == "Service"
}

/// The labels of the pods that a Service selects, where it selects any.
pub(super) fn selector_of(service: &Object) -> Option<&Labels> {
    service.as_value().pointer("/spec/selector")?.as_object().filter(|selector| !selector.is_empty())
}

/// Adds the track to the selector of a workload.
pub(super) fn add_track(object: &mut Value, track: Track) -> Result<()> {
    let labels = map_at(object, &["spec", "selector", "matchLabels"])?;
    labels.insert(label::TRACK.to_owned(), track.as_str().into());
    Ok(())
}

/// Makes the selector of a canary select the canary's pods alone, also where the manifest names stable's.
pub(super) fn select_canary(object: &mut Value, settings: &Settings) -> Result<()> {
    add_track(object, Track::Canary)?;
    let labels = map_at(object, &["spec", "selector", "matchLabels"])?;
    if let Some(track) = settings.labels.track().and_then(|name| labels.get_mut(name))
        && *track == Track::Stable.as_str()
    {
        *track = Track::Canary.as_str().into();
    }
    Ok(())
}

/// Keeps a label by which the live selector of a stable workload selects its track, since Kubernetes refuses
/// another selector, on its pods too. It never changes, and so restarts none.
pub(super) fn keep_stable_track(object: &mut Value, live: &Object, settings: &Settings) -> Result<()> {
    let selected = live.as_value().pointer("/spec/selector/matchLabels");
    // `track` is what an earlier nprt, or the tool before it, added.
    for name in [Some(label::TRACK), settings.labels.track(), Some("track")].into_iter().flatten() {
        if selected.and_then(|labels| labels.get(name)?.as_str()) != Some(Track::Stable.as_str()) {
            continue;
        }
        for labels in [&["spec", "selector", "matchLabels"][..], &["spec", "template", "metadata", "labels"]]
        {
            map_at(object, labels)?.insert(name.to_owned(), Track::Stable.as_str().into());
        }
    }
    Ok(())
}

/// Whether a workload selects its own pods, as it must: a label that changes with each version, or with the
/// track, cannot be part of its selector.
///
/// # Errors
/// `Invalid`, with the selector.
pub(super) fn check_own_pods(object: &Value, template: &Value, settings: &Settings) -> Result<()> {
    let Some(selector) = object.pointer("/spec/selector").filter(|selector| !selector.is_null()) else {
        return Ok(());
    };
    if ["matchLabels", "matchExpressions"].iter().all(|field| selector.get(field).is_none())
        || selects(selector, &labels_of(template))
    {
        return Ok(());
    }
    let ours = settings.labels.version().into_iter().chain(settings.labels.track()).chain([label::TRACK]);
    let ours: Vec<&str> = ours.collect();
    Err(Error::invalid(
        "manifest.render",
        format!(
            "the workload's selector does not match the labels of its pods, which nprt sets: {}; take the label out \
             of the selector, or rename it or turn it off in `transform.labels`",
            ours.join(", ")
        ),
    )
    .with("field", "spec.selector")
    .with("selector", selector)
    .with("labels", Plain(&labels_of(template))))
}
