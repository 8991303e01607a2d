//! The undo log of a service: its records, written and removed under a lease.

use crate::apply::applier::Applier;

/// Records what an operation changes before it changes it, and puts that back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UndoLog<'a> {
    pub(crate) to: Applier<'a>,
}
