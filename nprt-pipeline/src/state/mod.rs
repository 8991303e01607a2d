//! What runs, as a plain value.

pub(crate) mod kinds;
pub(crate) mod marked;
pub(crate) mod names;
pub(crate) mod running;
pub(crate) mod snapshot;
