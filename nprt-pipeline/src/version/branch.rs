//! Which branches may be deployed. CI names images `<branch>-<commit>`, so that a tag says its branch.

use nprt_core::model::{Branches, Reference, Tag};
use nprt_core::{Error, ErrorKind, Result};

use crate::context::Context;
use crate::request::Request;

const OPERATION: &str = "pipeline.branch";

/// The limits of a request, each with who sets it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits<'a>([(&'static str, &'a Branches); 2]);

pub(crate) fn limits<'a>(cx: &'a Context<'_>, request: &'a Request) -> Limits<'a> {
    Limits([
        ("the service does not allow this branch to be deployed", &cx.service.deployable_branches),
        ("the caller may not deploy this branch", &request.branches),
    ])
}

/// Refuses a branch or a tag by what the request says of it, before anything is looked up.
pub(crate) fn check_asked(cx: &Context<'_>, request: &Request) -> Result<()> {
    let limits = limits(cx, request);
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

impl Limits<'_> {
    /// Whether there is a branch that may not be deployed.
    pub(crate) fn is_limited(&self) -> bool {
        self.0.iter().any(|(_, branches)| branches.is_limited())
    }

    /// # Errors
    /// `Forbidden` for a tag of a branch that may not be deployed, with those that may.
    pub(crate) fn check(&self, tag: &Tag) -> Result<()> {
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
pub(crate) fn is_refusal(error: &Error) -> bool {
    error.operation() == OPERATION
}
