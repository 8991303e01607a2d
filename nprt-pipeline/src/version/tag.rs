//! Finds the one tag of a revision that every image has, and waits for a registry that lags.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::try_join_all;
use nprt_core::model::{ImageName, Revision, Tag};
use nprt_core::{Error, ErrorKind, Result, Retry};

use crate::context::Context;
use crate::progress::Event;
use crate::version::branch::{Limits, is_refusal};

/// How many tags an error lists.
const SHOWN: usize = 10;

/// Which tag is wanted.
#[derive(Debug)]
pub(crate) struct Wish<'a> {
    pub(crate) revision: &'a Revision,
    /// The one that the caller gave.
    pub(crate) tag: Option<&'a Tag>,
    /// The one by which the revision runs already: with another its pods would restart for nothing.
    pub(crate) running: Option<Tag>,
    /// The branch that the caller gave.
    pub(crate) branch: Option<&'a str>,
    /// The one that the manifests have written, which counts where no image takes one.
    pub(crate) written: Option<Tag>,
    /// Of which branches it may be.
    pub(crate) limits: Limits<'a>,
}

/// An image and what the registry has of it: no tags while it does not exist.
type Tags<'a> = (&'a ImageName, Vec<Tag>);

/// Whether the registry has said that it is busy. One that is silent until the time is over has had its time.
fn is_busy(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::RateLimited | ErrorKind::Unavailable)
}

/// The tag of the wished revision on all `images`, waited for as long as the settings say.
///
/// # Errors
/// `NotFound`, naming the first image that misses it and its nearest tags; `Forbidden` where it is of no branch
/// that may be deployed; else those of the registry, temporary ones only once the time is over.
pub(crate) async fn find_tag(cx: &Context<'_>, images: &[ImageName], wish: &Wish<'_>) -> Result<Tag> {
    let began = cx.clock.elapsed();
    let mut looks = 0;
    loop {
        let found = match look(cx, images).await {
            // Who does not wait for images waits for a registry that is busy all the same.
            Err(error) if cx.settings.image_wait().is_zero() && is_busy(&error) => {
                cx.again(|| look(cx, images)).await
            }
            found => found,
        };
        let missing = match found {
            Ok(tags) => match choose(&tags, wish) {
                // Waiting would change nothing.
                Err(refused) if is_refusal(&refused) => return Err(refused),
                Ok(tag) => {
                    cx.progress.tell(Event::Tagged { tag: tag.clone(), images: images.len() });
                    return Ok(tag);
                }
                Err(error) => (missing(&tags, wish), error),
            },
            Err(error) if error.is_temporary() => {
                cx.progress.warn(format!("the registry does not answer: {error}"));
                (images.to_vec(), error)
            }
            Err(error) => return Err(error),
        };
        let (images, error) = missing;
        let waited = cx.clock.elapsed().saturating_sub(began);
        let left = cx.settings.image_wait().saturating_sub(waited);
        if left.is_zero() {
            return Err(if error.is_temporary() { error.with_retry(Retry::Exhausted) } else { error });
        }
        let pause: Duration = cx.settings.image_pause(looks).min(left);
        let (revision, seconds) = (wish.revision.clone(), pause.as_secs());
        cx.progress.tell(Event::WaitingForImages { images, revision, seconds });
        cx.clock.sleep(pause).await;
        looks += 1;
    }
}

async fn look<'a>(cx: &Context<'_>, images: &'a [ImageName]) -> Result<Vec<Tags<'a>>> {
    let tags = async |image: &'a ImageName| match cx.ports.registry.tags(image).await {
        // It may come with the first push.
        Err(error) if error.is_not_found() => Ok((image, Vec::new())),
        result => result.map(|tags| (image, tags)),
    };
    try_join_all(images.iter().map(tags)).await
}

fn wanted(wish: &Wish<'_>, tag: &Tag) -> bool {
    wish.tag.map_or_else(|| tag.names(wish.revision), |wanted| tag == wanted)
}

