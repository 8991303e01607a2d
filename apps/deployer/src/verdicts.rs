use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use nprt::model::ServiceName;
use nprt::pipeline::{Judgement, Running};

/// The last verdict on each canary, as the autopilot of this process found it. It is for looking at: nothing is
/// decided by it.
#[derive(Debug, Default)]
pub(crate) struct Verdicts(Mutex<BTreeMap<ServiceName, Arc<Judgement>>>);

impl Verdicts {
    pub(crate) fn keep(&self, judged: Arc<Judgement>) {
        let mut verdicts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        verdicts.insert(judged.service.clone(), judged);
    }

    /// The last one of the service, on whichever canary.
    pub(crate) fn last(&self, service: &ServiceName) -> Option<Arc<Judgement>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(service).map(Arc::clone)
    }

    /// The one on the canary that runs.
    pub(crate) fn of(&self, service: &ServiceName, canary: &Running) -> Option<Arc<Judgement>> {
        let verdicts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_of = |judged: &&Arc<Judgement>| {
            canary.revision.as_ref() == Some(&judged.revision) && canary.started == Some(judged.started)
        };
        verdicts.get(service).filter(is_of).map(Arc::clone)
    }
}
