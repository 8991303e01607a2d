//! What a service may bring to the cluster, and whose an object is.

pub(crate) mod allowed;
pub(crate) mod ownership;
