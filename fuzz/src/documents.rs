//! Documents: manifests, policies and what is kept of a judge.

use nprt::compare::{Judge, JudgeState, Policy, Preset};
use nprt::manifest::{self, Beside, Settings, Version, to_yaml};
use nprt::model::{RepoPath, SourceFile};

fn version() -> Version {
    Version {
        service: "shop".parse().unwrap(),
        revision: "3f2a91c0b1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f6".parse().unwrap(),
        tag: "main-3f2a91c".parse().unwrap(),
        digests: Default::default(),
    }
}

/// Manifests, and the transformer: what it makes is read again as it was written.
pub fn manifests(data: &[u8]) {
    let file = |name: &str, content: &[u8]| SourceFile {
        path: RepoPath::new(name).unwrap(),
        content: content.to_vec().into(),
    };
    for name in ["x.yaml", "x.json"] {
        let Ok(manifests) = manifest::read(&[file(name, data)]) else { continue };
        let settings = Settings::default();
        let _ = manifest::canary(&manifests, &version(), &settings, &Beside::default());
        let Ok(stable) = manifest::stable(&manifests, &version(), &settings, &[]) else { continue };
        let values = stable.documents.iter().map(|document| document.object.as_value());
        let text = to_yaml(values).unwrap();
        let again = manifest::read(&[file("x.yaml", text.as_bytes())]).unwrap();
        let objects =
            |all: &[manifest::Document]| all.iter().map(|one| one.object.clone()).collect::<Vec<_>>();
        assert_eq!(objects(&again.documents), objects(&stable.documents), "{text}");
    }
}

/// Policies, in YAML and JSON.
pub fn policy(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let _ = serde_json::from_str::<Policy>(text);
    if let Ok(policy) = serde_saphyr::from_str::<Policy>(text) {
        let _ = Judge::new(policy, "2026-11-23T12:00:00Z".parse().unwrap());
    }
}

/// What is kept of a judge.
pub fn judge(data: &[u8]) {
    let Ok(state) = serde_json::from_slice::<JudgeState>(data) else { return };
    let Ok(mut judge) = Judge::resume(Policy::preset(Preset::Default), state) else { return };
    let verdict = judge.verdict("2026-11-23T12:30:00Z".parse().unwrap());
    let _ = (serde_json::to_string(&verdict), serde_json::to_string(&judge.state()));
}
