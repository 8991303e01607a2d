//! Which workloads get a canary.

use nprt_core::model::annotation;
use nprt_core::{Error, Result};

use super::belongs::{belongs, images_as_written, opts_out};
use super::document::{Document, Manifests};
use super::settings::Settings;
use super::template::TemplatePath;
use super::version::Version;
use super::workload::group_kind;

const OPERATION: &str = "manifest.canary";

/// The workloads that get a canary: of the kinds that may have one, those that belong to the version and do not
/// opt out. `warnings` says which of these kinds get none.
///
/// # Errors
/// `Invalid` where there is none, with what there is instead and what to do.
pub(super) fn choose<'a>(
    manifests: &'a Manifests,
    version: &Version,
    settings: &Settings,
    warnings: &mut Vec<String>,
) -> Result<Vec<&'a Document>> {
    let (mut ours, mut chosen, mut opted_out) = (Vec::new(), Vec::new(), false);
    for document in &manifests.documents {
        if TemplatePath::of(&document.object, settings).map_err(|error| document.locate(error))?.is_none() {
            continue;
        }
        let (id, may) = (document.object.id(), settings.canary.kinds.contains(&group_kind(&document.object)));
        if !belongs(document, version, settings).map_err(|error| document.locate(error))? {
            if may {
                warnings.push(format!("{id}: runs no image of this version, so it gets no canary"));
            }
            continue;
        }
        ours.push(id.clone());
        let out = opts_out(document).map_err(|error| document.locate(error))?;
        if may && out {
            opted_out = true;
            warnings.push(format!("{id}: opts out by {}, so it gets no canary", annotation::CANARY));
        } else if may {
            chosen.push(document);
        }
    }
    if !chosen.is_empty() {
        return Ok(chosen);
    }
    if ours.is_empty() {
        let message = "no workload runs an image of this version: list the version's images in \
                       `images` of the service";
        let images = images_as_written(manifests, settings)?;
        return Err(Error::invalid(OPERATION, message).with_available(images));
    }
    if opted_out {
        let message = "every workload that could have a canary opts out of it";
        return Err(Error::invalid(OPERATION, message)
            .with("annotation", annotation::CANARY)
            .with_available(ours));
    }
    let kinds: Vec<&str> = settings.canary.kinds.iter().map(String::as_str).collect();
    Err(Error::invalid(OPERATION, "no workload is of a kind that gets a canary")
        .with("kinds", kinds.join(", "))
        .with_available(ours))
}
