//! What the libraries below the backends must not pull in, directly or through another crate.

use std::collections::BTreeSet;

use crate::metadata::{cargo, packages};

/// Clients of the outside.
const OUTSIDE: [&str; 8] = ["axum", "gix", "hyper", "k8s-openapi", "kube", "reqwest", "ring", "rustls"];

/// The parts of tokio that open files and sockets or start processes.
const TOKIO_IO: [&str; 6] = ["fs", "full", "io-std", "io-util", "net", "process"];

/// Every crate that a user of `package` builds, with the features that it asks for.
fn tree(package: &str) -> BTreeSet<String> {
    let text = cargo(&["tree", "-p", package, "-e", "normal", "--prefix", "none", "--format", "{lib}"]);
    let names: BTreeSet<_> =
        text.lines().map(|line| line.trim_end_matches(" (*)").replace('_', "-")).collect();
    assert!(names.contains(package) && names.contains("serde"), "{package}: {names:?}");
    names
}

#[test]
fn the_comparator_brings_no_async_runtime_and_no_kubernetes() {
    let tree = tree("nprt-compare");
    for banned in ["tokio", "kube", "kube-client", "kube-core", "k8s-openapi", "nprt-manifest"] {
        assert!(!tree.contains(banned), "nprt-compare depends on {banned}");
    }
}

#[test]
fn the_libraries_below_the_backends_bring_no_client_of_the_outside() {
    for package in
        ["nprt-core", "nprt-manifest", "nprt-compare", "nprt-pipeline", "nprt-memory", "nprt-report"]
    {
        let tree = tree(package);
        for banned in OUTSIDE {
            assert!(!tree.contains(banned), "{package} depends on {banned}");
        }
    }
}

#[test]
fn the_libraries_below_the_backends_leave_tokios_files_sockets_and_processes_alone() {
    let pure = ["nprt-core", "nprt-manifest", "nprt-compare", "nprt-pipeline", "nprt-memory", "nprt-report"];
    let packages = packages();
    let mut seen = 0;
    for package in packages.iter().filter(|package| pure.contains(&package.name())) {
        for tokio in package.dependencies().filter(|dependency| dependency.name() == "tokio") {
            seen += 1;
            let io: Vec<_> =
                tokio.features().into_iter().filter(|feature| TOKIO_IO.contains(feature)).collect();
            assert!(io.is_empty(), "{} asks for tokio's {io:?}", package.name());
        }
    }
    assert!(seen > 0, "none of {pure:?} depends on tokio any more: this test checks nothing");
}
