//! Leaves each decision where a person with kubectl looks: as an event on a workload of stable. One is enough,
//! and tells it all: the canary's own workloads are gone after a rollback.

use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::{Either, select};
use nprt_core::model::{Object, ObjectId, Track, label};
use nprt_core::ports::ObjectEvent;

use super::job::Job;
use super::live::Live;

/// How long an operation waits at its end for the cluster to keep its event.
const PATIENCE: Duration = Duration::from_secs(5);

/// The workload to write on: the first Deployment of stable by its name, or else another workload. As the
/// cluster answered with it meanwhile, so that it costs no request.
#[derive(Debug, Default)]
pub(super) struct Subject(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    /// Before the operation changed anything.
    before: Option<Object>,
    /// Of those that it applied.
    applied: Option<Object>,
}

impl Subject {
    pub(super) fn saw(&self, live: &Live) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.before.is_none() {
            seen.before = live.on(Track::Stable).filter(|object| is_stable(object)).min_by_key(rank).cloned();
        }
    }

    pub(super) fn applied(&self, object: &Object) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if is_stable(object) && seen.applied.as_ref().is_none_or(|best| rank(&object) < rank(&best)) {
            seen.applied = Some(object.clone());
        }
    }

    /// After a success what was applied is there, after a failure what was there before.
    fn after(&self, success: bool) -> Option<Object> {
        let Seen { before, applied } = &*self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (first, then) = if success { (applied, before) } else { (before, applied) };
        first.as_ref().or(then.as_ref()).cloned()
    }
}

impl Subject {
    /// The workload of stable that was there before.
    pub(super) fn stable(&self) -> Option<ObjectId> {
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

impl Job<'_> {
    /// Writes the event, if a workload to write it on was seen and the cluster keeps events. What cannot be
    /// written never fails an operation. Answers whether it was written now, or had been before; `None` where it is
    /// not there.
    pub(super) async fn record_event(&self, event: ObjectEvent) -> Option<bool> {
        let cluster = &self.ports.cluster;
        if !cluster.capabilities().events {
            return None;
        }
        let object = self.subject.after(!event.is_warning())?;
        let written = cluster.record_event(&object, &event);
        let why = match select(pin!(written), self.clock.sleep(PATIENCE)).await {
            Either::Left((Ok(is_new), _)) => return Some(is_new),
            Either::Left((Err(error), _)) => error.to_string(),
            Either::Right(_) => "no answer in time".to_owned(),
        };
        self.progress.warn(format!("no event of this is on {}: {why}", object.id()));
        None
    }
}
