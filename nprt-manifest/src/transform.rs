//! Composes the passes.

use nprt_core::Result;
use nprt_core::model::{Budget, Limit, Object, Track};
use nprt_core::ports::remedy;
use serde_json::Value;

use super::change::{Rendered, differences};
use super::document::{Document, Manifests};
use super::places::{Documents, Objects};
use super::settings::{Settings, StableSelector};
use super::template::TemplatePath;
use super::version::Version;
use super::workload::{BUILT_IN, Scaled};
use super::{
    belongs, datadog, environment, identity, image, reserved, rewritten, run, selector, string_data,
};

/// Renders the manifests for the stable track: every document, with the version's images, identity and
/// environment on the workloads that [belong to it](Settings::images). Other workloads stay as the manifests
/// have them, so that a database does not restart because another image changed. `live` are the service's
/// objects that the cluster has now.
///
/// The selector of a workload that is live keeps what the cluster has. A live Job or Pod cannot take another
/// version (Kubernetes refuses to change its pods): a warning says so, and the cluster's dry run refuses.
/// A Job that says [when it runs](nprt_core::model::annotation::RUN) gets a name of its own for each version;
/// name any other by its version, have it deleted after it finished, or use a CronJob.
///
/// # Errors
/// `Invalid`, with file, document, line and object, for a workload that cannot be transformed, an image
/// outside the grammar, or a selector by a label that would be rewritten: of the manifests, or of any object in
/// `live`, which may hold others of the namespace too; with the field, for settings out of range; and where it takes
/// more steps than the default [`Limits`](nprt_core::model::Limits). `NotFound` for an image to pin whose
/// digest `version` does not have. `Forbidden` for a label or annotation `nprt.dev/…` that only nprt writes.
pub fn stable(
    manifests: &Manifests,
    version: &Version,
    settings: &Settings,
    live: &[Object],
) -> Result<Rendered> {
    stable_within(manifests, version, settings, live, &Budget::default())
}

/// The same within `budget`.
///
/// # Errors
/// Those of the same without, and where the budget is used up.
pub fn stable_within(
    manifests: &Manifests,
    version: &Version,
    settings: &Settings,
    live: &[Object],
    budget: &Budget,
) -> Result<Rendered> {
    settings.check()?;
    reserved::refuse_marks(manifests, version)?;
    let live = Objects::new(live);
    let mut rendered = Rendered::default();
    for document in &manifests.documents {
        budget.spend(Limit::Steps, 1).map_err(|error| document.locate(error))?;
        let now = live.find(&document.object);
        let done = render_stable(document, version, settings, now, &mut rendered.warnings)?;
        if live.find(&done.object).is_some_and(|now| is_frozen(now, &done.object)) {
            rendered.warnings.push(format!(
                "{} is live: {}",
                done.object.id(),
                remedy(&done.object, "spec.template").unwrap_or_default()
            ));
        }
        rendered.changes.extend(differences(document, &done));
        rendered.documents.push(done);
    }
    let documents = Documents::new(&manifests.documents);
    rewritten::check(&documents, &rendered.documents, version, settings, &live, budget)?;
    rendered.warnings.extend(nothing_belongs(manifests, version, settings)?);
    Ok(rendered)
}

/// A warning where there are workloads, and none belongs to the version.
fn nothing_belongs(manifests: &Manifests, version: &Version, settings: &Settings) -> Result<Option<String>> {
    for document in &manifests.documents {
        if belongs::belongs(document, version, settings).map_err(|error| document.locate(error))? {
            return Ok(None);
        }
    }
    let images = belongs::images_as_written(manifests, settings)?;
    Ok((!images.is_empty()).then(|| {
        format!(
            "no workload runs an image of this version, so none is marked with it or can have a canary; \
             list the version's images in `images` of the service (the manifests have {})",
            images.join(", ")
        )
    }))
}

/// One document as stable has it.
pub(super) fn render_stable(
    document: &Document,
    version: &Version,
    settings: &Settings,
    live: Option<&Object>,
    warnings: &mut Vec<String>,
) -> Result<Document> {
    let render = |warnings: &mut Vec<String>| {
        let mut object = mark(document, Track::Stable, version, settings, warnings)?;
        if has_selector(&document.object) {
            match live {
                Some(live) => selector::keep_stable_track(&mut object, live, settings)?,
                None if settings.stable_selector == StableSelector::AddTrack
                    && belongs::belongs(document, version, settings)? =>
                {
                    selector::add_track(&mut object, Track::Stable)?;
                }
                None => {}
            }
        }
        if run::when_run(&document.object)?.is_some() {
            run::name_by_content(&mut object)?;
        }
        finish(document, object, settings)
    };
    render(warnings).map_err(|error| document.locate(error))
}

/// The passes that both tracks share.
pub(super) fn mark(
    document: &Document,
    track: Track,
    version: &Version,
    settings: &Settings,
    warnings: &mut Vec<String>,
) -> Result<Value> {
    let belongs = belongs::belongs(document, version, settings)?;
    let path = TemplatePath::of(&document.object, settings)?;
    let mut object = document.object.as_value().clone();
    string_data::encode(&mut object, &document.object)?;
    identity::mark_service(&mut object, version)?;
    if let Some(path) = path.filter(|_| belongs) {
        let whole = TemplatePath::WHOLE;
        for part in [&whole, &path] {
            identity::mark_version(&mut part.template(&mut object)?, version, track, settings)?;
        }
        if settings.datadog {
            datadog::name_service(&mut object, &path, version)?;
        }
        let mut template = path.template(&mut object)?;
        let mut said = Vec::new();
        image::apply(&mut template, version, settings)?;
        environment::apply(&mut template, version, track, settings, &mut said)?;
        warnings.extend(said.into_iter().map(|said| format!("{}: {said}", document.object.id())));
    }
    Ok(object)
}

/// Checks what must be true of every rendered workload.
pub(super) fn finish(document: &Document, object: Value, settings: &Settings) -> Result<Document> {
    let object = Object::new(object)?;
    if let Some(path) = TemplatePath::of(&object, settings)?.filter(|path| !path.is_whole())
        && let Some(template) = path.find(object.as_value())
    {
        selector::check_own_pods(object.as_value(), template, settings)?;
    }
    Ok(Document { object, source: document.source.clone() })
}

fn has_selector(object: &Object) -> bool {
    let id = object.id();
    BUILT_IN.iter().any(|known| {
        let selects = known.scaled == Scaled::BySelector || known.kind == "DaemonSet";
        selects && known.group == id.group() && known.kind == id.kind
    })
}

/// Whether Kubernetes refuses to change the live object's pods into the rendered ones.
fn is_frozen(live: &Object, rendered: &Object) -> bool {
    let kind = (rendered.id().group().to_owned(), rendered.kind().to_owned());
    let frozen =
        [("batch", "Job"), ("", "Pod")].iter().any(|&(group, name)| kind.0 == group && kind.1 == name);
    let version = |object: &Object| object.annotation(nprt_core::model::annotation::TAG).map(str::to_owned);
    frozen && version(live) != version(rendered)
}
