//! SECURITY.md names the tests that show what it says.
#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

use std::fs;
use std::path::{Path, PathBuf};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
const SUITES: [&str; 7] = [
    "apps/deployer/tests",
    "tests",
    "nprt-manifest/tests",
    "nprt-pipeline/tests",
    "nprt-metrics/tests",
    "nprt-k8s/tests",
    "nprt-vcs/tests",
];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let below = |path: PathBuf| if path.is_dir() { sources(&path) } else { vec![path] };
    entries.flat_map(below).filter(|path| path.extension().is_some_and(|end| end == "rs")).collect()
}

#[test]
fn each_defence_names_tests_that_exist() {
    let root = Path::new(ROOT);
    let code: String = SUITES
        .iter()
        .flat_map(|suite| sources(&root.join(suite)))
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    let page = fs::read_to_string(root.join("SECURITY.md")).unwrap();
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
    assert!(rows.len() >= 10, "{rows:?}");
    for row in rows {
        let shown = row.split('|').nth(4).unwrap();
        let named: Vec<&str> = shown.split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty(), "no test: {row}");
        for name in named {
            assert!(code.contains(&format!("fn {name}(")), "no test {name:?}: {row}");
        }
    }
}
