//! What a crate needs before strangers can find it, read it and use it: it stands on crates.io and docs.rs alone.

use std::collections::BTreeMap;
use std::fs;

use crate::metadata::{Package, packages, root};

/// crates.io's limits of `keywords`.
const MOST_KEYWORDS: usize = 5;
const LONGEST_KEYWORD: usize = 20;

fn published() -> Vec<Package> {
    let published: Vec<_> = packages().into_iter().filter(Package::is_published).collect();
    assert!(published.len() > 10, "only {} published crates", published.len());
    published
}

#[test]
fn every_published_crate_says_what_it_is() {
    let mut descriptions = BTreeMap::new();
    for package in published() {
        let name = package.name().to_owned();
        for key in ["description", "license", "readme", "repository", "rust_version"] {
            assert!(package.text(key).is_some(), "{name}: Cargo.toml has no {key}");
        }
        let keywords = package.texts("keywords");
        assert!(
            (1..=MOST_KEYWORDS).contains(&keywords.len()),
            "{name}: {} keywords; crates.io takes 1 to {MOST_KEYWORDS}",
            keywords.len()
        );
        for keyword in keywords {
            assert!(
                keyword.len() <= LONGEST_KEYWORD,
                "{name}: the keyword {keyword} is longer than {LONGEST_KEYWORD}"
            );
        }
        assert!(!package.texts("categories").is_empty(), "{name}: Cargo.toml has no categories");
        let description = package.text("description").expect("checked above").to_owned();
        if let Some(other) = descriptions.insert(description, name.clone()) {
            panic!("{name} and {other} have one description");
        }
    }
}

#[test]
fn every_published_crate_brings_its_readme_and_licences() {
    for package in published() {
        let (name, folder) = (package.name(), package.folder());
        let readme = fs::read_to_string(folder.join("README.md")).unwrap_or_default();
        assert!(readme.starts_with("# "), "{name}: README.md is missing or has no title");
        assert!(readme.len() > 300, "{name}: README.md says nothing");
        for licence in ["LICENSE-MIT", "LICENSE-APACHE"] {
            let text =
                fs::read(folder.join(licence)).unwrap_or_else(|error| panic!("{name}: {licence}: {error}"));
            let original = fs::read(root().join(licence)).expect("the licences are at the root");
            assert!(text == original, "{name}: {licence} differs from the one at the root");
        }
    }
}

#[test]
fn docs_rs_shows_all_features() {
    for package in published() {
        let docs = package.docs_rs();
        assert_eq!(docs["all-features"], true, "{}: [package.metadata.docs.rs] all-features", package.name());
        let arguments = serde_json::json!(["--cfg", "docsrs"]);
        assert_eq!(
            docs["rustdoc-args"],
            arguments,
            "{}: [package.metadata.docs.rs] rustdoc-args",
            package.name()
        );
    }
}

/// One page for the whole, and one for each crate, that can be read in one go.
#[test]
fn every_published_crate_has_a_page_of_architecture() {
    for package in published() {
        let folder = package.folder();
        let page = fs::read_to_string(folder.join("ARCHITECTURE.md")).unwrap_or_default();
        let (lines, most) = (page.lines().count(), if folder == root() { 120 } else { 150 });
        assert!((1..most).contains(&lines), "{}: ARCHITECTURE.md has {lines} lines", package.name());
    }
}
