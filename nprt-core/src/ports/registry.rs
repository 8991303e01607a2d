use std::fmt::Debug;

use async_trait::async_trait;

use crate::model::{Digest, ImageName, Tag};
use crate::{Error, ErrorKind, Result};

/// Where images are stored.
///
/// # Contract
/// - [`tags`](ImageRegistry::tags) is complete, however many pages the server needs, sorted and without
///   duplicates. An image without tags is an empty list; one that does not exist is `NotFound`.
/// - [`digest`](ImageRegistry::digest) is that of the manifest (or index) which the tag names now; a tag
///   that does not exist is `NotFound`.
/// - Credentials go to the registry of the image alone, never along a redirect to another host.
/// - Both are reads, and cancel-safe.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait ImageRegistry: Debug + Send + Sync {
    /// What this backend can answer.
    fn capabilities(&self) -> RegistryCapabilities;

    /// All tags of `image`.
    ///
    /// # Errors
    /// `NotFound`, `Unauthenticated`, `Forbidden`, `RateLimited`, `Unavailable`, `Timeout`.
    async fn tags(&self, image: &ImageName) -> Result<Vec<Tag>>;

    /// The digest of `image:tag`.
    ///
    /// # Errors
    /// As [`tags`](ImageRegistry::tags), and `Unsupported` without the capability.
    async fn digest(&self, image: &ImageName, tag: &Tag) -> Result<Digest>;
}

/// What an [`ImageRegistry`] can answer besides tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RegistryCapabilities {
    /// [`ImageRegistry::digest`]
    pub digests: bool,
}

/// The `NotFound` of an image that does not exist, for backends: the same words from each.
#[must_use]
pub fn no_such_image(operation: &'static str, image: &ImageName) -> Error {
    Error::new(ErrorKind::NotFound, operation, "no such image").with("image", image)
}

/// The `NotFound` of a tag that does not exist, for backends. Of the image's `tags`, the ten that begin
/// most like it are listed: an image may have thousands.
pub fn no_such_tag<'a>(image: &ImageName, tag: &Tag, tags: impl IntoIterator<Item = &'a Tag>) -> Error {
    let alike = |other: &Tag| {
        tag.as_str().bytes().zip(other.as_str().bytes()).take_while(|(one, other)| one == other).count()
    };
    let mut tags: Vec<&Tag> = tags.into_iter().collect();
    tags.sort_by_key(|other| std::cmp::Reverse(alike(other)));
    Error::new(ErrorKind::NotFound, "registry.digest", "no such tag")
        .with("image", image)
        .with("tag", tag)
        .with_available(tags.into_iter().take(10))
}
