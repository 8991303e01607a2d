//! Which branches may be deployed. CI names images `<branch>-<commit>`, so that a tag says its branch.

use nprt_core::model::{Branches, Reference, Tag};
use nprt_core::{Error, ErrorKind, Result};

use super::job::Job;
use super::request::Request;

const OPERATION: &str = "pipeline.branch";

/// The limits of a request, each with who sets it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits<'a>([(&'static str, &'a Branches); 2]);

impl Job<'_> {
    pub(super) fn limits<'a>(&'a self, request: &'a Request) -> Limits<'a> {
        Limits([
            ("the service does not allow this branch to be deployed", &self.service.deployable_branches),
            ("the caller may not deploy this branch", &request.branches),
        ])
    }

    /// Refuses a branch or a tag by what the request says of it, before anything is looked up.
    pub(super) fn check_asked(&self, request: &Request) -> Result<()> {
        let limits = self.limits(request);
        if let Some(tag) = request.version.tag() {
            limits.check(tag)?;
        }
        match request.version.commit() {
            // Which branch is the default one is not known yet; the tag will say it.
            Some(Reference::Branch(branch)) if branch.as_str() != "HEAD" => {
                limits.first(|branches| !branches.allow_branch(branch.as_str()), ("branch", branch))
            }
            _ => Ok(()),
        }
    }
}

impl Limits<'_> {
    /// Whether there is a branch that may not be deployed.
    pub(super) fn is_limited(&self) -> bool {
        self.0.iter().any(|(_, branches)| branches.is_limited())
    }

    /// # Errors
    /// `Forbidden` for a tag of a branch that may not be deployed, with those that may.
    pub(super) fn check(&self, tag: &Tag) -> Result<()> {
        self.first(|branches| !branches.allow_tag(tag), ("tag", tag))
    }

    fn first(
        &self,
        refuses: impl Fn(&Branches) -> bool,
        (name, value): (&'static str, &dyn std::fmt::Display),
    ) -> Result<()> {
        let Some((why, branches)) = self.0.iter().find(|(_, branches)| refuses(branches)) else {
            return Ok(());
        };
        let error = Error::new(ErrorKind::Forbidden, OPERATION, *why);
        Err(error.with(name, value).with_available(branches.names()))
    }
}

/// Whether a version was refused for its branch: an answer to who asks, and no news to others.
pub(super) fn is_refusal(error: &Error) -> bool {
    error.operation() == OPERATION
}
