use std::fmt::Debug;

use async_trait::async_trait;

use crate::Result;
use crate::model::{Digest, ImageName, Tag};

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
