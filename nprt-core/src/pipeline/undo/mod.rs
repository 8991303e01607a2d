//! All or nothing for a person: before a deploy changes stable, it records in the cluster what is there, says on
//! the service's lease from which version to which it goes, and removes both when the rollout is complete.
//! Whoever takes the lease and learns from it of such a change puts back what the record says: the deploy itself where it fails, and else the next operation, for one that was
//! cancelled or whose process died. This needs the cluster alone.

mod record;
mod revert;
