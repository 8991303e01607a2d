//! What the judge of a canary knows.

pub(crate) mod checkpoint;
pub(crate) mod judged;
pub(crate) mod measurements;
pub(crate) mod standing;
