//! Which branches may be deployed. CI names images `<branch>-<commit>`: where branches are limited, the tag is
//! found before anything is done, and the pipeline is asked for exactly that one.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::try_join_all;
use jiff::SignedDuration;
use nprt::manifest;
use nprt::model::{ImageName, Reference, Revision, Tag, VersionRef};
use nprt::ports::{Clock, VcsSourceExt};
use nprt::{Error, ErrorKind, Result};

use crate::compose::{Composed, Member};
use crate::config::{Branches, Token};
use crate::http::HttpProblem as Problem;

/// A limit of branches, and whose it is.
#[derive(Debug, Clone)]
pub(crate) struct Limit {
    whose: &'static str,
    branches: Branches,
}

impl Limit {
    /// Those of a request: of the service, and of the token.
    pub(crate) fn of(token: &Token, service: &Branches) -> Vec<Self> {
        let limits = [("service", service), ("token", &token.branches)];
        let limits = limits.into_iter().filter(|(_, branches)| branches.is_limited());
        limits.map(|(whose, branches)| Self { whose, branches: branches.clone() }).collect()
    }

    /// # Errors
    /// 403 for a tag of a branch that may not be deployed.
    pub(crate) fn check(limits: &[Self], tag: &Tag) -> Result<(), Problem> {
        match limits.iter().find(|limit| !limit.branches.allow_tag(tag)) {
            None => Ok(()),
            Some(limit) => Err(limit.refuse().with("tag", tag)),
        }
    }

    fn check_branch(limits: &[Self], branch: &str) -> Result<(), Problem> {
        match limits.iter().find(|limit| !limit.branches.allow_branch(branch)) {
            None => Ok(()),
            Some(limit) => Err(limit.refuse().with("branch", branch)),
        }
    }

    fn refuse(&self) -> Problem {
        Problem::forbidden(format!("the {} does not allow this branch to be deployed", self.whose))
            .with_available(self.branches.names())
    }
}

/// The version to ask the pipeline for: as it is where nothing is limited, else with a tag of a branch that may be
/// deployed. The inner result says whether there is one: 403 for a version of no such branch.
///
/// # Errors
/// Those of version control and the registry, also once the images have been waited for as long as the pipeline
/// would.
pub(crate) async fn admit(
    composed: &Composed,
    member: &Member,
    version: VersionRef,
    limits: &[Limit],
    clock: &dyn Clock,
) -> Result<Result<VersionRef, Problem>> {
    if limits.is_empty() {
        return Ok(Ok(version));
    }
    if let Some(Reference::Branch(branch)) = version.commit()
        && branch.as_str() != "HEAD"
        && let Err(refused) = Limit::check_branch(limits, branch.as_str())
    {
        return Ok(Err(refused));
    }
    if let Some(tag) = version.tag() {
        return Ok(Limit::check(limits, tag).map(|()| version));
    }
    let commit = member.ports.vcs.resolve_version(&version).await?;
    let images = images(member, &commit.revision).await?;
    let settings = &composed.config.pipeline;
    let (began, most) = (clock.now(), Duration::from_secs(settings.image_wait_seconds));
    loop {
        let missing = match common_tags(member, &images, &commit.revision).await {
            Ok(tags) => {
                let allowed = tags.iter().find(|tag| Limit::check(limits, tag).is_ok());
                if let Some(tag) = allowed.or(tags.first()) {
                    let revision = commit.revision.to_string();
                    let version = VersionRef::new(Some(&revision), Some(tag.as_str()))?;
                    return Ok(Limit::check(limits, tag).map(|()| version));
                }
                no_tag(&commit.revision, &images)
            }
            Err(error) if error.is_temporary() => error,
            Err(error) => return Err(error),
        };
        let waited = clock.now().duration_since(began);
        if waited >= SignedDuration::try_from(most).unwrap_or(SignedDuration::MAX) {
            return Err(missing);
        }
        clock.sleep(Duration::from_secs(settings.image_poll_seconds).min(most)).await;
    }
}

/// The images that a version needs.
pub(crate) async fn images(member: &Member, revision: &Revision) -> Result<Vec<ImageName>> {
    let service = &member.config.service;
    let files = member.ports.vcs.read(revision, &service.manifests).await?;
    manifest::images(&manifest::read(&files)?, &service.transform)
}

/// The tags of `revision` that all images have.
async fn common_tags(member: &Member, images: &[ImageName], revision: &Revision) -> Result<Vec<Tag>> {
    let tags = async |image: &ImageName| match member.ports.registry.tags(image).await {
        // It may come with the first push.
        Err(error) if error.is_not_found() => Ok(Vec::new()),
        tags => tags,
    };
    let all = try_join_all(images.iter().map(tags)).await?;
    let mut all = all.into_iter().map(|tags| tags.into_iter().filter(|tag| tag.names(revision)));
    let Some(first) = all.next() else { return Ok(Vec::new()) };
    let mut common: BTreeSet<Tag> = first.collect();
    for tags in all {
        let tags: BTreeSet<Tag> = tags.collect();
        common.retain(|tag| tags.contains(tag));
    }
    Ok(common.into_iter().collect())
}

fn no_tag(revision: &Revision, images: &[ImageName]) -> Error {
    let message = "the images have no tag of this version in common, by which its branch would be known";
    let names: Vec<String> = images.iter().map(ToString::to_string).collect();
    Error::new(ErrorKind::NotFound, "deployer.branch", message)
        .with("commit", revision)
        .with("images", names.join(", "))
}
