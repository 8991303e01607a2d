use serde::Serialize;

use crate::model::{ObjectId, Revision, ServiceName, Tag, Track, VersionRef};
use crate::ports::Change;
use crate::{Error, Result};

/// Asks for a version of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Which version.
    pub version: VersionRef,
    /// Who asks and why.
    pub caller: Caller,
}

/// Who asks for a change and why; both are kept on the workloads, and told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Caller {
    name: String,
    reason: String,
}

impl Caller {
    /// `name` asks because of `reason`, which may be empty.
    ///
    /// # Errors
    /// `Invalid` for an empty name, one of more than 200 characters, a reason of more than 1000, or control
    /// characters in either (in a reason other than line breaks).
    pub fn new(name: impl Into<String>, reason: impl Into<String>) -> Result<Self> {
        let caller = Self { name: name.into(), reason: reason.into() };
        if caller.name.trim().is_empty()
            || caller.name.chars().count() > 200
            || caller.name.contains(char::is_control)
        {
            return Err(Error::invalid("pipeline.caller", "expected 1 to 200 characters, on one line")
                .with("caller", format_args!("{:?}", caller.name)));
        }
        let control = |c: char| c.is_control() && c != '\n';
        if caller.reason.chars().count() > 1000 || caller.reason.contains(control) {
            return Err(Error::invalid("pipeline.caller", "expected a reason of at most 1000 characters"));
        }
        Ok(caller)
    }

    /// Who asks.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Why.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

/// What a deploy, a canary or a promotion did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Deployment {
    /// The service.
    pub service: ServiceName,
    /// Where this version runs now.
    pub track: Track,
    /// The version's revision.
    pub revision: Revision,
    /// The tag of its images.
    pub tag: Tag,
    /// Every object that was applied, in order.
    pub applied: Vec<AppliedObject>,
    /// The objects of a canary that were removed.
    pub removed: Vec<ObjectId>,
    /// The objects that the manifests no longer hold and that were deleted, by the service's policy.
    pub pruned: Vec<ObjectId>,
    /// Objects that the manifests would change, or whose removal they mean, and that wait for the promotion.
    pub withheld: Vec<ObjectId>,
    /// What a person should know.
    pub warnings: Vec<String>,
}

/// An object, and what applying it did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AppliedObject {
    /// The object.
    pub object: ObjectId,
    /// What became of it.
    pub change: Change,
}
