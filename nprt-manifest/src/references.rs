//! Where pods read ConfigMaps and Secrets.

use std::collections::BTreeSet;

use serde_json::Value;

use super::template::CONTAINERS;

/// What a pod can read its configuration from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ConfigKind {
    ConfigMap,
    Secret,
}

impl ConfigKind {
    /// The kind of a core object, if it is one of these.
    pub(super) fn of(group: &str, kind: &str) -> Option<Self> {
        match (group, kind) {
            ("", "ConfigMap") => Some(Self::ConfigMap),
            ("", "Secret") => Some(Self::Secret),
            _ => None,
        }
    }
}

/// The names of the ConfigMaps and Secrets that the pods of a template mount or read. The credentials for
/// pulling images and for storage drivers are not read by pods.
pub(super) fn read_by(template: &Value) -> BTreeSet<(ConfigKind, String)> {
    let mut names = BTreeSet::new();
    rewrite(&mut template.clone(), |kind, name| {
        names.insert((kind, name.to_owned()));
        None
    });
    names
}

/// Renames what the pods of a template mount or read: `rename` says the new name, or `None` to keep it.
pub(super) fn rewrite(template: &mut Value, mut rename: impl FnMut(ConfigKind, &str) -> Option<String>) {
    let mut visit = |kind: ConfigKind, owner: Option<&mut Value>, field: &str| {
        let Some(name) = owner.and_then(|owner| owner.get_mut(field)) else { return };
        if let Some(renamed) = name.as_str().and_then(|name| rename(kind, name)) {
            *name = Value::String(renamed);
        }
    };
    let Some(spec) = template.get_mut("spec") else { return };
    for volume in each(spec.get_mut("volumes")) {
        visit(ConfigKind::ConfigMap, volume.get_mut("configMap"), "name");
        visit(ConfigKind::Secret, volume.get_mut("secret"), "secretName");
        for source in each(volume.get_mut("projected").and_then(|projected| projected.get_mut("sources"))) {
            visit(ConfigKind::ConfigMap, source.get_mut("configMap"), "name");
            visit(ConfigKind::Secret, source.get_mut("secret"), "name");
        }
    }
    for field in CONTAINERS {
        for container in each(spec.get_mut(field)) {
            for variable in each(container.get_mut("env")) {
                let Some(from) = variable.get_mut("valueFrom") else { continue };
                visit(ConfigKind::ConfigMap, from.get_mut("configMapKeyRef"), "name");
                visit(ConfigKind::Secret, from.get_mut("secretKeyRef"), "name");
            }
            for source in each(container.get_mut("envFrom")) {
                visit(ConfigKind::ConfigMap, source.get_mut("configMapRef"), "name");
                visit(ConfigKind::Secret, source.get_mut("secretRef"), "name");
            }
        }
    }
}

fn each(list: Option<&mut Value>) -> impl Iterator<Item = &mut Value> {
    list.and_then(Value::as_array_mut).into_iter().flatten()
}
