//! What an operation will do, accepted by the cluster before anything changes.

pub(crate) mod beside;
pub(crate) mod definitions;
pub(crate) mod drift;
pub(crate) mod dry_run;
pub(crate) mod orphans;
pub(crate) mod planned;
pub(crate) mod promotion;
pub(crate) mod routes;
pub(crate) mod spent;
pub(crate) mod stable;
pub(crate) mod strangers;
