//! All or nothing for a person: before an operation changes which version runs, it records in the cluster what is
//! there and what it is about to apply, says on the service's lease from which version to which it goes, and removes
//! both when it is done.
//! Whoever takes the lease and learns from it of such a change settles it first: it is finished where the cluster has
//! all that was to be applied (`finish`), and else undone (`revert`). The operation itself undoes it where it fails,
//! and so does a rollback. This needs the cluster alone.

pub(crate) mod finish;
pub(crate) mod intent;
pub(crate) mod left_over;
pub(crate) mod log;
pub(crate) mod record;
pub(crate) mod revert;
pub(crate) mod secrets;
pub(crate) mod settle;
