//! What an operation has seen, and how it tells people how it ended.

pub(crate) mod about;
pub(crate) mod announcer;
pub(crate) mod reports;
pub(crate) mod subject;
pub(crate) mod witness;
