//! Whose an object is: each belongs to the one service that its label `nprt.dev/service` names.

use nprt_core::model::{Object, ObjectId, label};
use nprt_core::ports::Applied;
use nprt_core::{Error, ErrorKind, Result};

use crate::context::Context;

/// Refuses an object that belongs to another service, unless the settings let this one take it over.
///
/// # Errors
/// `Conflict`, with both services and how to allow it.
pub(crate) fn check_owner_of(cx: &Context<'_>, live: &Object) -> Result<()> {
    let Some(owner) = other_owner(cx, live) else { return Ok(()) };
    if cx.service.take_over.iter().any(|service| service.as_str() == owner) {
        return Ok(());
    }
    let message = "the object belongs to another service";
    Err(Error::new(ErrorKind::Conflict, "pipeline.ownership", message)
        .with("service", &cx.service.name)
        .with("owner", owner)
        .with("allow", format_args!("add {owner} to `take_over` of service {}", cx.service.name)))
}

/// The other service to which `object` belongs.
pub(crate) fn other_owner<'o>(cx: &Context<'_>, object: &'o Object) -> Option<&'o str> {
    object.label(label::SERVICE).filter(|owner| *owner != cx.service.name.as_str())
}

/// Whether the live object belongs to another service. One that cannot be read is taken for ours.
pub(crate) async fn is_anothers(cx: &Context<'_>, id: &ObjectId) -> bool {
    let live = cx.ports.cluster.get(id).await.ok().flatten();
    live.is_some_and(|live| other_owner(cx, &live).is_some())
}

/// What a person should know beforehand of whose object, or whose fields, an apply takes over.
pub(crate) fn taken_over(cx: &Context<'_>, would_be: &Applied) -> Option<String> {
    let id = would_be.object.id();
    if let Some(owner) = would_be.before.as_ref().and_then(|before| other_owner(cx, before)) {
        return Some(format!("{id}: is taken over from the service {owner}"));
    }
    let managers = &would_be.adopts;
    (!managers.is_empty()).then(|| format!("{id}: takes over the fields of {}", managers.join(", ")))
}
