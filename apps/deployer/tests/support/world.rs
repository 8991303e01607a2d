//! What a team has: a repository and images.

use std::path::{Path, PathBuf};

use nprt_shop::Repository;
use serde_json::{Value, json};

/// A git repository with a service, and its images, for `deployer serve` with a cluster in memory.
pub(crate) struct World {
    pub(crate) folder: tempfile::TempDir,
    /// Of `main`, then one of `feature/x`.
    pub(crate) commits: Vec<String>,
}

/// The manifests of the service.
pub(crate) const MANIFEST: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: registry.example.com/web}]}
";

/// Two commits on `main`, and one more on `feature/x`, with these files.
pub(crate) fn commits(folder: &Path, files: &[(&str, &[u8])]) -> Vec<String> {
    let repository = Repository::make(folder).unwrap();
    let mut commits = Vec::new();
    for (number, branch) in ["main", "main", "feature/x"].into_iter().enumerate() {
        let number = number.to_string();
        let files = [files, &[("CHANGES", number.as_bytes())]].concat();
        commits.push(repository.commit(branch, commits.last(), "change", &files).unwrap());
    }
    commits.iter().map(ToString::to_string).collect()
}

/// An image layout with an image of each tag.
pub(crate) fn images(layout: &Path, tags: &[String]) {
    std::fs::create_dir_all(layout.join("blobs/sha256")).unwrap();
    std::fs::write(layout.join("oci-layout"), r#"{"imageLayoutVersion": "1.0.0"}"#).unwrap();
    let manifest = |(number, tag): (usize, &String)| {
        json!({
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": format!("sha256:{number:064x}"),
            "size": 2,
            "annotations": {"org.opencontainers.image.ref.name": tag},
        })
    };
    let manifests: Vec<Value> = tags.iter().enumerate().map(manifest).collect();
    let index = json!({"schemaVersion": 2, "manifests": manifests});
    std::fs::write(layout.join("index.json"), index.to_string()).unwrap();
}

impl World {
    pub(crate) fn new() -> Self {
        Self::of(MANIFEST)
    }

    /// The same, of a service with these manifests.
    pub(crate) fn of(manifests: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let repository = folder.path().join("repository");
        let commits = commits(&repository, &[("kubernetes/web.yaml", manifests.as_bytes())]);
        let world = Self { folder, commits };
        let tags: Vec<String> = (0..world.commits.len()).map(|number| world.tag(number)).collect();
        images(&world.folder.path().join("images/web"), &tags);
        world
    }

    pub(crate) fn tag(&self, number: usize) -> String {
        let branch = if number < 2 { "main" } else { "feature-x" };
        format!("{branch}-{}", &self.commits[number][..12])
    }

    /// Writes the configuration: the service `web`, and what `more` adds to the file and to the service.
    pub(crate) fn config(&self, more: Value, service: Value) -> PathBuf {
        let at = self.folder.path();
        let mut web = json!({
            "name": "web",
            "vcs": {"git": {"url": at.join("repository")}},
            "registry": {"layout": {"root": at.join("images")}},
            "metrics": {"statsd": {"listen": "127.0.0.1:0"}},
            "cluster": {"memory": {}},
        });
        merge(&mut web, service);
        let mut other = web.clone();
        other["name"] = "other".into();
        other["cluster"] = json!({"memory": {"namespace": "other"}});
        let mut file = json!({
            "autopilot": {"interval_seconds": 1},
            "pipeline": {"image_wait_seconds": 0},
            "limits": {"shutdown_seconds": 5},
            "services": [web, other],
        });
        merge(&mut file, more);
        let path = at.join("deployer.yml");
        std::fs::write(&path, file.to_string()).unwrap();
        path
    }
}

fn merge(into: &mut Value, more: Value) {
    let (Value::Object(into), Value::Object(more)) = (into, more) else { return };
    into.extend(more);
}
