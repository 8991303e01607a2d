//! Finds a version: its revision, its manifests, the tag of its images.

pub(crate) mod branch;
pub(crate) mod source;
pub(crate) mod tag;
