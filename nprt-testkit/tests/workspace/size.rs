//! No crate holds more than a quarter of the code, neither with its tests nor without.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::metadata::packages;

/// Lines of Rust below a folder; other packages inside it are not part of it.
fn lines(folder: &Path, top: bool) -> usize {
    if !top && folder.join("Cargo.toml").exists() {
        return 0;
    }
    let mut sum = 0;
    for entry in fs::read_dir(folder).expect("a folder can be read") {
        let path = entry.expect("an entry can be read").path();
        let name = path.file_name().and_then(|name| name.to_str()).expect("names are UTF-8");
        if path.is_symlink() || name.starts_with('.') || name == "target" {
            continue;
        }
        if path.is_dir() {
            sum += lines(&path, false);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sum += fs::read_to_string(&path).expect("Rust is UTF-8").lines().count();
        }
    }
    sum
}

fn check(what: &str, by_package: &BTreeMap<String, usize>) {
    let all: usize = by_package.values().sum();
    assert!(all > 10_000, "only {all} {what}");
    for (package, lines) in by_package {
        assert!(lines * 4 <= all, "{package} has {lines} of {all} {what}, more than a quarter: split it");
    }
}

#[test]
fn no_crate_has_more_than_a_quarter_of_the_lines() {
    let (mut everything, mut sources) = (BTreeMap::new(), BTreeMap::new());
    for package in packages() {
        let folder = package.folder();
        everything.insert(package.name().to_owned(), lines(&folder, true));
        let src = folder.join("src");
        if src.is_dir() {
            sources.insert(package.name().to_owned(), lines(&src, true));
        }
    }
    check("lines of Rust", &everything);
    check("lines of Rust without tests", &sources);
}
