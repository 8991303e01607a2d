//! The contract of [`ImageRegistry`].
#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "to panic where a backend breaks the contract is the purpose"
)]

use std::collections::BTreeMap;
use std::pin::pin;

use futures_util::future::join_all;
use futures_util::poll;

use crate::ErrorKind;
use crate::model::{Digest, ImageName, Tag};
use crate::ports::ImageRegistry;

/// What the registry under test holds.
#[derive(Debug, Clone)]
pub struct Fixture {
    /// An image.
    pub image: ImageName,
    /// All its tags, each with the digest of its manifest: at least two, and more than a page where the
    /// backend reads pages.
    pub tags: BTreeMap<Tag, Digest>,
    /// An image without tags, where the backend can hold one.
    pub empty: Option<ImageName>,
    /// An image that does not exist.
    pub missing: ImageName,
}

/// All that can be tested without changing what the registry holds.
pub async fn all(registry: &dyn ImageRegistry, fixture: &Fixture) {
    tags_are_complete_and_sorted(registry, fixture).await;
    an_image_without_tags_is_an_empty_list(registry, fixture).await;
    an_unknown_image_is_not_found(registry, fixture).await;
    if registry.capabilities().digests {
        a_digest_is_that_of_its_tag(registry, fixture).await;
        an_unknown_tag_is_not_found(registry, fixture).await;
    } else {
        digests_are_unsupported(registry, fixture).await;
    }
    calls_may_run_together_and_be_dropped(registry, fixture).await;
}

/// `tags` is complete, sorted, without duplicates.
pub async fn tags_are_complete_and_sorted(registry: &dyn ImageRegistry, fixture: &Fixture) {
    let tags = registry.tags(&fixture.image).await.expect("tags of an image that exists");
    let expected: Vec<Tag> = fixture.tags.keys().cloned().collect();
    assert!(expected.len() >= 2, "the fixture needs at least two tags");
    assert_eq!(tags, expected, "all tags of {}, sorted, each once", fixture.image);
}

/// An image without tags is an empty list, not an error.
pub async fn an_image_without_tags_is_an_empty_list(registry: &dyn ImageRegistry, fixture: &Fixture) {
    let Some(empty) = &fixture.empty else { return };
    let tags = registry.tags(empty).await.expect("tags of an image that has none");
    assert_eq!(tags, [], "{empty} has no tags");
}

/// An image that does not exist is `NotFound`, and says which.
pub async fn an_unknown_image_is_not_found(registry: &dyn ImageRegistry, fixture: &Fixture) {
    let error = registry.tags(&fixture.missing).await.expect_err("tags of an image that does not exist");
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert!(error.to_string().contains(&fixture.missing.to_string()), "the error names the image: {error}");
    if registry.capabilities().digests {
        let (tag, _) = fixture.tags.first_key_value().expect("a tag in the fixture");
        let error = registry.digest(&fixture.missing, tag).await.expect_err("digest of a missing image");
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    }
}

/// `digest` is that of the manifest which the tag names.
pub async fn a_digest_is_that_of_its_tag(registry: &dyn ImageRegistry, fixture: &Fixture) {
    for (tag, expected) in
        [fixture.tags.first_key_value(), fixture.tags.last_key_value()].into_iter().flatten()
    {
        let digest = registry.digest(&fixture.image, tag).await.expect("the digest of a tag that exists");
        assert_eq!(&digest, expected, "{}:{tag}", fixture.image);
    }
}

/// A tag that does not exist is `NotFound`, and the error names it and what is there.
pub async fn an_unknown_tag_is_not_found(registry: &dyn ImageRegistry, fixture: &Fixture) {
    let tag = Tag::new("conformance-no-such-tag").expect("a valid tag");
    let error = registry.digest(&fixture.image, &tag).await.expect_err("digest of a missing tag");
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert!(error.to_string().contains(tag.as_str()), "the error names the tag: {error}");
    let exists = |name: &String| fixture.tags.keys().any(|tag| tag.as_str() == name);
    let available = error.available();
    assert!(
        !available.is_empty() && available.iter().all(exists),
        "the error lists tags that exist: {error}"
    );
}

/// Without the capability, `digest` is `Unsupported`.
pub async fn digests_are_unsupported(registry: &dyn ImageRegistry, fixture: &Fixture) {
    let (tag, _) = fixture.tags.first_key_value().expect("a tag in the fixture");
    let error = registry.digest(&fixture.image, tag).await.expect_err("a digest without the capability");
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
}

/// Calls at the same time each get the whole answer, and one that is dropped under way breaks none.
pub async fn calls_may_run_together_and_be_dropped(registry: &dyn ImageRegistry, fixture: &Fixture) {
    for _ in 0..3 {
        // Polled once, so that it is under way, and dropped there.
        let _ = poll!(pin!(registry.tags(&fixture.image)));
    }
    for tags in join_all((0..8).map(|_| registry.tags(&fixture.image))).await {
        let tags = tags.expect("tags, after a call was dropped and beside others");
        assert_eq!(tags.len(), fixture.tags.len(), "all tags, after a call was dropped and beside others");
    }
}

/// A tag that is pushed, or moved, is seen by the next call. `push` stores a manifest that was not there
/// before as `image:tag` and answers with its digest. Not for wrappers that cache.
pub async fn changes_are_seen(
    registry: &dyn ImageRegistry,
    image: &ImageName,
    push: impl AsyncFn(&Tag) -> Digest,
) {
    let tag = Tag::new("conformance-pushed").expect("a valid tag");
    let before = registry.tags(image).await.expect("tags of an image that exists");
    assert!(!before.contains(&tag), "{tag} must not be there yet");
    let first = push(&tag).await;
    let after = registry.tags(image).await.expect("tags of an image that exists");
    assert!(after.contains(&tag) && after.len() == before.len() + 1, "{tag} is there: {after:?}");
    let second = push(&tag).await;
    assert_ne!(first, second, "`push` must store another manifest each time");
    assert_eq!(registry.tags(image).await.expect("tags").len(), after.len(), "a moved tag is no new one");
    if registry.capabilities().digests {
        let digest = registry.digest(image, &tag).await.expect("the digest of a tag that moved");
        assert_eq!(digest, second, "{tag} names the second manifest now");
    }
}
