//! The supported versions of Kubernetes are stated in several places, which say the same.
#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use nprt_testkit::KubernetesVersion;

/// The newest minor version of the last four; a recipe for it may come later.
const LAST: &str = "1.37";

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(path)).unwrap()
}

fn minor(version: &impl ToString) -> u32 {
    version.to_string().strip_prefix("1.").unwrap().parse().unwrap()
}

#[test]
fn the_last_four_minors_are_supported_and_the_docs_say_so() {
    let (oldest, newest) = (KubernetesVersion::OLDEST, KubernetesVersion::NEWEST);
    assert_eq!(minor(&LAST) - minor(&oldest), 3);
    assert!(minor(&newest) <= minor(&LAST));
    let all = KubernetesVersion::ALL;
    assert_eq!((all.iter().min(), all.iter().max()), (Some(&oldest), Some(&newest)), "{all:?}");

    let supported = format!("Kubernetes {oldest} to {LAST}");
    for path in ["README.md", "nprt-k8s/src/lib.rs", "apps/deployer/README.md"] {
        assert!(read(path).contains(&supported), "{path} does not say {supported:?}");
    }
    let tested = format!("tested on {oldest} and {newest}");
    assert!(read("nprt-k8s/src/lib.rs").contains(&tested), "nprt-k8s/src/lib.rs does not say {tested:?}");
    let tested = format!("| `Cluster` | Kubernetes | `kubernetes` | Kubernetes {newest} and {oldest}:");
    assert!(read("README.md").contains(&tested), "the table of backends does not say {tested:?}");
}

#[test]
fn the_client_is_built_against_the_oldest() {
    let oldest = KubernetesVersion::OLDEST;
    let default = format!("K8S_OPENAPI_ENABLED_VERSION = \"{oldest}\"");
    assert!(read(".cargo/config.toml").contains(&default), ".cargo/config.toml");

    let feature = format!("v1_{}", minor(&oldest));
    let chosen = chosen_features();
    for package in ["Cargo.toml", "apps/deployer/Cargo.toml", "nprt-k8s/Cargo.toml", "README.md"] {
        assert_eq!(chosen.get(&Path::new(ROOT).join(package)), Some(&feature), "{chosen:?}");
    }
    assert!(chosen.values().all(|other| *other == feature), "{chosen:?}");
    assert!(read("nprt-k8s/src/lib.rs").contains(&format!("`{feature}`")), "the docs name the feature");
}

/// The feature of k8s-openapi that each manifest of the workspace, and the README's example, chooses.
fn chosen_features() -> BTreeMap<PathBuf, String> {
    let packages = ["", "apps/"].map(|folder| fs::read_dir(Path::new(ROOT).join(folder)).unwrap());
    let packages = packages.into_iter().flatten().map(|entry| entry.unwrap().path().join("Cargo.toml"));
    let all = packages.chain(["Cargo.toml", "README.md"].map(|file| Path::new(ROOT).join(file)));
    let mut chosen = BTreeMap::new();
    for path in all.filter(|path| path.is_file()) {
        let text = fs::read_to_string(&path).unwrap();
        for line in text.lines().filter(|line| line.contains("k8s-openapi")) {
            let feature = line.split('"').find(|word| word.starts_with("v1_"));
            chosen.extend(feature.map(|feature| (path.clone(), feature.to_owned())));
        }
    }
    chosen
}
