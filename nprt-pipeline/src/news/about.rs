//! Which canary the news of an operation are about, as the cluster answered with it meanwhile.

use std::sync::{Mutex, PoisonError};

use nprt_core::model::{Object, Revision, Tag, Track, annotation, label};
use nprt_core::ports::{CanaryId, Occasion, Task};

use crate::request::Caller;
use crate::state::running::Running;
use crate::state::snapshot::Snapshot;

/// The canaries that an operation met.
#[derive(Debug, Default)]
pub(crate) struct About(Mutex<Met>);

#[derive(Debug, Default)]
struct Met {
    /// The one that ran when it began.
    before: Option<CanaryId>,
    /// The one that it started.
    started: Option<CanaryId>,
    /// The one that it removed, to make way for another version.
    replaced: Option<Running>,
    /// What it finished for a process that died.
    finished: Option<Finished>,
}

/// A change that another process began, and that is done.
#[derive(Debug, Clone)]
pub(crate) struct Finished {
    pub(crate) task: Task,
    pub(crate) tag: Tag,
    pub(crate) revision: Option<Revision>,
    pub(crate) by: Caller,
}

impl About {
    pub(crate) fn saw(&self, live: &Snapshot) {
        let mut met = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if met.before.is_none() {
            met.before = live.running(Track::Canary).as_ref().and_then(id);
        }
    }

    pub(crate) fn applied(&self, object: &Object) {
        let Some(canary) = started(object) else { return };
        let mut met = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The last of its workloads, as `Snapshot::running` has it.
        if met.started.as_ref().is_none_or(|known| known.started < canary.started) {
            met.started = Some(canary);
        }
    }

    pub(crate) fn replaced(&self, canary: Option<Running>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).replaced = canary;
    }

    pub(crate) fn finished(&self, finished: Finished) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).finished = Some(finished);
    }

    /// What was finished for a process that died, once.
    pub(crate) fn take_finished(&self) -> Option<Finished> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).finished.take()
    }

    /// The one that made way, once.
    pub(crate) fn take_replaced(&self) -> Option<Running> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).replaced.take()
    }

    /// The one that news of `occasion` are about, which is of `revision` where that is known.
    pub(crate) fn canary(&self, occasion: Occasion, revision: Option<&Revision>) -> Option<CanaryId> {
        let Met { before, started, .. } = &*self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match occasion {
            // Asked for again, it goes on, and nothing is applied. One of another version made way.
            Occasion::CanaryStarted => {
                let goes_on = |before: &&CanaryId| Some(&before.revision) == revision;
                started.as_ref().or_else(|| before.as_ref().filter(goes_on)).cloned()
            }
            Occasion::Promoted | Occasion::RolledBack | Occasion::Undecided => before.clone(),
            _ => None,
        }
    }
}

pub(crate) fn id(canary: &Running) -> Option<CanaryId> {
    Some(CanaryId { revision: canary.revision.clone()?, started: canary.started? })
}

fn started(object: &Object) -> Option<CanaryId> {
    if object.label(label::TRACK) != Some(Track::Canary.as_str()) {
        return None;
    }
    let read = |key| object.annotation(key);
    let revision = read(annotation::REVISION)?.parse().ok()?;
    Some(CanaryId { revision, started: read(annotation::STARTED)?.parse().ok()? })
}

impl Finished {
    /// In words.
    pub(crate) fn describe(&self) -> String {
        format!("the {} of {} by {}", self.task.as_str(), self.tag, self.by.name())
    }
}
