//! The manifest transformer, from files to the objects of a track.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]

mod belongs;
mod boutique;
mod budget;
mod canary;
mod canary_config;
mod canary_diagnoses;
mod canary_placement;
mod environment;
mod properties;
mod read;
mod reserved;
mod selectors;
mod stable;
mod string_data;

use nprt_core::model::{Object, RepoPath, SourceFile};
use nprt_manifest::{Manifests, Rendered, Settings, Version};
use serde_json::Value;

const SHA: &str = "3f2a91c0b1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f6";

fn file(path: &str, text: &str) -> SourceFile {
    SourceFile { path: RepoPath::new(path).unwrap(), content: text.to_owned().into() }
}

/// The manifests in one file of YAML.
fn manifests(text: &str) -> Manifests {
    nprt_manifest::read(&[file("app.yaml", text)]).unwrap()
}

fn version(tag: &str) -> Version {
    Version {
        service: "shop".parse().unwrap(),
        revision: SHA.parse().unwrap(),
        tag: tag.parse().unwrap(),
        digests: std::collections::BTreeMap::new(),
    }
}

fn settings(json: &Value) -> Settings {
    serde_json::from_value(json.clone()).unwrap()
}

fn stable(text: &str) -> Rendered {
    nprt_manifest::stable(&manifests(text), &version("main-3f2a91c"), &Settings::default(), &[]).unwrap()
}

/// The objects of YAML documents, as if the cluster had them.
fn live(text: &str) -> Vec<Object> {
    if text.is_empty() {
        return Vec::new();
    }
    manifests(text).documents.into_iter().map(|document| document.object).collect()
}

/// The rendered object `Kind/name`.
fn find<'a>(rendered: &'a Rendered, id: &str) -> &'a Value {
    let found = rendered.documents.iter().find(|document| document.object.id().to_string() == id);
    found.unwrap_or_else(|| panic!("no {id} in {:?}", ids(rendered))).object.as_value()
}

fn ids(rendered: &Rendered) -> Vec<String> {
    rendered.documents.iter().map(|document| document.object.id().to_string()).collect()
}

/// What an environment variable of the first container is; `null` without one.
fn variable<'a>(template: &'a Value, name: &str) -> &'a Value {
    let environment = template["spec"]["containers"][0]["env"].as_array().unwrap();
    environment.iter().find(|variable| variable["name"] == name).unwrap_or(&Value::Null)
}
