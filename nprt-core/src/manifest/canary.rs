use std::collections::BTreeMap;

use serde_json::Value;

use super::change::{Rendered, differences};
use super::choose::choose;
use super::diagnose::{self, Pair};
use super::document::{Document, Manifests, same};
use super::references::{self, ConfigKind};
use super::run::was_run;
use super::settings::Settings;
use super::transform::{find_live, finish, mark, render_stable};
use super::version::Version;
use super::workload::{get, map_at, template_path};
use super::{identity, live as live_objects, replicas, selector};
use crate::model::{Object, ObjectId, Track, annotation};
use crate::{Error, Result};

const OPERATION: &str = "manifest.canary";
/// `kubectl apply`'s copy of what it applied: of the original here, a Secret's values included.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
pub(super) const SUFFIX: &str = "-canary";

/// Renders the manifests for the canary track: a second workload beside each stable one that
/// [belongs to the version](Settings::images), and a copy of the configuration that it reads and that differs from `live`, the
/// service's objects that the cluster has now. All of these are named `…-canary` and labelled
/// `track: canary`; nothing that stable reads or serves by is changed. Other documents that would change
/// are withheld until the promotion, the originals of copied configuration among them, and the Jobs that are
/// [run](crate::model::annotation::RUN): stable and canary share what a migration would change.
///
/// # Errors
/// As [`stable`](super::stable), and `Invalid`: where no workload gets a canary, a name with `-canary` is
/// too long or taken, a Service selects the stable pods and not the canary's (with its selector), or the
/// canary would share a host's port or a claim that only one may hold.
pub fn canary(
    manifests: &Manifests,
    version: &Version,
    settings: &Settings,
    live: &[Object],
) -> Result<Rendered> {
    settings.check()?;
    let input = Input { manifests, version, settings, live };
    let mut rendered = Rendered::default();
    let chosen = choose(manifests, version, settings, &mut rendered.warnings)?;
    let copies = copies(&chosen, &input)?;
    for original in copies.values() {
        let copy = copy(original, &input).map_err(|error| original.locate(error))?;
        rendered.changes.extend(differences(original, &copy));
        rendered.documents.push(copy);
    }
    for &document in &chosen {
        let canary = render_canary(document, &copies, &input, &mut rendered.warnings)
            .map_err(|error| document.locate(error))?;
        diagnose(document, &canary, &input, &mut rendered.warnings)?;
        rendered.changes.extend(differences(document, &canary));
        rendered.documents.push(canary);
    }
    refuse_taken_names(&rendered, manifests)?;
    rendered.withheld = withheld(&chosen, &input, &mut rendered.warnings)?;
    Ok(rendered)
}

/// What a canary is made from.
struct Input<'a> {
    manifests: &'a Manifests,
    version: &'a Version,
    settings: &'a Settings,
    live: &'a [Object],
}

/// The documents that a promotion would change, beside the workloads that get a canary.
fn withheld(chosen: &[&Document], input: &Input<'_>, warnings: &mut Vec<String>) -> Result<Vec<ObjectId>> {
    let mut withheld = Vec::new();
    for document in &input.manifests.documents {
        if chosen.iter().any(|chosen| std::ptr::eq(*chosen, document)) {
            continue;
        }
        let now = find_live(input.live, &document.object);
        let stable = render_stable(document, input.version, input.settings, now, &mut Vec::new())?;
        // A Job that is run has a name of its own for each version.
        let now = find_live(input.live, &stable.object);
        if now.is_none() && was_run(&stable.object) {
            warnings.push(format!("{}: runs with the promotion, not for the canary", stable.object.id()));
        }
        if now.is_none_or(|now| live_objects::changes(&stable.object, now)) {
            withheld.push(stable.object.id());
        }
    }
    Ok(withheld)
}

type Copies<'a> = BTreeMap<(ConfigKind, String), &'a Document>;

/// The configuration that the chosen workloads read and that differs from what is live.
fn copies<'a>(chosen: &[&Document], input: &Input<'a>) -> Result<Copies<'a>> {
    let &Input { manifests, settings, live, .. } = input;
    let mut copies = Copies::new();
    for document in chosen {
        let Some(path) = template_path(&document.object, settings)? else { continue };
        let template = get(document.object.as_value(), &path).unwrap_or(&Value::Null);
        for (kind, name) in references::read_by(template) {
            let id = ObjectId {
                api_version: "v1".to_owned(),
                kind: format!("{kind:?}"),
                namespace: document.object.namespace().map(str::to_owned),
                name: name.clone(),
            };
            let Some(config) = manifests.find(&id) else { continue };
            let now = find_live(live, &config.object);
            if now.is_none_or(|now| live_objects::config_differs(&config.object, now)) {
                copies.insert((kind, name), config);
            }
        }
    }
    Ok(copies)
}

