//! Changes that somebody else may be quicker with: the server refuses what is built on an object that is another by now,
//! and it is built again on that one, at once.

use std::num::NonZeroU32;

use nprt_core::ports::Clock;
use nprt_core::wrap::{Backoff, Tries};
use nprt_core::{Error, ErrorKind};

use crate::operation::operation;

/// How often such a change is tried.
const TRIES: NonZeroU32 = NonZeroU32::new(20).unwrap();

/// The tries of one change.
pub(crate) fn tries(clock: &dyn Clock) -> Tries<'_> {
    Tries::new(Backoff::immediate(TRIES), clock)
}

/// That none of them was quick enough.
pub(crate) fn contended() -> Error {
    Error::new(ErrorKind::Unavailable, operation(), "others keep changing the object")
}
