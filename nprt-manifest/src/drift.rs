//! Drift: what others have set on stable, so that the promotion would differ from the canary that was judged.

use std::collections::BTreeMap;
use std::fmt;

use nprt_core::Result;
use nprt_core::model::{Object, ObjectId, Track, label};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::change::{FieldChange, compare};
use super::places::Objects;
use super::references::{self, ConfigKind};
use super::settings::Settings;
use super::template::TemplatePath;
use super::twin::canary_name;

/// What `kubectl rollout restart` leaves.
const RESTARTED: &str = "kubectl.kubernetes.io/restartedAt";

/// A field of stable in which a promotion differs from its canary, because others have set it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Drift {
    /// The object of stable.
    pub object: ObjectId,
    /// The field, such as `spec.template.spec.containers[web].env[DEBUG]`. Values are left out: they may be secret.
    pub field: String,
    /// Whether the canary has the field and stable does not.
    pub only_canary: bool,
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ObjectId { kind, name, .. } = &self.object;
        let on = if self.only_canary { " (on the canary alone)" } else { "" };
        write!(f, "{kind}/{name} {}{on}", self.field)
    }
}

/// The fields in which `promoted`, stable's objects as a promotion makes them, differ from the `canary`'s, both
/// as the cluster has them or says that it would: in pod templates, and in the configuration of which the canary
/// reads a copy. What tells the tracks apart does not count.
///
/// # Errors
/// `Invalid` for a workload without a pod template.
pub fn drift(promoted: &[Object], canary: &[Object], settings: &Settings) -> Result<Vec<Drift>> {
    let mut found = Vec::new();
    let (canary, originals) = (Objects::new(canary), originals(promoted));
    for stable in promoted {
        let twin = ObjectId { name: canary_name(stable), ..stable.id() };
        let Some(canary) = canary.find_id(&twin) else { continue };
        let fields = match ConfigKind::of(stable.id().group(), stable.kind()) {
            Some(_) => ["data", "binaryData", "type"].map(|field| content(field, stable, canary)).concat(),
            None => template(stable, canary, &originals, settings)?,
        };
        found.extend(fields.into_iter().map(|change| Drift {
            object: stable.id(),
            field: change.path,
            only_canary: change.after.is_none(),
        }));
    }
    Ok(found)
}

/// The entries of a ConfigMap or Secret that differ.
fn content(field: &str, stable: &Object, canary: &Object) -> Vec<FieldChange> {
    let of = |object: &'_ Object| object.as_value().get(field).cloned();
    compare(&stable.id(), field, of(canary).as_ref(), of(stable).as_ref())
}

/// The fields of the pod template that differ.
fn template(
    stable: &Object,
    canary: &Object,
    originals: &Originals<'_>,
    settings: &Settings,
) -> Result<Vec<FieldChange>> {
    let Some(path) = TemplatePath::of(stable, settings)? else { return Ok(Vec::new()) };
    let id = stable.id();
    let of = |object: &Object| path.find(object.as_value()).cloned().unwrap_or(Value::Null);
    let (mut stable, mut canary) = (of(stable), of(canary));
    references::rewrite(&mut canary, |kind, name| {
        originals.get(&(kind, name.to_owned())).map(|original| (*original).to_owned())
    });
    for template in [&mut stable, &mut canary] {
        forget_track(template, settings)?;
    }
    Ok(compare(&id, &path.to_string(), Some(&canary), Some(&stable)))
}

/// The names of stable's configuration, by the names of a canary's copies.
type Originals<'a> = BTreeMap<(ConfigKind, String), &'a str>;

fn originals(promoted: &[Object]) -> Originals<'_> {
    let mut originals = Originals::new();
    for object in promoted {
        if let Some(kind) = ConfigKind::of(object.id().group(), object.kind()) {
            originals.entry((kind, canary_name(object))).or_insert_with(|| object.name());
        }
    }
    originals
}

/// Takes out of a pod template what tells the tracks apart.
fn forget_track(template: &mut Value, settings: &Settings) -> Result<()> {
    let whole = TemplatePath::WHOLE;
    let mut template = whole.template(template)?;
    let labels = template.labels()?;
    // `track` is also what the live selector of an earlier tool keeps on stable's pods.
    for name in [Some(label::TRACK), settings.labels.track(), Some("track")].into_iter().flatten() {
        let is_track =
            |value: &Value| [Track::Stable, Track::Canary].iter().any(|track| *value == track.as_str());
        if labels.get(name).is_some_and(is_track) {
            labels.shift_remove(name);
        }
    }
    // It replaces the pods, and is nothing that they run by.
    template.annotations()?.shift_remove(RESTARTED);
    let [track, ..] = settings.environment.in_use();
    template.each_container(|container| {
        let Some(environment) = container.get_mut("env").and_then(Value::as_array_mut) else { return Ok(()) };
        environment.retain(|variable| variable.get("name") != track.map(|name| json!(name)).as_ref());
        Ok(())
    })
}