/// The copy of a ConfigMap or Secret that only the canary reads. It can be changed even where the original
/// cannot, so that a second canary may follow the first.
fn copy(original: &Document, input: &Input<'_>) -> Result<Document> {
    let &Input { version, settings, .. } = input;
    let mut object = original.object.as_value().clone();
    rename(&mut object, &original.object)?;
    identity::mark_version(&mut object, &[""; 0], version, Track::Canary, settings.datadog)?;
    if let Some(object) = object.as_object_mut() {
        object.shift_remove("immutable");
    }
    Ok(Document { object: Object::new(object)?, source: original.source.clone() })
}

fn render_canary(
    document: &Document,
    copies: &Copies<'_>,
    input: &Input<'_>,
    warnings: &mut Vec<String>,
) -> Result<Document> {
    let &Input { version, settings, live, .. } = input;
    let mut object = mark(document, Track::Canary, version, settings, warnings)?;
    let selector = object.pointer("/spec/selector").and_then(Value::as_object);
    if selector.is_none_or(serde_json::Map::is_empty) {
        return Err(Error::invalid(OPERATION, "expected a selector").with("field", "spec.selector"));
    }
    if !is_canary(&document.object) {
        let stable = find_live(live, &document.object).unwrap_or(&document.object);
        replicas::set(&mut object, settings.canary.replicas, stable)?;
    }
    rename(&mut object, &document.object)?;
    selector::add_track(&mut object, Track::Canary)?;
    if let Some(path) = template_path(&document.object, settings)? {
        let mut template = Value::Object(std::mem::take(map_at(&mut object, &path)?));
        references::rewrite(&mut template, |kind, name| {
            copies.get(&(kind, name.to_owned())).map(|original| canary_name(&original.object))
        });
        if let Value::Object(template) = template {
            *map_at(&mut object, &path)? = template;
        }
    }
    finish(document, object, settings)
}

/// Whether this is a canary already, rendered before.
fn is_canary(object: &Object) -> bool {
    object.name().ends_with(SUFFIX) && object.annotation(annotation::TRACK) == Some(Track::Canary.as_str())
}

fn canary_name(object: &Object) -> String {
    if is_canary(object) { object.name().to_owned() } else { format!("{}{SUFFIX}", object.name()) }
}

/// Gives the object its canary's name and forgets what ties it to the one of the old name.
fn rename(object: &mut Value, original: &Object) -> Result<()> {
    let name = canary_name(original);
    let longest = longest_name(original);
    if name.len() > longest {
        return Err(Error::invalid(OPERATION, "the name is too long for a canary beside it")
            .with("name", name)
            .with("longest", longest));
    }
    let metadata = map_at(object, &["metadata"])?;
    metadata.insert("name".to_owned(), name.into());
    for field in ["uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink"] {
        metadata.shift_remove(field);
    }
    if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
        annotations.shift_remove(LAST_APPLIED);
    }
    Ok(())
}

/// What Kubernetes makes of a name must be a name too: a ReplicaSet's adds 11 characters, and the label with
/// the revision of a StatefulSet, of 63, adds as many.
fn longest_name(object: &Object) -> usize {
    match object.kind() {
        "ConfigMap" | "Secret" => 253,
        "StatefulSet" => 52,
        _ => 242,
    }
}

/// Whether traffic will reach the canary, and its pods find a place.
fn diagnose(
    document: &Document,
    canary: &Document,
    input: &Input<'_>,
    warnings: &mut Vec<String>,
) -> Result<()> {
    let &Input { manifests, version, settings, live } = input;
    let Some(path) = template_path(&document.object, settings)? else { return Ok(()) };
    let now = find_live(live, &document.object);
    let stable = mark(document, Track::Stable, version, settings, &mut Vec::new())?;
    let template = |value: &'_ Value| get(value, &path).cloned().unwrap_or_default();
    let pair = Pair {
        document,
        stable: &template(&stable),
        canary: &template(canary.object.as_value()),
        live: now.and_then(|now| get(now.as_value(), &path)),
    };
    diagnose::place(&pair, manifests, live).map_err(|error| document.locate(error))?;
    warnings.extend(diagnose::traffic(&pair, manifests, live)?);
    warnings.extend(diagnose::missing(&pair, manifests, live));
    warnings.extend(diagnose::resized(&pair, manifests, live));
    Ok(())
}

/// The name of a canary or a copy must not be that of another manifest.
fn refuse_taken_names(rendered: &Rendered, manifests: &Manifests) -> Result<()> {
    for added in &rendered.documents {
        let id = added.object.id();
        let taken = manifests
            .documents
            .iter()
            .find(|document| same(&document.object.id(), &id) && !is_canary(&document.object));
        if let Some(taken) = taken {
            return Err(added
                .locate(Error::invalid(OPERATION, "the canary's name is taken").with("by", &taken.source)));
        }
    }
    Ok(())
}
