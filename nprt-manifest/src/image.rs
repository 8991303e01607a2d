use std::collections::BTreeSet;

use nprt_core::model::{ImageName, ImageRef};
use nprt_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value};

use super::document::{Document, Manifests};
use super::settings::Settings;
use super::template::{PodTemplate, TemplatePath};
use super::version::Version;

/// The images that take the version's tag, by the name that the registry knows: those without a fixed tag or
/// digest.
///
/// # Errors
/// `Invalid`, with file, document, object and container, for an image outside the grammar.
pub fn images(manifests: &Manifests, settings: &Settings) -> Result<Vec<ImageName>> {
    settings.check()?;
    let mut names = BTreeSet::new();
    for document in &manifests.documents {
        let found = images_of(document, settings).map_err(|error| document.locate(error))?;
        for image in found.iter().filter(|image| is_open(image)) {
            names.insert(prefixed(image.name(), settings)?);
        }
    }
    Ok(names.into_iter().collect())
}

/// All images that the pods of an object run.
///
/// # Errors
/// `Invalid`, with the container, for an image outside the grammar, and where containers are no list of maps.
pub(super) fn images_of(document: &Document, settings: &Settings) -> Result<Vec<ImageRef>> {
    let object = &document.object;
    let Some(path) = TemplatePath::of(object, settings)? else { return Ok(Vec::new()) };
    let mut template = path.find(object.as_value()).cloned().unwrap_or_default();
    let mut images = Vec::new();
    TemplatePath::WHOLE.template(&mut template)?.each_container(|container| {
        images.push(parse(container.get("image"))?);
        Ok(())
    })?;
    Ok(images)
}

/// Gives every container of the template its image.
pub(super) fn apply(template: &mut PodTemplate<'_>, version: &Version, settings: &Settings) -> Result<()> {
    template.each_container(|container| tag_one(container, version, settings))
}

fn tag_one(container: &mut Map<String, Value>, version: &Version, settings: &Settings) -> Result<()> {
    let image = parse(container.get("image"))?;
    if !is_open(&image) {
        return Ok(());
    }
    let name = prefixed(image.name(), settings)?;
    let mut image = name.with_tag(version.tag.clone());
    if settings.pin_digests {
        let digest = version.digests.get(&name).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "manifest.render", "no digest to pin the image to")
                .with("image", &image)
                .with_available(version.digests.keys())
        })?;
        image = image.with_digest(digest.clone());
    }
    container.insert("image".to_owned(), Value::String(image.to_string()));
    Ok(())
}

fn parse(image: Option<&Value>) -> Result<ImageRef> {
    match image {
        Some(Value::String(text)) => ImageRef::new(text),
        _ => Err(Error::invalid("image", "expected the image as text")),
    }
}

/// Whether the image takes the version's tag.
pub(super) fn is_open(image: &ImageRef) -> bool {
    image.tag().is_none() && image.digest().is_none()
}

/// The name that the registry knows: under the prefix of the settings.
pub(super) fn prefixed(name: &ImageName, settings: &Settings) -> Result<ImageName> {
    match &settings.registry_prefix {
        // Twice the same prefix would be another image.
        Some(prefix) if name.to_string().starts_with(&format!("{}/", prefix.trim_end_matches('/'))) => {
            Ok(name.clone())
        }
        Some(prefix) => name.with_prefix(prefix),
        None => Ok(name.clone()),
    }
}
