//! The dependencies between the crates of the workspace are those that the map in ARCHITECTURE.md shows. The test reads
//! the page, so page and check cannot differ.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use crate::metadata::{Package, packages, root};

const HEADER: &str = "| package | uses | what it is |";

type Edges = BTreeMap<String, BTreeSet<String>>;

/// The rows of the map: a package, and the packages of the workspace that it may use.
fn allowed(page: &str) -> Edges {
    let rows =
        page.lines().skip_while(|line| *line != HEADER).skip(2).take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [package, uses, _] = cells[..] else {
            panic!("this row of the map has {} cells: {row}", cells.len())
        };
        let uses = uses.split(',').map(|name| name.trim().trim_matches('`'));
        let uses = uses.filter(|name| *name != "nothing").map(str::to_owned).collect();
        (package.trim_matches('`').to_owned(), uses)
    })
    .collect()
}

fn actual() -> Edges {
    let packages = packages();
    let names: BTreeSet<_> = packages.iter().map(Package::name).collect();
    let uses = |package: &Package| {
        let dependencies = package.dependencies().map(|dependency| dependency.name());
        dependencies.filter(|name| names.contains(name)).map(str::to_owned).collect()
    };
    packages.iter().map(|package| (package.name().to_owned(), uses(package))).collect()
}

#[test]
fn the_map_in_architecture_md_shows_every_dependency_between_crates_and_no_other() {
    let page = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md is there");
    let (allowed, actual) = (allowed(&page), actual());
    let mut wrong = Vec::new();
    for (package, uses) in &actual {
        let Some(allowed) = allowed.get(package) else {
            wrong.push(format!("{package} has no row in the map"));
            continue;
        };
        wrong.extend(uses.difference(allowed).map(|other| format!("{package} must not use {other}")));
        wrong.extend(
            allowed
                .difference(uses)
                .map(|other| format!("{package} does not use {other}: remove it from the map")),
        );
    }
    let gone = allowed.keys().filter(|package| !actual.contains_key(*package));
    wrong.extend(gone.map(|package| format!("the map has a row for {package}, which is no package")));
    assert!(wrong.is_empty(), "ARCHITECTURE.md, \"The map\":\n{}", wrong.join("\n"));
}

/// The invariant "no backend depends on another", whatever the map says.
#[test]
fn no_backend_uses_another_backend_or_the_pipeline() {
    let backends = ["nprt-vcs", "nprt-registry", "nprt-metrics", "nprt-notify", "nprt-k8s", "nprt-memory"];
    let actual = actual();
    for backend in backends {
        let uses = &actual[backend];
        for other in backends.iter().chain(&["nprt-pipeline", "nprt-manifest", "nprt", "nprt-report"]) {
            assert!(!uses.contains(*other), "{backend} must not use {other}");
        }
    }
}

#[test]
fn the_map_is_read_row_by_row() {
    let page = format!(
        "text\n{HEADER}\n|---|---|---|\n| `a` | nothing | one |\n| `b` | `a`, `c` | two |\n\n| `d` | `a` | x |"
    );
    let rows = allowed(&page);
    assert_eq!(rows.keys().collect::<Vec<_>>(), ["a", "b"]);
    assert!(rows["a"].is_empty());
    assert_eq!(rows["b"].iter().collect::<Vec<_>>(), ["a", "c"]);
}
