//! Leaves each decision where a person with kubectl looks: as an event on a workload of stable. One is enough,
//! and tells it all: the canary's own workloads are gone after a rollback.

use std::sync::{Mutex, PoisonError};

use nprt_core::model::{Object, ObjectId, Track, label};

use crate::state::snapshot::Snapshot;

/// The workload to write on: the first Deployment of stable by its name, or else another workload. As the
/// cluster answered with it meanwhile, so that it costs no request.
#[derive(Debug, Default)]
pub(crate) struct Subject(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    /// Before the operation changed anything.
    before: Option<Object>,
    /// Of those that it applied.
    applied: Option<Object>,
}

impl Subject {
    pub(crate) fn saw(&self, live: &Snapshot) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.before.is_none() {
            seen.before = live.on(Track::Stable).filter(|object| is_stable(object)).min_by_key(rank).cloned();
        }
    }

    pub(crate) fn applied(&self, object: &Object) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if is_stable(object) && seen.applied.as_ref().is_none_or(|best| rank(&object) < rank(&best)) {
            seen.applied = Some(object.clone());
        }
    }

    /// After a success what was applied is there, after a failure what was there before.
    pub(crate) fn after(&self, success: bool) -> Option<Object> {
        let Seen { before, applied } = &*self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (first, then) = if success { (applied, before) } else { (before, applied) };
        first.as_ref().or(then.as_ref()).cloned()
    }
}

impl Subject {
    /// The workload of stable that was there before.
    pub(crate) fn stable(&self) -> Option<ObjectId> {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.before.as_ref().map(Object::id)
    }
}

fn is_stable(object: &Object) -> bool {
    object.label(label::TRACK) == Some(Track::Stable.as_str()) && object.id().group() != "batch"
}

fn rank<'a>(object: &&'a Object) -> (bool, &'a str, &'a str) {
    (object.kind() != "Deployment", object.kind(), object.name())
}
