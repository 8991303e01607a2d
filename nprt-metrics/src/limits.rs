//! The limits of a backend's answers, as they are configured.

use nprt_core::{Error, Result};

/// Checks that each of these fields allows something.
///
/// # Errors
/// `Invalid`, naming the field.
pub(crate) fn check_limits(operation: &'static str, limits: &[(&'static str, usize)]) -> Result<()> {
    match limits.iter().find(|(_, limit)| *limit == 0) {
        Some((field, _)) => Err(Error::invalid(operation, "expected at least 1").with("field", field)),
        None => Ok(()),
    }
}
