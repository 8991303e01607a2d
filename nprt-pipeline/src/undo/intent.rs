//! What an operation was about to do: enough for another process to finish it.

use nprt_core::Result;
use nprt_core::model::{Object, ObjectId, Tag};
use nprt_core::ports::{Change, Task};
use nprt_manifest::Version;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::plan::planned::Plan;
use crate::plan::spent::when;
use crate::request::Caller;

/// What is to be applied, and who asked for it.
#[derive(Serialize, Deserialize, PartialEq)]
pub(crate) struct Intent {
    pub(crate) task: Task,
    pub(crate) tag: Tag,
    by: String,
    reason: String,
    /// What is applied, and the Jobs that are run.
    objects: Vec<Value>,
    /// The routes of a canary, which change last.
    routes: Vec<Value>,
}

impl Intent {
    /// That of `plan`: what it changes, what an earlier attempt at it has `changed`, and its Jobs.
    pub(crate) fn new(
        task: Task,
        version: &Version,
        caller: &Caller,
        plan: &Plan,
        changed: impl Fn(&ObjectId) -> bool,
    ) -> Self {
        let steps = plan.steps().filter(|(object, foreseen)| {
            foreseen.change != Change::Unchanged || changed(&foreseen.object.id()) || when(object).is_some()
        });
        let objects = steps.map(|(object, _)| object.as_value().clone()).collect();
        let (by, reason) = (caller.name().to_owned(), caller.reason().to_owned());
        Self { task, tag: version.tag.clone(), by, reason, objects, routes: Vec::new() }
    }

    /// The same, with the routes that change last.
    pub(crate) fn with_routes(self, routes: &Plan) -> Self {
        let routes = routes.objects.iter().map(|route| route.as_value().clone()).collect();
        Self { routes, ..self }
    }

    pub(crate) fn objects(&self) -> Result<Vec<Object>> {
        self.objects.iter().cloned().map(Object::new).collect()
    }

    pub(crate) fn routes(&self) -> Result<Vec<Object>> {
        self.routes.iter().cloned().map(Object::new).collect()
    }

    /// Who asked for it.
    pub(crate) fn caller(&self) -> Result<Caller> {
        Caller::recorded(&self.by, &self.reason)
    }
}
