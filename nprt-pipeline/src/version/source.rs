//! Finds the version: its revision, its manifests, the tag of its images.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::try_join_all;
use nprt_core::Result;
use nprt_core::model::{Budget, Digest, ImageName, Reference, Revision, Tag, VersionRef, shown};
use nprt_core::ports::VcsSourceExt;
use nprt_manifest::{Manifests, Version, parts};

use crate::compute;
use crate::compute::is_small;
use crate::context::Context;
use crate::phase::phase;
use crate::progress::Event;
use crate::rules::allowed;
use crate::version::branch::Limits;
use crate::version::tag;
use crate::version::tag::Wish;

/// A version that version control knows.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) revision: Revision,
    pub(crate) manifests: Arc<Manifests>,
    /// Whether work on them takes no time to speak of, and what is left for it.
    pub(crate) small: bool,
    pub(crate) budget: Budget,
}

/// The revision that `version` means now.
pub(crate) async fn resolve(cx: &Context<'_>, version: &VersionRef) -> Result<Revision> {
    let commit = phase("resolve version", cx.ports.vcs.resolve_version(version)).await?;
    let subject = shown(commit.message.lines().next().unwrap_or_default()).into_owned();
    let (revision, author) = (commit.revision.clone(), shown(&commit.author).into_owned());
    cx.progress.tell(Event::Resolved { revision, author, subject });
    Ok(commit.revision)
}

/// The manifests of `revision`, which hold nothing that the service may not bring.
pub(crate) async fn read(cx: &Context<'_>, revision: Revision) -> Result<Source> {
    let budget = budget(cx);
    let (manifests, small) = phase("read manifests", read_within(cx, &revision, &budget)).await?;
    cx.progress.tell(Event::ManifestsRead { objects: manifests.documents.len() });
    for ignored in &manifests.ignored {
        cx.progress.warn(format!("ignored {ignored}"));
    }
    allowed::check_allowed(cx, &manifests)?;
    manifests.check_twice(&cx.ports.cluster.namespace())?;
    Ok(Source { revision, manifests: Arc::new(manifests), small, budget })
}

pub(crate) fn budget(cx: &Context<'_>) -> Budget {
    Budget::of_section(cx.settings.limits, "pipeline.")
}

pub(crate) async fn read_within(
    cx: &Context<'_>,
    revision: &Revision,
    budget: &Budget,
) -> Result<(Manifests, bool)> {
    let files = cx.ports.vcs.read(revision, &cx.service.manifests, budget).await?;
    let (shared, small) = (budget.clone(), is_small(&files));
    let manifests =
        compute::compute(cx, budget, small, move || nprt_manifest::read_within(&files, &shared)).await?;
    Ok((manifests, small))
}

/// The version to render: its tag is on every image that needs it. `running` is the tag by which this
/// revision runs already, if it does.
pub(crate) async fn version(
    cx: &Context<'_>,
    source: &Source,
    asked: &VersionRef,
    running: Option<Tag>,
    limits: Limits<'_>,
) -> Result<Version> {
    let images = nprt_manifest::images(&source.manifests, &cx.service.transform)?;
    let branch = match asked.commit() {
        Some(Reference::Branch(branch)) => Some(branch.as_str()),
        _ => None,
    };
    let written = parts::written_tag(&source.manifests, &cx.service.transform)?;
    let wish = Wish { revision: &source.revision, tag: asked.tag(), running, branch, written, limits };
    let tag = phase("find images", tag::find_tag(cx, &images, &wish)).await?;
    let digests =
        if cx.service.transform.pin_digests { digests(cx, &images, &tag).await? } else { BTreeMap::new() };
    let service = cx.service.name.clone();
    Ok(Version { service, revision: source.revision.clone(), tag, digests })
}

async fn digests(cx: &Context<'_>, images: &[ImageName], tag: &Tag) -> Result<BTreeMap<ImageName, Digest>> {
    let digest = async |image: &ImageName| {
        let digest = cx.ports.registry.digest(image, tag).await?;
        Result::Ok((image.clone(), digest))
    };
    Ok(try_join_all(images.iter().map(digest)).await?.into_iter().collect())
}
