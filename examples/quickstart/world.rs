//! What a team has before nprt comes: a git repository with manifests, and a registry with images.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use nprt::git::GitSource;
use nprt::manifest;
use nprt::model::{ImageName, RepoPath, Revision, Tag};
use nprt::ports::VcsSource;
use serde_json::json;
use sha2::{Digest, Sha256};

/// A file of Online Boutique. It is part of the program, which has no source at hand where it was installed.
macro_rules! manifest {
    ($name:literal) => {
        ($name, include_str!(concat!("../../nprt-core/tests/data/online-boutique/", $name)))
    };
}

/// Google's Online Boutique: twelve workloads, as its authors publish them.
const MANIFESTS: [(&str, &str); 12] = [
    manifest!("adservice.yaml"),
    manifest!("cartservice.yaml"),
    manifest!("checkoutservice.yaml"),
    manifest!("currencyservice.yaml"),
    manifest!("emailservice.yaml"),
    manifest!("frontend.yaml"),
    manifest!("kustomization.yaml"),
    manifest!("loadgenerator.yaml"),
    manifest!("paymentservice.yaml"),
    manifest!("productcatalogservice.yaml"),
    manifest!("recommendationservice.yaml"),
    manifest!("shippingservice.yaml"),
];

/// A version: its revision, and the tag of its images.
pub(crate) struct Version {
    pub(crate) revision: Revision,
    pub(crate) tag: Tag,
}

/// Where both lie, and what they have.
pub(crate) struct Sources {
    pub(crate) repository: PathBuf,
    pub(crate) images: PathBuf,
    pub(crate) names: Vec<ImageName>,
    pub(crate) versions: Vec<Version>,
}

impl Sources {
    /// Makes them in `folder`: a version for each message.
    pub(crate) async fn new(folder: &Path, messages: &[&str]) -> Result<Self, Box<dyn Error>> {
        let (repository, images) = (folder.join("boutique"), folder.join("images"));
        let revisions = git_repository(&repository, messages)?;
        // As CI names its images: branch and commit.
        let tag = |revision: &Revision| Tag::new(&format!("main-{}", revision.short()));
        let tags = revisions.iter().map(tag).collect::<nprt::Result<Vec<_>>>()?;
        let vcs = GitSource::builder(repository.display().to_string()).build()?;
        let first = revisions.first().ok_or("expected a version")?;
        let files = vcs.read(first, &RepoPath::new("kubernetes")?).await?;
        let names = manifest::images(&manifest::read(&files)?, &manifest::Settings::default())?;
        image_layouts(&images, &names, &tags)?;
        let versions = revisions.into_iter().zip(tags).map(|(revision, tag)| Version { revision, tag });
        Ok(Self { repository, images, names, versions: versions.collect() })
    }
}

/// Makes the git repository, one commit for each message, and returns their revisions.
fn git_repository(path: &Path, messages: &[&str]) -> Result<Vec<Revision>, Box<dyn Error>> {
    let mut options = git2::RepositoryInitOptions::new();
    let repository = git2::Repository::init_opts(path, options.initial_head("main"))?;
    fs::create_dir(path.join("kubernetes"))?;
    for (name, content) in MANIFESTS {
        fs::write(path.join("kubernetes").join(name), content)?;
    }
    let mut revisions = Vec::new();
    let mut parent = None;
    for message in messages {
        fs::write(path.join("CHANGES"), message)?;
        let mut index = repository.index()?;
        index.add_all(["*"], git2::IndexAddOption::DEFAULT, None)?;
        index.write()?;
        let tree = repository.find_tree(index.write_tree()?)?;
        // A fixed author and time, so that the commits have the same names in every run.
        let author = git2::Signature::new("Ada", "ada@example.com", &git2::Time::new(1_790_000_000, 0))?;
        let parents: Vec<&git2::Commit<'_>> = parent.iter().collect();
        let id = repository.commit(Some("HEAD"), &author, &author, message, &tree, &parents)?;
        parent = Some(repository.find_commit(id)?);
        revisions.push(Revision::new(&id.to_string())?);
    }
    Ok(revisions)
}

/// Makes one OCI image layout for each image below `root`, with a tag for each of `tags`.
fn image_layouts(root: &Path, images: &[ImageName], tags: &[Tag]) -> Result<(), Box<dyn Error>> {
    for image in images {
        let layout = root.join(image.repository());
        fs::create_dir_all(layout.join("blobs/sha256"))?;
        fs::write(layout.join("oci-layout"), json!({"imageLayoutVersion": "1.0.0"}).to_string())?;
        let config = blob(&layout, &json!({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}, "config": {}}).to_string())?;
        let manifests = tags
            .iter()
            .map(|tag| {
                let manifest = json!({
                    "schemaVersion": 2,
                    "mediaType": "application/vnd.oci.image.manifest.v1+json",
                    "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": config.0, "size": config.1},
                    "layers": [],
                    "annotations": {"org.opencontainers.image.version": tag},
                });
                let (digest, size) = blob(&layout, &manifest.to_string())?;
                Ok(json!({
                    "mediaType": manifest["mediaType"],
                    "digest": digest,
                    "size": size,
                    "annotations": {"org.opencontainers.image.ref.name": tag},
                }))
            })
            .collect::<Result<Vec<_>, Box<dyn Error>>>()?;
        fs::write(
            layout.join("index.json"),
            json!({"schemaVersion": 2, "manifests": manifests}).to_string(),
        )?;
    }
    Ok(())
}

/// Stores `content` by its digest and returns digest and size.
fn blob(layout: &Path, content: &str) -> Result<(String, usize), Box<dyn Error>> {
    let hex: String = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
    let path: PathBuf = layout.join("blobs/sha256").join(&hex);
    fs::write(path, content)?;
    Ok((format!("sha256:{hex}"), content.len()))
}
