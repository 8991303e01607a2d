use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// One package of the workspace, as `cargo metadata` describes it.
pub(crate) struct Package(Value);

impl Package {
    pub(crate) fn name(&self) -> &str {
        self.0["name"].as_str().expect("a package has a name")
    }

    /// A text of the manifest; `None` where it is missing or empty.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.0[key].as_str().filter(|text| !text.trim().is_empty())
    }

    pub(crate) fn texts(&self, key: &str) -> Vec<&str> {
        self.0[key].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
    }

    pub(crate) fn docs_rs(&self) -> &Value {
        &self.0["metadata"]["docs"]["rs"]
    }

    pub(crate) fn is_published(&self) -> bool {
        self.0["publish"].is_null()
    }

    pub(crate) fn folder(&self) -> PathBuf {
        let manifest = Path::new(self.text("manifest_path").expect("a package has a manifest"));
        manifest.parent().expect("a manifest is in a folder").to_owned()
    }

    /// The normal dependencies, with and without features: what a user of the package builds, not what its tests do.
    pub(crate) fn dependencies(&self) -> impl Iterator<Item = Dependency<'_>> {
        let all = self.0["dependencies"].as_array().expect("a package lists its dependencies");
        all.iter().filter(|dependency| dependency["kind"].is_null()).map(Dependency)
    }
}

pub(crate) struct Dependency<'a>(&'a Value);

impl<'a> Dependency<'a> {
    pub(crate) fn name(&self) -> &'a str {
        self.0["name"].as_str().expect("a dependency has a name")
    }

    pub(crate) fn features(&self) -> BTreeSet<&'a str> {
        self.0["features"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
    }
}

/// Every package of the workspace.
pub(crate) fn packages() -> Vec<Package> {
    let text = cargo(&["metadata", "--no-deps", "--format-version", "1"]);
    let Value::Object(mut metadata) = serde_json::from_str(&text).expect("cargo metadata prints JSON") else {
        panic!("cargo metadata printed no object");
    };
    let Some(Value::Array(packages)) = metadata.remove("packages") else {
        panic!("cargo metadata lists no packages")
    };
    assert!(packages.len() > 10, "only {} packages", packages.len());
    packages.into_iter().map(Package).collect()
}

/// What cargo prints. Nothing here may change Cargo.lock or need the network.
pub(crate) fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .args(["--locked", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "cargo {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("cargo prints UTF-8")
}

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the testkit is a folder of the workspace")
}
