//! Whose an object is: each belongs to the one service that its label `nprt.dev/service` names.

use nprt_core::model::{Object, ObjectId, label};
use nprt_core::ports::Applied;
use nprt_core::{Error, ErrorKind, Result};

use super::job::Job;

impl Job<'_> {
    /// Refuses an object that belongs to another service, unless the settings let this one take it over.
    ///
    /// # Errors
    /// `Conflict`, with both services and how to allow it.
    pub(super) fn check_owner_of(&self, live: &Object) -> Result<()> {
        let Some(owner) = self.other_owner(live) else { return Ok(()) };
        if self.service.take_over.iter().any(|service| service.as_str() == owner) {
            return Ok(());
        }
        let message = "the object belongs to another service";
        Err(Error::new(ErrorKind::Conflict, "pipeline.ownership", message)
            .with("service", &self.service.name)
            .with("owner", owner)
            .with("allow", format_args!("add {owner} to `take_over` of service {}", self.service.name)))
    }

    /// The other service to which `object` belongs.
    pub(super) fn other_owner<'o>(&self, object: &'o Object) -> Option<&'o str> {
        object.label(label::SERVICE).filter(|owner| *owner != self.service.name.as_str())
    }

    /// Whether the live object belongs to another service. One that cannot be read is taken for ours.
    pub(super) async fn is_anothers(&self, id: &ObjectId) -> bool {
        let live = self.ports.cluster.get(id).await.ok().flatten();
        live.is_some_and(|live| self.other_owner(&live).is_some())
    }

    /// What a person should know beforehand of whose object, or whose fields, an apply takes over.
    pub(super) fn taken_over(&self, would_be: &Applied) -> Option<String> {
        let id = would_be.object.id();
        if let Some(owner) = would_be.before.as_ref().and_then(|before| self.other_owner(before)) {
            return Some(format!("{id}: is taken over from the service {owner}"));
        }
        let managers = &would_be.adopts;
        (!managers.is_empty()).then(|| format!("{id}: takes over the fields of {}", managers.join(", ")))
    }
}
