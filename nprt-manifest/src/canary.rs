use nprt_core::model::{Budget, Limit, ObjectId, Track};
use nprt_core::{Error, Result};
use serde_json::Value;

use super::change::{Rendered, differences};
use super::choose::choose;
use super::copies::{self, Copies};
use super::diagnose::{self, Pair};
use super::document::{Document, Manifests};
use super::input::{Beside, Input};
use super::places::{Documents, Objects};
use super::references;
use super::run::was_run;
use super::settings::Settings;
use super::surroundings::Surroundings;
use super::template::TemplatePath;
use super::transform::{finish, mark, render_stable};
use super::twin::{canary_name, is_canary, rename};
use super::version::Version;
use super::{placement, policies, replicas, reserved, rewritten, selector};

const OPERATION: &str = "manifest.canary";

/// Renders the manifests for the canary track: a second workload beside each stable one that
/// [belongs to the version](Settings::images), and a copy of the configuration that it reads and that the
/// promotion would change. All of these are named `…-canary` and are on the track `canary`; nothing that stable reads or serves by is
/// changed. All other documents are withheld until the promotion, the originals of copied configuration among
/// them, and the Jobs that are [run](nprt_core::model::annotation::RUN): stable and canary share what a migration
/// would change. Which of them the promotion really changes, the cluster says.
///
/// # Errors
/// As [`stable`](super::stable), and `Invalid`: where no workload gets a canary, a name with `-canary` is
/// too long or taken, or a Service selects the stable pods and not the canary's (with its selector). What may
/// keep the canary's pods from running beside stable's is a warning.
pub fn canary(
    manifests: &Manifests,
    version: &Version,
    settings: &Settings,
    beside: &Beside<'_>,
) -> Result<Rendered> {
    canary_within(manifests, version, settings, beside, &Budget::default())
}

/// The same within `budget`.
///
/// # Errors
/// Those of the same without, and where the budget is used up.
pub fn canary_within(
    manifests: &Manifests,
    version: &Version,
    settings: &Settings,
    beside: &Beside<'_>,
    budget: &Budget,
) -> Result<Rendered> {
    settings.check()?;
    reserved::refuse_marks(manifests, version)?;
    let documents = Documents::new(&manifests.documents);
    let live = Objects::new(beside.live);
    let input = Input {
        around: Surroundings::new(&documents, &live, budget),
        promoted: Objects::new(beside.promoted),
        carry: beside.carry,
        version,
        settings,
        budget,
    };
    let mut rendered = Rendered::default();
    let chosen = choose(manifests, version, settings, &mut rendered.warnings)?;
    let copies = copies::needed(&chosen, &input)?;
    for original in copies.values() {
        let copy = copies::copy(original, &input).map_err(|error| original.locate(error))?;
        rendered.changes.extend(differences(original, &copy));
        rendered.documents.push(copy);
    }
    for &document in &chosen {
        let canary = render_canary(document, &copies, &input, &mut rendered.warnings)
            .map_err(|error| document.locate(error))?;
        diagnose(document, &canary, &input, &mut rendered.warnings)?;
        budget.spend(Limit::Steps, 1).map_err(|error| document.locate(error))?;
        rendered.changes.extend(differences(document, &canary));
        rendered.documents.push(canary);
    }
    refuse_taken_names(&rendered, &documents)?;
    check_promotion(&input)?;
    rendered.withheld = withheld(&chosen, &input, &mut rendered.warnings)?;
    Ok(rendered)
}

/// Checks that the labels of the promotion take no pods from anybody's selector.
fn check_promotion(input: &Input<'_>) -> Result<()> {
    let &Input { version, settings, budget, .. } = input;
    let Surroundings { documents, live, .. } = input.around;
    let stable = documents.iter().map(|document| {
        if is_canary(&document.object) {
            return Ok(document.clone());
        }
        render_stable(document, version, settings, live.find(&document.object), &mut Vec::new())
    });
    let stable = stable.collect::<Result<Vec<_>>>()?;
    rewritten::check(documents, &stable, version, settings, live, budget)
}

