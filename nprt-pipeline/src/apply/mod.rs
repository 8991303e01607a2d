//! Changes the cluster under the lease.

pub(crate) mod applier;
pub(crate) mod define;
pub(crate) mod jobs;
pub(crate) mod mark;
pub(crate) mod older;
pub(crate) mod past_canary;
pub(crate) mod prune;
pub(crate) mod removal;
pub(crate) mod routes_back;
