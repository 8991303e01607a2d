use std::path::{Path, PathBuf};

use nprt_core::model::{ImageName, Revision, Tag};

use crate::manifests::MANIFESTS;
use crate::{Repository, Result, images, manifests};

/// A version: its revision, and the tag of its images.
#[derive(Debug, Clone)]
pub struct Version {
    /// The commit.
    pub revision: Revision,
    /// As CI names its images: branch and commit.
    pub tag: Tag,
}

/// Where repository and images lie, and what they have.
#[derive(Debug, Clone)]
pub struct Sources {
    /// The git repository (bare), with the manifests below `kubernetes`.
    pub repository: PathBuf,
    /// The folder of the OCI layouts, one for each image.
    pub images: PathBuf,
    /// The images, by name.
    pub names: Vec<ImageName>,
    /// The versions, oldest first.
    pub versions: Vec<Version>,
}

impl Sources {
    /// Makes them in `folder`: a version for each message, with the same names in every run.
    ///
    /// # Errors
    /// When a file cannot be written, or `folder` has a repository already.
    ///
    /// ```
    /// let folder = tempfile::tempdir()?;
    /// let shop = nprt_shop::Sources::make(folder.path(), &["Open the shop", "Tidy up the cart"])?;
    /// assert_eq!(shop.versions[1].tag.as_str(), "main-75700bcdc525");
    /// assert_eq!(shop.names.len(), 11);
    /// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
    /// ```
    pub fn make(folder: &Path, messages: &[&str]) -> Result<Self> {
        let (repository, images) = (folder.join("boutique"), folder.join("images"));
        let version = |revision: Revision| {
            let tag = Tag::new(&format!("main-{}", revision.short()))?;
            Ok(Version { revision, tag })
        };
        let revisions = commits(&Repository::make(&repository)?, messages)?;
        let versions = revisions.into_iter().map(version).collect::<nprt_core::Result<Vec<_>>>()?;
        let names = manifests::images()?;
        let tags: Vec<Tag> = versions.iter().map(|version| version.tag.clone()).collect();
        images::make(&images, &names, &tags)?;
        Ok(Self { repository, images, names, versions })
    }
}

/// The manifests, then one commit for each message.
fn commits(repository: &Repository, messages: &[&str]) -> Result<Vec<Revision>> {
    let paths = MANIFESTS.map(|(name, _)| format!("kubernetes/{name}"));
    let manifests =
        paths.iter().zip(MANIFESTS).map(|(path, (_, content))| (path.as_str(), content.as_bytes()));
    let manifests: Vec<(&str, &[u8])> = manifests.collect();
    let mut revisions = Vec::<Revision>::new();
    for message in messages {
        let change = ("CHANGES", message.as_bytes());
        let files = [&manifests[..], &[change]].concat();
        revisions.push(repository.commit("main", revisions.last(), message, &files)?);
    }
    Ok(revisions)
}