/// The documents that wait for the promotion, beside the workloads that get a canary.
fn withheld(chosen: &[&Document], input: &Input<'_>, warnings: &mut Vec<String>) -> Result<Vec<ObjectId>> {
    let &Input { version, settings, .. } = input;
    let Surroundings { documents, live, .. } = input.around;
    let mut withheld = Vec::new();
    // Both are in the order of the manifests.
    let mut chosen = chosen.iter().copied().peekable();
    for document in documents.iter() {
        if chosen.next_if(|chosen| std::ptr::eq(*chosen, document)).is_some() {
            continue;
        }
        let now = live.find(&document.object);
        let stable = render_stable(document, version, settings, now, &mut Vec::new())?;
        // A Job that is run has a name of its own for each version.
        if was_run(&stable.object) && live.find(&stable.object).is_none() {
            warnings.push(format!("{}: runs with the promotion, not for the canary", stable.object.id()));
        }
        withheld.push(stable.object.id());
    }
    Ok(withheld)
}

fn render_canary(
    document: &Document,
    copies: &Copies<'_>,
    input: &Input<'_>,
    warnings: &mut Vec<String>,
) -> Result<Document> {
    let &Input { version, settings, .. } = input;
    let carried = carried(document, input)?;
    let mut object = match &carried {
        // What it replaces is its own.
        Some(carried) => mark(carried, Track::Canary, version, settings, &mut Vec::new())?,
        None => mark(document, Track::Canary, version, settings, warnings)?,
    };
    let selector = object.pointer("/spec/selector").and_then(Value::as_object);
    if selector.is_none_or(serde_json::Map::is_empty) {
        return Err(Error::invalid(OPERATION, "expected a selector").with("field", "spec.selector"));
    }
    if !is_canary(&document.object) {
        let stable = input.around.live.find(&document.object).unwrap_or(&document.object);
        replicas::set(&mut object, settings.canary.replicas, stable)?;
    }
    rename(&mut object, &document.object)?;
    selector::select_canary(&mut object, settings)?;
    if let Some(path) = TemplatePath::of(&document.object, settings)? {
        references::rewrite(path.template(&mut object)?.value(), |kind, name| {
            copies.get(&(kind, name.to_owned())).map(|original| canary_name(&original.object))
        });
    }
    finish(document, object, settings)
}

/// The document with the pod template that the promotion makes, where the canary gets that one.
fn carried(document: &Document, input: &Input<'_>) -> Result<Option<Document>> {
    let Some(promoted) = input.promoted(document).filter(|_| input.carry) else { return Ok(None) };
    let Some(path) = TemplatePath::of(&document.object, input.settings)? else { return Ok(None) };
    let template = path.find(promoted.as_value()).filter(|template| template.is_object());
    let Some(template) = template else { return Ok(None) };
    let mut carried = document.clone();
    *path.template(carried.object.as_value_mut())?.value() = template.clone();
    Ok(Some(carried))
}

/// Whether traffic will reach the canary, and its pods can run.
fn diagnose(
    document: &Document,
    canary: &Document,
    input: &Input<'_>,
    warnings: &mut Vec<String>,
) -> Result<()> {
    let &Input { ref around, version, settings, .. } = input;
    let Some(path) = TemplatePath::of(&document.object, settings)? else { return Ok(()) };
    let now = around.live.find(&document.object);
    let stable = mark(document, Track::Stable, version, settings, &mut Vec::new())?;
    let template = |value: &'_ Value| path.find(value).cloned().unwrap_or_default();
    let pair = Pair {
        document,
        stable: &template(&stable),
        canary: &template(canary.object.as_value()),
        live: now.and_then(|now| path.find(now.as_value())),
        track_label: settings.labels.track(),
    };
    warnings.extend(placement::warnings(&pair, around));
    warnings.extend(diagnose::traffic(&pair, around)?);
    warnings.extend(policies::uncovered(&pair, around)?);
    warnings.extend(diagnose::missing(&pair, around));
    warnings.extend(diagnose::resized(&pair, around));
    Ok(())
}

/// The name of a canary or a copy must not be that of another manifest.
fn refuse_taken_names(rendered: &Rendered, documents: &Documents<'_>) -> Result<()> {
    let others = Documents::new(documents.iter().filter(|document| !is_canary(&document.object)));
    for added in &rendered.documents {
        if let Some(taken) = others.find(&added.object.id()) {
            return Err(added
                .locate(Error::invalid(OPERATION, "the canary's name is taken").with("by", &taken.source)));
        }
    }
    Ok(())
}
