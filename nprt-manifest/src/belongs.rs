//! Which workloads belong to the version. Those alone get its labels, annotations, environment and a canary:
//! a database or a cache beside them must not restart because another image changed.

use nprt_core::model::{ImageName, ImageRef, Tag, annotation};
use nprt_core::{Error, Result};
use serde_json::Value;

use super::document::{Document, Manifests};
use super::image::{images_of, is_open, prefixed};
use super::run;
use super::settings::Settings;
use super::template::TemplatePath;
use super::version::Version;

/// Whether a workload belongs to the version: one of its containers runs an image without tag and digest, or
/// one of [`Settings::images`]. So does a Job that the version [runs](annotation::RUN), and what was rendered
/// as this very version before.
///
/// # Errors
/// `Invalid` for an image outside the grammar, or a Job that says wrongly when it runs.
pub(super) fn belongs(document: &Document, version: &Version, settings: &Settings) -> Result<bool> {
    let object = &document.object;
    let Some(path) = TemplatePath::of(object, settings)? else { return Ok(false) };
    let images = images_of(document, settings)?;
    if run::when_run(object)?.is_some() || images.iter().any(|image| is_ours(image, settings)) {
        return Ok(true);
    }
    let annotations = path.find(object.as_value()).and_then(|pods| pods.pointer("/metadata/annotations"));
    let says = |key: &str| annotations.and_then(|all| all.get(key)).and_then(Value::as_str);
    let same_revision = says(annotation::REVISION) == Some(&*version.revision.to_string());
    Ok(same_revision && says(annotation::TAG) == Some(version.tag.as_str()))
}

/// Whether a workload of the version opts out of canaries.
///
/// # Errors
/// `Invalid` for another value than `true` and `false`.
pub(super) fn opts_out(document: &Document) -> Result<bool> {
    match document.object.annotation(annotation::CANARY) {
        None | Some("true") => Ok(false),
        Some("false") => Ok(true),
        Some(other) => Err(Error::invalid("manifest.canary", "expected `\"true\"` or `\"false\"`")
            .with("annotation", annotation::CANARY)
            .with("value", format_args!("{other:?}"))),
    }
}

/// The images that all workloads run, as they are written, for a message.
pub(super) fn images_as_written(manifests: &Manifests, settings: &Settings) -> Result<Vec<String>> {
    let mut names = std::collections::BTreeSet::new();
    for document in &manifests.documents {
        let images = images_of(document, settings).map_err(|error| document.locate(error))?;
        names.extend(images.iter().map(ToString::to_string));
    }
    Ok(names.into_iter().collect())
}

/// The tag by which manifests that have all tags written are known: that of the first
/// [listed](Settings::images) image that has one, in the order of the documents.
///
/// # Errors
/// As [`images`](super::images).
pub fn written_tag(manifests: &Manifests, settings: &Settings) -> Result<Option<Tag>> {
    for document in &manifests.documents {
        let images = images_of(document, settings).map_err(|error| document.locate(error))?;
        let listed = images.iter().filter(|image| is_listed(image.name(), settings));
        if let Some(tag) = listed.filter_map(ImageRef::tag).next() {
            return Ok(Some(tag.clone()));
        }
    }
    Ok(None)
}

fn is_ours(image: &ImageRef, settings: &Settings) -> bool {
    is_open(image) || is_listed(image.name(), settings)
}

/// Whether the image is among [`Settings::images`], as a registry compares names: `web` is
/// `docker.io/library/web`, and with a prefix also the image of that name under it.
fn is_listed(name: &ImageName, settings: &Settings) -> bool {
    let meant = forms(name, settings);
    settings.images.iter().any(|listed| forms(listed, settings).iter().any(|form| meant.contains(form)))
}

/// Registry and repository of what a name may mean.
fn forms(name: &ImageName, settings: &Settings) -> Vec<(String, String)> {
    let whole = |name: &ImageName| (name.registry().to_owned(), name.repository());
    let mut forms = vec![whole(name)];
    // A name with a domain means that registry alone.
    if name.is_short() {
        forms.extend(prefixed(name, settings).iter().map(whole));
    }
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_as_registries_do() {
        let settings = |prefix: Option<&str>, listed: &str| Settings {
            registry_prefix: prefix.map(str::to_owned),
            images: [ImageName::new(listed).unwrap()].into(),
            ..Settings::default()
        };
        let mirror = Some("registry.example.com/shop");
        for (prefix, listed, image, expected) in [
            (None, "web", "web:v1", true),
            (None, "web", "docker.io/library/web:v1", true),
            (None, "index.docker.io/library/web", "web@sha256:", true),
            (None, "shop/web", "docker.io/shop/web:v1", true),
            (None, "localhost:5000/web", "localhost:5000/web:v1", true),
            (None, "web", "shop/web:v1", false),
            (None, "web", "web-worker:v1", false),
            (None, "shop/web", "registry.example.com/shop/web:v1", false),
            (None, "localhost:5000/web", "localhost:5001/web:v1", false),
            (mirror, "web", "registry.example.com/shop/web:v1", true),
            (mirror, "registry.example.com/shop/web", "web:v1", true),
            (mirror, "web", "web:v1", true),
            (mirror, "web", "quay.io/web:v1", false),
            (mirror, "quay.io/web", "registry.example.com/shop/web:v1", false),
        ] {
            let digest = format!("{}{}", if image.ends_with(':') { image } else { "" }, "ab".repeat(32));
            let text = if image.ends_with(':') && image.contains('@') { digest.as_str() } else { image };
            let image = ImageRef::new(text).unwrap();
            assert_eq!(is_ours(&image, &settings(prefix, listed)), expected, "{prefix:?} {listed} {image}");
        }
    }
}
