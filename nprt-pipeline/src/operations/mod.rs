//! The operations: each reads like a page.

pub(crate) mod canary;
pub(crate) mod deploy;
pub(crate) mod expire;
pub(crate) mod images;
pub(crate) mod judge;
pub(crate) mod make_stable;
pub(crate) mod measure;
pub(crate) mod pause;
pub(crate) mod preview;
pub(crate) mod promote;
pub(crate) mod reconcile;
pub(crate) mod rollback;
pub(crate) mod status;
pub(crate) mod undecided;
pub(crate) mod untold;
