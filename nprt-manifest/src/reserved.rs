//! What no manifest may bring: the names under which nprt keeps its own state in the cluster, and the labels and
//! annotations by which it knows what runs there.

use nprt_core::model::{Object, ObjectId, Track, annotation, label};
use nprt_core::{Error, ErrorKind, Result};
use serde_json::Value;

use super::document::{Document, Manifests};
use super::version::Version;

const OPERATION: &str = "manifest.reserved";

/// What the names of nprt's own objects begin with.
pub(super) const NAME: &str = "nprt-";
/// What the keys of nprt's labels and annotations begin with.
const KEY: &str = "nprt.dev/";
/// The kinds in which nprt keeps its state.
const KINDS: [(&str, &str); 3] = [("", "ConfigMap"), ("", "Secret"), ("coordination.k8s.io", "Lease")];
/// The annotations that people write in manifests.
const DOCUMENTED: [&str; 3] = [annotation::CANARY, annotation::PRUNE, annotation::RUN];

/// Refuses an object under a name that nprt keeps for its own state: whoever made it would tell nprt what to put back,
/// whom to wait for, or what was measured. An Event says what was told already, whatever its name is.
///
/// # Errors
/// `Forbidden`, with the object and the prefix.
pub fn refuse_name(id: &ObjectId) -> Result<()> {
    let error = |message: &str| Error::new(ErrorKind::Forbidden, OPERATION, message);
    if KINDS.contains(&(id.group(), &id.kind)) && id.name.starts_with(NAME) {
        let message = format!("names that begin with `{NAME}` are reserved for nprt's own state");
        return Err(error(&message).with("reserved", format_args!("{} {NAME}*", id.kind)));
    }
    if id.kind == "Event" && matches!(id.group(), "" | "events.k8s.io") {
        return Err(error("Events are reserved for what has happened, and cannot be deployed")
            .with("reserved", "Event"));
    }
    Ok(())
}

impl Document {
    /// The same for an object that was read, with its place.
    pub(super) fn refuse_name(&self) -> Result<()> {
        refuse_name(&self.object.id()).map_err(|error| self.locate(error))
    }
}

/// Refuses labels and annotations that only nprt writes, wherever an object gives them to itself or to what is made by
/// it: by them it would pass for another service's, for a canary, or for something that a person has decided. Those
/// that nprt has written itself when it rendered the manifests as this very version are accepted.
///
/// # Errors
/// `Forbidden`, with file, document, line, object, the key and where it is.
pub(super) fn refuse_marks(manifests: &Manifests, version: &Version) -> Result<()> {
    let refuse = |document: &Document| match claims(&document.object, version) {
        Some(claim) => Err(document.locate(claim.refuse())),
        None => Ok(()),
    };
    manifests.documents.iter().try_for_each(refuse)
}

/// A reserved label or annotation.
struct Claim {
    field: String,
    key: String,
}

impl Claim {
    fn refuse(self) -> Error {
        let message =
            format!("labels and annotations that begin with `{KEY}` are reserved for nprt: remove it");
        Error::new(ErrorKind::Forbidden, OPERATION, message)
            .with("reserved", self.key)
            .with("field", self.field)
            .with_available(DOCUMENTED)
    }
}

/// The first reserved label or annotation in `object`, at any depth: many kinds make other objects, and have their
/// metadata under names of their own (`secretTemplate`, `podLabels`).
fn claims(object: &Object, version: &Version) -> Option<Claim> {
    let rendered = was_rendered(object, version);
    let mut parts = vec![Part { value: object.as_value(), within: 0, step: Step::Whole }];
    let mut at = 0;
    while let Some(part) = parts.get(at) {
        match part.value {
            Value::Object(map) => {
                for (field, value) in map.iter().filter(|(_, value)| value.is_object() || value.is_array()) {
                    let gives = gives_marks(field) && !is_selector(&parts, at);
                    let marks = value.as_object().filter(|_| gives).into_iter().flatten();
                    let mut ours = marks.filter(|(key, _)| key.starts_with(KEY));
                    let claim = ours.find(|(key, value)| !is_accepted(key, value, version, rendered));
                    parts.push(Part { value, within: at, step: Step::Field(field) });
                    if let Some((key, _)) = claim {
                        return Some(Claim { field: path(&parts, parts.len() - 1), key: key.clone() });
                    }
                }
            }
            Value::Array(items) => {
                let items = items.iter().enumerate();
                parts.extend(items.map(|(n, value)| Part { value, within: at, step: Step::Item(n) }));
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// A part of an object, and where it is in the part that holds it.
pub(super) struct Part<'a> {
    pub(super) value: &'a Value,
    /// The place of that part in the list of all.
    pub(super) within: usize,
    pub(super) step: Step<'a>,
}

pub(super) enum Step<'a> {
    Whole,
    Field(&'a str),
    Item(usize),
}

/// Where a part is: `spec.template.metadata.labels`.
pub(super) fn path(parts: &[Part<'_>], mut at: usize) -> String {
    let mut steps = Vec::new();
    while let Some(Part { within, step, .. }) = parts.get(at) {
        match step {
            Step::Whole => break,
            Step::Field(name) => steps.push(format!(".{name}")),
            Step::Item(n) => steps.push(format!("[{n}]")),
        }
        at = *within;
    }
    steps.reverse();
    steps.concat().trim_start_matches('.').to_owned()
}

/// Whether a field of this name holds labels or annotations that something gets, and not those that are selected by.
fn gives_marks(field: &str) -> bool {
    let is_end = |end: &str| {
        let start = field.len().checked_sub(end.len()).and_then(|start| field.get(start..));
        start.is_some_and(|last| last.eq_ignore_ascii_case(end))
    };
    (is_end("labels") || is_end("annotations")) && !field.starts_with("match")
}

/// Whether the labels of this part are those that are selected by, as in objects of Istio.
fn is_selector(parts: &[Part<'_>], at: usize) -> bool {
    let Some(Part { within, step, .. }) = parts.get(at) else { return false };
    match step {
        Step::Field(name) => *name == "workloadSelector",
        Step::Item(_) => matches!(parts.get(*within), Some(Part { step: Step::Field("subsets"), .. })),
        Step::Whole => false,
    }
}

fn is_accepted(key: &str, value: &Value, version: &Version, rendered: bool) -> bool {
    let is = |text: &str| value.as_str() == Some(text);
    match key {
        label::SERVICE => is(version.service.as_str()),
        label::TRACK => is(Track::Stable.as_str()) || (rendered && is(Track::Canary.as_str())),
        annotation::REVISION => is(&version.revision.to_string()),
        annotation::TAG => is(version.tag.as_str()),
        annotation::REPLICAS_SHARE => rendered,
        key => DOCUMENTED.contains(&key),
    }
}

/// Whether nprt has rendered the object as this version before.
fn was_rendered(object: &Object, version: &Version) -> bool {
    object.label(label::SERVICE) == Some(version.service.as_str())
        && object.annotation(annotation::REVISION) == Some(&*version.revision.to_string())
        && object.annotation(annotation::TAG) == Some(version.tag.as_str())
}
