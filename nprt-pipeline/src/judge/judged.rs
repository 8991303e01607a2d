//! Which canary is judged.

use jiff::Timestamp;
use nprt_core::model::{Revision, Tag, annotation};
use nprt_core::{Error, Result};

use crate::state::running::Running;

/// The canary that is judged: this version, started then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Judged {
    pub(crate) revision: Revision,
    pub(crate) tag: Tag,
    pub(crate) started: Timestamp,
    /// What it lacks of stable's.
    pub(crate) drift: Vec<String>,
}

impl Judged {
    /// # Errors
    /// `Invalid`, naming the annotation that is missing.
    pub(crate) fn of(canary: Running) -> Result<Self> {
        let missing = |annotation| {
            let message = "the canary's objects do not agree on this annotation, or lack it";
            Error::invalid("pipeline.judge", message).with("annotation", annotation)
        };
        Ok(Self {
            revision: canary.revision.ok_or_else(|| missing(annotation::REVISION))?,
            tag: canary.tag.ok_or_else(|| missing(annotation::TAG))?,
            started: canary.started.ok_or_else(|| missing(annotation::STARTED))?,
            drift: canary.drift,
        })
    }
}
