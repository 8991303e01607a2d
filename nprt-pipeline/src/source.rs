//! Finds the version: its revision, its manifests, the tag of its images.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::try_join_all;
use nprt_core::Result;
use nprt_core::model::{Budget, Digest, ImageName, Reference, Revision, ServiceName, Tag, VersionRef, shown};
use nprt_core::ports::VcsSourceExt;
use nprt_manifest::parts;
use nprt_manifest::{Manifests, Version};

use super::Pipeline;
use super::branch::Limits;
use super::compute::is_small;
use super::job::Job;
use super::phase::phase;
use super::progress::{Event, Progress};

/// A version that version control knows.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) revision: Revision,
    pub(super) manifests: Arc<Manifests>,
    /// Whether work on them takes no time to speak of, and what is left for it.
    pub(super) small: bool,
    pub(super) budget: Budget,
}

impl Pipeline {
    /// The images that a version of the service needs, by the name that the registry knows.
    ///
    /// # Errors
    /// As [`Pipeline::deploy`] where it reads the manifests.
    pub async fn images(
        &self,
        service: &ServiceName,
        revision: &Revision,
        progress: &Progress,
    ) -> Result<Vec<ImageName>> {
        let job = self.job(service, progress)?;
        let budget = job.budget();
        let (manifests, small) = job.read_within(revision, &budget).await?;
        let settings = job.service.transform.clone();
        job.compute(&budget, small, move || nprt_manifest::images(&manifests, &settings)).await
    }
}

impl Job<'_> {
    /// The revision that `version` means now.
    pub(super) async fn resolve(&self, version: &VersionRef) -> Result<Revision> {
        let commit = phase("resolve version", self.ports.vcs.resolve_version(version)).await?;
        let subject = shown(commit.message.lines().next().unwrap_or_default()).into_owned();
        let (revision, author) = (commit.revision.clone(), shown(&commit.author).into_owned());
        self.progress.tell(Event::Resolved { revision, author, subject });
        Ok(commit.revision)
    }

    /// The manifests of `revision`, which hold nothing that the service may not bring.
    pub(super) async fn read(&self, revision: Revision) -> Result<Source> {
        let budget = self.budget();
        let (manifests, small) = phase("read manifests", self.read_within(&revision, &budget)).await?;
        self.progress.tell(Event::ManifestsRead { objects: manifests.documents.len() });
        for ignored in &manifests.ignored {
            self.progress.warn(format!("ignored {ignored}"));
        }
        self.check_allowed(&manifests)?;
        manifests.check_twice(&self.ports.cluster.namespace())?;
        Ok(Source { revision, manifests: Arc::new(manifests), small, budget })
    }

    fn budget(&self) -> Budget {
        Budget::of_section(self.settings.limits, "pipeline.")
    }

    async fn read_within(&self, revision: &Revision, budget: &Budget) -> Result<(Manifests, bool)> {
        let files = self.ports.vcs.read(revision, &self.service.manifests, budget).await?;
        let (shared, small) = (budget.clone(), is_small(&files));
        let manifests =
            self.compute(budget, small, move || nprt_manifest::read_within(&files, &shared)).await?;
        Ok((manifests, small))
    }

    /// The version to render: its tag is on every image that needs it. `running` is the tag by which this
    /// revision runs already, if it does.
    pub(super) async fn version(
        &self,
        source: &Source,
        asked: &VersionRef,
        running: Option<Tag>,
        limits: Limits<'_>,
    ) -> Result<Version> {
        let images = nprt_manifest::images(&source.manifests, &self.service.transform)?;
        let branch = match asked.commit() {
            Some(Reference::Branch(branch)) => Some(branch.as_str()),
            _ => None,
        };
        let written = parts::written_tag(&source.manifests, &self.service.transform)?;
        let wish = Wish { revision: &source.revision, tag: asked.tag(), running, branch, written, limits };
        let tag = phase("find images", self.find_tag(&images, &wish)).await?;
        let digests = if self.service.transform.pin_digests {
            self.digests(&images, &tag).await?
        } else {
            BTreeMap::new()
        };
        let service = self.service.name.clone();
        Ok(Version { service, revision: source.revision.clone(), tag, digests })
    }

    async fn digests(&self, images: &[ImageName], tag: &Tag) -> Result<BTreeMap<ImageName, Digest>> {
        let digest = async |image: &ImageName| {
            let digest = self.ports.registry.digest(image, tag).await?;
            Result::Ok((image.clone(), digest))
        };
        Ok(try_join_all(images.iter().map(digest)).await?.into_iter().collect())
    }
}

/// Which tag is wanted.
#[derive(Debug)]
pub(super) struct Wish<'a> {
    pub(super) revision: &'a Revision,
    /// The one that the caller gave.
    pub(super) tag: Option<&'a Tag>,
    /// The one by which the revision runs already: with another its pods would restart for nothing.
    pub(super) running: Option<Tag>,
    /// The branch that the caller gave.
    pub(super) branch: Option<&'a str>,
    /// The one that the manifests have written, which counts where no image takes one.
    pub(super) written: Option<Tag>,
    /// Of which branches it may be.
    pub(super) limits: Limits<'a>,
}
