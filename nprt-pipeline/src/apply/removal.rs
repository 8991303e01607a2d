//! Removes a canary: routes go back first.

use std::collections::BTreeSet;

use nprt_core::Result;
use nprt_core::model::{ObjectId, Track};

use crate::apply::applier::{Applier, Deleted};
use crate::apply::routes_back;
use crate::progress::Event;
use crate::state::marked::HeldByFinalizers;
use crate::state::snapshot::Snapshot;

/// What the removal of a canary did.
#[derive(Debug, Default)]
pub(crate) struct Removal {
    pub(crate) removed: Vec<ObjectId>,
    /// What is marked as deleted, now or before, and stays.
    pub(crate) held: Vec<HeldByFinalizers>,
    /// Its Services that stay.
    pub(crate) stay: BTreeSet<ObjectId>,
    /// Why all of these do.
    pub(crate) warnings: Vec<String>,
}

/// Removes the canary: routes go back first, then go its workloads, and then its Services and the
/// configuration that they read. Services to which a route of somebody else's sends lead to stable's pods
/// before, and stay. So does what finalizers hold; it has no pods then, and everything else goes.
///
/// # Errors
/// The first object's that cannot be deleted. All others of its kind are deleted, and what is left is
/// found by the next call.
pub(crate) async fn remove_canary(to: &Applier<'_>, live: &Snapshot) -> Result<Removal> {
    let routes = routes_back::put_routes_back(to, live).await?;
    let (stay, mut warnings) = (routes.services(), routes.warnings());
    let objects = live.on(Track::Canary).filter(|object| !stay.contains(&object.id())).collect();
    let (Deleted { gone: removed, mut held }, done) =
        to.delete(objects, |object| Event::Removed { object }).await;
    held.extend(live.held_on(Track::Canary));
    warnings.extend(held.iter().map(HeldByFinalizers::to_string));
    done.map(|()| Removal { removed, held, stay, warnings })
}
