//! What no manifest may have a controller make: a Secret, ConfigMap or Lease under a name that nprt keeps for its own
//! state. The kinds that make such objects are too many to list, and each has its own field for the name.

use nprt_core::model::Object;
use nprt_core::{Error, ErrorKind, Result};
use serde_json::Value;

use super::document::Document;
use super::reserved::{NAME, Part, Step, path};

/// What the names of nprt's state begin with, of whatever service. As a value these mean nothing else.
const STATE: [&str; 3] = ["nprt-undo-", "nprt-judge-", "nprt-last-canary-"];
/// The kinds of nprt's state.
const KINDS: [&str; 3] = ["Secret", "ConfigMap", "Lease"];
/// Groups of Kubernetes' own kinds by which no controller makes a Secret of another name, but for annotations. Their
/// values are data, commands, and rules about who may do what.
const HARMLESS: [&str; 5] =
    ["", "apps", "batch", "rbac.authorization.k8s.io", "admissionregistration.k8s.io"];

impl Document {
    /// Refuses an object by which a controller would make another under a reserved name.
    ///
    /// # Errors
    /// `Forbidden`, with file, document, line, object, the name and the field that gives it.
    pub(super) fn refuse_made(&self) -> Result<()> {
        let Some((name, field)) = made(&self.object) else { return Ok(()) };
        let message = format!(
            "names that begin with `{NAME}` are reserved for nprt's own state, also for what a controller makes"
        );
        let error = Error::new(ErrorKind::Forbidden, "manifest.reserved", message);
        Err(self.locate(error.with("reserved", name).with("field", field)))
    }
}

/// The first reserved name that the object gives, and its field.
fn made(object: &Object) -> Option<(&str, String)> {
    let whole = object.as_value();
    let mut parts = vec![Part { value: whole, within: 0, step: Step::Whole }];
    let mut at = 0;
    if HARMLESS.contains(&object.id().group()) {
        let value = whole.pointer("/metadata/annotations")?;
        parts.push(Part { value, within: 0, step: Step::Field("metadata.annotations") });
        at = 1;
    }
    while let Some(part) = parts.get(at) {
        match part.value {
            Value::Object(map) => {
                let fields = map.iter();
                parts.extend(fields.map(|(field, value)| Part {
                    value,
                    within: at,
                    step: Step::Field(field),
                }));
            }
            Value::Array(items) => {
                let items = items.iter().enumerate();
                parts.extend(items.map(|(n, value)| Part { value, within: at, step: Step::Item(n) }));
            }
            Value::String(name) if is_ours(name, &parts, at, object) => {
                return Some((name, path(&parts, at)));
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// Whether the text at a place of the object is a name of ours that something may get.
fn is_ours(name: &str, parts: &[Part<'_>], at: usize, object: &Object) -> bool {
    // Text, and patterns that select names.
    if !name.starts_with(NAME) || name.contains(|c: char| c.is_whitespace() || "*?".contains(c)) {
        return false;
    }
    let is_state = STATE.iter().any(|state| name.starts_with(state));
    let is_builtin = object.id().group().ends_with(".k8s.io");
    is_state || (!is_builtin && names_state(parts, at, object))
}

/// Whether a field is for the name of a Secret, ConfigMap or Lease that is made, and not of one that is only read.
fn names_state(parts: &[Part<'_>], at: usize, object: &Object) -> bool {
    let (mut way, mut fields) = (at, Vec::new());
    while let Some(Part { within, step, .. }) =
        parts.get(way).filter(|part| !matches!(part.step, Step::Whole))
    {
        if let Step::Field(field) = step {
            fields.push((field.to_ascii_lowercase(), *within));
        }
        way = *within;
    }
    let Some((field, within)) = fields.first() else { return false };
    if fields.iter().any(|(field, _)| field.contains("ref")) {
        return false;
    }
    if field != "name" {
        return field.ends_with("name") && (field.contains("secret") || field.contains("configmap"));
    }
    // `kind` beside the name, or beside the metadata that holds it.
    let above = fields.get(1).filter(|(field, _)| field == "metadata").map(|(_, within)| *within);
    let kinds =
        [Some(*within), above].into_iter().flatten().filter_map(|at| parts.get(at)?.value["kind"].as_str());
    let makes_secrets = |kind: &str| kind.ends_with("Secret") || kind.ends_with("Secrets");
    kinds.into_iter().any(|kind| KINDS.contains(&kind)) || makes_secrets(object.kind())
}
