//! What there is of the shop in its namespace.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::ShopVersion;
use crate::KubectlFailed;

/// What there is, and of which version each object is: by what it says itself, and by its images.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ShopState {
    /// Objects of stable, by `Kind/name`; the pods of a workload are one entry, `Pod/name`.
    pub stable: BTreeMap<String, String>,
    /// Those of a canary.
    pub canary: BTreeMap<String, String>,
    /// What is neither, such as the record of a deploy that was not finished.
    pub others: Vec<String>,
}

impl ShopState {
    /// All of `version`, with pods of it alone, and no canary.
    #[must_use]
    pub fn of(version: impl Into<ShopVersion>) -> Self {
        Self { stable: objects(&version.into(), ""), ..Self::default() }
    }

    /// The canary of `version`: its workloads, and copies of what they read.
    #[must_use]
    pub fn canary_of(version: impl Into<ShopVersion>) -> BTreeMap<String, String> {
        objects(&ShopVersion { more: false, ..version.into() }, "-canary")
    }

    /// Reads what `kubectl get -o json` printed.
    pub(super) fn read(list: &str) -> Result<Self, KubectlFailed> {
        let list: Value = serde_json::from_str(list).map_err(|error| KubectlFailed::new(&error))?;
        let mut state = Self::default();
        for object in list["items"].as_array().into_iter().flatten() {
            let seen = state.see(object);
            seen.ok_or_else(|| KubectlFailed::new(&format_args!("of no version: {object}")))?;
        }
        Ok(state)
    }

    fn see(&mut self, object: &Value) -> Option<()> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let (kind, name) = (text("/kind"), text("/metadata/name"));
        let of = |name: &str| format!("{kind}/{name}");
        match name {
            "kube-root-ca.crt" => return Some(()),
            // It stays when a canary has ended, for its report.
            _ if name.starts_with("nprt-last-canary-") => return Some(()),
            _ if name.starts_with("nprt-") => {
                self.others.push(of(name));
                return Some(());
            }
            _ => {}
        }
        let says = match kind {
            "Deployment" => runs(object.pointer("/spec/template/spec")?)?,
            "Service" => text("/metadata/annotations/n").to_owned(),
            "ConfigMap" => text("/data/n").to_owned(),
            "Secret" => String::from_utf8(STANDARD.decode(text("/data/n")).ok()?).ok()?,
            _ => runs(object.pointer("/spec")?)?,
        };
        match (kind, text("/metadata/labels/track")) {
            // Those of a canary go after it.
            ("Pod", "canary") => {}
            ("Pod", _) if object["metadata"]["deletionTimestamp"].is_string() => {}
            // They are many, and of one version only if all say the same.
            ("Pod", _) => {
                let said =
                    self.stable.entry(of(text("/metadata/labels/app"))).or_insert_with(|| says.clone());
                if *said != says {
                    *said = format!("{said} and {says}");
                }
            }
            (_, "canary") => _ = self.canary.insert(of(name), says),
            _ => _ = self.stable.insert(of(name), says),
        }
        Some(())
    }
}

/// The version that a pod's first container is told, and the one of its image.
fn runs(pod: &Value) -> Option<String> {
    let container = pod.pointer("/containers/0")?;
    let told = container["env"].as_array()?.iter().find(|env| env["name"] == "SHOP")?;
    let (_, tag) = container["image"].as_str()?.rsplit_once(':')?;
    Some(format!("{} {tag}", told["value"].as_str()?))
}

/// What there is of a version whose objects' names end so.
fn objects(version: &ShopVersion, suffix: &str) -> BTreeMap<String, String> {
    let (n, runs) = (version.n.to_string(), format!("{} {}", version.n, version.tag));
    let mut objects = BTreeMap::new();
    for name in ["web", "worker"] {
        objects.insert(format!("Deployment/{name}{suffix}"), runs.clone());
        if suffix.is_empty() {
            objects.insert(format!("Service/{name}"), n.clone());
            objects.insert(format!("Pod/{name}"), runs.clone());
        }
    }
    objects.insert(format!("ConfigMap/web{suffix}"), n.clone());
    objects.insert(format!("Secret/web{suffix}"), n.clone());
    if version.more {
        objects.insert("ConfigMap/more".to_owned(), n);
    }
    objects
}
