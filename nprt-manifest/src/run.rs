//! Jobs that a version runs: before its workloads change, or after their pods are ready.

use nprt_core::model::{Object, annotation};
use nprt_core::{Error, Result};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::fields::map_at;

const OPERATION: &str = "manifest.render";
/// The name is also the value of a label of the Job's pods.
const LONGEST_NAME: usize = 63;

/// When a version runs a Job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Run {
    /// Before its workloads change, with the configuration that it brings.
    Before,
    /// Once the pods of all its workloads are ready.
    After,
}

/// When `object` is run, as its annotation says; `None` without one.
///
/// # Errors
/// `Invalid` for another value, and for the annotation on another kind than a Job.
pub fn when_run(object: &Object) -> Result<Option<Run>> {
    let Some(when) = object.annotation(annotation::RUN) else { return Ok(None) };
    let invalid = |message| Error::invalid(OPERATION, message).with("annotation", annotation::RUN);
    if !is_job(object) {
        return Err(invalid("only a Job of batch/v1 can be run before or after the workloads"));
    }
    match when {
        "before" => Ok(Some(Run::Before)),
        "after" => Ok(Some(Run::After)),
        other => Err(invalid("expected `before` or `after`").with("value", format_args!("{other:?}"))),
    }
}

/// Whether a live object was run so, whatever its annotation says by now.
pub fn was_run(object: &Object) -> bool {
    is_job(object) && object.annotation(annotation::RUN).is_some()
}

/// Whether it is a Job.
pub fn is_job(object: &Object) -> bool {
    object.id().group() == "batch" && object.kind() == "Job"
}

/// Gives a Job that is run and has only a `generateName` the name from which [`name_by_content`] makes one of each
/// version: what comes before the dash.
///
/// # Errors
/// `Invalid` for `generateName` alone on anything else: by what name would a later deploy find the object?
pub(super) fn name_generated(object: &mut Value) -> Result<()> {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let (name, prefix) = (text("/metadata/name").to_owned(), text("/metadata/generateName").to_owned());
    if prefix.is_empty() {
        return Ok(());
    }
    let group = text("/apiVersion").split_once('/').map_or("", |(group, _)| group);
    let is_job = (group, text("/kind")) == ("batch", "Job");
    let says_when =
        object.pointer("/metadata/annotations").is_some_and(|all| all.get(annotation::RUN).is_some());
    let is_run = is_job && says_when;
    let stem = prefix.trim_end_matches('-');
    if !(name.is_empty() || is_run) {
        return Ok(());
    }
    let invalid =
        |why: String| Error::invalid("manifest.read", why).with("generateName", format_args!("{prefix:?}"));
    if !is_run {
        return Err(invalid(format!(
            "`generateName` works only for a Job that nprt runs (annotation {}: before or after): give the object a \
             `name`, or the Job the annotation",
            annotation::RUN
        ))
        .with("kind", text("/kind")));
    }
    if name.is_empty() && stem.is_empty() {
        return Err(invalid("expected a `generateName` with a name before its dash".to_owned()));
    }
    let stem = stem.to_owned();
    let metadata = map_at(object, &["metadata"])?;
    metadata.shift_remove("generateName");
    if name.is_empty() {
        metadata.insert("name".to_owned(), stem.into());
    }
    Ok(())
}

/// Gives a rendered Job a name by what it is: Kubernetes refuses to change the pods of a Job, and by this name
/// one that has run already is found again. Version and tag are in its pods, so each version has its own.
pub(super) fn name_by_content(job: &mut Value) -> Result<()> {
    let spec = job.get("spec").map(Value::to_string).unwrap_or_default();
    let hash: String = Sha256::digest(spec)[..4].iter().map(|byte| format!("{byte:02x}")).collect();
    let metadata = map_at(job, &["metadata"])?;
    let name = format!("{}-{hash}", metadata.get("name").and_then(Value::as_str).unwrap_or_default());
    if name.len() > LONGEST_NAME {
        return Err(Error::invalid(OPERATION, "the name is too long for one of each version")
            .with("name", name)
            .with("longest", LONGEST_NAME));
    }
    metadata.insert("name".to_owned(), name.into());
    Ok(())
}
