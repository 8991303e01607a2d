//! Waits for pods.

pub(crate) mod pods;
pub(crate) mod rollout;
