//! What a service may bring to the cluster: objects of its namespace that rule over nobody else's, and beside
//! them what its settings allow.

use nprt_core::model::{Object, ObjectId};
use nprt_core::ports::Applied;
use nprt_core::{Error, ErrorKind, Result};
use nprt_manifest::parts::refuse_name;
use nprt_manifest::{Manifests, Source};

use crate::context::Context;
use crate::rules::ownership;
use crate::service::Service;
use crate::state::marked::HeldByFinalizers;

const OPERATION: &str = "pipeline.allowed";

/// The groups whose kinds give rights, or change what the API server answers. OpenShift has rights of its own.
const GROUPS: [&str; 7] = [
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "authorization.openshift.io",
    "certificates.k8s.io",
    "flowcontrol.apiserver.k8s.io",
    "rbac.authorization.k8s.io",
];

/// Kinds of the whole cluster that are refused without asking it. All others show by its answer to a dry run.
const KINDS: [(&str, &str); 6] = [
    ("", "Namespace"),
    ("", "Node"),
    ("", "PersistentVolume"),
    ("networking.k8s.io", "IngressClass"),
    ("scheduling.k8s.io", "PriorityClass"),
    ("storage.k8s.io", "StorageClass"),
];

impl Service {
    /// # Errors
    /// `Invalid` for an entry of [`allow_kinds`](Service::allow_kinds) that names no kind: it would allow
    /// nothing, or was meant to allow more than it says.
    pub(crate) fn check_kinds(&self) -> Result<()> {
        let Some(bad) = self.allow_kinds.iter().find(|kind| !is_kind(kind)) else { return Ok(()) };
        let expected = "expected a kind, such as `rbac.authorization.k8s.io/Role` or `Namespace`";
        Err(Error::invalid("pipeline.service", expected)
            .with("service", &self.name)
            .with("field", "allow_kinds")
            .with("value", format_args!("{bad:?}")))
    }

    fn allows(&self, id: &ObjectId) -> bool {
        self.allow_kinds.contains(&name(id))
    }
}

/// Refuses objects that the service may not bring, as far as that is known without the cluster.
///
/// # Errors
/// `Forbidden`, with the first of them, where it was read, and how to allow it.
pub(crate) fn check_allowed(cx: &Context<'_>, manifests: &Manifests) -> Result<()> {
    for document in &manifests.documents {
        let id = document.object.id();
        check_named(cx, &id).map_err(|error| of(&document.source, &id, error))?;
    }
    Ok(())
}

/// The same for the one object that a manifest, or a record in the cluster, names.
pub(crate) fn check_named(cx: &Context<'_>, id: &ObjectId) -> Result<()> {
    refuse_name(id)?;
    let namespace = cx.ports.cluster.namespace();
    if let Some(other) = id.namespace.as_ref().filter(|named| **named != namespace) {
        let error = Error::new(ErrorKind::Forbidden, OPERATION, "the object names another namespace")
            .with("namespace", other)
            .with("expected", format_args!("{namespace}, or none"));
        return Err(error);
    }
    let rules = GROUPS.contains(&id.group()) || KINDS.contains(&(id.group(), &id.kind));
    if rules && !cx.service.allows(id) {
        return Err(refused("this kind gives rights, or rules over more than the service", id));
    }
    Ok(())
}

/// Refuses to put back or delete an object that the service could not bring by its manifests: `live`, as the
/// cluster has it.
///
/// # Errors
/// `Forbidden` and `Conflict`, as for a manifest.
pub(crate) fn check_live(cx: &Context<'_>, live: &Object) -> Result<()> {
    let id = live.id();
    check_named(cx, &id)?;
    if live.namespace().is_none() && !cx.service.allows(&id) {
        return Err(refused("this kind is of the whole cluster", &id));
    }
    ownership::check_owner_of(cx, live)
}

/// Refuses what the service's settings do not accept of what the cluster would.
pub(crate) fn check_accepted(cx: &Context<'_>, source: &Source, would_be: Applied) -> Result<Applied> {
    check_would_be(cx, &would_be).map_err(|error| of(source, &would_be.object.id(), error))?;
    Ok(would_be)
}

/// The same, without the place in the manifests.
pub(crate) fn check_would_be(cx: &Context<'_>, would_be: &Applied) -> Result<()> {
    let id = would_be.object.id();
    if would_be.object.namespace().is_none() && !cx.service.allows(&id) {
        return Err(refused("this kind is of the whole cluster", &id));
    }
    if let Some(held) = would_be.before.as_ref().and_then(HeldByFinalizers::of) {
        return Err(held.refuse());
    }
    would_be.before.as_ref().map_or(Ok(()), |before| ownership::check_owner_of(cx, before))
}

fn refused(why: &str, id: &ObjectId) -> Error {
    let message = format!("{why}, and the service's settings do not allow it");
    let allow = format!("add {} to `allow_kinds` of the service", name(id));
    Error::new(ErrorKind::Forbidden, OPERATION, message).with("kind", name(id)).with("allow", allow)
}

fn of(source: &Source, id: &ObjectId, error: Error) -> Error {
    error
        .with("file", &source.file)
        .with("document", source.document)
        .with("line", source.line)
        .with("object", id)
}

/// The kind as the settings name it.
fn name(id: &ObjectId) -> String {
    match id.group() {
        "" => id.kind.clone(),
        group => format!("{group}/{}", id.kind),
    }
}

/// Whether `text` is the name of a kind: no version, no wildcard.
fn is_kind(text: &str) -> bool {
    let (group, kind) = text.split_once('/').unwrap_or(("core", text));
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'.' || b == b'-';
    !group.is_empty()
        && group.bytes().all(plain)
        && kind.starts_with(|c: char| c.is_ascii_uppercase())
        && kind.bytes().all(|b| b.is_ascii_alphanumeric())
}
