//! The versions of the shop: every process knows each by its number.

use nprt::memory::{MemoryRegistry, MemoryVcs};
use nprt::model::{Digest, Revision, Tag};
use nprt_testkit::ShopVersion;

const IMAGES: [&str; 2] = ["registry.invalid/shop/web", "registry.invalid/shop/worker"];

/// A version: six objects that all say its number, and where it has more, a ConfigMap that no other has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) n: u64,
    pub(crate) more: bool,
}

impl Version {
    pub(crate) fn new(n: u64) -> Self {
        Self { n, more: false }
    }

    pub(crate) fn with_more(n: u64) -> Self {
        Self { n, more: true }
    }

    /// Commits it and pushes its images.
    pub(crate) fn commit(self, vcs: &MemoryVcs, registry: &MemoryRegistry) {
        let commit = vcs.commit("main").file("kubernetes/shop.yaml", self.manifests());
        commit.revision(self.revision()).push().unwrap();
        let digest = Digest::new(&format!("sha256:{}", "0a".repeat(32))).unwrap();
        for image in IMAGES {
            registry.push(&image.parse().unwrap(), &self.tag(), &digest);
        }
    }

    /// The same in every process.
    pub(crate) fn revision(self) -> Revision {
        let n = self.n;
        format!("{n:07x}{n:033x}").parse().unwrap()
    }

    /// The tag of its images.
    pub(crate) fn tag(self) -> Tag {
        Tag::for_commit("main", &self.revision())
    }

    /// What version control holds of it.
    pub(crate) fn manifests(self) -> String {
        ShopVersion::manifests(self.n, self.more, IMAGES)
    }
}

impl From<Version> for ShopVersion {
    fn from(version: Version) -> Self {
        Self { n: version.n, more: version.more, tag: version.tag().to_string() }
    }
}