fn missing(tags: &[Tags<'_>], wish: &Wish<'_>) -> Vec<ImageName> {
    let lacks = |(_, tags): &&Tags<'_>| !tags.iter().any(|tag| wanted(wish, tag));
    tags.iter().filter(lacks).map(|(image, _)| (*image).clone()).collect()
}

/// The best of the tags that all images have: the one that runs already, else that of the branch, else the
/// one with the most of the commit, by name.
fn choose(tags: &[Tags<'_>], wish: &Wish<'_>) -> Result<Tag> {
    let of_branch = wish.branch.map(|branch| Tag::for_commit(branch, wish.revision));
    let Some(((_, first), others)) = tags.split_first() else {
        return without_images(wish, of_branch);
    };
    let everywhere = |tag: &&Tag| others.iter().all(|(_, tags)| tags.contains(tag));
    let mut common: BTreeSet<&Tag> =
        first.iter().filter(|tag| wanted(wish, tag)).filter(everywhere).collect();
    if let Some(tag) = common.first().copied() {
        common.retain(|tag| wish.limits.check(tag).is_ok());
        // Of a branch that was named, and may be deployed, the tag may come yet.
        if common.is_empty() && wish.branch.is_none_or(|branch| branch == "HEAD") {
            wish.limits.check(tag)?;
        }
    }
    let preferred = [wish.running.as_ref(), of_branch.as_ref()];
    let commit = |tag: &Tag| tag.commit().map_or(0, |commit| commit.as_str().len());
    preferred
        .into_iter()
        .flatten()
        .find(|tag| common.contains(tag))
        .or_else(|| common.iter().min_by_key(|tag| (Reverse(commit(tag)), tag.as_str())).copied())
        .cloned()
        .ok_or_else(|| not_found(tags, wish))
}

/// The name of a version whose images take no tag: the tag that the caller gave, the one that runs already, the one
/// that its images have written, or else that of its branch or its revision. Where branches are limited, the name
/// must say the branch, so that a promotion can be checked too, and a written tag does not count.
fn without_images(wish: &Wish<'_>, of_branch: Option<Tag>) -> Result<Tag> {
    let by_branch = wish.tag.cloned().or(of_branch).or_else(|| wish.running.clone());
    let by_branch = by_branch.unwrap_or_else(|| Tag::for_commit("", wish.revision));
    wish.limits.check(&by_branch)?;
    let written = wish.written.clone().filter(|_| !wish.limits.is_limited());
    Ok(wish.tag.cloned().or_else(|| wish.running.clone()).or(written).unwrap_or(by_branch))
}

fn not_found(tags: &[Tags<'_>], wish: &Wish<'_>) -> Error {
    let lacking = missing(tags, wish);
    let message = match lacking.len() {
        0 => "the images have no tag of this version in common",
        _ => "the image has no tag of this version",
    };
    let (image, has) = tags
        .iter()
        .find(|(image, _)| lacking.first().is_none_or(|lacking| lacking == *image))
        .map_or((None, &[][..]), |(image, tags)| (Some(*image), tags.as_slice()));
    let mut error = Error::new(ErrorKind::NotFound, "pipeline.tag", message);
    if let Some(image) = image {
        error = error.with("image", image);
    }
    error = error.with("commit", wish.revision);
    if let Some(tag) = wish.tag {
        error = error.with("tag", tag);
    }
    error.with_available(nearest(has, wish))
}

/// The tags that are most like the wanted one: of this revision, of the same branch, then any.
fn nearest<'a>(tags: &'a [Tag], wish: &Wish<'_>) -> impl Iterator<Item = &'a Tag> {
    let branch = wish.tag.and_then(Tag::branch).or(wish.branch);
    let mut tags: Vec<&Tag> = tags.iter().collect();
    tags.sort_by_key(|tag| (!tag.names(wish.revision), branch.is_none() || tag.branch() != branch));
    tags.into_iter().take(SHOWN)
}
