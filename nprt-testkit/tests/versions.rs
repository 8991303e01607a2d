//! The supported versions of Kubernetes are stated in several places, which say the same.
#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

use std::fs;
use std::path::Path;

use nprt_testkit::KubernetesVersion;

/// The newest minor version of the last four; a recipe for it may come later.
const LAST: &str = "1.37";

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(path)).unwrap()
}

fn minor(version: impl ToString) -> u32 {
    version.to_string().strip_prefix("1.").unwrap().parse().unwrap()
}

#[test]
fn the_last_four_minors_are_supported_and_the_docs_say_so() {
    let (oldest, newest) = (KubernetesVersion::OLDEST, KubernetesVersion::NEWEST);
    assert_eq!(minor(LAST) - minor(oldest), 3);
    assert!(minor(newest) <= minor(LAST));
    let all = KubernetesVersion::ALL;
    assert_eq!((all.iter().min(), all.iter().max()), (Some(&oldest), Some(&newest)), "{all:?}");

    let supported = format!("Kubernetes {oldest} to {LAST}");
    for path in ["README.md", "nprt-k8s/src/lib.rs", "examples/deployer/README.md"] {
        assert!(read(path).contains(&supported), "{path} does not say {supported:?}");
    }
    let tested = format!("tested on {oldest} and {newest}");
    assert!(read("nprt-k8s/src/lib.rs").contains(&tested), "nprt-k8s/src/lib.rs does not say {tested:?}");
    let tested = format!("| `Cluster` | Kubernetes | `kubernetes` | Kubernetes {newest} and {oldest}:");
    assert!(read("README.md").contains(&tested), "the table of backends does not say {tested:?}");
}
